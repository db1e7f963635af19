package io.shelfstream.embed;

import io.shelfstream.image.InputTensor;
import io.shelfstream.image.OpenCv;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.model.ModelException;
import io.shelfstream.model.OnnxModel;
import io.shelfstream.model.RuntimeOptions;
import io.shelfstream.model.TensorBuffers;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A feature extractor in ONNX. */
public final class OnnxFeatureExtractor implements FeatureExtractor {
  /** Crops of one run: 64 take 39 MB of input; more gains nothing. */
  private static final int LARGEST_BATCH = 64;

  private static final String INPUT = "x";

  private final OnnxModel model;
  private final int size;
  private final int dimension;
  private final InputTensor input;
  private final TensorBuffers buffers = new TensorBuffers();

  private OnnxFeatureExtractor(OnnxModel model, int size, int dimension, InputTensor input) {
    this.model = model;
    this.size = size;
    this.dimension = dimension;
    this.input = input;
  }

  /**
   * Opens the extractor of a model directory.
   *
   * @throws ModelException when its input or output is not as the contract says, or it cannot run
   */
  public static OnnxFeatureExtractor load(ModelDirectory directory, RuntimeOptions options) {
    OpenCv.load();
    OpenCv.setThreads(options.threadBudget());
    int size = directory.extractorInputSize();
    OnnxModel model = OnnxModel.open(directory.extractorFile(), options);
    try {
      model.requireInput(INPUT, -1, 3, size, size);
      model.requireOnly(INPUT);
      requireOutput(model, directory.extractorDimension());
    } catch (ModelException e) {
      model.close();
      throw e;
    }
    return new OnnxFeatureExtractor(
        model,
        size,
        directory.extractorDimension(),
        InputTensor.ofExtractor(
            size,
            directory.extractorInterpolation().openCvCode(),
            directory.rgb(),
            directory.mean(),
            directory.std()));
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
  public List<float[]> extract(List<Crop> crops) {
    List<float[]> embeddings = new ArrayList<>(crops.size());
    int batch = model.takesBatches(INPUT) ? LARGEST_BATCH : 1;
    for (int from = 0; from < crops.size(); from += batch) {
      embeddings.addAll(run(crops.subList(from, Math.min(crops.size(), from + batch))));
    }
    return embeddings;
  }

  private List<float[]> run(List<Crop> crops) {
    int n = crops.size();
    FloatBuffer pixels = buffers.take(n * input.floats());
    try {
      for (int i = 0; i < n; i++) {
        input.write(crops.get(i).image(), crops.get(i).box(), pixels, i * input.floats());
      }
      float[] features =
          model.run(
              Map.of(INPUT, new OnnxModel.Input(pixels, n, 3, size, size)),
              outputs -> outputs.get(0).floats());
      return unitVectors(features, n);
    } finally {
      buffers.give(pixels);
    }
  }

  /** Each row divided by its length, without an epsilon, as in the reference. */
  private List<float[]> unitVectors(float[] features, int n) {
    if (features.length != n * dimension) {
      throw new ModelException(
          ModelException.Code.RUN,
          "The extractor gave %d values for %d crops, expected %d each"
              .formatted(features.length, n, dimension));
    }
    List<float[]> vectors = new ArrayList<>(n);
    for (int i = 0; i < n; i++) {
      double squares = 0;
      for (int j = i * dimension; j < (i + 1) * dimension; j++) {
        squares += (double) features[j] * features[j];
      }
      if (!(squares > 0 && squares < Double.POSITIVE_INFINITY)) {
        throw new ModelException(
            ModelException.Code.RUN,
            "The extractor gave a vector without a direction (squared length " + squares + ")");
      }
      float length = (float) Math.sqrt(squares);
      float[] vector = new float[dimension];
      for (int j = 0; j < dimension; j++) {
        vector[j] = features[i * dimension + j] / length;
      }
      vectors.add(vector);
    }
    return vectors;
  }

  @Override
  public void close() {
    model.close();
  }
}
