package io.shelfstream.evaluate;

import io.shelfstream.client.OneLine;

/** Text inside HTML and SVG. */
final class Html {
  private Html() {}

  /** The text with nothing that a browser could take for markup, on one line. */
  static String text(String text) {
    return OneLine.of(text)
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("'", "&#39;");
  }
}
