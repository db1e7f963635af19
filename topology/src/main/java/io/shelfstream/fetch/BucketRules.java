package io.shelfstream.fetch;

import io.shelfstream.s3.S3Settings;
import java.util.List;

/**
 * What s3: references may name.
 *
 * @param allowed names of buckets, as they are; none: no buckets
 */
public record BucketRules(List<String> allowed, S3Settings store) {
  /** No bucket. */
  public static final BucketRules NONE = new BucketRules(List.of(), S3Settings.AMAZON);

  public BucketRules {
    allowed = List.copyOf(allowed);
  }
}
