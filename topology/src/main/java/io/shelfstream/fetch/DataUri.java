package io.shelfstream.fetch;

import io.shelfstream.fetch.FetchException.Reason;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Locale;

/** RFC 2397: the image stands in the reference itself. */
final class DataUri {
  private static final String BASE64 = ";base64";

  private DataUri() {}

  static byte[] decode(String uri, long maxBytes) throws FetchException {
    int comma = uri.indexOf(',');
    if (comma < 0) {
      throw new FetchException(Reason.INVALID_REFERENCE, "data: reference without a comma");
    }
    boolean base64 = uri.substring(0, comma).toLowerCase(Locale.ROOT).endsWith(BASE64);
    // A byte takes at most three characters, %FF, and at least three quarters of one in base64.
    if ((uri.length() - comma - 1) / (base64 ? 4 * 3 : 3) > maxBytes) {
      throw tooLarge(maxBytes);
    }
    try {
      byte[] unescaped = unescape(uri, comma + 1);
      byte[] image = base64 ? Base64.getMimeDecoder().decode(unescaped) : unescaped;
      if (image.length > maxBytes) {
        throw tooLarge(maxBytes);
      }
      return image;
    } catch (IllegalArgumentException e) {
      throw new FetchException(
          Reason.INVALID_REFERENCE, "data: reference is damaged: " + e.getMessage(), e);
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
