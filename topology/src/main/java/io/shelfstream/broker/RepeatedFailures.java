package io.shelfstream.broker;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.filter.Filter;
import ch.qos.logback.core.spi.FilterReply;
import java.util.List;

/**
 * A stream thread that fails is one message of ours, with topic, partition, offset and cause. Kafka
 * Streams 4.3 says the same three to five times on the way there, and advises to set handlers that
 * we refuse, as they lose records. Named in logback.xml.
 */
public final class RepeatedFailures extends Filter<ILoggingEvent> {
  private static final List<String> MESSAGES =
      List.of(
          "Exception caught during message processing, processor node:",
          "Exception caught during Deserialization, taskId:",
          "exception handler is set to fail upon a",
          "Failed to process stream task",
          "Failed to punctuate stream task",
          "Replacing thread in the streams uncaught exception handler");

  /** Said of a task that moved on to another thread, which is no failure that we tell. */
  private static final String MIGRATED = "got migrated";

  @Override
  public FilterReply decide(ILoggingEvent event) {
    String message = event.getMessage();
    return event.getLoggerName().startsWith("org.apache.kafka.streams.")
            && message != null
            && !message.contains(MIGRATED)
            && MESSAGES.stream().anyMatch(message::contains)
        ? FilterReply.DENY
        : FilterReply.NEUTRAL;
  }
}
