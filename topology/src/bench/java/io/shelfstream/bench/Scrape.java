package io.shelfstream.bench;

import io.shelfstream.metrics.Metric;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The metrics of a service, as it tells them at one moment. */
record Scrape(String text) {
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();

  /**
   * @param address host:port
   */
  static Scrape of(String address) throws IOException, InterruptedException {
    return new Scrape(get(address, "/metrics").body());
  }

  /** Another page of the port. */
  static HttpResponse<String> get(String address, String path)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://" + address + path))
            .timeout(Duration.ofSeconds(30))
            .build();
    return CLIENT.send(request, BodyHandlers.ofString());
  }

  /** The sum over all tags. */
  double sum(Metric metric) {
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
}
