package io.shelfstream.embedding;

import io.shelfstream.detect.ObjectBox;
import io.shelfstream.detect.Profile;
import io.shelfstream.embed.Crop;
import io.shelfstream.image.Image;
import io.shelfstream.image.ImageException;
import io.shelfstream.image.PixelBox;
import io.shelfstream.image.Sharpness;
import io.shelfstream.model.ModelException;
import io.shelfstream.recognition.RecognitionModels;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.recognition.Stage;
import io.shelfstream.recognition.StageTimes;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Turns a photo of a product into the embedding that stands for it in the gallery. */
public record PhotoEmbedder(RecognitionModels models) {

  /**
   * An embedded photo.
   *
   * @param embedding unit length
   * @param box the part that was embedded
   * @param bodies number of products that the detector found; empty when it was not used
   * @param sharpness of that part
   */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  public record Embedded(float[] embedding, PixelBox box, OptionalInt bodies, double sharpness) {}

  /** Name and hash of the extractor, as events carry it. */
  public String extractorId() {
    return models.ids().extractor();
  }

  /**
   * Embeds one photo.
   *
   * @param crop the part that shows the product; null for all of it
   * @param detect without a crop, let the detector find the main body
   */
  public Embedded embed(byte[] encoded, @Nullable PixelBox crop, boolean detect)
      throws RejectedException {
    return embed(encoded, crop, detect, new StageTimes());
  }

  /**
   * The same with the times of the stages.
   *
   * @param times to be filled in; those of a stage that fails are missing
   */
  Embedded embed(byte[] encoded, @Nullable PixelBox crop, boolean detect, StageTimes times)
      throws RejectedException {
    try (Image photo = models.decoder().decode(encoded)) {
      times.lap(Stage.DECODE);
      Body body = body(photo, crop, detect);
      if (body.count().isPresent()) {
        times.lap(Stage.DETECT);
      }
      List<float[]> embedding = models.extractor().extract(List.of(new Crop(photo, body.box())));
      times.lap(Stage.EXTRACT);
      return new Embedded(
          embedding.get(0), body.box(), body.count(), Sharpness.of(photo, body.box()));
    } catch (ImageException e) {
      throw RejectedException.of(e);
    } catch (ModelException e) {
      throw RejectedException.of(Stage.EXTRACT, e);
    }
  }

  private record Body(PixelBox box, OptionalInt count) {}

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
      return new Body(inside, OptionalInt.empty());
    }
    return detect ? mainBody(photo) : new Body(photo.box(), OptionalInt.empty());
  }

  private Body mainBody(Image photo) throws RejectedException {
    List<ObjectBox> bodies;
    try {
      bodies =
          Profile.SHELF.select(
              models.detector().detect(List.of(photo)).get(0),
              models.detectionThreshold(),
              photo.width(),
              photo.height());
    } catch (ModelException e) {
      throw RejectedException.of(Stage.DETECT, e);
    }
    // Best score first; never empty: falls back to the whole image.
    ObjectBox best = bodies.get(0);
    return new Body(best.box(), OptionalInt.of(best.wholeImage() ? 0 : bodies.size()));
  }
}
