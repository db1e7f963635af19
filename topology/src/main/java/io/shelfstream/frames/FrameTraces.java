package io.shelfstream.frames;

import io.shelfstream.config.TopicNames;
import io.shelfstream.messages.SourcePosition;
import io.shelfstream.tracing.Traces;
import io.shelfstream.tracing.WorkSpan;

/** Spans of frames, and the topics that they name. */
public record FrameTraces(Traces traces, TopicNames topics) {

  /** For applications that nobody traces. */
  public static FrameTraces off(TopicNames topics) {
    return new FrameTraces(Traces.OFF, topics);
  }

  WorkSpan begin(PendingFrame frame, SourcePosition source) {
    return traces.process(source, frame.record().headers(), frame.camera());
  }
}
