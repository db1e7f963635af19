package io.shelfstream.recognition;

/** Limits the length of text that is written to headers, statuses and logs. */
public final class ShortText {
  /** Longest text, in UTF-16 units. Our own messages are shorter. */
  public static final int LONGEST = 1000;

  private static final String CUT = "…";

  private ShortText() {}

  /** The text, or, where it is longer than {@link #LONGEST}, its beginning and "…". */
  public static String of(String text) {
    if (text.length() <= LONGEST) {
      return text;
    }
    int end = LONGEST - CUT.length();
    return text.substring(0, Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end) + CUT;
  }
}
