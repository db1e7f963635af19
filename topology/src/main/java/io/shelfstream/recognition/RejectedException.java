package io.shelfstream.recognition;

import io.shelfstream.fetch.FetchException;
import io.shelfstream.image.ImageException;
import io.shelfstream.index.IndexException;
import io.shelfstream.logging.RepeatedFailure;
import io.shelfstream.model.ModelException;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Input that cannot be processed. It never stops the stream: it becomes one dead letter that says
 * at which {@link Stage} and why.
 */
public final class RejectedException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Our own reasons; fetching and decoding have theirs. */
  public enum Reason {
    /** The record is not what its topic holds. */
    UNDECODABLE_RECORD,
    /** The record can be read, but a field of it is wrong. */
    INVALID_RECORD,
    /** An embedding of another extractor than the one in use. */
    FOREIGN_EXTRACTOR,
    /** A model failed on this image. */
    MODEL_FAILED,
    /** The vector index failed on this image. */
    INDEX_FAILED,
    /** A fault in our code that this input triggers; the log has its stack trace. */
    INTERNAL_ERROR
  }

  private static final Logger log = LoggerFactory.getLogger(RejectedException.class);

  /** A fault may concern every frame of a camera. */
  private static final RepeatedFailure UNEXPECTED = new RepeatedFailure();

  private final Stage stage;
  private final String reason;

  private RejectedException(Stage stage, String reason, String message, Throwable cause) {
    super(ShortText.of(message), cause);
    this.stage = stage;
    this.reason = reason;
  }

  public RejectedException(Stage stage, Reason reason, String message) {
    super(ShortText.of(message)); // it is copied to statuses and headers
    this.stage = stage;
    this.reason = reason.name();
  }

  /** Every reason class there is, our own, those of fetching and those of decoding; each once. */
  public static Set<String> reasons() {
    return Stream.<Enum<?>[]>of(
            Reason.values(), FetchException.Reason.values(), ImageException.Reason.values())
        .flatMap(Stream::of)
        .map(Enum::name)
        .collect(Collectors.toUnmodifiableSet());
  }

  public static RejectedException undecodable(String message, Throwable cause) {
    return new RejectedException(Stage.READ, Reason.UNDECODABLE_RECORD.name(), message, cause);
  }

  public static RejectedException of(FetchException e) {
    return new RejectedException(Stage.FETCH, e.reason().name(), messageOf(e), e);
  }

  public static RejectedException of(ImageException e) {
    return new RejectedException(Stage.DECODE, e.reason().name(), messageOf(e), e);
  }

  public static RejectedException of(Stage stage, ModelException e) {
    return new RejectedException(stage, Reason.MODEL_FAILED.name(), messageOf(e), e);
  }

  public static RejectedException of(IndexException e) {
    return new RejectedException(Stage.SEARCH, Reason.INDEX_FAILED.name(), messageOf(e), e);
  }

  /**
   * An unexpected failure. If it were thrown on, it would end the stream thread, and after each
   * restart again, on the same record.
   */
  public static RejectedException unexpected(Stage stage, Throwable e) {
    UNEXPECTED.log(log.atError(), e, "Unexpected failure at stage {}", stage.label());
    return new RejectedException(
        stage,
        Reason.INTERNAL_ERROR.name(),
        "Unexpected " + e + "; please report it with the stack trace in the service's log",
        e);
  }

  /** A record whose processing failed twice, for whatever reason ({@code FailedRecords}). */
  public static RejectedException setAside(Throwable last) {
    Throwable root = last;
    while (root.getCause() != null && root.getCause() != root) {
      root = root.getCause();
    }
    return new RejectedException(
        Stage.READ,
        Reason.INTERNAL_ERROR.name(),
        "Processing failed twice with "
            + root.getClass().getName()
            + "; please report it with the stack trace in the service's log",
        last);
  }

  /** Whether a failure is of this process, not of the input: out of memory, a missing class. */
  public static boolean isOfTheProcess(Throwable failure) {
    return failure instanceof Error && !(failure instanceof StackOverflowError);
  }

  private static String messageOf(Exception e) {
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }

  public Stage stage() {
    return stage;
  }

  /** The reason class, as written to {@code shelf.error.class}. */
  public String reason() {
    return reason;
  }

  /** What was wrong, with the value and the remedy. */
  public String message() {
    return messageOf(this);
  }
}
