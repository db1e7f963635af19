package io.shelfstream.broker;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/** A broker's data directory. Kafka starts only on one that was formatted. */
final class StorageDirectory {
  static final String CONTROLLER_LISTENER = "CONTROLLER";

  private StorageDirectory() {}

  /** Formats the directory for a new cluster of one node; one already formatted stays as it is. */
  static void format(Path directory, int node) throws IOException {
    Files.createDirectories(directory);
    if (Files.exists(directory.resolve("meta.properties"))) {
      return;
    }
    try (PrintStream quiet =
        new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8)) {
      new Formatter()
          .setPrintStream(quiet)
          .setClusterId(Uuid.randomUuid().toString())
          .setNodeId(node)
          .setDirectories(List.of(directory.toString()))
          .setMetadataLogDirectory(directory.toString())
          .setControllerListenerName(CONTROLLER_LISTENER)
          .setReleaseVersion(MetadataVersion.LATEST_PRODUCTION)
          .run();
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException(
          "Kafka's storage cannot be formatted in " + directory + "; name an empty directory", e);
    }
  }
}
