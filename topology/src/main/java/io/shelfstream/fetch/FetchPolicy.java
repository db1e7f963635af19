package io.shelfstream.fetch;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * What image references may point at, and what fetching one may cost.
 *
 * @param allowedRoots folders that file: references may lie below; none: no files
 * @param allowedHosts {@code host}, {@code host:port} or {@code *.example.com} that http(s):
 *     references may name; none: no hosts
 * @param allowPrivateAddresses whether such a host may have a loopback, private or link-local
 *     address
 * @param allowData whether data: references are accepted
 * @param maxBytes largest encoded image
 * @param connectTimeout for one connection
 * @param readTimeout for a whole image, including redirects and retries
 * @param maxRedirects each hop is checked like the first
 */
public record FetchPolicy(
    List<Path> allowedRoots,
    List<String> allowedHosts,
    boolean allowPrivateAddresses,
    boolean allowData,
    long maxBytes,
    Duration connectTimeout,
    Duration readTimeout,
    int maxRedirects) {

  public FetchPolicy {
    allowedRoots = List.copyOf(allowedRoots);
    allowedHosts = List.copyOf(allowedHosts);
  }
}
