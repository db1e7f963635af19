package io.shelfstream.demo;

import io.shelfstream.demo.GroundTruth.Labelled;
import io.shelfstream.events.BoundingBox;
import io.shelfstream.events.MatchStatus;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognizedObject;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Answers compared with the truth. An answer belongs to at most one object and an object to at most
 * one answer: the pair that overlaps most first, from an intersection over union of 0.5 on.
 *
 * @param objects on the frames
 * @param found objects that an answer belongs to; the other counts add up to it
 * @param surplus answers that belong to no object
 * @param right found ones with their own label, or UNKNOWN when their product is not in the gallery
 * @param wrong found ones with the label of another product
 * @param unknown found ones without a label although their product is in the gallery
 */
public record Tally(int objects, int found, int surplus, int right, int wrong, int unknown) {
  private static final double LEAST_OVERLAP = 0.5;

  private record Pair(RecognizedObject answer, Labelled object, double overlap) {}

  /**
   * Counts over all frames of the truth; a frame without an event counts with all its objects
   * missed.
   *
   * @param known labels of the gallery
   */
  public static Tally of(GroundTruth truth, List<Answer> answers, Set<String> known) {
    int objects = 0;
    int answered = 0;
    List<Pair> pairs = new ArrayList<>();
    for (Answer answer : answers) {
      List<Labelled> real = truth.objects().getOrDefault(answer.frameId(), List.of());
      RecognitionEvent event = answer.event();
      List<RecognizedObject> seen = event == null ? List.of() : event.getObjects();
      objects += real.size();
      answered += seen.size();
      pairs.addAll(pairs(seen, real));
    }
    int right = (int) pairs.stream().filter(p -> isRight(p, known)).count();
    int labelled = (int) pairs.stream().filter(p -> isMatch(p.answer())).count();
    int rightMatches =
        (int) pairs.stream().filter(p -> isMatch(p.answer()) && isRight(p, known)).count();
    int wrong = labelled - rightMatches;
    return new Tally(
        objects, pairs.size(), answered - pairs.size(), right, wrong, pairs.size() - right - wrong);
  }

  /**
   * What people read: a line for each folder of the frames, where there are several, and one for
   * all frames.
   */
  public static List<String> lines(GroundTruth truth, List<Answer> answers, Set<String> known) {
    Map<String, List<Answer>> folders =
        answers.stream()
            .collect(Collectors.groupingBy(Answer::folder, TreeMap::new, Collectors.toList()));
    List<String> lines = new ArrayList<>();
    if (folders.size() > 1) {
      folders.forEach(
          (folder, some) ->
              lines.add(
                  "%s, %d frames: %s"
                      .formatted(folder, some.size(), of(truth, some, known).summary())));
    }
    lines.add("Against the truth: " + of(truth, answers, known).summary());
    return lines;
  }

  private static List<Pair> pairs(List<RecognizedObject> seen, List<Labelled> real) {
    List<Pair> possible = new ArrayList<>();
    for (RecognizedObject answer : seen) {
      for (Labelled object : real) {
        double overlap = iou(answer.getBbox(), object);
        if (overlap >= LEAST_OVERLAP) {
          possible.add(new Pair(answer, object, overlap));
        }
      }
    }
    possible.sort(Comparator.comparingDouble(Pair::overlap).reversed());
    List<Pair> chosen = new ArrayList<>();
    for (Pair pair : possible) {
      // By identity: two facings of a product may be equal.
      if (chosen.stream()
          .noneMatch(c -> c.answer() == pair.answer() || c.object() == pair.object())) {
        chosen.add(pair);
      }
    }
    return chosen;
  }

  private static boolean isMatch(RecognizedObject answer) {
    return answer.getStatus() == MatchStatus.MATCH;
  }

  private static boolean isRight(Pair pair, Set<String> known) {
    return known.contains(pair.object().label())
        ? isMatch(pair.answer()) && Objects.equals(pair.answer().getLabel(), pair.object().label())
        : pair.answer().getStatus() == MatchStatus.UNKNOWN;
  }

  private static double iou(BoundingBox a, Labelled object) {
    var b = object.box();
    double width = (double) Math.min(a.getX2(), b.x2()) - Math.max(a.getX1(), b.x1());
    double height = (double) Math.min(a.getY2(), b.y2()) - Math.max(a.getY1(), b.y1());
    if (width <= 0 || height <= 0) {
      return 0;
    }
    double area = (double) (a.getX2() - a.getX1()) * (a.getY2() - a.getY1());
    double both = width * height;
    return both / (area + (double) b.width() * b.height() - both);
  }

  /** One line for people. */
  public String summary() {
    return "%d objects, %d found, %d missed, %d boxes on nothing; of those found %d right, %d wrong, %d unknown though in the gallery"
        .formatted(objects, found, objects - found, surplus, right, wrong, unknown);
  }
}
