package io.shelfstream.bench;

import io.shelfstream.broker.EmbeddedBroker;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/** One of two brokers, each in a process of its own; the first is the controller, too. */
final class ClusterNode {
  private ClusterNode() {}

  /**
   * @param arguments node 1 or 2, data directory, cluster id, port of the broker, port of the
   *     controller
   */
  public static void main(String[] arguments) throws Exception {
    int node = Integer.parseInt(arguments[0]);
    Path data = Files.createDirectories(Path.of(arguments[1]));
    format(data, node, arguments[2]);
    String broker = "BROKER://127.0.0.1:" + arguments[3];
    Map<String, String> settings = new HashMap<>();
    settings.put("node.id", Integer.toString(node));
    settings.put("controller.quorum.voters", "1@127.0.0.1:" + arguments[4]);
    settings.put("process.roles", node == 1 ? "broker,controller" : "broker");
    settings.put(
        "listeners", node == 1 ? broker + ",CONTROLLER://127.0.0.1:" + arguments[4] : broker);
    settings.put("advertised.listeners", broker);
    settings.put("group.min.session.timeout.ms", "1000");
    EmbeddedBroker.start(data, settings);
    System.out.println("started");
    new CountDownLatch(1).await();
  }

  private static void format(Path data, int node, String cluster) throws Exception {
    try (PrintStream quiet =
        new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8)) {
      new Formatter()
          .setPrintStream(quiet)
          .setClusterId(cluster)
          .setNodeId(node)
          .setDirectories(List.of(data.toString()))
          .setMetadataLogDirectory(data.toString())
          .setControllerListenerName("CONTROLLER")
          .setReleaseVersion(MetadataVersion.LATEST_PRODUCTION)
          .run();
    }
  }
}
