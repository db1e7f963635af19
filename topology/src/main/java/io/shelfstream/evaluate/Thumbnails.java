package io.shelfstream.evaluate;

import io.shelfstream.image.Image;
import io.shelfstream.image.ImageDecoder;
import io.shelfstream.image.ImageException;
import io.shelfstream.image.Pictures;
import io.shelfstream.image.PixelBox;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Small pictures of photos that stand in a page itself, as {@code data:} URIs. */
final class Thumbnails {
  private static final int SIDE = 200;
  private static final int QUALITY = 80;

  private final ImageDecoder decoder;

  Thumbnails(ImageDecoder decoder) {
    this.decoder = decoder;
  }

  /**
   * A small JPEG.
   *
   * @param box the part that is shown; null for all of the photo
   * @return empty when the photo cannot be read
   */
  Optional<String> uri(Path file, @Nullable PixelBox box) {
    try (Image image = decoder.decode(Files.readAllBytes(file))) {
      PixelBox whole = new PixelBox(0, 0, image.width(), image.height());
      byte[] jpeg = Pictures.jpeg(image, box == null ? whole : box, SIDE, QUALITY);
      return Optional.of("data:image/jpeg;base64," + Base64.getEncoder().encodeToString(jpeg));
    } catch (IOException | ImageException e) {
      return Optional.empty();
    }
  }
}
