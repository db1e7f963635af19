package io.shelfstream.cli;

import io.shelfstream.broker.Topics;
import io.shelfstream.client.UsageException;
import io.shelfstream.config.ShelfStreamConfig;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "topics",
    mixinStandardHelpOptions = true,
    description = {
      "Makes the topics that are missing, with the settings their records need. May be run again at any time.",
      "Topics that exist stay as they are; one with other settings is reported, and the exit code is 1.",
      "With --dry-run nothing is changed."
    })
final class TopicsCommand implements Callable<Integer> {
  @Mixin BrokerOptions config = new BrokerOptions();

  @Option(
      names = "--partitions",
      paramLabel = "N",
      defaultValue = "-1",
      description = "Partitions of each new topic. Default: the broker's num.partitions.")
  int partitions = Topics.BROKER_DEFAULT;

  @Option(
      names = "--replication",
      paramLabel = "N",
      defaultValue = "-1",
      description = "Copies of each new topic. Default: the broker's default.replication.factor.")
  short replication = Topics.BROKER_DEFAULT_COPIES;

  @Option(names = "--dry-run", description = "Only say what would be done.")
  boolean dryRun;

  @Override
  public Integer call() {
    if (partitions == 0 || partitions < -1 || replication == 0 || replication < -1) {
      throw new UsageException("--partitions and --replication are whole numbers from 1");
    }
    ShelfStreamConfig loaded = BrokerOptions.awaitBroker(config.load());
    List<Topics.Finding> findings = Topics.inspect(loaded);
    if (!dryRun) {
      Topics.create(loaded, partitions, replication);
    }
    findings.forEach(this::print);
    return findings.stream().allMatch(finding -> finding.differing().isEmpty()) ? 0 : 1;
  }

  private void print(Topics.Finding finding) {
    String verdict = "ok";
    if (!finding.exists()) {
      verdict = dryRun ? "would be made" : "made";
    } else if (!finding.differing().isEmpty()) {
      verdict =
          "differs: has %s; set %s with kafka-configs --alter"
              .formatted(finding.differing(), new TreeMap<>(finding.wanted()));
    }
    System.out.printf(
        "%-26s %s%s%n",
        finding.topic(),
        verdict,
        verdict.endsWith("made") ? " " + new TreeMap<>(finding.wanted()) : "");
  }
}
