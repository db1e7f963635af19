package io.shelfstream.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.Gallery.Change;
import io.shelfstream.gallery.Gallery.Change.Kind;
import io.shelfstream.index.IndexException;
import io.shelfstream.index.TestVectors;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class GalleryTest {

  private static final String EXTRACTOR = "net-0123456789ab";
  private static final float[] EAST = {1, 0};
  private static final float[] NORTH = {0, 1};
  private static final float[] NORTH_EAST = {0.6f, 0.8f};

  private final Gallery gallery = new Gallery("Flat", 2, EXTRACTOR);
  private long offset;

  @AfterEach
  void close() {
    gallery.close();
  }

  private static GalleryVector vector(String id, String label, float... embedding) {
    return GalleryVector.newBuilder()
        .setGalleryImageId(id)
        .setProductId("p-" + label)
        .setLabel(label)
        .setEmbedding(Embeddings.encode(embedding))
        .setDimension(embedding.length)
        .setExtractor(EXTRACTOR)
        .setSourceOffset(0)
        .build();
  }

  private Change put(String id, String label, float... embedding) {
    return gallery.apply(0, offset++, id, vector(id, label, embedding));
  }

  private Change remove(String id) {
    return gallery.apply(0, offset++, id, null);
  }

  private static List<String> idsOf(List<GalleryHit> hits) {
    return hits.stream().map(hit -> hit.entry().galleryImageId()).toList();
  }

  private List<String> search(float[] query, int k) {
    return idsOf(gallery.search(List.of(query), k).hits().get(0));
  }

  @Test
  void findsPhotosByScore() {
    put("a", "cola", EAST);
    put("b", "tea", NORTH);
    put("c", "milk", NORTH_EAST);

    ProductSearch.Result result = gallery.search(List.of(EAST, NORTH), 2);

    assertThat(idsOf(result.hits().get(0))).containsExactly("a", "c");
    assertThat(idsOf(result.hits().get(1))).containsExactly("b", "c");
    assertThat(result.hits().get(0).get(0))
        .isEqualTo(new GalleryHit(new GalleryEntry("a", "p-cola", "cola", null, Map.of()), 1f));
    assertThat(result.gallery()).isEqualTo(new GalleryState(Map.of(0, 3L), 3, "Flat"));
  }

  @Test
  void comparesAPhotoWithTheOthersOfItsProductOnly() {
    assertThat(gallery.resemblance(EAST, "p-cola", "a")).isEmpty();
    put("a", "cola", EAST);
    put("b", "cola", NORTH);
    put("c", "tea", NORTH_EAST);

    assertThat(gallery.resemblance(EAST, "p-cola", "new")).hasValue(1);
    assertThat(gallery.resemblance(EAST, "p-cola", "a")).hasValue(0);
    put("a", "tea", EAST);
    assertThat(gallery.resemblance(EAST, "p-cola", "b")).isEmpty();
    assertThat(gallery.resemblance(NORTH, "p-tea", "new").getAsDouble())
        .isCloseTo(0.8, within(1e-6));
    put("c", "tea", EAST);
    assertThat(gallery.resemblance(NORTH, "p-tea", "new")).hasValue(0);
    remove("a");
    remove("c");
    assertThat(gallery.resemblance(NORTH, "p-tea", "new")).isEmpty();
  }

  @Test
  void keepsTrackOfProductsWhateverChanges() {
    Random random = new Random(3);
    Map<String, String> products = new TreeMap<>();
    Map<String, float[]> embeddings = new TreeMap<>();
    for (int i = 0; i < 2000; i++) {
      String id = "photo-" + random.nextInt(40);
      String product = "p" + random.nextInt(4);
      double angle = random.nextInt(4) == 0 ? 1 : random.nextDouble() * 6;
      float[] embedding = {(float) Math.cos(angle), (float) Math.sin(angle)};
      if (random.nextInt(3) == 0) {
        remove(id);
        products.remove(id);
      } else {
        put(id, product, embedding);
        products.put(id, "p-" + product);
        embeddings.put(id, embedding);
      }
      String asked = "p-p" + random.nextInt(4);
      OptionalDouble expected =
          products.entrySet().stream()
              .filter(e -> e.getValue().equals(asked) && !e.getKey().equals(id))
              .mapToDouble(e -> Embeddings.innerProduct(EAST, embeddings.get(e.getKey())))
              .max();
      assertThat(gallery.resemblance(EAST, asked, id)).isEqualTo(expected);
    }
  }

  @Test
  void answersNothingWhenEmpty() {
    ProductSearch.Result result = gallery.search(List.of(EAST, NORTH), 5);

    assertThat(result.hits()).containsExactly(List.of(), List.of());
    assertThat(result.gallery().version()).isZero();
    assertThat(gallery.search(List.of(), 5).hits()).isEmpty();
  }

  @Test
  void tellsWhatEachRecordChanged() {
    assertThat(put("a", "cola", EAST)).isEqualTo(new Change(Kind.ADDED, ""));
    assertThat(put("a", "cola", EAST).kind()).isEqualTo(Kind.UNCHANGED);
    assertThat(put("a", "coke", EAST).kind()).isEqualTo(Kind.REPLACED);
    assertThat(put("a", "coke", NORTH).kind()).isEqualTo(Kind.REPLACED);
    assertThat(remove("a").kind()).isEqualTo(Kind.REMOVED);
    assertThat(remove("a").kind()).isEqualTo(Kind.UNCHANGED);
    assertThat(remove("never seen").kind()).isEqualTo(Kind.UNCHANGED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"auto", "Flat", "SQfp16", "HNSW8", "IDMap2,IVF8,Flat"})
  void forgetsRemovedAndReplacedPhotosAtOnce(String indexType) {
    try (Gallery live = new Gallery(indexType, 2, EXTRACTOR)) {
      live.apply(0, 0, "a", vector("a", "cola", EAST));
      live.apply(0, 1, "b", vector("b", "tea", NORTH));
      for (int i = 0; i < 40; i++) {
        live.apply(0, 2, "b", vector("b", "tea", i % 2 == 0 ? EAST : NORTH));
      }

      assertThat(live.apply(0, 3, "a", null).kind()).isEqualTo(Kind.REMOVED);

      assertThat(idsOf(live.search(List.of(EAST), 3).hits().get(0))).containsExactly("b");
      assertThat(live.state().size()).isEqualTo(1);
      live.apply(0, 4, "a", vector("a", "cola", EAST));
      assertThat(idsOf(live.search(List.of(EAST), 3).hits().get(0))).containsExactly("a", "b");
    }
  }

  @Test
  void changesOfWordsDoNotTouchTheIndex() {
    GalleryVector renamed =
        GalleryVector.newBuilder(vector("a", "cola", EAST))
            .setLabel("coke")
            .setGtin("04006381333931")
            .build();

    gallery.apply(0, 0, "a", vector("a", "cola", EAST));
    gallery.apply(0, 1, "a", renamed);

    assertThat(gallery.rows()).isEqualTo(1);
    assertThat(gallery.search(List.of(EAST), 1).hits().get(0).get(0).entry())
        .isEqualTo(new GalleryEntry("a", "p-cola", "coke", "04006381333931", Map.of()));
  }

  @Test
  void aPhotoOfAnotherProductIsStoredAnewForFiltersToSee() {
    gallery.apply(0, 0, "a", vector("a", "cola", EAST));
    gallery.apply(0, 1, "a", vector("a", "coke", EAST));

    assertThat(gallery.rows()).isEqualTo(2);
    assertThat(gallery.search(List.of(EAST), 5).hits().get(0))
        .extracting(hit -> hit.entry().productId())
        .containsExactly("p-coke");
  }

  @Test
  void aPhotoWithOtherAttributesIsStoredAnewForFiltersToSee() {
    GalleryVector listed =
        GalleryVector.newBuilder(vector("a", "cola", EAST))
            .setAttributes(Map.of("stores", "7"))
            .build();
    PhotoFilter elsewhere = new PhotoFilter(Map.of("stores", "8"));
    gallery.apply(0, 0, "a", vector("a", "cola", EAST));
    assertThat(gallery.search(List.of(EAST), 1, elsewhere).hits().get(0)).hasSize(1);

    gallery.apply(0, 1, "a", listed);

    assertThat(gallery.search(List.of(EAST), 1, elsewhere).hits().get(0)).isEmpty();
    assertThat(gallery.search(List.of(EAST), 1).hits().get(0).get(0).entry().attributes())
        .isEqualTo(Map.of("stores", "7"));
    assertThat(gallery.state().size()).isEqualTo(1);
  }

  @Test
  void storesAPhotoAnewRatherThanKeepAnyNumberOfItsTexts() {
    for (int i = 0; i < 100; i++) {
      gallery.apply(
          0,
          i,
          "a",
          GalleryVector.newBuilder(vector("a", "cola", EAST)).setLabel("cola " + i).build());
    }

    assertThat(gallery.rows()).isBetween(2, 10);
    assertThat(gallery.search(List.of(EAST), 5).hits().get(0))
        .extracting(hit -> hit.entry().label())
        .containsExactly("cola 99");
  }

  @Test
  void advancesTheVersionForEveryRecordOfEveryPartition() {
    put("a", "cola", EAST);
    remove("nothing");
    gallery.apply(0, 2, "bad", vector("other", "tea", EAST));
    gallery.apply(3, 41, "c", vector("c", "milk", NORTH));
    gallery.skip(5, 7, "d", "not Avro");

    GalleryState state = gallery.state();

    assertThat(state.versions()).isEqualTo(Map.of(0, 3L, 3, 42L, 5, 8L));
    assertThat(state.version()).isEqualTo(53);
    assertThat(state.size()).isEqualTo(2);
  }

  @Test
  void endsAlikeWhenTheTopicIsReadAgain() {
    List<GalleryVector> records =
        List.of(
            vector("a", "cola", EAST), vector("b", "tea", NORTH), vector("a", "cola", NORTH_EAST));
    Runnable read =
        () -> {
          for (int i = 0; i < records.size(); i++) {
            gallery.apply(0, i, records.get(i).getGalleryImageId(), records.get(i));
          }
          gallery.apply(0, 3, "b", null);
        };
    read.run();
    GalleryState once = gallery.state();
    List<GalleryEntry> entries = gallery.entries();

    read.run();

    assertThat(gallery.state()).isEqualTo(once);
    assertThat(gallery.entries()).isEqualTo(entries).hasSize(1);
    assertThat(search(NORTH_EAST, 5)).containsExactly("a");
  }

  static Stream<Consumer<GalleryVector.Builder>> faults() {
    return Stream.of(
        v -> v.setDimension(3),
        v -> v.setDimension(-1),
        v -> v.setEmbedding(Embeddings.encode(new float[] {1, 0, 0})),
        v -> v.setEmbedding(ByteBuffer.allocate(7)),
        v -> v.setEmbedding(ByteBuffer.allocate(0)),
        v -> v.setEmbedding(Embeddings.encode(new float[] {Float.NaN, 0})),
        v -> v.setEmbedding(Embeddings.encode(new float[] {Float.POSITIVE_INFINITY, 0})),
        v -> v.setEmbedding(Embeddings.encode(new float[] {0, 0})),
        v -> v.setEmbedding(Embeddings.encode(new float[] {1.002f, 0})),
        v -> v.setEmbedding(Embeddings.encode(new float[] {0.998f, 0})),
        v -> v.setExtractor("net-ba9876543210"),
        v -> v.setExtractor(""),
        v -> v.setGalleryImageId("another"));
  }

  @ParameterizedTest
  @MethodSource("faults")
  void rejectsRecordsItCannotUseAndKeepsWhatItHad(Consumer<GalleryVector.Builder> fault) {
    put("a", "cola", EAST);
    GalleryVector.Builder broken = GalleryVector.newBuilder(vector("a", "tea", NORTH));
    fault.accept(broken);

    Change change = gallery.apply(0, 9, "a", broken.build());

    assertThat(change.rejected()).isTrue();
    assertThat(change.reason()).startsWith("gallery vector 'a' rejected: ").contains(" ");
    assertThat(gallery.entries()).extracting(GalleryEntry::label).containsExactly("cola");
    assertThat(search(EAST, 1)).containsExactly("a");
    assertThat(gallery.state().version()).isEqualTo(10);
  }

  @ParameterizedTest
  @ValueSource(strings = {"productId", "label", "embedding", "attributes", "extractor"})
  void rejectsRecordsWithHoles(String field) {
    GalleryVector hollow = vector("a", "tea", NORTH);
    hollow.put(field, null);

    assertThat(gallery.apply(0, 0, "a", hollow).rejected()).isTrue();
    assertThat(gallery.entries()).isEmpty();
  }

  @Test
  void rejectsRecordsWithoutAKey() {
    for (String key : new @Nullable String[] {null, "", "  "}) {
      assertThat(gallery.apply(0, offset++, key, vector("a", "cola", EAST)).reason())
          .contains("its key is empty");
      assertThat(gallery.apply(0, offset++, key, null).rejected()).isTrue();
    }
    assertThat(gallery.state().version()).isEqualTo(6);
    assertThat(gallery.entries()).isEmpty();
  }

  @Test
  void namesTheExtractorItWantsWhenItRejects() {
    GalleryVector other =
        GalleryVector.newBuilder(vector("a", "cola", EAST)).setExtractor("old").build();

    assertThat(gallery.apply(0, 0, "a", other).reason())
        .isEqualTo(
            "gallery vector 'a' rejected: extractor net-0123456789ab expected, got old; embed the photo again");
  }

  @Test
  void acceptsLengthsWithinRounding() {
    assertThat(put("a", "cola", 1.0009f, 0).kind()).isEqualTo(Kind.ADDED);
    assertThat(put("b", "cola", 0.9991f, 0).kind()).isEqualTo(Kind.ADDED);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 10, 29})
  void breaksTiesByIdWhateverTheOrderOfArrival(int k) {
    List<String> ids = new ArrayList<>();
    for (int i = 10; i < 40; i++) {
      ids.add("photo-" + i);
    }
    List<String> shuffled = new ArrayList<>(ids);
    java.util.Collections.shuffle(shuffled, new Random(3));
    shuffled.forEach(id -> put(id, "cola", EAST));
    put("last", "tea", NORTH);

    assertThat(search(EAST, k)).isEqualTo(ids.subList(0, k));
  }

  @Test
  void listsItsPhotosById() {
    put("b", "tea", NORTH);
    put("a", "cola", EAST);

    assertThat(gallery.entries())
        .extracting(GalleryEntry::galleryImageId)
        .containsExactly("a", "b");
  }

  @Test
  void refusesSearchesThatMakeNoSense() {
    put("a", "cola", EAST);

    assertThatIllegalArgumentException()
        .isThrownBy(() -> gallery.search(List.of(new float[] {1, 0, 0}), 1))
        .withMessage("dimension 2 expected, got 3");
    assertThatIllegalArgumentException().isThrownBy(() -> gallery.search(List.of(EAST), 0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> gallery.search(List.of(new float[] {Float.NaN, 0}), 1));
    assertThat(search(EAST, Integer.MAX_VALUE)).containsExactly("a");
  }

  @ParameterizedTest
  @ValueSource(strings = {"SQ8", "IVF8,PQ2", "HNSW8,SQ4", "LSH", "", "Auto"})
  void refusesIndexTypesThatCannotServe(String indexType) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Gallery(indexType, 2, EXTRACTOR))
        .withMessageStartingWith("index type ");
  }

  @Test
  void refusesEverythingOnceClosed() {
    gallery.close();
    gallery.close();

    assertThatThrownBy(() -> gallery.search(List.of(EAST), 1)).isInstanceOf(IndexException.class);
    assertThatThrownBy(() -> put("a", "cola", EAST)).isInstanceOf(IndexException.class);
  }

  @Test
  @Timeout(300)
  void searchesSeeTheGalleryOfOneMoment() throws Exception {
    int dimension = 32;
    Random random = new Random(11);
    float[] query = TestVectors.unit(random, dimension);
    ExecutorService pool = Executors.newFixedThreadPool(3);
    try (Gallery live = new Gallery("Flat", dimension, EXTRACTOR)) {
      AtomicBoolean done = new AtomicBoolean();
      List<Future<?>> searches = new ArrayList<>();
      for (int t = 0; t < 3; t++) {
        searches.add(
            pool.submit(
                () -> {
                  while (!done.get()) {
                    ProductSearch.Result result = live.search(List.of(query), 1000);
                    // Records 0 to 199 add a photo each, the rest replace one.
                    long version = result.gallery().version();
                    assertThat(result.hits().get(0)).hasSize((int) Math.min(version, 200));
                    assertThat(result.gallery().size()).isEqualTo((int) Math.min(version, 200));
                  }
                }));
      }

      for (int i = 0; i < 2000; i++) {
        String id = "photo-" + i % 200;
        live.apply(0, i, id, vector(id, "cola", TestVectors.unit(random, dimension)));
      }

      done.set(true);
      for (Future<?> search : searches) {
        search.get();
      }
      assertThat(live.state().size()).isEqualTo(200);
    } finally {
      pool.shutdownNow();
    }
  }
}
