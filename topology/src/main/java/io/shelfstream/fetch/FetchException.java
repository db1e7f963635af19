package io.shelfstream.fetch;

import org.jspecify.annotations.Nullable;

/** An image reference that gave no bytes. */
public final class FetchException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Why; these names are written to dead letters. */
  public enum Reason {
    /** No URI, or of a scheme that is not supported. */
    INVALID_REFERENCE(false),
    /** Outside the allowed roots, hosts, addresses or buckets, directly or by a redirect. */
    FORBIDDEN_LOCATION(false),
    NOT_FOUND(false),
    /** The other side failed, or could not be reached. */
    FETCH_FAILED(true),
    FETCH_TIMEOUT(true),
    TOO_MANY_BYTES(false),
    EMPTY_IMAGE(false),
    CHECKSUM_MISMATCH(false);

    private final boolean retryable;

    Reason(boolean retryable) {
      this.retryable = retryable;
    }
  }

  private final Reason reason;
  private final boolean retryable;

  FetchException(Reason reason, String message) {
    this(reason, message, null);
  }

  FetchException(Reason reason, String message, @Nullable Throwable cause) {
    this(reason, message, cause, reason.retryable);
  }

  private FetchException(
      Reason reason, String message, @Nullable Throwable cause, boolean retryable) {
    super(message, cause);
    this.reason = reason;
    this.retryable = retryable;
  }

  /** A failure that would happen again at another try. */
  static FetchException lasting(String message) {
    return new FetchException(Reason.FETCH_FAILED, message, null, false);
  }

  /** An image that did not come in time. */
  static FetchException late(String uri, FetchLimits limits, Throwable cause) {
    return new FetchException(
        Reason.FETCH_TIMEOUT,
        "%s did not arrive within %s (images.connect.timeout, images.read.timeout)"
            .formatted(References.shown(uri), limits.readTimeout()),
        cause);
  }

  public Reason reason() {
    return reason;
  }

  /** True when the same reference may work later. */
  public boolean retryable() {
    return retryable;
  }
}
