package io.shelfstream.page;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.client.EventProducer;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.BoundingBox;
import io.shelfstream.events.EventKind;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.events.MatchStatus;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognitionStatus;
import io.shelfstream.events.RecognizedObject;
import io.shelfstream.events.Timings;
import io.shelfstream.events.Versions;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.topology.RecognitionService;
import io.shelfstream.topology.TestTopics;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;

/**
 * The page over a large gallery and frames of many objects, by keyboard alone, and while its
 * service is started anew. Models are tiny; vectors and events are published as they are.
 */
@ExtendWith(SharedBroker.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PageAtScaleIT {
  private static final int PRODUCTS = 10_000;
  private static final int CAMERAS = 32;
  private static final int OBJECTS = 300;

  /** Longer, and people take a page for frozen. Chromium has one of two busy cores here. */
  private static final double MOST_MS = 1000;

  private final Map<String, String> settings = new LinkedHashMap<>();
  private @Nullable Browser opened;
  private @Nullable TestTopics topics;
  private @Nullable RecognitionService service;
  private @Nullable EventProducer producer;
  private @Nullable ShelfStreamConfig config;
  private Path picture = Path.of(".");

  @BeforeAll
  void start(EmbeddedBroker broker, TestInfo test, @TempDir Path folder) throws Exception {
    opened = Browser.open();
    picture = folder.resolve("shelf.jpg");
    BufferedImage shelf = new BufferedImage(1280, 720, BufferedImage.TYPE_INT_RGB);
    shelf.getGraphics().setColor(Color.LIGHT_GRAY);
    shelf.getGraphics().fillRect(0, 0, 1280, 720);
    ImageIO.write(shelf, "jpeg", picture.toFile());
    // The port is the same after a start, as in a shop.
    try (ServerSocket free = new ServerSocket(0)) {
      settings.put("http.port", Integer.toString(free.getLocalPort()));
    }
    settings.put("images.allowed.roots", folder.toString());
    topics = new TestTopics(broker.bootstrapServers(), folder, test, "page");
    ShelfStreamConfig used = topics.config(settings);
    config = used;
    producer = new EventProducer(used);
    service = RecognitionService.start(used);
    fill(used);
  }

  @AfterAll
  void stop() throws Exception {
    Objects.requireNonNull(opened).close();
    Objects.requireNonNull(producer).close();
    Objects.requireNonNull(service).close();
  }

  private Browser browser() {
    return Objects.requireNonNull(opened);
  }

  private void view(String view) {
    browser().open("http://127.0.0.1:%s/#/%s".formatted(settings.get("http.port"), view));
  }

  private void fill(ShelfStreamConfig used) {
    EventProducer sender = Objects.requireNonNull(producer);
    ModelDirectory models = ModelDirectory.read(used.models().dir());
    Random random = new Random(19);
    int dimension = models.extractorDimension();
    for (int i = 0; i < PRODUCTS; i++) {
      float[] vector = new float[dimension];
      for (int d = 0; d < dimension; d++) {
        vector[d] = (float) random.nextGaussian();
      }
      String product = "product-%05d".formatted(i);
      sender.send(
          used.topics().galleryVectors(),
          product + "/1",
          sender.serdes().vectors(),
          GalleryVector.newBuilder()
              .setGalleryImageId(product + "/1")
              .setProductId(product)
              .setLabel("Müsli Nr. %05d 麦片".formatted(i))
              .setEmbedding(Embeddings.encode(Embeddings.unit(vector)))
              .setDimension(dimension)
              .setExtractor(models.extractorId())
              .setSourceOffset(i)
              .build());
    }
    sender.flush();
    TestTopics.awaitSize(Objects.requireNonNull(service), PRODUCTS);
  }

  private void publish(int camera, int objects) {
    EventProducer sender = Objects.requireNonNull(producer);
    Random random = new Random(camera);
    List<RecognizedObject> all = new ArrayList<>();
    for (int i = 0; i < objects; i++) {
      int x = random.nextInt(1180);
      int y = random.nextInt(640);
      MatchStatus status = MatchStatus.values()[i % MatchStatus.values().length];
      all.add(
          RecognizedObject.newBuilder()
              .setBbox(new BoundingBox(x, y, x + 40 + random.nextInt(60), y + 40))
              .setDetectionScore(0.9f)
              .setStatus(status)
              .setLabel(status == MatchStatus.UNKNOWN ? null : "Crème brûlée %d 布丁".formatted(i))
              .setScore(0.8f)
              .setWholeImage(false)
              .setCandidates(List.of())
              .build());
    }
    Instant now = Instant.now();
    String name = "Camera %02d".formatted(camera);
    sender.send(
        Objects.requireNonNull(config).topics().recognitions(),
        name,
        sender.serdes().recognitions(),
        RecognitionEvent.newBuilder()
            .setEventId(name + "@" + now.toEpochMilli())
            .setKind(EventKind.LIVE)
            .setStatus(RecognitionStatus.OK)
            .setCameraId(name)
            .setFrameId("frame")
            .setUri(picture.toUri().toString())
            .setImageWidth(1280)
            .setImageHeight(720)
            .setCapturedAt(now)
            .setProcessedAt(now)
            .setObjects(all)
            .setVersions(new Versions("d", "e", 1L, PRODUCTS, "Flat", "cpu", Map.of(), "shelf"))
            .setTimings(new Timings(1f, 1f, 1f, 1f, 1f, 1f, 6f))
            .build());
    sender.flush();
  }

  /** From now on, how long the page was busy at a time at most. */
  private void watch() {
    browser()
        .run(
            """
            window.longest = 0;
            new PerformanceObserver((list) => list.getEntries().forEach(
              (task) => { window.longest = Math.max(window.longest, task.duration); }))
              .observe({entryTypes: ['longtask']});
            """);
  }

  private double longest() {
    return ((Number) Objects.requireNonNull(browser().run("return window.longest"))).doubleValue();
  }

  @Test
  void aGalleryOfTenThousandIsScrolledAndSearched() {
    view("gallery");
    browser().see(".summary", "10,000 products");
    watch();
    for (int row : List.of(2_000, 5_000, 9_990)) {
      browser().run("document.querySelector('.virtual').scrollTop = arguments[0] * 76", row);
      browser().see(".row", "Nr. %05d".formatted(row));
    }
    browser().type("input[type=search]", "nr. 0777");
    browser().see(".summary", "10 products found");
    browser().see(".row", "Nr. 07770 麦片");
    assertThat(longest()).as("ms that the page was busy").isLessThan(MOST_MS);
  }

  @Test
  void aWallOfFramesOfThreeHundredObjectsStaysAlive() {
    view("cameras");
    browser().see("h1", "Cameras");
    watch();
    for (int camera = 0; camera < CAMERAS; camera++) {
      publish(camera, OBJECTS);
    }
    browser()
        .until(
            "all cameras are there",
            () ->
                Boolean.TRUE.equals(
                    browser()
                        .run(
                            "return document.querySelectorAll('.tile').length >= arguments[0]",
                            CAMERAS)));
    browser()
        .until(
            "the pictures in sight are there",
            () ->
                Boolean.TRUE.equals(
                    browser()
                        .run("return document.querySelectorAll('.tile[data-event]').length >= 6")));
    assertThat(longest()).as("ms that the page was busy").isLessThan(MOST_MS);
    view("camera/Camera%2003");
    watch();
    browser()
        .until(
            "all objects are listed",
            () ->
                Boolean.TRUE.equals(
                    browser()
                        .run(
                            "return document.querySelectorAll('.object').length === arguments[0]",
                            OBJECTS)));
    assertThat(longest()).as("ms that the page was busy").isLessThan(MOST_MS);
  }

  @Test
  void theKeyboardAloneLeadsFromTheWallToAnObjectAndThroughTheGallery() {
    publish(90, 3);
    view("cameras");
    browser().see(".tile[data-event]");
    browser().press(Keys.TAB);
    assertThat(browser().run("return document.activeElement.className")).isEqualTo("skip");
    browser().press(Keys.ENTER);
    browser().tabTo(".tile h2 a[href*='90']");
    browser().press(Keys.ENTER);
    browser().see("h1", "Camera 90");
    browser().see(".object.match");
    browser().tabTo(".object.match");
    assertThat(browser().see(".candidates h3", "Crème brûlée")).contains("0.80");

    view("gallery");
    browser().see(".summary", "10,000 products");
    browser().tabTo("input[type=search]");
    browser().press("nr. 04711");
    browser().see(".summary", "1 product found");
    browser().tabTo(".row");
    browser().press(Keys.ENTER);
    browser().see("h1", "Müsli Nr. 04711");
    browser().tabTo("input[name=label]");
    browser().press("Müsli neu", Keys.ENTER); // the tabulator has selected the old name
    // Its photo is not there to be embedded again, and the page says so.
    browser().see("#messages .message");
  }

  @Test
  void aServiceThatIsStartedAnewIsFoundAgain() throws Exception {
    publish(91, 3);
    view("cameras");
    browser().see(".tile h2", "Camera 91");
    Objects.requireNonNull(service).close();
    browser().see("#banner.lost", "Connection lost");
    service = RecognitionService.start(Objects.requireNonNull(config));
    browser().goes("#banner.lost");
    publish(92, 3);
    browser().see(".tile h2", "Camera 92");
    browser().see(".tile h2", "Camera 91"); // the newest events were read again
    browser().see(".tile[data-event]");
  }
}
