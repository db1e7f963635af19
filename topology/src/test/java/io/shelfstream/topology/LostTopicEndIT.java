package io.shelfstream.topology;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.config.Role;
import java.awt.Color;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/** A broker whose machine went down: its own, for it loses what was acknowledged. */
class LostTopicEndIT {

  @TempDir Path folder;
  private EmbeddedBroker broker;
  private TestTopics topics;

  @BeforeEach
  void start(TestInfo test) throws Exception {
    broker = EmbeddedBroker.start(folder.resolve("broker"));
    topics = new TestTopics(broker.bootstrapServers(), folder, test);
  }

  @AfterEach
  void stop() {
    broker.close();
  }

  @Test
  void noticesThatTheTopicLostItsEndAndReadsItAgain() throws Exception {
    Map<String, String> settings =
        Map.of("index.snapshot.dir", folder.resolve("snapshots").toString());
    String topic = topics.names().galleryVectors();
    try (RecognitionService service = RecognitionService.start(topics.config(settings))) {
      topics.update(TestTopics.photos(12));
      TestTopics.awaitSize(service, 12);
    }
    broker.close();
    long length = Files.size(log(topic));
    startAgain();
    try (RecognitionService service = RecognitionService.start(topics.config(settings))) {
      topics.update(TestTopics.photos(20));
      TestTopics.awaitSize(service, 20);
    }
    broker.close();
    lose(topic, length);
    startAgain();

    assertThat(topics.records(topic)).hasSize(12);
    try (RecognitionService service =
        RecognitionService.start(topics.config(settings), Role.RECOGNIZE)) {
      assertThat(service.gallery().state().size()).isEqualTo(12);
      assertThat(topics.recognize(Color.RED).getObjects().get(0).getProductId())
          .isEqualTo(TestTopics.product(Color.RED));
    }
    try (Stream<Path> files = Files.list(folder.resolve("snapshots").resolve(topic))) {
      assertThat(files).anyMatch(file -> file.toString().endsWith(".ahead"));
    }
  }

  private void startAgain() throws IOException {
    broker = EmbeddedBroker.start(folder.resolve("broker"));
    topics = topics.on(broker.bootstrapServers());
  }

  private Path log(String topic) {
    return folder.resolve("broker").resolve(topic + "-0").resolve("%020d.log".formatted(0));
  }

  /** As a disk does whose last writes never arrived. */
  private void lose(String topic, long allBut) throws IOException {
    try (RandomAccessFile log = new RandomAccessFile(log(topic).toFile(), "rw")) {
      assertThat(log.length()).isGreaterThan(allBut);
      log.setLength(allBut);
    }
    for (String lost :
        List.of(
            ".kafka_cleanshutdown",
            "recovery-point-offset-checkpoint",
            "replication-offset-checkpoint")) {
      Files.deleteIfExists(folder.resolve("broker").resolve(lost));
    }
    try (Stream<Path> files = Files.list(log(topic).getParent())) {
      for (Path file : files.filter(f -> f.toString().matches(".*(index|snapshot)")).toList()) {
        Files.delete(file);
      }
    }
  }
}
