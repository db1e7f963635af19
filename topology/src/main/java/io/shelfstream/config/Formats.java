package io.shelfstream.config;

import io.shelfstream.s3.S3Location;
import java.net.URI;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The formats that settings are written in. */
final class Formats {

  private static final Pattern TOPIC = Pattern.compile("(?!\\.{1,2}$)[A-Za-z0-9._-]{1,249}");
  private static final Pattern HOST =
      Pattern.compile(
          "(\\*\\.)?[a-z0-9_-]+(\\.[a-z0-9_-]+)*(:\\d{1,5})?|\\[[0-9a-f:.]+](:\\d{1,5})?");

  private Formats() {}

  static Format<Integer> wholeNumber(int least, int most) {
    return new Format<>("a whole number from " + least + " to " + most, Integer::valueOf)
        .where(value -> value >= least && value <= most);
  }

  static Format<Long> wholeNumber(long least, long most) {
    return new Format<>("a whole number from " + least + " to " + most, Long::valueOf)
        .where(value -> value >= least && value <= most);
  }

  static Format<List<Integer>> wholeNumbers(int least, int most) {
    return new Format<List<Integer>>(
            "whole numbers from " + least + " to " + most + ", separated by commas, none twice",
            text -> items(text).map(Integer::valueOf).toList())
        .where(values -> !values.isEmpty() && values.size() == Set.copyOf(values).size())
        .where(values -> values.stream().allMatch(value -> value >= least && value <= most));
  }

  static Format<Float> number(float least, float most) {
    return new Format<>("a number from " + least + " to " + most, Float::valueOf)
        .where(value -> value >= least && value <= most);
  }

  static Format<Boolean> yesOrNo() {
    return oneOf(Map.of("true", true, "false", false));
  }

  /**
   * @param choices in lower case; case is ignored in what the user writes
   */
  static <T> Format<T> oneOf(Map<String, T> choices) {
    return new Format<>(
        "one of " + String.join(", ", choices.keySet().stream().sorted().toList()),
        text -> {
          T chosen = choices.get(text.toLowerCase(Locale.ROOT));
          if (chosen == null) {
            throw new IllegalArgumentException(text);
          }
          return chosen;
        });
  }

  static Format<String> text(String expected) {
    return new Format<>(expected, Function.<String>identity()).where(value -> !value.isEmpty());
  }

  static Format<Path> path(String expected) {
    return new Format<>(expected, Path::of);
  }

  static Format<List<Path>> paths() {
    return new Format<>(
        "directories separated by commas",
        text -> items(text).map(Path::of).map(Path::toAbsolutePath).map(Path::normalize).toList());
  }

  static Format<List<String>> hosts() {
    return new Format<List<String>>(
            "hosts separated by commas, each host, host:port or *.example.com, without scheme or path",
            text -> items(text.toLowerCase(Locale.ROOT)).toList())
        .where(hosts -> hosts.stream().allMatch(Formats::isHost));
  }

  /** Names of buckets, with the case they have. */
  static Format<List<String>> buckets() {
    return new Format<>(
        "names of buckets separated by commas, without s3:// and without a key",
        text -> items(text).map(S3Location::bucket).toList());
  }

  /**
   * A server by scheme, host and port.
   *
   * @param example of one
   */
  static Format<URI> server(String example) {
    return new Format<URI>(
            "http or https, a host and a port, without user, path or query, such as " + example,
            URI::create)
        .where(Formats::isServer);
  }

  private static boolean isServer(URI uri) {
    String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
    return (scheme.equals("http") || scheme.equals("https"))
        && uri.getHost() != null
        && uri.getPort() <= 65535
        && uri.getRawUserInfo() == null
        && (uri.getRawPath().isEmpty() || uri.getRawPath().equals("/"))
        && uri.getRawQuery() == null
        && uri.getRawFragment() == null;
  }

  /**
   * @param example of one pair
   */
  static Format<Map<String, String>> pairs(String example) {
    return new Format<>(
        "pairs such as " + example + ", separated by commas, no name before a colon twice",
        text ->
            items(text)
                .map(item -> item.split(":", -1))
                .collect(
                    Collectors.toUnmodifiableMap(
                        pair -> name(pair, 0), pair -> name(pair, 1), Formats::refuseTwo)));
  }

  private static String refuseTwo(String one, String other) {
    throw new IllegalArgumentException(one + " and " + other);
  }

  private static String name(String[] pair, int part) {
    if (pair.length != 2 || pair[part].isBlank()) {
      throw new IllegalArgumentException(String.join(":", pair));
    }
    return pair[part].strip();
  }

  static Format<String> topicName() {
    return new Format<>("1 to 249 of the characters a-z A-Z 0-9 . _ -", Function.<String>identity())
        .where(TOPIC.asMatchPredicate());
  }

  private static boolean isHost(String text) {
    int port = text.endsWith("]") ? -1 : text.lastIndexOf(':');
    return HOST.matcher(text).matches()
        && (port < 0 || Integer.parseInt(text.substring(port + 1)) <= 65535);
  }

  private static Stream<String> items(String text) {
    return Arrays.stream(text.split(",")).map(String::strip).filter(item -> !item.isEmpty());
  }
}
