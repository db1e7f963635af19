package io.shelfstream.gallery;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;

/** The metadata of photos, and the fingerprints of their embeddings, as a snapshot holds them. */
final class MetadataWriter {

  /** For a GTIN that is not there. */
  static final int NONE = -1;

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

  /** Adds metadata that was written before, as it lies in memory. */
  void add(byte[] written, int from, int length) throws IOException {
    out.write(written, from, length);
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
}
