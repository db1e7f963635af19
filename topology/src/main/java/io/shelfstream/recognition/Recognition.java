package io.shelfstream.recognition;

import io.shelfstream.detect.ObjectBox;
import io.shelfstream.gallery.GalleryState;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The result for one image, before it becomes an event.
 *
 * @param width of the image in pixels after EXIF rotation, as is height
 * @param objects in the order of the profile: best detection first, or best match first
 * @param gallery the gallery that was searched
 * @param models the models that were used
 * @param partial why the answer is not complete, such as a gallery version that was not reached;
 *     null when it is
 */
public record Recognition(
    int width,
    int height,
    List<SeenObject> objects,
    GalleryState gallery,
    ModelIds models,
    StageTimes times,
    @Nullable String partial) {

  public Recognition {
    objects = List.copyOf(objects);
  }

  /** A complete answer. */
  public Recognition(
      int width,
      int height,
      List<SeenObject> objects,
      GalleryState gallery,
      ModelIds models,
      StageTimes times) {
    this(width, height, objects, gallery, models, times, null);
  }

  /**
   * One object.
   *
   * @param box where it is; the box of profile pp-shitu may reach past the image
   * @param embedding unit length; shared, not to be changed
   */
  public record SeenObject(ObjectBox box, Match match, float[] embedding) {}
}
