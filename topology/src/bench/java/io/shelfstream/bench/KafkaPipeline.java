package io.shelfstream.bench;

import io.shelfstream.client.EventProducer;
import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.Timings;
import io.shelfstream.messages.RecognitionEvents;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleBinaryOperator;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** The service as people run it, in a process of its own: photos in, events out. */
final class KafkaPipeline implements AutoCloseable {
  private final ShelfStreamConfig config;
  private final Program service;
  private final EventProducer producer;
  private final TopicReader reader;
  private int runs;

  /**
   * Starts the service and gives it a gallery.
   *
   * @param settings of the service, the broker's address among them
   */
  KafkaPipeline(
      List<String> java, Map<String, String> settings, List<GalleryVector> gallery, Path folder)
      throws Exception {
    Files.createDirectories(folder);
    Path file = folder.resolve("service.properties");
    List<String> lines = new ArrayList<>();
    settings.forEach((key, value) -> lines.add(key + " = " + value));
    Files.write(file, lines);
    List<String> command = new ArrayList<>(java);
    command.addAll(List.of("io.shelfstream.Main", "run", "--config", file.toString()));
    Path log = folder.resolve("service.log");
    service = new Program(command, log);
    config = ShelfStreamConfig.load(file, Map.of());
    awaitReady(log);
    producer = new EventProducer(config);
    reader = new TopicReader(config, TopicReader.From.END, config.topics().recognitions());
    for (GalleryVector vector : gallery) {
      producer.send(
          config.topics().galleryVectors(),
          vector.getGalleryImageId(),
          producer.serdes().vectors(),
          vector);
    }
    producer.flush();
  }

  private void awaitReady(Path log) throws Exception {
    for (int i = 0; i < 1200; i++) {
      if (Files.readString(log).contains("The service is ready")) {
        return;
      }
      if (!service.isAlive()) {
        break;
      }
      Thread.sleep(100);
    }
    throw new IllegalStateException("The service did not become ready:\n" + Files.readString(log));
  }

  /**
   * What became of the frames of one run.
   *
   * @param seconds from the first frame sent to the last event read
   * @param done when each frame was answered, as the service wrote it, epoch ms
   * @param threads CPU seconds of the service's threads, by name
   * @param answered ms from a frame sent to its event, as the service wrote it
   * @param readable ms from a frame sent to its event in the hands of a read-committed consumer
   */
  record Run(
      double seconds,
      double cpuSeconds,
      double peakMib,
      Map<String, Double> threads,
      List<Double> done,
      List<Double> answered,
      List<Double> readable,
      List<Timings> timings) {

    /** Several runs as one. */
    static Run joined(List<Run> runs) {
      Map<String, Double> threads = new HashMap<>();
      runs.forEach(r -> r.threads.forEach((name, cpu) -> threads.merge(name, cpu, Double::sum)));
      return new Run(
          runs.stream().mapToDouble(Run::seconds).sum(),
          runs.stream().mapToDouble(Run::cpuSeconds).sum(),
          runs.stream().mapToDouble(Run::peakMib).max().orElse(0),
          threads,
          runs.stream().flatMap(r -> r.done.stream()).toList(),
          runs.stream().flatMap(r -> r.answered.stream()).toList(),
          runs.stream().flatMap(r -> r.readable.stream()).toList(),
          runs.stream().flatMap(r -> r.timings.stream()).toList());
    }

    /** Ms between sending and the event that were not work on the frame. */
    List<Double> overheads() {
      return withTotals((answered, total) -> answered - total);
    }

    /** How many times its own processing each frame took until it was answered. */
    List<Double> ratios() {
      return withTotals((answered, total) -> answered / total);
    }

    private List<Double> withTotals(DoubleBinaryOperator of) {
      List<Double> values = new ArrayList<>();
      for (int i = 0; i < answered.size(); i++) {
        values.add(of.applyAsDouble(answered.get(i), timings.get(i).getTotal()));
      }
      return values;
    }
  }

  /**
   * Publishes frames and reads their events.
   *
   * @param pause ms from one frame to the next; 0: as fast as the broker takes them
   */
  Run run(List<Path> photos, int frames, int cameras, double pause) throws Exception {
    String name = "r" + runs++ + "-";
    Map<String, Long> sent = new HashMap<>();
    List<Double> done = new ArrayList<>();
    List<Double> answered = new ArrayList<>();
    List<Double> readable = new ArrayList<>();
    List<Timings> timings = new ArrayList<>();
    double cpu = service.cpuSeconds();
    Map<String, Double> before = service.cpuByThread();
    long start = System.nanoTime();
    int next = 0;
    while (answered.size() < frames) {
      while (next < frames && (System.nanoTime() - start) / 1e6 >= next * pause) {
        publish(name + next, "cam" + next % cameras, photos.get(next % photos.size()), sent);
        next++;
      }
      for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(2))) {
        long now = System.currentTimeMillis();
        RecognitionEvent event =
            producer
                .serdes()
                .recognitions()
                .deserializer()
                .deserialize(record.topic(), record.value());
        Long at = sent.remove(event.getFrameId());
        if (at != null) {
          done.add((double) event.getProcessedAt().toEpochMilli());
          answered.add((double) event.getProcessedAt().toEpochMilli() - at);
          readable.add((double) now - at);
          timings.add(event.getTimings());
        }
      }
      if (!service.isAlive() || System.nanoTime() - start > 900e9) {
        throw new IllegalStateException(
            "The service answered %d of %d frames and then no more"
                .formatted(answered.size(), frames));
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    Map<String, Double> threads = service.cpuByThread();
    threads.replaceAll((thread, after) -> after - before.getOrDefault(thread, 0.0));
    return new Run(
        seconds,
        service.cpuSeconds() - cpu,
        service.peakMib(),
        threads,
        done,
        answered,
        readable,
        timings);
  }

  private void publish(String frame, String camera, Path photo, Map<String, Long> sent) {
    URI uri = photo.toUri();
    sent.put(frame, System.currentTimeMillis());
    producer.send(
        config.topics().frames(),
        camera,
        producer.serdes().frames(),
        RecognitionEvents.reference(camera, frame, uri.toString(), Instant.now()));
  }

  @Override
  public void close() {
    reader.close();
    producer.close();
    service.close();
  }
}
