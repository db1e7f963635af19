package io.shelfstream.evaluate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shelfstream.client.UsageException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Embeddings of photos in a file, so that each is computed once and other programs can have them:
 * JSON, a line a photo, {@code {"photo": name, "sha256": hex of its bytes, "extractor": name and
 * hash, "embedding": [numbers]}}. Each number is written so that a float reads as it was. Lines are
 * only added, those of other extractors stay; a last line that was cut off is removed. Used by one
 * thread.
 */
public final class EmbeddingFile implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String BEGINNING = "{\"photo\":";

  private final String extractor;
  private final int dimension;
  private final Map<String, float[]> embeddings = new HashMap<>();
  private final Writer out;

  /**
   * Opens a file, or begins one.
   *
   * @param extractor whose embeddings are wanted
   * @throws UsageException when the file holds something else
   */
  public EmbeddingFile(Path file, String extractor, int dimension) throws IOException {
    this.extractor = extractor;
    this.dimension = dimension;
    if (Files.exists(file)) {
      read(file);
    }
    this.out =
        Files.newBufferedWriter(
            file, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  private void read(Path file) throws IOException {
    long whole = 0; // bytes of whole lines
    try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      int number = 0;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        long end = whole + line.getBytes(StandardCharsets.UTF_8).length + 1;
        if (end > Files.size(file)) { // without its line end: cut off
          if (!line.startsWith(BEGINNING) && !BEGINNING.startsWith(line)) {
            throw refused(file, number);
          }
          break;
        }
        add(file, number, line);
        whole = end;
      }
    }
    if (whole < Files.size(file)) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.truncate(whole);
      }
    }
  }

  private void add(Path file, int number, String line) {
    JsonNode photo;
    try {
      photo = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw refused(file, number);
    }
    JsonNode values = photo.path("embedding");
    if (!photo.path("sha256").isTextual()
        || !photo.path("extractor").isTextual()
        || !values.isArray()) {
      throw refused(file, number);
    }
    if (!photo.path("extractor").asText().equals(extractor)) {
      return;
    }
    float[] embedding = new float[values.size()];
    for (int i = 0; i < embedding.length; i++) {
      embedding[i] = (float) values.get(i).asDouble();
    }
    if (embedding.length != dimension) {
      throw new UsageException(
          "%s: line %d has an embedding of %d values, the extractor's have %d; name another file, or delete it"
              .formatted(file, number, embedding.length, dimension));
    }
    embeddings.put(photo.path("sha256").asText(), embedding);
  }

  private static UsageException refused(Path file, int number) {
    return new UsageException(
        "%s is no file of embeddings: line %d is not {\"photo\": …, \"sha256\": …, \"extractor\": …, \"embedding\": […]}; name another file"
            .formatted(file, number));
  }

  /** The embedding of a photo with this content; null when it is not here. */
  float @Nullable [] get(String sha256) {
    return embeddings.get(sha256);
  }

  /** Adds a photo. */
  void put(String photo, String sha256, float[] embedding) throws IOException {
    ObjectNode line = JSON.createObjectNode();
    line.put("photo", photo).put("sha256", sha256).put("extractor", extractor);
    ArrayNode values = line.putArray("embedding");
    for (float value : embedding) {
      values.add(value);
    }
    out.write(line + "\n");
    embeddings.put(sha256, embedding);
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
