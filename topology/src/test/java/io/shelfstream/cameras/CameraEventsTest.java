package io.shelfstream.cameras;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.shelfstream.events.BoundingBox;
import io.shelfstream.events.EventKind;
import io.shelfstream.events.MatchStatus;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognitionStatus;
import io.shelfstream.events.RecognizedObject;
import io.shelfstream.events.Timings;
import io.shelfstream.events.Versions;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class CameraEventsTest {
  private static final Instant BEGIN = Instant.parse("2026-11-24T08:00:00Z");

  private final CameraEvents events = new CameraEvents();

  private static RecognitionEvent event(String camera, int ms, RecognizedObject... objects) {
    return builder(camera, ms, objects).build();
  }

  private static RecognitionEvent.Builder builder(
      String camera, int ms, RecognizedObject... objects) {
    Instant at = BEGIN.plusMillis(ms);
    return RecognitionEvent.newBuilder()
        .setEventId(camera + "@" + ms)
        .setKind(EventKind.LIVE)
        .setStatus(RecognitionStatus.OK)
        .setCameraId(camera)
        .setFrameId("frame-" + ms)
        .setUri("file:///frame")
        .setImageWidth(100)
        .setImageHeight(100)
        .setCapturedAt(at)
        .setProcessedAt(at)
        .setObjects(List.of(objects))
        .setVersions(
            Versions.newBuilder()
                .setDetector("d")
                .setExtractor("e")
                .setGalleryVersion(1)
                .setGallerySize(1)
                .setIndexType("Flat")
                .setProvider("cpu")
                .setGalleryVersions(Map.of())
                .setProfile("shelf")
                .build())
        .setTimings(new Timings(0f, 0f, 0f, 0f, 0f, 0f, ms % 1000 == 0 ? 40f : 60f));
  }

  private static RecognizedObject object(MatchStatus status, int x) {
    return RecognizedObject.newBuilder()
        .setBbox(new BoundingBox(x, 0, x + 20, 20))
        .setDetectionScore(0.5f)
        .setStatus(status)
        .setWholeImage(false)
        .setCandidates(List.of())
        .build();
  }

  @Test
  void keepsTheNewestOfEachCameraInTheOrderOfTheirTimes() {
    for (int ms : new int[] {3000, 1000, 2000, 2000}) {
      events.add(event("a", ms));
    }
    assertThat(events.of("a"))
        .extracting(RecognitionEvent::getFrameId)
        .containsExactly("frame-3000", "frame-2000", "frame-1000");
    for (int i = 0; i < 50; i++) {
      events.add(event("b", i * 500));
    }
    assertThat(events.of("b")).hasSize(CameraEvents.OF_A_CAMERA);
    assertThat(events.event("b@0")).isEmpty();
    assertThat(events.event("b@24500")).isPresent();
    assertThat(events.newest())
        .extracting(RecognitionEvent::getFrameId)
        .containsExactly("frame-3000", "frame-24500");
  }

  @Test
  void leavesOutFramesThatWereSkipped() {
    events.add(builder("a", 1000).setSkippedReason("OVERLOAD").build());
    assertThat(events.newest()).isEmpty();
  }

  @Test
  void measuresRateLatencyAndTheShareOfUnknownObjects() {
    for (int i = 0; i < 11; i++) {
      events.add(
          event("a", i * 500, object(MatchStatus.MATCH, 0), object(MatchStatus.UNKNOWN, 50)));
    }
    CameraEvents.Camera now = events.cameras(BEGIN.plusMillis(5100)).get(0);
    assertThat(now.framesPerSecond()).isCloseTo(2, within(0.01));
    assertThat(now.latencyMillis()).isEqualTo(40);
    assertThat(now.unknownShare()).isEqualTo(0.5);
    // Silent for as long again: no longer two frames a second.
    CameraEvents.Camera later = events.cameras(BEGIN.plus(Duration.ofSeconds(20))).get(0);
    assertThat(later.framesPerSecond()).isCloseTo(0.5, within(0.01));
  }

  @Test
  void isBoundedHoweverManyCamerasAndObjectsThereAre() {
    for (int i = 0; i < CameraEvents.CAMERAS + 20; i++) {
      events.add(event("camera-%04d".formatted(i), i));
    }
    assertThat(events.newest()).hasSize(CameraEvents.CAMERAS);
    assertThat(events.of("camera-0000")).isEmpty();
    assertThat(events.of("camera-0519")).hasSize(1);

    events.clear();
    RecognizedObject[] many =
        Collections.nCopies(5000, object(MatchStatus.MATCH, 0)).toArray(RecognizedObject[]::new);
    for (int i = 0; i < 30; i++) {
      events.add(event("camera-" + i % 3, i * 100, many));
    }
    assertThat(Stream.of(0, 1, 2).mapToInt(i -> events.of("camera-" + i).size()).sum())
        .isEqualTo(CameraEvents.OBJECTS / 5000);
    assertThat(events.newest()).hasSize(3);
  }

  @Test
  void showsEachUnknownObjectOnceAndNoneThatIsKnownByNow() {
    events.add(event("a", 1000, object(MatchStatus.UNKNOWN, 0), object(MatchStatus.UNKNOWN, 40)));
    events.add(event("a", 2000, object(MatchStatus.UNKNOWN, 2), object(MatchStatus.MATCH, 41)));
    events.add(event("a", 3000)); // somebody stands in front of it
    var unknown = UnknownObjects.newest(Stream.of(events.of("a")), 10);
    assertThat(unknown).hasSize(1);
    assertThat(unknown.get(0).event().getFrameId()).isEqualTo("frame-2000");
    assertThat(UnknownObjects.newest(Stream.of(events.of("a"), events.of("a")), 1)).hasSize(1);
  }

  @Test
  void picturesAreMadeInTurnsWhileSomebodyLooks() {
    CameraWall wall = new CameraWall(events);
    events.add(event("a", 1000));
    events.add(event("b", 1000));
    assertThat(wall.next()).as("nobody looks").isEmpty();
    wall.look();
    FramePictures.Wanted first = wall.next().orElseThrow();
    FramePictures.Wanted second = wall.next().orElseThrow();
    assertThat(List.of(first.event().getCameraId(), second.event().getCameraId()))
        .containsExactlyInAnyOrder("a", "b");
    assertThat(wall.next()).as("both are being made").isEmpty();
    wall.made(first, null);
    wall.made(second, "its host is away");
    assertThat(wall.shown(first.event().getCameraId()).event()).isEqualTo(first.event());
    assertThat(wall.shown(second.event().getCameraId()).problem()).isEqualTo("its host is away");
    assertThat(wall.changes()).isEqualTo(2);
    assertThat(wall.next()).as("nothing is newer").isEmpty();
  }

  @Test
  void aBudgetThatIsUsedUpFillsAgain() throws Exception {
    PictureBudget budget = new PictureBudget(0.1, 1_000_000);
    assertThat(budget.isLeft()).isTrue();
    double sum = 0;
    try (PictureBudget.Spending spending = budget.spend()) {
      for (int i = 1; i < 20_000_000; i++) {
        sum += 1.0 / i;
      }
    }
    assertThat(sum).isPositive();
    assertThat(budget.isLeft()).isFalse();
    budget.await();
    assertThat(budget.isLeft()).isTrue();
  }
}
