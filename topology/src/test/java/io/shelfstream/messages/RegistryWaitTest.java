package io.shelfstream.messages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.shelfstream.registry.SchemaRegistryException;
import io.shelfstream.registry.SchemaRegistryException.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.apache.kafka.common.errors.SerializationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class RegistryWaitTest {
  private static final Logger LOGGER = (Logger) LoggerFactory.getLogger(RegistryWait.class);

  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private final RegistryWait wait = new RegistryWait();

  @BeforeEach
  void listen() {
    log.start();
    LOGGER.addAppender(log);
  }

  @AfterEach
  void stop() {
    LOGGER.detachAppender(log);
  }

  /** Fails so often, then does what is last. */
  private static Supplier<String> awayFor(int questions, Supplier<String> last) {
    AtomicInteger asked = new AtomicInteger();
    return () -> {
      if (asked.incrementAndGet() <= questions) {
        throw new SchemaRegistryException(Kind.UNAVAILABLE, "nobody answers");
      }
      return last.get();
    };
  }

  @Test
  void saysOnceForAllThreadsThatItWaitsAndThatTheWaitIsOver() {
    List<CompletableFuture<String>> threads = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      threads.add(
          CompletableFuture.supplyAsync(
              () -> wait.until(awayFor(1, () -> "schema")), task -> new Thread(task).start()));
    }
    assertThat(threads).allSatisfy(thread -> assertThat(thread.join()).isEqualTo("schema"));
    assertThat(messages(Level.WARN)).hasSize(1).first().asString().contains("nobody answers");
    assertThat(messages(Level.INFO))
        .containsExactly("The schema registry answers again; the wait is over");
  }

  /** The record may be bad; the registry is back all the same. */
  @Test
  void aRefusalEndsTheWaitAsWell() {
    assertThatThrownBy(
            () ->
                wait.until(
                    awayFor(
                        1,
                        () -> {
                          throw new SchemaRegistryException(Kind.NOT_FOUND, "no such schema");
                        })))
        .isInstanceOf(SchemaRegistryException.class);
    assertThatThrownBy(
            () ->
                wait.until(
                    awayFor(
                        1,
                        () -> {
                          throw new SerializationException("damaged");
                        })))
        .isInstanceOf(SerializationException.class);
    assertThat(messages(Level.INFO)).hasSize(2).allMatch(m -> m.contains("the wait is over"));
  }

  @Test
  void isSilentWithoutAWait() {
    assertThat(wait.until(() -> "schema")).isEqualTo("schema");
    assertThat(log.list).isEmpty();
  }

  private List<String> messages(Level level) {
    return log.list.stream()
        .filter(event -> event.getLevel() == level)
        .map(ILoggingEvent::getFormattedMessage)
        .toList();
  }
}
