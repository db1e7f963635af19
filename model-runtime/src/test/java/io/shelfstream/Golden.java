package io.shelfstream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shelfstream.image.Image;
import io.shelfstream.image.ImageDecoder;
import io.shelfstream.image.ImageException;
import io.shelfstream.image.ImageLimits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Assumptions;

/** The expected numbers, written by src/test/python/golden.py; and the shared photos and models. */
public final class Golden {
  private Golden() {}

  /** A file of the test resources. */
  public static Path file(String name) {
    URL url = Objects.requireNonNull(Golden.class.getResource("/" + name), name);
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  public static byte[] bytes(String name) {
    return bytes(file(name));
  }

  public static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static JsonNode json(String name) {
    try {
      return new ObjectMapper().readTree(file("golden/" + name).toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static Stream<JsonNode> stream(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false);
  }

  /** Little-endian float32 values in base64. */
  public static float[] floats(JsonNode base64) {
    byte[] bytes = Base64.getDecoder().decode(base64.asText());
    FloatBuffer values = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    float[] floats = new float[values.remaining()];
    values.get(floats);
    return floats;
  }

  public static int[] ints(JsonNode array) {
    return stream(array).mapToInt(JsonNode::asInt).toArray();
  }

  /** Decodes within the default limits. */
  public static Image image(byte[] encoded) {
    try {
      return new ImageDecoder(ImageLimits.DEFAULT).decode(encoded);
    } catch (ImageException e) {
      throw new AssertionError(e);
    }
  }

  /** A file or folder of the shared photos and models; skips the test where they are not there. */
  public static Path shared(String name) {
    Path file = Path.of(System.getProperty("shelfstream.shared", "shared"), name);
    Assumptions.assumeTrue(
        Files.exists(file), () -> "no shared photos and models: " + file + " does not exist");
    return file;
  }
}
