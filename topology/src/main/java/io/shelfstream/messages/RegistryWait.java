package io.shelfstream.messages;

import io.shelfstream.registry.SchemaRegistryException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks a registry that is down again until it answers: the record that needs it may be good, and
 * giving up would make it a dead letter. The log says what is waited for. Safe for several threads.
 *
 * <p>A stream thread may wait longer than Kafka allows. Then its partitions and its transaction go
 * to another thread, or back to itself, and the same record is read again.
 */
public final class RegistryWait {
  private static final Logger log = LoggerFactory.getLogger(RegistryWait.class);
  private static final Duration PAUSE = Duration.ofSeconds(1);
  private static final Duration REPORT = Duration.ofSeconds(10);

  /** The wait was ended from outside; the record was not handled. */
  public static final class Stopped extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Stopped(SchemaRegistryException waitedFor) {
      super("Stopped while waiting for the schema registry", waitedFor);
    }
  }

  private final CountDownLatch stopped = new CountDownLatch(1);
  private final AtomicInteger waiting = new AtomicInteger();
  private final Outage outage = new Outage();

  RegistryWait() {}

  /**
   * The answer, as soon as there is one.
   *
   * @throws SchemaRegistryException when the answer is a refusal
   * @throws Stopped after {@link #stop}
   */
  <T> T until(Supplier<T> question) {
    return until(question, SchemaRegistryException::isTemporary);
  }

  /** The same, but fails at once when the registry refuses our credentials. */
  public <T> T untilReachable(Supplier<T> question) {
    return until(question, e -> e.kind() == SchemaRegistryException.Kind.UNAVAILABLE);
  }

  private <T> T until(Supplier<T> question, Predicate<SchemaRegistryException> mayPass) {
    boolean waited = false;
    while (true) {
      try {
        T answer = question.get();
        if (waited) {
          outage.over();
        }
        return answer;
      } catch (RuntimeException e) {
        if (!(e instanceof SchemaRegistryException away) || !mayPass.test(away)) {
          if (waited) {
            outage.over(); // a refusal is an answer, too
          }
          throw e;
        }
        outage.goesOn(away);
        waited = true;
        pause(away);
      }
    }
  }

  /** One log message for all threads that wait. */
  private static final class Outage {
    private boolean known;
    private long began;
    private long reported;

    synchronized void goesOn(SchemaRegistryException e) {
      long now = System.nanoTime();
      if (!known) {
        known = true;
        began = now;
        reported = now;
        log.atWarn().log("Waiting for the schema registry: {}", e.getMessage());
      } else if (now - reported >= REPORT.toNanos()) {
        reported = now;
        log.atWarn()
            .addKeyValue("seconds", seconds())
            .log("Still waiting for the schema registry: {}", e.getMessage());
      }
    }

    synchronized void over() {
      if (known) {
        known = false;
        log.atInfo()
            .addKeyValue("seconds", seconds())
            .log("The schema registry answers again; the wait is over");
      }
    }

    private long seconds() {
      return Duration.ofNanos(System.nanoTime() - began).toSeconds();
    }
  }

  /** Whether any thread waits at the moment. */
  public boolean isWaiting() {
    return waiting.get() > 0;
  }

  private void pause(SchemaRegistryException waitedFor) {
    waiting.incrementAndGet();
    try {
      if (stopped.await(PAUSE.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new Stopped(waitedFor);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Stopped(waitedFor);
    } finally {
      waiting.decrementAndGet();
    }
  }

  /** Ends all waits, now and later. */
  public void stop() {
    stopped.countDown();
  }
}
