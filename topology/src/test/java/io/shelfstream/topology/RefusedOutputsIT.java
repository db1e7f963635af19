package io.shelfstream.topology;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.client.EventProducer;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.messages.DeadLetter;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.messages.RecordHeaderText;
import io.shelfstream.recognition.Pictures;
import java.awt.Color;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Outputs that the broker refuses, whatever was measured before: the record is set aside. */
@ExtendWith(SharedBroker.class)
class RefusedOutputsIT {
  private static final int FRAMES = 3;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"exactly_once_v2", "at_least_once"})
  void setsRecordsAsideAndGoesOn(String guarantee, EmbeddedBroker broker, TestInfo test)
      throws Exception {
    TestTopics topics = new TestTopics(broker.bootstrapServers(), folder, test);
    ShelfStreamConfig config =
        topics.config(Map.of("delivery.guarantee", guarantee, "delivery.restarts", "0"));
    try (RecognitionService service = RecognitionService.start(config);
        Admin admin = topics.admin()) {
      assertThat(topics.recognize(Color.RED).getObjects()).isNotNull();
      largestRecord(admin, config.topics().recognitions(), "200");
      largestRecord(admin, config.topics().galleryVectors(), "200");

      publish(config);
      topics.update(Map.of("photo", Color.BLUE));
      TestTopics.until(() -> sources(topics).size() == FRAMES + 1);
      largestRecord(admin, config.topics().recognitions(), "1000000");

      assertThat(letters(topics))
          .allSatisfy(
              letter -> {
                assertThat(RecordHeaderText.lastText(letter.headers(), DeadLetter.CLASS))
                    .isEqualTo("INTERNAL_ERROR");
                assertThat(RecordHeaderText.lastText(letter.headers(), DeadLetter.MESSAGE))
                    .contains(RecordTooLargeException.class.getName());
                assertThat(letter.value()).isNull();
              });
      assertThat(topics.recognize(Color.RED).getObjects()).isNotNull();
      TestTopics.until(service::isReady);
      assertThat(sources(topics)).hasSize(FRAMES + 1);
    }
  }

  private static List<ConsumerRecord<byte[], byte[]>> letters(TestTopics topics) {
    return topics.records(topics.names().deadLetters());
  }

  /** Under at-least-once a letter may come twice. */
  private static Set<String> sources(TestTopics topics) {
    return letters(topics).stream()
        .map(
            letter ->
                RecordHeaderText.lastText(letter.headers(), DeadLetter.TOPIC)
                    + RecordHeaderText.lastText(letter.headers(), DeadLetter.OFFSET))
        .collect(Collectors.toSet());
  }

  private static void publish(ShelfStreamConfig config) {
    try (EventProducer producer = new EventProducer(config)) {
      for (int i = 0; i < FRAMES; i++) {
        producer.send(
            config.topics().frames(),
            "camera",
            TestTopics.SERDES.frames(),
            RecognitionEvents.reference(
                "camera", "refused-" + i, Pictures.uri(Pictures.plain(Color.RED)), Instant.now()));
      }
    }
  }

  private static void largestRecord(Admin admin, String topic, String bytes) throws Exception {
    Collection<AlterConfigOp> set =
        List.of(
            new AlterConfigOp(
                new ConfigEntry("max.message.bytes", bytes), AlterConfigOp.OpType.SET));
    admin
        .incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, topic), set))
        .all()
        .get();
  }
}
