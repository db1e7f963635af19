package io.shelfstream.topology;

import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import org.junit.jupiter.api.extension.ExtendWith;

/** The scenarios on the broker that the demo uses, in this JVM. */
@ExtendWith(SharedBroker.class)
class RecognitionIT extends RecognitionScenarios {
  private final EmbeddedBroker broker;

  RecognitionIT(EmbeddedBroker broker) {
    this.broker = broker;
  }

  @Override
  String broker() {
    return broker.bootstrapServers();
  }
}
