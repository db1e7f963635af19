package io.shelfstream.fetch;

import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.shelfstream.fetch.FetchException.Reason;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.Assertions;

/** Policies for tests, and what a fetch under one of them ends with. */
final class Fetching {
  static final int MAX_BYTES = 1000;

  /** So long that only a fault reaches it, and not a busy machine. */
  static final Duration DEADLINE = Duration.ofMinutes(2);

  private Fetching() {}

  static FetchPolicy files(Path... roots) {
    return policy(List.of(roots), List.of(), false);
  }

  /** Loopback counts as an ordinary address. */
  static FetchPolicy hosts(String... hosts) {
    return policy(List.of(), List.of(hosts), true);
  }

  /** As in production: loopback and private addresses are refused, whatever names lead there. */
  static FetchPolicy publicHosts(String... hosts) {
    return policy(List.of(), List.of(hosts), false);
  }

  /** The same with a deadline that is to be reached. */
  static FetchPolicy hosts(Duration deadline, String... hosts) {
    return policy(List.of(), List.of(hosts), true, deadline);
  }

  private static FetchPolicy policy(List<Path> roots, List<String> hosts, boolean privateToo) {
    return policy(roots, hosts, privateToo, DEADLINE);
  }

  private static FetchPolicy policy(
      List<Path> roots, List<String> hosts, boolean privateToo, Duration deadline) {
    return new FetchPolicy(
        roots,
        true,
        new HttpRules(new HostRules(hosts, privateToo), 3, Optional.empty()),
        BucketRules.NONE,
        new FetchLimits(MAX_BYTES, Duration.ofMinutes(1), deadline));
  }

  static byte[] fetched(FetchPolicy policy, String uri) throws FetchException {
    try (ImageFetcher fetcher = new ImageFetcher(policy)) {
      return fetcher.fetch(uri, null);
    }
  }

  static FetchException refused(FetchPolicy policy, String uri) {
    FetchException e = catchThrowableOfType(FetchException.class, () -> fetched(policy, uri));
    Assertions.assertThat(e).as("refusal of " + References.shown(uri)).isNotNull();
    return e;
  }

  static Reason reason(FetchPolicy policy, String uri) {
    return refused(policy, uri).reason();
  }
}
