package io.shelfstream.image;

/** Bytes that cannot be used as an image. */
public final class ImageException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Why; these names reach the dead letters. */
  public enum Reason {
    EMPTY_IMAGE,
    TOO_MANY_BYTES,
    TOO_MANY_PIXELS,
    /** Not a JPEG, PNG, WebP or BMP. */
    UNSUPPORTED_IMAGE,
    /** Of a known format, but damaged or cut off. */
    CORRUPT_IMAGE
  }

  private final Reason reason;

  ImageException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}
