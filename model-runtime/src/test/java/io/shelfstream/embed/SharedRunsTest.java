package io.shelfstream.embed;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.Golden;
import io.shelfstream.detect.Detection;
import io.shelfstream.detect.OnnxDetector;
import io.shelfstream.image.Image;
import io.shelfstream.image.PixelBox;
import io.shelfstream.image.Tiles;
import io.shelfstream.model.Features;
import io.shelfstream.model.Interpolation;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.model.Provider;
import io.shelfstream.model.RuntimeOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Frames of several threads in common runs: everybody gets what he would get alone. */
class SharedRunsTest {
  private static final Path MODELS = Path.of("src/test/resources/models");
  private static final ModelDirectory DIRECTORY =
      new ModelDirectory(
          MODELS.resolve("peaks.onnx"),
          "peaks@0",
          64,
          Interpolation.CUBIC,
          0.2f,
          Tiles.NONE,
          MODELS.resolve("mean-colour.onnx"),
          "mean-colour@0",
          224,
          Interpolation.LINEAR,
          3,
          true,
          List.of(0.485, 0.456, 0.406),
          List.of(0.229, 0.224, 0.225),
          0.5f,
          0f,
          Features.UNIT);

  private static RuntimeOptions batches(int most, int threads) {
    return new RuntimeOptions(
        Provider.CPU, threads, most, Duration.ofMillis(20), RuntimeOptions.Gpu.FIRST);
  }

  private static List<Image> images() throws Exception {
    List<Image> images = new ArrayList<>();
    for (com.fasterxml.jackson.databind.JsonNode golden : Golden.json("images.json")) {
      images.add(Golden.image(Golden.bytes("golden/images/" + golden.get("file").asText())));
    }
    return images;
  }

  @Test
  void cropsOfSeveralThreadsShareRuns() throws Exception {
    List<Image> images = images();
    ExecutorService callers = Executors.newFixedThreadPool(8);
    try (OnnxFeatureExtractor alone = OnnxFeatureExtractor.load(DIRECTORY, RuntimeOptions.cpu(1));
        OnnxFeatureExtractor shared = OnnxFeatureExtractor.load(DIRECTORY, batches(8, 1))) {
      List<Future<List<float[]>>> answers = new ArrayList<>();
      for (int round = 0; round < 5; round++) {
        for (Image image : images) {
          answers.add(callers.submit(() -> shared.extract(crops(image))));
        }
      }

      for (int i = 0; i < answers.size(); i++) {
        List<float[]> expected = alone.extract(crops(images.get(i % images.size())));
        List<float[]> actual = answers.get(i).get();
        assertThat(actual).hasSameSizeAs(expected);
        for (int j = 0; j < expected.size(); j++) {
          assertThat(actual.get(j)).containsExactly(expected.get(j));
        }
      }
    } finally {
      callers.shutdownNow();
      images.forEach(Image::close);
    }
  }

  private static List<Crop> crops(Image image) {
    PixelBox whole = new PixelBox(0, 0, image.width(), image.height());
    PixelBox half = new PixelBox(0, 0, Math.max(1, image.width() / 2), image.height());
    return List.of(new Crop(image, whole), new Crop(image, half));
  }

  @Test
  void imagesOfSeveralThreadsShareRuns() throws Exception {
    List<Image> images = images();
    ExecutorService callers = Executors.newFixedThreadPool(8);
    try (OnnxDetector alone = OnnxDetector.load(DIRECTORY, RuntimeOptions.cpu(1));
        OnnxDetector shared = OnnxDetector.load(DIRECTORY, batches(4, 2))) {
      List<Future<List<List<Detection>>>> answers = new ArrayList<>();
      for (Image image : images) {
        answers.add(callers.submit(() -> shared.detect(List.of(image))));
      }

      for (int i = 0; i < images.size(); i++) {
        assertThat(answers.get(i).get()).isEqualTo(alone.detect(List.of(images.get(i))));
      }
      assertThat(shared.onOneThread()).isNotSameAs(shared);
      assertThat(shared.onOneThread().detect(List.of(images.get(0))))
          .isEqualTo(alone.detect(List.of(images.get(0))));
      assertThat(alone.onOneThread()).isSameAs(alone);
    } finally {
      callers.shutdownNow();
      images.forEach(Image::close);
    }
  }
}
