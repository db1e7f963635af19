package io.shelfstream.gallery;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What is said of photos, and the fingerprints of their embeddings, as a snapshot holds them. */
final class PhotoWords {

  /** For a GTIN that is not there. */
  private static final int NONE = -1;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 20);
  private final DataOutputStream out = new DataOutputStream(bytes);

  void add(GalleryEntry entry, Fingerprint fingerprint) throws IOException {
    add(entry.galleryImageId());
    add(entry.productId());
    add(entry.label());
    if (entry.gtin() == null) {
      out.writeInt(NONE);
    } else {
      add(entry.gtin());
    }
    out.writeInt(entry.attributes().size());
    for (Map.Entry<String, String> attribute : entry.attributes().entrySet()) {
      add(attribute.getKey());
      add(attribute.getValue());
    }
    out.writeLong(fingerprint.a());
    out.writeLong(fingerprint.b());
    out.writeLong(fingerprint.c());
    out.writeLong(fingerprint.d());
  }

  private void add(String text) throws IOException {
    byte[] encoded = text.getBytes(UTF_8);
    out.writeInt(encoded.length);
    out.write(encoded);
  }

  /** Gives what was added and begins anew. */
  ByteBuffer take() {
    ByteBuffer taken = ByteBuffer.wrap(bytes.toByteArray());
    bytes.reset();
    return taken;
  }

  /** Reads the same again. For one thread. */
  static final class Reader {
    private final ByteBuffer bytes;
    private final byte[] array;

    /** The words read last, by hash: what is said of many photos is mostly kept once. */
    private final String[] shared = new String[1024];

    Reader(ByteBuffer direct) {
      array = new byte[direct.remaining()];
      direct.get(array);
      bytes = ByteBuffer.wrap(array);
    }

    /** Takes what is said of the next photo. */
    interface Photos {
      void accept(GalleryEntry entry, Fingerprint fingerprint) throws IOException;
    }

    void read(int photos, Photos to) throws IOException {
      try {
        for (int i = 0; i < photos; i++) {
          String id = text();
          if (id.isBlank()) {
            throw SnapshotFile.damaged("a photo without galleryImageId");
          }
          GalleryEntry entry =
              new GalleryEntry(id, sharedText(), sharedText(), gtin(), attributes());
          to.accept(
              entry,
              new Fingerprint(bytes.getLong(), bytes.getLong(), bytes.getLong(), bytes.getLong()));
        }
      } catch (BufferUnderflowException e) {
        throw SnapshotFile.damaged("what is said of its photos ends early");
      }
      if (bytes.hasRemaining()) {
        throw SnapshotFile.damaged("more is said of its photos than there are");
      }
    }

    private @Nullable String gtin() {
      int length = bytes.getInt();
      return length == NONE ? null : text(length);
    }

    private Map<String, String> attributes() {
      int count = bytes.getInt();
      if (count == 0) {
        return Map.of();
      }
      Map<String, String> attributes = new HashMap<>();
      for (int i = 0; i < count; i++) {
        attributes.put(sharedText(), sharedText());
      }
      return attributes;
    }

    private String sharedText() {
      String text = text();
      int place = text.hashCode() & (shared.length - 1);
      if (!text.equals(shared[place])) {
        shared[place] = text;
      }
      return shared[place];
    }

    private String text() {
      return text(bytes.getInt());
    }

    private String text(int length) {
      if (length < 0 || length > bytes.remaining()) {
        throw new BufferUnderflowException();
      }
      String text = new String(array, bytes.position(), length, UTF_8);
      bytes.position(bytes.position() + length);
      return text;
    }
  }
}
