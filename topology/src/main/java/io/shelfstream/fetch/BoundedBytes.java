package io.shelfstream.fetch;

import io.shelfstream.fetch.FetchException.Reason;
import java.io.IOException;
import java.io.InputStream;

/** Reads a stream up to a limit; it may be longer than it declares. */
final class BoundedBytes {
  private BoundedBytes() {}

  static byte[] read(InputStream in, long maxBytes, String what)
      throws IOException, FetchException {
    byte[] bytes = in.readNBytes(Math.toIntExact(Math.min(maxBytes + 1, Integer.MAX_VALUE - 8)));
    if (bytes.length > maxBytes) {
      throw tooMany(what, maxBytes);
    }
    return bytes;
  }

  static FetchException tooMany(String what, long maxBytes) {
    return new FetchException(
        Reason.TOO_MANY_BYTES,
        "%s holds more than %d bytes (images.max.bytes)".formatted(what, maxBytes));
  }
}
