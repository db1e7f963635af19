package io.shelfstream.camera;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;

/**
 * Which files of a watched folder were taken, in a file with one line each. A file that was changed
 * is another one. Used under the lock of the spool.
 */
final class TakenFiles implements AutoCloseable {
  private static final int DIGITS = 32;

  private final Path file;
  private final Set<String> taken = new HashSet<>();
  private FileChannel log;

  TakenFiles(Path file) throws IOException {
    this.file = file;
    if (Files.exists(file)) {
      // A line that is cut off was written when the power failed; its frame still waits.
      Files.readAllLines(file, StandardCharsets.ISO_8859_1).stream()
          .filter(line -> line.length() == DIGITS)
          .forEach(taken::add);
    }
    this.log = rewritten();
  }

  /** What a file is known by: its path, the time of its last change, and its size. */
  static String id(Path file, long changed, long size) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(
                  "%s\0%d\0%d"
                      .formatted(file.toUri(), changed, size)
                      .getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest).substring(0, DIGITS);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  boolean contains(String id) {
    return taken.contains(id);
  }

  /** Notes a file so that also a power failure does not make us forget it. */
  void add(String id) throws IOException {
    if (taken.add(id)) {
      ByteBuffer line = ByteBuffer.wrap((id + "\n").getBytes(StandardCharsets.ISO_8859_1));
      while (line.hasRemaining()) {
        log.write(line);
      }
      log.force(false);
    }
  }

  /**
   * Forgets files that are gone.
   *
   * @param present all that are there
   */
  void keepOnly(Set<String> present) throws IOException {
    if (taken.retainAll(present)) {
      log.close();
      log = rewritten();
    }
  }

  private FileChannel rewritten() throws IOException {
    String lines = taken.isEmpty() ? "" : String.join("\n", List.copyOf(taken)) + "\n";
    Durable.write(file, lines.getBytes(StandardCharsets.ISO_8859_1));
    return FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
  }

  @Override
  public void close() throws IOException {
    log.close();
  }
}
