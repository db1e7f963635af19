package io.shelfstream.gallery.paddleclas;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.shelfstream.index.IndexException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.CRC32;

/**
 * The embeddings of photos by the SHA-256 of their bytes, in a file that is only appended to: a
 * build that was killed goes on with them. A record that was cut off, and all behind it, is
 * dropped; so are all of another extractor. Used by one thread, but for {@link #holds}.
 */
public final class EmbeddingJournal implements AutoCloseable {
  private static final byte[] MAGIC = "ShelfStream embeddings 1\n".getBytes(UTF_8);
  private static final int HASH_BYTES = 32;
  private static final int CRC_BYTES = Long.BYTES;
  private static final int LONGEST_NAME = 4096;

  private final Path file;
  private final FileChannel channel;
  private final int dimension;
  private final Map<String, Long> places = new ConcurrentHashMap<>();
  private final ByteBuffer record;
  private long end;

  private EmbeddingJournal(Path file, FileChannel channel, int dimension) {
    this.file = file;
    this.channel = channel;
    this.dimension = dimension;
    this.record =
        ByteBuffer.allocate(HASH_BYTES + dimension * Float.BYTES + CRC_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Opens the file, or begins it.
   *
   * @param made what makes the embeddings: the extractor, and whatever else changes them
   */
  static EmbeddingJournal open(Path file, String made, int dimension) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      EmbeddingJournal journal = new EmbeddingJournal(file, channel, dimension);
      journal.begin(made);
      return journal;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private void begin(String made) throws IOException {
    byte[] name = made.getBytes(UTF_8);
    if (name.length > LONGEST_NAME) {
      throw new IllegalArgumentException("extractor name of " + name.length + " bytes refused");
    }
    ByteBuffer header = ByteBuffer.allocate(MAGIC.length + 2 * Integer.BYTES + name.length);
    header.put(MAGIC).putInt(dimension).putInt(name.length).put(name).flip();
    ByteBuffer found = ByteBuffer.allocate(header.limit());
    if (read(found, 0) && found.flip().equals(header)) {
      end = header.limit();
      readRecords();
    } else {
      channel.truncate(0);
      write(header, 0);
      end = header.limit();
    }
  }

  private void readRecords() throws IOException {
    long place = end;
    while (read(record.clear(), place) && isWhole()) {
      places.put(HexFormat.of().formatHex(record.array(), 0, HASH_BYTES), place);
      place += record.capacity();
    }
    end = place;
    channel.truncate(end);
  }

  private boolean isWhole() {
    return record.getLong(record.capacity() - CRC_BYTES) == crc();
  }

  private long crc() {
    CRC32 crc = new CRC32();
    crc.update(record.array(), 0, record.capacity() - CRC_BYTES);
    return crc.getValue();
  }

  private boolean read(ByteBuffer into, long place) throws IOException {
    long from = place;
    while (into.hasRemaining()) {
      int read = channel.read(into, from);
      if (read < 0) {
        return false;
      }
      from += read;
    }
    return true;
  }

  private void write(ByteBuffer bytes, long place) throws IOException {
    long to = place;
    while (bytes.hasRemaining()) {
      to += channel.write(bytes, to);
    }
  }

  /** Photos whose embedding is there. */
  public int size() {
    return places.size();
  }

  /**
   * Whether a photo's embedding is there. For any thread.
   *
   * @param sha256 of its bytes, in hex digits
   */
  public boolean holds(String sha256) {
    return places.containsKey(sha256);
  }

  /**
   * The embedding of a photo.
   *
   * @param sha256 of its bytes, in hex digits
   * @throws IllegalArgumentException when it is not there
   */
  public float[] get(String sha256) throws IOException {
    Long place = places.get(sha256);
    if (place == null) {
      throw new IllegalArgumentException("no embedding of photo " + sha256);
    }
    if (!read(record.clear(), place) || !isWhole()) {
      throw new IndexException(
          IndexException.Code.FILE,
          file + " changed while it was in use; delete it, and begin again");
    }
    float[] embedding = new float[dimension];
    record.position(HASH_BYTES);
    record.asFloatBuffer().get(embedding);
    return embedding;
  }

  /**
   * Keeps an embedding.
   *
   * @param sha256 of the photo's bytes, in hex digits
   */
  public void put(String sha256, float[] embedding) throws IOException {
    if (embedding.length != dimension) {
      throw new IllegalArgumentException(
          "embedding of %d values refused, %d expected".formatted(embedding.length, dimension));
    }
    record.clear().put(HexFormat.of().parseHex(sha256));
    for (float value : embedding) {
      record.putFloat(value);
    }
    record.putLong(crc()).flip();
    write(record, end);
    places.put(sha256, end);
    end += record.capacity();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
