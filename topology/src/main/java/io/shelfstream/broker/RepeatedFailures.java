package io.shelfstream.broker;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.filter.Filter;
import ch.qos.logback.core.spi.FilterReply;
import java.util.List;

/**
 * Keeps repeated messages of Kafka out of the log. For a failed stream thread we write one message,
 * with topic, partition, offset and cause. Kafka Streams 4.3 writes the same three to five times
 * before that, and recommends handlers that we refuse because they lose records. Named in
 * logback.xml.
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

  /** In messages about a task that moved to another thread, which we do not report as a failure. */
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
