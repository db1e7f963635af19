package io.shelfstream.cli;

import io.shelfstream.client.OneLine;
import io.shelfstream.client.PassedOver;
import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.config.TopicNames;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.messages.DeadLetter;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.messages.RecordHeaderText;
import io.shelfstream.registry.AvroSerde;
import io.shelfstream.registry.EventJson;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.Callable;
import org.apache.avro.generic.IndexedRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.errors.SerializationException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "watch",
    mixinStandardHelpOptions = true,
    description = "Prints recognition events and dead letters as they come, until Ctrl-C.")
final class WatchCommand implements Callable<Integer> {
  @Mixin BrokerOptions config = new BrokerOptions();

  @Option(
      names = "--json",
      description = "One event per line as JSON; dead letters go to standard error.")
  boolean json;

  @Option(
      names = "--from-beginning",
      description = "Start with the oldest event instead of the next.")
  boolean fromBeginning;

  @Option(names = "--camera", paramLabel = "ID", description = "Only events of this camera.")
  @Nullable String camera;

  @Option(
      names = {"-n", "--count"},
      paramLabel = "N",
      description = "Stop after N events and dead letters.")
  long count = Long.MAX_VALUE;

  @Override
  public Integer call() {
    ShelfStreamConfig loaded = BrokerOptions.awaitBroker(config.load());
    EventSerdes serdes = EventSerdes.of(loaded.schemaRegistry());
    TopicReader.From from = fromBeginning ? TopicReader.From.BEGINNING : TopicReader.From.END;
    try (PassedOver passedOver = PassedOver.namingEach("event");
        TopicReader reader =
            new TopicReader(
                loaded, from, loaded.topics().recognitions(), loaded.topics().deadLetters())) {
      // Ctrl-C is how it usually ends.
      Runtime.getRuntime().addShutdownHook(new Thread(passedOver::close, "shutdown"));
      long seen = 0;
      while (seen < count) {
        for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofSeconds(1))) {
          if (seen < count && isWanted(record) && print(loaded, serdes, record, passedOver)) {
            seen++;
          }
        }
      }
    }
    return 0;
  }

  private boolean isWanted(ConsumerRecord<byte[], byte[]> record) {
    return camera == null
        || (record.key() != null
            && Arrays.equals(camera.getBytes(StandardCharsets.UTF_8), record.key()));
  }

  /** Returns false for a record that is skipped. */
  private boolean print(
      ShelfStreamConfig loaded,
      EventSerdes serdes,
      ConsumerRecord<byte[], byte[]> record,
      PassedOver passedOver) {
    if (record.topic().equals(loaded.topics().deadLetters())) {
      (json ? System.err : System.out).println(deadLetter(record, serdes, loaded.topics()));
      return true;
    }
    try {
      RecognitionEvent event = read(serdes.recognitions(), serdes, record.topic(), record);
      if (event != null) {
        System.out.println(json ? EventJson.toJson(event) : EventText.write(event));
        return true;
      }
      passedOver.add(record, "it has no value");
    } catch (SerializationException e) {
      passedOver.add(record, e.getMessage());
    }
    return false;
  }

  private static <T extends IndexedRecord> @Nullable T read(
      AvroSerde<T> serde, EventSerdes serdes, String topic, ConsumerRecord<byte[], byte[]> record) {
    return serdes
        .registry()
        .untilReachable(
            () -> serde.deserializer().deserialize(topic, record.headers(), record.value()));
  }

  /** One line, whatever the record contains: the reason, and which frame or photo it was. */
  private static String deadLetter(
      ConsumerRecord<byte[], byte[]> record, EventSerdes serdes, TopicNames topics) {
    String source = header(record, DeadLetter.TOPIC);
    return "dead letter  %s  %s at stage %s: %s  (%s of %s-%s offset %s; here %s)"
        .formatted(
            PassedOver.key(record),
            header(record, DeadLetter.CLASS),
            header(record, DeadLetter.STAGE),
            header(record, DeadLetter.MESSAGE),
            source.equals(topics.galleryUpdates())
                ? "gallery update"
                : "frame " + frameOf(record, serdes, topics),
            source,
            header(record, DeadLetter.PARTITION),
            header(record, DeadLetter.OFFSET),
            PassedOver.place(record));
  }

  /** A dead letter contains the bytes of its source, which may not be a frame. */
  private static String frameOf(
      ConsumerRecord<byte[], byte[]> record, EventSerdes serdes, TopicNames topics) {
    try {
      ImageReference frame = read(serdes.frames(), serdes, topics.frames(), record);
      return frame == null ? "?" : OneLine.of(frame.getFrameId(), 200);
    } catch (SerializationException e) {
      return "?";
    }
  }

  private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
    String text = RecordHeaderText.lastText(record.headers(), name);
    return text == null ? "?" : OneLine.of(text);
  }
}
