package io.shelfstream.follower;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.shelfstream.gallery.Gallery;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class CatchUpTest {
  private final Logger logger = (Logger) LoggerFactory.getLogger(CatchUp.class);
  private final ListAppender<ILoggingEvent> lines = new ListAppender<>();

  @BeforeEach
  void listen() {
    lines.start();
    logger.addAppender(lines);
  }

  @AfterEach
  void stop() {
    logger.detachAppender(lines);
  }

  @Test
  void saysEveryFiveSecondsHowFastItReadsUntilItIsAtTheEnd() {
    AtomicLong now = new AtomicLong(7);
    try (Gallery gallery = new Gallery("Flat", 3, "net-000000000000")) {
      CatchUp progress = new CatchUp(gallery, now::get);
      for (int i = 0; i < 1200; i++) {
        progress.count();
        now.addAndGet(10_000_000);
      }
      gallery.caughtUp();
      for (int i = 0; i < 1200; i++) {
        progress.count();
        now.addAndGet(10_000_000);
      }
    }

    assertThat(lines.list)
        .extracting(line -> line.getKeyValuePairs().toString())
        .containsExactly(
            "[records=\"501\", recordsPerSecond=\"100\", photos=\"0\"]",
            "[records=\"1001\", recordsPerSecond=\"100\", photos=\"0\"]");
  }
}
