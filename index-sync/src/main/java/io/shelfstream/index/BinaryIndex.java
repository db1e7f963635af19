package io.shelfstream.index;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Index files of codes that are compared by Hamming distance, in Faiss's format for binary indexes.
 *
 * <p>A code of D bits is searched as the vector of unit length whose values are 1/√D for a one and
 * -1/√D for a zero: the inner product of two such vectors is 1 - 2d/D, where d is the Hamming
 * distance of the codes. So the nearest code has the largest score, and an exact search finds what
 * an exact search by Hamming distance finds. It takes 4 bytes of memory a bit.
 */
public final class BinaryIndex {

  /** How Faiss marks its binary indexes. */
  private static final byte[] MAGIC = {'I', 'B'};

  private static final int BATCH = 1024;

  private BinaryIndex() {}

  /**
   * An index that was read.
   *
   * @param type BFlat, BHNSW and links, or BIVF and lists: how the file keeps the codes
   * @param vectors the codes as vectors, searched exactly; to be closed by the caller
   */
  public record Read(String type, FaissIndex vectors) {}

  /** Whether a file holds codes; false when it cannot be read. */
  public static boolean is(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return Arrays.equals(in.readNBytes(MAGIC.length), MAGIC);
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Reads a file. Codes without ids get their positions as ids.
   *
   * @throws IndexException with code FILE when it is missing or damaged, UNSUPPORTED when it holds
   *     a binary index of another kind
   */
  public static Read read(Path file) {
    NativeLibrary.require();
    Object[] parts = NativeFaiss.readBinary0(file.toString().getBytes(UTF_8));
    String type = new String((byte[]) parts[0], UTF_8);
    int bits = (int) ((long[]) parts[1])[0];
    long[] ids = (long[]) parts[2];
    byte[] codes = (byte[]) parts[3];
    FaissIndex index = FaissIndex.create(IndexType.FLAT.name(), bits, Metric.INNER_PRODUCT);
    try {
      for (int from = 0; from < ids.length; from += BATCH) {
        int rows = Math.min(BATCH, ids.length - from);
        index.add(
            Arrays.copyOfRange(ids, from, from + rows),
            vectors(ByteBuffer.wrap(codes, from * (bits / 8), rows * (bits / 8)), bits));
      }
      return new Read(type, index);
    } catch (RuntimeException e) {
      index.close();
      throw e;
    }
  }

  private static FloatBuffer vectors(ByteBuffer codes, int bits) {
    float one = (float) (1 / Math.sqrt(bits));
    FloatBuffer values = floats(codes.remaining() * 8);
    while (codes.hasRemaining()) {
      int code = codes.get();
      for (int mask = 0x80; mask > 0; mask >>= 1) {
        values.put((code & mask) != 0 ? one : -one);
      }
    }
    return values.flip();
  }

  private static FloatBuffer floats(int count) {
    return ByteBuffer.allocateDirect(count * Float.BYTES)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  /**
   * Writes vectors as codes: a positive value is a one, every other a zero.
   *
   * @param type BFlat, BHNSW and links, or BIVF and lists
   * @param vectors of a multiple of 8 values
   * @throws IllegalArgumentException for another type or dimension
   */
  public static void write(Path file, String type, FaissIndex vectors) {
    int bits = vectors.dimension();
    int rows = Math.toIntExact(vectors.size());
    long[] ids = new long[rows];
    byte[] codes = new byte[Math.multiplyExact(rows, bits / 8)];
    for (int from = 0; from < rows; from += BATCH) {
      FloatBuffer some = floats(Math.min(BATCH, rows - from) * bits);
      long[] those = vectors.rows(from, some);
      System.arraycopy(those, 0, ids, from, those.length);
      for (int i = 0; some.hasRemaining(); i++) {
        if (some.get() > 0) {
          codes[from * (bits / 8) + i / 8] |= (byte) (0x80 >> i % 8);
        }
      }
    }
    AtomicFile.write(
        file,
        draft ->
            NativeFaiss.writeBinary0(
                draft.toString().getBytes(UTF_8), type.getBytes(UTF_8), bits, ids, codes));
  }
}
