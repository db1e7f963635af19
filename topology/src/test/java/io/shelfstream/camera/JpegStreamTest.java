package io.shelfstream.camera;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JpegStreamTest {
  private static final int MAX = 100_000;

  private final byte[] one = picture(1);
  private final byte[] two = picture(2);

  private static byte[] picture(int number) {
    try (FakeCamera camera = new FakeCamera()) {
      return camera.picture(number);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static byte[] joined(Object... parts) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (Object part : parts) {
      bytes.writeBytes(
          part instanceof byte[] raw ? raw : part.toString().getBytes(StandardCharsets.ISO_8859_1));
    }
    return bytes.toByteArray();
  }

  private static List<byte[]> pictures(byte[] stream) throws IOException {
    JpegStream pictures = new JpegStream(new ByteArrayInputStream(stream), MAX);
    List<byte[]> found = new ArrayList<>();
    for (byte[] picture = pictures.next(); picture != null; picture = pictures.next()) {
      found.add(picture);
    }
    return found;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "\r\n--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 5\r\n\r\n",
        "\n----other\nContent-Length: 99999999\n\n",
        "\u00ff\u00d8 text that begins like a picture \u00ff\u00ff\u00d9",
        "\u0000\u00ff",
      })
  void findsEachPictureWhateverStandsBetween(String between) throws IOException {
    assertThat(pictures(joined(between, one, between, two, between, one, between)))
        .containsExactly(one, two, one);
  }

  @Test
  void leavesOutAPictureThatBreaksOffAnywhere() throws IOException {
    // What follows may be taken for a segment, which has up to 64 KiB.
    byte[] after = joined(Collections.nCopies((1 << 17) / two.length, two).toArray());
    for (int end = 2; end < one.length; end += end < 700 ? 1 : 7) {
      byte[] broken = Arrays.copyOf(one, end);

      List<byte[]> found = pictures(joined(broken, "\r\n--frame\r\n\r\n", after));

      assertThat(found)
          .as("broken off at %d", end)
          .isNotEmpty()
          .allMatch(picture -> Arrays.equals(picture, two));
      assertThat(pictures(broken)).as("ends at %d", end).isEmpty();
    }
  }

  @Test
  void doesNotEndAPictureWithItsThumbnail() throws IOException {
    int length = two.length + 2;
    byte[] withThumbnail =
        joined(
            Arrays.copyOf(one, 2),
            new byte[] {(byte) 0xFF, (byte) 0xE1, (byte) (length >> 8), (byte) length},
            two,
            Arrays.copyOfRange(one, 2, one.length));

    assertThat(pictures(joined(withThumbnail, one))).containsExactly(withThumbnail, one);
  }

  @Test
  void keepsMarkersWithinTheData() throws IOException {
    byte[] restarts =
        joined(
            "\u00ff\u00d8\u00ff\u00da\u0000\u0004ab",
            "data\u00ff\u0000data\u00ff\u00d0data\u00ff\u00ff\u00d7data",
            "\u00ff\u00da\u0000\u0002second scan\u00ff\u00d9");

    assertThat(pictures(joined(restarts, restarts))).containsExactly(restarts, restarts);
  }

  @Test
  void leavesOutAPictureWithoutEnd() throws IOException {
    byte[] endless = joined("\u00ff\u00d8\u00ff\u00da\u0000\u0002", "x".repeat(3 * MAX));

    assertThat(pictures(joined(endless, one))).containsExactly(one);
  }
}
