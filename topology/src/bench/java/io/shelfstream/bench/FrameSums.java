package io.shelfstream.bench;

import io.shelfstream.metrics.Metric;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a service says in its metrics of the frames that it has taken since its start.
 *
 * @param answered by an event, a dead letter, or skipped
 */
record FrameSums(double taken, double answered, double givenUp, double inHand) {
  private static final HttpClient CLIENT = HttpClient.newHttpClient();

  /** Looks for the sums to hold: the last answer may just be written. */
  private static final int LOOKS = 50;

  /** Asks a service whose frames are all answered, until nothing is in hand, for 10 s at most. */
  static FrameSums of(int port) throws IOException, InterruptedException {
    FrameSums sums = scraped(port);
    for (int i = 0; i < LOOKS && (sums.inHand > 0 || sums.difference() != 0); i++) {
      TimeUnit.MILLISECONDS.sleep(200);
      sums = scraped(port);
    }
    return sums;
  }

  private static FrameSums scraped(int port) throws IOException, InterruptedException {
    URI uri = URI.create("http://127.0.0.1:" + port + "/metrics");
    String text = CLIENT.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString()).body();
    return new FrameSums(
        sum(text, Metric.FRAMES_TAKEN),
        sum(text, Metric.FRAMES_RECOGNIZED)
            + sum(text, Metric.FRAMES_DEAD_LETTERED)
            + sum(text, Metric.FRAMES_SKIPPED),
        sum(text, Metric.FRAMES_GIVEN_UP),
        sum(text, Metric.FRAMES_IN_HAND));
  }

  private static double sum(String text, Metric metric) {
    Matcher row =
        Pattern.compile("^" + metric.prometheusName() + "(?:\\{.*})? (\\S+)$", Pattern.MULTILINE)
            .matcher(text);
    double sum = 0;
    boolean found = false;
    while (row.find()) {
      sum += Double.parseDouble(row.group(1));
      found = true;
    }
    if (!found) {
      throw new IllegalStateException("There is no " + metric.prometheusName() + " in " + text);
    }
    return sum;
  }

  /** Frames of which the metrics do not say what became of them; 0 if all is well. */
  double difference() {
    return Math.abs(taken - answered - givenUp - inHand);
  }
}
