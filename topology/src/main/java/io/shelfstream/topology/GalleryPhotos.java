package io.shelfstream.topology;

import io.shelfstream.detect.ObjectBox;
import io.shelfstream.detect.Profile;
import io.shelfstream.embed.Crop;
import io.shelfstream.image.Image;
import io.shelfstream.image.ImageException;
import io.shelfstream.image.PixelBox;
import io.shelfstream.model.ModelException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Turns a photo of a product into the embedding that stands for it in the gallery. */
public record GalleryPhotos(Stages stages) {

  /**
   * An embedded photo.
   *
   * @param embedding unit length
   * @param warnings doubts about the photo, for the person who published it
   */
  public record Embedded(float[] embedding, List<String> warnings) {}

  /** Name and hash of the extractor, as events carry it. */
  public String extractorId() {
    return stages.models().extractor();
  }

  /**
   * Embeds one photo.
   *
   * @param crop the part that shows the product; null for all of it
   * @param detect without a crop, let the detector find the main body
   */
  public Embedded embed(byte[] encoded, @Nullable PixelBox crop, boolean detect)
      throws RejectedException {
    try (Image photo = stages.decoder().decode(encoded)) {
      Body body = body(photo, crop, detect);
      List<float[]> embedding = stages.extractor().extract(List.of(new Crop(photo, body.box())));
      return new Embedded(embedding.get(0), body.warnings());
    } catch (ImageException e) {
      throw RejectedException.of(e);
    } catch (ModelException e) {
      throw RejectedException.of(Stage.EXTRACT, e);
    }
  }

  private record Body(PixelBox box, List<String> warnings) {}

  private Body body(Image photo, @Nullable PixelBox crop, boolean detect) throws RejectedException {
    if (crop != null) {
      PixelBox inside = crop.clip(photo.width(), photo.height());
      if (inside.isEmpty()) {
        throw new RejectedException(
            Stage.DECODE,
            RejectedException.Reason.INVALID_RECORD,
            "crop %s lies outside the photo of %d x %d pixels"
                .formatted(crop, photo.width(), photo.height()));
      }
      return new Body(inside, List.of());
    }
    return detect
        ? mainBody(photo)
        : new Body(new PixelBox(0, 0, photo.width(), photo.height()), List.of());
  }

  private Body mainBody(Image photo) throws RejectedException {
    List<ObjectBox> bodies;
    try {
      bodies =
          Profile.SHELF.select(
              stages.detector().detect(List.of(photo)).get(0),
              stages.detectionThreshold(),
              photo.width(),
              photo.height());
    } catch (ModelException e) {
      throw RejectedException.of(Stage.DETECT, e);
    }
    PixelBox best =
        bodies.get(0).box(); // best score first; never empty: falls back to the whole image
    if (bodies.get(0).wholeImage()) {
      return new Body(
          best, List.of("The detector found no main body; the whole photo was embedded"));
    }
    return bodies.size() == 1
        ? new Body(best, List.of())
        : new Body(
            best,
            List.of(
                "The detector found %d bodies; the best one was embedded"
                    .formatted(bodies.size())));
  }
}
