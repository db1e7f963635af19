package io.shelfstream.http;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The dead letters as callers of the port see them. Calls block; each may throw {@link
 * RefusedException}. Safe for several threads.
 */
public interface DeadLetterAccess {

  /**
   * One dead letter.
   *
   * @param place partition and offset on its topic, joined by -
   * @param source topic, partition and offset of the record, joined by -
   * @param key of the record as text, shortened
   * @param redriven whether it was redriven through this process
   */
  record Letter(
      String place,
      Instant at,
      String reason,
      String message,
      String stage,
      String source,
      String key,
      int attempt,
      boolean redriven) {}

  /**
   * Dead letters of a while.
   *
   * @param since what is older is not counted
   * @param reading whether older ones are still being read, so that more will come
   * @param counts by reason class
   * @param newest the newest of them, newest first
   */
  record Letters(
      Instant since, boolean reading, Map<String, Integer> counts, List<Letter> newest) {}

  /** What is there. */
  Letters letters();

  /**
   * What a redrive did.
   *
   * @param redriven records on their topics again, by reason class
   * @param left by why, each with a number
   */
  record Redriven(Map<String, Integer> redriven, Map<String, Integer> left) {}

  /**
   * Publishes records of dead letters again, each once.
   *
   * @param reason all of this class; empty for any
   * @param place only this one; empty for all
   */
  Redriven redrive(Optional<String> reason, Optional<String> place);
}
