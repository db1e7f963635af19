package io.shelfstream.config;

import io.shelfstream.registry.SchemaRegistryConfig;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.apache.kafka.common.config.ConfigDef;

/** Reads the settings of the schema registry and the serialisers, under their official names. */
final class RegistrySettings {

  private RegistrySettings() {}

  static Map<String, String> from(Settings settings) {
    Map<String, String> read = new TreeMap<>();
    for (ConfigDef.ConfigKey key : SchemaRegistryConfig.keys()) {
      Format<String> format =
          new Format<>(SchemaRegistryConfig.expected(key), Function.<String>identity())
              .where(value -> SchemaRegistryConfig.accepts(key, value));
      if (key.defaultValue == null) {
        settings.optional(key.name, format).ifPresent(value -> read.put(key.name, value));
      } else {
        read.put(key.name, settings.get(key.name, String.valueOf(key.defaultValue), format));
      }
    }
    read.putAll(settings.below(SchemaRegistryConfig.SSL_PREFIX));
    read.putAll(settings.below(SchemaRegistryConfig.HEADER_PREFIX));
    SchemaRegistryConfig.problems(read).forEach(settings::problem);
    return read;
  }

  static String shownUrl(Map<String, String> settings) {
    return settings.getOrDefault(SchemaRegistryConfig.URL, "").replaceAll("//[^/@,]*@", "//****@");
  }
}
