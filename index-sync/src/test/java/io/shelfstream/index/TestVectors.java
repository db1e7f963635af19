package io.shelfstream.index;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Random;
import java.util.stream.LongStream;

/** Seeded unit vectors, and buffers of every kind. */
public final class TestVectors {

  private TestVectors() {}

  public static float[] unit(Random random, int dimension) {
    float[] vector = new float[dimension];
    double sum = 0;
    for (int i = 0; i < dimension; i++) {
      vector[i] = (float) random.nextGaussian();
      sum += vector[i] * vector[i];
    }
    for (int i = 0; i < dimension; i++) {
      vector[i] /= (float) Math.sqrt(sum);
    }
    return vector;
  }

  static FloatBuffer units(long seed, int count, int dimension) {
    Random random = new Random(seed);
    FloatBuffer vectors = FloatBuffer.allocate(count * dimension);
    for (int i = 0; i < count; i++) {
      vectors.put(unit(random, dimension));
    }
    return vectors.flip();
  }

  static FloatBuffer direct(FloatBuffer vectors, ByteOrder order) {
    FloatBuffer copy =
        ByteBuffer.allocateDirect(vectors.remaining() * Float.BYTES).order(order).asFloatBuffer();
    return copy.put(vectors.duplicate()).flip();
  }

  static FloatBuffer direct(FloatBuffer vectors) {
    return direct(vectors, ByteOrder.nativeOrder());
  }

  static ByteOrder foreignOrder() {
    return ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN
        ? ByteOrder.BIG_ENDIAN
        : ByteOrder.LITTLE_ENDIAN;
  }

  static long[] ids(int count) {
    return LongStream.range(0, count).toArray();
  }
}
