package io.shelfstream.bench;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.topology.RecognitionService;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** The short form of {@code deploy/bench faults poison}. */
@ExtendWith(SharedBroker.class)
class HostileTrafficIT {
  private static final int RECORDS = 2000;

  /** Another one finds others; it is in every failure. */
  private static final long SEED = 20261129;

  @ParameterizedTest
  @ValueSource(strings = {"exactly_once_v2", "at_least_once"})
  void answersEachRecordOnceAndLives(String guarantee, EmbeddedBroker broker, @TempDir Path folder)
      throws Exception {
    ShelfStreamConfig config =
        HostileTraffic.config(
            broker.bootstrapServers(), folder, guarantee, "src/test/resources/models/colour");
    HostileTraffic.makeTopics(config);
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    log.start();
    Logger logger = (Logger) LoggerFactory.getLogger("io.shelfstream");
    logger.addAppender(log);
    HostileTraffic.Count count;
    try (RecognitionService service = RecognitionService.start(config);
        HostileTraffic traffic =
            new HostileTraffic(config, SEED, () -> assertThat(service.isReady()).isTrue())) {
      traffic.send(RECORDS);
      count = traffic.finish();
    } finally {
      logger.detachAppender(log);
    }
    System.out.println(guarantee + ": " + count.byOutcome());
    assertThat(count.faults()).as("seed %d: %s", SEED, count.examples()).isEmpty();
    assertThat(count.records()).isGreaterThanOrEqualTo(RECORDS);
    assertThat(count.good()).isGreaterThan(RECORDS / 4);
    assertThat(List.copyOf(log.list))
        .extracting(ILoggingEvent::getFormattedMessage)
        .noneMatch(HostileTraffic::tellsOfARestart);
  }
}
