package io.shelfstream.detect;

import io.shelfstream.image.Image;
import io.shelfstream.image.InputTensor;
import io.shelfstream.image.OpenCv;
import io.shelfstream.image.PixelBox;
import io.shelfstream.image.Tiles;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.model.ModelException;
import io.shelfstream.model.OnnxModel;
import io.shelfstream.model.Runs;
import io.shelfstream.model.RuntimeOptions;
import io.shelfstream.model.TensorBuffers;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A main-body detector in ONNX, with boxes in its graph or with raw heads. */
public final class OnnxDetector implements Detector {
  /** Images of one run: 640 px take 5 MB each, and CPU time per image does not fall any more. */
  private static final int LARGEST_BATCH = 16;

  private static final String IMAGE = "image";

  private final OnnxModel model;
  private final int size;
  private final InputTensor input;
  private final DetectorOutput output;
  private final Runs runs;
  private final Function<Prepared, List<List<Detection>>> shared;
  private final TensorBuffers pixelBuffers = new TensorBuffers();
  private final TensorBuffers scaleBuffers = new TensorBuffers();
  private final @Nullable OnnxDetector onOneThread;

  private OnnxDetector(
      OnnxModel model,
      ModelDirectory directory,
      RuntimeOptions options,
      @Nullable OnnxDetector onOneThread) {
    this.model = model;
    this.size = directory.detectorInputSize();
    model.requireInput(IMAGE, -1, 3, size, size);
    model.requireOnly(IMAGE, "scale_factor");
    this.input =
        InputTensor.ofDetector(
            size,
            directory.detectorInterpolation().openCvCode(),
            directory.rgb(),
            directory.mean(),
            directory.std());
    this.output = DetectorOutput.of(model, size);
    this.runs = new Runs(model, IMAGE, options, LARGEST_BATCH);
    this.shared = runs.shared(Prepared::n, this::run);
    this.onOneThread = onOneThread;
  }

  /**
   * Opens the detector of a model directory, ready for its first image.
   *
   * @throws ModelException when its inputs or outputs are not as the contract says, or it cannot
   *     run
   */
  public static OnnxDetector load(ModelDirectory directory, RuntimeOptions options) {
    OpenCv.load();
    OnnxDetector all = open(directory, options);
    if (all.model.isOnGpu() || options.threadBudget() == 1) {
      return all;
    }
    try {
      OnnxDetector one = open(directory, options.onOneThread());
      return new OnnxDetector(all.model, directory, options, one);
    } catch (ModelException e) {
      all.close();
      throw e;
    }
  }

  private static OnnxDetector open(ModelDirectory directory, RuntimeOptions options) {
    OnnxModel model = OnnxModel.open(directory.detectorFile(), options);
    try {
      OnnxDetector detector = new OnnxDetector(model, directory, options, null);
      detector.warmUp();
      return detector;
    } catch (ModelException e) {
      model.close();
      throw e;
    }
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
    return onOneThread == null ? this : onOneThread;
  }

  /** A part of an image, not empty. */
  record View(Image image, PixelBox box) {}

  @Override
  public List<List<Detection>> detect(List<Image> images) {
    return look(
        images.stream()
            .map(image -> new View(image, new PixelBox(0, 0, image.width(), image.height())))
            .toList());
  }

  /** Boxes of each view, in pixels from its corner, best score first. */
  List<List<Detection>> look(List<View> views) {
    List<List<Detection>> found = new ArrayList<>(views.size());
    for (int from = 0; from < views.size(); from += runs.most()) {
      found.addAll(together(views.subList(from, Math.min(views.size(), from + runs.most()))));
    }
    return found;
  }

  /** Inputs of n views, from the beginning of both buffers. */
  private record Prepared(FloatBuffer pixels, FloatBuffer scales, int n) {}

  private List<List<Detection>> together(List<View> views) {
    Prepared prepared = take(runs.padded(views.size()), views.size());
    try {
      for (int i = 0; i < views.size(); i++) {
        PixelBox box = views.get(i).box();
        input.write(views.get(i).image(), box, prepared.pixels(), i * input.floats());
        prepared.scales().put(2 * i, (float) ((double) size / box.height())); // y first
        prepared.scales().put(2 * i + 1, (float) ((double) size / box.width()));
      }
      return shared.apply(prepared);
    } finally {
      give(prepared);
    }
  }

  private Prepared take(int room, int n) {
    FloatBuffer scales = scaleBuffers.take(room * 2);
    for (int i = 0; i < room * 2; i++) {
      scales.put(i, 1); // what only fills up must not divide by zero
    }
    return new Prepared(pixelBuffers.take(room * input.floats()), scales, n);
  }

  private void give(Prepared prepared) {
    pixelBuffers.give(prepared.pixels());
    scaleBuffers.give(prepared.scales());
  }

  private List<List<List<Detection>>> run(List<Prepared> parts) {
    if (parts.size() == 1) {
      return List.of(run(parts.get(0)));
    }
    int n = parts.stream().mapToInt(Prepared::n).sum();
    Prepared all = take(runs.padded(n), n);
    try {
      int at = 0;
      for (Prepared part : parts) {
        int floats = part.n() * input.floats();
        all.pixels().put(at * input.floats(), part.pixels(), 0, floats);
        all.scales().put(2 * at, part.scales(), 0, 2 * part.n());
        at += part.n();
      }
      return split(run(all), parts);
    } finally {
      give(all);
    }
  }

  private static List<List<List<Detection>>> split(
      List<List<Detection>> found, List<Prepared> parts) {
    List<List<List<Detection>>> each = new ArrayList<>(parts.size());
    int at = 0;
    for (Prepared part : parts) {
      each.add(found.subList(at, at + part.n()));
      at += part.n();
    }
    return each;
  }

  private List<List<Detection>> run(Prepared prepared) {
    int room = prepared.scales().limit() / 2;
    Map<String, OnnxModel.Input> inputs = new HashMap<>();
    inputs.put(IMAGE, new OnnxModel.Input(prepared.pixels(), room, 3, size, size));
    if (model.hasInput("scale_factor")) {
      inputs.put("scale_factor", new OnnxModel.Input(prepared.scales(), room, 2));
    }
    Function<List<OnnxModel.Output>, List<List<Detection>>> read =
        outputs -> output.read(outputs, prepared.scales(), room);
    List<List<Detection>> found =
        output.isByImage() ? model.runByImage(inputs, read) : model.run(inputs, read);
    return found.subList(0, prepared.n());
  }

  private void warmUp() {
    runs.warmUp(
        n -> {
          Prepared nothing = take(n, n);
          try {
            clear(nothing.pixels());
            run(nothing);
          } finally {
            give(nothing);
          }
        });
  }

  private static void clear(FloatBuffer buffer) {
    for (int i = 0; i < buffer.limit(); i++) {
      buffer.put(i, 0);
    }
  }

  @Override
  public void close() {
    model.close();
    if (onOneThread != null) {
      onOneThread.close();
    }
  }
}
