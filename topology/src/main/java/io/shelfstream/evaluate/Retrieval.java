package io.shelfstream.evaluate;

import io.shelfstream.evaluate.Answer.Shown;
import io.shelfstream.evaluate.LeftOutDraws.Taken;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Compares whole photos with every photo of a gallery, exactly, as PaddleClas's evaluation of
 * retrieval does. Queries are taken in blocks, each on all processors: beside the embeddings it
 * needs the scores of one block, however many queries there are.
 *
 * <p>A score is a sum in double precision, rounded to float as recognition has it.
 */
public final class Retrieval {
  private static final int BLOCK = 64;

  private final Settings settings;
  private final List<EmbeddedPhoto> gallery;
  private final int[] photos;
  private final Map<String, Integer> products = new LinkedHashMap<>();
  private final int[] productOf;
  private final int[][] photosOf;

  /** Which products stay, by draw. */
  private final List<boolean[]> drawnProducts;

  /** Which photos stay, by their number a product and by draw. */
  private final Map<Integer, List<int[]>> drawnPhotos = new TreeMap<>();

  /**
   * Prepares a gallery.
   *
   * @param gallery one photo or more, all embeddings of one length
   */
  public Retrieval(List<EmbeddedPhoto> gallery, Settings settings) {
    this.settings = settings;
    this.gallery = List.copyOf(gallery);
    this.photos = IntStream.range(0, gallery.size()).toArray();
    for (String label : new TreeSet<>(gallery.stream().map(EmbeddedPhoto::label).toList())) {
      products.put(label, products.size());
    }
    this.productOf = gallery.stream().mapToInt(photo -> product(photo.label())).toArray();
    List<List<Integer>> byProduct = new ArrayList<>();
    products.forEach((label, product) -> byProduct.add(new ArrayList<>()));
    for (int photo : photos) {
      byProduct.get(productOf[photo]).add(photo);
    }
    this.photosOf =
        byProduct.stream()
            .map(those -> those.stream().mapToInt(i -> i).toArray())
            .toArray(int[][]::new);
    boolean leavesOut = settings.leftOut() > 0 && products.size() > 1;
    this.drawnProducts =
        IntStream.range(0, leavesOut ? settings.draws() : 0)
            .mapToObj(seed -> Draws.products(products.size(), settings.leftOut(), seed))
            .toList();
    for (int shots : settings.shots()) {
      drawnPhotos.put(
          shots,
          IntStream.range(0, settings.draws())
              .mapToObj(seed -> Draws.photos(photosOf, shots, seed))
              .toList());
    }
  }

  /** The number of a product; -1 when the gallery does not hold it. */
  private int product(String label) {
    return products.getOrDefault(label, -1);
  }

  /**
   * What one query is to the gallery.
   *
   * @param ignored photos of the right product that it is not compared with
   * @param leftOut what it is taken for in each gallery with products left out
   * @param few its ranking in each gallery with few photos a product, by their number
   */
  private record Compared(
      Answer answer, int ignored, List<Taken> leftOut, Map<Integer, List<@Nullable Ranking>> few) {}

  /**
   * Compares all queries with the gallery.
   *
   * @param done is told after each block how many queries are done
   */
  public Evaluation evaluate(List<EmbeddedPhoto> queries, LongConsumer done) {
    List<Answer> answers = new ArrayList<>(queries.size());
    long ignored = 0;
    LeftOutDraws leftOut = new LeftOutDraws(settings, drawnProducts.size());
    Map<Integer, List<List<@Nullable Ranking>>> few = new TreeMap<>();
    drawnPhotos.forEach(
        (shots, draws) -> {
          List<List<@Nullable Ranking>> rankings = new ArrayList<>();
          draws.forEach(draw -> rankings.add(new ArrayList<>(queries.size())));
          few.put(shots, rankings);
        });
    for (int from = 0; from < queries.size(); from += BLOCK) {
      List<EmbeddedPhoto> block = queries.subList(from, Math.min(queries.size(), from + BLOCK));
      for (Compared one : block.parallelStream().map(this::compare).toList()) {
        leftOut.add(answers.size(), one.leftOut());
        few.forEach(
            (shots, draws) -> {
              List<@Nullable Ranking> rankings = one.few().getOrDefault(shots, List.of());
              for (int draw = 0; draw < draws.size(); draw++) {
                draws.get(draw).add(rankings.get(draw));
              }
            });
        answers.add(one.answer());
        ignored += one.ignored();
      }
      done.accept(answers.size());
    }
    Map<Integer, Figures> shots = new TreeMap<>();
    few.forEach(
        (number, draws) ->
            shots.put(
                number,
                Figures.mean(
                    draws.stream().map(draw -> Figures.of(draw, settings.ks())).toList(),
                    settings.ks())));
    return Evaluation.of(
        settings,
        answers,
        galleryPhotos(),
        Figures.asPaddleClas(Evaluation.rankings(answers), settings.ks()),
        ignored,
        drawnProducts.isEmpty() ? null : leftOut.sum(),
        shots);
  }

  private Map<String, Integer> galleryPhotos() {
    Map<String, Integer> counts = new HashMap<>();
    products.forEach((label, product) -> counts.put(label, photosOf[product].length));
    return counts;
  }

  private Compared compare(EmbeddedPhoto query) {
    float[] scores = new float[photos.length];
    for (int photo : photos) {
      scores[photo] = (float) score(query.embedding(), gallery.get(photo).embedding());
    }
    int right = product(query.label());
    boolean[] ignored = new boolean[photos.length];
    int ignoredPhotos = 0;
    for (int photo : right < 0 ? new int[0] : photosOf[right]) {
      if (isIgnored(query, gallery.get(photo))) {
        ignored[photo] = true;
        ignoredPhotos++;
      }
    }
    Nearest nearest = new Nearest(scores, ignored);
    Answer answer = nearest.answer(query, right, ranked(scores, ignored, photos, right));
    List<Taken> leftOut = new ArrayList<>(drawnProducts.size());
    for (boolean[] stays : drawnProducts) {
      leftOut.add(nearest.taken(stays, right, answer.isKnown()));
    }
    Map<Integer, List<@Nullable Ranking>> few = new HashMap<>();
    drawnPhotos.forEach(
        (shots, draws) -> {
          List<@Nullable Ranking> rankings = new ArrayList<>(draws.size());
          draws.forEach(stay -> rankings.add(ranked(scores, ignored, stay, right)));
          few.put(shots, rankings);
        });
    return new Compared(answer, ignoredPhotos, leftOut, few);
  }

  private boolean isIgnored(EmbeddedPhoto query, EmbeddedPhoto photo) {
    return query.isOfSameCamera(photo) || (!settings.withItself() && query.isSameFile(photo));
  }

  /** Ignored photos stay in the ranking with score 0 and are not relevant, as in PaddleClas. */
  private @Nullable Ranking ranked(float[] scores, boolean[] ignored, int[] compared, int right) {
    return Ranking.of(
        photo -> ignored[photo] ? 0 : scores[photo],
        compared,
        photo -> productOf[photo] == right && !ignored[photo]);
  }

  /** Four sums that are added in a fixed order: every run gives the same bits, in good time. */
  private static double score(float[] a, float[] b) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = 0;
    for (; i + 3 < a.length; i += 4) {
      s0 += (double) a[i] * b[i];
      s1 += (double) a[i + 1] * b[i + 1];
      s2 += (double) a[i + 2] * b[i + 2];
      s3 += (double) a[i + 3] * b[i + 3];
    }
    for (; i < a.length; i++) {
      s0 += (double) a[i] * b[i];
    }
    return (s0 + s1) + (s2 + s3);
  }

  /** The nearest photo of each product to one query. */
  private final class Nearest {
    private final float[] scores;

    /** By product; -1 where all photos of it are ignored. */
    private final int[] best = new int[photosOf.length];

    Nearest(float[] scores, boolean[] ignored) {
      this.scores = scores;
      Arrays.fill(best, -1);
      for (int photo : photos) {
        int product = productOf[photo];
        if (!ignored[photo] && (best[product] < 0 || scores[photo] > scores[best[product]])) {
          best[product] = photo;
        }
      }
    }

    Answer answer(EmbeddedPhoto query, int right, @Nullable Ranking ranking) {
      int[] two = two(null);
      return new Answer(
          Shown.of(query, 1),
          shown(two[0]),
          margin(two),
          right < 0 ? null : shown(best[right]),
          ranking,
          null);
    }

    private @Nullable Shown shown(int photo) {
      return photo < 0 ? null : Shown.of(gallery.get(photo), scores[photo]);
    }

    Taken taken(boolean[] stays, int right, boolean isKnown) {
      int[] two = two(stays);
      return new Taken(
          two[0] < 0 ? Float.NEGATIVE_INFINITY : scores[two[0]],
          margin(two),
          isKnown && stays[right],
          two[0] >= 0 && productOf[two[0]] == right);
    }

    /** Photos of the two best products, of all or of those that stay; -1 where there is none. */
    private int[] two(boolean @Nullable [] stays) {
      int first = -1;
      int second = -1;
      for (int product = 0; product < best.length; product++) {
        int photo = best[product];
        if (photo < 0 || (stays != null && !stays[product])) {
          continue;
        }
        if (first < 0 || isBefore(photo, first)) {
          second = first;
          first = photo;
        } else if (second < 0 || isBefore(photo, second)) {
          second = photo;
        }
      }
      return new int[] {first, second};
    }

    /** Equal scores in the order of the gallery, as in the ranking. */
    private boolean isBefore(int photo, int other) {
      return scores[photo] > scores[other] || (scores[photo] == scores[other] && photo < other);
    }

    private float margin(int[] two) {
      return two[1] < 0 ? Float.POSITIVE_INFINITY : scores[two[0]] - scores[two[1]];
    }
  }
}
