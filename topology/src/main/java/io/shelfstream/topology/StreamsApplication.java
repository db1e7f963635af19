package io.shelfstream.topology;

import io.shelfstream.broker.Topics;
import io.shelfstream.config.ShelfStreamConfig;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.jspecify.annotations.Nullable;

/** One Kafka Streams application of this process. */
final class StreamsApplication implements AutoCloseable {

  /** How long a stop may take to finish the records in hand and commit. */
  private static final Duration DRAIN = Duration.ofSeconds(30);

  /** Is told once when an application ends that was not closed. */
  interface Failure {
    void ended(String application, Throwable cause);
  }

  private final String id;
  private final KafkaStreams streams;
  private final AtomicReference<@Nullable Throwable> cause = new AtomicReference<>();
  private volatile boolean closing;

  StreamsApplication(ShelfStreamConfig config, String id, Topology topology, Failure failure) {
    this.id = id;
    this.streams = new KafkaStreams(topology, settings(config, id));
    streams.setUncaughtExceptionHandler(
        e -> {
          cause.compareAndSet(null, e);
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    streams.setStateListener(
        (now, before) -> {
          boolean ended = now == KafkaStreams.State.ERROR || now == KafkaStreams.State.NOT_RUNNING;
          // A thread that waited for the registry is told to stop by an exception.
          if (ended && !closing) {
            Throwable why = cause.get();
            failure.ended(id, why != null ? why : new IllegalStateException(id + " ended"));
          }
        });
  }

  /**
   * Starts it; returns at once, or, where the topology is only a global store, once that is read to
   * its end.
   *
   * @throws RuntimeException when the broker cannot be reached or used
   */
  void start() {
    streams.start();
  }

  String id() {
    return id;
  }

  /** Finishes the records in hand, commits and leaves the group. Idempotent. */
  @Override
  public void close() {
    closing = true;
    // Leaving the group lets the next start begin at once instead of after the session times out.
    streams.close(
        CloseOptions.timeout(DRAIN)
            .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
  }

  /** Our defaults for Kafka Streams; the user's {@code kafka.*} come last and win. */
  private static Properties settings(ShelfStreamConfig config, String id) {
    Properties settings = new Properties();
    settings.putAll(
        Map.of(
            StreamsConfig.APPLICATION_ID_CONFIG,
            id,
            StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
            StreamsConfig.EXACTLY_ONCE_V2,
            // What Kafka 5 does anyway: one handler for the global thread, too; it fails, as ours
            // should.
            StreamsConfig.PROCESSING_EXCEPTION_HANDLER_GLOBAL_ENABLED_CONFIG,
            true,
            StreamsConfig.COMMIT_INTERVAL_MS_CONFIG,
            100,
            // Also how soon a gallery vector is searchable; Streams' own 100 ms is too slow for
            // that.
            StreamsConfig.POLL_MS_CONFIG,
            5,
            // A slow model must not keep a thread from its next poll: few records in hand.
            StreamsConfig.consumerPrefix("max.poll.records"),
            32,
            StreamsConfig.consumerPrefix("session.timeout.ms"),
            6_000,
            StreamsConfig.consumerPrefix("heartbeat.interval.ms"),
            1_500,
            StreamsConfig.producerPrefix("linger.ms"),
            0,
            StreamsConfig.producerPrefix("max.request.size"),
            Topics.LARGEST_RECORD));
    config.stateDir().ifPresent(d -> settings.put(StreamsConfig.STATE_DIR_CONFIG, d.toString()));
    settings.putAll(config.kafka());
    return settings;
  }
}
