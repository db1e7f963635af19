package io.shelfstream.topology;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.broker.Topics;
import io.shelfstream.config.Role;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.model.ModelDirectory;
import java.awt.Color;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Several processes and several partitions, and topics as they look after years. */
@ExtendWith(SharedBroker.class)
class GalleryRolesIT {
  private static final short ONE_COPY = 1;

  private TestTopics topics;

  @BeforeEach
  void configure(EmbeddedBroker broker, @TempDir Path folder, TestInfo test) {
    topics = new TestTopics(broker.bootstrapServers(), folder, test);
  }

  @Test
  void embedsEachPhotoOnceForAllProcesses() throws Exception {
    ShelfStreamConfig config = topics.config(Map.of());
    ShelfStreamConfig second =
        topics.config(Map.of("application.id", config.applicationId() + ".second"));
    Topics.create(config, 3, ONE_COPY);

    try (RecognitionService embedding = RecognitionService.start(config, Role.GALLERY);
        RecognitionService recognising = RecognitionService.start(config, Role.RECOGNIZE);
        RecognitionService both = RecognitionService.start(second, Role.ALL)) {
      Map<String, @Nullable Color> photos = TestTopics.photos(40);
      topics.update(photos);
      for (RecognitionService service : List.of(embedding, recognising, both)) {
        TestTopics.awaitSize(service, photos.size());
      }
      photos.forEach((id, colour) -> assertKnown(recognising, id, colour));

      RecognitionEvent event = topics.recognize(Color.RED);
      assertThat(event.getObjects().get(0).getProductId()).isEqualTo(TestTopics.product(Color.RED));
      assertThat(event.getVersions().getGalleryVersions()).hasSize(3);
      assertThat(event.getVersions().getGalleryVersion())
          .isEqualTo(
              event.getVersions().getGalleryVersions().values().stream()
                  .mapToLong(Long::longValue)
                  .sum());
      assertThat(entries(embedding)).isEqualTo(entries(recognising)).isEqualTo(entries(both));
    }
    ShelfStreamConfig third =
        topics.config(Map.of("application.id", config.applicationId() + ".third"));
    try (RecognitionService later = RecognitionService.start(third)) {
      assertThat(later.gallery().state().size()).isEqualTo(40);
      topics.update(Map.of("one-more", Color.PINK));
      TestTopics.awaitSize(later, 41);
    }

    assertThat(topics.records(topics.names().galleryVectors())).hasSize(41);
    assertThat(topics.updatesHandled()).isEqualTo(41);
  }

  private static void assertKnown(RecognitionService service, String id, @Nullable Color colour) {
    assertThat(entries(service))
        .filteredOn(entry -> entry.galleryImageId().equals(id))
        .extracting(GalleryEntry::productId)
        .containsExactly(TestTopics.product(colour));
  }

  private static List<GalleryEntry> entries(RecognitionService service) {
    return TestTopics.gallery(service).entries();
  }

  @Test
  void readsACompactedTopicWithGapsAndTransactionsThatNeverWereCommitted() throws Exception {
    ShelfStreamConfig config = topics.config(Map.of());
    String topic = topics.names().galleryVectors();
    Topics.create(config, 2, ONE_COPY);
    compactSoon(topic, true);
    Random random = new Random(11);
    Map<String, String> expected = new TreeMap<>();
    AtomicInteger committed = new AtomicInteger();

    for (int transaction = 0; transaction < 60; transaction++) {
      boolean commits = transaction % 3 != 0;
      Map<String, @Nullable String> written = new LinkedHashMap<>();
      for (int i = 0; i < 10; i++) {
        String id = "photo-" + random.nextInt(25);
        written.put(id, random.nextInt(4) == 0 ? null : "product-" + transaction);
      }
      write(topic, written, commits);
      if (commits) {
        committed.addAndGet(written.size());
        written.forEach(
            (id, product) -> {
              if (product == null) {
                expected.remove(id);
              } else {
                expected.put(id, product);
              }
            });
      }
    }
    write(topic, Map.of("last", "product"), true); // only segments before the one in use are
    expected.put("last", "product");
    TestTopics.until(() -> topics.records(topic).size() < committed.get() / 2); // compacted
    compactSoon(topic, false);
    write(topic, Map.of("photo-0", "never committed"), false);

    try (KafkaProducer<String, byte[]> open = topics.producer("open")) {
      open.initTransactions();
      open.beginTransaction();
      open.send(record(topic, "photo-1", "not committed yet")).get();
      try (RecognitionService service = RecognitionService.start(config, Role.RECOGNIZE)) {
        assertThat(products(service)).isEqualTo(expected);
        Map<Integer, Long> versions = service.gallery().state().versions();
        assertThat(versions).isEqualTo(lastOffsets(topic)).hasSize(2);
        assertThat(service.gallery().state().version())
            .isEqualTo(versions.values().stream().mapToLong(Long::longValue).sum());

        open.commitTransaction();
        TestTopics.until(() -> "not committed yet".equals(products(service).get("photo-1")));
      }
    }
  }

  private Map<Integer, Long> lastOffsets(String topic) {
    Map<Integer, Long> offsets = new HashMap<>();
    for (ConsumerRecord<byte[], byte[]> record : topics.records(topic)) {
      offsets.merge(record.partition(), record.offset() + 1, Math::max);
    }
    return offsets;
  }

  private static Map<String, String> products(RecognitionService service) {
    Map<String, String> products = new TreeMap<>();
    entries(service).forEach(e -> products.put(e.galleryImageId(), e.productId()));
    return products;
  }

  private void write(String topic, Map<String, @Nullable String> vectors, boolean commit)
      throws Exception {
    try (KafkaProducer<String, byte[]> producer = topics.producer("writer")) {
      producer.initTransactions();
      producer.beginTransaction();
      for (Map.Entry<String, @Nullable String> vector : vectors.entrySet()) {
        producer.send(record(topic, vector.getKey(), vector.getValue())).get();
      }
      if (commit) {
        producer.commitTransaction();
      } else {
        producer.abortTransaction();
      }
    }
  }

  private static ProducerRecord<String, byte[]> record(
      String topic, String id, @Nullable String product) {
    byte[] value =
        product == null
            ? null
            : TestTopics.SERDES
                .vectors()
                .serializer()
                .serialize(
                    topic,
                    GalleryVector.newBuilder()
                        .setGalleryImageId(id)
                        .setProductId(product)
                        .setLabel(product)
                        .setEmbedding(Embeddings.encode(new float[] {1, 0, 0}))
                        .setDimension(3)
                        .setExtractor(extractor())
                        .setSourceOffset(0)
                        .build());
    return new ProducerRecord<>(topic, id, value);
  }

  private static String extractor() {
    return ModelDirectory.read(Path.of("src/test/resources/models/colour")).extractorId();
  }

  private void compactSoon(String topic, boolean soon) throws Exception {
    Map<String, String> settings =
        Map.of(
            "min.cleanable.dirty.ratio", soon ? "0.01" : "1",
            "segment.ms", soon ? "100" : "604800000",
            "delete.retention.ms", "0");
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    List<AlterConfigOp> changes =
        settings.entrySet().stream()
            .map(
                e ->
                    new AlterConfigOp(
                        new ConfigEntry(e.getKey(), e.getValue()), AlterConfigOp.OpType.SET))
            .toList();
    try (Admin admin = topics.admin()) {
      admin.incrementalAlterConfigs(Map.of(resource, changes)).all().get();
    }
  }
}
