package io.shelfstream.client;

import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.outage.Deadline;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.SerializationException;
import org.jspecify.annotations.Nullable;

/** Publishes gallery updates and waits for the status of each. */
public final class GalleryPublisher {
  /** The reason with which the service rejects embeddings of another extractor. */
  private static final String FOREIGN_EXTRACTOR = "FOREIGN_EXTRACTOR";

  /** Most updates that are published and not answered yet: enough to keep the service busy. */
  private static final int MOST_UNDER_WAY = 500;

  /** How long to wait, after the last answer, for the statuses SEARCHABLE. */
  private static final Duration SEARCHABLE_PATIENCE = Duration.ofSeconds(2);

  private final ShelfStreamConfig config;
  private final Duration patience;
  private final EventSerdes serdes;
  private final Deadline deadline;
  private final Progress.Reader reader;

  /**
   * @param patience how long to wait without any answer before giving up
   */
  public GalleryPublisher(ShelfStreamConfig config, Duration patience) {
    this(config, patience, Progress.Reader.PERSON);
  }

  /**
   * @param patience how long to wait without any answer before giving up
   * @param reader of the progress
   */
  public GalleryPublisher(ShelfStreamConfig config, Duration patience, Progress.Reader reader) {
    this.reader = reader;
    this.config = config;
    this.patience = patience;
    this.serdes = EventSerdes.of(config.schemaRegistry());
    this.deadline = Deadline.in(config.startWait());
  }

  /**
   * The outcome of the updates.
   *
   * @param rejectedByReason reason class to count
   * @param unanswered ids without an answer at the end of the wait
   * @param searchableMillis time from publishing until searchable, for those that were reported,
   *     sorted
   * @param stopped why the rest was not published; empty when all were published
   */
  public record Report(
      int applied,
      int removed,
      Map<String, Integer> rejectedByReason,
      List<String> rejected,
      List<String> warnings,
      List<String> unanswered,
      List<Long> searchableMillis,
      String stopped) {

    public boolean allDone() {
      return rejected.isEmpty() && unanswered.isEmpty() && stopped.isEmpty();
    }

    public String summary() {
      StringBuilder text =
          new StringBuilder(
              "applied " + applied + ", removed " + removed + ", rejected " + rejected.size());
      if (!rejectedByReason.isEmpty()) {
        text.append(' ').append(rejectedByReason);
      }
      if (!warnings.isEmpty()) {
        text.append(", warnings ").append(warnings.size());
      }
      if (!searchableMillis.isEmpty()) {
        text.append(
            ", searchable after p50 %d ms, p99 %d ms".formatted(searchable(0.5), searchable(0.99)));
      }
      if (!unanswered.isEmpty()) {
        text.append(", without an answer ")
            .append(unanswered.size())
            .append(" (is the service running with these topics? first: ")
            .append(OneLine.of(unanswered.get(0)))
            .append(')');
      }
      if (!stopped.isEmpty()) {
        text.append("; stopped: ").append(stopped);
      }
      return text.toString();
    }

    private long searchable(double quantile) {
      return searchableMillis.get((int) Math.ceil(quantile * searchableMillis.size()) - 1);
    }
  }

  /**
   * Publishes the updates by photo id, without waiting for the service; a null value removes the
   * photo.
   *
   * @return how many
   */
  public int publish(Iterator<Map.Entry<String, @Nullable GalleryUpdate>> updates, int total) {
    int count = 0;
    try (EventProducer producer = new EventProducer(config);
        Progress progress = new Progress("Publishing gallery photos", total, reader)) {
      while (updates.hasNext()) {
        Map.Entry<String, @Nullable GalleryUpdate> update = updates.next();
        producer.send(
            config.topics().galleryUpdates(),
            update.getKey(),
            producer.serdes().updates(),
            update.getValue());
        count++;
        progress.step();
      }
    }
    return count;
  }

  /** Publishes the updates and waits until the service has answered each, or patience runs out. */
  public Report publishAndWait(Map<String, @Nullable GalleryUpdate> updates) {
    return publishAndWait(updates.entrySet().iterator(), updates.size());
  }

  /**
   * The same for more updates than memory holds: only some are in flight at a time. An embedding of
   * another extractor ends it, because the next ones are probably of the same.
   *
   * @param total number of updates, for the progress display
   */
  public Report publishAndWait(
      Iterator<Map.Entry<String, @Nullable GalleryUpdate>> updates, int total) {
    Answers answers = new Answers();
    try (TopicReader statuses =
            new TopicReader(config, TopicReader.From.END, config.topics().galleryStatus());
        EventProducer producer = new EventProducer(config);
        PassedOver passedOver = PassedOver.namingTheFirst("gallery status");
        Progress progress = new Progress("Gallery photos", total, reader)) {
      long lastAnswer = System.nanoTime();
      while (answers.isExpecting(updates) && System.nanoTime() - lastAnswer < patience.toNanos()) {
        while (answers.isRoomForMore() && updates.hasNext()) {
          Map.Entry<String, @Nullable GalleryUpdate> update = updates.next();
          String topic = config.topics().galleryUpdates();
          answers.expect(
              update.getKey(),
              producer.submit(
                  topic, update.getKey(), producer.serdes().updates(), update.getValue()));
        }
        if (poll(statuses, Duration.ofMillis(100), answers, passedOver)) {
          lastAnswer = System.nanoTime();
          progress.at(answers.count());
        }
      }
      long end = System.nanoTime() + SEARCHABLE_PATIENCE.toNanos();
      while (answers.areSomeNotSearchable() && System.nanoTime() < end) {
        poll(statuses, Duration.ofMillis(100), answers, passedOver);
      }
    }
    return answers.report();
  }

  private boolean poll(
      TopicReader statuses, Duration atMost, Answers answers, PassedOver passedOver) {
    boolean any = false;
    for (ConsumerRecord<byte[], byte[]> record : statuses.poll(atMost)) {
      GalleryStatus status = read(record, passedOver);
      any |= status != null && answers.take(status);
    }
    return any;
  }

  /** Updates in flight, and answers. Used by one thread. */
  private static final class Answers {
    private final Map<String, Future<RecordMetadata>> pending = new LinkedHashMap<>();
    private final Map<String, Long> unsearchable = new HashMap<>();
    private final Map<String, Integer> byReason = new TreeMap<>();
    private final List<String> rejected = new ArrayList<>();
    private final List<String> warnings = new ArrayList<>();
    private final List<Long> searchableMillis = new ArrayList<>();
    private int applied;
    private int removed;
    private String stopped = "";

    /** Only one update is sent before the first answer, which may say that more make no sense. */
    boolean isRoomForMore() {
      return stopped.isEmpty() && pending.size() < (count() == 0 ? 1 : MOST_UNDER_WAY);
    }

    boolean isExpecting(Iterator<?> updates) {
      return !pending.isEmpty() || (stopped.isEmpty() && updates.hasNext());
    }

    void expect(String id, Future<RecordMetadata> sent) {
      pending.put(id, sent);
    }

    int count() {
      return applied + removed + rejected.size();
    }

    boolean areSomeNotSearchable() {
      return !unsearchable.isEmpty();
    }

    /** Returns whether it was an answer to one of these updates. */
    boolean take(GalleryStatus status) {
      String id = status.getGalleryImageId();
      if (status.getOutcome() == GalleryOutcome.SEARCHABLE) {
        takeSearchable(id, status);
        return false;
      }
      Future<RecordMetadata> sent = pending.get(id);
      // An answer to an earlier update of the same photo has a smaller offset.
      if (sent == null || status.getSourceOffset() < EventProducer.waitFor(sent).offset()) {
        return false;
      }
      pending.remove(id);
      status.getWarnings().forEach(w -> warnings.add(id + ": " + w));
      if (status.getOutcome() == GalleryOutcome.APPLIED) {
        applied++;
        unsearchable.put(id, status.getSourceOffset());
      } else if (status.getOutcome() == GalleryOutcome.REMOVED) {
        removed++;
        unsearchable.put(id, status.getSourceOffset());
      } else {
        reject(id, status);
      }
      return true;
    }

    private void takeSearchable(String id, GalleryStatus status) {
      if (unsearchable.remove(id, status.getSourceOffset()) && status.getSearchableAt() != null) {
        searchableMillis.add(
            Duration.between(status.getPublishedAt(), status.getSearchableAt()).toMillis());
      }
    }

    private void reject(String id, GalleryStatus status) {
      byReason.merge(String.valueOf(status.getReason()), 1, Integer::sum);
      rejected.add(id + ": " + status.getReason() + ": " + status.getMessage());
      if (FOREIGN_EXTRACTOR.equals(status.getReason())) {
        stopped = String.valueOf(status.getMessage());
      }
    }

    Report report() {
      searchableMillis.sort(null);
      return new Report(
          applied,
          removed,
          byReason,
          rejected,
          warnings,
          List.copyOf(pending.keySet()),
          searchableMillis,
          stopped);
    }
  }

  private @Nullable GalleryStatus read(
      ConsumerRecord<byte[], byte[]> record, PassedOver passedOver) {
    try {
      GalleryStatus status =
          serdes
              .registry()
              .untilReachable(
                  () ->
                      serdes
                          .statuses()
                          .deserializer()
                          .deserialize(record.topic(), record.headers(), record.value()),
                  deadline);
      if (status == null) {
        passedOver.add(record, "it has no value");
      }
      return status;
    } catch (SerializationException e) {
      passedOver.add(record, e.getMessage());
      return null;
    }
  }
}
