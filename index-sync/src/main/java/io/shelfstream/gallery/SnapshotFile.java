package io.shelfstream.gallery;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * The format of a gallery in a file, made to be read in large pieces by several threads: sections
 * one after the other, each with a CRC-32C of its own (processors compute it as fast as memory
 * gives the bytes), their directory at the end.
 *
 * <pre>
 * {@value #MAGIC}, format
 * for each segment   centres of its lists: float32, lists × dimension (inverted files only)
 *                    rows of each list: int32 (inverted files only); they follow list by list
 *   each chunk     the metadata of its photos, and the SHA-256 of each embedding
 *                    embeddings: float32, rows × dimension
 * directory          header, place and checksum of every section
 * its length, its checksum, {@value #MAGIC}
 * </pre>
 *
 * All numbers of the sections are little-endian. A file that was cut short has no directory.
 */
final class SnapshotFile {

  /** How a file that is being written begins. */
  static final String DRAFT = ".snapshot-";

  /** Photos of a chunk, which only the last of a segment may lack: what one task reads. */
  static final int CHUNK = 16_384;

  private static final String MAGIC = "shelfstream-gallery";
  private static final int FORMAT = 3;
  private static final int HEAD = 2 + MAGIC.length() + Integer.BYTES;
  private static final int TAIL = Integer.BYTES + Integer.BYTES + 2 + MAGIC.length();
  private static final int MOST_DIRECTORY = 64 << 20;

  private SnapshotFile() {}

  /**
   * What a snapshot is of.
   *
   * @param topicId of the vectors topic: another topic of the same name has other offsets
   * @param versions for each partition the offset + 1 of the last record applied
   */
  record Header(
      String topicId,
      String extractorId,
      int dimension,
      Map<Integer, Long> versions,
      List<Part> parts) {

    int photos() {
      return parts.stream().mapToInt(Part::rows).sum();
    }

    /** What keeps a snapshot from serving a gallery of this kind, or nothing. */
    String unfitFor(String wantedTopic, String wantedExtractor, int wantedDimension) {
      if (!topicId.equals(wantedTopic)) {
        return "it is of topic id %s, not of %s".formatted(topicId, wantedTopic);
      }
      if (!extractorId.equals(wantedExtractor)) {
        return "its vectors are of extractor %s, not of %s".formatted(extractorId, wantedExtractor);
      }
      return dimension == wantedDimension
          ? ""
          : "its vectors have %d values, not %d".formatted(dimension, wantedDimension);
    }
  }

  /**
   * A segment in the file: live rows only.
   *
   * @param type Flat, or an inverted file of plain vectors
   * @param lists of an inverted file, else 0
   * @param searchParameter lists that a search looks at
   * @param centres of the lists; an empty section for Flat
   * @param counts rows of each list; an empty section for Flat
   */
  record Part(
      String type,
      int rows,
      int lists,
      int searchParameter,
      Section centres,
      Section counts,
      List<Chunk> chunks) {}

  /** Some rows of a segment. */
  record Chunk(int rows, Section metadata, Section vectors) {}

  /** A place in the file. */
  record Section(long offset, long length, int checksum) {

    static final Section NONE = new Section(0, 0, 0);

    void require(long expected) throws IOException {
      if (length != expected) {
        throw damaged("a section has %d bytes instead of %d".formatted(length, expected));
      }
    }

    /** Reads all of it and checks it. */
    ByteBuffer read(FileChannel channel) throws IOException {
      if (length > Integer.MAX_VALUE) {
        throw damaged("a section of %d bytes".formatted(length));
      }
      ByteBuffer bytes = direct((int) length);
      Reading reading = new Reading(channel, this);
      reading.next(bytes);
      reading.finish();
      return bytes;
    }
  }

  /** Reads a section piece by piece; what was read counts only after {@link #finish}. */
  static final class Reading {
    private final FileChannel channel;
    private final Section section;
    private final CRC32C sum = new CRC32C();
    private long at;

    Reading(FileChannel channel, Section section) {
      this.channel = channel;
      this.section = section;
    }

    /** Fills a buffer, which is ready to be read then. */
    void next(ByteBuffer bytes) throws IOException {
      bytes.mark();
      while (bytes.hasRemaining()) {
        int read = channel.read(bytes, section.offset + at);
        if (read < 0) {
          throw new IOException("it grew shorter while it was read");
        }
        at += read;
      }
      bytes.flip();
      sum.update(bytes.duplicate());
    }

    void finish() throws IOException {
      if (at != section.length || (int) sum.getValue() != section.checksum) {
        throw damaged("the checksum at byte %d does not fit".formatted(section.offset));
      }
    }
  }

  /** Writes sections one after the other. */
  static final class Writing {
    private final FileChannel channel;
    private CRC32C sum = new CRC32C();
    private long start;
    private long at;

    Writing(FileChannel channel) throws IOException {
      this.channel = channel;
      ByteArrayOutputStream head = new ByteArrayOutputStream();
      DataOutputStream out = new DataOutputStream(head);
      out.writeUTF(MAGIC);
      out.writeInt(FORMAT);
      put(ByteBuffer.wrap(head.toByteArray()));
      sum = new CRC32C();
      start = at;
    }

    void put(ByteBuffer bytes) throws IOException {
      sum.update(bytes.duplicate());
      while (bytes.hasRemaining()) {
        at += channel.write(bytes);
      }
    }

    /** Ends the section that began where the last one ended. */
    Section end() {
      Section section = new Section(start, at - start, (int) sum.getValue());
      sum = new CRC32C();
      start = at;
      return section;
    }

    void finish(Header header) throws IOException {
      ByteArrayOutputStream directory = new ByteArrayOutputStream();
      write(new DataOutputStream(directory), header);
      put(ByteBuffer.wrap(directory.toByteArray()));
      Section section = end();
      ByteArrayOutputStream tail = new ByteArrayOutputStream();
      DataOutputStream out = new DataOutputStream(tail);
      out.writeInt((int) section.length);
      out.writeInt(section.checksum);
      out.writeUTF(MAGIC);
      put(ByteBuffer.wrap(tail.toByteArray()));
    }
  }

  /**
   * Reads what a file is of, and where everything lies.
   *
   * @throws IOException saying what is wrong with it
   */
  static Header open(FileChannel channel) throws IOException {
    long size = channel.size();
    requireFormat(channel, size);
    ByteBuffer tail = bytes(channel, size - TAIL, TAIL);
    int length = tail.getInt();
    int checksum = tail.getInt();
    if (!isMagic(tail) || length < 0 || length > Math.min(MOST_DIRECTORY, size - HEAD - TAIL)) {
      throw damaged("it has no directory at its end");
    }
    Section directory = new Section(size - TAIL - length, length, checksum);
    ByteBuffer bytes = directory.read(channel);
    try {
      return header(input(bytes), size);
    } catch (EOFException e) {
      throw damaged("its directory ends early");
    }
  }

  private static void requireFormat(FileChannel channel, long size) throws IOException {
    if (size < HEAD + TAIL) {
      throw new IOException("it is no gallery snapshot, or was cut short");
    }
    ByteBuffer head = bytes(channel, 0, HEAD);
    if (!isMagic(head)) {
      throw new IOException("it is no gallery snapshot");
    }
    int format = head.getInt();
    if (format != FORMAT) {
      throw new IOException("it has format %d, this version reads %d".formatted(format, FORMAT));
    }
  }

  private static boolean isMagic(ByteBuffer bytes) {
    short length = bytes.getShort();
    byte[] magic = new byte[MAGIC.length()];
    bytes.get(magic);
    return length == MAGIC.length() && new String(magic, UTF_8).equals(MAGIC);
  }

  private static ByteBuffer bytes(FileChannel channel, long offset, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, offset + bytes.position()) < 0) {
        throw new IOException("it grew shorter while it was read");
      }
    }
    return bytes.flip();
  }

  static DataInputStream input(ByteBuffer bytes) {
    byte[] copy = new byte[bytes.remaining()];
    bytes.duplicate().get(copy);
    return new DataInputStream(new ByteArrayInputStream(copy));
  }

  private static void write(DataOutput out, Header header) throws IOException {
    out.writeUTF(header.topicId);
    out.writeUTF(header.extractorId);
    out.writeInt(header.dimension);
    out.writeInt(header.versions.size());
    for (Map.Entry<Integer, Long> version : new TreeMap<>(header.versions).entrySet()) {
      out.writeInt(version.getKey());
      out.writeLong(version.getValue());
    }
    out.writeInt(header.parts.size());
    for (Part part : header.parts) {
      out.writeUTF(part.type);
      out.writeInt(part.rows);
      out.writeInt(part.lists);
      out.writeInt(part.searchParameter);
      write(out, part.centres);
      write(out, part.counts);
      out.writeInt(part.chunks.size());
      for (Chunk chunk : part.chunks) {
        out.writeInt(chunk.rows);
        write(out, chunk.metadata);
        write(out, chunk.vectors);
      }
    }
  }

  private static void write(DataOutput out, Section section) throws IOException {
    out.writeLong(section.offset);
    out.writeLong(section.length);
    out.writeInt(section.checksum);
  }

  private static Header header(DataInput in, long size) throws IOException {
    String topicId = in.readUTF();
    String extractorId = in.readUTF();
    int dimension = in.readInt();
    Map<Integer, Long> versions = new HashMap<>();
    for (int i = in.readInt(); i > 0; i--) {
      versions.put(in.readInt(), in.readLong());
    }
    List<Part> parts = new ArrayList<>();
    for (int i = in.readInt(); i > 0; i--) {
      parts.add(part(in, dimension, size));
    }
    return new Header(topicId, extractorId, dimension, Map.copyOf(versions), List.copyOf(parts));
  }

  private static Part part(DataInput in, int dimension, long size) throws IOException {
    String type = in.readUTF();
    int rows = in.readInt();
    int lists = in.readInt();
    int searchParameter = in.readInt();
    Section centres = section(in, size);
    centres.require((long) lists * dimension * Float.BYTES);
    Section counts = section(in, size);
    counts.require((long) lists * Integer.BYTES);
    List<Chunk> chunks = new ArrayList<>();
    int seen = 0;
    for (int i = in.readInt(); i > 0; i--) {
      Chunk chunk = new Chunk(in.readInt(), section(in, size), section(in, size));
      if (chunk.rows < 1 || chunk.rows != Math.min(CHUNK, rows - seen)) {
        throw damaged("a chunk of %d rows".formatted(chunk.rows));
      }
      chunk.vectors.require((long) chunk.rows * dimension * Float.BYTES);
      seen += chunk.rows;
      chunks.add(chunk);
    }
    if (seen != rows) {
      throw damaged("%d rows of %d".formatted(seen, rows));
    }
    return new Part(type, rows, lists, searchParameter, centres, counts, List.copyOf(chunks));
  }

  private static Section section(DataInput in, long size) throws IOException {
    Section section = new Section(in.readLong(), in.readLong(), in.readInt());
    if (section.offset < 0 || section.length < 0 || section.offset > size - section.length) {
      throw damaged("a section lies outside it");
    }
    return section;
  }

  static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  static IOException damaged(String what) {
    return new IOException("it is damaged or was cut short: " + what);
  }
}
