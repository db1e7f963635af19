package io.shelfstream.gallery.paddleclas;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.index.FaissIndex;
import io.shelfstream.index.Metric;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Writer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes a gallery as PaddleClas's build_gallery does, and as {@link IndexDirectory} reads it: the
 * index, the names as a pickle for PaddleClas's Python programs, and the same names as text.
 */
public final class IndexDirectoryWriter implements AutoCloseable {

  /** As PaddleClas names it. */
  static final String PICKLE = "id_map.pkl";

  /** Vectors handed to Faiss together. */
  private static final int BATCH = 1024;

  private final Path directory;
  private final FaissIndex index;
  private final List<String> names = new ArrayList<>();
  private final FloatBuffer batch;

  /**
   * Begins an index of the type that PaddleClas builds.
   *
   * @param type HNSW32, PaddleClas's default, or Flat
   */
  public IndexDirectoryWriter(Path directory, String type, int dimension) throws IOException {
    this.directory = Files.createDirectories(directory);
    this.index = FaissIndex.create(type, dimension, Metric.INNER_PRODUCT);
    this.batch =
        ByteBuffer.allocateDirect(BATCH * dimension * Float.BYTES)
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
  }

  /**
   * Adds a photo; its name is its id, a tab and its label, as in a gallery list.
   *
   * @throws IllegalArgumentException when its embedding has another dimension, or its id or label
   *     holds a tab or line break
   */
  public void add(GalleryVector photo) {
    String name = photo.getGalleryImageId() + "\t" + photo.getLabel();
    if (name.split("[\t\r\n]", -1).length != 2) {
      throw new IllegalArgumentException(
          "photo '%s' with label '%s' refused: a tab or line break cannot be written in this format"
              .formatted(photo.getGalleryImageId(), photo.getLabel()));
    }
    float[] embedding = Embeddings.decode(photo.getEmbedding());
    if (embedding.length != index.dimension()) {
      throw new IllegalArgumentException(
          "photo '%s' refused: its embedding has %d values, those before it %d"
              .formatted(photo.getGalleryImageId(), embedding.length, index.dimension()));
    }
    batch.put(embedding);
    names.add(name);
    if (!batch.hasRemaining()) {
      flush();
    }
  }

  private void flush() {
    batch.flip();
    int rows = batch.remaining() / index.dimension();
    long[] ids = new long[rows];
    for (int i = 0; i < rows; i++) {
      ids[i] = names.size() - rows + i;
    }
    index.add(ids, batch);
    batch.clear();
  }

  /** Writes the files; ids are 0, 1, 2 … in the order of {@link #add}. */
  public void finish() throws IOException {
    flush();
    index.write(directory.resolve(IndexDirectory.INDEX));
    try (Writer out = Files.newBufferedWriter(directory.resolve(IndexDirectory.NAMES), UTF_8)) {
      for (int i = 0; i < names.size(); i++) {
        out.write(i + " " + names.get(i) + "\n");
      }
    }
    try (OutputStream out =
        new BufferedOutputStream(Files.newOutputStream(directory.resolve(PICKLE)))) {
      pickle(out);
    }
  }

  /** A dict of int to str in pickle protocol 2 (PEP 307). */
  private void pickle(OutputStream out) throws IOException {
    out.write(new byte[] {(byte) 0x80, 2, '}', '('});
    for (int i = 0; i < names.size(); i++) {
      byte[] name = names.get(i).getBytes(UTF_8);
      out.write('J');
      out.write(littleEndian(i));
      out.write('X');
      out.write(littleEndian(name.length));
      out.write(name);
    }
    out.write(new byte[] {'u', '.'});
  }

  private static byte[] littleEndian(int value) {
    return ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array();
  }

  @Override
  public void close() {
    index.close();
  }
}
