package io.shelfstream.bench;

import io.shelfstream.detect.ObjectBox;
import io.shelfstream.detect.Profile;
import io.shelfstream.image.Image;
import io.shelfstream.image.ImageDecoder;
import io.shelfstream.image.ImageLimits;
import io.shelfstream.image.InputTensor;
import io.shelfstream.image.PixelBox;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.model.OnnxModel;
import io.shelfstream.model.RuntimeOptions;
import io.shelfstream.recognition.LoadedModels;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The models alone: bare runs over tensors that were prepared before, of the very frames and crops
 * that the pipeline runs them on.
 */
final class Floor implements AutoCloseable {
  private final ModelDirectory directory;
  private final int threads;
  private final OnnxModel[] all;
  private final OnnxModel[] one;
  private final List<Prepared> frames = new ArrayList<>();

  /** Inputs of one frame; crops of it in one batch, as the pipeline has them. */
  private record Prepared(FloatBuffer image, FloatBuffer scale, FloatBuffer crops, int n) {}

  Floor(LoadedModels models, Profile profile, List<Path> photos, int threads) throws Exception {
    this.directory = models.directory();
    this.threads = threads;
    this.all = open(threads);
    this.one = open(1);
    for (Path photo : photos) {
      frames.add(prepare(models, profile, Files.readAllBytes(photo)));
    }
  }

  private OnnxModel[] open(int threadsOfEach) {
    RuntimeOptions options = RuntimeOptions.cpu(threadsOfEach);
    return new OnnxModel[] {
      OnnxModel.open(directory.detectorFile(), options),
      OnnxModel.open(directory.extractorFile(), options)
    };
  }

  private Prepared prepare(LoadedModels models, Profile profile, byte[] encoded) throws Exception {
    int side = directory.detectorInputSize();
    InputTensor whole =
        InputTensor.ofDetector(
            side,
            directory.detectorInterpolation().openCvCode(),
            directory.rgb(),
            directory.mean(),
            directory.std());
    InputTensor part =
        InputTensor.ofExtractor(
            directory.extractorInputSize(),
            directory.extractorInterpolation().openCvCode(),
            directory.rgb(),
            directory.mean(),
            directory.std());
    try (Image image = new ImageDecoder(ImageLimits.DEFAULT).decode(encoded)) {
      List<ObjectBox> boxes =
          profile.select(
              models.detector().detect(List.of(image)).get(0),
              directory.detectorScoreThreshold(),
              image.width(),
              image.height());
      FloatBuffer detectorInput = buffer(whole.floats());
      whole.write(image, new PixelBox(0, 0, image.width(), image.height()), detectorInput, 0);
      FloatBuffer crops = buffer(boxes.size() * part.floats());
      for (int i = 0; i < boxes.size(); i++) {
        PixelBox box = boxes.get(i).box().clip(image.width(), image.height());
        part.write(image, box, crops, i * part.floats());
      }
      FloatBuffer scale = buffer(2);
      scale.put(0, (float) side / image.height()).put(1, (float) side / image.width());
      return new Prepared(detectorInput, scale, crops, boxes.size());
    }
  }

  private static FloatBuffer buffer(int floats) {
    return ByteBuffer.allocateDirect(4 * floats).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  /** Mean crops of a frame. */
  double crops() {
    return frames.stream().mapToInt(Prepared::n).average().orElse(0);
  }

  private void run(OnnxModel[] pair, Prepared frame) {
    int side = directory.detectorInputSize();
    Map<String, OnnxModel.Input> inputs = new HashMap<>();
    inputs.put("image", new OnnxModel.Input(frame.image().duplicate(), 1, 3, side, side));
    if (pair[0].hasInput("scale_factor")) {
      inputs.put("scale_factor", new OnnxModel.Input(frame.scale().duplicate(), 1, 2));
    }
    pair[0].run(inputs, outputs -> outputs.size());
    int crop = directory.extractorInputSize();
    pair[1].run(
        Map.of("x", new OnnxModel.Input(frame.crops().duplicate(), frame.n(), 3, crop, crop)),
        outputs -> outputs.size());
  }

  /** Frames a second: one session with all threads, frame after frame. */
  double oneAfterTheOther(int count) {
    long start = System.nanoTime();
    for (int i = 0; i < count; i++) {
      run(all, frames.get(i % frames.size()));
    }
    return count / ((System.nanoTime() - start) / 1e9);
  }

  /**
   * Frames a second, while all are busy: as many workers as threads, each with one thread.
   *
   * @param count at least {@link Steady#frames} of 1
   */
  double sideBySide(int count) throws Exception {
    ExecutorService workers = Executors.newFixedThreadPool(threads);
    try {
      AtomicInteger next = new AtomicInteger();
      List<Double> done = Collections.synchronizedList(new ArrayList<>());
      List<Future<?>> work = new ArrayList<>();
      for (int worker = 0; worker < threads; worker++) {
        work.add(
            workers.submit(
                () -> {
                  for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                    run(one, frames.get(i % frames.size()));
                    done.add(System.nanoTime() / 1e6);
                  }
                }));
      }
      for (Future<?> worker : work) {
        worker.get();
      }
      return Steady.perSecond(done, threads);
    } finally {
      workers.shutdown();
    }
  }

  @Override
  public void close() {
    for (int i = 0; i < 2; i++) {
      all[i].close();
      one[i].close();
    }
  }
}
