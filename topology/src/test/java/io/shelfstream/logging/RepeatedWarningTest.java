package io.shelfstream.logging;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class RepeatedWarningTest {
  private static final Logger LOGGER = (Logger) LoggerFactory.getLogger(RepeatedWarningTest.class);

  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private final Queue<Runnable> pauses = new ArrayDeque<>();
  private final RepeatedWarning warning = new RepeatedWarning(Duration.ofSeconds(10), pauses::add);

  @BeforeEach
  void listen() {
    log.start();
    LOGGER.addAppender(log);
  }

  @AfterEach
  void stop() {
    LOGGER.detachAppender(log);
  }

  @Test
  void writesTheFirstAndThenTheLastOfManyWithTheirNumber() {
    for (int i = 0; i < 5_000; i++) {
      warn(i);
    }
    assertThat(messages()).containsExactly("Not applied: r0");

    pauses.remove().run();
    assertThat(messages())
        .containsExactly("Not applied: r0", "Not applied: r4999; the last of 4999 within 10 s");
    assertThat(log.list.get(1).getKeyValuePairs().get(0).value).isEqualTo(4999);

    warn(5_000);
    warn(5_001);
    pauses.remove().run();
    assertThat(messages())
        .hasSize(3)
        .last()
        .isEqualTo("Not applied: r5001; the last of 2 within 10 s");
  }

  @Test
  void afterAPauseWithoutAnyTheNextIsAFirstOneAgain() {
    warn(1);
    pauses.remove().run();
    assertThat(pauses).isEmpty(); // nothing runs on when nothing comes

    warn(2);

    assertThat(messages()).containsExactly("Not applied: r1", "Not applied: r2");
  }

  private void warn(int number) {
    warning.log(LOGGER.atWarn().addKeyValue("offset", number), "Not applied: {}", "r" + number);
  }

  private List<String> messages() {
    return log.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
  }
}
