package io.shelfstream.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.index.Await;
import io.shelfstream.index.Segment;
import io.shelfstream.index.TestVectors;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What happens in the background must not be seen in the foreground, and leave nothing behind. */
@Timeout(300)
class GalleryCompactionTest {

  private static final String EXTRACTOR = "net-0123456789ab";

  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);
  private final ExecutorService pool = Executors.newFixedThreadPool(2);
  private long offset;

  @BeforeEach
  void waitsForEarlierTests() throws Exception {
    Await.noOpenSegments();
  }

  @AfterEach
  void leavesNoNativeMemoryBehind() throws Exception {
    pool.shutdownNow();
    Await.noOpenSegments();
  }

  private void put(Gallery gallery, String id, float[] embedding) {
    GalleryVector vector =
        GalleryVector.newBuilder()
            .setGalleryImageId(id)
            .setProductId("p")
            .setLabel("cola")
            .setEmbedding(Embeddings.encode(embedding))
            .setDimension(embedding.length)
            .setExtractor(EXTRACTOR)
            .setSourceOffset(0)
            .build();
    assertThat(gallery.apply(0, offset++, id, vector).rejected()).isFalse();
  }

  private void remove(Gallery gallery, String id) {
    gallery.apply(0, offset++, id, null);
  }

  private static String nearest(Gallery gallery, float[] query) {
    return gallery.search(List.of(query), 1).hits().get(0).get(0).entry().galleryImageId();
  }

  @ParameterizedTest
  @ValueSource(strings = {"IVF16,Flat", "IVF16,SQfp16", "HNSW16", "SQfp16"})
  void anIndexIsBuiltBesideTheGalleryAndFollowsIt(String type) throws Exception {
    int dimension = 32;
    Map<String, float[]> model = new HashMap<>();
    try (Gallery gallery = new Gallery(type, dimension, EXTRACTOR)) {
      for (int i = 0; i < 3000; i++) {
        model.put("photo-" + i, TestVectors.unit(random, dimension));
        put(gallery, "photo-" + i, model.get("photo-" + i));
      }
      Await.until(() -> gallery.state().indexType().equals(type));

      int missed = 0;
      for (int i = 0; i < 1500; i++) {
        String id = "photo-" + random.nextInt(4000);
        float[] before = model.get(id);
        if (i % 3 == 0) {
          model.remove(id);
          remove(gallery, id);
        } else {
          model.put(id, TestVectors.unit(random, dimension));
          put(gallery, id, model.get(id));
          missed += nearest(gallery, model.get(id)).equals(id) ? 0 : 1;
        }
        if (before != null) {
          float score = gallery.search(List.of(before), 1).hits().get(0).get(0).score();
          assertThat(score).as("seed %d, %s is gone", seed, id).isLessThan(0.99f);
        }
      }

      // Its own list is the first that a search of lists looks at; a graph may not reach a node.
      assertThat(missed).as("seed %d", seed).isLessThanOrEqualTo(type.startsWith("HNSW") ? 10 : 0);
      Await.until(() -> gallery.rows() < 1.5 * model.size());
      assertThat(gallery.state().size()).isEqualTo(model.size());
      long own =
          model.entrySet().stream()
              .filter(photo -> nearest(gallery, photo.getValue()).equals(photo.getKey()))
              .count();
      assertThat((double) own / model.size()).as("seed %d", seed).isGreaterThan(0.9);
      CompactionReport last = gallery.lastCompaction().orElseThrow();
      assertThat(last.indexType()).isEqualTo(type);
      assertThat(last.recall().orElse(1)).isBetween(0.9, 1.0);
      assertThat(gallery.recall().orElseThrow()).isBetween(0.9, 1.0);
      assertThat(gallery.compactions()).isPositive();
      Gallery.Storage storage = gallery.storage();
      assertThat(storage.rows() - storage.dead()).isEqualTo(model.size());
    }
  }

  @Test
  void goesBackToComparingEveryPhotoWhenFewAreLeft() throws Exception {
    try (Gallery gallery = new Gallery("IVF16,Flat", 8, EXTRACTOR)) {
      float[] kept = TestVectors.unit(random, 8);
      for (int i = 0; i < 2000; i++) {
        put(gallery, "photo-" + i, i == 0 ? kept : TestVectors.unit(random, 8));
      }
      Await.until(() -> gallery.state().indexType().equals("IVF16,Flat"));

      for (int i = 1; i < 2000; i++) {
        remove(gallery, "photo-" + i);
      }

      Await.until(() -> gallery.state().indexType().equals("Flat") && gallery.rows() < 100);
      assertThat(nearest(gallery, kept)).isEqualTo("photo-0");
    }
  }

  /** Half of the photos stay, the other half is replaced all the time. */
  @Test
  void searchesSeeOneMomentWhileBlocksArePackedAndMemoryStaysBounded() throws Exception {
    int dimension = 2048;
    int photos = 400;
    List<float[]> vectors = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      vectors.add(TestVectors.unit(random, dimension));
    }
    AtomicBoolean done = new AtomicBoolean();
    try (Gallery gallery = new Gallery("Flat", dimension, EXTRACTOR)) {
      for (int i = 0; i < photos; i++) {
        put(gallery, "photo-" + i, vectors.get(i % 50));
      }
      List<Future<?>> searches = new ArrayList<>();
      for (int t = 0; t < 2; t++) {
        searches.add(
            pool.submit(
                () -> {
                  while (!done.get()) {
                    ProductSearch.Result found = gallery.search(vectors.subList(0, 5), 1000);
                    for (List<GalleryHit> hits : found.hits()) {
                      assertThat(hits.stream().map(h -> h.entry().galleryImageId()).distinct())
                          .as("seed %d", seed)
                          .hasSize(photos);
                      assertThat(hits).hasSize(photos);
                    }
                  }
                }));
      }

      for (int i = 0; i < 20_000; i++) {
        put(gallery, "photo-" + random.nextInt(photos / 2), vectors.get(random.nextInt(50)));
      }

      done.set(true);
      for (Future<?> search : searches) {
        search.get();
      }
      int block = LiveSegment.blockRows(dimension);
      Await.until(() -> gallery.rows() < block + 2 * photos);
      assertThat(Segment.open()).isLessThanOrEqualTo(3);
    }
  }

  @Test
  void closesInTheMiddleOfACompaction() throws Exception {
    for (int round = 0; round < 10; round++) {
      try (Gallery gallery = new Gallery("HNSW16", 16, EXTRACTOR)) {
        for (int i = 0; i < 1100 + round * 20; i++) {
          put(gallery, "photo-" + i, TestVectors.unit(random, 16));
        }
      }
    }
    Await.noOpenSegments();
  }
}
