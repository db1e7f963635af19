package io.shelfstream.evaluate;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A photo of a product with its embedding.
 *
 * @param id as lists name it
 * @param label the product that it shows
 * @param camera where it was taken; null where that is not known
 * @param file by its real path, so that one file has one name; null for a photo of an index, which
 *     has only its name
 * @param sha256 of the file, lower-case hex; null without a file
 * @param embedding unit length; shared, not to be changed
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record EmbeddedPhoto(
    String id,
    String label,
    @Nullable String camera,
    @Nullable Path file,
    @Nullable String sha256,
    float[] embedding) {

  /** Whether both are the same file. */
  boolean isSameFile(EmbeddedPhoto other) {
    return file != null && file.equals(other.file);
  }

  /** Whether both have a camera, and the same. */
  boolean isOfSameCamera(EmbeddedPhoto other) {
    return camera != null && camera.equals(other.camera);
  }
}
