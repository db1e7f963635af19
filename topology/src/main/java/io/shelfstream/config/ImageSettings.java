package io.shelfstream.config;

import io.shelfstream.fetch.BucketRules;
import io.shelfstream.fetch.FetchLimits;
import io.shelfstream.fetch.FetchPolicy;
import io.shelfstream.fetch.HostRules;
import io.shelfstream.fetch.HttpCredentials;
import io.shelfstream.fetch.HttpRules;
import io.shelfstream.image.ImageLimits;
import io.shelfstream.s3.S3Settings;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * {@code images.*}: where images may come from, and how large they may be.
 *
 * @param storeWait longest wait for an image store that is away
 * @param maxPixels largest width × height that is decoded
 * @param fetches images fetched at a time
 * @param encodedBytes no fetch begins while this many bytes wait to be decoded
 * @param decodedBytes no decoding begins while decoded images take this many bytes
 * @param decodeReduced whether large frames are decoded at a reduced scale where the profile allows
 */
public record ImageSettings(
    FetchPolicy fetchPolicy,
    Duration storeWait,
    long maxPixels,
    int fetches,
    long encodedBytes,
    long decodedBytes,
    boolean decodeReduced) {

  private static final Duration SHORTEST = Duration.ofMillis(1);
  private static final Duration LONGEST = Duration.ofMinutes(10);
  private static final Duration LONGEST_WAIT = Duration.ofHours(24);
  // An encoded image becomes one byte array, a decoded one 3 bytes a pixel: both end at 2^31 - 1.
  private static final long MOST_MEBIBYTES = 1024;
  private static final long MOST_IN_HAND = 1024 * 1024;
  private static final long MOST_PIXELS = Integer.MAX_VALUE / 3;

  static ImageSettings from(Settings settings) {
    FetchPolicy policy =
        new FetchPolicy(
            settings.get("images.allowed.roots", "", Formats.paths()),
            settings.get("images.allow.data", "true", Formats.yesOrNo()),
            http(settings),
            buckets(settings),
            new FetchLimits(
                settings.get("images.max.bytes", "32MiB", ByteSizes.upToMebibytes(MOST_MEBIBYTES)),
                settings.get("images.connect.timeout", "2s", Durations.from(SHORTEST, LONGEST)),
                settings.get("images.read.timeout", "10s", Durations.from(SHORTEST, LONGEST))));
    long maxPixels =
        settings.get("images.max.pixels", "64000000", Formats.wholeNumber(1L, MOST_PIXELS));
    return new ImageSettings(
        policy,
        settings.get("images.store.wait", "60s", Durations.from(Duration.ZERO, LONGEST_WAIT)),
        maxPixels,
        settings.get("images.fetches", "8", Formats.wholeNumber(1, 1024)),
        settings.get("images.encoded.bytes", "128MiB", ByteSizes.upToMebibytes(MOST_IN_HAND)),
        settings.get("images.decoded.bytes", "512MiB", ByteSizes.upToMebibytes(MOST_IN_HAND)),
        settings.get("images.decode.reduced", "false", Formats.yesOrNo()));
  }

  private static HttpRules http(Settings settings) {
    HostRules hosts =
        new HostRules(
            settings.get("images.allowed.hosts", "", Formats.hosts()),
            settings.get("images.allow.private.addresses", "false", Formats.yesOrNo()));
    Optional<Path> credentials =
        settings.optional("images.http.credentials", Formats.path("a file of credentials"));
    try {
      credentials.ifPresent(HttpCredentials::of);
    } catch (IllegalArgumentException e) {
      settings.problem("images.http.credentials", "mend the file: " + e.getMessage());
    }
    return new HttpRules(
        hosts, settings.get("images.max.redirects", "3", Formats.wholeNumber(0, 20)), credentials);
  }

  private static BucketRules buckets(Settings settings) {
    List<String> allowed = settings.get("images.allowed.buckets", "", Formats.buckets());
    Optional<URI> endpoint =
        settings.optional("images.s3.endpoint", Formats.server("https://s3.example.com"));
    Optional<String> region =
        settings.optional("images.s3.region", Formats.text("a region such as eu-central-1"));
    boolean pathStyle =
        settings.optional("images.s3.path.style", Formats.yesOrNo()).orElse(endpoint.isPresent());
    return new BucketRules(allowed, new S3Settings(endpoint, region, pathStyle));
  }

  /** Bounds of a single image. */
  public ImageLimits limits() {
    return new ImageLimits(maxBytes(), maxPixels);
  }

  /** Largest encoded image, in bytes. */
  public long maxBytes() {
    return fetchPolicy.limits().maxBytes();
  }
}
