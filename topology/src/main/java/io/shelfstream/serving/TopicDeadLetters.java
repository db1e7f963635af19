package io.shelfstream.serving;

import io.shelfstream.client.OneLine;
import io.shelfstream.client.Redrive;
import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.http.DeadLetterAccess;
import io.shelfstream.http.RefusedException;
import io.shelfstream.messages.DeadLetter;
import io.shelfstream.messages.RecordHeaderText;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;

/** The dead letters of the last day, read from the first question on. Safe for several threads. */
public final class TopicDeadLetters implements DeadLetterAccess, AutoCloseable {
  private static final Duration POLL = Duration.ofMillis(200);
  private static final Duration BACK = Duration.ofDays(1);

  /** Letters that are shown, and reason classes that are counted. */
  private static final int NEWEST = 200;

  private static final int REASONS = 100;
  private static final String OTHERS = "(others)";
  private static final int LONGEST_KEY = 200;

  private final ShelfStreamConfig config;
  private final Map<String, Integer> counts = new TreeMap<>();
  private final Deque<Letter> newest = new ArrayDeque<>();
  private Instant since = Instant.EPOCH;
  private boolean atEnd;
  private final TopicFollower follower =
      new TopicFollower("dead-letters", POLL, this::take, this::noteEnd);

  public TopicDeadLetters(ShelfStreamConfig config) {
    this.config = config;
  }

  @Override
  public Letters letters() {
    begin();
    synchronized (this) {
      return new Letters(since, !atEnd, new TreeMap<>(counts), new ArrayList<>(newest));
    }
  }

  private synchronized void begin() {
    if (follower.isClosed()) {
      throw RefusedException.notReady("the service stops");
    }
    follower.begin(this::opened);
  }

  private synchronized TopicReader opened() {
    Instant from = Instant.now().minus(BACK);
    TopicReader reader;
    try {
      reader = TopicReader.since(config, from, config.topics().deadLetters());
    } catch (KafkaException e) {
      throw RefusedException.notReady("the topic of dead letters: " + e.getMessage());
    }
    since = from;
    counts.clear();
    newest.clear();
    atEnd = false;
    return reader;
  }

  private void noteEnd(TopicReader reader) {
    boolean end = isAtEnd() || reader.atEnd();
    synchronized (this) {
      atEnd = end;
    }
  }

  private synchronized boolean isAtEnd() {
    return atEnd;
  }

  private void take(ConsumerRecord<byte[], byte[]> record) {
    Letter letter =
        new Letter(
            record.partition() + "-" + record.offset(),
            Instant.ofEpochMilli(Math.max(0, record.timestamp())),
            header(record, DeadLetter.CLASS),
            header(record, DeadLetter.MESSAGE),
            header(record, DeadLetter.STAGE),
            "%s-%s-%s"
                .formatted(
                    header(record, DeadLetter.TOPIC),
                    header(record, DeadLetter.PARTITION),
                    header(record, DeadLetter.OFFSET)),
            key(record.key()),
            attempt(header(record, DeadLetter.ATTEMPT)),
            false);
    synchronized (this) {
      boolean counted = counts.containsKey(letter.reason()) || counts.size() < REASONS;
      counts.merge(counted ? letter.reason() : OTHERS, 1, Integer::sum);
      newest.addFirst(letter);
      if (newest.size() > NEWEST) {
        newest.removeLast();
      }
    }
  }

  private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
    String text = RecordHeaderText.lastText(record.headers(), name);
    return text == null ? "?" : OneLine.of(text);
  }

  private static String key(byte @Nullable [] key) {
    String text = key == null ? "" : OneLine.of(new String(key, StandardCharsets.UTF_8));
    return text.length() > LONGEST_KEY ? text.substring(0, LONGEST_KEY) + "…" : text;
  }

  private static int attempt(String text) {
    return text.matches("[0-9]{1,9}") ? Integer.parseInt(text) : 1;
  }

  @Override
  public Redriven redrive(Optional<String> reason, Optional<String> place) {
    Redrive.Report report;
    try {
      report =
          new Redrive(config)
              .run(
                  new Redrive.Selection(
                      reason.map(Set::of).orElse(Set.of()),
                      Optional.empty(),
                      place,
                      Integer.MAX_VALUE),
                  false);
    } catch (KafkaException e) {
      throw RefusedException.notReady("the broker: " + e.getMessage());
    }
    if (report.total() > 0 || report.left().containsKey(Redrive.BEFORE)) {
      mark(reason, place);
    }
    return new Redriven(report.redriven(), report.left());
  }

  private synchronized void mark(Optional<String> reason, Optional<String> place) {
    List<Letter> marked =
        newest.stream()
            .map(
                letter ->
                    place.map(letter.place()::equals).orElse(true)
                            && reason.map(letter.reason()::equals).orElse(true)
                        ? redriven(letter)
                        : letter)
            .toList();
    newest.clear();
    newest.addAll(marked);
  }

  private static Letter redriven(Letter letter) {
    return new Letter(
        letter.place(),
        letter.at(),
        letter.reason(),
        letter.message(),
        letter.stage(),
        letter.source(),
        letter.key(),
        letter.attempt(),
        true);
  }

  @Override
  public void close() {
    follower.close();
  }
}
