package io.shelfstream.embed;

import io.shelfstream.image.InputTensor;
import io.shelfstream.model.Features;
import io.shelfstream.model.ImageModel;
import io.shelfstream.model.ImageModel.View;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.model.ModelException;
import io.shelfstream.model.OnnxModel;
import io.shelfstream.model.RuntimeOptions;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/** A feature extractor in ONNX. */
public final class OnnxFeatureExtractor implements FeatureExtractor {
  /** Crops of one run: 64 take 39 MB of input; more gains nothing. */
  private static final int LARGEST_BATCH = 64;

  private static final String INPUT = "x";

  private final ImageModel<float[]> model;
  private final int dimension;

  private OnnxFeatureExtractor(ImageModel<float[]> model, int dimension) {
    this.model = model;
    this.dimension = dimension;
  }

  /**
   * Opens the extractor of a model directory, ready for its first crop.
   *
   * @throws ModelException when its input or output is not as the contract says, or it cannot run
   */
  public static OnnxFeatureExtractor load(ModelDirectory directory, RuntimeOptions options) {
    int dimension = directory.extractorDimension();
    int size = directory.extractorInputSize();
    InputTensor tensor =
        InputTensor.ofExtractor(
            size,
            directory.extractorInterpolation().openCvCode(),
            directory.rgb(),
            directory.mean(),
            directory.std());
    ImageModel<float[]> model =
        ImageModel.open(
            directory.extractorFile(),
            new ImageModel.Contract<>(
                INPUT,
                size,
                tensor,
                LARGEST_BATCH,
                opened -> reader(opened, dimension, directory.features())),
            options);
    return new OnnxFeatureExtractor(model, dimension);
  }

  private static ImageModel.Reader<float[]> reader(
      OnnxModel model, int dimension, Features features) {
    model.requireOnly(INPUT);
    long[] first = model.outputs().values().iterator().next();
    if (first.length != 2 || (first[1] != dimension && first[1] != -1)) {
      throw new ModelException(
          ModelException.Code.CONFIGURATION,
          "Extractor: expected a first output [N, %d] (extractor.dimension), it has %s"
              .formatted(dimension, OnnxModel.describe(model.outputs())));
    }
    return new ImageModel.Reader<>() {
      @Override
      public List<float[]> read(List<OnnxModel.Output> outputs, ImageModel.Batch batch) {
        return vectors(outputs.get(0).floats(), batch, dimension, features);
      }

      @Override
      public void warmUp(List<OnnxModel.Output> outputs, ImageModel.Batch batch) {
        // Features of an empty picture may have no direction.
      }
    };
  }

  @Override
  public int dimension() {
    return dimension;
  }

  @Override
  public FeatureExtractor onOneThread() {
    ImageModel<float[]> one = model.onOneThread();
    return one == model ? this : new OnnxFeatureExtractor(one, dimension);
  }

  @Override
  public List<float[]> extract(List<Crop> crops) {
    return model.look(crops.stream().map(crop -> new View(crop.image(), crop.box())).toList());
  }

  private static List<float[]> vectors(
      FloatBuffer values, ImageModel.Batch batch, int dimension, Features features) {
    if (values.limit() != batch.room() * dimension) {
      throw new ModelException(
          ModelException.Code.RUN,
          "The extractor gave %d values for %d crops, expected %d each"
              .formatted(values.limit(), batch.room(), dimension));
    }
    List<float[]> vectors = new ArrayList<>(batch.n());
    for (int i = 0; i < batch.n(); i++) {
      FloatBuffer row = values.slice(i * dimension, dimension);
      vectors.add(features.areBits() ? bits(row, features) : unitVector(row));
    }
    return vectors;
  }

  /** Divided by its length, without an epsilon, as in the reference. */
  private static float[] unitVector(FloatBuffer row) {
    double squares = squares(row);
    if (!(squares > 0 && squares < Double.POSITIVE_INFINITY)) {
      throw new ModelException(
          ModelException.Code.RUN,
          "The extractor gave a vector without a direction (squared length " + squares + ")");
    }
    float length = (float) Math.sqrt(squares);
    float[] vector = new float[row.limit()];
    for (int j = 0; j < vector.length; j++) {
      vector[j] = row.get(j) / length;
    }
    return vector;
  }

  private static float[] bits(FloatBuffer row, Features features) {
    if (!(squares(row) < Double.POSITIVE_INFINITY)) {
      throw new ModelException(
          ModelException.Code.RUN, "The extractor gave a value that is no finite number");
    }
    float one = (float) (1 / Math.sqrt(row.limit()));
    float[] vector = new float[row.limit()];
    for (int j = 0; j < vector.length; j++) {
      vector[j] = features.isOne(row.get(j)) ? one : -one;
    }
    return vector;
  }

  private static double squares(FloatBuffer row) {
    double squares = 0;
    for (int j = 0; j < row.limit(); j++) {
      squares += (double) row.get(j) * row.get(j);
    }
    return squares;
  }

  /** Tells of each run how many crops are in it; called by the threads that run. */
  public void onRun(IntConsumer observer) {
    model.onRun(observer);
  }

  @Override
  public void close() {
    model.close();
  }
}
