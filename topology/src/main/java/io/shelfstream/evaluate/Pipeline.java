package io.shelfstream.evaluate;

import io.shelfstream.client.GivenPhoto;
import io.shelfstream.client.Progress;
import io.shelfstream.detect.Profile;
import io.shelfstream.evaluate.Answer.Shown;
import io.shelfstream.gallery.GalleryHit;
import io.shelfstream.recognition.ImageRecognition;
import io.shelfstream.recognition.MatchPolicy;
import io.shelfstream.recognition.Recognition;
import io.shelfstream.recognition.Recognition.SeenObject;
import io.shelfstream.recognition.RecognitionModels;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.recognition.StageTimes;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Recognises each query as a frame is recognised, through the detector, and looks for the right
 * product among the best photos of all its boxes, the highest score first: no score is too low, no
 * box is suppressed by another. So PaddleClas's eval_shitu_pipeline.py counts.
 */
public final class Pipeline {
  /** Most places that recall is given for; frames can have hundreds of boxes. */
  private static final int MOST_PLACES = 10;

  private final ImageRecognition recognition;
  private final long largest;
  private final Map<String, Path> files;
  private final Map<String, Integer> galleryPhotos;

  /**
   * Prepares a gallery.
   *
   * @param models with the gallery that frames are compared with; its profile says which boxes
   *     there are
   * @param photos of that gallery
   * @param largest file that is read, in bytes
   */
  public Pipeline(RecognitionModels models, List<EmbeddedPhoto> photos, long largest) {
    this.largest = largest;
    this.recognition = new ImageRecognition(keepingEverything(models));
    this.files = new HashMap<>();
    this.galleryPhotos = new HashMap<>();
    for (EmbeddedPhoto photo : photos) {
      Optional.ofNullable(photo.file()).ifPresent(file -> files.put(photo.id(), file));
      galleryPhotos.merge(photo.label(), 1, Integer::sum);
    }
  }

  private static RecognitionModels keepingEverything(RecognitionModels models) {
    Profile p = models.profile();
    return new RecognitionModels(
        models.ids(),
        models.decoder(),
        models.detector(),
        models.detectionThreshold(),
        new Profile(
            p.name(), p.maxObjects(), p.detectionOverlap(), p.wholeImage(), 1, true, p.clips()),
        models.extractor(),
        models.gallery(),
        // With any margin the second product is looked for, however many photos the best one has.
        new MatchPolicy(
            -1,
            2,
            Math.max(2, models.policy().candidates()),
            Math.max(2, models.policy().photos())),
        models.filters());
  }

  /**
   * What was seen.
   *
   * @param unreadable queries that were left out
   */
  public record Result(Evaluation evaluation, List<Unreadable> unreadable) {}

  /** Recognises all queries and shows the progress; the settings' ks are not used. */
  public Result evaluate(List<GivenPhoto> queries, Settings settings) {
    List<Answer> answers = new ArrayList<>(queries.size());
    List<Unreadable> unreadable = new ArrayList<>();
    int most = 0;
    int firstImage = 0;
    try (Progress progress = new Progress("Recognising queries", queries.size())) {
      for (GivenPhoto query : queries) {
        try {
          List<SeenObject> entries = entries(PhotoReader.bytes(query.file(), largest));
          answers.add(answer(query, entries));
          most = Math.max(most, entries.size());
          firstImage = answers.size() == 1 ? entries.size() : firstImage;
        } catch (RejectedException e) {
          unreadable.add(new Unreadable(query.file(), e.message()));
        } catch (UnreadableException e) {
          unreadable.add(new Unreadable(query.file(), String.valueOf(e.getMessage())));
        }
        progress.step();
      }
    }
    Settings places = settings.withKs(upTo(Math.max(1, Math.min(MOST_PLACES, most))));
    return new Result(
        Evaluation.of(
            places, answers, galleryPhotos, ofAllImages(answers, firstImage), 0, null, Map.of()),
        unreadable);
  }

  private static List<Integer> upTo(int most) {
    return IntStream.rangeClosed(1, most).boxed().toList();
  }

  /** Boxes with a nearest photo, the highest score first; equal ones in the order of the boxes. */
  private List<SeenObject> entries(byte[] encoded) throws RejectedException {
    Recognition seen = recognition.recognize(encoded, List.of(), new StageTimes());
    return seen.objects().stream()
        .filter(object -> object.match().best() != null)
        .sorted(Comparator.comparing(Pipeline::score, Comparator.reverseOrder()))
        .toList();
  }

  private static float score(SeenObject object) {
    GalleryHit best = object.match().best();
    return best == null ? Float.NEGATIVE_INFINITY : best.score();
  }

  private Answer answer(GivenPhoto query, List<SeenObject> entries) {
    Shown asked = new Shown(query.id(), query.label(), query.file(), 1);
    boolean known = galleryPhotos.containsKey(query.label());
    int place = 0;
    Shown right = null;
    for (int i = entries.size() - 1; i >= 0; i--) {
      Shown one = shown(entries.get(i));
      if (one != null && one.label().equals(query.label())) {
        place = i + 1;
        right = one;
      }
    }
    SeenObject best = entries.isEmpty() ? null : entries.get(0);
    Float margin = best == null ? null : best.match().margin();
    return new Answer(
        asked,
        best == null ? null : shown(best),
        margin == null ? Float.POSITIVE_INFINITY : margin,
        right,
        known ? Ranking.ofPlace(place) : null,
        best == null || best.box().wholeImage() ? null : best.box().box());
  }

  private @Nullable Shown shown(SeenObject object) {
    GalleryHit best = object.match().best();
    if (best == null) {
      return null;
    }
    String id = best.entry().galleryImageId();
    return new Shown(id, best.entry().label(), files.get(id), best.score());
  }

  /**
   * As PaddleClas counts: of all images, strangers among them, for as many places as the first
   * image has boxes.
   */
  private static Figures ofAllImages(List<Answer> answers, int places) {
    Map<Integer, Double> recall = new TreeMap<>();
    for (int place : upTo(places)) {
      long found =
          answers.stream()
              .map(Answer::ranking)
              .filter(ranking -> ranking != null && ranking.first() <= place)
              .count();
      recall.put(place, (double) found / answers.size());
    }
    return new Figures(answers.size(), recall, Double.NaN, Double.NaN);
  }
}
