package io.shelfstream.client;

import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.outage.Deadline;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiFunction;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.SerializationException;
import org.jspecify.annotations.Nullable;

/** Reads the gallery from the vectors topic. */
public final class GalleryTopic {
  private static final Duration POLL = Duration.ofMillis(500);

  private final ShelfStreamConfig config;
  private final EventSerdes serdes;
  private final Deadline deadline;
  private final Progress.Reader reader;

  /** For a command. */
  public GalleryTopic(ShelfStreamConfig config) {
    this(config, Progress.Reader.PERSON);
  }

  /**
   * @param reader of the progress
   */
  public GalleryTopic(ShelfStreamConfig config, Progress.Reader reader) {
    this.reader = reader;
    this.config = config;
    this.serdes = EventSerdes.of(config.schemaRegistry());
    this.deadline = Deadline.in(config.startWait());
  }

  /** Takes photos one by one. */
  public interface Photos {
    void accept(GalleryVector photo) throws IOException;
  }

  /** Takes the photos of a gallery whose size is known. */
  public interface Export {
    Photos of(int photos) throws IOException;
  }

  /** Position of a record. */
  private record Place(int partition, long offset) {}

  /**
   * Reads the whole gallery.
   *
   * @param keep what to keep of each photo: an embedding is 2 KB
   * @return by photo id, in its order
   */
  public <T> Map<String, T> photos(BiFunction<String, GalleryVector, T> keep) {
    Map<String, T> photos = new TreeMap<>();
    try (TopicReader topic = reader();
        PassedOver passedOver = PassedOver.namingTheFirst("gallery vector");
        Progress progress = new Progress("Reading the gallery topic", topic.records(), reader)) {
      while (!topic.atEnd()) {
        for (ConsumerRecord<byte[], byte[]> record : topic.poll(POLL)) {
          String id = idOf(record);
          if (record.value() == null) {
            photos.remove(id);
            continue;
          }
          GalleryVector vector = read(id, record, passedOver);
          if (vector != null) {
            photos.put(id, keep.apply(id, vector));
          }
        }
        progress.at(topic.read());
      }
    }
    return photos;
  }

  /**
   * Exports the gallery without keeping it in memory: reads the topic once for the position of each
   * photo's last record, and again for these records.
   *
   * @throws IllegalStateException when the topic was compacted in between
   */
  public int export(Export export) throws IOException {
    Map<String, Place> places = new TreeMap<>();
    Map<TopicPartition, Long> end;
    try (TopicReader topic = reader();
        PassedOver passedOver = PassedOver.namingTheFirst("gallery vector");
        Progress progress =
            new Progress("Looking through the gallery topic", topic.records(), reader)) {
      while (!topic.atEnd()) {
        for (ConsumerRecord<byte[], byte[]> record : topic.poll(POLL)) {
          if (record.value() == null) {
            places.remove(idOf(record));
          } else if (read(idOf(record), record, passedOver) != null) {
            places.put(idOf(record), new Place(record.partition(), record.offset()));
          }
        }
        progress.at(topic.read());
      }
      end = topic.positions();
    }
    Photos photos = export.of(places.size());
    int written = 0;
    try (TopicReader topic = reader();
        Progress progress = new Progress("Exporting photos", places.size(), reader)) {
      while (!topic.hasReached(end)) {
        for (ConsumerRecord<byte[], byte[]> record : topic.poll(POLL)) {
          String id = idOf(record);
          Place place = new Place(record.partition(), record.offset());
          // Known to be readable.
          if (place.equals(places.get(id))) {
            photos.accept(vector(record));
            written++;
            progress.step();
          }
        }
      }
    }
    if (written != places.size()) {
      throw new IllegalStateException(
          "The gallery changed while it was read (%d of %d photos were still there); export it again"
              .formatted(written, places.size()));
    }
    return written;
  }

  /**
   * Exports the gallery to an Avro file, which is complete or not there.
   *
   * @throws IllegalStateException when the topic was compacted in between
   */
  public int exportTo(Path file) throws IOException {
    VectorFile.@Nullable Writer[] opened = new VectorFile.Writer[1];
    try {
      int count =
          export(
              photos -> {
                VectorFile.Writer writer = new VectorFile.Writer(file, photos);
                opened[0] = writer;
                return writer::add;
              });
      Objects.requireNonNull(opened[0]).finish();
      return count;
    } finally {
      if (opened[0] != null) {
        opened[0].close();
      }
    }
  }

  private TopicReader reader() {
    return new TopicReader(config, TopicReader.From.BEGINNING, config.topics().galleryVectors());
  }

  /** Of a record without a key: an id that no photo has. */
  private static String idOf(ConsumerRecord<byte[], byte[]> record) {
    return record.key() == null ? "" : new String(record.key(), StandardCharsets.UTF_8);
  }

  /** A vector that a service can use, or null: it leaves the photo as it was before. */
  private @Nullable GalleryVector read(
      String id, ConsumerRecord<byte[], byte[]> record, PassedOver passedOver) {
    try {
      GalleryVector vector = vector(record);
      Optional<String> problem = Gallery.problem(id, vector);
      if (problem.isEmpty()) {
        return vector;
      }
      passedOver.add(record, problem.get());
    } catch (SerializationException e) {
      passedOver.add(record, e.getMessage());
    }
    return null;
  }

  private GalleryVector vector(ConsumerRecord<byte[], byte[]> record) {
    return serdes
        .registry()
        .untilReachable(
            () ->
                serdes
                    .vectors()
                    .deserializer()
                    .deserialize(record.topic(), record.headers(), record.value()),
            deadline);
  }
}
