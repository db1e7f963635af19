package io.shelfstream.streams;

import static io.shelfstream.streams.Lifecycle.State.DRAINING;
import static io.shelfstream.streams.Lifecycle.State.FAILED;
import static io.shelfstream.streams.Lifecycle.State.READY;
import static io.shelfstream.streams.Lifecycle.State.REBUILDING;
import static io.shelfstream.streams.Lifecycle.State.STOPPED;

import io.shelfstream.broker.Topics;
import io.shelfstream.config.DeliverySettings;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.outage.Wait;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KafkaStreams.State;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.InvalidStateStoreException;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.ReadOnlyKeyValueStore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One Kafka Streams application of this process, kept running: a stream thread that fails is
 * replaced, and a client that ends is replaced by a new one, as often as the settings allow.
 */
public final class StreamsApplication implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(StreamsApplication.class);

  /**
   * Time limit for the commit at a stop, and for closing the old client before a new one is built.
   */
  private static final Duration CLOSING = Duration.ofSeconds(30);

  /** Longest poll in ms where answers end it: only work that is not urgent waits for its end. */
  private static final int POLL_UNTIL_WOKEN = 20;

  /** Longest poll in ms where answers cannot end it: an answer may be late by this time. */
  private static final int POLL_FOR_ANSWERS = 2;

  private final ShelfStreamConfig config;
  private final String id;
  private final boolean isGlobalStore;
  private final Supplier<Topology> topology;
  private final Deliveries deliveries;
  private final WakeableClients clients;
  private final Map<String, ?> own;
  private final Lifecycle lifecycle;
  private final Restarts restarts;
  private volatile KafkaStreams streams;
  private @Nullable Throwable cause;

  /**
   * An application that answers records later, in timers.
   *
   * @param topology called again when a new client is built
   * @param deliveries of its outputs, with the records that failed
   * @param clients whose polls an answer ends
   */
  public static StreamsApplication answeringLater(
      ShelfStreamConfig config,
      String id,
      Supplier<Topology> topology,
      Deliveries deliveries,
      WakeableClients clients,
      Lifecycle lifecycle) {
    return new StreamsApplication(
        config, id, false, topology, deliveries, clients, Map.of(), lifecycle);
  }

  /**
   * An application that answers each record within {@code process}.
   *
   * @param topology called again when a new client is built
   * @param deliveries of its outputs, with the records that failed
   * @param own settings of Kafka Streams for this application, in addition to those for all
   */
  public static StreamsApplication answeringAtOnce(
      ShelfStreamConfig config,
      String id,
      Supplier<Topology> topology,
      Deliveries deliveries,
      Map<String, ?> own,
      Lifecycle lifecycle) {
    return new StreamsApplication(
        config, id, false, topology, deliveries, new WakeableClients(), own, lifecycle);
  }

  /**
   * An application that is only a global store. No new client is built for it: its owner has to
   * fill the store again.
   *
   * @param deliveries with the records that failed
   * @param own settings of Kafka Streams for this application, in addition to those for all
   */
  public static StreamsApplication globalStore(
      ShelfStreamConfig config,
      String id,
      Topology topology,
      Deliveries deliveries,
      Map<String, ?> own,
      Lifecycle lifecycle) {
    return new StreamsApplication(
        config, id, true, () -> topology, deliveries, new WakeableClients(), own, lifecycle);
  }

  private StreamsApplication(
      ShelfStreamConfig config,
      String id,
      boolean isGlobalStore,
      Supplier<Topology> topology,
      Deliveries deliveries,
      WakeableClients clients,
      Map<String, ?> own,
      Lifecycle lifecycle) {
    DeliverySettings delivery = config.delivery();
    this.config = config;
    this.id = id;
    this.isGlobalStore = isGlobalStore;
    this.topology = topology;
    this.deliveries = deliveries;
    this.clients = clients;
    this.own = own;
    this.lifecycle = lifecycle;
    this.restarts = new Restarts(delivery.restarts(), delivery.restartsWithin());
    this.streams = build();
  }

  private KafkaStreams build() {
    Properties settings = settings(config, id, deliveries, own);
    KafkaStreams built =
        isManagedByBroker(settings)
            ? new KafkaStreams(topology.get(), settings) // it makes its consumer itself
            : new KafkaStreams(topology.get(), settings, clients);
    built.setUncaughtExceptionHandler(this::uncaught);
    built.setStateListener(
        (now, before) -> {
          if (now == State.ERROR || now == State.NOT_RUNNING) {
            ended(built);
          }
        });
    return built;
  }

  /**
   * Starts it. Returns at once; with a global store, when its topic was read to its end.
   *
   * @throws RuntimeException when the broker cannot be reached or used
   */
  public void start() {
    if (!isGlobalStore) {
      lifecycle.to(READY, "started");
    }
    streams.start();
    if (isGlobalStore) {
      lifecycle.to(READY, "read to the end of its topic");
      noticeEnd();
    }
  }

  /** An end before the state was READY was ignored; this handles it. */
  private void noticeEnd() {
    KafkaStreams now = streams;
    if (now.state().hasCompletedShutdown()) {
      ended(now);
    }
  }

  public Lifecycle lifecycle() {
    return lifecycle;
  }

  /** The figures of its present client and of those that it uses, as Kafka names them. */
  public Map<MetricName, ? extends Metric> figures() {
    return streams.metrics();
  }

  /** Whether it works; also true during a rebalance. */
  public boolean isReady() {
    return lifecycle.is(READY) && streams.state().isRunningOrRebalancing();
  }

  /**
   * The value of a key in one of its stores; empty also while the store cannot be read.
   *
   * @param store of texts and numbers
   */
  public OptionalLong stored(String store, String key) {
    try {
      ReadOnlyKeyValueStore<String, Long> values =
          streams.store(
              StoreQueryParameters.fromNameAndType(store, QueryableStoreTypes.keyValueStore()));
      Long value = values.get(key);
      return value == null ? OptionalLong.empty() : OptionalLong.of(value);
    } catch (InvalidStateStoreException e) {
      log.atDebug().setCause(e).log("Store {} cannot be read now", store);
      return OptionalLong.empty();
    }
  }

  /** Called by the thread that failed. */
  private synchronized StreamThreadExceptionResponse uncaught(Throwable e) {
    cause = e;
    // A global thread cannot be replaced, and a thread that waited for the registry is stopped by
    // an exception.
    if (lifecycle.isStopping() || isGlobalStore || e instanceof Wait.Stopped || isHopeless(e)) {
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    }
    // Failures caused by one record are not counted: it is set aside when it fails again.
    if (!deliveries.failed().tookNote() && !restarts.mayRestart()) {
      lifecycle.to(FAILED, "it has failed more often than delivery.restarts allows", e);
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    }
    log.atWarn()
        .addKeyValue("application", id)
        .setCause(e)
        .log("A stream thread failed and is replaced");
    return StreamThreadExceptionResponse.REPLACE_THREAD;
  }

  /** Failures that a restart would meet again. */
  private static boolean isHopeless(Throwable failure) {
    for (Throwable e = failure; e != null; e = e.getCause()) {
      if (e instanceof AuthorizationException
          || e instanceof AuthenticationException
          || e instanceof Error) {
        return true;
      }
    }
    return false;
  }

  /** Called when a client has ended, by one of its threads, which cannot close it. */
  private synchronized void ended(KafkaStreams client) {
    if (client != streams || !lifecycle.is(READY)) {
      return; // it is being closed, replaced or given up; or start() throws the cause
    }
    Throwable why = cause != null ? cause : new IllegalStateException(id + " ended");
    // Failed stream threads were counted before.
    if (isGlobalStore || isHopeless(why) || !restarts.mayRestart()) {
      lifecycle.to(FAILED, "Kafka Streams ended", why);
    } else if (lifecycle.to(REBUILDING, "Kafka Streams ended", why)) {
      Thread builder = new Thread(this::rebuild, id + "-rebuild");
      builder.setDaemon(true);
      builder.start();
    }
  }

  private void rebuild() {
    streams.close(CLOSING);
    while (!lifecycle.isStopping()) {
      try {
        synchronized (this) {
          if (lifecycle.isStopping()) {
            return;
          }
          streams = build();
        }
        streams.start();
        lifecycle.to(READY, "Kafka Streams runs again");
        noticeEnd();
        return;
      } catch (RuntimeException e) {
        if (!restarts.mayRestart()) {
          lifecycle.to(FAILED, "Kafka Streams cannot be built anew", e);
          return;
        }
        log.atWarn().addKeyValue("application", id).setCause(e).log("Not yet; trying again");
        pause();
      }
    }
  }

  private static void pause() {
    try {
      TimeUnit.SECONDS.sleep(1);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Announces {@link #close}: from now on an end is no failure. */
  public void stopping() {
    lifecycle.to(DRAINING, "told to stop");
  }

  /** Commits and leaves the group. Idempotent. */
  @Override
  public void close() {
    KafkaStreams last;
    synchronized (this) {
      lifecycle.to(DRAINING, "told to stop");
      last = streams;
    }
    // Leaving the group lets the next start begin at once instead of after the session times out.
    last.close(
        CloseOptions.timeout(CLOSING)
            .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
    lifecycle.to(STOPPED, "closed");
  }

  private static boolean isManagedByBroker(Map<?, ?> settings) {
    return settings.get(StreamsConfig.GROUP_PROTOCOL_CONFIG) instanceof String protocol
        && protocol.equalsIgnoreCase("streams");
  }

  /** Our defaults for Kafka Streams; the user's {@code kafka.*} come last and win. */
  private static Properties settings(
      ShelfStreamConfig config, String id, Deliveries deliveries, Map<String, ?> own) {
    DeliverySettings delivery = config.delivery();
    Map<String, Object> settings = new HashMap<>();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, id);
    settings.put(
        StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
        delivery.exactlyOnce() ? StreamsConfig.EXACTLY_ONCE_V2 : StreamsConfig.AT_LEAST_ONCE);
    // What Kafka 5 does anyway: one handler for the global thread, too; it fails, as ours should.
    settings.put(StreamsConfig.PROCESSING_EXCEPTION_HANDLER_GLOBAL_ENABLED_CONFIG, true);
    // At-least-once as well: a publisher may abort its transaction.
    settings.put(StreamsConfig.consumerPrefix("isolation.level"), "read_committed");
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
    // A slow model must not keep a thread from its next poll: few records in hand.
    settings.put(StreamsConfig.consumerPrefix("max.poll.records"), 32);
    settings.put(
        StreamsConfig.mainConsumerPrefix("max.poll.interval.ms"),
        Math.toIntExact(delivery.pollBudget().toMillis()));
    settings.put(StreamsConfig.consumerPrefix("session.timeout.ms"), 6_000);
    settings.put(StreamsConfig.consumerPrefix("heartbeat.interval.ms"), 1_500);
    // A request to a broker that was cut off hangs that long, and with it the thread. With Kafka's
    // 30 s no instance answered a frame for 31 to 46 s, with 10 s for 11 to 39 s: requests between
    // brokers hang, too (docs/performance-history.md). A broker counts as gone after 9 s.
    settings.put("request.timeout.ms", 10_000);
    settings.put(StreamsConfig.producerPrefix("linger.ms"), 0);
    settings.put(StreamsConfig.producerPrefix("max.request.size"), Topics.LARGEST_RECORD);
    if (delivery.exactlyOnce()) {
      // After a crash, readers of committed records wait that long for the open transaction.
      settings.put(StreamsConfig.producerPrefix("transaction.timeout.ms"), 10_000);
    }
    config.stateDir().ifPresent(d -> settings.put(StreamsConfig.STATE_DIR_CONFIG, d.toString()));
    settings.putAll(own);
    settings.putAll(config.kafka());
    // How late a timer may be. Arriving records end a poll at once.
    settings.putIfAbsent(
        StreamsConfig.POLL_MS_CONFIG,
        isManagedByBroker(settings) ? POLL_FOR_ANSWERS : POLL_UNTIL_WOKEN);
    if (isManagedByBroker(settings)) {
      // The broker sets these for the whole group, and refuses them from a client.
      settings.remove(StreamsConfig.consumerPrefix("session.timeout.ms"));
      settings.remove(StreamsConfig.consumerPrefix("heartbeat.interval.ms"));
    }
    settings.put(StreamsConfig.producerPrefix(Deliveries.CONFIG), deliveries);
    // Last, for it has to see the record that is really sent.
    append(
        settings,
        StreamsConfig.producerPrefix("interceptor.classes"),
        Deliveries.Interceptor.class);
    append(settings, StreamsConfig.consumerPrefix("interceptor.classes"), RepairedTimestamps.class);
    settings.put(StreamsConfig.consumerPrefix(ReadProgress.CONFIG), deliveries.progress());
    append(
        settings,
        StreamsConfig.consumerPrefix("interceptor.classes"),
        ReadProgress.Interceptor.class);
    Properties properties = new Properties();
    properties.putAll(settings);
    return properties;
  }

  private static void append(Map<String, Object> settings, String key, Class<?> last) {
    settings.merge(key, last.getName(), (theirs, ours) -> theirs + "," + ours);
  }
}
