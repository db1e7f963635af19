package io.shelfstream.registry;

import static org.apache.kafka.common.config.ConfigDef.Importance.HIGH;
import static org.apache.kafka.common.config.ConfigDef.Importance.LOW;
import static org.apache.kafka.common.config.ConfigDef.Importance.MEDIUM;

import io.shelfstream.registry.SchemaRegistryException.Kind;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Range;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.types.Password;
import org.jspecify.annotations.Nullable;

/**
 * Settings of the registry client and of the serde, named as the official serialisers name them.
 * Defaults are theirs, too, except that Java properties are removed from schemas before they are
 * registered, and that timeouts are short enough to try the next URL while a consumer waits.
 */
public final class SchemaRegistryConfig {

  public static final String URL = "schema.registry.url";

  /** Followed by a key of Kafka's own TLS settings, such as {@code truststore.location}. */
  public static final String SSL_PREFIX = "schema.registry.ssl.";

  /** Followed by the name of a header that is sent with every request. */
  public static final String HEADER_PREFIX = "request.header.";

  private static final String AUTO_REGISTER = "auto.register.schemas";
  private static final String NORMALIZE = "normalize.schemas";
  private static final String USE_LATEST = "use.latest.version";
  private static final String LATEST_STRICT = "latest.compatibility.strict";
  private static final String LATEST_TTL = "latest.cache.ttl.sec";
  private static final String USE_SCHEMA_ID = "use.schema.id";
  private static final String MAX_SCHEMAS = "max.schemas.per.subject";
  private static final String MISSING_TTL = "missing.id.cache.ttl.sec";
  private static final String SUBJECT_STRATEGY = "value.subject.name.strategy";
  private static final String REMOVE_JAVA = "avro.remove.java.properties";
  private static final String BASIC_SOURCE = "basic.auth.credentials.source";
  private static final String BASIC_USER = "basic.auth.user.info";
  private static final String BEARER_SOURCE = "bearer.auth.credentials.source";
  private static final String BEARER_TOKEN = "bearer.auth.token";
  private static final String PROXY_HOST = "proxy.host";
  private static final String PROXY_PORT = "proxy.port";
  private static final String CONNECT_TIMEOUT = "http.connect.timeout.ms";
  private static final String READ_TIMEOUT = "http.read.timeout.ms";
  private static final String RETRIES = "max.retries";
  private static final String RETRY_WAIT = "retries.wait.ms";
  private static final String RETRY_MAX_WAIT = "retries.max.wait.ms";

  private static final int MOST_MILLIS = 600_000;
  private static final Pattern MOCK = Pattern.compile("mock://[A-Za-z0-9._-]+");
  private static final Pattern HEADER = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+");
  private static final ConfigDef SSL = new ConfigDef().withClientSslSupport();

  private static final ConfigDef DEFINITION =
      new ConfigDef()
          .define(
              URL,
              Type.STRING,
              "mock://shelfstream",
              new Checked(
                  "http://… or https://…, several separated by commas, or mock://SCOPE",
                  SchemaRegistryConfig::isUrl),
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
                  SchemaRegistryConfig::isStrategy),
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

  private final AbstractConfig values;
  private final Map<String, String> settings;

  private SchemaRegistryConfig(Map<String, String> settings) {
    this.settings = Map.copyOf(settings);
    this.values = new AbstractConfig(DEFINITION, settings, false);
  }

  /**
   * Reads settings.
   *
   * @param settings other keys than ours are ignored
   * @throws SchemaRegistryException (MISCONFIGURED) listing everything that is wrong
   */
  public static SchemaRegistryConfig of(Map<String, String> settings) {
    Map<String, String> problems = problems(settings);
    if (!problems.isEmpty()) {
      List<String> lines = new ArrayList<>();
      problems.forEach((key, remedy) -> lines.add(key + ": " + remedy));
      throw new SchemaRegistryException(
          Kind.MISCONFIGURED,
          "Schema registry settings cannot be used: " + String.join("; ", lines));
    }
    return new SchemaRegistryConfig(settings);
  }

  /** Name, type, default and meaning of every key that has a fixed name. */
  public static Collection<ConfigDef.ConfigKey> keys() {
    return DEFINITION.configKeys().values();
  }

  /** What is wrong with settings: the remedy, by key. */
  public static Map<String, String> problems(Map<String, String> settings) {
    Map<String, String> problems = new TreeMap<>();
    for (ConfigDef.ConfigKey key : keys()) {
      String value = settings.get(key.name);
      if (value != null && !accepts(key, value)) {
        problems.put(key.name, "give " + expected(key));
      }
    }
    settings.keySet().forEach(key -> checkPrefixed(key, problems));
    if (problems.isEmpty()) {
      new SchemaRegistryConfig(settings).checkTogether(problems);
    }
    return problems;
  }

  /** Whether a key may have a value, the other keys aside. */
  public static boolean accepts(ConfigDef.ConfigKey key, String value) {
    try {
      Object parsed = ConfigDef.parseType(key.name, value, key.type);
      if (key.validator != null) {
        key.validator.ensureValid(key.name, parsed);
      }
      return true;
    } catch (ConfigException e) {
      return false;
    }
  }

  /** What to write, to follow the word "give". */
  public static String expected(ConfigDef.ConfigKey key) {
    return switch (key.type) {
      case BOOLEAN -> "true or false";
      case INT -> "a whole number, " + key.validator;
      default -> key.validator == null ? "a text" : key.validator.toString();
    };
  }

  private static void checkPrefixed(String key, Map<String, String> problems) {
    if (key.startsWith(SSL_PREFIX) && !SSL.names().contains(sslKey(key))) {
      problems.put(key, "unknown; after " + SSL_PREFIX + " give what Kafka has after ssl.");
    }
    if (key.startsWith(HEADER_PREFIX)
        && !HEADER.matcher(key.substring(HEADER_PREFIX.length())).matches()) {
      problems.put(key, "give the name of an HTTP header after " + HEADER_PREFIX);
    }
  }

  private void checkTogether(Map<String, String> problems) {
    if (isMock()) {
      return;
    }
    if (values.getString(BASIC_SOURCE).equals("USER_INFO") && !secret(BASIC_USER).contains(":")) {
      problems.put(BASIC_USER, "give USER:PASSWORD, as " + BASIC_SOURCE + " asks");
    }
    if (values.getString(BEARER_SOURCE) != null && secret(BEARER_TOKEN).isEmpty()) {
      problems.put(BEARER_TOKEN, "give a token, as " + BEARER_SOURCE + " asks");
    }
    if (values.getBoolean(USE_LATEST) && values.getInt(USE_SCHEMA_ID) >= 0) {
      problems.put(USE_SCHEMA_ID, "give it, or " + USE_LATEST + ", not both");
    }
    if (values.getString(PROXY_HOST) != null && values.getInt(PROXY_PORT) < 0) {
      problems.put(PROXY_PORT, "give the port of " + PROXY_HOST);
    }
  }

  String url() {
    return values.getString(URL);
  }

  boolean isMock() {
    return url().startsWith("mock:");
  }

  /** The registry's addresses in the order to try them, without a slash at the end. */
  List<URI> urls() {
    return parts(url()).stream().map(part -> URI.create(part.replaceAll("/+$", ""))).toList();
  }

  WritePolicy writePolicy() {
    return new WritePolicy(
        values.getBoolean(AUTO_REGISTER),
        values.getBoolean(USE_LATEST),
        values.getBoolean(LATEST_STRICT),
        Duration.ofSeconds(values.getInt(LATEST_TTL)),
        values.getInt(USE_SCHEMA_ID),
        SubjectNames.named(values.getString(SUBJECT_STRATEGY)));
  }

  boolean normalizes() {
    return values.getBoolean(NORMALIZE);
  }

  boolean removesJavaProperties() {
    return values.getBoolean(REMOVE_JAVA);
  }

  int cacheSize() {
    return values.getInt(MAX_SCHEMAS);
  }

  Duration missingTtl() {
    return Duration.ofSeconds(values.getInt(MISSING_TTL));
  }

  Duration connectTimeout() {
    return Duration.ofMillis(values.getInt(CONNECT_TIMEOUT));
  }

  Duration readTimeout() {
    return Duration.ofMillis(values.getInt(READ_TIMEOUT));
  }

  int retries() {
    return values.getInt(RETRIES);
  }

  /** Wait before a retry: doubled each time, up to the longest. */
  Duration retryWait(int retry) {
    long doubled = (long) values.getInt(RETRY_WAIT) << Math.min(retry, 20);
    return Duration.ofMillis(Math.min(doubled, values.getInt(RETRY_MAX_WAIT)));
  }

  /** {@code user:password} of a request to an address, or null when there is none. */
  @Nullable String userInfo(URI url) {
    return values.getString(BASIC_SOURCE).equals("USER_INFO")
        ? secret(BASIC_USER)
        : url.getUserInfo();
  }

  @Nullable String bearerToken() {
    return values.getString(BEARER_SOURCE) == null ? null : secret(BEARER_TOKEN);
  }

  /** Host and port of the proxy, or null. */
  @Nullable URI proxy() {
    String host = values.getString(PROXY_HOST);
    return host == null ? null : URI.create("http://" + host + ":" + values.getInt(PROXY_PORT));
  }

  Map<String, String> headers() {
    Map<String, String> headers = new TreeMap<>();
    values
        .originalsWithPrefix(HEADER_PREFIX)
        .forEach((name, value) -> headers.put(name, value.toString()));
    return headers;
  }

  boolean hasSslSettings() {
    return !values.originalsWithPrefix(SSL_PREFIX).isEmpty();
  }

  /** Kafka's TLS settings, as its own clients would parse them. */
  Map<String, ?> ssl() {
    Map<String, String> ours = new TreeMap<>();
    settings.forEach(
        (key, value) -> {
          if (key.startsWith(SSL_PREFIX)) {
            ours.put(sslKey(key), value);
          }
        });
    return new AbstractConfig(SSL, ours, false).values();
  }

  private static String sslKey(String key) {
    return "ssl." + key.substring(SSL_PREFIX.length());
  }

  private String secret(String key) {
    Password password = values.getPassword(key);
    return password == null ? "" : Objects.requireNonNullElse(password.value(), "");
  }

  private static boolean isUrl(String text) {
    return MOCK.matcher(text).matches()
        || (!parts(text).isEmpty() && parts(text).stream().allMatch(SchemaRegistryConfig::isHttp));
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

  private static List<String> parts(String urls) {
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
  private record Checked(String expected, java.util.function.Predicate<String> holds)
      implements ConfigDef.Validator {
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
