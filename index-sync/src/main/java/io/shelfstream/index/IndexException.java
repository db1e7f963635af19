package io.shelfstream.index;

/** An index failed, or was used after it was closed. Its code says which part to look at. */
public final class IndexException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final Code code;

  public IndexException(Code code, String message) {
    super(message);
    this.code = code;
  }

  public IndexException(Code code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  public Code code() {
    return code;
  }

  /** Order and names mirror enum Failure in src/main/cpp/failure.h, shifted by one; change both. */
  public enum Code {
    /** The index is closed, or was closed while the call ran. */
    CLOSED,
    /** This type of index must be trained before vectors are added. */
    NOT_TRAINED,
    /** This type of index cannot do that. */
    UNSUPPORTED,
    /** A file is missing, damaged, of another kind, or cannot be written. */
    FILE,
    /** Memory outside the Java heap ran out. */
    OUT_OF_MEMORY,
    /** Faiss itself failed. */
    FAISS,
    /** The native library could not be loaded. Raised by Java only. */
    LIBRARY
  }
}
