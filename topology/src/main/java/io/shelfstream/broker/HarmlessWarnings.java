package io.shelfstream.broker;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.filter.Filter;
import ch.qos.logback.core.spi.FilterReply;
import java.util.List;

/**
 * Keeps four warnings out of the log that Kafka 4.3 always writes although nothing is wrong: a new
 * controller has no history; a broker that stops closes one client twice; a setting of ours is
 * missing in a configuration that Streams creates for itself; the global consumer enters its next
 * state. Named in logback.xml.
 */
public final class HarmlessWarnings extends Filter<ILoggingEvent> {
  private static final List<String> MESSAGES =
      List.of(
          "Performing controller activation.",
          "Attempting to close NetworkClient that has already been closed.",
          "Processing exception handler is not enabled for the GlobalThread.",
          "Not updating last stable offset for partition");

  @Override
  public FilterReply decide(ILoggingEvent event) {
    String message = event.getMessage();
    return event.getLoggerName().startsWith("org.apache.kafka.")
            && message != null
            && MESSAGES.stream().anyMatch(message::contains)
        ? FilterReply.DENY
        : FilterReply.NEUTRAL;
  }
}
