package io.shelfstream.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;

/** A file that is written beside its place, to be renamed when it is complete. */
public final class DraftFile {
  private DraftFile() {}

  /**
   * Makes an empty one, with the rights of any new file: a temporary file of the system's could be
   * read by its owner only, and so could the complete file.
   */
  public static Path beside(Path file) throws IOException {
    return Files.createFile(
        file.toAbsolutePath().resolveSibling(".gallery-" + UUID.randomUUID() + ".tmp"));
  }
}
