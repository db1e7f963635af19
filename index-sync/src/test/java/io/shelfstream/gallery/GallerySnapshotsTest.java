package io.shelfstream.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.index.Await;
import io.shelfstream.index.TestVectors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class GallerySnapshotsTest {

  private static final String EXTRACTOR = "net-0123456789ab";
  private static final String TOPIC = "topic-id";
  private static final int DIMENSION = 16;

  private final Random random = new Random(17);

  @TempDir Path folder;

  private static GalleryVector vector(String id, String label, float[] embedding) {
    return GalleryVector.newBuilder()
        .setGalleryImageId(id)
        .setProductId("p-" + label)
        .setLabel(label)
        .setGtin(label.length() % 2 == 0 ? "04006381333931" : null)
        .setEmbedding(Embeddings.encode(embedding))
        .setDimension(embedding.length)
        .setExtractor(EXTRACTOR)
        .setSourceOffset(0)
        .setAttributes(Map.of("größe", "0,5 l"))
        .build();
  }

  private static Gallery empty() {
    return new Gallery("Flat", DIMENSION, EXTRACTOR);
  }

  private void put(Gallery gallery, int partition, long offset, String id) {
    float[] embedding = TestVectors.unit(random, DIMENSION);
    assertThat(
            gallery.apply(partition, offset, id, vector(id, "tea " + offset, embedding)).rejected())
        .isFalse();
  }

  /** Photos 0 to 99 of partition 0, half of 20 to 39 gone again, one of partition 3. */
  private Gallery filled() {
    Gallery gallery = empty();
    long offset = 0;
    for (int i = 0; i < 100; i++) {
      put(gallery, 0, offset++, "photo-" + i);
    }
    for (int i = 20; i < 40; i += 2) {
      gallery.apply(0, offset++, "photo-" + i, null);
    }
    put(gallery, 3, 41, "other");
    return gallery;
  }

  private GallerySnapshots snapshots() throws IOException {
    return new GallerySnapshots(folder, TOPIC);
  }

  private List<Path> files() {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<List<GalleryHit>> answers(Gallery gallery) {
    Random queries = new Random(5);
    List<float[]> embeddings =
        Stream.generate(() -> TestVectors.unit(queries, DIMENSION)).limit(50).toList();
    return gallery.search(embeddings, 5).hits();
  }

  @Test
  void aGalleryIsTheSameAfterItsSnapshot() throws IOException {
    try (Gallery before = filled();
        Gallery after = empty()) {
      snapshots().save(before);

      assertThat(snapshots().restore(after)).isTrue();

      assertThat(after.state()).isEqualTo(before.state());
      assertThat(after.state().versions()).isEqualTo(Map.of(0, 110L, 3, 42L));
      assertThat(after.entries()).isEqualTo(before.entries()).hasSize(91);
      assertThat(answers(after)).isEqualTo(answers(before));
      // The fingerprint came along, too.
      GalleryEntry entry = after.entries().get(0);
      assertThat(after.confirmIfCovered(0, 109, entry.galleryImageId(), true)).isTrue();
      assertThat(after.confirmIfCovered(0, 110, entry.galleryImageId(), true)).isFalse();
      assertThat(after.confirmIfCovered(1, 0, "new", true)).isFalse();
    }
  }

  /** Live rows of a trained index in several chunks, some marked deleted, beside a block. */
  @Test
  @Timeout(300)
  void anInvertedFileIsReadBackWithoutTraining() throws Exception {
    try (Gallery before = new Gallery("IVF32,Flat", DIMENSION, EXTRACTOR);
        Gallery after = new Gallery("IVF32,Flat", DIMENSION, EXTRACTOR)) {
      for (int i = 0; i < 20_000; i++) {
        put(before, 0, i, "photo-" + i);
      }
      Await.until(() -> !before.isCompacting() && before.state().indexType().equals("IVF32,Flat"));
      for (int i = 0; i < 500; i++) {
        put(before, 0, 20_000 + i, "photo-" + i * 7);
        before.apply(0, 21_000 + i, "photo-" + (i * 7 + 1), null);
      }
      snapshots().save(before);

      assertThat(snapshots().restore(after)).isTrue();

      assertThat(after.isCompacting()).isFalse();
      assertThat(after.lastCompaction()).isEmpty();
      assertThat(after.state()).isEqualTo(before.state());
      assertThat(after.entries()).isEqualTo(before.entries()).hasSize(19_500);
      assertThat(answers(after)).isEqualTo(answers(before));
      put(after, 0, 30_000, "new");
      assertThat(after.rows()).isEqualTo(19_501);
    }
  }

  /** Some photos of a snapshot are objects after a while, others still lie as in the file. */
  @Test
  void whatIsAskedForOneByOneStaysTheSame() throws Exception {
    try (Gallery before = filled();
        Gallery middle = empty();
        Gallery after = empty()) {
      snapshots().save(before);
      snapshots().restore(middle);
      PhotoFilter filter = new PhotoFilter(Map.of("größe", "5 l"));
      float[] query = TestVectors.unit(new Random(5), DIMENSION);
      assertThat(middle.search(List.of(query), 5, filter).hits())
          .isEqualTo(before.search(List.of(query), 5, filter).hits());
      put(middle, 0, 200, "photo-7");
      middle.apply(0, 201, "photo-9", null);
      middle.apply(0, 202, "never there", null);
      GalleryVector other =
          GalleryVector.newBuilder(
                  vector("photo-11", "coffee", TestVectors.unit(new Random(6), DIMENSION)))
              .setAttributes(Map.of())
              .build();
      middle.apply(0, 203, "photo-11", other);
      new GallerySnapshots(folder, TOPIC).save(middle);

      assertThat(snapshots().restore(after)).isTrue();

      assertThat(answers(after)).isEqualTo(answers(middle));
      assertThat(after.state().size()).isEqualTo(90);
      assertThat(after.entries())
          .isEqualTo(middle.entries())
          .filteredOn(entry -> !List.of("photo-7", "photo-11").contains(entry.galleryImageId()))
          .isEqualTo(
              before.entries().stream()
                  .filter(
                      entry ->
                          !List.of("photo-7", "photo-9", "photo-11")
                              .contains(entry.galleryImageId()))
                  .toList());
    }
  }

  /** Two searches that ask for the same photo of a snapshot at once get one object of it. */
  @Test
  @Timeout(300)
  void searchesBesideEachOtherAgreeOnAPhotoThatChanges() throws Exception {
    try (Gallery before = filled()) {
      snapshots().save(before);
    }
    ExecutorService pool = Executors.newFixedThreadPool(2);
    try {
      for (int round = 0; round < 50; round++) {
        try (Gallery after = empty()) {
          snapshots().restore(after);
          Future<List<List<GalleryHit>>> one = pool.submit(() -> answers(after));
          Future<List<List<GalleryHit>>> two = pool.submit(() -> answers(after));
          after.apply(0, 200, "photo-3", null);
          one.get();
          two.get();
          assertThat(answers(after))
              .allSatisfy(
                  hits ->
                      assertThat(hits)
                          .extracting(hit -> hit.entry().galleryImageId())
                          .doesNotContain("photo-3"));
          assertThat(after.caughtUp()).isEqualTo(90);
        }
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void putsASnapshotAsideThatIsAheadOfItsTopicAndTakesTheOneBefore() throws IOException {
    try (Gallery gallery = filled();
        Gallery older = empty();
        Gallery none = empty()) {
      GallerySnapshots snapshots = snapshots();
      snapshots.save(gallery);
      gallery.apply(0, 110, "photo-0", null);
      snapshots.save(gallery);

      assertThat(snapshots().restore(older, partition -> 110)).isTrue();
      assertThat(snapshots().restore(none, partition -> partition == 0 ? 110 : 41)).isFalse();

      assertThat(older.state().versions()).isEqualTo(Map.of(0, 110L, 3, 42L));
      assertThat(none.state().size()).isZero();
      // The topic has grown past them meanwhile, but not with the records they hold.
      assertThat(snapshots().restore(none)).isFalse();
      assertThat(files()).hasSize(2).allMatch(file -> file.toString().endsWith(".ahead"));
    }
  }

  @Test
  void dropsWhatTheTopicNoLongerHasOnceItIsReadToItsEnd() throws IOException {
    try (Gallery before = filled();
        Gallery after = empty()) {
      snapshots().save(before);
      snapshots().restore(after);
      // What a compacted topic shows at the next start: photo-1 and its tombstone are both gone,
      // photo-3 was removed, photo-5 came anew, photo-100 is new; the rest as before.
      for (int i = 0; i < 100; i++) {
        if (i != 1 && i != 5) {
          after.confirmIfCovered(0, i, "photo-" + i, true);
        }
      }
      after.confirmIfCovered(0, 100, "photo-20", false);
      after.confirmIfCovered(3, 41, "other", true);
      after.apply(0, 110, "photo-3", null);
      put(after, 0, 111, "photo-5");
      put(after, 0, 112, "photo-100");
      assertThat(after.state().size()).isEqualTo(91);

      assertThat(after.caughtUp()).isEqualTo(1);

      assertThat(after.entries())
          .extracting(GalleryEntry::galleryImageId)
          .doesNotContain("photo-1", "photo-3", "photo-20")
          .contains("photo-5", "photo-100", "other", "photo-21")
          .hasSize(90);
      assertThat(after.state().versions()).isEqualTo(Map.of(0, 113L, 3, 42L));
      assertThat(after.caughtUp()).isZero();
    }
  }

  @Test
  void namesAndPassesOverWhatIsDamagedCutShortOrOfAnotherKind() throws IOException {
    try (Gallery before = filled()) {
      snapshots().save(before);
    }
    byte[] whole = Files.readAllBytes(files().get(0));
    Files.delete(files().get(0));
    for (int i = 0; i < whole.length; i += 1 + whole.length / 100) {
      byte[] damaged = whole.clone();
      damaged[i] ^= 4;
      assertUnusable(damaged);
      assertUnusable(java.util.Arrays.copyOf(whole, i));
    }
    assertUnusable(java.util.Arrays.copyOf(whole, whole.length + 1));

    Files.write(folder.resolve("gallery-9.snapshot"), whole);
    for (Gallery other :
        List.of(
            new Gallery("Flat", DIMENSION, "another-0123456789ab"),
            new Gallery("Flat", DIMENSION / 2, EXTRACTOR))) {
      try (other) {
        assertThat(snapshots().restore(other)).isFalse();
        assertThat(other.state().version()).isZero();
      }
    }
    try (Gallery gallery = empty()) {
      assertThat(new GallerySnapshots(folder, "topic made anew").restore(gallery)).isFalse();
      assertThat(snapshots().restore(gallery)).isTrue();
    }
  }

  private void assertUnusable(byte[] content) throws IOException {
    Path file = Files.write(folder.resolve("gallery-1.snapshot"), content);
    try (Gallery gallery = empty()) {
      assertThat(snapshots().restore(gallery)).isFalse();
      assertThat(gallery.state().size()).isZero();
    }
    Files.delete(file);
  }

  @Test
  void saysThatAFormatIsAnother() throws IOException {
    try (Gallery before = filled()) {
      snapshots().save(before);
    }
    Path file = files().get(0);
    byte[] other = Files.readAllBytes(file);
    for (int format : new int[] {2, 4}) {
      ByteBuffer.wrap(other).putInt(2 + "shelfstream-gallery".length(), format);
      Files.write(file, other);

      try (FileChannel channel = FileChannel.open(file)) {
        assertThatThrownBy(() -> SnapshotFile.open(channel))
            .isInstanceOf(IOException.class)
            .hasMessage("it has format %d, this version reads 3", format);
      }
    }
  }

  @Test
  void takesTheOneBeforeWhenTheNewestIsDamaged() throws Exception {
    try (Gallery before = filled();
        Gallery after = empty()) {
      GallerySnapshots snapshots = snapshots();
      snapshots.save(before);
      Thread.sleep(5);
      put(before, 0, 200, "later");
      snapshots.save(before);
      Path newest = files().get(1);
      Files.write(newest, java.util.Arrays.copyOf(Files.readAllBytes(newest), 100));

      assertThat(snapshots().restore(after)).isTrue();

      assertThat(after.state().versions()).containsEntry(0, 110L);
    }
  }

  @Test
  void keepsTwoWritesNothingTwiceAndClearsUpAfterAKill() throws Exception {
    Files.writeString(folder.resolve(SnapshotFile.DRAFT + "123.tmp"), "half a");
    Files.writeString(folder.resolve("notes.txt"), "not ours");
    try (Gallery gallery = filled()) {
      GallerySnapshots snapshots = snapshots();
      for (int i = 0; i < 4; i++) {
        put(gallery, 0, 200 + i, "later-" + i);
        assertThat(snapshots.save(gallery)).isTrue();
        assertThat(snapshots.save(gallery)).as("nothing came since").isFalse();
        Thread.sleep(5);
      }
    }

    assertThat(files()).hasSize(3).last().isEqualTo(folder.resolve("notes.txt"));
  }

  @Test
  @Timeout(300)
  void isOfOneMomentWhileTheGalleryChanges() throws Exception {
    ExecutorService pool = Executors.newSingleThreadExecutor();
    AtomicBoolean done = new AtomicBoolean();
    try (Gallery gallery = empty()) {
      // Photo i % 100 is replaced by record i: a snapshot of version v holds the labels of the last
      // hundred records before v.
      for (int i = 0; i < 100; i++) {
        put(gallery, 0, i, "photo-" + i);
      }
      Future<?> changes =
          pool.submit(
              () -> {
                for (int i = 100; !done.get(); i++) {
                  put(gallery, 0, i, "photo-" + i % 100);
                }
              });
      for (int round = 0; round < 20; round++) {
        snapshots().save(gallery);
        try (Gallery after = empty()) {
          assertThat(snapshots().restore(after)).isTrue();
          long version = after.state().version();
          List<@Nullable String> expected = new ArrayList<>();
          for (long i = version - 100; i < version; i++) {
            expected.add("tea " + i);
          }
          assertThat(after.entries())
              .extracting(GalleryEntry::label)
              .containsExactlyInAnyOrderElementsOf(expected);
        }
      }
      done.set(true);
      changes.get();
    } finally {
      done.set(true);
      pool.shutdownNow();
    }
  }
}
