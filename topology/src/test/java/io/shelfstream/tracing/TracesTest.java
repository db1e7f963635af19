package io.shelfstream.tracing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.opentelemetry.proto.trace.v1.Span.SpanKind;
import io.opentelemetry.proto.trace.v1.Status.StatusCode;
import io.shelfstream.messages.SourcePosition;
import io.shelfstream.messages.TraceContext;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.recognition.Stage;
import io.shelfstream.recognition.StageTimes;
import io.shelfstream.tracing.OtlpReceiver.Received;
import java.net.ServerSocket;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** What arrives at a receiver of OTLP. */
class TracesTest {
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final String SPAN = "b7ad6b7169203331";
  private static final TraceContext SAMPLED = context("00-" + TRACE + "-" + SPAN + "-01");
  private static final SourcePosition SOURCE = new SourcePosition("frames", 3, 42);

  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private final Logger root = (Logger) LoggerFactory.getLogger("ROOT");
  private final OtlpReceiver receiver = new OtlpReceiver(0);

  @BeforeEach
  void listen() {
    log.start();
    root.addAppender(log);
  }

  @AfterEach
  void stop() {
    root.detachAppender(log);
    receiver.close();
  }

  private static TraceContext context(String parent) {
    return TraceContext.parse(parent, null);
  }

  private Traces open(String... more) {
    Map<String, String> settings = new HashMap<>();
    settings.put("otel.exporter.otlp.endpoint", receiver.endpoint());
    settings.put("otel.bsp.schedule.delay", "100");
    for (int i = 0; i < more.length; i += 2) {
      settings.put(more[i], more[i + 1]);
    }
    return Traces.open(settings);
  }

  private static StageTimes seen(Stage... stages) throws InterruptedException {
    StageTimes times = new StageTimes();
    times.lap(Stage.READ);
    for (Stage stage : stages) {
      Thread.sleep(2);
      times.lap(stage);
    }
    return times;
  }

  private static void answer(Traces traces, TraceContext parent) throws InterruptedException {
    WorkSpan span = traces.process(SOURCE, parent, "c17");
    StageTimes times = seen(Stage.FETCH, Stage.DECODE, Stage.DETECT, Stage.EXTRACT, Stage.SEARCH);
    span.queue(times);
    span.stages(times, null);
    span.publish("recognitions", "id-1", () -> {});
    span.end();
  }

  @ParameterizedTest
  @ValueSource(strings = {"grpc", "http/protobuf"})
  void aFrameIsASpanOfTheProducersTraceWithItsStagesInOrder(String protocol) throws Exception {
    long before = System.currentTimeMillis();
    try (Traces traces = open("otel.exporter.otlp.protocol", protocol)) {
      answer(traces, SAMPLED);
    }
    long after = System.currentTimeMillis() + 1;

    List<Received> spans = receiver.spans();
    assertThat(spans)
        .extracting(Received::name)
        .containsExactly(
            "queue",
            "fetch",
            "decode",
            "detect",
            "extract",
            "search",
            "publish recognitions",
            "process frames");
    assertThat(spans).extracting(Received::traceId).containsOnly(TRACE);
    Received frame = spans.get(7);
    assertThat(frame.parentId()).isEqualTo(SPAN);
    assertThat(frame.span().getKind()).isEqualTo(SpanKind.SPAN_KIND_CONSUMER);
    assertThat(frame.attributes())
        .containsEntry("messaging.system", "kafka")
        .containsEntry("messaging.operation.type", "process")
        .containsEntry("messaging.destination.name", "frames")
        .containsEntry("messaging.destination.partition.id", "3")
        .containsEntry("messaging.kafka.offset", 42L)
        .containsEntry("shelfstream.camera", "c17");
    Received publish = spans.get(6);
    assertThat(publish.span().getKind()).isEqualTo(SpanKind.SPAN_KIND_PRODUCER);
    assertThat(publish.attributes())
        .containsEntry("messaging.destination.name", "recognitions")
        .containsEntry("messaging.message.id", "id-1");
    long end = frame.span().getStartTimeUnixNano();
    for (Received child : spans.subList(0, 7)) {
      assertThat(child.parentId()).isEqualTo(frame.id());
      assertThat(child.span().getStartTimeUnixNano()).as(child.name()).isGreaterThanOrEqualTo(end);
      end = child.span().getEndTimeUnixNano();
      assertThat(end).isGreaterThanOrEqualTo(child.span().getStartTimeUnixNano());
    }
    assertThat(frame.span().getEndTimeUnixNano()).isGreaterThanOrEqualTo(end);
    assertThat(frame.span().getStartTimeUnixNano() / 1_000_000).isBetween(before, after);
    assertThat(frame.span().getEndTimeUnixNano() / 1_000_000).isBetween(before, after);
    for (Received stage : spans.subList(1, 6)) {
      assertThat(stage.span().getEndTimeUnixNano() - stage.span().getStartTimeUnixNano())
          .as(stage.name())
          .isGreaterThanOrEqualTo(2_000_000);
    }
    assertThat(Received.map(frame.resource().getAttributesList()))
        .containsEntry("service.name", "shelfstream");
  }

  @Test
  void whatIsPublishedContinuesTheTraceFromItsSpan() throws Exception {
    Headers[] made = new Headers[1];
    try (Traces traces = open()) {
      WorkSpan span = traces.process(SOURCE, SAMPLED, "");
      span.publish(
          "recognitions",
          null,
          () -> made[0] = TraceContext.continuing(new RecordHeaders()).on(new RecordHeaders()));
      span.end();
    }
    String parent = new String(made[0].lastHeader("traceparent").value(), UTF_8);
    assertThat(parent).isEqualTo("00-" + TRACE + "-" + receiver.spans().get(0).id() + "-01");
    assertThat(TraceContext.current()).isNull();
  }

  @Test
  void aTraceThatItsProducerDidNotSampleIsNotExported() throws Exception {
    Headers headers = context("00-" + TRACE + "-" + SPAN + "-00").on(new RecordHeaders());
    String[] parent = new String[1];
    try (Traces traces = open()) {
      WorkSpan span = traces.process(SOURCE, headers, "");
      span.stages(seen(Stage.FETCH), null);
      span.publish("r", null, () -> parent[0] = TraceContext.continuing(headers).parent());
      span.end();
      answer(traces, SAMPLED);
    }
    assertThat(receiver.spans()).hasSize(8);
    assertThat(parent[0]).matches("00-" + TRACE + "-[0-9a-f]{16}-00");
  }

  @Test
  void withoutATraceOfTheProducerAFrameBeginsOne() throws Exception {
    try (Traces traces = open()) {
      answer(traces, null);
    }
    Received frame = receiver.spans().get(7);
    assertThat(frame.parentId()).isEmpty();
    assertThat(frame.traceId()).isNotEqualTo(TRACE).hasSize(32);
  }

  @Test
  void aRejectedFrameSaysAtWhichStageAndWhy() throws Exception {
    RejectedException why =
        new RejectedException(
            Stage.DECODE, RejectedException.Reason.INVALID_RECORD, "x".repeat(100_000));
    try (Traces traces = open()) {
      WorkSpan span = traces.process(SOURCE, SAMPLED, "");
      StageTimes times = seen(Stage.FETCH);
      times.fail(why);
      span.stages(times, why);
      span.rejected(why);
      span.end();
    }
    List<Received> spans = receiver.spans();
    assertThat(spans)
        .extracting(Received::name)
        .containsExactly("fetch", "decode", "process frames");
    assertThat(spans.get(0).span().getStatus().getCode()).isEqualTo(StatusCode.STATUS_CODE_UNSET);
    for (Received failed : spans.subList(1, 3)) {
      assertThat(failed.span().getStatus().getCode()).isEqualTo(StatusCode.STATUS_CODE_ERROR);
      assertThat(failed.span().getStatus().getMessage()).hasSizeBetween(10, 1000);
      assertThat(failed.attributes())
          .containsEntry("error.type", "INVALID_RECORD")
          .containsEntry("shelfstream.stage", "decode");
    }
  }

  @Test
  void whateverStandsInHeadersIsNoTraceOrAValidOne() throws Exception {
    String[] hostile = {
      "",
      "00",
      "00-" + TRACE + "-" + SPAN,
      "00-" + TRACE + "-" + SPAN + "-01-more",
      "ff-" + TRACE + "-" + SPAN + "-01",
      "00-" + "0".repeat(32) + "-" + SPAN + "-01",
      "00-" + TRACE + "-" + "0".repeat(16) + "-01",
      "00-" + TRACE.toUpperCase(java.util.Locale.ROOT) + "-" + SPAN + "-01",
      "00-" + TRACE + "é-" + SPAN + "-01",
      "\u0000\n".repeat(5_000),
      "0".repeat(10_240),
      "00-" + TRACE + "-" + SPAN + "-01" + "-x".repeat(5_000)
    };
    String[] states = {null, "", "=", "a=b,".repeat(100), "é=1", "\n", "x".repeat(10_240)};
    try (Traces traces = open()) {
      for (String parent : hostile) {
        Headers headers = new RecordHeaders();
        headers.add("traceparent", parent.getBytes(UTF_8));
        assertThat(TraceContext.of(headers)).as(parent).isNull();
        answer(traces, TraceContext.of(headers));
      }
      for (String state : states) {
        Headers headers = SAMPLED.on(new RecordHeaders());
        headers.add("tracestate", state == null ? null : state.getBytes(UTF_8));
        answer(traces, TraceContext.of(headers));
      }
      Headers several =
          context("00-" + "1".repeat(32) + "-" + SPAN + "-01").on(new RecordHeaders());
      answer(traces, TraceContext.of(SAMPLED.on(several)));
      Headers later = new RecordHeaders();
      later.add("traceparent", ("cc-" + TRACE + "-" + SPAN + "-01-more").getBytes(UTF_8));
      answer(traces, TraceContext.of(later));
      WorkSpan odd = traces.process(new SourcePosition("frames", -1, -1), SAMPLED, "\uD800é\u0000");
      odd.end();
    }
    List<Received> spans = receiver.spans();
    assertThat(spans).hasSize(8 * (hostile.length + states.length + 2) + 1);
    assertThat(spans.stream().filter(s -> s.traceId().equals(TRACE)))
        .hasSize(8 * (states.length + 2) + 1);
    long now = System.currentTimeMillis();
    assertThat(spans)
        .allSatisfy(
            s ->
                assertThat(s.span().getStartTimeUnixNano() / 1_000_000)
                    .isBetween(now - 60_000, now));
  }

  @Test
  void aPhotoBecomesSearchableInASpanOfItsOwn() throws Exception {
    Instant begin = Instant.now();
    String[] parent = new String[1];
    try (Traces traces = open()) {
      traces.later(
          "searchable",
          SAMPLED.on(new RecordHeaders()),
          begin,
          begin.plusMillis(30),
          () -> parent[0] = TraceContext.continuing(new RecordHeaders()).parent());
    }
    Received searchable = receiver.spans().get(0);
    assertThat(searchable.name()).isEqualTo("searchable");
    assertThat(searchable.parentId()).isEqualTo(SPAN);
    assertThat(searchable.span().getEndTimeUnixNano() - searchable.span().getStartTimeUnixNano())
        .isEqualTo(30_000_000);
    assertThat(parent[0]).contains(searchable.id());
  }

  @Test
  void isOffUnlessTheVariablesAskForIt() {
    assertThat(Traces.open(Map.of())).isSameAs(Traces.OFF);
    assertThat(Traces.open(Map.of("otel.service.name", "shop"))).isSameAs(Traces.OFF);
    assertThat(open("otel.traces.exporter", "none")).isSameAs(Traces.OFF);
    assertThat(open("otel.sdk.disabled", "true")).isSameAs(Traces.OFF);
    WorkSpan nothing = Traces.OFF.process(SOURCE, new RecordHeaders(), "c");
    assertThat(nothing).isSameAs(Traces.OFF.recognize(SAMPLED, "c"));
    assertThat(nothing.traceId(SAMPLED)).isEqualTo(TRACE);
    try (Traces traces =
        Traces.open(Map.of("otel.exporter.otlp.traces.endpoint", receiver.endpoint()))) {
      assertThat(traces).isNotSameAs(Traces.OFF);
    }
  }

  @Test
  void theOtherVariablesWorkToo() throws Exception {
    try (Traces traces =
        open(
            "otel.service.name", "shop",
            "otel.resource.attributes", "deployment.environment.name=test",
            "otel.traces.sampler", "parentbased_always_off",
            // Meant for other programs; they must not stop this one.
            "otel.propagators", "b3",
            "otel.metrics.exporter", "prometheus",
            "otel.logs.exporter", "console")) {
      answer(traces, null);
      answer(traces, SAMPLED);
    }
    assertThat(receiver.spans()).hasSize(8);
    assertThat(Received.map(receiver.spans().get(0).resource().getAttributesList()))
        .containsEntry("service.name", "shop")
        .containsEntry("deployment.environment.name", "test");
  }

  @Test
  void aVariableThatCannotBeUsedIsNamed() {
    assertThatThrownBy(() -> open("otel.traces.sampler", "sometimes"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("sometimes")
        .hasMessageContaining("otel.traces.sampler")
        .hasMessageContaining("OTEL_SDK_DISABLED");
  }

  @Test
  void aReceiverThatIsAwayCostsOneLineAndHoldsUpNothing() throws Exception {
    int free;
    try (ServerSocket socket = new ServerSocket(0)) {
      free = socket.getLocalPort();
    }
    long began = System.nanoTime();
    Traces traces =
        open(
            "otel.exporter.otlp.endpoint", "http://127.0.0.1:" + free,
            "otel.bsp.schedule.delay", "10",
            "otel.bsp.max.queue.size", "64",
            "otel.bsp.max.export.batch.size", "16");
    for (int i = 0; i < 20_000; i++) {
      WorkSpan span = traces.process(SOURCE, SAMPLED, "c");
      span.publish("r", null, () -> {});
      span.end();
    }
    Duration worked = Duration.ofNanos(System.nanoTime() - began);
    assertThat(worked).as("40,000 spans").isLessThan(Duration.ofSeconds(20));
    waitUntilLogged("io.opentelemetry.");
    Thread.sleep(1_000);
    long closing = System.nanoTime();
    traces.close();
    assertThat(Duration.ofNanos(System.nanoTime() - closing))
        .isLessThan(Traces.FLUSH.plusSeconds(2));
    Map<String, Long> lines = warnings();
    assertThat(lines).isNotEmpty().allSatisfy((logger, count) -> assertThat(count).isEqualTo(1));
  }

  @Test
  void aReceiverThatNeverAnswersDoesNotHoldUpTheEnd() throws Exception {
    receiver.fallSilent();
    Traces traces = open();
    answer(traces, SAMPLED);
    long closing = System.nanoTime();
    traces.close();
    assertThat(Duration.ofNanos(System.nanoTime() - closing))
        .isBetween(Traces.FLUSH.minusSeconds(1), Traces.FLUSH.plusSeconds(2));
    assertThat(log.list)
        .anyMatch(e -> e.getFormattedMessage().startsWith("The last spans were not sent"));
  }

  private void waitUntilLogged(String logger) throws InterruptedException {
    long end = System.nanoTime() + Duration.ofMinutes(1).toNanos();
    while (log.list.stream().noneMatch(e -> e.getLoggerName().startsWith(logger))) {
      assertThat(System.nanoTime()).as("waited for a line of " + logger).isLessThan(end);
      Thread.sleep(20);
    }
  }

  /** Number of warnings of each logger. */
  private Map<String, Long> warnings() {
    return List.copyOf(log.list).stream()
        .filter(e -> e.getLevel().isGreaterOrEqual(Level.WARN))
        .filter(e -> !e.getLoggerName().equals(Traces.class.getName()))
        .collect(
            java.util.stream.Collectors.groupingBy(
                ILoggingEvent::getLoggerName, java.util.stream.Collectors.counting()));
  }
}
