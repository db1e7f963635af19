package io.shelfstream.client;

import org.jspecify.annotations.Nullable;

/**
 * Puts text from others on one line of a terminal or a list: control characters, tabs, line breaks
 * and marks that turn the writing direction are written as escapes, and its length is bounded.
 */
public final class OneLine {
  /** Longest text that is shown, in UTF-16 units before escaping. */
  private static final int LONGEST = 500;

  private OneLine() {}

  /** The text, escaped; only its beginning when it is too long. */
  public static String of(@Nullable CharSequence text) {
    return of(text, LONGEST);
  }

  /** The same with another bound, at least 1. */
  public static String of(@Nullable CharSequence text, int longest) {
    if (text == null) {
      return "";
    }
    if (text.length() <= longest) {
      return escaped(text);
    }
    int end = Character.isHighSurrogate(text.charAt(longest - 1)) ? longest - 1 : longest;
    return escaped(text.subSequence(0, end)) + "…";
  }

  /** The whole text, escaped: for lists, whose lines must be different and comparable. */
  public static String escaped(CharSequence text) {
    StringBuilder line = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '\t' -> line.append("\\t");
        case '\n' -> line.append("\\n");
        case '\r' -> line.append("\\r");
        default -> {
          if (isHarmless(c)) {
            line.append(c);
          } else {
            line.append("\\u%04x".formatted((int) c));
          }
        }
      }
    }
    return line.toString();
  }

  private static boolean isHarmless(char c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> false;
      // Joiners belong to words of some scripts and to emoji.
      case Character.FORMAT -> c == '\u200C' || c == '\u200D';
      default -> true;
    };
  }
}
