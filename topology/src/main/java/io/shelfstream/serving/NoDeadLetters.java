package io.shelfstream.serving;

import io.shelfstream.http.DeadLetterAccess;
import io.shelfstream.http.RefusedException;
import java.util.Optional;

/** Where there are no topics there are no dead letters: callers are told at once. */
final class NoDeadLetters implements DeadLetterAccess {
  @Override
  public Letters letters() {
    throw none();
  }

  @Override
  public Redriven redrive(Optional<String> reason, Optional<String> place) {
    throw none();
  }

  private static RefusedException none() {
    return new RefusedException(
        RefusedException.Kind.NOT_HERE,
        "NOT_HERE",
        "serve has no topics, so no dead letters; ask a process that was started with run");
  }
}
