package io.shelfstream.embed;

import io.shelfstream.image.InputTensor;
import io.shelfstream.image.OpenCv;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.model.ModelException;
import io.shelfstream.model.OnnxModel;
import io.shelfstream.model.Runs;
import io.shelfstream.model.RuntimeOptions;
import io.shelfstream.model.TensorBuffers;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A feature extractor in ONNX. */
public final class OnnxFeatureExtractor implements FeatureExtractor {
  /** Crops of one run: 64 take 39 MB of input; more gains nothing. */
  private static final int LARGEST_BATCH = 64;

  private static final String INPUT = "x";

  private final OnnxModel model;
  private final int size;
  private final int dimension;
  private final InputTensor input;
  private final Runs runs;
  private final Function<Prepared, List<float[]>> shared;
  private final TensorBuffers buffers = new TensorBuffers();
  private final @Nullable OnnxFeatureExtractor onOneThread;

  private OnnxFeatureExtractor(
      OnnxModel model,
      ModelDirectory directory,
      RuntimeOptions options,
      @Nullable OnnxFeatureExtractor onOneThread) {
    this.model = model;
    this.size = directory.extractorInputSize();
    this.dimension = directory.extractorDimension();
    model.requireInput(INPUT, -1, 3, size, size);
    model.requireOnly(INPUT);
    requireOutput(model, dimension);
    this.input =
        InputTensor.ofExtractor(
            size,
            directory.extractorInterpolation().openCvCode(),
            directory.rgb(),
            directory.mean(),
            directory.std());
    this.runs = new Runs(model, INPUT, options, LARGEST_BATCH);
    this.shared = runs.shared(Prepared::n, this::run);
    this.onOneThread = onOneThread;
  }

  /**
   * Opens the extractor of a model directory, ready for its first crop.
   *
   * @throws ModelException when its input or output is not as the contract says, or it cannot run
   */
  public static OnnxFeatureExtractor load(ModelDirectory directory, RuntimeOptions options) {
    OpenCv.load();
    OnnxFeatureExtractor all = open(directory, options);
    if (all.model.isOnGpu() || options.threadBudget() == 1) {
      return all;
    }
    try {
      OnnxFeatureExtractor one = open(directory, options.onOneThread());
      return new OnnxFeatureExtractor(all.model, directory, options, one);
    } catch (ModelException e) {
      all.close();
      throw e;
    }
  }

  private static OnnxFeatureExtractor open(ModelDirectory directory, RuntimeOptions options) {
    OnnxModel model = OnnxModel.open(directory.extractorFile(), options);
    try {
      OnnxFeatureExtractor extractor = new OnnxFeatureExtractor(model, directory, options, null);
      extractor.warmUp();
      return extractor;
    } catch (ModelException e) {
      model.close();
      throw e;
    }
  }

  private static void requireOutput(OnnxModel model, int dimension) {
    long[] first = model.outputs().values().iterator().next();
    if (first.length != 2 || (first[1] != dimension && first[1] != -1)) {
      throw new ModelException(
          ModelException.Code.CONFIGURATION,
          "Extractor: expected a first output [N, %d] (extractor.dimension), it has %s"
              .formatted(dimension, OnnxModel.describe(model.outputs())));
    }
  }

  @Override
  public int dimension() {
    return dimension;
  }

  @Override
  public FeatureExtractor onOneThread() {
    return onOneThread == null ? this : onOneThread;
  }

  @Override
  public List<float[]> extract(List<Crop> crops) {
    List<float[]> embeddings = new ArrayList<>(crops.size());
    for (int from = 0; from < crops.size(); from += runs.most()) {
      embeddings.addAll(together(crops.subList(from, Math.min(crops.size(), from + runs.most()))));
    }
    return embeddings;
  }

  /** Inputs of n crops, from the beginning of the buffer. */
  private record Prepared(FloatBuffer pixels, int n) {}

  private List<float[]> together(List<Crop> crops) {
    Prepared prepared = take(crops.size());
    try {
      for (int i = 0; i < crops.size(); i++) {
        Crop crop = crops.get(i);
        input.write(crop.image(), crop.box(), prepared.pixels(), i * input.floats());
      }
      return shared.apply(prepared);
    } finally {
      buffers.give(prepared.pixels());
    }
  }

  private Prepared take(int n) {
    return new Prepared(buffers.take(runs.padded(n) * input.floats()), n);
  }

  private List<List<float[]>> run(List<Prepared> parts) {
    if (parts.size() == 1) {
      return List.of(run(parts.get(0)));
    }
    Prepared all = take(parts.stream().mapToInt(Prepared::n).sum());
    try {
      int at = 0;
      for (Prepared part : parts) {
        int floats = part.n() * input.floats();
        all.pixels().put(at, part.pixels(), 0, floats);
        at += floats;
      }
      return split(run(all), parts);
    } finally {
      buffers.give(all.pixels());
    }
  }

  private static List<List<float[]>> split(List<float[]> vectors, List<Prepared> parts) {
    List<List<float[]>> each = new ArrayList<>(parts.size());
    int at = 0;
    for (Prepared part : parts) {
      each.add(vectors.subList(at, at + part.n()));
      at += part.n();
    }
    return each;
  }

  private List<float[]> run(Prepared prepared) {
    return features(prepared, outputs -> unitVectors(outputs.get(0).floats(), prepared.n()));
  }

  private <T> T features(Prepared prepared, Function<List<OnnxModel.Output>, T> read) {
    int room = prepared.pixels().limit() / input.floats();
    return model.runByImage(
        Map.of(INPUT, new OnnxModel.Input(prepared.pixels(), room, 3, size, size)), read);
  }

  private void warmUp() {
    runs.warmUp(
        n -> {
          Prepared nothing = take(n);
          try {
            for (int i = 0; i < nothing.pixels().limit(); i++) {
              nothing.pixels().put(i, 0);
            }
            features(nothing, outputs -> n);
          } finally {
            buffers.give(nothing.pixels());
          }
        });
  }

  /** Each row divided by its length, without an epsilon, as in the reference. */
  private List<float[]> unitVectors(FloatBuffer features, int n) {
    if (features.limit() != runs.padded(n) * dimension) {
      throw new ModelException(
          ModelException.Code.RUN,
          "The extractor gave %d values for %d crops, expected %d each"
              .formatted(features.limit(), runs.padded(n), dimension));
    }
    List<float[]> vectors = new ArrayList<>(n);
    for (int i = 0; i < n; i++) {
      double squares = 0;
      for (int j = i * dimension; j < (i + 1) * dimension; j++) {
        squares += (double) features.get(j) * features.get(j);
      }
      if (!(squares > 0 && squares < Double.POSITIVE_INFINITY)) {
        throw new ModelException(
            ModelException.Code.RUN,
            "The extractor gave a vector without a direction (squared length " + squares + ")");
      }
      float length = (float) Math.sqrt(squares);
      float[] vector = new float[dimension];
      for (int j = 0; j < dimension; j++) {
        vector[j] = features.get(i * dimension + j) / length;
      }
      vectors.add(vector);
    }
    return vectors;
  }

  @Override
  public void close() {
    model.close();
    if (onOneThread != null) {
      onOneThread.close();
    }
  }
}
