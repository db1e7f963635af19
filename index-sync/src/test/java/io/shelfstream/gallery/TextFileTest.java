package io.shelfstream.gallery;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextFileTest {
  @TempDir Path folder;

  private Path file(String text, Charset charset) throws Exception {
    return Files.write(folder.resolve("file.txt"), text.getBytes(charset));
  }

  @Test
  void passesOverByteOrderMarksAndTakesEveryLineEnd() throws Exception {
    assertThat(TextFile.lines(file("\uFEFFa\r\nb\rc\n\uFEFFd", UTF_8)))
        .containsExactly("a", "b", "c", "d");
    assertThat(TextFile.read(file("\uFEFF", UTF_8))).isEmpty();
    assertThat(TextFile.read(file("", UTF_8))).isEmpty();
    assertThat(TextFile.lines(file("货\t可口\n", UTF_8))).containsExactly("货\t可口");
  }

  @Test
  void namesUtf16WithAMarkAndWithout() {
    for (String text : new String[] {"\uFEFF1.jpg\tone", "1.jpg\tone", "\uFEFF"}) {
      for (Charset charset : new Charset[] {UTF_16BE, UTF_16LE}) {
        assertThatThrownBy(() -> TextFile.read(file(text, charset)))
            .isInstanceOf(TextFile.NotUtf8Exception.class)
            .hasMessageContaining("file.txt")
            .hasMessageContaining("it is UTF-16; save it as UTF-8");
      }
    }
    assertThatThrownBy(() -> TextFile.read(file("\uFEFFab", Charset.forName("UTF-32BE"))))
        .isInstanceOf(TextFile.NotUtf8Exception.class);
  }

  @Test
  void namesTheLineThatIsNotUtf8OrNoText() {
    assertThatThrownBy(() -> TextFile.read(file("a\r\nb\r\ncrème\r\n", ISO_8859_1)))
        .hasMessageContaining("line 3 is not UTF-8");
    assertThatThrownBy(() -> TextFile.read(file("été", ISO_8859_1)))
        .hasMessageContaining("line 1 is not UTF-8");
    assertThatThrownBy(() -> TextFile.read(file("abcd\ne\0f", UTF_8)))
        .hasMessageContaining("line 2 holds a NUL");
    assertThatThrownBy(() -> TextFile.read(folder.resolve("none")))
        .isInstanceOf(NoSuchFileException.class);
  }
}
