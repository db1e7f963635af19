package io.shelfstream.cli;

import io.shelfstream.client.Redrive;
import io.shelfstream.client.UsageException;
import io.shelfstream.recognition.RejectedException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "redrive",
    mixinStandardHelpOptions = true,
    description = {
      "Publishes the records of dead letters again, on the topics that they came from, once what made them fail is mended.",
      "Each dead letter is redriven once: begun again, the command goes on with those that are left. A record that fails again gets a new dead letter, which counts one attempt more.",
      "",
      "Examples: shelfstream redrive --dry-run                          how many there are, by reason",
      "          shelfstream redrive --reason FETCH_TIMEOUT --since 2h  the store was away this morning",
      "          shelfstream redrive --place 0-4711                     the one that 'watch' shows at 0-4711"
    })
final class RedriveCommand implements Callable<Integer> {
  private static final Pattern AGO = Pattern.compile("(\\d{1,6})(s|m|h|d)");

  @Mixin BrokerOptions config = new BrokerOptions();

  @Option(
      names = "--reason",
      paramLabel = "CLASS",
      description = "Only those of this reason class, such as NOT_FOUND. May be repeated.")
  List<String> reasons = List.of();

  @Option(
      names = "--since",
      paramLabel = "TIME",
      description =
          "Only those published at this time or later: 2026-11-29T08:00:00Z, or how long ago: 90s, 30m, 2h, 7d.")
  @Nullable String since;

  @Option(
      names = "--place",
      paramLabel = "PARTITION-OFFSET",
      description = "Only the dead letter that lies there.")
  @Nullable String place;

  @Option(
      names = "--max-attempts",
      paramLabel = "N",
      description = "Only records that failed N times or fewer; stops what never succeeds.")
  int mostAttempts = Integer.MAX_VALUE;

  @Option(names = "--dry-run", description = "Only says what it would do.")
  boolean dryRun;

  @Override
  public Integer call() {
    if (place != null && !place.matches("\\d{1,9}-\\d{1,18}")) {
      throw new UsageException(
          "--place " + place + " refused: partition and offset expected, such as 0-4711");
    }
    for (String reason : reasons) {
      if (!RejectedException.reasons().contains(reason)) {
        throw new UsageException(
            "--reason %s refused; there are %s"
                .formatted(reason, new TreeSet<>(RejectedException.reasons())));
      }
    }
    if (mostAttempts < 1) {
      throw new UsageException("--max-attempts " + mostAttempts + " refused: 1 or more expected");
    }
    Redrive.Selection selection =
        new Redrive.Selection(
            Set.copyOf(reasons),
            Optional.ofNullable(since).map(text -> time(text, Instant.now())),
            Optional.ofNullable(place),
            mostAttempts);
    Redrive.Report report =
        new Redrive(BrokerOptions.awaitBroker(config.load())).run(selection, dryRun);
    String verb = dryRun ? "would redrive" : "redriven";
    report.redriven().forEach((reason, n) -> System.out.printf("%s %d %s%n", verb, n, reason));
    report.left().forEach((why, n) -> System.out.printf("left %d: %s%n", n, why));
    System.out.printf("%s %d, left %d%n", verb, report.total(), report.totalLeft());
    return 0;
  }

  static Instant time(String text, Instant now) {
    Matcher ago = AGO.matcher(text);
    if (ago.matches()) {
      long amount = Long.parseLong(ago.group(1));
      return now.minus(
          switch (ago.group(2)) {
            case "s" -> Duration.ofSeconds(amount);
            case "m" -> Duration.ofMinutes(amount);
            case "h" -> Duration.ofHours(amount);
            default -> Duration.ofDays(amount);
          });
    }
    try {
      return OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeParseException e) {
      throw new UsageException(
          "--since %s refused: a time with its zone expected, such as 2026-11-29T08:00:00Z, or how long ago, such as 2h"
              .formatted(text));
    }
  }
}
