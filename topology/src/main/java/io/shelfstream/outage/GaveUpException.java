package io.shelfstream.outage;

import java.time.Duration;

/** What was waited for stayed away for as long as {@code start.wait} or {@code --wait} allows. */
public final class GaveUpException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  GaveUpException(String waitedFor, Duration after, RuntimeException away) {
    super(
        "Gave up waiting for %s after %s (start.wait, --wait): %s"
            .formatted(waitedFor, Wait.seconds(after), away.getMessage()),
        away);
  }
}
