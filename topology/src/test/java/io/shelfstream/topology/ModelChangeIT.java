package io.shelfstream.topology;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.config.Role;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.gallery.GalleryEntry;
import java.awt.Color;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** From one extractor (mean colour, 3 numbers) to another (with its inverse, 6 numbers). */
@ExtendWith(SharedBroker.class)
class ModelChangeIT {
  private static final String NEXT_MODELS = "src/test/resources/models/colour-and-inverse";

  private TestTopics topics;

  @BeforeEach
  void configure(EmbeddedBroker broker, @TempDir Path folder, TestInfo test) {
    topics = new TestTopics(broker.bootstrapServers(), folder, test);
  }

  private ShelfStreamConfig now() {
    return topics.config(Map.of());
  }

  private ShelfStreamConfig changing() {
    return topics.config(Map.of("models.next.dir", NEXT_MODELS));
  }

  private ShelfStreamConfig afterwards() {
    return topics.config(
        Map.of(
            "models.dir",
            NEXT_MODELS,
            "topics.gallery.vectors",
            now().topics().galleryVectors() + ".next"));
  }

  @Test
  void goesOverToTheNextModelsWhenTheirGalleryIsComplete() throws Exception {
    try (RecognitionService before = RecognitionService.start(now())) {
      topics.update(photos());
      topics.update(gone());
      TestTopics.until(() -> topics.updatesHandled() == 6);
      TestTopics.awaitSize(before, 3);
    }
    List<GalleryEntry> entries;

    try (RecognitionService recognising = RecognitionService.start(changing(), Role.RECOGNIZE)) {
      // Nobody embeds yet, so it cannot be complete.
      Thread.sleep(3_000);
      assertSeen("colour@", 3);

      try (RecognitionService embedding = RecognitionService.start(changing(), Role.GALLERY)) {
        TestTopics.until(() -> seenBy("colour-and-inverse@"));
        assertSeen("colour-and-inverse@", 3);

        topics.update(Map.of("new", Color.MAGENTA));
        TestTopics.awaitSize(recognising, 4);
        assertThat(topics.recognize(Color.MAGENTA).getObjects().get(0).getProductId())
            .isEqualTo(TestTopics.product(Color.MAGENTA));
        entries = TestTopics.gallery(recognising).entries();
        assertThat(entries)
            .extracting(GalleryEntry::galleryImageId)
            .containsExactly("blue", "green", "new", "red");
      }
    }

    try (RecognitionService restarted = RecognitionService.start(changing())) {
      assertSeen("colour-and-inverse@", 4);
      assertThat(TestTopics.gallery(restarted).entries()).isEqualTo(entries);
    }
    int embedded = topics.records(afterwards().topics().galleryVectors()).size();

    try (RecognitionService back = RecognitionService.start(now())) {
      assertSeen("colour@", 4);
    }
    try (RecognitionService permanent = RecognitionService.start(afterwards())) {
      assertSeen("colour-and-inverse@", 4);
      topics.update(Map.of("last", Color.ORANGE));
      TestTopics.awaitSize(permanent, 5);
    }
    // Nothing was embedded again.
    assertThat(topics.records(afterwards().topics().galleryVectors())).hasSize(embedded + 1);
    assertThat(topics.updatesHandled()).isEqualTo(8);
  }

  @Test
  void refusesToGoWhereItIs() {
    ShelfStreamConfig same =
        topics.config(Map.of("models.next.dir", "src/test/resources/models/colour"));

    assertThatThrownBy(() -> RecognitionService.start(same))
        .hasMessageContaining("models.next.dir")
        .hasMessageContaining("colour@");
  }

  private static Map<String, @Nullable Color> photos() {
    Map<String, @Nullable Color> updates = new LinkedHashMap<>();
    updates.put("red", Color.BLACK);
    updates.put("green", Color.GREEN);
    updates.put("blue", Color.BLUE);
    updates.put("gone", Color.CYAN);
    return updates;
  }

  /** One is replaced, one removed. */
  private static Map<String, @Nullable Color> gone() {
    Map<String, @Nullable Color> updates = new LinkedHashMap<>();
    updates.put("red", Color.RED);
    updates.put("gone", null);
    return updates;
  }

  private boolean seenBy(String extractor) {
    RecognitionEvent event = topics.recognize(Color.BLUE);
    assertThat(event.getObjects().get(0).getProductId()).isEqualTo(TestTopics.product(Color.BLUE));
    assertThat(event.getVersions().getGallerySize()).isEqualTo(3);
    return event.getVersions().getExtractor().startsWith(extractor);
  }

  private void assertSeen(String extractor, int photos) {
    RecognitionEvent event = topics.recognize(Color.BLUE);
    assertThat(event.getVersions().getExtractor()).startsWith(extractor);
    assertThat(event.getVersions().getGallerySize()).isEqualTo(photos);
    assertThat(event.getObjects().get(0).getProductId()).isEqualTo(TestTopics.product(Color.BLUE));
  }
}
