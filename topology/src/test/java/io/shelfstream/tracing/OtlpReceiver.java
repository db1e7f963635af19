package io.shelfstream.tracing;

import com.google.protobuf.InvalidProtocolBufferException;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.ServiceRequestContext;
import com.linecorp.armeria.server.grpc.protocol.AbstractUnaryGrpcService;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.resource.v1.Resource;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.Span;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;

/** Receives spans as a collector does: OTLP over gRPC and over HTTP, decoded by protobuf. */
public final class OtlpReceiver implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private final List<Received> spans = new CopyOnWriteArrayList<>();
  private final CompletableFuture<Void> silence = new CompletableFuture<>();
  private final Server server;
  private volatile boolean isSilent;

  /** A span with the resource that sent it. */
  public record Received(Resource resource, Span span) {
    public String name() {
      return span.getName();
    }

    public String traceId() {
      return HexFormat.of().formatHex(span.getTraceId().toByteArray());
    }

    public String id() {
      return HexFormat.of().formatHex(span.getSpanId().toByteArray());
    }

    public String parentId() {
      return HexFormat.of().formatHex(span.getParentSpanId().toByteArray());
    }

    public Map<String, Object> attributes() {
      return map(span.getAttributesList());
    }

    static Map<String, Object> map(List<KeyValue> pairs) {
      return pairs.stream().collect(Collectors.toMap(KeyValue::getKey, p -> value(p.getValue())));
    }

    private static Object value(AnyValue value) {
      return value.hasIntValue() ? (Object) value.getIntValue() : value.getStringValue();
    }
  }

  /** On a free port of this machine, or on a given one. */
  public OtlpReceiver(int port) {
    server =
        Server.builder()
            .http(new java.net.InetSocketAddress("127.0.0.1", port))
            .gracefulShutdownTimeoutMillis(0, 0)
            .service(
                "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                new AbstractUnaryGrpcService() {
                  @Override
                  protected CompletionStage<byte[]> handleMessage(
                      ServiceRequestContext context, byte[] message) {
                    byte[] answer = take(message);
                    return isSilent
                        ? silence.thenApply(nothing -> answer)
                        : CompletableFuture.completedFuture(answer);
                  }
                })
            .service(
                "/v1/traces",
                (context, request) ->
                    HttpResponse.of(
                        request
                            .aggregate()
                            .thenApply(
                                body ->
                                    HttpResponse.of(
                                        HttpStatus.OK,
                                        MediaType.PROTOBUF,
                                        take(body.content().array())))))
            .build();
    server.start().join();
  }

  private byte[] take(byte[] message) {
    if (!isSilent) {
      try {
        ExportTraceServiceRequest request = ExportTraceServiceRequest.parseFrom(message);
        for (ResourceSpans of : request.getResourceSpansList()) {
          for (ScopeSpans scope : of.getScopeSpansList()) {
            scope.getSpansList().forEach(s -> spans.add(new Received(of.getResource(), s)));
          }
        }
      } catch (InvalidProtocolBufferException e) {
        throw new AssertionError(e);
      }
    }
    return ExportTraceServiceResponse.getDefaultInstance().toByteArray();
  }

  /** From now on it takes requests and answers none. */
  void fallSilent() {
    isSilent = true;
  }

  public int port() {
    return server.activeLocalPort();
  }

  /** What the variables of OpenTelemetry name it by. */
  public String endpoint() {
    return "http://127.0.0.1:" + port();
  }

  /** All spans that came. */
  public List<Received> spans() {
    return List.copyOf(spans);
  }

  /** Waits for a number of spans. */
  public List<Received> await(int count) throws InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (spans.size() < count) {
      if (System.nanoTime() > end) {
        throw new AssertionError(
            "Of %d spans only these came: %s"
                .formatted(count, spans.stream().map(Received::name).toList()));
      }
      Thread.sleep(20);
    }
    return spans();
  }

  @Override
  public void close() {
    silence.complete(null);
    server.stop().join();
  }
}
