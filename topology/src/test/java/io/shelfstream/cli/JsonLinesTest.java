package io.shelfstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shelfstream.logging.LogContext;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.MDC;

/** The log that we ship, with {@code log.format = json}. */
class JsonLinesTest {
  private final PrintStream stderr = System.err;
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final LoggerContext context = new LoggerContext();
  private final LogbackMDCAdapter mdc = new LogbackMDCAdapter();
  private Logger log;

  @BeforeEach
  void configure() throws Exception {
    System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
    context.setMDCAdapter(mdc);
    JoranConfigurator configurator = new JoranConfigurator();
    configurator.setContext(context);
    configurator.doConfigure(JsonLinesTest.class.getResource("/logback.xml"));
    JsonLines.use(context);
    log = context.getLogger("io.shelfstream.Test");
  }

  @AfterEach
  void stop() {
    context.stop();
    System.setErr(stderr);
    LogContext.show(false);
  }

  private List<JsonNode> lines() throws Exception {
    ObjectMapper json = new ObjectMapper();
    String text = err.toString(StandardCharsets.UTF_8);
    assertThat(text).endsWith("\n");
    List<JsonNode> lines = new java.util.ArrayList<>();
    for (String line : text.split("\n")) {
      lines.add(json.readTree(line));
    }
    return lines;
  }

  @Test
  void aLineIsAnObjectWithTheKeysOfTheMessage() throws Exception {
    log.atWarn()
        .addKeyValue("frames", 3)
        .addKeyValue("share", Double.NaN)
        .addKeyValue("level", "not this one")
        .addKeyValue("nothing", (Object) null)
        .log("Frames of {} are taken up again", "café");
    JsonNode line = lines().get(0);
    assertThat(Duration.between(Instant.parse(line.get("time").asText()), Instant.now()))
        .isLessThan(Duration.ofMinutes(1));
    assertThat(line.get("level").asText()).isEqualTo("WARN");
    assertThat(line.get("logger").asText()).isEqualTo("io.shelfstream.Test");
    assertThat(line.get("thread").asText()).isEqualTo(Thread.currentThread().getName());
    assertThat(line.get("message").asText()).isEqualTo("Frames of café are taken up again");
    assertThat(line.get("frames").isInt()).isTrue();
    assertThat(line.get("share").asText()).isEqualTo("NaN");
    assertThat(line.get("nothing").asText()).isEqualTo("null");
    assertThat(line.has("stack_trace")).isFalse();
  }

  @Test
  void aLineSaysWhichRecordItIsAbout() throws Exception {
    mdc.put(LogContext.TRACE_ID, "4bf92f3577b34da6a3ce929d0e0e4736");
    mdc.put(LogContext.CAMERA, "c17");
    mdc.put(LogContext.PARTITION, "3");
    mdc.put(LogContext.OFFSET, "42");
    log.atInfo().addKeyValue("offset", 42).log("x");
    JsonNode line = lines().get(0);
    assertThat(line.get("trace_id").asText()).isEqualTo("4bf92f3577b34da6a3ce929d0e0e4736");
    assertThat(line.get("camera").asText()).isEqualTo("c17");
    assertThat(line.get("partition").isNumber()).isTrue();
    assertThat(line.get("offset").asLong()).isEqualTo(42);
  }

  @Test
  void whateverStandsInARecordTheLineIsOneAndBounded() throws Exception {
    String hostile = "a\u001B[2J\u009B\n\u2028\u202E\uD800\"\\".repeat(10_000);
    Exception failure = new IllegalStateException(hostile, new IllegalArgumentException(hostile));
    log.atError().addKeyValue("key", hostile).setCause(failure).log(hostile.replace("{}", ""));
    String text = err.toString(StandardCharsets.UTF_8);
    assertThat(text).hasSizeLessThan(100_000).matches("[ -~]*\n");
    assertThat(lines()).hasSize(1);
    assertThat(lines().get(0).get("message").asText()).startsWith("a\u001B[2J");
  }

  @Test
  void aStackTraceNamesEveryCauseAndIsBounded() throws Exception {
    Throwable failure = new IllegalStateException("outer", new IllegalArgumentException("inner"));
    log.atError().setCause(failure).log("Failed");
    log.atError().setCause(deep(5_000)).log("Failed");
    assertThat(lines().get(0).get("stack_trace").asText())
        .startsWith(
            "java.lang.IllegalStateException: outer\n\tat io.shelfstream.cli.JsonLinesTest.")
        .contains("\nCaused by: java.lang.IllegalArgumentException: inner\n\tat ");
    assertThat(lines().get(1).get("stack_trace").asText()).hasSizeLessThan(8_100).contains(" more");
  }

  private static Throwable deep(int frames) {
    return frames == 0 ? new IllegalStateException("deep") : deep(frames - 1);
  }

  @Test
  void theContextOfARecordFollowsToOtherThreadsAndEnds() throws Exception {
    MDC.clear();
    LogContext.show(true);
    LogContext.Held[] held = new LogContext.Held[1];
    try (LogContext.Scope outer =
        LogContext.of("frames", 3, 42, "c17", () -> "4bf92f3577b34da6a3ce929d0e0e4736")) {
      try (LogContext.Scope inner = LogContext.of("frames", 3, 43, null, () -> null)) {
        assertThat(MDC.get("offset")).isEqualTo("43");
        assertThat(MDC.get("camera")).isEqualTo("c17");
      }
      assertThat(MDC.get("offset")).isEqualTo("42");
      held[0] = LogContext.hold();
    }
    assertThat(MDC.get("offset")).isNull();
    String[] seen = new String[2];
    Thread other =
        new Thread(
            () -> {
              held[0].run(() -> seen[0] = MDC.get("topic") + MDC.get("trace_id"));
              seen[1] = MDC.get("topic");
            });
    other.start();
    other.join();
    assertThat(seen).containsExactly("frames4bf92f3577b34da6a3ce929d0e0e4736", null);

    LogContext.show(false);
    try (LogContext.Scope scope =
        LogContext.of(
            "frames",
            3,
            42,
            "c17",
            () -> {
              throw new AssertionError("not asked for");
            })) {
      assertThat(MDC.get("topic")).isNull();
    }
  }
}
