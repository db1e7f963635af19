package io.shelfstream.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.index.Await;
import io.shelfstream.index.TestVectors;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(300)
class PhotoFilterTest {

  private static final String EXTRACTOR = "net-0123456789ab";
  private static final int DIMENSION = 16;

  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);

  private static PhotoFilter store(String store) {
    return new PhotoFilter(Map.of("stores", store));
  }

  private static GalleryEntry photo(Map<String, String> attributes) {
    return new GalleryEntry("id", "p", "cola", null, attributes);
  }

  private static void put(
      Gallery gallery, long offset, String id, float[] embedding, Map<String, String> attributes) {
    GalleryVector vector =
        GalleryVector.newBuilder()
            .setGalleryImageId(id)
            .setProductId("p")
            .setLabel("cola " + offset)
            .setEmbedding(Embeddings.encode(embedding))
            .setDimension(DIMENSION)
            .setExtractor(EXTRACTOR)
            .setSourceOffset(0)
            .setAttributes(attributes)
            .build();
    assertThat(gallery.apply(0, offset, id, vector).rejected()).isFalse();
  }

  @Test
  void allowsWhatListsTheValueAndWhatListsNothing() {
    PhotoFilter filter = store("12");

    assertThat(filter.allows(photo(Map.of("stores", "12")))).isTrue();
    assertThat(filter.allows(photo(Map.of("stores", "7, 12 ,9")))).isTrue();
    assertThat(filter.allows(photo(Map.of("season", "12")))).isTrue();
    assertThat(filter.allows(photo(Map.of()))).isTrue();
    assertThat(filter.allows(photo(Map.of("stores", "112,120")))).isFalse();
    assertThat(filter.allows(photo(Map.of("stores", "")))).isFalse();
    assertThat(PhotoFilter.NONE.allows(photo(Map.of("stores", "7")))).isTrue();
  }

  @Test
  void asksForEachOfItsAttributes() {
    PhotoFilter filter = new PhotoFilter(Map.of("stores", "1", "country", "de"));

    assertThat(filter.allows(photo(Map.of("stores", "1", "country", "de,at")))).isTrue();
    assertThat(filter.allows(photo(Map.of("stores", "1", "country", "fr")))).isFalse();
    assertThat(filter.allows(photo(Map.of("stores", "2", "country", "de")))).isFalse();
  }

  /** Against plain arithmetic, while photos come, go and change their stores. */
  @ParameterizedTest
  @ValueSource(strings = {"Flat", "IVF16,Flat", "IVF16,SQfp16", "HNSW16", "SQfp16"})
  void findsTheNearestOfThoseAllowedUnderChanges(String type) throws Exception {
    Map<String, float[]> embeddings = new HashMap<>();
    Map<String, Map<String, String>> attributes = new HashMap<>();
    try (Gallery gallery = new Gallery(type, DIMENSION, EXTRACTOR)) {
      for (int i = 0; i < 6000; i++) {
        // Later ones replace, move to other stores, or remove.
        String id = "photo-" + (i < 4000 ? i : random.nextInt(4000));
        if (i > 4000 && i % 3 == 0) {
          gallery.apply(0, i, id, null);
          embeddings.remove(id);
          continue;
        }
        boolean samePicture = i % 2 == 0 && embeddings.containsKey(id);
        float[] embedding = samePicture ? embeddings.get(id) : TestVectors.unit(random, DIMENSION);
        // Store 1 has a tenth, store 2 a hundredth, store 3 two photos in three.
        String stores =
            (i % 10 == 0 ? "1," : "") + (i % 100 == 0 ? "2," : "") + (i % 3 > 0 ? 3 : 4);
        embeddings.put(id, embedding);
        attributes.put(id, i % 500 == 7 ? Map.of() : Map.of("stores", stores));
        put(gallery, i, id, embedding, attributes.get(id));
        if (i % 1500 == 1499) {
          check(gallery, embeddings, attributes, type);
        }
      }
      Await.until(() -> !gallery.isCompacting());
      check(gallery, embeddings, attributes, type);
    }
  }

  private void check(
      Gallery gallery,
      Map<String, float[]> embeddings,
      Map<String, Map<String, String>> attributes,
      String type) {
    List<float[]> queries =
        IntStream.range(0, 9).mapToObj(i -> TestVectors.unit(random, DIMENSION)).toList();
    int wanted = 0;
    int hit = 0;
    for (String store : List.of("1", "2", "3", "nowhere")) {
      for (int batch : List.of(1, 9)) {
        List<List<GalleryHit>> found =
            gallery.search(queries.subList(0, batch), 5, store(store)).hits();
        for (int q = 0; q < batch; q++) {
          List<String> expected = nearest(queries.get(q), store, embeddings, attributes);
          List<String> ids = found.get(q).stream().map(h -> h.entry().galleryImageId()).toList();
          assertThat(ids)
              .as("%s, store %s, seed %d", type, store, seed)
              .hasSameSizeAs(expected)
              .allMatch(id -> store(store).allows(photo(attributes.get(id))))
              .allMatch(embeddings::containsKey);
          wanted += expected.size();
          hit += ids.stream().filter(expected::contains).count();
        }
      }
    }
    // Half precision swaps near neighbours now and then; lists and graphs miss some.
    assertThat((double) hit / wanted).as("%s, seed %d", type, seed).isGreaterThan(0.9);
    if (type.equals("Flat")) {
      assertThat(hit).isEqualTo(wanted);
    }
  }

  private static List<String> nearest(
      float[] query,
      String store,
      Map<String, float[]> embeddings,
      Map<String, Map<String, String>> attributes) {
    return embeddings.entrySet().stream()
        .filter(e -> store(store).allows(photo(attributes.get(e.getKey()))))
        .sorted(
            (a, b) -> Double.compare(product(query, b.getValue()), product(query, a.getValue())))
        .limit(5)
        .map(Map.Entry::getKey)
        .collect(Collectors.toList());
  }

  private static double product(float[] a, float[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> (double) a[i] * b[i]).sum();
  }
}
