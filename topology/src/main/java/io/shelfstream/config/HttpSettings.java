package io.shelfstream.config;

import java.util.Map;
import java.util.Optional;

/**
 * {@code http.*}: the one port of a process, for metrics, health and recognition.
 *
 * @param port where it listens, 0 for any that is free; empty: nowhere
 * @param host address it is bound to
 * @param share of the recogniser's workers that callers get, between 0 and 1, when frames wait as
 *     well
 * @param token that callers have to give as {@code Authorization: Bearer}; empty: none is asked for
 */
public record HttpSettings(
    Optional<Integer> port, String host, Optional<String> token, double share) {

  private static final int SHORTEST_TOKEN = 16;

  static HttpSettings from(Settings settings) {
    Optional<Integer> port = settings.optional("http.port", Formats.wholeNumber(0, 65_535));
    String host = settings.get("http.host", "127.0.0.1", Formats.text("an address or a host name"));
    Optional<Boolean> asks =
        settings.optional("http.auth", Formats.oneOf(Map.of("token", true, "none", false)));
    Optional<String> token =
        settings.optional(
            "http.token",
            Formats.text("a secret of at least " + SHORTEST_TOKEN + " characters without spaces")
                .where(text -> text.length() >= SHORTEST_TOKEN && !text.contains(" ")));
    if (asks.equals(Optional.of(false)) && token.isPresent()) {
      settings.problem("http.auth", "set it to token, or remove http.token");
    }
    if (asks.equals(Optional.of(true)) && token.isEmpty()) {
      settings.problem("http.token", "set it, as http.auth = token asks for one");
    }
    if (port.isPresent() && !isLoopback(host) && asks.isEmpty() && token.isEmpty()) {
      settings.problem(
          "http.host",
          "it can be reached from other machines: set http.token, or http.auth = none to let everybody in");
    }
    double share = settings.get("http.share", "0.5", Formats.number(0.05f, 0.95f));
    return new HttpSettings(port, host, token, share);
  }

  /** Whether nobody but this machine can reach the port, and everybody there may use it. */
  public boolean trustsThisMachine() {
    return token.isEmpty() && isLoopback(host);
  }

  /** Without the token. */
  String shown() {
    return "HttpSettings[port="
        + port
        + ", host="
        + host
        + ", token="
        + token.map(secret -> "****")
        + ", share="
        + share
        + "]";
  }

  private static boolean isLoopback(String host) {
    return host.startsWith("127.") || host.equals("localhost") || host.equals("::1");
  }
}
