package io.shelfstream.client;

import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.messages.DeadLetter;
import io.shelfstream.messages.RecordHeaderText;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Publishes the records of dead letters again, on the topics that they came from, once each: a
 * record that is published again says which dead letter it is of, and those that are on the source
 * topic already are left alone. A redrive that was ended half way goes on when it is begun again.
 *
 * <p>The record is as it was, but for its timestamp, which is the time of the redrive: rules about
 * old frames would drop it otherwise. Used by one thread.
 */
public final class Redrive {
  /** Why a dead letter is left: its record is on its topic again already. */
  public static final String BEFORE = "redriven before";

  private static final Duration POLL = Duration.ofMillis(500);

  private final ShelfStreamConfig config;
  private final Set<String> sources;

  public Redrive(ShelfStreamConfig config) {
    this.config = config;
    this.sources = Set.of(config.topics().frames(), config.topics().galleryUpdates());
  }

  /**
   * Which dead letters.
   *
   * @param reasons reason classes such as FETCH_TIMEOUT; empty for all
   * @param since only those that were published then or later
   * @param place only the one at this partition and offset, joined by -
   * @param mostAttempts only those whose record failed so many times or fewer
   */
  public record Selection(
      Set<String> reasons, Optional<Instant> since, Optional<String> place, int mostAttempts) {

    public Selection {
      reasons = Set.copyOf(reasons);
    }

    private boolean takes(ConsumerRecord<byte[], byte[]> letter) {
      return (reasons.isEmpty() || reasons.contains(reason(letter)))
          && place.map(one -> one.equals(placeOf(letter))).orElse(true)
          && attempts(letter) <= mostAttempts;
    }
  }

  /**
   * What was done, or would be done.
   *
   * @param redriven by reason class
   * @param left by why, each with the number of dead letters
   */
  public record Report(Map<String, Integer> redriven, Map<String, Integer> left) {
    public int total() {
      return redriven.values().stream().mapToInt(Integer::intValue).sum();
    }

    public int totalLeft() {
      return left.values().stream().mapToInt(Integer::intValue).sum();
    }
  }

  /**
   * Publishes the records of the dead letters that are there now.
   *
   * @param dryRun only counts
   * @throws org.apache.kafka.common.KafkaException when the broker does not answer or refuses
   */
  public Report run(Selection selection, boolean dryRun) {
    Found found = find(selection);
    if (found.places().isEmpty()) {
      return new Report(Map.of(), Map.of());
    }
    Set<String> done = redrivenSince(found.earliest());
    Map<String, Integer> redriven = new TreeMap<>();
    Map<String, Integer> left = new TreeMap<>();
    try (@Nullable Sender sender = dryRun ? null : new Sender(config);
        TopicReader reader = letters(selection);
        Progress progress = new Progress("Redriving dead letters", found.places().size())) {
      while (!reader.hasReached(found.end())) {
        for (ConsumerRecord<byte[], byte[]> letter : reader.poll(POLL)) {
          if (!found.places().remove(placeOf(letter))) {
            continue; // not selected, or came later
          }
          Optional<String> why = whyNot(letter, done);
          if (why.isPresent()) {
            left.merge(why.get(), 1, Integer::sum);
          } else {
            if (sender != null) {
              sender.send(letter);
            }
            redriven.merge(reason(letter), 1, Integer::sum);
          }
          progress.step();
        }
      }
    }
    return new Report(redriven, left);
  }

  /**
   * Dead letters that were selected.
   *
   * @param places partition and offset of each, joined by -
   * @param earliest timestamp among them
   * @param end where the topic ended
   */
  private record Found(Set<String> places, Instant earliest, Map<TopicPartition, Long> end) {}

  private TopicReader letters(Selection selection) {
    String topic = config.topics().deadLetters();
    return selection
        .since()
        .map(time -> TopicReader.since(config, time, topic))
        .orElseGet(() -> new TopicReader(config, TopicReader.From.BEGINNING, topic));
  }

  private Found find(Selection selection) {
    Set<String> places = new HashSet<>();
    long earliest = Long.MAX_VALUE;
    try (TopicReader reader = letters(selection)) {
      while (!reader.atEnd()) {
        for (ConsumerRecord<byte[], byte[]> letter : reader.poll(POLL)) {
          if (selection.takes(letter)) {
            places.add(placeOf(letter));
            earliest = Math.min(earliest, letter.timestamp());
          }
        }
      }
      return new Found(places, Instant.ofEpochMilli(Math.max(0, earliest)), reader.positions());
    }
  }

  /** Marks of dead letters whose records are on their topics again. */
  private Set<String> redrivenSince(Instant time) {
    Set<String> done = new HashSet<>();
    try (TopicReader reader = TopicReader.since(config, time, sources.toArray(String[]::new));
        Progress progress =
            new Progress("Looking for what was redriven before", reader.records())) {
      while (!reader.atEnd()) {
        for (ConsumerRecord<byte[], byte[]> record : reader.poll(POLL)) {
          String mark = RecordHeaderText.lastText(record.headers(), DeadLetter.REDRIVEN);
          if (mark != null) {
            done.add(mark);
          }
        }
        progress.at(reader.read());
      }
    }
    return done;
  }

  private Optional<String> whyNot(ConsumerRecord<byte[], byte[]> letter, Set<String> done) {
    if (done.contains(markOf(letter))) {
      return Optional.of(BEFORE);
    }
    String source = RecordHeaderText.lastText(letter.headers(), DeadLetter.TOPIC);
    if (source == null || !sources.contains(source)) {
      return Optional.of(
          "its source topic %s is none of %s"
              .formatted(source == null ? "(no header)" : OneLine.of(source), sources));
    }
    if (letter.headers().lastHeader(DeadLetter.VALUE_OMITTED) != null) {
      return Optional.of("its value was too large to be kept; publish the source record again");
    }
    return Optional.empty();
  }

  /** Partition and offset. */
  private static String placeOf(ConsumerRecord<byte[], byte[]> letter) {
    return letter.partition() + "-" + letter.offset();
  }

  /** The place with the topic: several applications may share a topic of frames. */
  private static String markOf(ConsumerRecord<byte[], byte[]> letter) {
    return letter.topic() + "-" + placeOf(letter);
  }

  private static String reason(ConsumerRecord<byte[], byte[]> letter) {
    String reason = RecordHeaderText.lastText(letter.headers(), DeadLetter.CLASS);
    return reason == null ? "(no reason)" : OneLine.of(reason);
  }

  private static int attempts(ConsumerRecord<byte[], byte[]> letter) {
    String count = RecordHeaderText.lastText(letter.headers(), DeadLetter.ATTEMPT);
    return count != null && count.matches("[0-9]{1,9}") ? Integer.parseInt(count) : 1;
  }

  /** Sends records; the first is waited for, and closing waits for all. */
  private static final class Sender implements AutoCloseable {
    private final KafkaProducer<byte[], byte[]> producer;
    private @Nullable Future<RecordMetadata> last;

    Sender(ShelfStreamConfig config) {
      Map<String, Object> settings = new HashMap<>(config.kafka());
      settings.putIfAbsent("max.block.ms", 15_000);
      this.producer =
          new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    void send(ConsumerRecord<byte[], byte[]> letter) {
      boolean first = last == null;
      last =
          producer.send(
              new ProducerRecord<>(
                  RecordHeaderText.lastText(letter.headers(), DeadLetter.TOPIC),
                  null,
                  letter.key(),
                  letter.value(),
                  DeadLetter.again(letter.headers(), markOf(letter))));
      if (first) {
        EventProducer.waitFor(last);
      }
    }

    @Override
    public void close() {
      try {
        producer.flush();
        if (last != null) {
          EventProducer.waitFor(last);
        }
      } finally {
        producer.close();
      }
    }
  }
}
