package io.shelfstream.bench;

import io.shelfstream.broker.EmbeddedBroker;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/** One of several brokers, each in a process of its own. */
final class ClusterNode {
  private ClusterNode() {}

  /**
   * @param arguments number of the node, data directory, cluster id, and settings of Kafka's broker
   *     as KEY=VALUE: roles, voters and listeners {@code BROKER} and {@code CONTROLLER} at least
   */
  public static void main(String[] arguments) throws Exception {
    Path data = Files.createDirectories(Path.of(arguments[1]));
    format(data, Integer.parseInt(arguments[0]), arguments[2]);
    Map<String, String> settings = new HashMap<>();
    settings.put("node.id", arguments[0]);
    for (String setting : Arrays.asList(arguments).subList(3, arguments.length)) {
      int equals = setting.indexOf('=');
      settings.put(setting.substring(0, equals), setting.substring(equals + 1));
    }
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
