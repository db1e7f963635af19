package io.shelfstream.fetch;

import java.nio.file.Path;
import java.util.List;

/**
 * What image references may point at, and what fetching one may cost.
 *
 * @param allowedRoots folders that file: references may lie below; none: no files
 * @param allowData whether data: references are accepted
 */
public record FetchPolicy(
    List<Path> allowedRoots,
    boolean allowData,
    HttpRules http,
    BucketRules buckets,
    FetchLimits limits) {

  public FetchPolicy {
    allowedRoots = List.copyOf(allowedRoots);
  }
}
