package io.shelfstream.broker;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.kafka.common.utils.Utils;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * One broker for all tests of the JVM, for those that have an {@link EmbeddedBroker} as parameter:
 * started for the first and stopped after the last. Each test brings topics, groups and
 * transactional ids of its own, and leaves the broker as it is.
 */
public final class SharedBroker implements ParameterResolver {
  /** It looks often for what is to be compacted, or is too old. */
  private static final Map<String, String> SETTINGS =
      Map.of(
          "log.cleaner.backoff.ms", "100",
          "log.retention.check.interval.ms", "1000",
          "log.initial.task.delay.ms", "100");

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext test) {
    return parameter.getParameter().getType() == EmbeddedBroker.class;
  }

  @Override
  public EmbeddedBroker resolveParameter(ParameterContext parameter, ExtensionContext test) {
    return test.getRoot()
        .getStore(Namespace.GLOBAL)
        .getOrComputeIfAbsent(SharedBroker.class, key -> Started.now(), Started.class)
        .broker();
  }

  private record Started(EmbeddedBroker broker, Path folder) implements AutoCloseable {
    static Started now() {
      try {
        Path folder = Files.createTempDirectory("shared-broker");
        return new Started(EmbeddedBroker.start(folder, SETTINGS), folder);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void close() throws IOException {
      broker.close();
      Utils.delete(folder.toFile());
    }
  }
}
