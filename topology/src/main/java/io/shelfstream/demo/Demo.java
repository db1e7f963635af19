package io.shelfstream.demo;

import io.shelfstream.client.EventProducer;
import io.shelfstream.client.GalleryFile;
import io.shelfstream.client.GalleryPublisher;
import io.shelfstream.client.GivenPhoto;
import io.shelfstream.client.ImageFiles;
import io.shelfstream.client.OneLine;
import io.shelfstream.client.PassedOver;
import io.shelfstream.client.Progress;
import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.gallery.ProductSearch;
import io.shelfstream.messages.DeadLetter;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.messages.RecordHeaderText;
import io.shelfstream.recognition.Annotations;
import io.shelfstream.registry.EventJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.SerializationException;
import org.jspecify.annotations.Nullable;

/**
 * The main job with a running service: publishes a gallery, then frames, waits for every answer,
 * prints each event as a line of JSON and writes annotated images and a report. Used by one thread.
 */
public final class Demo implements AutoCloseable {
  private static final String CAMERA = "demo-camera";

  /** Frames of a camera, and cameras, while the demo is kept. */
  private static final int LOOP = 6;

  private static final int MOST_LOOPS = 12;
  private static final Duration BETWEEN_FRAMES = Duration.ofMillis(1500);

  private final ShelfStreamConfig config;
  private final Path out;
  private final Duration patience;
  private final EventProducer producer;
  private final TopicReader answers;
  private final PassedOver passedOver = PassedOver.namingTheFirst("event");

  /**
   * @param config of the service that is running
   * @param out folder for annotated images and the report; made when missing
   * @param patience how long to wait without any answer before giving up
   */
  public Demo(ShelfStreamConfig config, Path out, Duration patience) throws IOException {
    this.config = config;
    this.out = Files.createDirectories(out);
    this.patience = patience;
    this.producer = new EventProducer(config);
    this.answers =
        new TopicReader(
            config,
            TopicReader.From.END,
            config.topics().recognitions(),
            config.topics().deadLetters());
  }

  /**
   * Publishes the gallery and waits until the service searches all of it.
   *
   * @param gallery of the service, to see when it is up to date
   * @throws IllegalStateException when a photo was rejected or not answered
   */
  public void publishGallery(GalleryFile file, ProductSearch gallery)
      throws InterruptedException, TimeoutException {
    Map<String, @Nullable GalleryUpdate> updates = new LinkedHashMap<>();
    for (GivenPhoto photo : file.photos()) {
      updates.put(photo.id(), update(photo));
    }
    GalleryPublisher.Report report = new GalleryPublisher(config, patience).publishAndWait(updates);
    System.err.println("Gallery: " + report.summary());
    if (!report.allDone()) {
      report.rejected().forEach(rejected -> System.err.println(OneLine.of(rejected)));
      throw new IllegalStateException("The gallery is not complete: " + report.summary());
    }
    long deadline = System.nanoTime() + patience.toNanos();
    while (gallery.state().size() < updates.size()) {
      if (System.nanoTime() > deadline) {
        throw new TimeoutException(
            "The index holds %d of %d photos after %s"
                .formatted(gallery.state().size(), updates.size(), patience));
      }
      Thread.sleep(5);
    }
  }

  private static GalleryUpdate update(GivenPhoto photo) {
    return GalleryUpdate.newBuilder()
        .setGalleryImageId(photo.id())
        .setProductId(photo.label())
        .setLabel(photo.label())
        .setUri(photo.file().toUri().toString())
        .build();
  }

  /**
   * Publishes all images below a folder as frames of one camera and waits for every answer.
   *
   * @return the answers in the order of the files
   * @throws TimeoutException naming the frames without an answer
   */
  public List<Answer> recognizeFrames(Path images) throws IOException, TimeoutException {
    Map<String, Path> files = new LinkedHashMap<>();
    Path start = images.toAbsolutePath().normalize();
    for (Path file : ImageFiles.below(start)) {
      String name =
          Files.isDirectory(start)
              ? start.relativize(file).toString()
              : file.getFileName().toString();
      files.put(name, file);
      producer.send(
          config.topics().frames(),
          CAMERA,
          producer.serdes().frames(),
          RecognitionEvents.reference(CAMERA, name, file.toUri().toString(), Instant.now()));
    }
    producer.flush();
    return collect(files);
  }

  /** Frames of one camera while the demo is kept. */
  private record Loop(String camera, List<Path> files) {}

  /** The frames of each folder in turn, a few for each camera, under the folder's name. */
  private static List<Loop> loops(Path images) throws IOException {
    Path start = images.toAbsolutePath().normalize();
    Map<String, List<Path>> folders = new TreeMap<>();
    for (Path file : ImageFiles.below(start)) {
      Path folder = Objects.requireNonNull(file.getParent());
      String name = folder.startsWith(start) ? start.relativize(folder).toString() : "";
      folders.computeIfAbsent(name.isEmpty() ? CAMERA : name, n -> new ArrayList<>()).add(file);
    }
    List<Loop> loops = new ArrayList<>();
    folders.forEach(
        (name, files) -> {
          int parts = Math.min(MOST_LOOPS, (files.size() + LOOP - 1) / LOOP);
          for (int i = 0; i < parts; i++) {
            loops.add(
                new Loop(
                    parts == 1 ? name : name + "-" + (i + 1),
                    files.subList(files.size() * i / parts, files.size() * (i + 1) / parts)));
          }
        });
    return loops.subList(0, Math.min(MOST_LOOPS, loops.size()));
  }

  private void publish(Loop loop, int round) {
    Path file = loop.files().get(round % loop.files().size());
    producer.send(
        config.topics().frames(),
        loop.camera(),
        producer.serdes().frames(),
        // An id of its own each time: the same id would be the same frame.
        RecognitionEvents.reference(
            loop.camera(),
            "%s@%d".formatted(file.getFileName(), round + 1),
            file.toUri().toString(),
            Instant.now()));
  }

  private List<Answer> collect(Map<String, Path> files) throws IOException, TimeoutException {
    Map<String, Answer> collected = new LinkedHashMap<>();
    try (Progress progress = new Progress("Frames", files.size())) {
      long lastAnswer = System.nanoTime();
      while (collected.size() < files.size()) {
        if (System.nanoTime() - lastAnswer > patience.toNanos()) {
          List<String> missing = new ArrayList<>(files.keySet());
          missing.removeAll(collected.keySet());
          throw new TimeoutException(
              "No answer for %s to %d of %d frames: %s"
                  .formatted(patience, missing.size(), files.size(), missing));
        }
        for (ConsumerRecord<byte[], byte[]> record : answers.poll(Duration.ofMillis(200))) {
          Answer answer = read(record);
          Path file = answer == null ? null : files.get(answer.frameId());
          if (answer != null
              && file != null
              && collected.putIfAbsent(answer.frameId(), answer) == null) {
            keep(answer, file);
            progress.step();
            lastAnswer = System.nanoTime();
          }
        }
      }
    }
    return files.keySet().stream().map(collected::get).toList();
  }

  /**
   * Publishes the same frames again and again, as some cameras, and prints the events of all other
   * cameras as they come, until the thread is interrupted.
   */
  public void follow(Path images) throws IOException {
    List<Loop> loops = loops(images);
    Set<String> looped = loops.stream().map(Loop::camera).collect(Collectors.toSet());
    try {
      long next = System.nanoTime();
      for (int round = 0; ; ) {
        if (System.nanoTime() >= next) {
          for (Loop loop : loops) {
            publish(loop, round);
          }
          round++;
          next = System.nanoTime() + BETWEEN_FRAMES.toNanos();
        }
        for (ConsumerRecord<byte[], byte[]> record : answers.poll(Duration.ofMillis(200))) {
          Answer answer = read(record);
          if (answer != null
              && (answer.event() == null || !looped.contains(answer.event().getCameraId()))) {
            print(answer);
          }
        }
      }
    } catch (InterruptException e) {
      Thread.interrupted(); // closing comes next and must be able to wait
    }
  }

  /** Null for what cannot be read: others may write to these topics, too. */
  private @Nullable Answer read(ConsumerRecord<byte[], byte[]> record) {
    if (record.topic().equals(config.topics().deadLetters())) {
      String reason = header(record, DeadLetter.CLASS) + ": " + header(record, DeadLetter.MESSAGE);
      return new Answer(frameIdOf(record), null, reason);
    }
    try {
      RecognitionEvent event =
          producer
              .serdes()
              .recognitions()
              .deserializer()
              .deserialize(record.topic(), record.headers(), record.value());
      if (event != null) {
        return new Answer(event.getFrameId(), event, null);
      }
      passedOver.add(record, "it has no value");
    } catch (SerializationException e) {
      passedOver.add(record, e.getMessage());
    }
    return null;
  }

  /** A dead letter contains the bytes of its source; those of the demo's own frames can be read. */
  private String frameIdOf(ConsumerRecord<byte[], byte[]> record) {
    try {
      ImageReference frame =
          producer
              .serdes()
              .frames()
              .deserializer()
              .deserialize(config.topics().frames(), record.headers(), record.value());
      return frame == null ? "" : frame.getFrameId();
    } catch (SerializationException e) {
      return "";
    }
  }

  private void keep(Answer answer, Path file) throws IOException {
    print(answer);
    if (answer.event() != null) {
      Path target = out.resolve(answer.annotatedName());
      Files.createDirectories(target.getParent());
      Files.write(target, Annotations.draw(Files.readAllBytes(file), answer.event()));
    }
  }

  private static void print(Answer answer) {
    if (answer.event() != null) {
      System.out.println(EventJson.toJson(answer.event()));
    } else {
      System.err.println(
          "dead letter: " + OneLine.of(answer.frameId()) + ": " + answer.rejection());
    }
  }

  private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
    String text = RecordHeaderText.lastText(record.headers(), name);
    return text == null ? "?" : OneLine.of(text);
  }

  @Override
  public void close() {
    passedOver.close();
    answers.close();
    producer.close();
  }
}
