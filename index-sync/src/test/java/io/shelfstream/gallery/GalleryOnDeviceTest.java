package io.shelfstream.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.index.Accelerator;
import io.shelfstream.index.Await;
import io.shelfstream.index.TestDevice;
import io.shelfstream.index.TestVectors;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A gallery that a device helps to search answers as one that the CPU searches alone. */
@Timeout(300)
class GalleryOnDeviceTest {

  private static final String EXTRACTOR = "net-0123456789ab";
  private static final int DIMENSION = 32;

  private static GalleryVector vector(String id, float[] embedding, int store) {
    return GalleryVector.newBuilder()
        .setGalleryImageId(id)
        .setProductId("p")
        .setLabel("cola")
        .setEmbedding(Embeddings.encode(embedding))
        .setDimension(embedding.length)
        .setExtractor(EXTRACTOR)
        .setAttributes(Map.of("stores", Integer.toString(store)))
        .setSourceOffset(0)
        .build();
  }

  @ParameterizedTest
  @ValueSource(strings = {"Flat", "IVF8,Flat", "SQfp16"})
  void answersAsTheCpuDoes(String type) throws Exception {
    // A block of plain rows holds 16384; nothing of it is copied before it is full.
    int updates = type.equals("Flat") ? 40_000 : 6_000;
    int photos = updates * 5 / 6;
    Await.noOpenSegments();
    Random random = new Random(type.hashCode());
    long mostCopied = 0;
    try (Accelerator device = TestDevice.accelerator(500);
        Gallery with = new Gallery(type, DIMENSION, EXTRACTOR, device);
        Gallery without = new Gallery("Flat", DIMENSION, EXTRACTOR)) {
      for (int i = 0; i < updates; i++) {
        // Some photos are removed or replaced again, and some come twice under different names.
        String id = "photo-" + random.nextInt(photos);
        float[] embedding = TestVectors.unit(new Random(random.nextInt(photos)), DIMENSION);
        GalleryVector vector = i % 7 == 0 ? null : vector(id, embedding, i % 3);
        with.apply(0, i, id, vector);
        without.apply(0, i, id, vector);
        if (i % (updates / 12) == 499) {
          // A compaction frees copies, and others are made of what it leaves.
          Await.until(() -> !with.isCompacting() && !with.isCopying());
          mostCopied = Math.max(mostCopied, device.bytes());
          assertSame(with, without, random, photos);
        }
      }
      assertThat(mostCopied).as("bytes on the device").isPositive();
      Await.until(() -> !with.isCompacting() && !with.isCopying());
      assertSame(with, without, random, photos);
      device.close();
      with.search(List.of(TestVectors.unit(random, DIMENSION)), 5);
    }
    Await.noOpenSegments();
  }

  private static void assertSame(Gallery with, Gallery without, Random random, int photos) {
    List<PhotoFilter> filters = List.of(PhotoFilter.NONE, new PhotoFilter(Map.of("stores", "1")));
    for (PhotoFilter filter : filters) {
      List<float[]> queries =
          random
              .ints(6, 0, photos)
              .mapToObj(seed -> TestVectors.unit(new Random(seed), DIMENSION))
              .toList();
      List<List<GalleryHit>> expected = without.search(queries, 3, filter).hits();
      List<List<GalleryHit>> found = with.search(queries, 3, filter).hits();
      for (int q = 0; q < queries.size(); q++) {
        assertThat(found.get(q).get(0).score())
            .isCloseTo(
                expected.get(q).get(0).score(),
                within(with.state().indexType().equals("SQfp16") ? 2e-3f : 1e-5f));
        if (with.state().indexType().equals("Flat")) {
          assertThat(ids(found.get(q))).containsExactlyElementsOf(ids(expected.get(q)));
        }
      }
    }
  }

  private static List<String> ids(List<GalleryHit> hits) {
    return hits.stream().map(hit -> hit.entry().galleryImageId()).toList();
  }
}
