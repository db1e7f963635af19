package io.shelfstream.gallery.paddleclas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.index.IndexException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The files of an index directory are replaced together, wherever it is cut off. */
class IndexFilesTest {

  private static final List<String> ALL =
      List.of(IndexNames.PICKLE, IndexNames.TEXT, IndexOrigin.FILE, IndexDirectory.INDEX);

  @TempDir Path folder;

  private static void build(Path directory, String label, int photos) throws IOException {
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.create(directory, "Flat", 2, "net@1")) {
      for (int i = 0; i < photos; i++) {
        writer.add(
            new GalleryEntry(i + ".jpg", label, label, null, Map.of()),
            new float[] {(float) Math.cos(i), (float) Math.sin(i)});
      }
      assertThat(writer.finish()).isEqualTo(photos);
    }
  }

  private static List<String> labels(Path directory) {
    try (IndexDirectory index = IndexDirectory.open(directory)) {
      return index.entries().stream().map(GalleryEntry::label).toList();
    }
  }

  private static List<String> names(Path directory) throws IOException {
    try (var files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void leavesItsFilesAndALockAndNothingElse() throws IOException {
    build(folder, "new", 3);

    assertThat(names(folder))
        .containsExactly(".lock", "id_map.pkl", "id_map.txt", "index.properties", "vector.index");
    assertThat(folder.resolve("id_map.txt")).content().isEqualTo("0 new\n1 new\n2 new\n");
  }

  /** Every state in which a crash can leave the move of the complete files. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5})
  void goesOnWhereItWasCutOff(int moved) throws IOException {
    Path old = folder.resolve("index");
    Path other = folder.resolve("other");
    build(old, "old", 5);
    build(other, "new", 3);
    Path complete = Files.createDirectories(old.resolve(IndexFiles.COMPLETE));
    for (String name : ALL) {
      Files.move(other.resolve(name), complete.resolve(name));
    }
    if (moved < 5) {
      Files.writeString(complete.resolve("embeddings"), "no longer needed");
    }
    if (moved > 0) {
      Files.delete(old.resolve(IndexDirectory.INDEX));
    }
    for (String name : ALL.subList(0, Math.max(0, moved - 1))) {
      // What other programs see meanwhile has no index.
      assertThat(old.resolve(IndexDirectory.INDEX)).doesNotExist();
      Files.move(complete.resolve(name), old.resolve(name), StandardCopyOption.REPLACE_EXISTING);
    }

    assertThat(labels(old)).containsExactly("new", "new", "new");
    assertThat(names(old)).containsAll(ALL).doesNotContain(IndexFiles.COMPLETE);
  }

  @Test
  void draftsThatWereNotCompleteChangeNothing() throws IOException {
    build(folder, "old", 5);
    Path drafts = Files.createDirectories(folder.resolve(IndexFiles.DRAFTS));
    Files.writeString(drafts.resolve(IndexDirectory.INDEX), "half of an ind");

    assertThat(labels(folder)).hasSize(5).containsOnly("old");
    build(folder, "new", 2);
    assertThat(labels(folder)).containsExactly("new", "new");
    assertThat(drafts).doesNotExist();
  }

  @Test
  void oneWriterAtATime() throws IOException {
    build(folder, "old", 5);
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.change(folder)) {
      assertThatThrownBy(() -> IndexDirectoryWriter.change(folder).close())
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("another process is changing this index");
      assertThat(labels(folder)).hasSize(5); // readers go on
      assertThat(writer.photos()).hasSize(5);
    }
    IndexDirectoryWriter.change(folder).close();
    assertThat(names(folder)).doesNotContain(IndexFiles.DRAFTS);
  }

  @Test
  void readersSeeTheOldOrTheNewIndexWhileItIsReplaced() throws Exception {
    build(folder, "old", 2);
    AtomicBoolean done = new AtomicBoolean();
    AtomicInteger reads = new AtomicInteger();
    ExecutorService reader = Executors.newSingleThreadExecutor();
    try {
      Future<List<List<String>>> seen =
          reader.submit(
              () -> {
                List<List<String>> all = new ArrayList<>();
                while (!done.get()) {
                  all.add(labels(folder));
                  reads.incrementAndGet();
                }
                return all;
              });
      for (int i = 0; i < 60 || (reads.get() < 10 && !seen.isDone()); i++) {
        int photos = 1 + i % 60;
        build(folder, "l" + photos, photos);
      }
      done.set(true);

      assertThat(seen.get())
          .hasSizeGreaterThan(5)
          .allSatisfy(
              labels -> {
                String label = labels.get(0);
                assertThat(labels)
                    .containsOnly(label)
                    .hasSize(label.equals("old") ? 2 : Integer.parseInt(label.substring(1)));
              });
    } finally {
      reader.shutdownNow();
    }
  }
}
