package io.shelfstream.camera;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.client.UsageException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpoolTest {
  private static final long LARGE = 1 << 20;

  private final Counts counts = new Counts();
  private Path state;

  @BeforeEach
  void name(@TempDir Path folder) {
    state = folder.resolve("state");
  }

  private Spool open(long maxBytes) throws Exception {
    return new Spool(state, maxBytes, counts);
  }

  private static void add(Spool spool, int bytes) throws Exception {
    spool.add(new byte[bytes], "jpg", null, null);
  }

  private static List<Waiting> take(Spool spool) throws Exception {
    return spool.take(100, Duration.ofMillis(1));
  }

  @Test
  void keepsFramesInTheOrderOfTheirNames() throws Exception {
    List<Waiting> before;
    try (Spool spool = open(LARGE)) {
      for (int i = 0; i < 20; i++) {
        add(spool, i);
      }
      spool.add("a.jpg@5", "file:///a.jpg", Instant.ofEpochMilli(5), "id-of-a");
      before = take(spool);
    }

    try (Spool again = open(LARGE)) {
      assertThat(take(again)).isEqualTo(before).hasSize(21);
      assertThat(before).extracting(Waiting::name).isSorted().doesNotHaveDuplicates();
      assertThat(Files.size(again.picture(before.get(7)))).isEqualTo(7);
      assertThat(again.picture(before.get(20))).isNull();
      assertThat(before.get(20).capturedAt()).isEqualTo(5);
      assertThat(again.hasTaken("id-of-a")).isTrue();
    }
  }

  @Test
  void forgetsWhatWasPublishedAndNeverGivesAnEarlierName() throws Exception {
    String last;
    try (Spool spool = open(LARGE)) {
      add(spool, 1);
      add(spool, 1);
      add(spool, 1);
      String second = take(spool).get(1).name();

      assertThat(spool.published(second)).isEqualTo(2);
      assertThat(spool.published("")).isZero();
      assertThat(take(spool)).hasSize(1);
      last = FrameName.of(Instant.now().plus(Duration.ofDays(400)));
      spool.published(last);
      assertThat(spool.size()).isZero();
      assertThat(spool.bytes()).isZero();
      try (var files = Files.list(state.resolve("waiting"))) {
        assertThat(files).isEmpty();
      }
    }

    try (Spool again = open(LARGE)) { // the clock is behind by 400 days now
      add(again, 1);
      assertThat(take(again).get(0).name()).isGreaterThan(last);
    }
  }

  @Test
  void dropsTheOldestWhenItIsFullButNotWhatIsBeingPublished() throws Exception {
    try (Spool spool = open(5_000)) {
      for (int i = 0; i < 4; i++) {
        add(spool, 1_000);
      }
      List<Waiting> inHand = spool.take(2, Duration.ofMillis(1));
      for (int i = 0; i < 10; i++) {
        add(spool, 1_000);
      }

      assertThat(spool.bytes()).isLessThanOrEqualTo(5_000);
      List<Waiting> left = take(spool);
      assertThat(left).startsWith(inHand.toArray(Waiting[]::new));
      assertThat(counts.dropped()).isEqualTo(14 - left.size());
      spool.release();
      add(spool, 1_000);
      assertThat(take(spool)).doesNotContain(inHand.get(0));
    }
  }

  @Test
  void countsAPictureOnlyWhenItsEntryIsThere() throws Exception {
    try (Spool spool = open(LARGE)) {
      add(spool, 1);
    }
    Path waiting = state.resolve("waiting");
    Files.write(waiting.resolve("29990101T000000.000Z.jpg"), new byte[5]);
    Files.write(waiting.resolve("29990101T000000.001Z.jpg.part"), new byte[5]);
    Files.write(waiting.resolve("29990101T000000.002Z.json.part"), new byte[5]);
    Files.write(waiting.resolve("29990101T000000.003Z.json"), "{".getBytes(StandardCharsets.UTF_8));

    try (Spool again = open(LARGE)) {
      assertThat(again.size()).isEqualTo(1);
      try (var files = Files.list(waiting)) {
        assertThat(files.filter(f -> f.toString().contains("2999"))).isEmpty();
      }
    }
  }

  @Test
  void remembersFilesAsLongAsTheyAreThere() throws Exception {
    String a = TakenFiles.id(Path.of("/a"), 1, 2);
    String b = TakenFiles.id(Path.of("/b"), 1, 2);
    try (Spool spool = open(LARGE)) {
      spool.pass(a);
      spool.add("b@1", "file:///b", Instant.now(), b);
      assertThat(a).isNotEqualTo(TakenFiles.id(Path.of("/a"), 2, 2)).isNotEqualTo(b);
    }
    Files.writeString(state.resolve("taken"), "cut off", java.nio.file.StandardOpenOption.APPEND);
    try (Spool again = open(LARGE)) {
      assertThat(again.hasTaken(a)).isTrue();
      assertThat(again.hasTaken(b)).isTrue();
      again.keepOnly(Set.of(b));
    }
    try (Spool again = open(LARGE)) {
      assertThat(again.hasTaken(a)).isFalse();
      assertThat(again.hasTaken(b)).isTrue();
    }
  }

  @Test
  void isOfOneAgentAtATime() throws Exception {
    String agent;
    try (Spool spool = open(LARGE)) {
      agent = spool.agent();
      assertThatThrownBy(() -> open(LARGE))
          .isInstanceOf(UsageException.class)
          .hasMessageContaining("--state");
    }
    try (Spool again = open(LARGE)) {
      assertThat(again.agent()).isEqualTo(agent);
    }
  }
}
