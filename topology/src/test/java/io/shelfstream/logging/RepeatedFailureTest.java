package io.shelfstream.logging;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class RepeatedFailureTest {
  private static final Logger LOGGER = (Logger) LoggerFactory.getLogger(RepeatedFailureTest.class);

  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private final RepeatedFailure failures = new RepeatedFailure();

  @BeforeEach
  void listen() {
    log.start();
    LOGGER.addAppender(log);
    LOGGER.setAdditive(false); // there are many lines
  }

  @AfterEach
  void stop() {
    LOGGER.detachAppender(log);
    LOGGER.setAdditive(true);
  }

  private void log(Throwable failure) {
    failures.log(LOGGER.atError(), failure, "Failed at {}", "decode");
  }

  @Test
  void thousandsOfOneKindAreOneLineAndNoneHidesAnother() {
    for (int i = 0; i < 5_000; i++) {
      log(new IllegalStateException("one " + i));
      log(new IllegalArgumentException("other " + i));
    }
    assertThat(log.list)
        .extracting(e -> e.getThrowableProxy().getMessage())
        .containsExactly("one 0", "other 0");
  }

  @Test
  void theNumberOfKindsIsBounded() {
    for (int i = 0; i < 5_000; i++) {
      Exception failure = new IllegalStateException();
      failure.setStackTrace(
          new StackTraceElement[] {new StackTraceElement("A", "m" + i, "A.java", 1)});
      log(failure);
    }
    assertThat(log.list).hasSize(101);
  }
}
