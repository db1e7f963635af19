package io.shelfstream.fetch;

import io.shelfstream.fetch.FetchException.Reason;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.regex.Pattern;

/** RFC 2397: the image is contained in the reference itself. */
final class DataUri {
  private static final Pattern BASE64 =
      Pattern.compile(".*;\\s*base64\\s*", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

  private DataUri() {}

  static byte[] decode(String uri, long maxBytes) throws FetchException {
    int comma = uri.indexOf(',');
    if (comma < 0) {
      throw new FetchException(Reason.INVALID_REFERENCE, "data: reference without a comma");
    }
    boolean base64 = BASE64.matcher(uri.substring(0, comma)).matches();
    // A byte takes at most three characters, %FF, and at least three quarters of one in base64.
    if ((uri.length() - comma - 1) / (base64 ? 4 * 3 : 3) > maxBytes) {
      throw tooLarge(maxBytes);
    }
    try {
      byte[] unescaped = unescape(uri, comma + 1);
      byte[] image = base64 ? decoded(unescaped) : unescaped;
      if (image.length > maxBytes) {
        throw tooLarge(maxBytes);
      }
      return image;
    } catch (IllegalArgumentException e) {
      throw new FetchException(
          Reason.INVALID_REFERENCE, "data: reference is damaged: " + e.getMessage(), e);
    }
  }

  /**
   * Strict RFC 4648: a decoder that skips unknown characters would make another image of a text in
   * which each '+' has become a blank. Line breaks are allowed anywhere, the padding may be
   * missing, and the alphabet may be that of URLs, but the two alphabets may not be mixed.
   */
  private static byte[] decoded(byte[] text) {
    byte[] joined = new byte[text.length];
    int length = 0;
    boolean forUrls = false;
    for (byte b : text) {
      if (b != '\r' && b != '\n') {
        joined[length++] = b;
        forUrls |= b == '-' || b == '_';
      }
    }
    byte[] encoded = Arrays.copyOf(joined, length);
    byte[] image = (forUrls ? Base64.getUrlDecoder() : Base64.getDecoder()).decode(encoded);
    requireNothingLeft(encoded, image, forUrls ? Base64.getUrlEncoder() : Base64.getEncoder());
    return image;
  }

  /** Refuses bits behind the last byte: the text was truncated. */
  private static void requireNothingLeft(byte[] encoded, byte[] image, Base64.Encoder encoder) {
    int rest = image.length % 3;
    if (rest > 0) {
      byte[] end =
          encoder
              .withoutPadding()
              .encode(Arrays.copyOfRange(image, image.length - rest, image.length));
      int from = image.length / 3 * 4;
      if (!Arrays.equals(encoded, from, from + end.length, end, 0, end.length)) {
        throw new IllegalArgumentException("it is cut off within a byte");
      }
    }
  }

  private static byte[] unescape(String uri, int from) {
    if (uri.indexOf('%', from) < 0) {
      return uri.substring(from).getBytes(StandardCharsets.UTF_8);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(uri.length() - from);
    for (int i = from; i < uri.length(); i++) {
      if (uri.charAt(i) == '%') {
        if (i + 2 >= uri.length()) {
          throw new IllegalArgumentException("it ends within an escape");
        }
        bytes.write(HexFormat.fromHexDigits(uri, i + 1, i + 3));
        i += 2;
      } else {
        bytes.writeBytes(String.valueOf(uri.charAt(i)).getBytes(StandardCharsets.UTF_8));
      }
    }
    return bytes.toByteArray();
  }

  private static FetchException tooLarge(long maxBytes) {
    return new FetchException(
        Reason.TOO_MANY_BYTES,
        "data: reference holds more than " + maxBytes + " bytes (images.max.bytes)");
  }
}
