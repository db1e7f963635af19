package io.shelfstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the configuration of the log that we ship lets through, and how it looks. */
class LogTextTest {
  private final PrintStream stderr = System.err;
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final LoggerContext context = new LoggerContext();

  @BeforeEach
  void configure() throws Exception {
    System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
    context.setMDCAdapter(new LogbackMDCAdapter()); // else events cannot be made
    JoranConfigurator configurator = new JoranConfigurator();
    configurator.setContext(context);
    configurator.doConfigure(LogTextTest.class.getResource("/logback.xml"));
  }

  @AfterEach
  void stop() {
    context.stop();
    System.setErr(stderr);
  }

  private String log() {
    return err.toString(StandardCharsets.UTF_8);
  }

  @Test
  void aMessageIsOneLineOfBoundedLengthWhateverStandsInARecord() {
    context
        .getLogger("io.shelfstream.Test")
        .atWarn()
        .addKeyValue("key", "a\u001B[2J\nb".repeat(100_000))
        .log("Crème\r\n{}", "x");
    assertThat(log().lines()).singleElement().asString().hasSizeLessThan(16_000);
    assertThat(log()).contains("Crème\\r\\nx", "\\u001b[2J").doesNotContain("\u001B");
  }

  @Test
  void causesArePrintedOnceAndBounded() {
    Exception cause = new IllegalArgumentException("y".repeat(1_000_000) + "\n");
    Exception failure = new IllegalStateException("outer\nbroken", cause);
    context.getLogger("io.shelfstream.Test").atWarn().setCause(failure).log("Failed");
    assertThat(log()).hasSizeLessThan(5_000);
    assertThat(log().lines())
        .hasSize(5)
        .contains("java.lang.IllegalStateException: outer\\nbroken")
        .anyMatch(line -> line.startsWith("Caused by: java.lang.IllegalArgumentException: yyy"))
        .anyMatch(line -> line.startsWith("\tat io.shelfstream.cli.LogTextTest."));
  }

  /** Messages as Kafka Streams 4.3 writes them when a processor throws. */
  @Test
  void kafkaDoesNotTellAFailureThatWeTell() {
    Exception e = new IllegalStateException("because");
    String internals = "org.apache.kafka.streams.processor.internals.";
    context
        .getLogger("org.apache.kafka.streams.errors.LogAndFailProcessingExceptionHandler")
        .error(
            "Exception caught during message processing, processor node: {}, taskId: {}",
            "a",
            1,
            e);
    context
        .getLogger(internals + "ProcessorNode")
        .error(
            "Processing exception handler is set to fail upon a processing error. If you would rather have the streaming pipeline continue after a processing error, please set the processing.exception.handler appropriately.");
    context
        .getLogger(internals + "TaskExecutor")
        .error(
            "stream-thread [x] Failed to process stream task 0_0 due to the following error:", e);
    context
        .getLogger("org.apache.kafka.streams.KafkaStreams")
        .error("stream-client [x] Replacing thread in the streams uncaught exception handler", e);
    assertThat(log()).isEmpty();

    context
        .getLogger(internals + "TaskExecutor")
        .warn("Failed to process stream task 0_0 since it got migrated to another thread already.");
    context
        .getLogger("org.apache.kafka.clients.NetworkClient")
        .warn("Failed to process stream task");
    assertThat(log().lines()).hasSize(2);
  }
}
