package io.shelfstream.evaluate;

import static io.shelfstream.evaluate.Report.count;

import io.shelfstream.client.OneLine;
import io.shelfstream.evaluate.Evaluation.Product;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What is odd in the lists of an evaluation, so that nobody takes its figures for more. */
public final class Notes {
  private static final int MOST_NAMED = 10;

  private Notes() {}

  /**
   * One sentence each.
   *
   * @param queries empty when they went through the detector
   */
  public static List<String> of(
      List<EmbeddedPhoto> gallery,
      List<EmbeddedPhoto> queries,
      Settings settings,
      Evaluation evaluation) {
    List<String> notes = new ArrayList<>();
    strangers(gallery, evaluation, notes);
    alone(evaluation, notes);
    copies(gallery, queries, settings, notes);
    return notes;
  }

  private static void strangers(
      List<EmbeddedPhoto> gallery, Evaluation evaluation, List<String> notes) {
    List<Product> strangers =
        evaluation.products().stream().filter(p -> p.galleryPhotos() == 0).toList();
    if (strangers.isEmpty()) {
      return;
    }
    Map<String, String> spellings = new HashMap<>();
    gallery.forEach(photo -> spellings.putIfAbsent(letters(photo.label()), photo.label()));
    notes.add(
        "Not in the gallery: %s of %s; they count as strangers, not for recall, mAP and mINP: %s"
            .formatted(
                count(strangers.stream().mapToInt(Product::queries).sum(), "query photo"),
                count(strangers.size(), "product"),
                named(
                    strangers.stream()
                        .map(p -> stranger(p, spellings.get(letters(p.label()))))
                        .toList())));
  }

  private static String stranger(Product product, @Nullable String spelling) {
    String photos = "'%s' (%d)".formatted(OneLine.of(product.label()), product.queries());
    return spelling == null
        ? photos
        : photos + ", which the gallery writes '%s'".formatted(OneLine.of(spelling));
  }

  /** What two spellings of one name have in common. */
  private static String letters(String label) {
    String letters = label.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N}]", "");
    return letters.isEmpty() ? label : letters;
  }

  /** Products all of whose photos are ignored. */
  private static void alone(Evaluation evaluation, List<String> notes) {
    List<String> alone =
        evaluation.products().stream()
            .filter(p -> p.galleryPhotos() > 0 && p.figures().queries() < p.queries())
            .map(
                p ->
                    "'%s' (%d)"
                        .formatted(OneLine.of(p.label()), p.queries() - p.figures().queries()))
            .toList();
    if (!alone.isEmpty()) {
      notes.add(
          "%s with queries that may be compared with no photo of it, as each is the same photo or of the same camera; these queries count as strangers: %s"
              .formatted(count(alone.size(), "product"), named(alone)));
    }
    if (evaluation.ignoredPairs() > 0) {
      notes.add(
          "Not compared: %s of a query and a gallery photo of its product, of the same camera or the same photo"
              .formatted(count(evaluation.ignoredPairs(), "pair")));
    }
  }

  private static void copies(
      List<EmbeddedPhoto> gallery,
      List<EmbeddedPhoto> queries,
      Settings settings,
      List<String> notes) {
    Map<String, List<EmbeddedPhoto>> byContent =
        gallery.stream()
            .filter(photo -> photo.sha256() != null)
            .collect(Collectors.groupingBy(photo -> String.valueOf(photo.sha256())));
    List<String> themselves = new ArrayList<>();
    List<String> copies = new ArrayList<>();
    List<String> disputed = new ArrayList<>();
    for (EmbeddedPhoto query : queries) {
      boolean isThere = false;
      boolean isCopied = false;
      for (EmbeddedPhoto photo :
          byContent.getOrDefault(String.valueOf(query.sha256()), List.of())) {
        isThere |= query.isSameFile(photo);
        isCopied |= !query.isSameFile(photo) && query.label().equals(photo.label());
        if (!query.label().equals(photo.label())) {
          disputed.add(
              "'%s' is '%s' there and '%s' here"
                  .formatted(
                      OneLine.of(query.id()),
                      OneLine.of(photo.label()),
                      OneLine.of(query.label())));
        }
      }
      if (isThere) {
        themselves.add("'%s'".formatted(OneLine.of(query.id())));
      }
      if (isCopied) {
        copies.add("'%s'".formatted(OneLine.of(query.id())));
      }
    }
    if (!themselves.isEmpty()) {
      notes.add(
          "%s a photo of the gallery too; each is compared with %s"
              .formatted(
                  themselves.size() == 1 ? "1 query is" : themselves.size() + " queries are each",
                  settings.withItself()
                      ? "itself as well and finds itself first, so these figures say nothing"
                      : "the others only (--with-itself: with itself as well, as PaddleClas does without cameras)"));
    }
    if (!copies.isEmpty()) {
      notes.add(
          "%s the same content as another photo of the product in the gallery, which flatters the figures: %s"
              .formatted(
                  copies.size() == 1 ? "1 query has" : copies.size() + " queries have",
                  named(copies)));
    }
    if (!disputed.isEmpty()) {
      notes.add(
          "%s in the gallery and in the queries with different labels, which counts as an error: %s"
              .formatted(
                  disputed.size() == 1 ? "1 photo is" : disputed.size() + " photos are",
                  named(disputed)));
    }
  }

  private static String named(List<String> all) {
    String first = all.stream().limit(MOST_NAMED).collect(Collectors.joining(", "));
    return all.size() <= MOST_NAMED
        ? first
        : first + " and %d more".formatted(all.size() - MOST_NAMED);
  }
}
