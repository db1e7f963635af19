package io.shelfstream.recognition;

import io.shelfstream.embed.Crop;
import io.shelfstream.embed.FeatureExtractor;
import java.util.List;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;

/**
 * Embeds a crop as its mean colour (blue, green, red) of unit length: a feature extractor that
 * anybody can check by eye, so that topology tests need no model.
 */
public final class ColourExtractor implements FeatureExtractor {
  @Override
  public int dimension() {
    return 3;
  }

  @Override
  public List<float[]> extract(List<Crop> crops) {
    return crops.stream().map(ColourExtractor::meanColour).toList();
  }

  private static float[] meanColour(Crop crop) {
    var box = crop.box();
    try (Rect rect = new Rect(box.x1(), box.y1(), box.width(), box.height());
        Mat part = new Mat(crop.image().bgr(), rect);
        Scalar mean = opencv_core.mean(part)) {
      double length =
          Math.sqrt(
              mean.get(0) * mean.get(0) + mean.get(1) * mean.get(1) + mean.get(2) * mean.get(2));
      return new float[] {
        (float) (mean.get(0) / length),
        (float) (mean.get(1) / length),
        (float) (mean.get(2) / length)
      };
    }
  }

  @Override
  public void close() {}
}
