package io.shelfstream.gallery;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * A gallery in a file: {@value #MAGIC} and the format; topic, extractor, dimension, next offset of
 * each partition; number of photos; for each its words, the fingerprint of its embedding and the
 * embedding as little-endian float32; at the end the SHA-256 of all that. Whole or not there: it is
 * written beside its place, forced to the disk and renamed.
 */
final class SnapshotFile {

  /** How a file that is being written begins. */
  static final String DRAFT = ".snapshot-";

  private static final String MAGIC = "shelfstream-gallery";
  private static final int FORMAT = 1;
  private static final int CHECKSUM = 32;
  private static final int BUFFER = 1 << 20;

  private SnapshotFile() {}

  /**
   * What a snapshot is of.
   *
   * @param topicId of the vectors topic: another topic of the same name has other offsets
   * @param versions for each partition the offset + 1 of the last record applied
   */
  record Header(
      String topicId, String extractorId, int dimension, Map<Integer, Long> versions, int photos) {

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

  /** Takes photos one by one. */
  interface Photos {
    void accept(VectorRecord photo) throws IOException;
  }

  /** Gives all photos of a header to what it is given. */
  interface Source {
    void photos(Photos to) throws IOException;
  }

  static void write(Path file, Header header, Source source) throws IOException {
    Path draft = Files.createTempFile(file.toAbsolutePath().getParent(), DRAFT, ".tmp");
    try {
      try (FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE)) {
        MessageDigest digest = sha256();
        OutputStream disk = new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER);
        DataOutputStream out = new DataOutputStream(new DigestOutputStream(disk, digest));
        write(out, header);
        source.photos(photo -> write(out, photo));
        disk.write(digest.digest());
        disk.flush();
        channel.force(true);
      }
      Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      try (FileChannel folder = FileChannel.open(file.toAbsolutePath().getParent())) {
        folder.force(true);
      }
    } finally {
      Files.deleteIfExists(draft);
    }
  }

  private static void write(DataOutputStream out, Header header) throws IOException {
    out.writeUTF(MAGIC);
    out.writeInt(FORMAT);
    out.writeUTF(header.topicId);
    out.writeUTF(header.extractorId);
    out.writeInt(header.dimension);
    out.writeInt(header.versions.size());
    for (Map.Entry<Integer, Long> version : new TreeMap<>(header.versions).entrySet()) {
      out.writeInt(version.getKey());
      out.writeLong(version.getValue());
    }
    out.writeInt(header.photos);
  }

  private static void write(DataOutputStream out, VectorRecord photo) throws IOException {
    GalleryEntry entry = photo.entry();
    write(out, entry.galleryImageId());
    write(out, entry.productId());
    write(out, entry.label());
    out.writeBoolean(entry.gtin() != null);
    if (entry.gtin() != null) {
      write(out, entry.gtin());
    }
    out.writeInt(entry.attributes().size());
    for (Map.Entry<String, String> attribute : entry.attributes().entrySet()) {
      write(out, attribute.getKey());
      write(out, attribute.getValue());
    }
    Fingerprint fingerprint = photo.fingerprint();
    out.writeLong(fingerprint.a());
    out.writeLong(fingerprint.b());
    out.writeLong(fingerprint.c());
    out.writeLong(fingerprint.d());
    out.write(Embeddings.encode(photo.embedding()).array());
  }

  private static void write(DataOutputStream out, String text) throws IOException {
    byte[] bytes = text.getBytes(UTF_8);
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  /**
   * Reads what a file is of; its checksum has been verified then.
   *
   * @throws IOException saying what is wrong with it
   */
  static Header verify(Path file) throws IOException {
    try (DataInputStream in = open(file)) {
      requireFormat(in);
    }
    long length = Files.size(file);
    try (InputStream in = Files.newInputStream(file)) {
      MessageDigest digest = sha256();
      byte[] some = new byte[BUFFER];
      long left = length - CHECKSUM;
      while (left > 0) {
        int read = in.readNBytes(some, 0, (int) Math.min(left, BUFFER));
        if (read == 0) {
          throw new IOException("it grew shorter while it was read");
        }
        digest.update(some, 0, read);
        left -= read;
      }
      if (!Arrays.equals(digest.digest(), in.readNBytes(CHECKSUM))) {
        throw new IOException("its checksum does not fit: it is damaged or was cut short");
      }
    }
    try (DataInputStream in = open(file)) {
      return header(in);
    }
  }

  /** Reads the photos of a verified file. */
  static void read(Path file, Photos to) throws IOException {
    try (DataInputStream in = open(file)) {
      Header header = header(in);
      byte[] embedding = new byte[header.dimension * Float.BYTES];
      for (int i = 0; i < header.photos; i++) {
        to.accept(photo(in, embedding));
      }
    }
  }

  private static DataInputStream open(Path file) throws IOException {
    return new DataInputStream(new BufferedInputStream(Files.newInputStream(file), BUFFER));
  }

  private static void requireFormat(DataInputStream in) throws IOException {
    byte[] magic = in.readNBytes(2 + MAGIC.length());
    if (magic.length < 2 + MAGIC.length()
        || !new String(magic, 2, MAGIC.length(), UTF_8).equals(MAGIC)) {
      throw new IOException("it is no gallery snapshot");
    }
    int format = in.readInt();
    if (format != FORMAT) {
      throw new IOException("it has format %d, this version reads %d".formatted(format, FORMAT));
    }
  }

  private static Header header(DataInputStream in) throws IOException {
    requireFormat(in);
    String topicId = in.readUTF();
    String extractorId = in.readUTF();
    int dimension = in.readInt();
    int partitions = in.readInt();
    Map<Integer, Long> versions = new HashMap<>();
    for (int i = 0; i < partitions; i++) {
      versions.put(in.readInt(), in.readLong());
    }
    return new Header(topicId, extractorId, dimension, Map.copyOf(versions), in.readInt());
  }

  private static VectorRecord photo(DataInputStream in, byte[] embedding) throws IOException {
    String id = text(in);
    String productId = text(in);
    String label = text(in);
    String gtin = in.readBoolean() ? text(in) : null;
    Map<String, String> attributes = new HashMap<>();
    int count = in.readInt();
    for (int i = 0; i < count; i++) {
      attributes.put(text(in), text(in));
    }
    Fingerprint fingerprint =
        new Fingerprint(in.readLong(), in.readLong(), in.readLong(), in.readLong());
    in.readFully(embedding);
    return new VectorRecord(
        new GalleryEntry(id, productId, label, gtin, attributes),
        fingerprint,
        Embeddings.decode(ByteBuffer.wrap(embedding)));
  }

  private static String text(DataInputStream in) throws IOException {
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    return new String(bytes, UTF_8);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
