package io.shelfstream.demo;

import io.shelfstream.events.RecognitionEvent;
import org.jspecify.annotations.Nullable;

/** What came back for a frame: an event, or the reason it was rejected. */
public record Answer(String frameId, @Nullable RecognitionEvent event, @Nullable String rejection) {

  /** Name of the annotated image in the output folder. */
  String annotatedName() {
    int dot = frameId.lastIndexOf('.');
    return (dot < 0 ? frameId : frameId.substring(0, dot)) + ".annotated.jpg";
  }
}
