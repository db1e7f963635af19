package io.shelfstream.detect;

import io.shelfstream.image.PixelBox;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Which boxes become objects, and which objects become results.
 *
 * @param name as configured and as events carry it
 * @param maxObjects most detections to keep
 * @param detectionOverlap largest intersection over union of two detections; 1 keeps all
 * @param wholeImage when the whole image is taken as an object
 * @param resultOverlap largest intersection over union of two results; 1 keeps all
 * @param keepsUnknown whether objects that match nothing are results
 * @param clips whether boxes are cut to the image
 */
public record Profile(
    String name,
    int maxObjects,
    double detectionOverlap,
    WholeImage wholeImage,
    double resultOverlap,
    boolean keepsUnknown,
    boolean clips) {

  /** When the whole image is an object. */
  public enum WholeImage {
    /** Always, beside the detections. */
    ALWAYS,
    /** Only when nothing was detected. */
    FALLBACK,
    /** Not even then: somebody asked for parts of it. */
    NEVER
  }

  /**
   * Exactly PaddleClas's Python deployment: inference_general.yaml max_det_results 5 and
   * rec_nms_thresold 0.05; the whole image always appended (predict_system.py); boxes not clipped.
   */
  public static final Profile PP_SHITU =
      new Profile("pp-shitu", 5, 1, WholeImage.ALWAYS, 0.05, false, false);

  /**
   * For shelves: hundreds of objects side by side. The detector's own suppression (0.6) leaves
   * doubles of one object, hence 0.5 once more; neighbours that touch both stay.
   */
  public static final Profile SHELF =
      new Profile("shelf", 300, 0.5, WholeImage.FALLBACK, 1, true, true);

  /** The same for parts of an image: what lies outside them is no answer. */
  public Profile withoutWholeImage() {
    return new Profile(
        name, maxObjects, detectionOverlap, WholeImage.NEVER, resultOverlap, keepsUnknown, clips);
  }

  /**
   * Chooses the objects of one image.
   *
   * @param detections of the detector; of two with the same score the later one comes first, as in
   *     a reversed ascending sort
   * @param threshold least score of a detection; equal is enough
   * @return best score first; the whole image, where the profile wants it, last
   */
  public List<ObjectBox> select(
      List<Detection> detections, float threshold, int width, int height) {
    List<Detection> best = new ArrayList<>(detections);
    best.removeIf(d -> !isFinite(d));
    best.sort(Comparator.comparingDouble(Detection::score));
    Collections.reverse(best);
    if (detectionOverlap < 1) {
      List<Detection> good = best.stream().filter(d -> d.score() >= threshold).toList();
      best = Overlap.suppress(good, detectionOverlap, Overlap::iou);
    }
    List<ObjectBox> objects = new ArrayList<>();
    for (Detection d : best.subList(0, Math.min(maxObjects, best.size()))) {
      PixelBox box = truncated(d);
      PixelBox inside = box.clip(width, height);
      if (d.score() >= threshold && !inside.isEmpty()) {
        objects.add(new ObjectBox(clips ? inside : box, d.score(), false));
      }
    }
    if (wholeImage == WholeImage.ALWAYS
        || (wholeImage == WholeImage.FALLBACK && objects.isEmpty())) {
      objects.add(new ObjectBox(new PixelBox(0, 0, width, height), 1, true));
    }
    return objects;
  }

  /**
   * Suppresses results that overlap: best score first, and where both score the same the later one,
   * as a reversed ascending sort gives it.
   *
   * @param scores of the matches, one a box
   * @return indices of the survivors, best first; all in their given order when results may overlap
   */
  public int[] suppress(List<PixelBox> boxes, float[] scores) {
    IntStream all = IntStream.range(0, boxes.size());
    if (resultOverlap >= 1) {
      return all.toArray();
    }
    List<Integer> bestFirst =
        all.boxed()
            .sorted(
                Comparator.<Integer>comparingDouble(i -> scores[i])
                    .thenComparingInt(i -> i)
                    .reversed())
            .toList();
    return Overlap.suppress(
            bestFirst, resultOverlap, (a, b) -> inclusiveIou(boxes.get(a), boxes.get(b)))
        .stream()
        .mapToInt(i -> i)
        .toArray();
  }

  private static boolean isFinite(Detection d) {
    return Float.isFinite(d.score())
        && Float.isFinite(d.x1())
        && Float.isFinite(d.y1())
        && Float.isFinite(d.x2())
        && Float.isFinite(d.y2());
  }

  private static PixelBox truncated(Detection d) {
    return new PixelBox((int) d.x1(), (int) d.y1(), (int) d.x2(), (int) d.y2());
  }

  /** With the reference's + 1 pixel: its boxes count both edges (nms_to_rec_results). */
  private static float inclusiveIou(PixelBox a, PixelBox b) {
    float width = Math.max(0f, (float) Math.min(a.x2(), b.x2()) - Math.max(a.x1(), b.x1()) + 1);
    float height = Math.max(0f, (float) Math.min(a.y2(), b.y2()) - Math.max(a.y1(), b.y1()) + 1);
    float intersection = width * height;
    return intersection / (inclusiveArea(a) + inclusiveArea(b) - intersection);
  }

  private static float inclusiveArea(PixelBox b) {
    return ((float) b.x2() - b.x1() + 1) * ((float) b.y2() - b.y1() + 1);
  }
}
