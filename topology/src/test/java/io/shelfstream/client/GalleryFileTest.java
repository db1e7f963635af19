package io.shelfstream.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
  void keepsTheCameraOfAThirdColumn() throws Exception {
    assertThat(read("a.jpg\tA\tc1\nb.jpg\tB\nc.jpg\tC\t \nd.jpg\tD\tc2\tmore\n").photos())
        .extracting(GalleryFile.Photo::camera)
        .containsExactly("c1", null, null, "c2");
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

  private GalleryFile read(String text) throws Exception {
    return GalleryFile.read(Files.writeString(folder.resolve("g.tsv"), text), null);
  }

  private void refuses(String text, String... why) {
    assertThatThrownBy(() -> read(text))
        .as(text)
        .isInstanceOf(UsageException.class)
        .hasMessageContainingAll(why);
  }

  @Test
  void readsWhatNotepadAndExcelLeave() throws Exception {
    GalleryFile gallery =
        read(
            "\uFEFF1.jpg \tone\r\n 2.jpg\t two \r\n\uFEFF3.jpg\t\"Cola, 330 ml\"\t\r\n"
                + "4.jpg\t\"12\"\" pizza\"\n5.jpg\t\"Best\" tea\n\t\r\n");
    assertThat(gallery.photos())
        .extracting(GalleryFile.Photo::id)
        .containsExactly("1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg");
    assertThat(gallery.photos())
        .extracting(GalleryFile.Photo::label)
        .containsExactly("one", "two", "Cola, 330 ml", "12\" pizza", "\"Best\" tea");
  }

  @Test
  void namesWhatIsWrongWithALine() {
    refuses("a.jpg\tA\nb.jpg;B\n", "line 2: 'b.jpg;B'", "is ';' to separate");
    refuses("a.jpg,A\n", "is ',' to separate");
    refuses("a.jpg A\n", "a space does not separate");
    refuses("a.jpg\t\"A\nB\"\n", "line 1", "quoted cell", "line 2: 'B\"'");
    refuses("a\\1.jpg\tA\n", "line 1: 'a\\1.jpg\\tA'", "separated by / here");
    refuses("a.jpg\t\"\"\n", "the label is empty");
    refuses("a.jpg\tA\n\nb.jpg\tB\na.jpg\tC\n", "line 4", "of line 1", "'A' there and 'C' here");
    refuses("x".repeat(100_000) + "\n", "line 1", "xxx…");
    assertThatThrownBy(() -> read("no tab\n".repeat(1000)))
        .hasMessageContaining("line 20")
        .hasMessageNotContaining("line 21")
        .hasMessageContaining("and 980 more");
  }

  @Test
  void aLineThatIsThereTwiceCountsOnce() throws Exception {
    GalleryFile gallery = read("a.jpg\tA\nb.jpg\tB\na.jpg\tA\n");
    assertThat(gallery.photos()).hasSize(2);
    assertThat(gallery.notes()).containsExactly("line 3 repeats line 1; it counts once");
  }

  @Test
  void namesThePhotosThatAreMissing() throws Exception {
    Path list = folder.resolve("g.tsv");
    Files.writeString(folder.resolve("here.jpg"), "x");
    GalleryFile gallery = read("here.jpg\tA\n3.jpg\tthree\n");
    assertThatThrownBy(() -> gallery.withItsPhotos(list))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("Gallery photo " + folder.resolve("3.jpg") + " does not exist")
        .hasMessageNotContaining("here.jpg");
    // On a machine that does not see the service's folders nothing is known against them.
    GalleryFile elsewhere = GalleryFile.read(list, folder.resolve("not-here"));
    assertThat(elsewhere.withItsPhotos(list)).isSameAs(elsewhere);
  }

  @Test
  void writesOnlyLinesThatItReadsBack() throws Exception {
    StringBuilder text = new StringBuilder();
    List<String> labels = List.of("Cola", "\"Best\" tea", "\"\"", "a\"b", "Crème 可口可乐", "a;b");
    for (int i = 0; i < labels.size(); i++) {
      text.append(GalleryFile.line("\"" + i + ".jpg", labels.get(i)));
    }
    assertThat(read(text.toString()).photos())
        .extracting(GalleryFile.Photo::label)
        .isEqualTo(labels);
    for (String label : List.of("Cola\t330 ml", "Cola\n330 ml", "a\rb", " a", "a ", "", " ")) {
      assertThatThrownBy(() -> GalleryFile.line("1.jpg", label))
          .as(label)
          .hasMessageContaining("photo '1.jpg' with label '" + OneLine.of(label) + "' refused");
    }
    assertThatThrownBy(() -> GalleryFile.line("a\tb", "A")).hasMessageContaining("refused");
    assertThatThrownBy(() -> GalleryFile.line("\uFEFFa", "A")).hasMessageContaining("refused");
  }
}
