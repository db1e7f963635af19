package io.shelfstream.detect;

import io.shelfstream.model.ModelException;
import io.shelfstream.model.OnnxModel;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * Turns what a detector puts out into detections; there are two contracts, told apart by shapes.
 */
interface DetectorOutput {

  /** Whether each output has a row for each image, whatever the image shows. */
  boolean isByImage();

  Comparator<Detection> BEST_FIRST = Comparator.comparingDouble(Detection::score).reversed();

  /**
   * @param scales of each image, y then x: model pixels per image pixel
   * @return for each of n images its boxes in image pixels, best score first
   */
  List<List<Detection>> read(List<OnnxModel.Output> outputs, FloatBuffer scales, int n);

  static DetectorOutput of(OnnxModel model, int size) {
    Map<String, long[]> outputs = model.outputs();
    List<long[]> shapes = List.copyOf(outputs.values());
    if (shapes.size() >= 2 && shapes.get(0).length == 2 && shapes.get(0)[1] == 6) {
      model.requireInput("scale_factor", -1, 2);
      return new Boxes();
    }
    if (RawHeads.fits(shapes, size)) {
      return new RawHeads(size);
    }
    throw new ModelException(
        ModelException.Code.CONFIGURATION,
        "Detector: expected outputs [boxes, 6] with a count per image, or four score tensors and four distributions of 32 at strides 8, 16, 32, 64; it has "
            + OnnxModel.describe(outputs));
  }

  /** Rows of class, score, x1, y1, x2, y2 in image pixels, image after image, and a count each. */
  final class Boxes implements DetectorOutput {
    private static final int COLUMNS = 6;

    @Override
    public boolean isByImage() {
      return false;
    }

    @Override
    public List<List<Detection>> read(List<OnnxModel.Output> outputs, FloatBuffer scales, int n) {
      FloatBuffer rows = outputs.get(0).floats();
      int[] counts = outputs.get(1).ints();
      if (counts.length != n) {
        throw new ModelException(
            ModelException.Code.RUN,
            "The detector counted boxes of " + counts.length + " images, expected " + n);
      }
      List<List<Detection>> found = new ArrayList<>(n);
      int row = 0;
      for (int count : counts) {
        List<Detection> boxes = new ArrayList<>(count);
        for (int end = Math.min(row + count, rows.limit() / COLUMNS); row < end; row++) {
          int at = row * COLUMNS;
          boxes.add(
              new Detection(
                  rows.get(at + 1),
                  rows.get(at + 2),
                  rows.get(at + 3),
                  rows.get(at + 4),
                  rows.get(at + 5)));
        }
        boxes.sort(BEST_FIRST);
        found.add(boxes);
      }
      return found;
    }
  }
}
