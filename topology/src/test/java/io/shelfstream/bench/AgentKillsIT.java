package io.shelfstream.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.broker.Topics;
import io.shelfstream.camera.FakeCamera;
import io.shelfstream.config.ShelfStreamConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The short form of {@code deploy/bench agent}. */
@ExtendWith(SharedBroker.class)
class AgentKillsIT {

  @Test
  void publishesEachStoredFrameOnce(EmbeddedBroker broker, @TempDir Path folder) throws Exception {
    Map<String, String> settings =
        Map.of(
            "kafka.bootstrap.servers",
            broker.bootstrapServers(),
            "topics.frames",
            "AgentKillsIT.frames");
    Topics.create(ShelfStreamConfig.load(null, settings));
    try (FakeCamera camera = new FakeCamera();
        AgentKills agent =
            new AgentKills(settings, folder, camera.uri("/snapshot.jpg"), 20261129)) {
      AgentKills.Found found = agent.run(3, Duration.ofMillis(50));

      System.out.println("agent killed 3 times: " + found);
      assertThat(found.published()).isGreaterThanOrEqualTo(12);
      assertThat(found)
          .isEqualTo(new AgentKills.Found(found.published(), found.published(), 0, 0, 0, 0));
    }
  }
}
