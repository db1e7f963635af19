package io.shelfstream.topology;

import io.shelfstream.broker.EmbeddedBroker;
import java.nio.file.Path;

/** The scenarios on the broker that the demo uses, in this JVM. */
class RecognitionIT extends RecognitionScenarios {
  private EmbeddedBroker broker;

  @Override
  String startBroker(Path folder) throws Exception {
    broker = EmbeddedBroker.start(folder.resolve("broker"));
    return broker.bootstrapServers();
  }

  @Override
  void stopBroker() {
    broker.close();
  }
}
