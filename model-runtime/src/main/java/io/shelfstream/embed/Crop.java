package io.shelfstream.embed;

import io.shelfstream.image.Image;
import io.shelfstream.image.PixelBox;

/**
 * A part of an image to be embedded.
 *
 * @param box inside the image and not empty
 */
public record Crop(Image image, PixelBox box) {

  /** All of an image. */
  public static Crop whole(Image image) {
    return new Crop(image, image.box());
  }
}
