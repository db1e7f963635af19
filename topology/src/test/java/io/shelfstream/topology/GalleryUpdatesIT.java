package io.shelfstream.topology;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.config.Role;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.recognition.Pictures;
import java.awt.Color;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.assertj.core.groups.Tuple;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Updates of the gallery as publishers send them, and what each is told. */
@ExtendWith(SharedBroker.class)
class GalleryUpdatesIT {
  private TestTopics topics;

  @BeforeEach
  void configure(EmbeddedBroker broker, @TempDir Path folder, TestInfo test) {
    topics = new TestTopics(broker.bootstrapServers(), folder, test);
  }

  @ParameterizedTest
  @ValueSource(strings = {"exactly_once_v2", "at_least_once"})
  void neitherEmbedsNorCountsWhatItsPublisherTookBack(String guarantee) throws Exception {
    ShelfStreamConfig config = topics.config(Map.of("delivery.guarantee", guarantee));
    try (RecognitionService service = RecognitionService.start(config);
        KafkaProducer<String, byte[]> publisher = topics.producer("publisher")) {
      publisher.initTransactions();
      transaction(publisher, false, update("never", Color.RED));
      transaction(publisher, true, update("kept", Color.GREEN), update("replaced", Color.GREEN));
      transaction(publisher, false, removal("kept"), update("replaced", Color.RED));
      transaction(publisher, true, update("replaced", Color.BLUE));
      TestTopics.until(() -> topics.updatesHandled() == 3);

      publisher.beginTransaction();
      publisher.send(update("late", Color.PINK)).get();
      Thread.sleep(500);
      assertThat(topics.updatesHandled()).isEqualTo(3);
      publisher.commitTransaction();

      TestTopics.awaitSize(service, 3);
      assertThat(TestTopics.gallery(service).entries())
          .extracting(GalleryEntry::galleryImageId, GalleryEntry::productId)
          .containsExactly(
              product("kept", Color.GREEN),
              product("late", Color.PINK),
              product("replaced", Color.BLUE));
      TestTopics.until(() -> topics.updatesHandled() == 4);
      assertThat(topics.records(topics.names().galleryVectors()))
          .extracting(vector -> new String(vector.key(), UTF_8))
          .containsExactly("kept", "replaced", "replaced", "late");
      assertThat(topics.records(topics.names().deadLetters())).isEmpty();
    }
  }

  /** All of it is embedded for the next extractor, although records that do not count come last. */
  @Test
  void completesAChangeOfModelsPastWhatWasTakenBack() throws Exception {
    ShelfStreamConfig changing =
        topics.config(Map.of("models.next.dir", "src/test/resources/models/colour-and-inverse"));
    try (RecognitionService service = RecognitionService.start(changing);
        KafkaProducer<String, byte[]> publisher = topics.producer("publisher")) {
      publisher.initTransactions();
      transaction(publisher, true, update("kept", Color.GREEN));
      transaction(publisher, false, update("never", Color.RED));

      completesTheChangeWithWhatWasKept(service);
    }
  }

  /** Nothing is left that the new process could embed, so it never commits the end. */
  @ParameterizedTest
  @ValueSource(strings = {"exactly_once_v2", "at_least_once"})
  void completesAChangeOfModelsWhenOnlyWhatWasTakenBackCameSinceARestart(String guarantee)
      throws Exception {
    ShelfStreamConfig changing =
        topics.config(
            Map.of(
                "delivery.guarantee",
                guarantee,
                "models.next.dir",
                "src/test/resources/models/colour-and-inverse"));
    try (KafkaProducer<String, byte[]> publisher = topics.producer("publisher")) {
      publisher.initTransactions();
      try (RecognitionService embedding = RecognitionService.start(changing, Role.GALLERY)) {
        transaction(publisher, true, update("kept", Color.GREEN));
        TestTopics.until(
            () -> topics.records(changing.nextTopics().orElseThrow().galleryVectors()).size() == 1);
      }
      transaction(publisher, false, update("never", Color.RED));

      try (RecognitionService service = RecognitionService.start(changing)) {
        completesTheChangeWithWhatWasKept(service);
      }
    }
  }

  private void completesTheChangeWithWhatWasKept(RecognitionService service) {
    TestTopics.until(
        () ->
            topics
                .recognize(Color.GREEN)
                .getVersions()
                .getExtractor()
                .startsWith("colour-and-inverse@"));
    assertThat(TestTopics.gallery(service).entries())
        .extracting(GalleryEntry::galleryImageId)
        .containsExactly("kept");
  }

  @Test
  void tellsTheTimesOfEachKindOfUpdate() throws Exception {
    Instant start = Instant.ofEpochMilli(System.currentTimeMillis());
    try (RecognitionService service = RecognitionService.start(topics.config(Map.of()));
        KafkaProducer<String, byte[]> publisher = topics.producer(null)) {
      List<ProducerRecord<String, byte[]>> updates =
          List.of(
              update("photo", Color.RED),
              embedding("vector"),
              update("photo", photo(Color.RED).setGalleryImageId("photo").setLabel("Red")),
              update("photo", Color.BLUE),
              update("photo", Color.BLUE),
              removal("photo"),
              removal("unknown"),
              update("nowhere", photo(Color.RED).setGalleryImageId("nowhere").setUri("file:/no")));
      for (ProducerRecord<String, byte[]> update : updates) {
        publisher.send(update).get();
      }
      int answers = 2 * updates.size() - 1; // a rejected one has no second
      TestTopics.until(() -> statuses().size() == answers);

      List<GalleryStatus> first = new ArrayList<>(statuses());
      first.removeIf(status -> status.getOutcome() == GalleryOutcome.SEARCHABLE);
      assertThat(first)
          .extracting(GalleryStatus::getOutcome)
          .containsExactly(
              GalleryOutcome.APPLIED,
              GalleryOutcome.APPLIED,
              GalleryOutcome.APPLIED,
              GalleryOutcome.APPLIED,
              GalleryOutcome.APPLIED,
              GalleryOutcome.REMOVED,
              GalleryOutcome.REMOVED,
              GalleryOutcome.REJECTED);
      for (GalleryStatus status : first) {
        assertThat(status.getPublishedAt()).isAfterOrEqualTo(start);
        assertThat(status.getEmbeddedAt()).isAfterOrEqualTo(status.getPublishedAt());
        assertThat(status.getSearchableAt()).isNull();
      }
      assertThat(searchable())
          .extracting(GalleryStatus::getSourceOffset)
          .containsExactlyInAnyOrder(0L, 1L, 2L, 3L, 4L, 5L, 6L);
      for (GalleryStatus status : searchable()) {
        GalleryStatus before = first.get((int) status.getSourceOffset());
        assertThat(status.getGalleryImageId()).isEqualTo(before.getGalleryImageId());
        assertThat(status.getPublishedAt()).isEqualTo(before.getPublishedAt());
        assertThat(status.getEmbeddedAt()).isEqualTo(before.getEmbeddedAt());
        assertThat(status.getSearchableAt()).isBetween(status.getEmbeddedAt(), Instant.now());
      }
      assertThat(TestTopics.gallery(service).entries())
          .extracting(GalleryEntry::galleryImageId)
          .containsExactly("vector");
    }
  }

  private List<GalleryStatus> searchable() {
    return statuses().stream()
        .filter(status -> status.getOutcome() == GalleryOutcome.SEARCHABLE)
        .toList();
  }

  private List<GalleryStatus> statuses() {
    return topics.records(topics.names().galleryStatus()).stream()
        .map(
            record ->
                TestTopics.SERDES
                    .statuses()
                    .deserializer()
                    .deserialize(record.topic(), record.value()))
        .toList();
  }

  private static Tuple product(String id, Color colour) {
    return Tuple.tuple(id, TestTopics.product(colour));
  }

  @SafeVarargs
  private static void transaction(
      KafkaProducer<String, byte[]> publisher,
      boolean commits,
      ProducerRecord<String, byte[]>... updates)
      throws Exception {
    publisher.beginTransaction();
    for (ProducerRecord<String, byte[]> update : updates) {
      publisher.send(update).get(); // so that an abort finds it on the topic
    }
    if (commits) {
      publisher.commitTransaction();
    } else {
      publisher.abortTransaction();
    }
  }

  private ProducerRecord<String, byte[]> update(String id, Color colour) {
    return update(id, photo(colour).setGalleryImageId(id));
  }

  private ProducerRecord<String, byte[]> embedding(String id) {
    ModelDirectory models = ModelDirectory.read(Path.of("src/test/resources/models/colour"));
    return update(
        id,
        photo(Color.GREEN)
            .setGalleryImageId(id)
            .setUri(null)
            .setEmbedding(List.of(0f, 1f, 0f))
            .setExtractor(models.extractorId()));
  }

  private ProducerRecord<String, byte[]> removal(String id) {
    return new ProducerRecord<>(topics.names().galleryUpdates(), id, null);
  }

  private ProducerRecord<String, byte[]> update(String id, GalleryUpdate.Builder update) {
    String topic = topics.names().galleryUpdates();
    return new ProducerRecord<>(
        topic, id, TestTopics.SERDES.updates().serializer().serialize(topic, update.build()));
  }

  private static GalleryUpdate.Builder photo(Color colour) {
    return GalleryUpdate.newBuilder()
        .setProductId(TestTopics.product(colour))
        .setLabel(TestTopics.product(colour))
        .setUri(Pictures.uri(Pictures.plain(colour)));
  }
}
