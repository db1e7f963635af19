package io.shelfstream.bench;

import io.shelfstream.metrics.Metric;
import java.io.IOException;
import java.util.concurrent.TimeUnit;

/**
 * What a service says in its metrics of the frames that it has taken since its start.
 *
 * @param answered by an event, a dead letter, or skipped
 */
record FrameSums(double taken, double answered, double givenUp, double inHand) {
  /** Looks for the sums to hold: the last answer may just be written. */
  private static final int LOOKS = 50;

  /**
   * Asks a service whose frames are all answered, until nothing is in hand, for 10 s at most.
   *
   * @param address host:port
   */
  static FrameSums of(String address) throws IOException, InterruptedException {
    FrameSums sums = scraped(address);
    for (int i = 0; i < LOOKS && (sums.inHand > 0 || sums.difference() != 0); i++) {
      TimeUnit.MILLISECONDS.sleep(200);
      sums = scraped(address);
    }
    return sums;
  }

  private static FrameSums scraped(String address) throws IOException, InterruptedException {
    Scrape scrape = Scrape.of(address);
    return new FrameSums(
        scrape.sum(Metric.FRAMES_TAKEN),
        scrape.sum(Metric.FRAMES_RECOGNIZED)
            + scrape.sum(Metric.FRAMES_DEAD_LETTERED)
            + scrape.sum(Metric.FRAMES_SKIPPED),
        scrape.sum(Metric.FRAMES_GIVEN_UP),
        scrape.sum(Metric.FRAMES_IN_HAND));
  }

  /** Frames of which the metrics do not say what became of them; 0 if all is well. */
  double difference() {
    return Math.abs(taken - answered - givenUp - inHand);
  }
}
