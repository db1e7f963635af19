package io.shelfstream.topology;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.kafka.KafkaContainer;

/** The scenarios on the Kafka project's own container image, where there is a Docker engine. */
class RecognitionContainerIT extends RecognitionScenarios {
  private @Nullable KafkaContainer broker;

  @Override
  String broker() {
    assumeTrue(
        DockerClientFactory.instance().isDockerAvailable(),
        "skipped: no Docker engine answers on this machine");
    broker = new KafkaContainer("apache/kafka:4.3.1");
    broker.start();
    return broker.getBootstrapServers();
  }

  @AfterAll
  void stop() {
    if (broker != null) {
      broker.stop();
    }
  }
}
