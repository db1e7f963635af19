package io.shelfstream.gallery;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The form of an embedding in events: its values as little-endian float32, one after the other. */
public final class Embeddings {

  /** How far rounding each value to float32 takes a length from 1, at most. */
  private static final double ROUNDING = 1e-6;

  private Embeddings() {}

  /** Gives a new buffer of 4 × length bytes, ready to be read. */
  public static ByteBuffer encode(float[] embedding) {
    ByteBuffer bytes =
        ByteBuffer.allocate(embedding.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(embedding);
    return bytes;
  }

  /**
   * Reads what lies between position and limit and leaves both where they are.
   *
   * @throws IllegalArgumentException when it is no whole number of values
   */
  public static float[] decode(ByteBuffer bytes) {
    if (bytes.remaining() % Float.BYTES != 0) {
      throw new IllegalArgumentException(
          "embedding of " + bytes.remaining() + " bytes refused: 4 bytes a value expected");
    }
    float[] embedding = new float[bytes.remaining() / Float.BYTES];
    bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(embedding);
    return embedding;
  }

  /** Cosine of two embeddings of unit length. */
  public static double innerProduct(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  /**
   * The embedding at unit length. One that has it already, up to float32's rounding, is given back
   * as it is: its bits stay the same, however often it passes here.
   *
   * @throws IllegalArgumentException when it is all zero or not finite
   */
  public static float[] unit(float[] embedding) {
    double length = length(embedding);
    if (!(length > 0 && length < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("embedding refused: it is all zero or not finite");
    }
    if (Math.abs(length - 1) < ROUNDING) {
      return embedding;
    }
    float[] unit = new float[embedding.length];
    for (int i = 0; i < unit.length; i++) {
      unit[i] = (float) (embedding[i] / length);
    }
    return unit;
  }

  /** Euclidean length; 1 for what an extractor gives. */
  public static double length(float[] embedding) {
    double sum = 0;
    for (float value : embedding) {
      sum += (double) value * value;
    }
    return Math.sqrt(sum);
  }
}
