package io.shelfstream.gallery.paddleclas;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.shelfstream.index.IndexException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Collectors;

/**
 * What PaddleClas's files do not say about an index, in a file of ours beside them.
 *
 * @param extractor name and hash of what made its vectors; empty when that is not known
 * @param nextId smaller than no id that was ever in use
 */
record IndexOrigin(Optional<String> extractor, long nextId) {
  static final String FILE = "index.properties";

  static final IndexOrigin UNKNOWN = new IndexOrigin(Optional.empty(), 0);

  private static final String EXTRACTOR = "extractor";
  private static final String NEXT_ID = "next.id";
  private static final String FINGERPRINT = "vector.index.fingerprint";

  /** Parts of an index file that its fingerprint is made of, and their bytes. */
  private static final int SAMPLES = 64;

  private static final int SAMPLE_BYTES = 4096;

  /**
   * What is known about a directory's index. Its extractor is not known when there is no file, or
   * when another program changed the index since.
   *
   * @throws IndexException with code FILE when the file is damaged
   */
  static IndexOrigin read(Path directory) {
    Path file = directory.resolve(FILE);
    if (!Files.exists(file)) {
      return UNKNOWN;
    }
    Properties values = new Properties();
    try (BufferedReader in = Files.newBufferedReader(file, UTF_8)) {
      values.load(in);
      String extractor = values.getProperty(EXTRACTOR, "").strip();
      boolean known =
          !extractor.isEmpty()
              && fingerprint(directory.resolve(IndexDirectory.INDEX))
                  .equals(values.getProperty(FINGERPRINT, ""));
      long nextId = Long.parseLong(values.getProperty(NEXT_ID, "0").strip());
      if (nextId < 0) {
        throw new NumberFormatException(NEXT_ID + " is " + nextId);
      }
      return new IndexOrigin(known ? Optional.of(extractor) : Optional.empty(), nextId);
    } catch (IOException | IllegalArgumentException e) {
      throw new IndexException(
          IndexException.Code.FILE,
          "cannot read " + file + ": " + e + "; delete it, and the extractor is no longer checked",
          e);
    }
  }

  /**
   * Writes it as a draft.
   *
   * @param index the index file that it describes
   */
  void write(Path file, Path index) throws IOException {
    Properties values = new Properties();
    extractor.ifPresent(id -> values.setProperty(EXTRACTOR, id));
    values.setProperty(NEXT_ID, Long.toString(nextId));
    values.setProperty(FINGERPRINT, fingerprint(index));
    StringWriter text = new StringWriter();
    values.store(text, null);
    // The first line is the time, which would make two equal indexes differ.
    Files.writeString(
        file,
        text.toString()
            .lines()
            .filter(line -> !line.startsWith("#"))
            .sorted()
            .collect(
                Collectors.joining(
                    "\n", "# Written by shelfstream; PaddleClas does not read it.\n", "\n")),
        UTF_8);
  }

  /**
   * A hash of the size and of parts all over the file: hashing gigabytes at each start would take
   * seconds. A changed vector may be missed, another index is not.
   */
  private static String fingerprint(Path index) throws IOException {
    try (FileChannel channel = FileChannel.open(index)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      long size = channel.size();
      digest.update(Long.toString(size).getBytes(UTF_8));
      long last = Math.max(0, size - SAMPLE_BYTES);
      ByteBuffer sample = ByteBuffer.allocate(SAMPLE_BYTES);
      for (int i = 0; i < SAMPLES; i++) {
        sample.clear();
        long from = last / (SAMPLES - 1) * i;
        for (int read = 0; read >= 0 && sample.hasRemaining(); ) {
          read = channel.read(sample, (i == SAMPLES - 1 ? last : from) + sample.position());
        }
        digest.update(sample.flip());
      }
      return HexFormat.of().formatHex(digest.digest(), 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
