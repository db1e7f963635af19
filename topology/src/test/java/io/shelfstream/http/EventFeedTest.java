package io.shelfstream.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.events.BoundingBox;
import io.shelfstream.events.EventKind;
import io.shelfstream.events.MatchStatus;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognitionStatus;
import io.shelfstream.events.RecognizedObject;
import io.shelfstream.events.Timings;
import io.shelfstream.events.Versions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is kept for callers who come back. */
class EventFeedTest {
  private static final RecognizedObject OBJECT =
      RecognizedObject.newBuilder()
          .setBbox(new BoundingBox(0, 0, 10, 10))
          .setDetectionScore(1f)
          .setStatus(MatchStatus.UNKNOWN)
          .setWholeImage(false)
          .setCandidates(List.of())
          .build();

  private final EventFeed feed = new EventFeed(events -> () -> {});

  private void publish(int from, int to, int objects) {
    for (int i = from; i < to; i++) {
      feed.publish(
          RecognitionEvent.newBuilder()
              .setEventId("event-" + i)
              .setKind(EventKind.LIVE)
              .setStatus(RecognitionStatus.OK)
              .setCameraId("camera")
              .setFrameId("frame-" + i)
              .setUri("file:///frame")
              .setImageWidth(100)
              .setImageHeight(100)
              .setCapturedAt(Instant.EPOCH)
              .setProcessedAt(Instant.EPOCH)
              .setObjects(Collections.nCopies(objects, OBJECT))
              .setVersions(new Versions("d", "e", 1L, 1, "Flat", "cpu", Map.of(), "shelf"))
              .setTimings(new Timings(0f, 0f, 0f, 0f, 0f, 0f, 0f))
              .build());
    }
  }

  private List<String> kept() {
    List<String> ids = new ArrayList<>();
    feed.newest(event -> ids.add(event.getEventId()));
    return ids;
  }

  @Test
  void theNewestAreKept() {
    publish(0, EventFeed.KEPT + 5, 1);

    assertThat(kept())
        .hasSize(EventFeed.KEPT)
        .startsWith("event-5")
        .endsWith("event-" + (EventFeed.KEPT + 4));
  }

  @Test
  void fewerAreKeptWhereTheyHaveManyObjects() {
    publish(0, 200, 300);

    assertThat(kept()).hasSize(EventFeed.KEPT_OBJECTS / 300).endsWith("event-199");

    publish(200, 201, EventFeed.KEPT_OBJECTS + 1);

    assertThat(kept()).containsExactly("event-200");

    publish(201, 210, 0);

    assertThat(kept()).hasSize(9).doesNotContain("event-200");
  }
}
