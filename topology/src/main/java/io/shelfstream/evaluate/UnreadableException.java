package io.shelfstream.evaluate;

/** A photo cannot be used; the message says why. */
final class UnreadableException extends Exception {
  private static final long serialVersionUID = 1L;

  UnreadableException(String why) {
    super(why);
  }
}
