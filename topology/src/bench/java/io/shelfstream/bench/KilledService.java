package io.shelfstream.bench;

import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.GalleryHit;
import io.shelfstream.topology.BenchApplications;
import io.shelfstream.topology.RecognitionService;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The service in a JVM of its own, for {@link GalleryKills}. Says {@code ready}; answers each line
 * of standard input, the name of a file of expected photos, with {@code equal} or how it differs;
 * ends with its input.
 */
final class KilledService {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** Nearest photos of an embedding among which it must itself be. */
  private static final int NEAREST = 50;

  private KilledService() {}

  public static void main(String[] arguments) throws Exception {
    ShelfStreamConfig config = ShelfStreamConfig.loadWithModels(Path.of(arguments[0]), Map.of());
    try (RecognitionService service = RecognitionService.start(config);
        BufferedReader questions =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      System.out.println("ready");
      Gallery gallery = BenchApplications.gallery(service);
      for (String file = questions.readLine(); file != null; file = questions.readLine()) {
        System.out.println(answer(gallery, expected(Path.of(file))));
      }
    }
  }

  private static List<ExpectedPhoto> expected(Path file) throws IOException {
    try (var lines = Files.lines(file)) {
      return lines.map(ExpectedPhoto::parse).toList();
    }
  }

  /** The last records may be on their way yet. */
  private static String answer(Gallery gallery, List<ExpectedPhoto> expected)
      throws InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    List<String> differences = differences(gallery, expected);
    while (!differences.isEmpty() && System.nanoTime() < end) {
      Thread.sleep(50);
      differences = differences(gallery, expected);
    }
    return differences.isEmpty()
        ? "equal"
        : "differs in %d: %s".formatted(differences.size(), differences.subList(0, 1));
  }

  private static List<String> differences(Gallery gallery, List<ExpectedPhoto> expected) {
    Map<String, String> wanted =
        expected.stream()
            .collect(
                Collectors.toMap(
                    ExpectedPhoto::id,
                    e -> e.product() + " " + e.label(),
                    (a, b) -> b,
                    TreeMap::new));
    Map<String, String> seen = new TreeMap<>();
    for (GalleryEntry entry : gallery.entries()) {
      seen.put(entry.galleryImageId(), entry.productId() + " " + entry.label());
    }
    List<String> differences = new ArrayList<>();
    Set<String> ids = new HashSet<>(wanted.keySet());
    ids.addAll(seen.keySet());
    for (String id : ids) {
      if (!String.valueOf(wanted.get(id)).equals(seen.get(id))) {
        differences.add("'%s' is '%s' instead of '%s'".formatted(id, seen.get(id), wanted.get(id)));
      }
    }
    if (gallery.state().size() != expected.size()) {
      differences.add("size %d instead of %d".formatted(gallery.state().size(), expected.size()));
    }
    if (differences.isEmpty()) {
      vectors(gallery, expected, differences);
    }
    return differences;
  }

  /** Each embedding must find its photo, once and with the score of an equal one. */
  private static void vectors(
      Gallery gallery, List<ExpectedPhoto> expected, List<String> differences) {
    List<float[]> embeddings = expected.stream().map(ExpectedPhoto::embedding).toList();
    List<List<GalleryHit>> hits = gallery.search(embeddings, NEAREST).hits();
    for (int i = 0; i < expected.size(); i++) {
      String id = expected.get(i).id();
      List<Float> scores =
          hits.get(i).stream()
              .filter(hit -> hit.entry().galleryImageId().equals(id))
              .map(GalleryHit::score)
              .toList();
      if (scores.size() != 1 || Math.abs(scores.get(0) - 1) > 1e-5) {
        differences.add("the embedding of '%s' finds it with %s".formatted(id, scores));
      }
    }
  }
}
