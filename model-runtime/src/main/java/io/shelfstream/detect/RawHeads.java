package io.shelfstream.detect;

import io.shelfstream.model.OnnxModel;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * PicoDet's heads without the tail: for each stride, scores [N, cells, classes] after the sigmoid
 * and distributions [N, cells, 4 × 8] of the distances to the four edges. The tail is done here,
 * with the numbers of PaddleDetection's picodet_esnet.yml and MultiClassNMS.
 */
final class RawHeads implements DetectorOutput {
  private static final int[] STRIDES = {8, 16, 32, 64};
  private static final int BINS = 8; // reg_max 7
  private static final int EDGES = 4;
  private static final float SCORE_THRESHOLD = 0.025f;
  private static final int CANDIDATES = 1000; // nms_top_k
  private static final double OVERLAP = 0.6; // nms_threshold
  private static final int KEPT = 100; // keep_top_k

  private final int size;
  private final int cells; // of all levels

  RawHeads(int size) {
    this.size = size;
    int all = 0;
    for (int level = 0; level < STRIDES.length; level++) {
      all += (int) cells(size, level);
    }
    this.cells = all;
  }

  static boolean fits(List<long[]> shapes, int size) {
    if (shapes.size() != 2 * STRIDES.length) {
      return false;
    }
    for (int level = 0; level < STRIDES.length; level++) {
      long[] scores = shapes.get(level);
      long[] distances = shapes.get(level + STRIDES.length);
      if (scores.length != 3
          || distances.length != 3
          || scores[1] != cells(size, level)
          || distances[1] != cells(size, level)
          || distances[2] != EDGES * BINS) {
        return false;
      }
    }
    return true;
  }

  private static long cells(int size, int level) {
    long side = side(size, level);
    return side * side;
  }

  private static int side(int size, int level) {
    return (size + STRIDES[level] - 1) / STRIDES[level];
  }

  @Override
  public boolean isByImage() {
    return true;
  }

  @Override
  public List<List<Detection>> read(List<OnnxModel.Output> outputs, FloatBuffer scales, int n) {
    List<List<Detection>> found = new ArrayList<>(n);
    for (int image = 0; image < n; image++) {
      Heads heads = new Heads(outputs, scales, image);
      // A box costs more than its score: only those that suppression gets to are made.
      Stream<Detection> bestFirst = Arrays.stream(candidates(outputs, image)).mapToObj(heads::box);
      found.add(List.copyOf(Overlap.suppress(bestFirst::iterator, OVERLAP, Overlap::iou, KEPT)));
    }
    return found;
  }

  /**
   * The best cells of an image, best first, and among equals in the order of levels and cells:
   * score in the upper half, so that they sort as numbers, and the cell's number over all levels in
   * the lower.
   */
  private long[] candidates(List<OnnxModel.Output> outputs, int image) {
    long[] best = new long[cells];
    int count = 0;
    int number = 0;
    for (int level = 0; level < STRIDES.length; level++) {
      FloatBuffer scores = outputs.get(level).floats();
      int classes = (int) outputs.get(level).shape()[2];
      int ofLevel = (int) cells(size, level);
      for (int cell = 0; cell < ofLevel; cell++, number++) {
        float score = max(scores, (image * ofLevel + cell) * classes, classes);
        if (score > SCORE_THRESHOLD) {
          best[count++] = (long) -Float.floatToIntBits(score) << Integer.SIZE | number;
        }
      }
    }
    Arrays.sort(best, 0, count);
    return Arrays.copyOf(best, Math.min(CANDIDATES, count));
  }

  /** What the network says of one image. */
  private final class Heads {
    private final FloatBuffer[] distances = new FloatBuffer[STRIDES.length];
    private final int image;
    private final float scaleX;
    private final float scaleY;

    Heads(List<OnnxModel.Output> outputs, FloatBuffer scales, int image) {
      for (int level = 0; level < STRIDES.length; level++) {
        distances[level] = outputs.get(level + STRIDES.length).floats();
      }
      this.image = image;
      this.scaleY = scales.get(2 * image);
      this.scaleX = scales.get(2 * image + 1);
    }

    Detection box(long candidate) {
      int cell = (int) candidate;
      int level = 0;
      while (cell >= cells(size, level)) {
        cell -= (int) cells(size, level++);
      }
      float score = Float.intBitsToFloat(-(int) (candidate >> Integer.SIZE));
      int side = side(size, level);
      int stride = STRIDES[level];
      float x = cell % side + 0.5f; // cell_offset
      float y = (cell / side) + 0.5f;
      FloatBuffer logits = distances[level];
      int edges = (int) (image * cells(size, level) + cell) * EDGES * BINS;
      return new Detection(
          score,
          (x - expected(logits, edges)) * stride / scaleX,
          (y - expected(logits, edges + BINS)) * stride / scaleY,
          (x + expected(logits, edges + 2 * BINS)) * stride / scaleX,
          (y + expected(logits, edges + 3 * BINS)) * stride / scaleY);
    }
  }

  /** Mean of a softmax over the bins 0 to 7, in strides. */
  private static float expected(FloatBuffer logits, int at) {
    float max = max(logits, at, BINS);
    double sum = 0;
    double weighted = 0;
    for (int i = 0; i < BINS; i++) {
      double p = Math.exp(logits.get(at + i) - max);
      sum += p;
      weighted += i * p;
    }
    return (float) (weighted / sum);
  }

  private static float max(FloatBuffer values, int at, int count) {
    float max = values.get(at);
    for (int i = 1; i < count; i++) {
      max = Math.max(max, values.get(at + i));
    }
    return max;
  }
}
