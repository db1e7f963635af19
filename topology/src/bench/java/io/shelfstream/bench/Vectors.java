package io.shelfstream.bench;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.Embeddings;
import java.util.Map;
import java.util.Random;

/** Unit vectors around random centres, as embeddings of similar products lie. */
final class Vectors {

  static final String EXTRACTOR = "bench-0123456789ab";

  private static final int CENTRES = 1000;

  /** Spread around a centre: cosine of two photos of one centre is about 0.6. */
  private static final double SPREAD = 0.8;

  private final Random random;
  private final int dimension;
  private final float[][] centres;

  Vectors(long seed, int dimension) {
    this.random = new Random(seed);
    this.dimension = dimension;
    this.centres = new float[CENTRES][];
    for (int i = 0; i < CENTRES; i++) {
      centres[i] = around(new float[dimension], 1);
    }
  }

  float[] next() {
    return around(centres[random.nextInt(CENTRES)], SPREAD);
  }

  private float[] around(float[] centre, double spread) {
    float[] vector = new float[dimension];
    double sum = 0;
    for (int i = 0; i < dimension; i++) {
      // Sum of four uniform numbers: near enough to normal, and ten times as fast.
      long bits = random.nextLong();
      int four =
          (int) (bits & 0xffff)
              + (int) (bits >>> 16 & 0xffff)
              + (int) (bits >>> 32 & 0xffff)
              + (int) (bits >>> 48);
      double normal = (four - 131070) / 37837.0;
      vector[i] = (float) (centre[i] + spread * normal / Math.sqrt(dimension));
      sum += (double) vector[i] * vector[i];
    }
    for (int i = 0; i < dimension; i++) {
      vector[i] /= (float) Math.sqrt(sum);
    }
    return vector;
  }

  static GalleryVector record(String id, String label, float[] embedding) {
    return record(id, label, embedding, Map.of());
  }

  static GalleryVector record(
      String id, String label, float[] embedding, Map<String, String> attributes) {
    return record(id, label, embedding, attributes, EXTRACTOR);
  }

  /**
   * @param extractor whose vector it is said to be
   */
  static GalleryVector record(
      String id,
      String label,
      float[] embedding,
      Map<String, String> attributes,
      String extractor) {
    return GalleryVector.newBuilder()
        .setGalleryImageId(id)
        .setProductId("product of " + id)
        .setLabel(label)
        .setEmbedding(Embeddings.encode(embedding))
        .setDimension(embedding.length)
        .setExtractor(extractor)
        .setSourceOffset(0)
        .setAttributes(attributes)
        .build();
  }
}
