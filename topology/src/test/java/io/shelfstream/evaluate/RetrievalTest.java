package io.shelfstream.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Whole evaluations against a second computation that sorts everything and knows no shortcuts. */
class RetrievalTest {
  private static final double EXACT = 1e-12;
  private static final Settings SETTINGS =
      new Settings(List.of(1, 3, 5), 0.75f, 0.05f, false, List.of(0.9), 0.5, 4, List.of(2));

  private static EmbeddedPhoto photo(String id, String label, float... embedding) {
    return new EmbeddedPhoto(id, label, null, Path.of("/" + id), id, embedding);
  }

  private static Evaluation evaluate(
      List<EmbeddedPhoto> gallery, List<EmbeddedPhoto> queries, Settings settings) {
    return new Retrieval(gallery, settings).evaluate(queries, done -> {});
  }

  /** Photos of products that lie near each other, some of them twice, so that scores are equal. */
  private static List<EmbeddedPhoto> random(
      Random random, String name, int count, int products, int cameras) {
    List<EmbeddedPhoto> photos = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int product = random.nextInt(products);
      float[] embedding = new float[11];
      Random centre = new Random(product);
      double length = 0;
      for (int d = 0; d < embedding.length; d++) {
        embedding[d] = (float) (centre.nextGaussian() + random.nextGaussian());
        length += embedding[d] * embedding[d];
      }
      for (int d = 0; d < embedding.length; d++) {
        embedding[d] /= (float) Math.sqrt(length);
      }
      if (i > 0 && random.nextInt(10) == 0) {
        embedding = photos.get(random.nextInt(i)).embedding();
      }
      photos.add(
          new EmbeddedPhoto(
              name + i,
              "p" + product,
              cameras == 0 ? null : "c" + random.nextInt(cameras),
              Path.of("/" + name + i),
              name + i,
              embedding));
    }
    return photos;
  }

  private static float score(EmbeddedPhoto a, EmbeddedPhoto b) {
    double sum = 0;
    for (int d = 0; d < a.embedding().length; d++) {
      sum += (double) a.embedding()[d] * b.embedding()[d];
    }
    return (float) sum;
  }

  private static boolean isIgnored(EmbeddedPhoto query, EmbeddedPhoto photo, boolean withItself) {
    return query.label().equals(photo.label())
        && ((query.camera() != null && query.camera().equals(photo.camera()))
            || (!withItself && query.id().equals(photo.id())));
  }

  /** The definition, word by word: sort, add up. Null when nothing is relevant. */
  private static double @Nullable [] naive(
      EmbeddedPhoto query, List<EmbeddedPhoto> gallery, List<Integer> ks, boolean withItself) {
    List<Integer> order =
        IntStream.range(0, gallery.size())
            .boxed()
            .sorted(
                Comparator.comparing(
                        (Integer i) ->
                            isIgnored(query, gallery.get(i), withItself)
                                ? 0f
                                : score(query, gallery.get(i)))
                    .reversed()
                    .thenComparing(i -> i))
            .toList();
    double[] result = new double[ks.size() + 2];
    int relevant = 0;
    double precisions = 0;
    int last = 0;
    for (int rank = 1; rank <= order.size(); rank++) {
      EmbeddedPhoto photo = gallery.get(order.get(rank - 1));
      if (photo.label().equals(query.label()) && !isIgnored(query, photo, withItself)) {
        relevant++;
        precisions += (double) relevant / rank;
        last = rank;
        for (int k = 0; k < ks.size(); k++) {
          result[k] = rank <= ks.get(k) ? 1 : result[k];
        }
      }
    }
    if (relevant == 0) {
      return null;
    }
    result[ks.size()] = precisions / relevant;
    result[ks.size() + 1] = (double) relevant / last;
    return result;
  }

  private static void agrees(
      Figures figures, List<EmbeddedPhoto> gallery, List<EmbeddedPhoto> queries, boolean itself) {
    List<Integer> ks = SETTINGS.ks();
    double[] sums = new double[ks.size() + 2];
    int counted = 0;
    for (EmbeddedPhoto query : queries) {
      double[] one = naive(query, gallery, ks, itself);
      if (one != null) {
        counted++;
        for (int i = 0; i < sums.length; i++) {
          sums[i] += one[i];
        }
      }
    }
    assertThat(figures.queries()).isEqualTo(counted).isPositive();
    for (int k = 0; k < ks.size(); k++) {
      assertThat(figures.recallAt(ks.get(k))).isCloseTo(sums[k] / counted, within(EXACT));
    }
    assertThat(figures.meanAveragePrecision()).isCloseTo(sums[ks.size()] / counted, within(EXACT));
    assertThat(figures.meanInverseNegativePenalty())
        .isCloseTo(sums[ks.size() + 1] / counted, within(EXACT));
  }

  @Test
  void agreesWithTheDefinitionOnRandomPhotosAndStrangers() {
    Random random = new Random(1);
    List<EmbeddedPhoto> gallery = random(random, "g", 300, 20, 0);
    List<EmbeddedPhoto> queries = random(random, "q", 150, 25, 0);

    Evaluation evaluation = evaluate(gallery, queries, SETTINGS);

    agrees(evaluation.figures(), gallery, queries, false);
    assertThat(evaluation.answers()).hasSize(150);
    assertThat(evaluation.now().strangers()).isPositive();
    assertThat(evaluation.now().strangers() + evaluation.now().known()).isEqualTo(150);
  }

  @Test
  void agreesWhereCamerasAreIgnored() {
    Random random = new Random(2);
    List<EmbeddedPhoto> gallery = random(random, "g", 200, 12, 4);
    List<EmbeddedPhoto> queries = random(random, "q", 130, 12, 4);

    Evaluation evaluation = evaluate(gallery, queries, SETTINGS);

    agrees(evaluation.figures(), gallery, queries, false);
    assertThat(evaluation.ignoredPairs()).isPositive();
  }

  @Test
  void agreesWhereAGalleryIsItsOwnQueries() {
    List<EmbeddedPhoto> gallery = random(new Random(3), "g", 90, 10, 0);
    Settings withItself = new Settings(SETTINGS.ks(), 0.2f, 0, true, List.of(), 0, 1, List.of());

    agrees(evaluate(gallery, gallery, SETTINGS).figures(), gallery, gallery, false);
    assertThat(evaluate(gallery, gallery, SETTINGS).ignoredPairs()).isEqualTo(90);
    agrees(evaluate(gallery, gallery, withItself).figures(), gallery, gallery, true);
    assertThat(evaluate(gallery, gallery, withItself).ignoredPairs()).isZero();
  }

  /** By hand: the query of b is nearer to a; the ignored photo of a keeps its rank, at score 0. */
  @Test
  void saysWhatEachQueryWasTakenFor() {
    List<EmbeddedPhoto> gallery =
        List.of(photo("a1", "a", 1, 0), photo("a2", "a", 0.8f, 0.6f), photo("b1", "b", 0, 1));
    List<EmbeddedPhoto> queries =
        List.of(photo("q", "b", 0.8f, 0.6f), gallery.get(0), photo("s", "c", 0, 1));

    Evaluation evaluation = evaluate(gallery, queries, SETTINGS);

    Answer wrong = evaluation.answers().get(0);
    assertThat(wrong.isKnown()).isTrue();
    assertThat(wrong.isRight()).isFalse();
    assertThat(wrong.taken().id()).isEqualTo("a2");
    assertThat(wrong.score()).isEqualTo(1f);
    assertThat(wrong.margin()).isEqualTo(1f - 0.6f);
    assertThat(wrong.right().id()).isEqualTo("b1");
    assertThat(wrong.ranking()).isEqualTo(new Ranking(1, 3, 3, 1 / 3.0));
    Answer itself = evaluation.answers().get(1);
    assertThat(itself.taken().id()).isEqualTo("a2");
    assertThat(itself.ranking()).isEqualTo(new Ranking(1, 1, 1, 1));
    Answer stranger = evaluation.answers().get(2);
    assertThat(stranger.isKnown()).isFalse();
    assertThat(stranger.taken().label()).isEqualTo("b");
    assertThat(evaluation.confusions()).containsExactly(new Evaluation.Confusion("b", "a", 1));
    assertThat(evaluation.worst(5)).containsExactly(wrong, stranger);
    assertThat(evaluation.products())
        .extracting(Evaluation.Product::label, Evaluation.Product::takenFor)
        .containsExactly(tuple("b", "a"), tuple("a", null), tuple("c", "b"));
  }

  @Test
  void ofOneProductThereIsNoMarginAndNothingIsLeftOut() {
    List<EmbeddedPhoto> gallery = List.of(photo("a1", "a", 1, 0));

    Evaluation evaluation = evaluate(gallery, List.of(photo("q", "a", 1, 0)), SETTINGS);

    assertThat(evaluation.answers().get(0).margin()).isInfinite();
    assertThat(evaluation.now().knownRight()).isEqualTo(1);
    assertThat(evaluation.leftOut()).isNull();
  }

  @Test
  void leavesOutWhatTheDrawsSay() {
    Random random = new Random(5);
    List<EmbeddedPhoto> gallery = random(random, "g", 120, 9, 0);
    List<EmbeddedPhoto> queries = random(random, "q", 80, 11, 0);
    List<String> names =
        List.copyOf(new TreeSet<>(gallery.stream().map(EmbeddedPhoto::label).toList()));
    double right = 0;
    double below = 0;
    double strangersNamed = 0;
    for (int seed = 0; seed < SETTINGS.draws(); seed++) {
      boolean[] stays = Draws.products(names.size(), 0.5, seed);
      List<EmbeddedPhoto> kept =
          gallery.stream().filter(photo -> stays[names.indexOf(photo.label())]).toList();
      Evaluation.Shares shares = Evaluation.Shares.of(evaluate(kept, queries, SETTINGS).now());
      right += shares.knownRight() / SETTINGS.draws();
      below += shares.knownUnknown() / SETTINGS.draws();
      strangersNamed += shares.strangersNamed() / SETTINGS.draws();
    }

    Evaluation.LeftOut leftOut = evaluate(gallery, queries, SETTINGS).leftOut();

    assertThat(leftOut.shares().knownRight()).isCloseTo(right, within(EXACT)).isPositive();
    assertThat(leftOut.shares().knownUnknown()).isCloseTo(below, within(EXACT)).isPositive();
    assertThat(leftOut.shares().strangersNamed())
        .isCloseTo(strangersNamed, within(EXACT))
        .isPositive();
  }

  @Test
  void drawsGalleriesOfFewPhotos() {
    Random random = new Random(6);
    List<EmbeddedPhoto> gallery = random(random, "g", 120, 9, 0);
    List<EmbeddedPhoto> queries = random(random, "q", 80, 9, 0);
    List<String> names =
        List.copyOf(new TreeSet<>(gallery.stream().map(EmbeddedPhoto::label).toList()));
    int[][] photosOf =
        names.stream()
            .map(
                name ->
                    IntStream.range(0, gallery.size())
                        .filter(i -> gallery.get(i).label().equals(name))
                        .toArray())
            .toArray(int[][]::new);
    List<Figures> each =
        IntStream.range(0, SETTINGS.draws())
            .mapToObj(
                seed ->
                    evaluate(
                            IntStream.of(Draws.photos(photosOf, 2, seed))
                                .mapToObj(gallery::get)
                                .toList(),
                            queries,
                            SETTINGS)
                        .figures())
            .toList();

    Map<Integer, Figures> shots = evaluate(gallery, queries, SETTINGS).shots();

    assertThat(shots).containsOnlyKeys(2);
    assertThat(shots.get(2)).isEqualTo(Figures.mean(each, SETTINGS.ks()));
  }

  @Test
  void worksInBlocksThatAreTold() {
    List<EmbeddedPhoto> gallery = List.of(photo("a1", "a", 1, 0));
    List<EmbeddedPhoto> queries = new ArrayList<>();
    for (int i = 0; i < 130; i++) {
      queries.add(photo("q" + i, "a", 1, 0));
    }
    List<Long> done = new ArrayList<>();

    new Retrieval(gallery, SETTINGS).evaluate(queries, done::add);

    assertThat(done).containsExactly(64L, 128L, 130L);
  }
}
