package io.shelfstream.detect;

import io.shelfstream.image.Image;
import io.shelfstream.image.InputTensor;
import io.shelfstream.image.OpenCv;
import io.shelfstream.image.PixelBox;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.model.ModelException;
import io.shelfstream.model.OnnxModel;
import io.shelfstream.model.RuntimeOptions;
import io.shelfstream.model.TensorBuffers;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A main-body detector in ONNX, with boxes in its graph or with raw heads. */
public final class OnnxDetector implements Detector {
  /** Images of one run: 640 px take 5 MB each, and CPU time per image does not fall any more. */
  private static final int LARGEST_BATCH = 16;

  private final OnnxModel model;
  private final int size;
  private final InputTensor input;
  private final DetectorOutput output;
  private final TensorBuffers pixelBuffers = new TensorBuffers();
  private final TensorBuffers scaleBuffers = new TensorBuffers();

  private OnnxDetector(OnnxModel model, int size, InputTensor input, DetectorOutput output) {
    this.model = model;
    this.size = size;
    this.input = input;
    this.output = output;
  }

  /**
   * Opens the detector of a model directory.
   *
   * @throws ModelException when its inputs or outputs are not as the contract says, or it cannot
   *     run
   */
  public static OnnxDetector load(ModelDirectory directory, RuntimeOptions options) {
    OpenCv.load();
    OpenCv.setThreads(options.threadBudget());
    int size = directory.detectorInputSize();
    OnnxModel model = OnnxModel.open(directory.detectorFile(), options);
    try {
      model.requireInput("image", -1, 3, size, size);
      model.requireOnly("image", "scale_factor");
      InputTensor input =
          InputTensor.ofDetector(
              size,
              directory.detectorInterpolation().openCvCode(),
              directory.rgb(),
              directory.mean(),
              directory.std());
      return new OnnxDetector(model, size, input, DetectorOutput.of(model, size));
    } catch (ModelException e) {
      model.close();
      throw e;
    }
  }

  /** cpu or cuda. */
  public String provider() {
    return model.provider();
  }

  @Override
  public List<List<Detection>> detect(List<Image> images) {
    List<List<Detection>> found = new ArrayList<>(images.size());
    int batch = model.takesBatches("image") ? LARGEST_BATCH : 1;
    for (int from = 0; from < images.size(); from += batch) {
      found.addAll(run(images.subList(from, Math.min(images.size(), from + batch))));
    }
    return found;
  }

  private List<List<Detection>> run(List<Image> images) {
    int n = images.size();
    FloatBuffer pixels = pixelBuffers.take(n * input.floats());
    FloatBuffer scales = scaleBuffers.take(n * 2);
    try {
      for (int i = 0; i < n; i++) {
        Image image = images.get(i);
        PixelBox whole = new PixelBox(0, 0, image.width(), image.height());
        input.write(image, whole, pixels, i * input.floats());
        scales.put(2 * i, (float) ((double) size / image.height())); // y first
        scales.put(2 * i + 1, (float) ((double) size / image.width()));
      }
      Map<String, OnnxModel.Input> inputs = new HashMap<>();
      inputs.put("image", new OnnxModel.Input(pixels, n, 3, size, size));
      if (model.hasInput("scale_factor")) {
        inputs.put("scale_factor", new OnnxModel.Input(scales, n, 2));
      }
      return model.run(inputs, outputs -> output.read(outputs, scales, n));
    } finally {
      pixelBuffers.give(pixels);
      scaleBuffers.give(scales);
    }
  }

  @Override
  public void close() {
    model.close();
  }
}
