package io.shelfstream.topology;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import io.opentelemetry.proto.trace.v1.Status.StatusCode;
import io.shelfstream.api.v1.RecognitionGrpc;
import io.shelfstream.api.v1.RecognizeRequest;
import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.ImageReference;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.recognition.Pictures;
import io.shelfstream.tracing.OtlpReceiver;
import io.shelfstream.tracing.OtlpReceiver.Received;
import java.awt.Color;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Spans of a service on a real broker, as a receiver of OTLP gets them. */
@ExtendWith(SharedBroker.class)
class TracesIT {
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String SPAN = "00f067aa0ba902b7";
  private static final String SAMPLED = "00-" + TRACE + "-" + SPAN + "-01";
  private static final String NOT_SAMPLED = "00-" + TRACE + "-" + SPAN + "-00";
  private static final String ENDPOINT = "otel.exporter.otlp.endpoint";
  private static final String DELAY = "otel.bsp.schedule.delay";

  @TempDir Path folder;
  private TestTopics topics;

  @BeforeEach
  void configure(EmbeddedBroker broker, TestInfo test) {
    topics = new TestTopics(broker.bootstrapServers(), folder, test);
    System.setProperty(DELAY, "50");
  }

  @AfterEach
  void clear() {
    System.clearProperty(ENDPOINT);
    System.clearProperty(DELAY);
  }

  private RecognitionService start() {
    return RecognitionService.start(topics.config(Map.of("http.port", "0")));
  }

  private void send(String topic, String key, byte[] value, String traceparent) throws Exception {
    send(topic, key, value, System.currentTimeMillis(), traceparent);
  }

  private void send(String topic, String key, byte[] value, long timestamp, String traceparent)
      throws Exception {
    try (KafkaProducer<String, byte[]> producer = topics.producer(null)) {
      var record = new ProducerRecord<>(topic, null, timestamp, key, value);
      record.headers().add("traceparent", traceparent.getBytes(UTF_8));
      producer.send(record).get();
    }
  }

  private byte[] frame(String id, String uri) {
    ImageReference frame =
        RecognitionEvents.reference("c17", id, uri, Instant.parse("0001-01-01T00:00:00Z"));
    return TestTopics.SERDES.frames().serializer().serialize(topics.names().frames(), frame);
  }

  private byte[] photo(String id, String uri) {
    GalleryUpdate update =
        GalleryUpdate.newBuilder()
            .setGalleryImageId(id)
            .setProductId("red")
            .setLabel("red")
            .setUri(uri)
            .build();
    return TestTopics.SERDES
        .updates()
        .serializer()
        .serialize(topics.names().galleryUpdates(), update);
  }

  private static String red() {
    return Pictures.uri(Pictures.plain(Color.RED));
  }

  private static String traceparent(ConsumerRecord<byte[], byte[]> record) {
    return new String(record.headers().lastHeader("traceparent").value(), UTF_8);
  }

  /** A span may arrive before the transaction of its answer ends. */
  private List<ConsumerRecord<byte[], byte[]>> committed(String topic, int records) {
    TestTopics.until(() -> topics.records(topic).size() >= records);
    return topics.records(topic);
  }

  private static Received named(List<Received> spans, String name) {
    return spans.stream().filter(s -> s.name().equals(name)).findFirst().orElseThrow();
  }

  @Test
  void aPhotoAndAFrameAreFollowedFromTheirProducersToTheirAnswers() throws Exception {
    try (OtlpReceiver receiver = new OtlpReceiver(0)) {
      System.setProperty(ENDPOINT, receiver.endpoint());
      try (RecognitionService service = start()) {
        send(topics.names().galleryUpdates(), "red-1", photo("red-1", red()), SAMPLED);
        TestTopics.awaitSize(service, 1);
        List<Received> ofPhoto = receiver.await(6);
        String updates = "process " + topics.names().galleryUpdates();
        String publish = "publish " + topics.names().galleryVectors();
        assertThat(ofPhoto)
            .extracting(Received::name)
            .containsExactly("fetch", "decode", "extract", publish, updates, "searchable");
        assertThat(ofPhoto).extracting(Received::traceId).containsOnly(TRACE);
        Received photo = named(ofPhoto, updates);
        assertThat(photo.parentId()).isEqualTo(SPAN);
        assertThat(photo.attributes())
            .containsEntry("shelfstream.gallery.image", "red-1")
            .containsEntry("shelfstream.product", "red")
            .containsEntry("shelfstream.status", "APPLIED");
        assertThat(ofPhoto.subList(0, 4)).extracting(Received::parentId).containsOnly(photo.id());
        Received published = named(ofPhoto, publish);
        Received searchable = named(ofPhoto, "searchable");
        assertThat(searchable.parentId()).isEqualTo(published.id());
        assertThat(committed(topics.names().galleryStatus(), 2))
            .extracting(TracesIT::traceparent)
            .containsExactly(
                "00-" + TRACE + "-" + published.id() + "-01",
                "00-" + TRACE + "-" + searchable.id() + "-01");

        send(topics.names().frames(), "c17", frame("f1", red()), SAMPLED);
        List<Received> ofFrame = receiver.await(6 + 8).subList(6, 14);
        String events = "publish " + topics.names().recognitions();
        String frames = "process " + topics.names().frames();
        assertThat(ofFrame)
            .extracting(Received::name)
            .containsExactly(
                "queue", "fetch", "decode", "detect", "extract", "search", events, frames);
        Received frame = named(ofFrame, frames);
        assertThat(frame.parentId()).isEqualTo(SPAN);
        assertThat(frame.attributes())
            .containsEntry("shelfstream.camera", "c17")
            .containsEntry("shelfstream.frame", "f1")
            .containsEntry("shelfstream.status", "OK")
            .containsEntry("shelfstream.objects", 2L)
            .containsEntry("shelfstream.gallery.version", 1L)
            .containsEntry("messaging.kafka.offset", 0L);
        assertThat(committed(topics.names().recognitions(), 1))
            .extracting(TracesIT::traceparent)
            .containsExactly("00-" + TRACE + "-" + named(ofFrame, events).id() + "-01");

        image(service, "00-" + "c".repeat(32) + "-" + SPAN + "-01");
        List<Received> ofImage = receiver.await(14 + 6).subList(14, 20);
        assertThat(ofImage)
            .extracting(Received::name)
            .containsExactly("queue", "decode", "detect", "extract", "search", "recognize image");
        assertThat(ofImage).extracting(Received::traceId).containsOnly("c".repeat(32));
        assertThat(named(ofImage, "recognize image").parentId()).isEqualTo(SPAN);
        assertThat(named(ofImage, "recognize image").attributes())
            .containsEntry("shelfstream.camera", "door")
            .containsEntry("shelfstream.objects", 2L);

        grpcImage(service, "00-" + "d".repeat(32) + "-" + SPAN + "-01");
        List<Received> ofCall = receiver.await(20 + 6).subList(20, 26);
        assertThat(ofCall).extracting(Received::traceId).containsOnly("d".repeat(32));
        assertThat(named(ofCall, "recognize image").parentId()).isEqualTo(SPAN);
      }
    }
  }

  private static void image(RecognitionService service, String traceparent) throws Exception {
    URI uri =
        URI.create(
            "http://127.0.0.1:%d/api/recognize?camera=door"
                .formatted(service.httpPort().orElseThrow()));
    HttpRequest request =
        HttpRequest.newBuilder(uri)
            .header("traceparent", traceparent)
            .header("Content-Type", "image/png")
            .POST(HttpRequest.BodyPublishers.ofByteArray(Pictures.plain(Color.RED)))
            .build();
    assertThat(
            HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .build()
                .send(request, BodyHandlers.ofString())
                .statusCode())
        .isEqualTo(200);
  }

  private static void grpcImage(RecognitionService service, String traceparent) {
    ManagedChannel channel =
        ManagedChannelBuilder.forAddress("127.0.0.1", service.httpPort().orElseThrow())
            .usePlaintext()
            .build();
    try {
      Metadata headers = new Metadata();
      headers.put(Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER), traceparent);
      RecognitionGrpc.newBlockingStub(channel)
          .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
          .recognize(
              RecognizeRequest.newBuilder()
                  .setImage(ByteString.copyFrom(Pictures.plain(Color.RED)))
                  .build());
    } finally {
      channel.shutdownNow();
    }
  }

  @Test
  void whatIsRejectedHasTheReasonAndWhatIsNotSampledIsNotExported() throws Exception {
    try (OtlpReceiver receiver = new OtlpReceiver(0)) {
      System.setProperty(ENDPOINT, receiver.endpoint());
      try (RecognitionService service = start()) {
        send(topics.names().frames(), "c17", frame("f1", red()), NOT_SAMPLED);
        send(topics.names().frames(), "c17", new byte[] {1}, SAMPLED);
        send(topics.names().frames(), "c17", frame("f2", "data:,no%20image"), 0, SAMPLED);
        send(topics.names().galleryUpdates(), "p", photo("p", "data:,no%20image"), SAMPLED);
        TestTopics.until(() -> topics.records(topics.names().deadLetters()).size() == 3);
        assertThat(service.isReady()).isTrue();
      } // the end sends what is left
      List<Received> spans = receiver.spans();
      List<Received> frames =
          spans.stream()
              .filter(s -> s.name().equals("process " + topics.names().frames()))
              .toList();
      assertThat(frames).hasSize(2);
      assertThat(frames.get(0).attributes())
          .containsEntry("error.type", "UNDECODABLE_RECORD")
          .containsEntry("shelfstream.stage", "read")
          .containsEntry("shelfstream.status", "REJECTED");
      assertThat(frames.get(1).attributes())
          .containsEntry("error.type", "UNSUPPORTED_IMAGE")
          .containsEntry("shelfstream.stage", "decode");
      Received photo = named(spans, "process " + topics.names().galleryUpdates());
      assertThat(photo.attributes()).containsEntry("error.type", "UNSUPPORTED_IMAGE");
      assertThat(photo.span().getStatus().getCode()).isEqualTo(StatusCode.STATUS_CODE_ERROR);
      assertThat(spans.stream().filter(s -> s.name().equals("decode")))
          .hasSize(2)
          .allSatisfy(
              s ->
                  assertThat(s.span().getStatus().getCode())
                      .isEqualTo(StatusCode.STATUS_CODE_ERROR));
      // A dead letter keeps what its source had, so that it can be published again.
      assertThat(topics.records(topics.names().deadLetters()))
          .extracting(TracesIT::traceparent)
          .containsOnly(SAMPLED);
      assertThat(topics.records(topics.names().recognitions()))
          .singleElement()
          .extracting(TracesIT::traceparent)
          .asString()
          .matches("00-" + TRACE + "-[0-9a-f]{16}-00");
    }
  }

  @Test
  void theStreamGoesOnWithoutAReceiverAndWhatComesLaterReachesIt() throws Exception {
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    System.setProperty(ENDPOINT, "http://127.0.0.1:" + port);
    try (RecognitionService service = start()) {
      topics.update(Map.of("red", Color.RED));
      TestTopics.awaitSize(service, 1);
      for (int i = 0; i < 20; i++) {
        assertThat(topics.recognize(Color.RED).getObjects()).hasSize(2);
      }
      try (OtlpReceiver receiver = new OtlpReceiver(port)) {
        TestTopics.until(
            () -> {
              topics.recognize(Color.RED);
              return !receiver.spans().isEmpty();
            });
        assertThat(service.isReady()).isTrue();
      }
    }
  }
}
