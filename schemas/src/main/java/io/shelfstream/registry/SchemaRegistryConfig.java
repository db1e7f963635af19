package io.shelfstream.registry;

import io.shelfstream.registry.SchemaRegistryException.Kind;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.types.Password;
import org.jspecify.annotations.Nullable;

/**
 * Settings of the registry client and of the serde, named as the official serialisers name them.
 * Defaults are theirs, too, except that Java properties are removed from schemas before they are
 * registered, and that timeouts are short enough to try the next URL while a consumer waits.
 */
public final class SchemaRegistryConfig {

  public static final String URL = RegistryKeys.URL;

  /** Followed by a key of Kafka's own TLS settings, such as {@code truststore.location}. */
  public static final String SSL_PREFIX = RegistryKeys.SSL_PREFIX;

  /** Followed by the name of a header that is sent with every request. */
  public static final String HEADER_PREFIX = RegistryKeys.HEADER_PREFIX;

  private static final Pattern HEADER = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+");
  private static final ConfigDef SSL = new ConfigDef().withClientSslSupport();

  private final AbstractConfig values;
  private final Map<String, String> settings;

  private SchemaRegistryConfig(Map<String, String> settings) {
    this.settings = Map.copyOf(settings);
    this.values = new AbstractConfig(RegistryKeys.DEFINITION, settings, false);
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
    return RegistryKeys.DEFINITION.configKeys().values();
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
    if (values.getString(RegistryKeys.BASIC_SOURCE).equals("USER_INFO")
        && !secret(RegistryKeys.BASIC_USER).contains(":")) {
      problems.put(
          RegistryKeys.BASIC_USER, "give USER:PASSWORD, as " + RegistryKeys.BASIC_SOURCE + " asks");
    }
    if (values.getString(RegistryKeys.BEARER_SOURCE) != null
        && secret(RegistryKeys.BEARER_TOKEN).isEmpty()) {
      problems.put(
          RegistryKeys.BEARER_TOKEN, "give a token, as " + RegistryKeys.BEARER_SOURCE + " asks");
    }
    if (values.getBoolean(RegistryKeys.USE_LATEST)
        && values.getInt(RegistryKeys.USE_SCHEMA_ID) >= 0) {
      problems.put(
          RegistryKeys.USE_SCHEMA_ID, "give it, or " + RegistryKeys.USE_LATEST + ", not both");
    }
    if (values.getString(RegistryKeys.PROXY_HOST) != null
        && values.getInt(RegistryKeys.PROXY_PORT) < 0) {
      problems.put(RegistryKeys.PROXY_PORT, "give the port of " + RegistryKeys.PROXY_HOST);
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
    return RegistryKeys.parts(url()).stream()
        .map(part -> URI.create(part.replaceAll("/+$", "")))
        .toList();
  }

  WritePolicy writePolicy() {
    return new WritePolicy(
        values.getBoolean(RegistryKeys.AUTO_REGISTER),
        values.getBoolean(RegistryKeys.USE_LATEST),
        values.getBoolean(RegistryKeys.LATEST_STRICT),
        Duration.ofSeconds(values.getInt(RegistryKeys.LATEST_TTL)),
        values.getInt(RegistryKeys.USE_SCHEMA_ID),
        SubjectNames.named(values.getString(RegistryKeys.SUBJECT_STRATEGY)));
  }

  boolean normalizes() {
    return values.getBoolean(RegistryKeys.NORMALIZE);
  }

  boolean removesJavaProperties() {
    return values.getBoolean(RegistryKeys.REMOVE_JAVA);
  }

  int cacheSize() {
    return values.getInt(RegistryKeys.MAX_SCHEMAS);
  }

  Duration missingTtl() {
    return Duration.ofSeconds(values.getInt(RegistryKeys.MISSING_TTL));
  }

  Duration connectTimeout() {
    return Duration.ofMillis(values.getInt(RegistryKeys.CONNECT_TIMEOUT));
  }

  Duration readTimeout() {
    return Duration.ofMillis(values.getInt(RegistryKeys.READ_TIMEOUT));
  }

  int retries() {
    return values.getInt(RegistryKeys.RETRIES);
  }

  /** Wait before a retry: doubled each time, up to the longest. */
  Duration retryWait(int retry) {
    long doubled = (long) values.getInt(RegistryKeys.RETRY_WAIT) << Math.min(retry, 20);
    return Duration.ofMillis(Math.min(doubled, values.getInt(RegistryKeys.RETRY_MAX_WAIT)));
  }

  /** {@code user:password} of a request to an address, or null when there is none. */
  @Nullable String userInfo(URI url) {
    return values.getString(RegistryKeys.BASIC_SOURCE).equals("USER_INFO")
        ? secret(RegistryKeys.BASIC_USER)
        : url.getUserInfo();
  }

  @Nullable String bearerToken() {
    return values.getString(RegistryKeys.BEARER_SOURCE) == null
        ? null
        : secret(RegistryKeys.BEARER_TOKEN);
  }

  /** Host and port of the proxy, or null. */
  @Nullable URI proxy() {
    String host = values.getString(RegistryKeys.PROXY_HOST);
    return host == null
        ? null
        : URI.create("http://" + host + ":" + values.getInt(RegistryKeys.PROXY_PORT));
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
}
