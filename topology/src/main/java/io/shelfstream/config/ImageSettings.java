package io.shelfstream.config;

import io.shelfstream.fetch.FetchPolicy;
import io.shelfstream.image.ImageLimits;
import java.time.Duration;

/**
 * {@code images.*}: where images may come from, and how large they may be.
 *
 * @param maxPixels largest width × height that is decoded
 * @param fetches images fetched at a time
 * @param encodedBytes no fetch begins while this many bytes wait to be decoded
 * @param decodedBytes no decoding begins while decoded images take this many bytes
 * @param decodeReduced whether large frames are decoded at a reduced scale where the profile allows
 */
public record ImageSettings(
    FetchPolicy fetchPolicy,
    long maxPixels,
    int fetches,
    long encodedBytes,
    long decodedBytes,
    boolean decodeReduced) {

  private static final Duration SHORTEST = Duration.ofMillis(1);
  private static final Duration LONGEST = Duration.ofMinutes(10);
  // An encoded image becomes one byte array, a decoded one 3 bytes a pixel: both end at 2^31 - 1.
  private static final long MOST_MEBIBYTES = 1024;
  private static final long MOST_IN_HAND = 1024 * 1024;
  private static final long MOST_PIXELS = Integer.MAX_VALUE / 3;

  static ImageSettings from(Settings settings) {
    FetchPolicy policy =
        new FetchPolicy(
            settings.get("images.allowed.roots", "", Formats.paths()),
            settings.get("images.allowed.hosts", "", Formats.hosts()),
            settings.get("images.allow.private.addresses", "false", Formats.yesOrNo()),
            settings.get("images.allow.data", "true", Formats.yesOrNo()),
            settings.get("images.max.bytes", "32MiB", ByteSizes.upToMebibytes(MOST_MEBIBYTES)),
            settings.get("images.connect.timeout", "2s", Durations.from(SHORTEST, LONGEST)),
            settings.get("images.read.timeout", "10s", Durations.from(SHORTEST, LONGEST)),
            settings.get("images.max.redirects", "3", Formats.wholeNumber(0, 20)));
    long maxPixels =
        settings.get("images.max.pixels", "64000000", Formats.wholeNumber(1L, MOST_PIXELS));
    return new ImageSettings(
        policy,
        maxPixels,
        settings.get("images.fetches", "8", Formats.wholeNumber(1, 1024)),
        settings.get("images.encoded.bytes", "128MiB", ByteSizes.upToMebibytes(MOST_IN_HAND)),
        settings.get("images.decoded.bytes", "512MiB", ByteSizes.upToMebibytes(MOST_IN_HAND)),
        settings.get("images.decode.reduced", "false", Formats.yesOrNo()));
  }

  /** Bounds of a single image. */
  public ImageLimits limits() {
    return new ImageLimits(maxBytes(), maxPixels);
  }

  /** Largest encoded image, in bytes. */
  public long maxBytes() {
    return fetchPolicy.maxBytes();
  }
}
