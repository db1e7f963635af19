package io.shelfstream.client;

import io.shelfstream.gallery.TextFile;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/** Text files that a user names. */
public final class GivenText {
  private GivenText() {}

  /**
   * The lines of a file, as {@link TextFile#lines}.
   *
   * @param what the file is, as a sentence begins: {@code Gallery file}
   * @throws UsageException when there is no such file, or it is no text in UTF-8
   */
  public static List<String> lines(String what, Path file) throws IOException {
    try {
      return TextFile.lines(file);
    } catch (TextFile.NotUtf8Exception e) {
      throw new UsageException(String.valueOf(e.getMessage()));
    } catch (NoSuchFileException e) {
      throw new UsageException(what + " " + file + " does not exist");
    }
  }
}
