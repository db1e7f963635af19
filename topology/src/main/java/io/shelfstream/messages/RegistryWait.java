package io.shelfstream.messages;

import io.shelfstream.outage.Deadline;
import io.shelfstream.outage.Wait;
import io.shelfstream.registry.SchemaRegistryException;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.LoggerFactory;

/**
 * Asks a registry that is away again and again, because nothing is known against the record that
 * needs it: giving up would lose it to the dead letters. The log says what is waited for. Usable by
 * any thread.
 *
 * <p>A stream thread may wait longer than Kafka lets it: then its partitions and its transaction
 * pass to another thread, or to itself again, and the same record is read anew.
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

  /** The same, except that a registry that does not let us in is not waited for. */
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
