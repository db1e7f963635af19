package io.shelfstream.http;

import com.linecorp.armeria.common.ResponseCompleteException;
import com.linecorp.armeria.common.stream.ClosedStreamException;
import com.linecorp.armeria.common.util.Exceptions;
import io.netty.channel.unix.Errors;
import io.shelfstream.recognition.RejectedException;
import java.net.SocketException;
import java.nio.channels.ClosedChannelException;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A request that is not done; reason class and message go to the caller. */
public final class RefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final Logger log = LoggerFactory.getLogger(RefusedException.class);

  /** Faults of ours, not of the image. */
  private static final Set<String> FAULTS =
      Set.of("MODEL_FAILED", "INDEX_FAILED", "INTERNAL_ERROR");

  /** What the caller can do about it. */
  public enum Kind {
    /** Send another request: this one is not as described. */
    BAD_REQUEST,
    /** Nothing: what is asked for does not exist. */
    NOT_FOUND,
    /** Nothing here: this process cannot do it. */
    NOT_HERE,
    /** Send another image or photo: this one cannot be used. */
    UNUSABLE,
    /** Come again: too many are at it. */
    FULL,
    /** Come again when the service is ready. */
    NOT_READY,
    /** Report it: a fault of ours. */
    FAULT
  }

  private final Kind kind;
  private final String reason;

  /**
   * @param reason class, in capitals
   * @param message with the value and the remedy
   */
  public RefusedException(Kind kind, String reason, String message) {
    super(message);
    this.kind = kind;
    this.reason = reason;
  }

  public static RefusedException badRequest(String message) {
    return new RefusedException(Kind.BAD_REQUEST, "BAD_REQUEST", message);
  }

  public static RefusedException notReady(String message) {
    return new RefusedException(Kind.NOT_READY, "NOT_READY", message);
  }

  public static RefusedException noPhoto(String galleryImageId) {
    return new RefusedException(
        Kind.NOT_FOUND, "NOT_FOUND", "The gallery has no photo '" + galleryImageId + "'");
  }

  /**
   * @param why the rest of the sentence "The photo cannot be shown: …"
   */
  public static RefusedException noPicture(String why) {
    return new RefusedException(Kind.NOT_FOUND, "NO_PICTURE", "The photo cannot be shown: " + why);
  }

  /** What a caller is told of a failure. One that nobody foresaw is logged. */
  public static RefusedException of(Throwable failure) {
    Throwable cause = failure;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause instanceof RefusedException refused) {
      return refused;
    }
    if (cause instanceof RejectedException rejected) {
      Kind kind = FAULTS.contains(rejected.reason()) ? Kind.FAULT : Kind.UNUSABLE;
      return new RefusedException(kind, rejected.reason(), rejected.message());
    }
    if (cause instanceof CancellationException) {
      return notReady("the service stops");
    }
    if (!isCallerGone(failure)) {
      log.atError().setCause(failure).log("Unexpected failure of a request");
    }
    return new RefusedException(Kind.FAULT, "INTERNAL_ERROR", "see the log of the service");
  }

  /** Then nobody reads the answer, and nothing is wrong with us. */
  private static boolean isCallerGone(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof ClosedStreamException
          || cause instanceof ClosedChannelException
          || cause instanceof SocketException
          || cause instanceof Errors.NativeIoException // "Connection reset by peer"
          || cause instanceof ResponseCompleteException
          || Exceptions.isStreamCancelling(cause)) {
        return true;
      }
    }
    return false;
  }

  public Kind kind() {
    return kind;
  }

  /** Reason class, in capitals. */
  public String reason() {
    return reason;
  }

  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage());
  }
}
