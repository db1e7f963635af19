package io.shelfstream.fetch;

import io.shelfstream.fetch.FetchException.Reason;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Resolves image references to encoded images. References come from a topic that many may write to,
 * so only what the policy allows is opened. Safe for several threads.
 */
public final class ImageFetcher implements AutoCloseable {
  private final FetchPolicy policy;
  private final FileSource files;
  private final HttpSource http;
  private final S3Source s3;

  public ImageFetcher(FetchPolicy policy) {
    this.policy = policy;
    this.files = new FileSource(policy);
    this.http = new HttpSource(policy.http(), policy.limits());
    this.s3 = new S3Source(policy.buckets(), policy.limits());
  }

  /**
   * Fetches an image.
   *
   * @param uri file:, http:, https:, s3: or data:
   * @param sha256 expected digest of the bytes in hex; null to accept any
   * @return the encoded image, 1 to {@code maxBytes} bytes
   */
  public byte[] fetch(String uri, @Nullable String sha256) throws FetchException {
    byte[] image = fetch(uri);
    if (image.length == 0) {
      throw new FetchException(Reason.EMPTY_IMAGE, References.shown(uri) + " holds 0 bytes");
    }
    if (sha256 != null) {
      verify(uri, image, sha256);
    }
    return image;
  }

  private byte[] fetch(String uri) throws FetchException {
    String scheme = uri.substring(0, Math.max(0, uri.indexOf(':'))).toLowerCase(Locale.ROOT);
    return switch (scheme) {
      case "data" -> data(uri);
      case "file" -> files.fetch(References.parsed(uri));
      case "http", "https" -> http.fetch(References.parsed(uri));
      case "s3" -> s3.fetch(uri);
      default ->
          throw new FetchException(
              Reason.INVALID_REFERENCE,
              "'"
                  + References.shown(uri)
                  + "' is not a file:, http:, https:, s3: or data: reference");
    };
  }

  private byte[] data(String uri) throws FetchException {
    if (!policy.allowData()) {
      throw new FetchException(
          Reason.FORBIDDEN_LOCATION, "data: references are switched off (images.allow.data)");
    }
    return DataUri.decode(uri, policy.limits().maxBytes());
  }

  private static void verify(String uri, byte[] image, String expected) throws FetchException {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(image);
      String actual = HexFormat.of().formatHex(digest);
      if (!actual.equalsIgnoreCase(expected.strip())) {
        throw new FetchException(
            Reason.CHECKSUM_MISMATCH,
            "%s has SHA-256 %s, expected %s"
                .formatted(References.shown(uri), actual, References.shown(expected)));
      }
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
  }

  /**
   * Whether a bucket answers, as a sentence.
   *
   * @throws FetchException when it cannot be used; the message says why, and what to do
   */
  public String look(String bucket) throws FetchException {
    return s3.look(bucket);
  }

  @Override
  public void close() {
    http.close();
    s3.close();
  }
}
