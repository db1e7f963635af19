package io.shelfstream.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.index.TestVectors;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The second product is found however many photos the first one has. */
class RunnerUpTest {
  private static final int DIMENSION = 16;
  private static final String EXTRACTOR = "net-0123456789ab";

  private final Random random = new Random(4);
  private final float[] query = TestVectors.unit(random, DIMENSION);

  private float[] near(double noise) {
    float[] other = TestVectors.unit(random, DIMENSION);
    float[] mixed = new float[DIMENSION];
    for (int i = 0; i < DIMENSION; i++) {
      mixed[i] = (float) (query[i] + noise * other[i]);
    }
    return Embeddings.unit(mixed);
  }

  private static void put(Gallery gallery, long offset, String product, float[] embedding) {
    String id = product + "/" + offset;
    GalleryVector vector =
        GalleryVector.newBuilder()
            .setGalleryImageId(id)
            .setProductId(product)
            .setLabel(product)
            .setEmbedding(Embeddings.encode(embedding))
            .setDimension(DIMENSION)
            .setExtractor(EXTRACTOR)
            .setSourceOffset(offset)
            .build();
    assertThat(gallery.apply(0, offset, id, vector).rejected()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"Flat", "HNSW32", "IVF16,Flat", "IVF16,SQfp16"})
  void isFoundBehindAnyNumberOfPhotos(String type) {
    for (int photos : new int[] {10, 60, 3000, 3000, 3000, 3000}) {
      try (Gallery gallery = gallery(type)) {
        for (int i = 0; i < photos; i++) {
          put(gallery, i, "cola", near(0.01));
        }
        put(gallery, photos, "tea", near(0.3));
        // The far product alone is in a part that is compared row by row, and so always found.
        awaitCompaction(gallery);
        put(gallery, photos + 1, "milk", near(3));
        awaitCompaction(gallery);

        List<GalleryHit> hits =
            gallery.search(List.of(query), 50, 2, PhotoFilter.NONE).hits().get(0);

        assertThat(hits.get(0).entry().productId()).isEqualTo("cola");
        assertThat(hits)
            .as("%d photos", photos)
            .extracting(hit -> hit.entry().productId())
            .contains("tea");
        assertThat(hits).isSortedAccordingTo((a, b) -> Float.compare(b.score(), a.score()));
        assertThat(gallery.search(List.of(query), 50).hits().get(0).size()).isLessThan(51);
      }
    }
  }

  private static void awaitCompaction(Gallery gallery) {
    while (gallery.isCompacting()) {
      Thread.onSpinWait();
    }
  }

  private static Gallery gallery(String type) {
    return new Gallery(type, DIMENSION, EXTRACTOR);
  }

  @Test
  void isNoneWhereThereIsOneProduct() {
    try (Gallery gallery = gallery("Flat")) {
      List<float[]> queries = new ArrayList<>(List.of(query, near(1)));
      assertThat(gallery.search(queries, 5, 2, PhotoFilter.NONE).hits().get(0)).isEmpty();
      for (int i = 0; i < 100; i++) {
        put(gallery, i, "cola", near(0.1));
      }

      assertThat(gallery.search(queries, 5, 2, PhotoFilter.NONE).hits().get(1)).hasSize(5);
      assertThat(gallery.search(queries, 5, 2, new PhotoFilter(Map.of("s", "1"))).hits())
          .hasSize(2);
      assertThat(gallery.search(List.of(), 5, 2, PhotoFilter.NONE).hits()).isEmpty();
    }
  }
}
