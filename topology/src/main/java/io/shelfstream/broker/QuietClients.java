package io.shelfstream.broker;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.filter.Filter;
import ch.qos.logback.core.spi.FilterReply;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * While a broker is asked whether it is there, Kafka's clients warn of each failed connection, up
 * to one a second; whoever asks tells the outcome in one line. Named in logback.xml.
 */
public final class QuietClients extends Filter<ILoggingEvent> {
  private static final AtomicInteger ASKING = new AtomicInteger();

  /** Ends the quiet. */
  public interface Scope extends AutoCloseable {
    @Override
    void close();
  }

  /** Kafka's clients in this process are not heard until the scope is closed. */
  public static Scope begin() {
    ASKING.incrementAndGet();
    return ASKING::decrementAndGet;
  }

  @Override
  public FilterReply decide(ILoggingEvent event) {
    return ASKING.get() > 0 && event.getLoggerName().startsWith("org.apache.kafka.clients.")
        ? FilterReply.DENY
        : FilterReply.NEUTRAL;
  }
}
