package io.shelfstream.recognition;

import io.shelfstream.events.MatchStatus;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognizedObject;
import io.shelfstream.image.Annotator;
import io.shelfstream.image.Image;
import io.shelfstream.image.ImageDecoder;
import io.shelfstream.image.ImageException;
import io.shelfstream.image.ImageLimits;
import java.util.Locale;

/** Draws an event onto its image: green for a match, amber for ambiguous, red for unknown. */
public final class Annotations {
  private Annotations() {}

  /** The image with its boxes, as JPEG. */
  public static byte[] draw(byte[] encoded, RecognitionEvent event) {
    return draw(encoded, event, ImageLimits.DEFAULT);
  }

  /**
   * The same for an image that was recognised under other limits.
   *
   * @throws IllegalStateException when it cannot be decoded under these
   */
  public static byte[] draw(byte[] encoded, RecognitionEvent event, ImageLimits limits) {
    try (Image image = new ImageDecoder(limits).decode(encoded)) {
      return Annotator.annotate(
          image, event.getObjects().stream().map(Annotations::annotation).toList());
    } catch (ImageException e) {
      throw new IllegalStateException("An image that was recognised cannot be decoded again", e);
    }
  }

  private static Annotator.Annotation annotation(RecognizedObject object) {
    return new Annotator.Annotation(
        Boxes.toPixels(object.getBbox()), caption(object), colour(object.getStatus()));
  }

  /** Label and score; a question mark stands for what is unknown. */
  public static String caption(RecognizedObject object) {
    String label = object.getLabel() == null ? "?" : object.getLabel();
    return object.getScore() == null
        ? label
        : String.format(Locale.ROOT, "%s %.2f", label, object.getScore());
  }

  private static int colour(MatchStatus status) {
    return switch (status) {
      case MATCH -> 0x1A9850;
      case AMBIGUOUS -> 0xE69F00;
      case UNKNOWN -> 0xD73027;
    };
  }
}
