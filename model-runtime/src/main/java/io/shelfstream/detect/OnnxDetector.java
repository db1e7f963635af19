package io.shelfstream.detect;

import io.shelfstream.image.Image;
import io.shelfstream.image.InputTensor;
import io.shelfstream.image.Tiles;
import io.shelfstream.model.ImageModel;
import io.shelfstream.model.ImageModel.View;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.model.OnnxModel;
import io.shelfstream.model.RuntimeOptions;
import java.util.List;
import java.util.function.IntConsumer;

/** A main-body detector in ONNX, with boxes in its graph or with raw heads. */
public final class OnnxDetector implements Detector {
  /** Images of one run: 640 px take 5 MB each, and CPU time per image does not fall any more. */
  private static final int LARGEST_BATCH = 16;

  private static final String IMAGE = "image";

  private final ImageModel<List<Detection>> model;

  private OnnxDetector(ImageModel<List<Detection>> model) {
    this.model = model;
  }

  /**
   * Opens the detector of a model directory, ready for its first image.
   *
   * @throws io.shelfstream.model.ModelException when its inputs or outputs are not as the contract
   *     says, or it cannot run
   */
  public static OnnxDetector load(ModelDirectory directory, RuntimeOptions options) {
    int size = directory.detectorInputSize();
    InputTensor tensor =
        InputTensor.ofDetector(
            size,
            directory.detectorInterpolation().openCvCode(),
            directory.rgb(),
            directory.mean(),
            directory.std());
    return new OnnxDetector(
        ImageModel.open(
            directory.detectorFile(),
            new ImageModel.Contract<>(
                IMAGE, size, tensor, LARGEST_BATCH, model -> reader(model, size)),
            options));
  }

  private static ImageModel.Reader<List<Detection>> reader(OnnxModel model, int size) {
    model.requireOnly(IMAGE, "scale_factor");
    DetectorOutput output = DetectorOutput.of(model, size);
    return new ImageModel.Reader<>() {
      @Override
      public List<List<Detection>> read(List<OnnxModel.Output> outputs, ImageModel.Batch batch) {
        return output.read(outputs, batch.scales(), batch.room()).subList(0, batch.n());
      }

      @Override
      public boolean isByImage() {
        return output.isByImage();
      }
    };
  }

  /** cpu, cuda or tensorrt. */
  public String provider() {
    return model.provider();
  }

  /**
   * This detector, looking at images in tiles. Closing either closes both.
   *
   * @param tiles how images are cut
   */
  public Detector in(Tiles tiles) {
    return tiles.equals(Tiles.NONE) ? this : new TiledDetector(this, tiles);
  }

  @Override
  public OnnxDetector onOneThread() {
    ImageModel<List<Detection>> one = model.onOneThread();
    return one == model ? this : new OnnxDetector(one);
  }

  @Override
  public List<List<Detection>> detect(List<Image> images) {
    return look(images.stream().map(image -> new View(image, image.box())).toList());
  }

  /** Boxes of each view, in pixels from its corner, best score first. */
  List<List<Detection>> look(List<View> views) {
    return model.look(views);
  }

  /**
   * Tells of each run how many images, or tiles of them, are in it; called by the threads that run.
   */
  public void onRun(IntConsumer observer) {
    model.onRun(observer);
  }

  @Override
  public void close() {
    model.close();
  }
}
