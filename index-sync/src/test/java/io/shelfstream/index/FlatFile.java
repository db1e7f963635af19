package io.shelfstream.index;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Faiss's file format for a flat index with ids (IDMap2,Flat), little-endian: header, header and
 * values of the flat index, ids. A header is tag, dimension, rows, two unused numbers, trained,
 * metric; an array is its length and its elements. Mirrors faiss/impl/index_write.cpp.
 */
final class FlatFile {

  /** What Faiss writes in the unused places of a header. */
  private static final long UNUSED = 1 << 20;

  private FlatFile() {}

  static void write(Path file, int dimension, Metric metric, List<FlatIndex.Row> rows)
      throws IOException {
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16)) {
      out.write(header("IxM2", dimension, rows.size(), metric));
      out.write(header(metric == Metric.L2 ? "IxF2" : "IxFI", dimension, rows.size(), metric));
      out.write(length((long) rows.size() * dimension));
      byte[] values = new byte[dimension * Float.BYTES];
      for (FlatIndex.Row row : rows) {
        littleEndian(values).asFloatBuffer().put(row.vector());
        out.write(values);
      }
      out.write(length(rows.size()));
      for (FlatIndex.Row row : rows) {
        out.write(length(row.id()));
      }
    }
  }

  private static byte[] header(String tag, int dimension, long rows, Metric metric) {
    byte[] header = new byte[4 + 4 + 8 + 8 + 8 + 1 + 4];
    littleEndian(header)
        .put(tag.getBytes(US_ASCII))
        .putInt(dimension)
        .putLong(rows)
        .putLong(UNUSED)
        .putLong(UNUSED)
        .put((byte) 1)
        .putInt(metric == Metric.L2 ? 1 : 0);
    return header;
  }

  private static byte[] length(long value) {
    byte[] length = new byte[Long.BYTES];
    littleEndian(length).putLong(value);
    return length;
  }

  private static ByteBuffer littleEndian(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
