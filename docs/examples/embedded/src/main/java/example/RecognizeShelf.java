package example;

import io.shelfstream.detect.ObjectBox;
import io.shelfstream.detect.OnnxDetector;
import io.shelfstream.detect.Profile;
import io.shelfstream.embed.Crop;
import io.shelfstream.embed.OnnxFeatureExtractor;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.GalleryHit;
import io.shelfstream.gallery.GalleryVectors;
import io.shelfstream.image.Image;
import io.shelfstream.image.ImageDecoder;
import io.shelfstream.image.ImageLimits;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.model.RuntimeOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Image in, boxes and products out, in one's own program. Arguments: a model directory, a folder
 * with a folder of photos for each product, and an image.
 */
public final class RecognizeShelf {
  private RecognizeShelf() {}

  public static void main(String[] args) throws Exception {
    ModelDirectory models = ModelDirectory.read(Path.of(args[0]));
    RuntimeOptions allProcessors = RuntimeOptions.cpu(0);
    ImageDecoder decoder = new ImageDecoder(ImageLimits.DEFAULT);
    try (var detector = OnnxDetector.load(models, allProcessors);
        var extractor = OnnxFeatureExtractor.load(models, allProcessors);
        var gallery = new Gallery("auto", models.extractorDimension(), models.extractorId());
        Stream<Path> photos = Files.walk(Path.of(args[1]))) {

      for (Path photo : photos.filter(Files::isRegularFile).sorted().toList()) {
        try (Image image = decoder.decode(Files.readAllBytes(photo))) {
          float[] embedding = extractor.extract(List.of(Crop.whole(image))).get(0);
          String product = photo.getParent().getFileName().toString();
          gallery.apply(
              GalleryVectors.of(photo.toString(), product, embedding, models.extractorId()));
        }
      }

      try (Image shelf = decoder.decode(Files.readAllBytes(Path.of(args[2])))) {
        List<ObjectBox> objects =
            Profile.SHELF.select(
                detector.in(models.detectorTiles()).detect(List.of(shelf)).get(0),
                models.detectorScoreThreshold(),
                shelf.width(),
                shelf.height());
        List<Crop> crops = objects.stream().map(o -> new Crop(shelf, o.box())).toList();
        List<List<GalleryHit>> nearest = gallery.search(extractor.extract(crops), 1).hits();
        for (int i = 0; i < objects.size(); i++) {
          GalleryHit best = nearest.get(i).get(0);
          boolean known = best.score() >= models.matchThreshold();
          System.out.printf(
              "%s  %.3f  %s%n",
              objects.get(i).box(), best.score(), known ? best.entry().label() : "unknown");
        }
      }
    }
  }
}
