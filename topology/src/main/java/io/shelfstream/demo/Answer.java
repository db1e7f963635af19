package io.shelfstream.demo;

import io.shelfstream.events.RecognitionEvent;
import org.jspecify.annotations.Nullable;

/** What came back for a frame: an event, or the reason it was rejected. */
public record Answer(String frameId, @Nullable RecognitionEvent event, @Nullable String rejection) {

  /** The folder of the frame, with a slash behind it; of a frame outside of any a dot. */
  String folder() {
    int end = frameId.lastIndexOf('/');
    return end < 0 ? "." : frameId.substring(0, end + 1);
  }

  /** Name of the annotated image in the output folder, unique for each frame. */
  String annotatedName() {
    return frameId + ".annotated.jpg";
  }
}
