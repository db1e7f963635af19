package io.shelfstream.cli;

import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.registry.EventJson;
import io.shelfstream.topology.DeadLetter;
import io.shelfstream.topology.EventSerdes;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "watch",
    mixinStandardHelpOptions = true,
    description = "Prints recognition events and dead letters as they come, until Ctrl-C.")
final class WatchCommand implements Callable<Integer> {
  @Mixin ConfigOptions config = new ConfigOptions();

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
    ShelfStreamConfig loaded = config.load();
    EventSerdes serdes = EventSerdes.of(loaded.schemaRegistry());
    TopicReader.From from = fromBeginning ? TopicReader.From.BEGINNING : TopicReader.From.END;
    try (TopicReader reader =
        new TopicReader(
            loaded, from, loaded.topics().recognitions(), loaded.topics().deadLetters())) {
      long seen = 0;
      while (seen < count) {
        for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofSeconds(1))) {
          if (seen < count && isWanted(record)) {
            print(loaded, serdes, record);
            seen++;
          }
        }
      }
    }
    return 0;
  }

  private boolean isWanted(ConsumerRecord<byte[], byte[]> record) {
    return camera == null || camera.equals(keyOf(record));
  }

  private void print(
      ShelfStreamConfig loaded, EventSerdes serdes, ConsumerRecord<byte[], byte[]> record) {
    if (record.topic().equals(loaded.topics().deadLetters())) {
      (json ? System.err : System.out).println(deadLetter(record));
      return;
    }
    try {
      RecognitionEvent event =
          serdes
              .recognitions()
              .deserializer()
              .deserialize(record.topic(), record.headers(), record.value());
      System.out.println(json ? EventJson.toJson(event) : EventText.write(event));
    } catch (SerializationException e) {
      System.err.printf(
          "unreadable event at %s-%d offset %d: %s%n",
          record.topic(), record.partition(), record.offset(), e.getMessage());
    }
  }

  static String deadLetter(ConsumerRecord<byte[], byte[]> record) {
    return "dead letter  %s  %s at stage %s: %s"
        .formatted(
            keyOf(record),
            header(record, DeadLetter.CLASS),
            header(record, DeadLetter.STAGE),
            header(record, DeadLetter.MESSAGE));
  }

  private static String keyOf(ConsumerRecord<byte[], byte[]> record) {
    return record.key() == null ? "" : new String(record.key(), StandardCharsets.UTF_8);
  }

  static String header(ConsumerRecord<byte[], byte[]> record, String name) {
    Header header = record.headers().lastHeader(name);
    return header == null ? "?" : new String(header.value(), StandardCharsets.UTF_8);
  }
}
