package io.shelfstream.fetch;

import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.shelfstream.fetch.FetchException.Reason;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.assertj.core.api.Assertions;

/** Policies for tests, and what a fetch under one of them ends with. */
final class Fetching {
  static final int MAX_BYTES = 1000;
  static final Duration DEADLINE = Duration.ofMillis(1500);

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

  private static FetchPolicy policy(List<Path> roots, List<String> hosts, boolean privateToo) {
    return new FetchPolicy(
        roots, hosts, privateToo, true, MAX_BYTES, Duration.ofMillis(500), DEADLINE, 3);
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
