package io.shelfstream.broker;

import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.outage.Deadline;
import io.shelfstream.outage.Wait;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.RetriableException;
import org.slf4j.LoggerFactory;

/**
 * Waits for a broker that is away, as {@link io.shelfstream.messages.RegistryWait} does for the
 * registry. A broker that refuses us is not waited for: wrong credentials, a certificate that is
 * not trusted, a listener of another protocol. A name without an address is: in a cluster names
 * come up together with what they name.
 */
public final class BrokerWait {
  private static final Duration FIRST_PATIENCE = Duration.ofSeconds(5);
  private static final Duration PATIENCE = Duration.ofSeconds(15);
  private static final Duration LEAST_PATIENCE = Duration.ofMillis(500);
  private static final String CHECK =
      "check kafka.bootstrap.servers, kafka.security.protocol, kafka.sasl.* and kafka.ssl.*";

  private static final String NO_BROKER =
      "it takes connections, but does not answer as a Kafka broker; it may be starting, or something else listens there: "
          + CHECK;
  private static final String NAMES_OTHERS =
      "it answers, but the addresses that it names for its brokers do not; they may be starting, or advertised.listeners on the broker names addresses that cannot be reached from here";

  private BrokerWait() {}

  /**
   * Returns as soon as the broker answers.
   *
   * @throws io.shelfstream.outage.GaveUpException when the deadline is over
   * @throws KafkaException when the broker refuses us, or the settings cannot be used
   */
  public static void untilItAnswers(ShelfStreamConfig config, Deadline deadline) {
    String servers = servers(config);
    Wait wait = new Wait(LoggerFactory.getLogger(BrokerWait.class), "the broker " + servers);
    boolean[] asked = new boolean[1];
    wait.until(
        () -> {
          Duration patience = deadline.left(asked[0] ? PATIENCE : FIRST_PATIENCE);
          ask(config, patience.compareTo(LEAST_PATIENCE) < 0 ? LEAST_PATIENCE : patience);
          return true;
        },
        e -> {
          asked[0] = true;
          return e instanceof BrokerAwayException;
        },
        deadline);
  }

  /**
   * Asks once whether the broker is there and lets us in.
   *
   * @throws BrokerAwayException when nobody answers, within a few seconds of {@code patience}
   * @throws KafkaException when the broker refuses us, or the settings cannot be used
   */
  public static void ask(ShelfStreamConfig config, Duration patience) {
    Optional<Listener> listener = reachable(config);
    Map<String, Object> settings = new HashMap<>(config.kafka());
    settings.put("default.api.timeout.ms", (int) patience.toMillis());
    settings.put("request.timeout.ms", (int) patience.toMillis());
    try (QuietClients.Scope quiet = QuietClients.begin();
        Admin admin = Admin.create(settings)) {
      admin.describeCluster().nodes().get();
    } catch (ExecutionException e) {
      Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
      if (cause instanceof RetriableException && listener.isPresent()) {
        List<String> spoken = listener.get().protocols();
        requireOurs(config, listener.get(), spoken);
        throw new BrokerAwayException(spoken.isEmpty() ? NO_BROKER : NAMES_OTHERS);
      }
      throw refused(config, cause);
    } catch (InterruptedException e) {
      throw new InterruptException("Interrupted while asking the broker", e);
    } catch (InterruptException e) {
      throw e;
    } catch (KafkaException e) { // the client cannot even be made
      throw refused(config, Objects.requireNonNullElse(e.getCause(), e));
    }
  }

  /**
   * The first that takes connections; one is enough for Kafka's client, too. Looked for before that
   * is made: it wants one name at least that has an address, and takes the first bytes of TLS for
   * the length of an answer, for which it has no memory.
   */
  private static Optional<Listener> reachable(ShelfStreamConfig config) {
    List<String> away = new ArrayList<>();
    List<Listener> others = new ArrayList<>();
    List<String> addresses = addresses(config);
    for (String address : addresses) {
      Listener listener = new Listener(address);
      Optional<String> why = listener.unreachable();
      if (why.isEmpty() && (overTls(config) || listener.answersInPlainText())) {
        return Optional.of(listener);
      }
      if (why.isEmpty()) {
        others.add(listener);
      }
      away.add((addresses.size() == 1 ? "" : address + ": ") + why.orElse(NO_BROKER));
    }
    others.forEach(other -> requireOurs(config, other, other.protocolsOverTls()));
    if (!away.isEmpty()) {
      throw new BrokerAwayException(
          String.join(", ", away)
              + (others.isEmpty()
                  ? "; start a broker there, or name another with kafka.bootstrap.servers (--bootstrap-server)"
                  : ""));
    }
    return Optional.empty();
  }

  /** Kafka's client says what is wrong with those that are no addresses. */
  private static List<String> addresses(ShelfStreamConfig config) {
    return Arrays.stream(servers(config).split(","))
        .map(String::strip)
        .filter(Listener::isAddress)
        .toList();
  }

  private static String servers(ShelfStreamConfig config) {
    return String.valueOf(config.kafka().get("bootstrap.servers"));
  }

  private static String protocol(ShelfStreamConfig config) {
    return config.kafka().getOrDefault("security.protocol", "PLAINTEXT").toUpperCase(Locale.ROOT);
  }

  private static boolean overTls(ShelfStreamConfig config) {
    return protocol(config).endsWith("SSL");
  }

  /** Nothing is known against a listener of which is not known what it speaks. */
  private static void requireOurs(
      ShelfStreamConfig config, Listener listener, List<String> spoken) {
    if (!spoken.isEmpty() && !spoken.contains(protocol(config))) {
      String theirs = String.join(" or ", spoken);
      throw new KafkaException(
          "kafka.security.protocol is %s, but the listener at %s speaks %s; set kafka.security.protocol=%s, or name another listener with kafka.bootstrap.servers"
              .formatted(protocol(config), listener, theirs, theirs));
    }
  }

  private static KafkaException refused(ShelfStreamConfig config, Throwable cause) {
    return new KafkaException(
        "Broker %s cannot be used: %s; %s".formatted(servers(config), cause.getMessage(), CHECK),
        cause);
  }
}
