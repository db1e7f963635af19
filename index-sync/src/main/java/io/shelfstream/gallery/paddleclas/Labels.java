package io.shelfstream.gallery.paddleclas;

import java.util.regex.Pattern;

/** How much of a label is reported. */
public enum Labels {
  /** All of it, with its spaces. */
  WHOLE,

  /** Its first word: PaddleClas's Python programs cut a label at the first white space. */
  FIRST_WORD;

  /** As Python's split() sees it: the wide space of Chinese and Japanese texts counts too. */
  private static final Pattern WHITE_SPACE =
      Pattern.compile("\\s", Pattern.UNICODE_CHARACTER_CLASS);

  String of(String label) {
    String whole = label.strip();
    return this == WHOLE ? whole : WHITE_SPACE.split(whole, 2)[0];
  }
}
