package io.shelfstream.broker;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.utils.Time;

/**
 * One real Kafka broker in this JVM, for the demo and for tests: controller and broker in one node,
 * on free ports of 127.0.0.1. Everything that Kafka replicates has one copy. Started by {@link
 * #start}, usable from any thread; several may run in one JVM, each on a data directory of its own.
 */
public final class EmbeddedBroker implements AutoCloseable {
  private static final String HOST = "127.0.0.1";
  private static final int NODE = 1;

  private final KafkaRaftServer server;
  private final int port;
  private boolean closed;

  private EmbeddedBroker(KafkaRaftServer server, int port) {
    this.server = server;
    this.port = port;
  }

  /**
   * Starts a broker and returns once it takes requests, in a second or two.
   *
   * @param dataDirectory topics and metadata; made when missing. A directory of an earlier broker
   *     continues it: topics, records, offsets and transactions are those that it left.
   * @throws IOException when the directory cannot be used or no port is free
   * @throws org.apache.kafka.common.KafkaException when the broker does not start
   */
  public static EmbeddedBroker start(Path dataDirectory) throws IOException {
    return start(dataDirectory, Map.of());
  }

  /**
   * The same with settings of Kafka's broker that override ours, such as those of a secured
   * listener; clients come through the listener {@code BROKER}.
   */
  public static EmbeddedBroker start(Path dataDirectory, Map<String, String> more)
      throws IOException {
    Path directory = dataDirectory.toAbsolutePath().normalize();
    StorageDirectory.format(directory, NODE);
    // Kept open until Kafka listens, so that no other program gets these ports in between.
    try (Socket broker = freePort();
        Socket controller = freePort()) {
      Map<String, String> settings =
          new HashMap<>(settings(directory, broker.getLocalPort(), controller.getLocalPort()));
      settings.putAll(more);
      KafkaConfig config = new KafkaConfig(settings, false);
      KafkaRaftServer server = new KafkaRaftServer(config, Time.SYSTEM);
      try {
        server.startup();
      } catch (RuntimeException e) {
        server.shutdown();
        server.awaitShutdown();
        throw e;
      }
      return new EmbeddedBroker(server, broker.getLocalPort());
    }
  }

  /** A bound socket that does not listen: Linux lets a server of this user bind its port too. */
  private static Socket freePort() throws IOException {
    Socket socket = new Socket();
    socket.setReuseAddress(true);
    socket.bind(new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), 0));
    return socket;
  }

  private static Map<String, String> settings(Path directory, int broker, int controller) {
    return Map.ofEntries(
        Map.entry("process.roles", "broker,controller"),
        Map.entry("node.id", String.valueOf(NODE)),
        Map.entry("controller.quorum.voters", NODE + "@" + HOST + ":" + controller),
        Map.entry("controller.listener.names", StorageDirectory.CONTROLLER_LISTENER),
        Map.entry(
            "listeners",
            "BROKER://%s:%d,%s://%s:%d"
                .formatted(HOST, broker, StorageDirectory.CONTROLLER_LISTENER, HOST, controller)),
        Map.entry("advertised.listeners", "BROKER://" + HOST + ":" + broker),
        Map.entry("inter.broker.listener.name", "BROKER"),
        Map.entry(
            "listener.security.protocol.map",
            "BROKER:PLAINTEXT," + StorageDirectory.CONTROLLER_LISTENER + ":PLAINTEXT"),
        Map.entry("log.dirs", directory.toString()),
        // One node holds the only copy of everything.
        Map.entry("default.replication.factor", "1"),
        Map.entry("min.insync.replicas", "1"),
        Map.entry("offsets.topic.replication.factor", "1"),
        Map.entry("offsets.topic.num.partitions", "1"),
        Map.entry("transaction.state.log.replication.factor", "1"),
        Map.entry("transaction.state.log.min.isr", "1"),
        Map.entry("transaction.state.log.num.partitions", "1"),
        Map.entry("share.coordinator.state.topic.replication.factor", "1"),
        Map.entry("share.coordinator.state.topic.min.isr", "1"),
        Map.entry("share.coordinator.state.topic.num.partitions", "1"),
        // Topics are created explicitly; a misspelt name should fail.
        Map.entry("auto.create.topics.enable", "false"),
        // The first consumer of a group need not wait for others that will not come.
        Map.entry("group.initial.rebalance.delay.ms", "0"),
        // A killed exactly-once application works again after 6.5 s instead of 12.5 s (measured
        // with kill -9).
        Map.entry("transaction.abort.timed.out.transaction.cleanup.interval.ms", "500"),
        // Few clients: the default pools only cost threads and a 128 MiB cleaner buffer.
        Map.entry("num.io.threads", "4"),
        Map.entry("num.network.threads", "2"),
        Map.entry("log.cleaner.dedupe.buffer.size", "4194304"),
        // Index files are mapped at full length: two of 10 MiB for each partition otherwise.
        Map.entry("log.index.size.max.bytes", "1048576"));
  }

  /** {@code host:port} for {@code bootstrap.servers}. Another one after a restart. */
  public String bootstrapServers() {
    return HOST + ":" + port;
  }

  /** Stops the broker and waits for it; what was acknowledged is on disk. Idempotent. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      server.shutdown();
      server.awaitShutdown();
    }
  }
}
