package io.shelfstream.outage;

import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.Logger;

/**
 * Asks something that is away again, each second. The log says once for all threads what is waited
 * for and how to end it, again every ten seconds, and when the wait is over. Usable by any thread.
 */
public final class Wait {
  private static final Duration PAUSE = Duration.ofSeconds(1);
  private static final Duration REPORT = Duration.ofSeconds(10);

  /** The wait was ended from outside. */
  public static final class Stopped extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Stopped(String waitedFor, RuntimeException away) {
      super("Stopped while waiting for " + waitedFor, away);
    }
  }

  private final Logger log;
  private final String waitedFor;
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final AtomicInteger waiting = new AtomicInteger();
  private final Outage outage = new Outage();

  /**
   * @param waitedFor as the log names it in a sentence: {@code the broker localhost:9092}
   */
  public Wait(Logger log, String waitedFor) {
    this.log = log;
    this.waitedFor = waitedFor;
  }

  /**
   * The answer, as soon as there is one.
   *
   * @param isAway whether an exception says no more than that nobody answers; its message says why,
   *     and what to do. Any other is an answer, too, and passes through
   * @throws GaveUpException when the deadline is over; the question is asked once at least
   * @throws Stopped after {@link #stop}, or when the thread was interrupted
   */
  public <T> T until(Supplier<T> question, Predicate<RuntimeException> isAway, Deadline deadline) {
    boolean waited = false;
    while (true) {
      try {
        T answer = question.get();
        if (waited) {
          outage.over();
        }
        return answer;
      } catch (RuntimeException e) {
        if (!isAway.test(e)) {
          if (waited) {
            outage.over();
          }
          throw e;
        }
        if (deadline.isOver()) {
          throw new GaveUpException(waitedFor, deadline.after().orElseThrow(), e);
        }
        outage.goesOn(e, deadline);
        waited = true;
        pause(e, deadline.left(PAUSE));
      }
    }
  }

  private void pause(RuntimeException away, Duration pause) {
    waiting.incrementAndGet();
    try {
      if (stopped.await(pause.toNanos(), TimeUnit.NANOSECONDS)) {
        throw new Stopped(waitedFor, away);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Stopped(waitedFor, away);
    } finally {
      waiting.decrementAndGet();
    }
  }

  /** Whether any thread waits at the moment. */
  public boolean isWaiting() {
    return waiting.get() > 0;
  }

  /** Ends all waits, now and later. */
  public void stop() {
    stopped.countDown();
  }

  /** What the log says, once for all threads that wait. */
  private final class Outage {
    private boolean known;
    private long began;
    private long reported;

    synchronized void goesOn(RuntimeException away, Deadline deadline) {
      long now = System.nanoTime();
      if (!known) {
        known = true;
        began = now;
        report(now, "Waiting", away, deadline);
      } else if (now - reported >= REPORT.toNanos()) {
        report(now, "Still waiting", away, deadline);
      }
    }

    private void report(long now, String waiting, RuntimeException away, Deadline deadline) {
      reported = now;
      log.atWarn()
          .addKeyValue("seconds", secondsSoFar())
          .log(
              "{} for {}: {}; {}",
              waiting,
              waitedFor,
              away.getMessage(),
              deadline
                  .after()
                  .map(after -> "gives up after " + seconds(after) + ", Ctrl-C or SIGTERM end it")
                  .orElse("Ctrl-C or SIGTERM end the wait"));
    }

    synchronized void over() {
      if (known) {
        known = false;
        log.atInfo()
            .addKeyValue("seconds", secondsSoFar())
            .log("{} answers again; the wait is over", capitalized());
      }
    }

    private long secondsSoFar() {
      return Duration.ofNanos(System.nanoTime() - began).toSeconds();
    }

    private String capitalized() {
      return waitedFor.substring(0, 1).toUpperCase(Locale.ROOT) + waitedFor.substring(1);
    }
  }

  static String seconds(Duration duration) {
    return duration.toMillis() % 1000 == 0
        ? duration.toSeconds() + " s"
        : duration.toMillis() + " ms";
  }
}
