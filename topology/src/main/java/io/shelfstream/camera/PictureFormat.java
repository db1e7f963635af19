package io.shelfstream.camera;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** What kind of picture bytes are, told by how they begin. */
final class PictureFormat {
  private PictureFormat() {}

  /** The usual end of a file's name; empty when it is no picture that can be recognised. */
  static Optional<String> extension(byte[] picture) {
    if (begins(picture, 0, "\u00ff\u00d8\u00ff")) {
      return Optional.of("jpg");
    }
    if (begins(picture, 0, "\u0089PNG")) {
      return Optional.of("png");
    }
    if (begins(picture, 0, "RIFF") && begins(picture, 8, "WEBP")) {
      return Optional.of("webp");
    }
    return begins(picture, 0, "BM") ? Optional.of("bmp") : Optional.empty();
  }

  private static boolean begins(byte[] picture, int at, String with) {
    byte[] expected = with.getBytes(StandardCharsets.ISO_8859_1);
    if (picture.length < at + expected.length) {
      return false;
    }
    for (int i = 0; i < expected.length; i++) {
      if (picture[at + i] != expected[i]) {
        return false;
      }
    }
    return true;
  }

  static String mediaType(String extension) {
    return extension.equals("jpg") ? "image/jpeg" : "image/" + extension;
  }
}
