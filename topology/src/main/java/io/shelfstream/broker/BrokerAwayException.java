package io.shelfstream.broker;

import org.apache.kafka.common.KafkaException;

/** Nobody answers as a broker; it may come up. The message says what was seen, and the remedy. */
public final class BrokerAwayException extends KafkaException {
  private static final long serialVersionUID = 1L;

  BrokerAwayException(String message) {
    super(message);
  }
}
