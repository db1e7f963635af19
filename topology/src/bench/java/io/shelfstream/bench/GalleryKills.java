package io.shelfstream.bench;

import io.shelfstream.broker.TopicOffsets;
import io.shelfstream.broker.Topics;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.model.ModelDirectory;
import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Kills the service with SIGKILL at random points while it embeds, compacts and writes snapshots;
 * after each restart its gallery must equal the vectors topic, and that the updates that were
 * published. Broker and service run in JVMs of their own.
 */
final class GalleryKills {
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final int PARTITIONS = 3;

  /** Enough for an index that is trained, and compacted again and again. */
  private static final String INDEX = "IVF16,Flat";

  private static final int PHOTOS = 2_500;
  private static final int FIRST = 2_000;

  private final int cycles;
  private final Random random;
  private final Path folder;
  private final ShelfStreamConfig config;
  private final EventSerdes serdes;
  private final KafkaProducer<String, byte[]> updates;

  /** Product of each photo by what was published. */
  private final Map<String, String> published = new TreeMap<>();

  private int changes;
  private int kills;

  private GalleryKills(int cycles, long seed, Path folder, String broker) throws IOException {
    this.cycles = cycles;
    this.random = new Random(seed);
    this.folder = folder;
    Files.write(folder.resolve("service.properties"), settings(broker));
    this.config = ShelfStreamConfig.loadWithModels(folder.resolve("service.properties"), Map.of());
    this.serdes = EventSerdes.of(config.schemaRegistry());
    Topics.create(config, PARTITIONS, (short) 1);
    this.updates =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", broker, "linger.ms", 2),
            new StringSerializer(),
            new ByteArraySerializer());
  }

  private List<String> settings(String broker) {
    return List.of(
        "kafka.bootstrap.servers = " + broker,
        "state.dir = " + folder.resolve("state"),
        "models.dir = " + System.getProperty("bench.models"),
        "models.threads = 1",
        "index.type = " + INDEX,
        "index.snapshot.dir = " + folder.resolve("snapshots"),
        "index.snapshot.interval = 1s");
  }

  public static void main(String[] arguments) throws Exception {
    int cycles = 30;
    long seed = new Random().nextInt(1_000_000);
    for (int i = 0; i < arguments.length; i++) {
      switch (arguments[i]) {
        case "kills" -> {}
        case "--quick" -> cycles = 3;
        case "--cycles" -> cycles = Integer.parseInt(arguments[++i]);
        case "--seed" -> seed = Long.parseLong(arguments[++i]);
        default -> {
          System.err.println("bench gallery kills: there is no '" + arguments[i] + "'");
          System.exit(2);
        }
      }
    }
    Path target = Files.createDirectories(Path.of(System.getProperty("bench.target")));
    Path folder = Files.createTempDirectory(target, "kills-").toAbsolutePath();
    System.out.println("seed " + seed);
    int exit = 1;
    Process broker =
        java(
            folder.resolve("broker.log"),
            "io.shelfstream.Main",
            "broker",
            "--data",
            folder.resolve("broker").toString());
    try {
      GalleryKills check = new GalleryKills(cycles, seed, folder, lines(broker).readLine());
      exit = check.run(target.resolve("gallery-kills.json"));
    } finally {
      broker.destroyForcibly().waitFor();
      if (exit == 0) {
        delete(folder);
      } else {
        System.err.println("bench gallery kills: logs and data are left in " + folder);
      }
    }
    System.exit(exit);
  }

  private int run(Path report) throws Exception {
    int equal = 0;
    for (int cycle = 1; cycle <= cycles + 1; cycle++) {
      if (cycle > 1 && random.nextInt(3) == 0) {
        Process starting = service();
        pause(200, 5_000);
        kill(starting);
      }
      Process service = service();
      try (BufferedReader answers = lines(service)) {
        require("ready", answers.readLine(), service);
        boolean last = cycle > cycles;
        if (cycle == 1) {
          for (int photo = 0; photo < FIRST; photo++) {
            put("photo-" + photo);
          }
        } else {
          String answer = ask(service, answers);
          System.out.printf(
              Locale.ROOT,
              "kill %2d of %d: %d photos after %d updates: %s%n",
              cycle - 1,
              cycles,
              published.size(),
              changes,
              answer);
          equal += answer.equals("equal") ? 1 : 0;
        }
        if (last) {
          service.getOutputStream().close();
          service.waitFor(60, TimeUnit.SECONDS);
        } else {
          publishWhileItRuns(service);
        }
      } finally {
        service.destroyForcibly();
      }
    }
    return finish(equal, report);
  }

  /** Updates come before, at and after the kill. */
  private void publishWhileItRuns(Process service) throws Exception {
    long killAt = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(500 + random.nextInt(5_000));
    long end = killAt + TimeUnit.MILLISECONDS.toNanos(300);
    while (System.nanoTime() < end) {
      change();
      Thread.sleep(3);
      if (service.isAlive() && System.nanoTime() > killAt) {
        kill(service);
      }
    }
    updates.flush();
  }

  private void kill(Process process) throws InterruptedException {
    process.destroyForcibly().waitFor(); // SIGKILL
    kills++;
  }

  private void change() {
    String id = "photo-" + random.nextInt(PHOTOS);
    if (random.nextInt(4) > 0) {
      put(id);
    } else {
      changes++;
      published.remove(id);
      updates.send(new ProducerRecord<>(config.topics().galleryUpdates(), id, null));
    }
  }

  private void put(String id) {
    changes++;
    String product = "product-" + changes;
    published.put(id, product);
    GalleryUpdate update =
        GalleryUpdate.newBuilder()
            .setGalleryImageId(id)
            .setProductId(product)
            .setLabel("label of " + product)
            .setUri(photo(random.nextInt(1 << 24)))
            .build();
    updates.send(
        new ProducerRecord<>(
            config.topics().galleryUpdates(),
            id,
            serdes.updates().serializer().serialize(config.topics().galleryUpdates(), update)));
  }

  private static String photo(int colour) {
    BufferedImage image = new BufferedImage(32, 32, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 32 * 32; i++) {
      image.setRGB(i % 32, i / 32, colour);
    }
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, "png", png);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return "data:image/png;base64," + Base64.getEncoder().encodeToString(png.toByteArray());
  }

  private String ask(Process service, BufferedReader answers) throws Exception {
    awaitEmbedded();
    List<ExpectedPhoto> onTopic = vectors();
    Map<String, String> products = new TreeMap<>();
    onTopic.forEach(photo -> products.put(photo.id(), photo.product()));
    if (!products.equals(published)) {
      return "the topic differs from what was published: %d photos instead of %d"
          .formatted(products.size(), published.size());
    }
    Path file = folder.resolve("expected.tsv");
    Files.write(file, onTopic.stream().map(ExpectedPhoto::line).toList());
    service.getOutputStream().write((file + "\n").getBytes(StandardCharsets.UTF_8));
    service.getOutputStream().flush();
    return String.valueOf(answers.readLine());
  }

  private void awaitEmbedded() throws InterruptedException {
    String group =
        config.galleryApplicationId(
            config.topics(), ModelDirectory.read(config.models().dir()).extractorId());
    long end = System.nanoTime() + PATIENCE.toNanos();
    try (TopicOffsets offsets = new TopicOffsets(config)) {
      while (!offsets
              .committed(group, config.topics().galleryUpdates())
              .equals(written(offsets.ends(config.topics().galleryUpdates())))
          || !offsets
              .committedEnds(config.topics().galleryVectors())
              .equals(offsets.ends(config.topics().galleryVectors()))) {
        if (System.nanoTime() > end) {
          throw new IllegalStateException("photos were not embedded within " + PATIENCE);
        }
        Thread.sleep(100);
      }
    }
  }

  private static Map<Integer, Long> written(Map<Integer, Long> ends) {
    Map<Integer, Long> written = new HashMap<>(ends);
    written.values().removeIf(end -> end == 0);
    return written;
  }

  /** The last value of each key. */
  private List<ExpectedPhoto> vectors() {
    String topic = config.topics().galleryVectors();
    Map<String, ExpectedPhoto> photos = new TreeMap<>();
    Map<String, Object> settings = new LinkedHashMap<>(config.kafka());
    settings.put("isolation.level", "read_committed");
    settings.remove("producer.transaction.timeout.ms");
    try (KafkaConsumer<String, byte[]> consumer =
        new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (int partition = 0; partition < PARTITIONS; partition++) {
        partitions.add(new TopicPartition(topic, partition));
      }
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (ends.entrySet().stream()
          .anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
        for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          if (record.value() == null) {
            photos.remove(record.key());
          } else {
            GalleryVector vector =
                serdes.vectors().deserializer().deserialize(topic, record.value());
            photos.put(record.key(), ExpectedPhoto.of(vector));
          }
        }
      }
    }
    return List.copyOf(photos.values());
  }

  private int finish(int equal, Path report) throws IOException {
    long compactions = logged("Gallery compacted");
    long written = logged("Gallery snapshot written");
    long read = logged("Gallery read from its snapshot");
    System.out.printf(
        Locale.ROOT,
        "equal %d of %d, %d kills, %d updates, %d compactions, snapshots: %d written, %d read%n",
        equal,
        cycles,
        kills,
        changes,
        compactions,
        written,
        read);
    Files.writeString(
        report,
        "{\"cycles\": %d, \"equal\": %d, \"kills\": %d, \"updates\": %d, \"compactions\": %d, \"snapshotsWritten\": %d, \"snapshotsRead\": %d}%n"
            .formatted(cycles, equal, kills, changes, compactions, written, read));
    System.out.println("figures: " + report);
    boolean didItsWork = compactions > 0 && written > 0 && read > 0;
    if (equal < cycles) {
      System.err.println(
          "bench gallery kills: missed goal: the gallery equals the topic each time");
    }
    if (!didItsWork) {
      System.err.println(
          "bench gallery kills: proves nothing without compactions and snapshots; run more cycles");
    }
    return equal == cycles && didItsWork ? 0 : 1;
  }

  private long logged(String message) throws IOException {
    try (Stream<String> lines = Files.lines(folder.resolve("service.log"))) {
      return lines.filter(line -> line.contains(message)).count();
    }
  }

  private Process service() throws IOException {
    return java(
        folder.resolve("service.log"),
        KilledService.class.getName(),
        folder.resolve("service.properties").toString());
  }

  private static Process java(Path log, String... command) throws IOException {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(List.of("-Xmx512m", "-cp", System.getProperty("java.class.path")));
    line.addAll(List.of(command));
    return new ProcessBuilder(line)
        .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
        .start();
  }

  private static BufferedReader lines(Process process) {
    return new BufferedReader(
        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  private static void require(String expected, String answer, Process service) {
    if (!expected.equals(answer)) {
      throw new IllegalStateException(
          "the service says %s instead of %s, exit code %s"
              .formatted(answer, expected, service.isAlive() ? "none" : service.exitValue()));
    }
  }

  private void pause(int least, int most) throws InterruptedException {
    Thread.sleep(least + random.nextInt(most - least));
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    }
  }
}
