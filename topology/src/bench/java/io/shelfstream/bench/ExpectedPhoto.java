package io.shelfstream.bench;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.Embeddings;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A photo as the vectors topic has it; one line of a file. */
record ExpectedPhoto(String id, String product, String label, float[] embedding) {

  static ExpectedPhoto of(GalleryVector vector) {
    return new ExpectedPhoto(
        vector.getGalleryImageId(),
        vector.getProductId(),
        vector.getLabel(),
        Embeddings.decode(vector.getEmbedding()));
  }

  static ExpectedPhoto parse(String line) {
    String[] parts = line.split("\t", -1);
    String[] values = parts[3].split(",", -1);
    float[] embedding = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      embedding[i] = Float.parseFloat(values[i]);
    }
    return new ExpectedPhoto(parts[0], parts[1], parts[2], embedding);
  }

  String line() {
    String values =
        IntStream.range(0, embedding.length)
            .mapToObj(i -> Float.toString(embedding[i]))
            .collect(Collectors.joining(","));
    return String.join("\t", id, product, label, values);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ExpectedPhoto o
        && id.equals(o.id)
        && product.equals(o.product)
        && label.equals(o.label)
        && Arrays.equals(embedding, o.embedding);
  }

  @Override
  public int hashCode() {
    return id.hashCode();
  }
}
