package io.shelfstream.model;

import io.shelfstream.image.Image;
import io.shelfstream.image.InputTensor;
import io.shelfstream.image.OpenCv;
import io.shelfstream.image.PixelBox;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A model that looks at parts of images, many in one run: what detector and extractor have in
 * common. Views become input tensors in buffers that are used again; several threads' runs may go
 * together; a run has all threads of the budget or one. Safe for several threads.
 *
 * @param <T> what it gives for each view
 */
public final class ImageModel<T> implements AutoCloseable {
  private static final String SCALES = "scale_factor";

  private final OnnxModel model;
  private final Contract<T> contract;
  private final Runs runs;
  private final Function<Batch, List<T>> shared;
  private final TensorBuffers pixelBuffers = new TensorBuffers();
  private final TensorBuffers scaleBuffers = new TensorBuffers();
  private final @Nullable ImageModel<T> onOneThread;
  private volatile IntConsumer observer = views -> {};

  /** A part of an image, not empty. */
  public record View(Image image, PixelBox box) {}

  /**
   * Inputs of n views, from the beginning of both buffers.
   *
   * @param pixels of the views and of what fills the run up to the size that it has
   * @param scales height and width of the input over those of each view; 1 for what only fills up,
   *     which must not divide by zero
   */
  public record Batch(FloatBuffer pixels, FloatBuffer scales, int n) {

    /** Views with those that only fill up. */
    public int room() {
      return scales.limit() / 2;
    }
  }

  /**
   * What is asked of a model file, and how its outputs are read.
   *
   * @param input name of the input with the pixels, [N, 3, size, size]
   * @param size side of the input in pixels
   * @param tensor writes a view into the input
   * @param largestBatch views of one run where only memory bounds it
   * @param reader made once for each session of the model
   */
  public record Contract<T>(
      String input,
      int size,
      InputTensor tensor,
      int largestBatch,
      Function<OnnxModel, Reader<T>> reader) {}

  /** Reads outputs of one kind of model. */
  public interface Reader<T> {

    /** What the model gives for each view of a batch; usable by several threads. */
    List<T> read(List<OnnxModel.Output> outputs, Batch batch);

    /** Looks at the outputs of an empty picture, of which nothing is expected but their shape. */
    default void warmUp(List<OnnxModel.Output> outputs, Batch batch) {
      read(outputs, batch);
    }

    /** Whether the first dimension of each output is the view. */
    default boolean isByImage() {
      return true;
    }
  }

  private final Reader<T> reader;

  private ImageModel(
      OnnxModel model,
      Contract<T> contract,
      Reader<T> reader,
      RuntimeOptions options,
      @Nullable ImageModel<T> onOneThread) {
    this.model = model;
    this.contract = contract;
    this.reader = reader;
    this.runs = new Runs(model, contract.input(), options, contract.largestBatch());
    this.shared = runs.shared(Batch::n, this::run);
    this.onOneThread = onOneThread;
  }

  /**
   * Opens a model file, ready for its first image.
   *
   * @throws ModelException when its inputs or outputs are not as the contract says, or it cannot
   *     run
   */
  public static <T> ImageModel<T> open(Path file, Contract<T> contract, RuntimeOptions options) {
    OpenCv.load();
    ImageModel<T> all = session(file, contract, options);
    if (all.model.isOnGpu() || options.threadBudget() == 1) {
      return all;
    }
    try {
      ImageModel<T> one = session(file, contract, options.onOneThread());
      return new ImageModel<>(all.model, contract, all.reader, options, one);
    } catch (ModelException e) {
      all.close();
      throw e;
    }
  }

  private static <T> ImageModel<T> session(
      Path file, Contract<T> contract, RuntimeOptions options) {
    OnnxModel model = OnnxModel.open(file, options);
    try {
      model.requireInput(contract.input(), -1, 3, contract.size(), contract.size());
      ImageModel<T> opened =
          new ImageModel<>(model, contract, contract.reader().apply(model), options, null);
      opened.warmUp();
      return opened;
    } catch (ModelException e) {
      model.close();
      throw e;
    }
  }

  /** cpu, cuda or tensorrt. */
  public String provider() {
    return model.provider();
  }

  /** The same model, whose runs keep to the calling thread. Closing either closes both. */
  public ImageModel<T> onOneThread() {
    return onOneThread == null ? this : onOneThread;
  }

  /**
   * Tells of each run, failed ones included.
   *
   * @param views is given how many views are in it, without those that only fill up; called by the
   *     threads that run, so it must be quick
   */
  public void onRun(IntConsumer views) {
    observer = views;
    if (onOneThread != null) {
      onOneThread.onRun(views);
    }
  }

  /** What the model gives for each view, in their order. */
  public List<T> look(List<View> views) {
    List<T> found = new ArrayList<>(views.size());
    for (int from = 0; from < views.size(); from += runs.most()) {
      found.addAll(together(views.subList(from, Math.min(views.size(), from + runs.most()))));
    }
    return found;
  }

  private List<T> together(List<View> views) {
    Batch batch = take(views.size());
    try {
      for (int i = 0; i < views.size(); i++) {
        PixelBox box = views.get(i).box();
        InputTensor tensor = contract.tensor();
        tensor.write(views.get(i).image(), box, batch.pixels(), i * tensor.floats());
        batch.scales().put(2 * i, scale(box.height()));
        batch.scales().put(2 * i + 1, scale(box.width()));
      }
      return shared.apply(batch);
    } finally {
      give(batch);
    }
  }

  private float scale(int pixels) {
    return (float) ((double) contract.size() / pixels);
  }

  private Batch take(int n) {
    int room = runs.padded(n);
    FloatBuffer scales = scaleBuffers.take(room * 2);
    for (int i = 0; i < room * 2; i++) {
      scales.put(i, 1);
    }
    return new Batch(pixelBuffers.take(room * contract.tensor().floats()), scales, n);
  }

  private void give(Batch batch) {
    pixelBuffers.give(batch.pixels());
    scaleBuffers.give(batch.scales());
  }

  /** One run for all of them. */
  private List<List<T>> run(List<Batch> parts) {
    if (parts.size() == 1) {
      return List.of(run(parts.get(0)));
    }
    Batch all = take(parts.stream().mapToInt(Batch::n).sum());
    try {
      int floats = contract.tensor().floats();
      int at = 0;
      for (Batch part : parts) {
        all.pixels().put(at * floats, part.pixels(), 0, part.n() * floats);
        all.scales().put(2 * at, part.scales(), 0, 2 * part.n());
        at += part.n();
      }
      return split(run(all), parts);
    } finally {
      give(all);
    }
  }

  private static <T> List<List<T>> split(List<T> found, List<Batch> parts) {
    List<List<T>> each = new ArrayList<>(parts.size());
    int at = 0;
    for (Batch part : parts) {
      each.add(found.subList(at, at + part.n()));
      at += part.n();
    }
    return each;
  }

  private List<T> run(Batch batch) {
    observer.accept(batch.n());
    return run(batch, outputs -> reader.read(outputs, batch));
  }

  private <R> R run(Batch batch, Function<List<OnnxModel.Output>, R> read) {
    Map<String, OnnxModel.Input> inputs = new HashMap<>();
    int size = contract.size();
    inputs.put(contract.input(), new OnnxModel.Input(batch.pixels(), batch.room(), 3, size, size));
    if (model.hasInput(SCALES)) {
      inputs.put(SCALES, new OnnxModel.Input(batch.scales(), batch.room(), 2));
    }
    return reader.isByImage() ? model.runByImage(inputs, read) : model.run(inputs, read);
  }

  private void warmUp() {
    runs.warmUp(
        n -> {
          Batch nothing = take(n);
          try {
            for (int i = 0; i < nothing.pixels().limit(); i++) {
              nothing.pixels().put(i, 0);
            }
            run(
                nothing,
                outputs -> {
                  reader.warmUp(outputs, nothing);
                  return n;
                });
          } finally {
            give(nothing);
          }
        });
  }

  @Override
  public void close() {
    model.close();
    if (onOneThread != null) {
      onOneThread.close();
    }
  }
}
