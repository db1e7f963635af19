package io.shelfstream.client;

import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.topology.EventSerdes;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.SerializationException;
import org.jspecify.annotations.Nullable;

/** Publishes gallery updates and waits for what the service says of each. */
public final class GalleryPublisher {
  private final ShelfStreamConfig config;
  private final Duration patience;
  private final EventSerdes serdes;

  /**
   * @param patience how long to wait without any answer before giving up
   */
  public GalleryPublisher(ShelfStreamConfig config, Duration patience) {
    this.config = config;
    this.patience = patience;
    this.serdes = EventSerdes.of(config.schemaRegistry());
  }

  /**
   * What became of the updates.
   *
   * @param rejectedByReason reason class to count
   * @param unanswered ids without an answer when patience ran out
   */
  public record Report(
      int applied,
      int removed,
      Map<String, Integer> rejectedByReason,
      List<String> rejected,
      List<String> warnings,
      List<String> unanswered) {

    public boolean allDone() {
      return rejected.isEmpty() && unanswered.isEmpty();
    }

    public String summary() {
      StringBuilder text =
          new StringBuilder(
              "applied " + applied + ", removed " + removed + ", rejected " + rejected.size());
      if (!rejectedByReason.isEmpty()) {
        text.append(' ').append(rejectedByReason);
      }
      if (!unanswered.isEmpty()) {
        text.append(", without an answer ")
            .append(unanswered.size())
            .append(" (is the service running with these topics? first: ")
            .append(unanswered.get(0))
            .append(')');
      }
      return text.toString();
    }
  }

  /** Publishes the updates by photo id; a null value removes the photo. */
  public Map<String, Long> publish(Map<String, @Nullable GalleryUpdate> updates) {
    Map<String, Future<RecordMetadata>> sent = new LinkedHashMap<>();
    try (EventProducer producer = new EventProducer(config)) {
      String topic = config.topics().galleryUpdates();
      updates.forEach(
          (id, update) ->
              sent.put(id, producer.submit(topic, id, producer.serdes().updates(), update)));
    }
    Map<String, Long> offsets = new LinkedHashMap<>();
    sent.forEach((id, future) -> offsets.put(id, EventProducer.waitFor(future).offset()));
    return offsets;
  }

  /** Publishes the updates and waits until the service has answered each, or patience runs out. */
  public Report publishAndWait(Map<String, @Nullable GalleryUpdate> updates) {
    try (TopicReader statuses =
        new TopicReader(config, TopicReader.From.END, config.topics().galleryStatus())) {
      Map<String, Long> pending = publish(updates);
      List<GalleryStatus> answers = new ArrayList<>();
      try (Progress progress = new Progress("Gallery photos", pending.size())) {
        long lastAnswer = System.nanoTime();
        while (!pending.isEmpty() && System.nanoTime() - lastAnswer < patience.toNanos()) {
          for (ConsumerRecord<byte[], byte[]> record : statuses.poll(Duration.ofMillis(200))) {
            GalleryStatus status = read(record);
            if (status != null && answers(status, pending)) {
              pending.remove(status.getGalleryImageId());
              answers.add(status);
              progress.step();
              lastAnswer = System.nanoTime();
            }
          }
        }
      }
      return report(answers, List.copyOf(pending.keySet()));
    }
  }

  /** An answer to an earlier update of the same photo has a smaller offset. */
  private static boolean answers(GalleryStatus status, Map<String, Long> pending) {
    Long offset = pending.get(status.getGalleryImageId());
    return offset != null && status.getSourceOffset() >= offset;
  }

  private @Nullable GalleryStatus read(ConsumerRecord<byte[], byte[]> record) {
    try {
      return serdes.statuses().deserializer().deserialize(record.topic(), record.value());
    } catch (SerializationException e) {
      System.err.printf(
          "unreadable gallery status '%s': %s%n",
          new String(record.key(), StandardCharsets.UTF_8), e.getMessage());
      return null;
    }
  }

  private static Report report(List<GalleryStatus> answers, List<String> unanswered) {
    int applied = 0;
    int removed = 0;
    Map<String, Integer> byReason = new TreeMap<>();
    List<String> rejected = new ArrayList<>();
    List<String> warnings = new ArrayList<>();
    for (GalleryStatus s : answers) {
      s.getWarnings().forEach(w -> warnings.add(s.getGalleryImageId() + ": " + w));
      if (s.getOutcome() == GalleryOutcome.APPLIED) {
        applied++;
      } else if (s.getOutcome() == GalleryOutcome.REMOVED) {
        removed++;
      } else {
        byReason.merge(String.valueOf(s.getReason()), 1, Integer::sum);
        rejected.add(s.getGalleryImageId() + ": " + s.getReason() + ": " + s.getMessage());
      }
    }
    return new Report(applied, removed, byReason, rejected, warnings, unanswered);
  }
}
