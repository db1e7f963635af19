package io.shelfstream.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GalleryFileTest {
  @TempDir Path folder;

  @Test
  void readsPathsRelativeToTheFileAndKeepsSpacesInLabels() throws Exception {
    Path file = Files.writeString(folder.resolve("g.tsv"), "a/1.jpg\tOat Drink\n\nb.jpg\tTé\n");

    GalleryFile gallery = GalleryFile.read(file, null);

    assertThat(gallery.photos())
        .containsExactly(
            new GalleryFile.Photo("a/1.jpg", folder.resolve("a/1.jpg"), "Oat Drink"),
            new GalleryFile.Photo("b.jpg", folder.resolve("b.jpg"), "Té"));
  }

  @Test
  void namesEveryWrongLineAtOnce() throws Exception {
    Path file = Files.writeString(folder.resolve("g.tsv"), "a.jpg\tA\nno-label\n\tno path\n");

    assertThatThrownBy(() -> GalleryFile.read(file, null))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("line 2: 'no-label'")
        .hasMessageContaining("line 3");
  }

  @Test
  void saysWhatIsWrongWithTheFileItself() throws Exception {
    Path empty = Files.writeString(folder.resolve("empty.tsv"), "\n");
    Path latin1 = Files.write(folder.resolve("latin1.tsv"), new byte[] {'a', '\t', (byte) 0xE9});

    assertThatThrownBy(() -> GalleryFile.read(empty, null)).hasMessageContaining("no photos");
    assertThatThrownBy(() -> GalleryFile.read(latin1, null)).hasMessageContaining("not UTF-8");
    assertThatThrownBy(() -> GalleryFile.read(folder.resolve("none.tsv"), null))
        .hasMessageContaining("does not exist");
  }
}
