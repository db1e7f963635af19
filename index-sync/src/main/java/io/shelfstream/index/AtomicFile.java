package io.shelfstream.index;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;

/** Writes a file beside its place and renames it: a reader sees the old one or the new one. */
final class AtomicFile {

  /** Writes to the path it is given. */
  interface Writer {
    void write(Path file) throws IOException;
  }

  private AtomicFile() {}

  static void write(Path target, Writer writer) {
    Path folder = target.toAbsolutePath().getParent();
    if (folder == null) {
      throw new IndexException(
          IndexException.Code.FILE, "cannot write index " + target + ": it is not a file name");
    }
    try {
      // Not a temporary file of the system's: others than its owner may read an index.
      Path draft = Files.createFile(folder.resolve(".index-" + UUID.randomUUID() + ".tmp"));
      try {
        writer.write(draft);
        Files.move(
            draft, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(draft);
      }
    } catch (IOException e) {
      throw new IndexException(
          IndexException.Code.FILE,
          "cannot write index " + target + ": " + e + "; check the folder and its free space",
          e);
    }
  }
}
