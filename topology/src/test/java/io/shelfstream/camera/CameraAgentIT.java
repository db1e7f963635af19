package io.shelfstream.camera;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.broker.Topics;
import io.shelfstream.camera.AgentSettings.Filmed;
import io.shelfstream.camera.AgentSettings.Source;
import io.shelfstream.camera.AgentSettings.Watched;
import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.ImageReference;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.s3.S3Location;
import io.shelfstream.s3.S3Server;
import io.shelfstream.s3.SdkCredentials;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.s3.S3Client;

/** The agent on a real broker. {@code AgentKillsIT} kills it. */
@ExtendWith(SharedBroker.class)
class CameraAgentIT {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  /** More frames than any test of a folder has. */
  private static final int MOST = 8;

  private static final long SPOOL = 100 << 20;

  private final Map<String, String> settings = new LinkedHashMap<>();
  private Path folder;
  private FakeCamera camera;

  @BeforeEach
  void makeTopics(EmbeddedBroker broker, @TempDir Path temp, TestInfo test) throws Exception {
    folder = temp;
    settings.put("kafka.bootstrap.servers", broker.bootstrapServers());
    settings.put("topics.frames", "CameraAgentIT." + test.getTestMethod().orElseThrow().getName());
    Topics.create(config());
    camera = new FakeCamera();
  }

  private ShelfStreamConfig config() {
    return ShelfStreamConfig.load(null, settings);
  }

  private CameraAgent agent(Source source, Optional<String> store, Optional<Double> unchanged)
      throws Exception {
    return CameraAgent.start(
        new AgentSettings(
            "aisle/4",
            Optional.of("shop-9"),
            source,
            store,
            unchanged,
            SPOOL,
            Optional.empty(),
            folder.resolve("state")),
        config());
  }

  /** At least so many frames, and those that come until nothing has come for a while. */
  private List<ImageReference> frames(int atLeast) {
    EventSerdes serdes = EventSerdes.of(config().schemaRegistry());
    List<ImageReference> frames = new ArrayList<>();
    long end = System.nanoTime() + PATIENCE.toNanos();
    try (TopicReader reader =
        new TopicReader(config(), TopicReader.From.BEGINNING, config().topics().frames())) {
      boolean quiet = false;
      while (System.nanoTime() < end
          && !((quiet || frames.size() > MOST) && frames.size() >= atLeast)) {
        quiet = true;
        for (var record : reader.poll(Duration.ofMillis(1500))) {
          quiet = false;
          frames.add(serdes.frames().deserializer().deserialize(record.topic(), record.value()));
        }
      }
    }
    assertThat(frames).hasSizeGreaterThanOrEqualTo(atLeast);
    return frames;
  }

  private Path write(String name, long changed) throws Exception {
    Path file = folder.resolve("uploads").resolve(name);
    Files.createDirectories(file.getParent());
    Files.write(file, camera.next());
    Files.setLastModifiedTime(file, FileTime.fromMillis(changed));
    return file;
  }

  @Test
  void publishesEachFileOfAWatchedFolderOnce() throws Exception {
    Path second = write("b.jpg", 2_000);
    Path first = write("sub/deep/c.jpg", 1_000);
    Path third = write("a.PNG", 3_000);
    write(".hidden.jpg", 1);
    write("a.jpg.part", 1);
    write("notes.txt", 1);
    Source watched = new Watched(folder.resolve("uploads"));
    Path slow;
    try (CameraAgent agent = agent(watched, Optional.empty(), Optional.empty())) {
      assertThat(frames(3))
          .extracting(ImageReference::getUri)
          .containsExactly(
              first.toUri().toString(), second.toUri().toString(), third.toUri().toString());
      slow = folder.resolve("uploads/new/slow.jpg");
      Files.createDirectories(slow.getParent());
      try (OutputStream out = Files.newOutputStream(slow)) {
        for (int i = 0; i < 8; i++) {
          out.write(new byte[100]);
          out.flush();
          Thread.sleep(400);
        }
      }
      assertThat(frames(4)).hasSize(4);
    }
    Files.setLastModifiedTime(second, FileTime.fromMillis(9_000));
    Path meanwhile = write("meanwhile.jpg", 8_000);

    try (CameraAgent agent = agent(watched, Optional.empty(), Optional.empty())) {
      List<ImageReference> all = frames(6);
      assertThat(all)
          .extracting(ImageReference::getUri)
          .containsExactly(
              first.toUri().toString(),
              second.toUri().toString(),
              third.toUri().toString(),
              slow.toUri().toString(),
              meanwhile.toUri().toString(),
              second.toUri().toString());
      assertThat(all).extracting(ImageReference::getFrameId).doesNotHaveDuplicates();
      assertThat(all.get(5).getFrameId()).isEqualTo(second.toString().substring(1) + "@9000");
      assertThat(all.get(0).getCapturedAt()).isEqualTo(Instant.ofEpochMilli(1_000));
      assertThat(all.get(0).getCameraId()).isEqualTo("aisle/4");
      assertThat(all.get(0).getStoreId()).isEqualTo("shop-9");
    }
  }

  @Test
  void storesCopiesOfWatchedFilesAndLeavesOutUnchangedOnes() throws Exception {
    for (int i = 0; i < 6; i++) {
      Path file = write(i + ".jpg", i * 1_000L);
      Files.write(file, camera.picture(i / 3 * 0xFFFFF));
      Files.setLastModifiedTime(file, FileTime.fromMillis(i * 1_000L));
    }
    try (CameraAgent agent =
        agent(
            new Watched(folder.resolve("uploads")),
            Optional.of(folder.resolve("frames").toString()),
            Optional.of(2.0))) {
      List<ImageReference> frames = frames(2);

      assertThat(frames).hasSize(2);
      assertThat(frames.get(1).getCapturedAt()).isEqualTo(Instant.ofEpochMilli(3_000));
      Path copy = Path.of(URI.create(frames.get(1).getUri()));
      assertThat(copy).startsWith(folder.resolve("frames/aisle%2F4"));
      assertThat(Files.readAllBytes(copy)).isEqualTo(camera.picture(0xFFFFF));
      assertThat(copy.getFileName().toString()).isEqualTo(frames.get(1).getFrameId() + ".jpg");
    }
  }

  @Test
  void storesPicturesOfACameraInABucketAndWaitsForIt() throws Exception {
    try (S3Server store = new S3Server(folder.resolve("s3"));
        SdkCredentials credentials = new SdkCredentials(S3Server.CREDENTIALS)) {
      settings.put("images.s3.endpoint", store.endpoint().toString());
      store.fill("shelf-frames", Map.of());
      store.kill();
      try (CameraAgent agent =
          agent(
              new Filmed(
                  URI.create(camera.uri("/digest/snapshot.jpg")),
                  Duration.ofMillis(100),
                  Optional.of(
                      io.shelfstream.fetch.HttpCredentials.Credential.basic(
                          "admin", "camera-password"))),
              Optional.of("s3://shelf-frames/north side"),
              Optional.empty())) {
        while (camera.pictures() < 10) {
          Thread.sleep(50);
        }
        assertThat(frames(0)).isEmpty();
        store.start();
        frames(9);
      }
      List<ImageReference> frames = frames(9);

      try (S3Client client = store.client()) {
        for (int i = 0; i < frames.size(); i++) {
          S3Location object = S3Location.of(frames.get(i).getUri());
          assertThat(object.key()).startsWith("north side/aisle%2F4/20");
          byte[] bytes =
              client
                  .getObjectAsBytes(get -> get.bucket(object.bucket()).key(object.key()))
                  .asByteArray();
          assertThat(bytes).as("picture %d", i).isEqualTo(camera.picture(i + 1));
        }
      }
    }
  }

  @Test
  void deletesItsOwnOldFramesOnly() throws Exception {
    Path frames = folder.resolve("frames");
    Path others = Files.createDirectories(frames.resolve("c18/2020-01-01"));
    Path ours = Files.createDirectories(frames.resolve("aisle%2F4/2020-01-01"));
    Files.write(others.resolve("20200101T000000.000Z.jpg"), new byte[1]);
    Files.write(ours.resolve("20200101T000000.000Z.jpg"), new byte[1]);
    Files.write(ours.resolve("holiday.jpg"), new byte[1]);
    Path today =
        Files.createDirectories(frames.resolve("aisle%2F4/today"))
            .resolve(FrameName.of(Instant.now()) + ".jpg");
    Files.write(today, new byte[1]);
    Path waiting = ours.resolve("20200102T000000.000Z.jpg");
    Files.write(waiting, new byte[1]);

    int deleted =
        new FolderStore(frames, "aisle/4")
            .deleteOlder(Instant.now().minus(Duration.ofDays(7)), "20200102T000000.000Z");

    assertThat(deleted).isEqualTo(1);
    assertThat(others.resolve("20200101T000000.000Z.jpg")).exists();
    assertThat(ours.resolve("holiday.jpg")).exists();
    assertThat(today).exists();
    assertThat(waiting).exists();
  }
}
