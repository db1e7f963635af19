package io.shelfstream.cli;

import io.shelfstream.broker.BrokerWait;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.outage.Deadline;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The same for the verbs that a person or a script waits for: they do not wait for ever. */
final class BrokerOptions extends ConfigOptions {
  private static final String KEY = "start.wait";

  @Option(
      names = "--wait",
      paramLabel = "DURATION",
      description =
          "Longest time to wait for a broker or a schema registry that is away, such as 60s. Default: 15s.")
  @Nullable String wait;

  @Override
  ShelfStreamConfig load(Map<String, String> ofTheCommand) {
    Map<String, String> all = new LinkedHashMap<>(ofTheCommand);
    all.put(KEY, "15s");
    if (wait != null) {
      overrides.put(KEY, wait);
    }
    return super.load(all);
  }

  /** Returns once the broker answers. Call it when all that needs no broker has been checked. */
  static ShelfStreamConfig awaitBroker(ShelfStreamConfig loaded) {
    BrokerWait.untilItAnswers(loaded, Deadline.in(loaded.startWait()));
    return loaded;
  }
}
