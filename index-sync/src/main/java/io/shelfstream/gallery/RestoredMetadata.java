package io.shelfstream.gallery;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The metadata of the photos of a chunk, as {@link MetadataWriter} wrote it. It stays as it is
 * until somebody asks: objects of a million photos take longer than reading all the rest, and five
 * times the memory. Safe for threads.
 */
final class RestoredMetadata {

  private static final int FINGERPRINT = 4 * Long.BYTES;

  private final byte[] bytes;

  /** Where each photo begins, and where the last one ends. */
  private final int[] starts;

  private final int[] hashes;

  /** The metadata read last, by hash: metadata of many photos is mostly kept once. */
  private final @Nullable String[] shared = new @Nullable String[256];

  /**
   * @param direct metadata of so many photos
   * @throws IOException when it is anything else
   */
  RestoredMetadata(ByteBuffer direct, int photos) throws IOException {
    bytes = new byte[direct.remaining()];
    direct.get(bytes);
    starts = new int[photos + 1];
    hashes = new int[photos];
    ByteBuffer at = ByteBuffer.wrap(bytes);
    try {
      for (int i = 0; i < photos; i++) {
        starts[i] = at.position();
        hashes[i] = hashOfId(at);
        skipRest(at);
        starts[i + 1] = at.position();
      }
    } catch (BufferUnderflowException e) {
      throw SnapshotFile.damaged("the metadata of its photos ends early");
    }
    if (at.hasRemaining()) {
      throw SnapshotFile.damaged("more metadata than it has photos");
    }
  }

  private int hashOfId(ByteBuffer at) throws IOException {
    int from = at.position() + Integer.BYTES;
    skip(at, at.getInt());
    int end = at.position();
    if (end == from || (bytes[from] <= ' ' && text(from, end - from).isBlank())) {
      throw SnapshotFile.damaged("a photo without galleryImageId");
    }
    return hash(bytes, from, end);
  }

  private static void skipRest(ByteBuffer at) {
    skip(at, at.getInt());
    skip(at, at.getInt());
    int gtin = at.getInt();
    skip(at, gtin == MetadataWriter.NONE ? 0 : gtin);
    for (int i = at.getInt(); i > 0; i--) {
      skip(at, at.getInt());
      skip(at, at.getInt());
    }
    skip(at, FINGERPRINT);
  }

  private static void skip(ByteBuffer at, int length) {
    if (length < 0 || length > at.remaining()) {
      throw new BufferUnderflowException();
    }
    at.position(at.position() + length);
  }

  /** Of an id's UTF-8. */
  static int hash(byte[] id, int from, int end) {
    int hash = 1;
    for (int i = from; i < end; i++) {
      hash = 31 * hash + id[i];
    }
    // Ids mostly differ in their last characters, and places in a table in the lowest bits.
    hash *= 0x9E3779B9;
    return hash ^ hash >>> 15;
  }

  int idHash(int photo) {
    return hashes[photo];
  }

  boolean hasId(int photo, byte[] id) {
    int from = starts[photo] + Integer.BYTES;
    int length = ByteBuffer.wrap(bytes).getInt(starts[photo]);
    return Arrays.equals(bytes, from, from + length, id, 0, id.length);
  }

  byte[] id(int photo) {
    int from = starts[photo] + Integer.BYTES;
    return Arrays.copyOfRange(bytes, from, from + ByteBuffer.wrap(bytes).getInt(starts[photo]));
  }

  GalleryEntry entry(int photo) {
    ByteBuffer at = ByteBuffer.wrap(bytes).position(starts[photo]);
    String id = text(at, at.getInt());
    String product = sharedText(at);
    String label = sharedText(at);
    int gtin = at.getInt();
    return new GalleryEntry(
        id, product, label, gtin == MetadataWriter.NONE ? null : text(at, gtin), attributes(at));
  }

  Fingerprint fingerprint(int photo) {
    ByteBuffer at = ByteBuffer.wrap(bytes).position(starts[photo + 1] - FINGERPRINT);
    return new Fingerprint(at.getLong(), at.getLong(), at.getLong(), at.getLong());
  }

  /** Says the same again. */
  void writeMetadata(int photo, MetadataWriter to) throws IOException {
    to.add(bytes, starts[photo], starts[photo + 1] - starts[photo]);
  }

  private Map<String, String> attributes(ByteBuffer at) {
    int count = at.getInt();
    if (count == 0) {
      return Map.of();
    }
    Map<String, String> attributes = new HashMap<>();
    for (int i = 0; i < count; i++) {
      attributes.put(sharedText(at), sharedText(at));
    }
    return attributes;
  }

  private String sharedText(ByteBuffer at) {
    String text = text(at, at.getInt());
    int place = text.hashCode() & (shared.length - 1);
    String before = shared[place];
    if (text.equals(before)) {
      return before;
    }
    shared[place] = text;
    return text;
  }

  private String text(ByteBuffer at, int length) {
    String text = text(at.position(), length);
    at.position(at.position() + length);
    return text;
  }

  private String text(int from, int length) {
    return new String(bytes, from, length, UTF_8);
  }
}
