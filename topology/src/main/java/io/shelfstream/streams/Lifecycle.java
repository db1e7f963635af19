package io.shelfstream.streams;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The state of the service, of an application or of a gallery that is followed: one at a time. Each
 * change goes to the log once, with its reason. Safe for several threads.
 *
 * <pre>
 * STARTING ──► READY ◄──► REBUILDING
 *     └──────────┴────────────┴──► FAILED, or DRAINING ──► STOPPED
 * </pre>
 */
public final class Lifecycle {
  private static final Logger log = LoggerFactory.getLogger(Lifecycle.class);

  /** What something that runs is doing. */
  public enum State {
    /** Not yet at work: models load, the gallery is read. */
    STARTING("starts"),
    /** At work. */
    READY("is ready"),
    /** A part has failed and is built again; everything else goes on. */
    REBUILDING("is built anew"),
    /** Finishes what is in hand and takes nothing new. */
    DRAINING("finishes what is in hand"),
    /** Ended as it was told to. */
    STOPPED("has stopped"),
    /** Ended, or about to end, by a failure; the process has to be started again. */
    FAILED("has failed");

    private final String does;

    State(String does) {
      this.does = does;
    }

    private boolean mayBecome(State next) {
      return switch (this) {
        case STARTING, READY, REBUILDING -> next != this && next != STARTING;
        case FAILED, DRAINING -> next == STOPPED;
        case STOPPED -> false;
      };
    }
  }

  private final String of;
  private final Consumer<Lifecycle> changed;
  private volatile State state = State.STARTING;
  private volatile String reason = "";
  private volatile @Nullable Throwable failure;

  /**
   * @param of what it is the state of; log messages begin with it
   */
  public Lifecycle(String of) {
    this(of, now -> {});
  }

  /**
   * @param of what it is the state of; log messages begin with it
   * @param changed called after each change, by the thread that made it
   */
  public Lifecycle(String of, Consumer<Lifecycle> changed) {
    this.of = of;
    this.changed = changed;
  }

  public State state() {
    return state;
  }

  /** Why it has its state; empty at the start. */
  public String reason() {
    return reason;
  }

  /** What it is the state of. */
  public String of() {
    return of;
  }

  /** What made it fail; null where nothing did, or nothing is known. */
  public @Nullable Throwable failure() {
    return failure;
  }

  public boolean is(State which) {
    return state == which;
  }

  /** Whether it was told to end: then an end is no failure. */
  public boolean isStopping() {
    State now = state;
    return now == State.DRAINING || now == State.STOPPED;
  }

  /**
   * Changes the state, if the current state allows it.
   *
   * @param reason for the log
   * @return whether it was changed; false if it was in that state already, or in a later one
   */
  public boolean to(State next, String reason) {
    return to(next, reason, null);
  }

  /**
   * The same because of a failure.
   *
   * @param cause for the log
   */
  public boolean to(State next, String reason, @Nullable Throwable cause) {
    synchronized (this) {
      if (!state.mayBecome(next)) {
        return false;
      }
      state = next;
      this.reason = reason;
      if (next == State.FAILED) {
        failure = cause;
      }
    }
    var event =
        switch (next) {
          case FAILED -> log.atError();
          case REBUILDING -> log.atWarn();
          default -> log.atInfo();
        };
    if (cause != null) {
      event = event.setCause(cause);
    }
    event.log("{} {}: {}", of, next.does, reason);
    changed.accept(this);
    return true;
  }
}
