package io.shelfstream.grpc;

import static io.shelfstream.streams.Lifecycle.State.DRAINING;
import static io.shelfstream.streams.Lifecycle.State.READY;
import static io.shelfstream.streams.Lifecycle.State.REBUILDING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.linecorp.armeria.client.WebClient;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpRequestWriter;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.ServerBuilder;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.protobuf.StatusProto;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.reflection.v1.ServiceResponse;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.shelfstream.api.v1.RecognitionGrpc;
import io.shelfstream.api.v1.RecognizeRequest;
import io.shelfstream.api.v1.RecognizeResponse;
import io.shelfstream.config.HttpSettings;
import io.shelfstream.events.EventKind;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognitionStatus;
import io.shelfstream.events.Timings;
import io.shelfstream.events.Versions;
import io.shelfstream.http.HealthService;
import io.shelfstream.http.HttpPort;
import io.shelfstream.http.ImageRequests;
import io.shelfstream.http.ServiceStatus;
import io.shelfstream.metrics.ServiceMetrics;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.recognition.Stage;
import io.shelfstream.streams.Lifecycle;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** gRPC over a service whose state and answers the test decides, asked by a client of grpc-java. */
@Timeout(60)
class RecognitionRoutesTest {
  private static final int MOST = 4;
  private static final int MOST_STREAMED = 2;
  private static final int LARGEST = 100_000;
  private static final String TOKEN = "a-secret-of-some-length";
  private static final ByteString IMAGE = ByteString.copyFromUtf8("an image");

  /** An image that the service began to recognise. */
  private record Begun(
      String camera, String frame, byte[] encoded, CompletableFuture<RecognitionEvent> answer) {

    void recognized() {
      answer.complete(event(camera, frame));
    }
  }

  private final Lifecycle lifecycle = new Lifecycle("The service");
  private final BlockingQueue<Begun> begun = new LinkedBlockingQueue<>();
  private volatile boolean throwing;
  private final List<AutoCloseable> toClose = new ArrayList<>();
  private final ImageRequests requests =
      new ImageRequests(this::begin, status(), new ServiceMetrics(new SimpleMeterRegistry()), MOST);
  private final HttpPort port = open(Optional.empty());
  private final ManagedChannel channel = channel(port.port());

  private HttpPort open(Optional<String> token) {
    HttpPort opened =
        HttpPort.open(
            new HttpSettings(Optional.of(0), "127.0.0.1", token, 0.5),
            LARGEST,
            List.of(
                new HealthService(status()), new RecognitionRoutes(requests, status(), LARGEST)));
    toClose.add(0, opened);
    return opened;
  }

  private ManagedChannel channel(int to) {
    ManagedChannel opened =
        ManagedChannelBuilder.forAddress("127.0.0.1", to)
            .usePlaintext()
            .maxInboundMessageSize(64 << 20)
            .build();
    toClose.add(0, opened::shutdownNow);
    return opened;
  }

  private ServiceStatus status() {
    return new ServiceStatus() {
      @Override
      public Lifecycle lifecycle() {
        return lifecycle;
      }

      @Override
      public List<Lifecycle> parts() {
        return List.of();
      }

      @Override
      public boolean isReady() {
        return lifecycle.is(READY);
      }

      @Override
      public List<Reading> readings() {
        return List.of();
      }
    };
  }

  private CompletableFuture<RecognitionEvent> begin(String camera, String frame, byte[] encoded) {
    if (throwing) {
      throw new IllegalStateException("nobody foresaw this");
    }
    Begun image = new Begun(camera, frame, encoded, new CompletableFuture<>());
    begun.add(image);
    return image.answer();
  }

  /** The server's threads take two seconds to end; nothing of the next test waits for them. */
  @AfterEach
  void close() {
    List<AutoCloseable> all = List.copyOf(toClose);
    CompletableFuture.runAsync(
        () -> {
          for (AutoCloseable each : all) {
            try {
              each.close();
            } catch (Exception e) {
              throw new AssertionError(e);
            }
          }
        });
  }

  private void ready() {
    lifecycle.to(READY, "");
  }

  private Begun next() throws InterruptedException {
    Begun image = begun.poll(20, TimeUnit.SECONDS);
    assertThat(image).as("an image was begun").isNotNull();
    return image;
  }

  private void assertNothingBegins() throws InterruptedException {
    assertThat(begun.poll(300, TimeUnit.MILLISECONDS)).isNull();
  }

  private static RecognizeRequest.Builder image(String id) {
    return RecognizeRequest.newBuilder().setId(id).setImage(IMAGE);
  }

  private RecognitionGrpc.RecognitionFutureStub one() {
    return RecognitionGrpc.newFutureStub(channel);
  }

  private CompletableFuture<RecognizeResponse> recognize(RecognizeRequest request) {
    CompletableFuture<RecognizeResponse> response = new CompletableFuture<>();
    RecognitionGrpc.newStub(channel)
        .recognize(
            request,
            new StreamObserver<>() {
              @Override
              public void onNext(RecognizeResponse value) {
                response.complete(value);
              }

              @Override
              public void onError(Throwable t) {
                response.completeExceptionally(t);
              }

              @Override
              public void onCompleted() {}
            });
    return response;
  }

  private static com.google.rpc.Status failure(CompletableFuture<?> response) {
    ExecutionException failed =
        catchThrowableOfType(ExecutionException.class, () -> response.get(20, TimeUnit.SECONDS));
    assertThat(failed).isNotNull();
    return StatusProto.fromThrowable(failed.getCause());
  }

  private static void assertFailed(
      CompletableFuture<?> response, Status.Code code, String reason, boolean again)
      throws Exception {
    com.google.rpc.Status status = failure(response);
    assertThat(Status.fromCodeValue(status.getCode()).getCode())
        .as(status.getMessage())
        .isEqualTo(code);
    assertThat(status.getMessage()).isNotBlank();
    ErrorInfo info = null;
    boolean retry = false;
    for (Any detail : status.getDetailsList()) {
      if (detail.is(ErrorInfo.class)) {
        info = detail.unpack(ErrorInfo.class);
      }
      retry |= detail.is(RetryInfo.class);
    }
    assertThat(info).isNotNull();
    assertThat(info.getReason()).isEqualTo(reason);
    assertThat(info.getDomain()).isEqualTo("shelfstream");
    assertThat(retry).isEqualTo(again);
  }

  private static RecognitionEvent event(String camera, String frame) {
    return RecognitionEvent.newBuilder()
        .setEventId(camera + "/" + frame)
        .setKind(EventKind.LIVE)
        .setStatus(RecognitionStatus.OK)
        .setCameraId(camera)
        .setFrameId(frame)
        .setUri("urn:frame:" + frame)
        .setImageWidth(640)
        .setImageHeight(480)
        .setCapturedAt(Instant.EPOCH)
        .setProcessedAt(Instant.EPOCH)
        .setObjects(List.of())
        .setVersions(new Versions("d", "e", 1L, 1, "Flat", "cpu", Map.of(), "shelf"))
        .setTimings(new Timings(0f, 0f, 0f, 0f, 0f, 0f, 0f))
        .build();
  }

  @Test
  void recognizesOneImage() throws Exception {
    ready();
    CompletableFuture<RecognizeResponse> response =
        recognize(image("7").setCamera("door").setFrame("f").build());
    Begun image = next();
    assertThat(image.camera()).isEqualTo("door");
    assertThat(image.frame()).isEqualTo("f");
    assertThat(image.encoded()).isEqualTo(IMAGE.toByteArray());

    image.recognized();

    RecognizeResponse answer = response.get(20, TimeUnit.SECONDS);
    assertThat(answer.getId()).isEqualTo("7");
    assertThat(answer.getEvent()).isEqualTo(EventMessages.of(event("door", "f")));
  }

  @Test
  void namesWhatIsNotNamed() throws Exception {
    ready();
    recognize(image("").setCamera(" ").build());
    recognize(image("").build());
    Begun blank = next();
    Begun absent = next();
    assertThat(List.of(blank.camera(), absent.camera())).containsOnly("grpc");
    assertThat(blank.frame()).isNotBlank().isNotEqualTo(absent.frame());
  }

  @Test
  void refusalsOfOneImageAreStatusesWithAReason() throws Exception {
    assertFailed(recognize(image("").build()), Status.Code.UNAVAILABLE, "NOT_READY", true);
    ready();
    assertFailed(
        recognize(RecognizeRequest.getDefaultInstance()),
        Status.Code.INVALID_ARGUMENT,
        "BAD_REQUEST",
        false);

    List<CompletableFuture<RecognizeResponse>> taken = new ArrayList<>();
    List<Begun> images = new ArrayList<>();
    for (int i = 0; i < MOST; i++) {
      taken.add(recognize(image("" + i).setFrame("" + i).build()));
      images.add(next());
    }
    assertFailed(
        recognize(image("").build()), Status.Code.RESOURCE_EXHAUSTED, "TOO_MANY_REQUESTS", true);

    images
        .get(0)
        .answer()
        .completeExceptionally(
            new RejectedException(Stage.DECODE, RejectedException.Reason.INVALID_RECORD, "bad"));
    images
        .get(1)
        .answer()
        .completeExceptionally(
            new RejectedException(Stage.DETECT, RejectedException.Reason.MODEL_FAILED, "ours"));
    images.get(2).answer().completeExceptionally(new IllegalStateException("nobody foresaw this"));
    images.get(3).answer().cancel(true);
    assertFailed(taken.get(0), Status.Code.INVALID_ARGUMENT, "INVALID_RECORD", false);
    assertFailed(taken.get(1), Status.Code.INTERNAL, "MODEL_FAILED", false);
    assertFailed(taken.get(2), Status.Code.INTERNAL, "INTERNAL_ERROR", false);
    assertFailed(taken.get(3), Status.Code.UNAVAILABLE, "NOT_READY", true);
    assertAllPlacesAreFree();
  }

  /** Waits until they are: some are given back a moment after the caller knows. */
  private void assertAllPlacesAreFree() throws Exception {
    List<Begun> images = new ArrayList<>();
    List<CompletableFuture<RecognizeResponse>> taken = new ArrayList<>();
    while (images.size() < MOST) {
      CompletableFuture<RecognizeResponse> response = recognize(image("all").build());
      Begun image = null;
      while (image == null && !response.isDone()) {
        image = begun.poll(5, TimeUnit.MILLISECONDS);
      }
      if (image != null) {
        images.add(image);
        taken.add(response);
      }
    }
    assertFailed(
        recognize(image("one more").build()),
        Status.Code.RESOURCE_EXHAUSTED,
        "TOO_MANY_REQUESTS",
        true);
    images.forEach(Begun::recognized);
    for (CompletableFuture<RecognizeResponse> response : taken) {
      assertThat(response.get(20, TimeUnit.SECONDS).getId()).isEqualTo("all");
    }
  }

  private static void assertCancelled(Begun image) {
    assertThatThrownBy(() -> image.answer().get(20, TimeUnit.SECONDS))
        .isInstanceOf(CancellationException.class);
  }

  @Test
  void doesNotReadAMessageThatIsTooLarge() throws Exception {
    ready();
    RecognizeRequest large =
        RecognizeRequest.newBuilder()
            .setImage(ByteString.copyFrom(new byte[LARGEST + 100_000]))
            .build();
    assertThat(failure(recognize(large)).getCode())
        .isEqualTo(Status.Code.RESOURCE_EXHAUSTED.value());
    // It is large only when it is unpacked.
    StatusRuntimeException bomb =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () ->
                RecognitionGrpc.newBlockingStub(channel).withCompression("gzip").recognize(large));
    assertThat(bomb.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    Answers answers = new Answers(true);
    StreamObserver<RecognizeRequest> stream = stream(answers);
    stream.onNext(large);
    assertThat(answers.end()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    assertThat(begun).isEmpty();
    assertAllPlacesAreFree();
    CompletableFuture<RecognizeResponse> packed = new CompletableFuture<>();
    RecognitionGrpc.newStub(channel)
        .withCompression("gzip")
        .recognize(image("packed").build(), completing(packed));
    next().recognized();
    assertThat(packed.get(20, TimeUnit.SECONDS).getId()).isEqualTo("packed");
  }

  private static <T> StreamObserver<T> completing(CompletableFuture<T> with) {
    return new StreamObserver<>() {
      @Override
      public void onNext(T value) {
        with.complete(value);
      }

      @Override
      public void onError(Throwable t) {
        with.completeExceptionally(t);
      }

      @Override
      public void onCompleted() {}
    };
  }

  @Test
  void aCallThatIsCancelledGivesItsPlaceBack() throws Exception {
    ready();
    for (int i = 0; i < 2 * MOST; i++) {
      var response = one().recognize(image("").build());
      Begun image = next();
      response.cancel(true);
      assertCancelled(image);
    }
    var late = one().withDeadlineAfter(200, TimeUnit.MILLISECONDS).recognize(image("").build());
    Begun image = next();
    assertThatThrownBy(() -> late.get(20, TimeUnit.SECONDS))
        .hasMessageContaining("DEADLINE_EXCEEDED");
    assertCancelled(image);
    assertAllPlacesAreFree();
  }

  /** The answers of a stream, taken at once or only when asked for. */
  private static final class Answers
      implements ClientResponseObserver<RecognizeRequest, RecognizeResponse> {
    private final boolean atOnce;
    private final BlockingQueue<RecognizeResponse> responses = new LinkedBlockingQueue<>();
    private final CompletableFuture<Status.Code> end = new CompletableFuture<>();
    private @Nullable ClientCallStreamObserver<RecognizeRequest> call;

    Answers(boolean atOnce) {
      this.atOnce = atOnce;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<RecognizeRequest> stream) {
      call = stream;
      if (!atOnce) {
        stream.disableAutoRequestWithInitial(0);
      }
    }

    @Override
    public void onNext(RecognizeResponse value) {
      responses.add(value);
    }

    @Override
    public void onError(Throwable t) {
      end.complete(Status.fromThrowable(t).getCode());
    }

    @Override
    public void onCompleted() {
      end.complete(Status.Code.OK);
    }

    RecognizeResponse next() throws InterruptedException {
      RecognizeResponse response = responses.poll(20, TimeUnit.SECONDS);
      assertThat(response).as("a response came").isNotNull();
      return response;
    }

    Status.Code end() throws Exception {
      return end.get(20, TimeUnit.SECONDS);
    }
  }

  private StreamObserver<RecognizeRequest> stream(Answers answers) {
    return RecognitionGrpc.newStub(channel).recognizeStream(answers);
  }

  @Test
  void aStreamAnswersEachImageAsItIsRecognised() throws Exception {
    ready();
    Answers answers = new Answers(true);
    StreamObserver<RecognizeRequest> stream = stream(answers);
    stream.onNext(image("a").setFrame("1").build());
    Begun first = next();
    stream.onNext(image("b").setFrame("2").build());
    Begun second = next();

    second.recognized();
    RecognizeResponse b = answers.next();
    assertThat(b.getId()).isEqualTo("b");
    assertThat(b.getEvent().getFrameId()).isEqualTo("2");
    first
        .answer()
        .completeExceptionally(
            new RejectedException(Stage.DECODE, RejectedException.Reason.INVALID_RECORD, "bad"));
    RecognizeResponse a = answers.next();
    assertThat(a.getId()).isEqualTo("a");
    assertThat(a.getRefusal().getReason()).isEqualTo("INVALID_RECORD");
    assertThat(a.getRefusal().getMessage()).isEqualTo("bad");
    // An image that was refused does not end the stream.
    stream.onNext(RecognizeRequest.newBuilder().setId("c").build());
    RecognizeResponse c = answers.next();
    assertThat(c.getId()).isEqualTo("c");
    assertThat(c.getRefusal().getReason()).isEqualTo("BAD_REQUEST");
    stream.onNext(image("d").build());
    Begun last = next();
    stream.onCompleted();
    last.recognized();
    assertThat(answers.next().getId()).isEqualTo("d");
    assertThat(answers.end()).isEqualTo(Status.Code.OK);
    assertAllPlacesAreFree();
  }

  @Test
  void aStreamThatIsTooFastIsHeldBackAndLeavesPlacesToOthers() throws Exception {
    ready();
    int images = 100;
    Answers answers = new Answers(true);
    StreamObserver<RecognizeRequest> stream = stream(answers);
    ByteString bytes = ByteString.copyFrom(new byte[LARGEST]); // all together more than one request
    for (int i = 0; i < images; i++) {
      stream.onNext(RecognizeRequest.newBuilder().setId("" + i).setImage(bytes).build());
    }
    stream.onCompleted();
    List<Begun> inHand = new ArrayList<>();
    for (int i = 0; i < MOST_STREAMED; i++) {
      inHand.add(next());
    }
    assertNothingBegins();
    assertThat(answers.call.isReady()).as("the caller may send more").isFalse();
    CompletableFuture<RecognizeResponse> other = recognize(image("other").setCamera("x").build());
    Begun image = next();
    assertThat(image.camera()).isEqualTo("x");
    image.recognized();
    assertThat(other.get(20, TimeUnit.SECONDS).getId()).isEqualTo("other");

    for (int i = MOST_STREAMED; i < images; i++) {
      inHand.remove(0).recognized();
      inHand.add(next());
    }
    inHand.forEach(Begun::recognized);
    Map<String, RecognizeResponse> byId = new HashMap<>();
    for (int i = 0; i < images; i++) {
      RecognizeResponse response = answers.next();
      assertThat(response.hasEvent()).isTrue();
      byId.put(response.getId(), response);
    }
    assertThat(byId).hasSize(images);
    assertThat(answers.end()).isEqualTo(Status.Code.OK);
    assertAllPlacesAreFree();
  }

  @Test
  void streamsThatAreHeldBackDoNotHoldUpTheOthersOfTheirConnection() throws Exception {
    ready();
    ByteString bytes = ByteString.copyFrom(new byte[LARGEST]);
    List<Answers> all = new ArrayList<>();
    for (int s = 0; s < 90; s++) {
      Answers answers = new Answers(true);
      all.add(answers);
      StreamObserver<RecognizeRequest> stream = stream(answers);
      for (int i = 0; i < 4; i++) {
        stream.onNext(RecognizeRequest.newBuilder().setId("" + i).setImage(bytes).build());
      }
      stream.onCompleted();
    }
    for (int i = 0; i < 4 * all.size(); i++) {
      next().recognized();
    }
    for (Answers answers : all) {
      assertThat(answers.end()).isEqualTo(Status.Code.OK);
      assertThat(answers.responses).hasSize(4);
    }
  }

  @Test
  void smallImagesThatComeTogetherAreHeldBackToo() throws Exception {
    ready();
    Answers answers = new Answers(true);
    StreamObserver<RecognizeRequest> stream = stream(answers);
    for (int i = 0; i < 50; i++) {
      stream.onNext(image("" + i).build());
    }
    for (int round = 0; round < 25; round++) {
      Begun one = next();
      Begun two = next();
      assertThat(begun).isEmpty();
      two.recognized();
      one.recognized();
    }
    stream.onCompleted();
    assertThat(answers.end()).isEqualTo(Status.Code.OK);
    assertThat(answers.responses).hasSize(50);
  }

  @Test
  void streamsTakeTurns() throws Exception {
    ready();
    List<Answers> all = new ArrayList<>();
    for (int s = 0; s < 3; s++) {
      Answers answers = new Answers(true);
      all.add(answers);
      StreamObserver<RecognizeRequest> stream = stream(answers);
      for (int i = 0; i < 20; i++) {
        stream.onNext(image("" + i).setCamera("" + s).build());
      }
      stream.onCompleted();
    }
    Map<String, Integer> byCamera = new HashMap<>();
    for (int i = 0; i < 30; i++) {
      Begun image = next();
      byCamera.merge(image.camera(), 1, Integer::sum);
      image.recognized();
    }
    assertThat(byCamera.values()).as("%s", byCamera).hasSize(3).allMatch(count -> count >= 5);
    for (int i = 30; i < 60; i++) {
      next().recognized();
    }
    for (Answers answers : all) {
      assertThat(answers.end()).isEqualTo(Status.Code.OK);
    }
  }

  @Test
  void aCallerThatDoesNotTakeItsAnswersIsReadNoFurther() throws Exception {
    ready();
    Answers answers = new Answers(false);
    StreamObserver<RecognizeRequest> stream = stream(answers);
    int images = 40;
    for (int i = 0; i < images; i++) {
      stream.onNext(image("" + i).build());
    }
    stream.onCompleted();
    String label = "x".repeat(1 << 20);
    int read = 0;
    for (Begun image = next(); image != null; image = begun.poll(1, TimeUnit.SECONDS)) {
      image.answer().complete(event(label, image.frame()));
      read++;
    }
    assertThat(read).isLessThan(images / 2);

    answers.call.request(images);
    for (int i = read; i < images; i++) {
      next().recognized();
    }
    assertThat(answers.end()).isEqualTo(Status.Code.OK);
    assertThat(answers.responses).hasSize(images);
  }

  @Test
  void aStreamThatIsCancelledGivesItsPlacesBack() throws Exception {
    ready();
    for (int i = 0; i < 3; i++) {
      Answers answers = new Answers(true);
      StreamObserver<RecognizeRequest> stream = stream(answers);
      for (int j = 0; j < 2 * MOST; j++) {
        stream.onNext(image("" + j).build());
      }
      List<Begun> inHand = new ArrayList<>();
      for (int j = 0; j < MOST_STREAMED; j++) {
        inHand.add(next());
      }
      answers.call.cancel("enough", null);
      for (Begun image : inHand) {
        assertCancelled(image);
      }
    }
    assertNothingBegins();
    assertAllPlacesAreFree();
  }

  @Test
  void idleStreamsHoldNoPlaces() throws Exception {
    ready();
    List<StreamObserver<RecognizeRequest>> idle = new ArrayList<>();
    List<Answers> ends = new ArrayList<>();
    for (int i = 0; i < 20 * MOST; i++) {
      Answers answers = new Answers(true);
      ends.add(answers);
      idle.add(stream(answers));
    }
    assertAllPlacesAreFree();
    Answers answers = new Answers(true);
    stream(answers).onNext(image("busy").build());
    next().recognized();
    assertThat(answers.next().getId()).isEqualTo("busy");
    idle.forEach(StreamObserver::onCompleted);
    for (Answers end : ends) {
      assertThat(end.end()).isEqualTo(Status.Code.OK);
    }
  }

  @Test
  void oneImageIsRefusedBeforeItIsRead() throws Exception {
    ready();
    for (int i = 0; i < MOST; i++) {
      recognize(image("" + i).build());
      next();
    }
    WebClient client = WebClient.of("h2c://127.0.0.1:" + port.port());
    HttpRequestWriter half = half("Recognize");
    var response = client.execute(half).aggregate();
    assertThat(response.get(20, TimeUnit.SECONDS).headers().get("grpc-status"))
        .isEqualTo(Integer.toString(Status.Code.RESOURCE_EXHAUSTED.value()));
  }

  private static HttpRequestWriter half(String method) {
    HttpRequestWriter half =
        HttpRequest.streaming(
            RequestHeaders.builder(HttpMethod.POST, "/shelfstream.v1.Recognition/" + method)
                .add(HttpHeaderNames.CONTENT_TYPE, "application/grpc")
                .build());
    half.write(HttpData.wrap(new byte[] {0, 0, 0, 1, 0, 34, 1}));
    return half;
  }

  /** The first of an image's bytes, and then nothing. */
  @Test
  void anImageThatDoesNotComeWholeGivesItsPlaceBack() throws Exception {
    ready();
    ServerBuilder builder = Server.builder().http(0).requestTimeoutMillis(500);
    new RecognitionRoutes(requests, status(), LARGEST).addTo(builder);
    try (Server impatient = builder.build()) {
      impatient.start().join();
      WebClient client = WebClient.of("h2c://127.0.0.1:" + impatient.activeLocalPort());
      for (String method : List.of("RecognizeStream", "Recognize")) {
        for (int i = 0; i < MOST; i++) {
          var response = client.execute(half(method)).aggregate();
          assertThat(response.get(20, TimeUnit.SECONDS).headers().get("grpc-status"))
              .as(method)
              .isEqualTo(Integer.toString(Status.Code.DEADLINE_EXCEEDED.value()));
        }
      }
      assertAllPlacesAreFree();
      // A stream on which nothing comes lasts.
      ManagedChannel patient = channel(impatient.activeLocalPort());
      Answers answers = new Answers(true);
      StreamObserver<RecognizeRequest> stream =
          RecognitionGrpc.newStub(patient).recognizeStream(answers);
      for (int i = 0; i < 3; i++) {
        TimeUnit.MILLISECONDS.sleep(700);
        stream.onNext(image("" + i).build());
        next().recognized();
        assertThat(answers.next().getId()).isEqualTo("" + i);
      }
    }
  }

  @Test
  void whatIsNoRequestIsTheFaultOfTheCaller() throws Exception {
    ready();
    WebClient client = WebClient.of("h2c://127.0.0.1:" + port.port());
    List<byte[]> messages =
        List.of(
            new byte[] {0, 0, 0, 0, 2, 34, 100}, // more is announced than there is
            new byte[] {0, 0, 0, 0, 3, 10, 1, (byte) 0xff}, // an id that is no UTF-8
            new byte[] {0, 0, 0, 0, 1, 7}); // a type of field that does not exist
    for (String method : List.of("RecognizeStream", "Recognize")) {
      for (byte[] message : messages) {
        var response =
            client
                .execute(
                    RequestHeaders.builder(HttpMethod.POST, "/shelfstream.v1.Recognition/" + method)
                        .add(HttpHeaderNames.CONTENT_TYPE, "application/grpc")
                        .build(),
                    message)
                .aggregate()
                .get(20, TimeUnit.SECONDS);
        assertThat(response.headers().get("grpc-status"))
            .as(method + response.headers())
            .isEqualTo(Integer.toString(Status.Code.INVALID_ARGUMENT.value()));
      }
    }
    assertThat(begun).isEmpty();
    assertAllPlacesAreFree();
  }

  @Test
  void aFaultOfOursIsInternal() throws Exception {
    ready();
    throwing = true;
    assertFailed(recognize(image("").build()), Status.Code.INTERNAL, "INTERNAL_ERROR", false);
    Answers answers = new Answers(true);
    StreamObserver<RecognizeRequest> stream = stream(answers);
    for (int i = 0; i < 2 * MOST; i++) {
      stream.onNext(image("" + i).build());
      assertThat(answers.next().getRefusal().getReason()).isEqualTo("INTERNAL_ERROR");
    }
    throwing = false;
    assertAllPlacesAreFree();
  }

  @Test
  void aStreamEndsWhenTheServiceIsNotReadyAndAnswersWhatItHas() throws Exception {
    ready();
    Answers answers = new Answers(true);
    StreamObserver<RecognizeRequest> stream = stream(answers);
    stream.onNext(image("a").build());
    Begun image = next();
    lifecycle.to(REBUILDING, "a part fell over");
    stream.onNext(image("b").build());
    assertNothingBegins();
    assertThat(answers.end).isNotDone();
    image.recognized();
    assertThat(answers.next().getId()).isEqualTo("a");
    assertThat(answers.end()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(answers.responses).isEmpty();
  }

  @Test
  void whoWaitsForAPlaceIsToldThatTheServiceIsNotReady() throws Exception {
    ready();
    Answers answers = new Answers(true);
    StreamObserver<RecognizeRequest> stream = stream(answers);
    for (int i = 0; i < 2 * MOST; i++) {
      stream.onNext(image("" + i).build());
    }
    Begun first = next();
    Begun second = next();
    lifecycle.to(DRAINING, "told to stop");
    first.answer().cancel(true); // as the recogniser does with what it has not begun
    second.recognized();
    assertThat(answers.next().getId()).isEqualTo("1");
    assertThat(answers.end()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(begun).isEmpty();
  }

  @Test
  void closesWithStreamsOpen() throws Exception {
    ready();
    Answers idle = new Answers(true);
    stream(idle);
    Answers busy = new Answers(true);
    stream(busy).onNext(image("a").build());
    Begun image = next();
    Iterator<HealthCheckResponse> watch =
        HealthGrpc.newBlockingStub(channel).watch(HealthCheckRequest.getDefaultInstance());
    while (watch.next().getStatus() != ServingStatus.SERVING) {
      // It was asked before the service was ready.
    }

    long begin = System.nanoTime();
    port.close();
    assertThat(System.nanoTime() - begin).isLessThan(TimeUnit.SECONDS.toNanos(10));
    assertThat(idle.end()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(busy.end()).isEqualTo(Status.Code.UNAVAILABLE);
    assertCancelled(image);
  }

  @Test
  void healthIsReadiness() throws Exception {
    HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(channel);
    for (String service : List.of("", "shelfstream.v1.Recognition")) {
      HealthCheckRequest request = HealthCheckRequest.newBuilder().setService(service).build();
      Iterator<HealthCheckResponse> watch = health.watch(request);
      assertThat(health.check(request).getStatus()).isEqualTo(ServingStatus.NOT_SERVING);
      assertThat(watch.next().getStatus()).isEqualTo(ServingStatus.NOT_SERVING);
      ready();
      assertThat(watch.next().getStatus()).isEqualTo(ServingStatus.SERVING);
      assertThat(health.check(request).getStatus()).isEqualTo(ServingStatus.SERVING);
      lifecycle.to(REBUILDING, "a part fell over");
      assertThat(watch.next().getStatus()).isEqualTo(ServingStatus.NOT_SERVING);
    }
    HealthCheckRequest unknown = HealthCheckRequest.newBuilder().setService("no.Such").build();
    assertThat(
            catchThrowableOfType(StatusRuntimeException.class, () -> health.check(unknown))
                .getStatus()
                .getCode())
        .isEqualTo(Status.Code.NOT_FOUND);
  }

  @Test
  void describesItselfByReflection() throws Exception {
    BlockingQueue<ServerReflectionResponse> responses = new LinkedBlockingQueue<>();
    StreamObserver<ServerReflectionRequest> ask =
        ServerReflectionGrpc.newStub(channel)
            .serverReflectionInfo(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ServerReflectionResponse value) {
                    responses.add(value);
                  }

                  @Override
                  public void onError(Throwable t) {}

                  @Override
                  public void onCompleted() {}
                });
    ask.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
    ServerReflectionResponse services = responses.poll(20, TimeUnit.SECONDS);
    assertThat(services.getListServicesResponse().getServiceList())
        .extracting(ServiceResponse::getName)
        .contains("shelfstream.v1.Recognition", "grpc.health.v1.Health");
    ask.onNext(
        ServerReflectionRequest.newBuilder()
            .setFileContainingSymbol("shelfstream.v1.RecognitionEvent")
            .build());
    ServerReflectionResponse file = responses.poll(20, TimeUnit.SECONDS);
    FileDescriptorProto described =
        FileDescriptorProto.parseFrom(
            file.getFileDescriptorResponse().getFileDescriptorProtoList().get(0));
    assertThat(described.getMessageTypeList())
        .anySatisfy(m -> assertThat(m.getName()).isEqualTo("RecognizedObject"));
  }

  @Test
  void asksForTheToken() throws Exception {
    ready();
    ManagedChannel plain = channel(open(Optional.of(TOKEN)).port());
    StatusRuntimeException refused =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () -> RecognitionGrpc.newBlockingStub(plain).recognize(image("").build()));
    assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
    Answers answers = new Answers(true);
    RecognitionGrpc.newStub(plain).recognizeStream(answers).onNext(image("").build());
    assertThat(answers.end()).isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(
            HealthGrpc.newBlockingStub(plain)
                .check(HealthCheckRequest.getDefaultInstance())
                .getStatus())
        .as("probes have no token")
        .isEqualTo(ServingStatus.SERVING);

    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + TOKEN);
    CompletableFuture<RecognizeResponse> response = new CompletableFuture<>();
    RecognitionGrpc.newStub(
            ClientInterceptors.intercept(plain, MetadataUtils.newAttachHeadersInterceptor(headers)))
        .recognize(image("let in").build(), completing(response));
    next().recognized();
    assertThat(response.get(20, TimeUnit.SECONDS).getId()).isEqualTo("let in");
  }

  @Test
  void whatItDoesNotKnowIsUnimplemented() {
    ready();
    var method =
        RecognitionGrpc.getRecognizeMethod().toBuilder()
            .setFullMethodName("shelfstream.v1.Recognition/Forget")
            .build();
    StatusRuntimeException refused =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () ->
                io.grpc.stub.ClientCalls.blockingUnaryCall(
                    channel, method, io.grpc.CallOptions.DEFAULT, image("").build()));
    assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
  }
}
