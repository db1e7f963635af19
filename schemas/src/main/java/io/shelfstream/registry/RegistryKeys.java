package io.shelfstream.registry;

import static org.apache.kafka.common.config.ConfigDef.Importance.HIGH;
import static org.apache.kafka.common.config.ConfigDef.Importance.LOW;
import static org.apache.kafka.common.config.ConfigDef.Importance.MEDIUM;

import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Range;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigException;
import org.jspecify.annotations.Nullable;

/** Name, type, default, check and meaning of every key of {@link SchemaRegistryConfig}. */
final class RegistryKeys {

  static final String URL = "schema.registry.url";

  /** Followed by a key of Kafka's own TLS settings, such as {@code truststore.location}. */
  static final String SSL_PREFIX = "schema.registry.ssl.";

  /** Followed by the name of a header that is sent with every request. */
  static final String HEADER_PREFIX = "request.header.";

  static final String AUTO_REGISTER = "auto.register.schemas";
  static final String NORMALIZE = "normalize.schemas";
  static final String USE_LATEST = "use.latest.version";
  static final String LATEST_STRICT = "latest.compatibility.strict";
  static final String LATEST_TTL = "latest.cache.ttl.sec";
  static final String USE_SCHEMA_ID = "use.schema.id";
  static final String MAX_SCHEMAS = "max.schemas.per.subject";
  static final String MISSING_TTL = "missing.id.cache.ttl.sec";
  static final String SUBJECT_STRATEGY = "value.subject.name.strategy";
  static final String REMOVE_JAVA = "avro.remove.java.properties";
  static final String BASIC_SOURCE = "basic.auth.credentials.source";
  static final String BASIC_USER = "basic.auth.user.info";
  static final String BEARER_SOURCE = "bearer.auth.credentials.source";
  static final String BEARER_TOKEN = "bearer.auth.token";
  static final String PROXY_HOST = "proxy.host";
  static final String PROXY_PORT = "proxy.port";
  static final String CONNECT_TIMEOUT = "http.connect.timeout.ms";
  static final String READ_TIMEOUT = "http.read.timeout.ms";
  static final String RETRIES = "max.retries";
  static final String RETRY_WAIT = "retries.wait.ms";
  static final String RETRY_MAX_WAIT = "retries.max.wait.ms";

  private static final int MOST_MILLIS = 600_000;
  private static final Pattern MOCK = Pattern.compile("mock://[A-Za-z0-9._-]+");

  static final ConfigDef DEFINITION =
      new ConfigDef()
          .define(
              URL,
              Type.STRING,
              "mock://shelfstream",
              new Checked(
                  "http://… or https://…, several separated by commas, or mock://SCOPE",
                  RegistryKeys::isUrl),
              HIGH,
              "Where schema ids come from.")
          .define(
              BASIC_SOURCE,
              Type.STRING,
              "URL",
              oneOf("URL", "USER_INFO"),
              MEDIUM,
              "Where user and password are: in schema.registry.url, or in basic.auth.user.info.")
          .define(BASIC_USER, Type.PASSWORD, null, MEDIUM, "USER:PASSWORD for the registry.")
          .define(
              BEARER_SOURCE,
              Type.STRING,
              null,
              oneOf("STATIC_TOKEN"),
              MEDIUM,
              "STATIC_TOKEN sends bearer.auth.token with every request.")
          .define(BEARER_TOKEN, Type.PASSWORD, null, MEDIUM, "Token for the registry.")
          .define(
              AUTO_REGISTER,
              Type.BOOLEAN,
              true,
              MEDIUM,
              "Whether unknown schemas are registered; without it they must be there already.")
          .define(
              NORMALIZE,
              Type.BOOLEAN,
              false,
              LOW,
              "Whether the registry normalises a schema before it compares it with others.")
          .define(
              USE_LATEST,
              Type.BOOLEAN,
              false,
              LOW,
              "Whether records are written with the subject's newest schema instead of our own.")
          .define(
              LATEST_STRICT,
              Type.BOOLEAN,
              true,
              LOW,
              "Whether a newest schema that cannot carry our records is refused at once.")
          .define(
              LATEST_TTL,
              Type.INT,
              -1,
              Range.atLeast(-1),
              LOW,
              "Seconds until the newest schema is asked for again; -1: never.")
          .define(
              USE_SCHEMA_ID,
              Type.INT,
              -1,
              Range.atLeast(-1),
              LOW,
              "Id of the schema to write with; -1: none.")
          .define(
              SUBJECT_STRATEGY,
              Type.STRING,
              "TopicNameStrategy",
              new Checked(
                  "TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy",
                  RegistryKeys::isStrategy),
              LOW,
              "How subjects are named.")
          .define(
              REMOVE_JAVA,
              Type.BOOLEAN,
              true,
              LOW,
              "Whether Java-only properties are removed from a schema before it is registered.")
          .define(
              MAX_SCHEMAS,
              Type.INT,
              1000,
              Range.between(1, 1_000_000),
              LOW,
              "Schemas kept in each cache; those used longest ago make room.")
          .define(
              MISSING_TTL,
              Type.INT,
              10,
              Range.atLeast(0),
              LOW,
              "Seconds for which an unknown id stays unknown without asking again.")
          .define(
              CONNECT_TIMEOUT,
              Type.INT,
              5_000,
              Range.between(1, MOST_MILLIS),
              LOW,
              "Longest wait for a connection, in ms.")
          .define(
              READ_TIMEOUT,
              Type.INT,
              10_000,
              Range.between(1, MOST_MILLIS),
              LOW,
              "Longest wait for an answer, in ms.")
          .define(
              RETRIES,
              Type.INT,
              3,
              Range.between(0, 1_000),
              LOW,
              "How often all URLs are tried again before the registry counts as unavailable.")
          .define(
              RETRY_WAIT,
              Type.INT,
              1_000,
              Range.between(0, MOST_MILLIS),
              LOW,
              "Wait before the first retry, in ms; doubled before each further one.")
          .define(
              RETRY_MAX_WAIT,
              Type.INT,
              20_000,
              Range.between(0, MOST_MILLIS),
              LOW,
              "Longest wait before a retry, in ms.")
          .define(PROXY_HOST, Type.STRING, null, LOW, "HTTP proxy in front of the registry.")
          .define(PROXY_PORT, Type.INT, -1, Range.between(-1, 65_535), LOW, "Port of that proxy.");

  private RegistryKeys() {}

  private static boolean isUrl(String text) {
    return MOCK.matcher(text).matches()
        || (!parts(text).isEmpty() && parts(text).stream().allMatch(RegistryKeys::isHttp));
  }

  private static boolean isHttp(String text) {
    try {
      URI uri = URI.create(text);
      return uri.getScheme() != null
          && uri.getScheme().toLowerCase(Locale.ROOT).matches("https?")
          && uri.getHost() != null
          && uri.getQuery() == null
          && uri.getFragment() == null;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static boolean isStrategy(String name) {
    try {
      SubjectNames.named(name);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** The items of a list that is separated by commas. */
  static List<String> parts(String urls) {
    return Pattern.compile(",")
        .splitAsStream(urls)
        .map(String::strip)
        .filter(u -> !u.isEmpty())
        .toList();
  }

  private static Checked oneOf(String... allowed) {
    return new Checked(String.join(" or ", allowed), List.of(allowed)::contains);
  }

  /**
   * A check that says what it expects.
   *
   * @param expected to follow the word "give"
   */
  private record Checked(String expected, Predicate<String> holds) implements ConfigDef.Validator {
    @Override
    public void ensureValid(String name, @Nullable Object value) {
      if (value != null && !holds.test((String) value)) {
        throw new ConfigException(name, value, expected);
      }
    }

    @Override
    public String toString() {
      return expected;
    }
  }
}
