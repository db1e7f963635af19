package io.shelfstream.messages;

import io.shelfstream.outage.Deadline;
import io.shelfstream.outage.Wait;
import io.shelfstream.registry.SchemaRegistryException;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.LoggerFactory;

/**
 * Asks a registry that is down again until it answers: the record that needs it may be good, and
 * giving up would make it a dead letter. The log says what is waited for. Safe for several threads.
 *
 * <p>A stream thread may wait longer than Kafka allows. Then its partitions and its transaction go
 * to another thread, or back to itself, and the same record is read again.
 */
public final class RegistryWait {
  private final Wait wait =
      new Wait(LoggerFactory.getLogger(RegistryWait.class), "the schema registry");

  RegistryWait() {}

  /**
   * The answer, as soon as there is one.
   *
   * @throws SchemaRegistryException when the answer is a refusal
   * @throws Wait.Stopped after {@link #stop}
   */
  <T> T until(Supplier<T> question) {
    return until(question, SchemaRegistryException::isTemporary, Deadline.NONE);
  }

  /** The same, but fails at once when the registry refuses our credentials. */
  public <T> T untilReachable(Supplier<T> question) {
    return untilReachable(question, Deadline.NONE);
  }

  /**
   * The same, but not for ever.
   *
   * @throws io.shelfstream.outage.GaveUpException when the deadline is over
   */
  public <T> T untilReachable(Supplier<T> question, Deadline deadline) {
    return until(question, e -> e.kind() == SchemaRegistryException.Kind.UNAVAILABLE, deadline);
  }

  private <T> T until(
      Supplier<T> question, Predicate<SchemaRegistryException> mayPass, Deadline deadline) {
    return wait.until(
        question, e -> e instanceof SchemaRegistryException away && mayPass.test(away), deadline);
  }

  /** Whether any thread waits at the moment. */
  public boolean isWaiting() {
    return wait.isWaiting();
  }

  /** Ends all waits, now and later. */
  public void stop() {
    wait.stop();
  }
}
