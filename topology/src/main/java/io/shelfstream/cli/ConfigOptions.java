package io.shelfstream.cli;

import io.shelfstream.config.ShelfStreamConfig;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a command's configuration comes from; the same options on every verb that needs it. */
class ConfigOptions {
  @Option(
      names = {"-c", "--config"},
      paramLabel = "FILE",
      description = "Configuration file; every key and its default is in reference.properties.")
  @Nullable Path file;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Sets one configuration key; wins over the file. May be repeated.")
  Map<String, String> overrides = new LinkedHashMap<>();

  @Option(
      names = {"-b", "--bootstrap-server"},
      paramLabel = "HOST:PORT",
      description = "Kafka broker; short for --set kafka.bootstrap.servers=HOST:PORT.")
  @Nullable String bootstrapServer;

  /** For commands that only talk to Kafka. */
  ShelfStreamConfig load() {
    return load(Map.of());
  }

  ShelfStreamConfig load(Map<String, String> ofTheCommand) {
    return ShelfStreamConfig.load(file, merged(ofTheCommand));
  }

  ShelfStreamConfig loadWithModels() {
    return loadWithModels(Map.of());
  }

  /** For commands that recognise; settings of the user override those of the command. */
  ShelfStreamConfig loadWithModels(Map<String, String> ofTheCommand) {
    return ShelfStreamConfig.loadWithModels(file, merged(ofTheCommand));
  }

  private Map<String, String> merged(Map<String, String> ofTheCommand) {
    Map<String, String> all = new LinkedHashMap<>(ofTheCommand);
    all.putAll(overrides);
    if (bootstrapServer != null) {
      all.put("kafka.bootstrap.servers", bootstrapServer);
    }
    return all;
  }
}
