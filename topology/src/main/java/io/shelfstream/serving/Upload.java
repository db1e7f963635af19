package io.shelfstream.serving;

import io.shelfstream.events.BoundingBox;
import io.shelfstream.http.RefusedException;
import io.shelfstream.http.RefusedException.Kind;
import io.shelfstream.image.Image;
import io.shelfstream.image.ImageDecoder;
import io.shelfstream.image.ImageException;
import io.shelfstream.image.Pictures;
import io.shelfstream.image.PixelBox;
import io.shelfstream.recognition.Boxes;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * A photo that was uploaded, as a reference that holds it.
 *
 * @param uri {@code data:} with the bytes of the photo, or of a smaller copy
 * @param crop within that copy; null for all of it
 */
record Upload(String uri, @Nullable BoundingBox crop) {
  /**
   * Largest photo that is sent as it is, in bytes: as base64, with what is around it, it fits into
   * a record of 1 MiB, Kafka's default. Larger ones are scaled down: extractors look at 224 x 224
   * pixels.
   */
  static final int LARGEST = 700_000;

  private static final int[] SIDES = {1600, 1024, 640};
  private static final int QUALITY = 92;

  static Upload of(byte[] encoded, @Nullable BoundingBox crop, ImageDecoder decoder) {
    if (encoded.length <= LARGEST) {
      return new Upload(uri(encoded), crop);
    }
    try (Image image = decoder.decode(encoded)) {
      PixelBox part = crop == null ? image.box() : Boxes.toPixels(crop);
      byte[] small = encoded;
      for (int i = 0; small.length > LARGEST && i < SIDES.length; i++) {
        small = Pictures.jpeg(image, part, SIDES[i], QUALITY);
      }
      return new Upload(uri(small), null);
    } catch (ImageException e) {
      throw new RefusedException(Kind.UNUSABLE, e.reason().name(), String.valueOf(e.getMessage()));
    } catch (IllegalArgumentException e) {
      throw new RefusedException(
          Kind.BAD_REQUEST, "BAD_REQUEST", "crop: " + String.valueOf(e.getMessage()));
    }
  }

  /** The bytes decide what it is; the media type is only for people. */
  private static String uri(byte[] encoded) {
    return "data:application/octet-stream;base64," + Base64.getEncoder().encodeToString(encoded);
  }
}
