package io.shelfstream.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.client.UsageException;
import io.shelfstream.events.BoundingBox;
import io.shelfstream.events.EventKind;
import io.shelfstream.events.MatchStatus;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognitionStatus;
import io.shelfstream.events.RecognizedObject;
import io.shelfstream.events.Timings;
import io.shelfstream.events.Versions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TallyTest {
  private static final Set<String> GALLERY = Set.of("tea", "jam");

  @TempDir Path folder;

  @Test
  void tellsRightWrongAndUnknownApart() throws IOException {
    GroundTruth truth =
        truth(
            "a.jpg\ttea\t0\t0\t10\t10",
            "a.jpg\tjam\t20\t0\t30\t10",
            "a.jpg\tjam\t40\t0\t50\t10",
            "a.jpg\tstranger\t60\t0\t70\t10",
            "a.jpg\tstranger\t80\t0\t90\t10");
    Answer answer =
        answer(
            "a.jpg",
            match("tea", 0, 0, 10, 9),
            match("tea", 20, 0, 30, 10),
            unknown(40, 0, 50, 10),
            unknown(60, 0, 70, 10),
            match("jam", 80, 0, 90, 10));

    Tally tally = Tally.of(truth, List.of(answer), GALLERY);

    assertThat(tally).isEqualTo(new Tally(5, 5, 0, 2, 2, 1));
  }

  @Test
  void twoAnswersToOneObjectCountOnce() throws IOException {
    GroundTruth truth = truth("a.jpg\ttea\t0\t0\t10\t10");
    Answer answer = answer("a.jpg", match("jam", 0, 0, 10, 8), match("tea", 0, 0, 10, 9));

    assertThat(Tally.of(truth, List.of(answer), GALLERY)).isEqualTo(new Tally(1, 1, 1, 1, 0, 0));
  }

  @Test
  void halfAnOverlapIsEnoughAndLessIsNot() throws IOException {
    GroundTruth truth = truth("a.jpg\ttea\t0\t0\t10\t10", "a.jpg\ttea\t20\t0\t30\t100");
    Answer answer = answer("a.jpg", match("tea", 0, 0, 10, 5), match("tea", 20, 0, 30, 49));

    assertThat(Tally.of(truth, List.of(answer), GALLERY)).isEqualTo(new Tally(2, 1, 1, 1, 0, 0));
  }

  @Test
  void objectsOfARejectedFrameAreMissed() throws IOException {
    GroundTruth truth = truth("a.jpg\ttea\t0\t0\t10\t10");

    Tally tally = Tally.of(truth, List.of(new Answer("a.jpg", null, "DECODE")), GALLERY);

    assertThat(tally.summary())
        .isEqualTo(
            "1 objects, 0 found, 1 missed, 0 boxes on nothing; of those found 0 right, 0 wrong, 0 unknown though in the gallery");
  }

  @Test
  void foldersHaveALineOfTheirOwnWhereThereAreSeveral() throws IOException {
    GroundTruth truth = truth("real/a.jpg\ttea\t0\t0\t10\t10", "b.jpg\tjam\t0\t0\t10\t10");
    Answer real = answer("real/a.jpg", match("tea", 0, 0, 10, 10));
    Answer other = answer("b.jpg", unknown(0, 0, 10, 10));

    assertThat(Tally.lines(truth, List.of(real, other), GALLERY))
        .containsExactly(
            "., 1 frames: 1 objects, 1 found, 0 missed, 0 boxes on nothing; of those found 0 right, 0 wrong, 1 unknown though in the gallery",
            "real/, 1 frames: 1 objects, 1 found, 0 missed, 0 boxes on nothing; of those found 1 right, 0 wrong, 0 unknown though in the gallery",
            "Against the truth: 2 objects, 2 found, 0 missed, 0 boxes on nothing; of those found 1 right, 0 wrong, 1 unknown though in the gallery");
    assertThat(Tally.lines(truth, List.of(real), GALLERY))
        .containsExactly("Against the truth: " + Tally.of(truth, List.of(real), GALLERY).summary());
  }

  @Test
  void namesEveryLineThatIsNoTruth() {
    assertThatThrownBy(
            () -> truth("a.jpg\ttea\t0\t0\t10\t10", "a.jpg tea", "a.jpg\ttea\t0\t0\tx\t1"))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("line 2")
        .hasMessageContaining("line 3")
        .hasMessageNotContaining("line 1");
  }

  private GroundTruth truth(String... lines) throws IOException {
    return GroundTruth.read(Files.write(folder.resolve("truth.tsv"), List.of(lines)));
  }

  private static RecognizedObject match(String label, int x1, int y1, int x2, int y2) {
    return object(MatchStatus.MATCH, label, new BoundingBox(x1, y1, x2, y2));
  }

  private static RecognizedObject unknown(int x1, int y1, int x2, int y2) {
    return object(MatchStatus.UNKNOWN, null, new BoundingBox(x1, y1, x2, y2));
  }

  private static RecognizedObject object(
      MatchStatus status, @Nullable String label, BoundingBox box) {
    return RecognizedObject.newBuilder()
        .setBbox(box)
        .setDetectionScore(0.9f)
        .setStatus(status)
        .setLabel(label)
        .setScore(0.8f)
        .setWholeImage(false)
        .setCandidates(List.of())
        .build();
  }

  private static Answer answer(String frame, RecognizedObject... objects) {
    RecognitionEvent event =
        RecognitionEvent.newBuilder()
            .setEventId("1")
            .setKind(EventKind.LIVE)
            .setStatus(RecognitionStatus.OK)
            .setCameraId("c")
            .setFrameId(frame)
            .setUri("file:///" + frame)
            .setImageWidth(100)
            .setImageHeight(100)
            .setCapturedAt(Instant.EPOCH)
            .setProcessedAt(Instant.EPOCH)
            .setObjects(List.of(objects))
            .setVersions(
                Versions.newBuilder()
                    .setDetector("d")
                    .setExtractor("e")
                    .setGalleryVersion(0)
                    .setGallerySize(0)
                    .setIndexType("Flat")
                    .setProvider("cpu")
                    .setProfile("shelf")
                    .build())
            .setTimings(new Timings(0f, 0f, 0f, 0f, 0f, 0f, 0f))
            .build();
    return new Answer(frame, event, null);
  }
}
