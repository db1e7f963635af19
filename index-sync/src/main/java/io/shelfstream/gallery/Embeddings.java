package io.shelfstream.gallery;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The form of an embedding in events: its values as little-endian float32, one after the other. */
public final class Embeddings {

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

  /** Euclidean length; 1 for what an extractor gives. */
  static double length(float[] embedding) {
    double sum = 0;
    for (float value : embedding) {
      sum += (double) value * value;
    }
    return Math.sqrt(sum);
  }
}
