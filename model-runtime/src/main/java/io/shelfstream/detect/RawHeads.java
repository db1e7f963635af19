package io.shelfstream.detect;

import io.shelfstream.model.OnnxModel;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

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

  RawHeads(int size) {
    this.size = size;
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
    for (int i = 0; i < n; i++) {
      found.add(new ArrayList<>());
    }
    for (int level = 0; level < STRIDES.length; level++) {
      OnnxModel.Output scores = outputs.get(level);
      int classes = (int) scores.shape()[2];
      decode(
          level,
          scores.floats(),
          classes,
          outputs.get(level + STRIDES.length).floats(),
          scales,
          found);
    }
    return found.stream().map(RawHeads::best).toList();
  }

  private void decode(
      int level,
      FloatBuffer scores,
      int classes,
      FloatBuffer distances,
      FloatBuffer scales,
      List<List<Detection>> found) {
    int cells = (int) cells(size, level);
    for (int image = 0; image < found.size(); image++) {
      for (int cell = 0; cell < cells; cell++) {
        int at = image * cells + cell;
        float score = max(scores, at * classes, classes);
        if (score > SCORE_THRESHOLD) {
          found.get(image).add(box(level, cell, score, distances, at, scales, image));
        }
      }
    }
  }

  private Detection box(
      int level,
      int cell,
      float score,
      FloatBuffer distances,
      int at,
      FloatBuffer scales,
      int image) {
    int side = side(size, level);
    int stride = STRIDES[level];
    float x = cell % side + 0.5f; // cell_offset
    float y = (cell / side) + 0.5f;
    int edges = at * EDGES * BINS;
    float scaleY = scales.get(2 * image);
    float scaleX = scales.get(2 * image + 1);
    return new Detection(
        score,
        (x - expected(distances, edges)) * stride / scaleX,
        (y - expected(distances, edges + BINS)) * stride / scaleY,
        (x + expected(distances, edges + 2 * BINS)) * stride / scaleX,
        (y + expected(distances, edges + 3 * BINS)) * stride / scaleY);
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

  private static List<Detection> best(List<Detection> boxes) {
    boxes.sort(BEST_FIRST);
    List<Detection> candidates = boxes.subList(0, Math.min(CANDIDATES, boxes.size()));
    return List.copyOf(Overlap.suppress(candidates, OVERLAP, Overlap::iou, KEPT));
  }
}
