package io.shelfstream.page;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.client.EventProducer;
import io.shelfstream.client.GalleryFile;
import io.shelfstream.client.GalleryPublisher;
import io.shelfstream.client.GivenPhoto;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.serving.LocalService;
import io.shelfstream.topology.RecognitionService;
import io.shelfstream.topology.TestTopics;
import java.awt.image.BufferedImage;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * The page as people use it: one browser, and one service with the bundled models over some of the
 * demo's products.
 */
@ExtendWith(SharedBroker.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PageIT {
  private static final Path DEMO = Path.of("../deploy/demo-data").toAbsolutePath().normalize();
  private static final String KNOWN = "Dorlevo-vahino";
  private static final String UNKNOWN = "LAVALO-kau"; // of the frame, and not of the gallery

  /** Screens in docs; {@code -Dpage.docs=../docs/page} writes them anew. */
  private static final Map<String, String> DOCUMENTED =
      Map.of(
          "cameras-1280-light", "cameras.jpg",
          "camera-1280-light", "camera.jpg",
          "unknown-390-dark", "unknown-phone.jpg",
          "gallery-1280-dark", "gallery.jpg");

  /** Frame 002 shows four of the unknown product, and the known one. */
  private static final Path FRAME = DEMO.resolve("frames/rendered/002.jpg");

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final ObjectMapper json = new ObjectMapper();
  private final List<AutoCloseable> open = new ArrayList<>();
  private @Nullable Browser opened;
  private @Nullable EventProducer producer;
  private @Nullable ShelfStreamConfig config;
  private Path frames = Path.of(".");
  private String url = "";
  private int published;

  @BeforeAll
  void start(EmbeddedBroker broker, TestInfo test, @TempDir Path folder) throws Exception {
    Browser browser = Browser.open();
    opened = browser;
    open.add(browser);
    frames = Files.createDirectories(folder.resolve("frames"));
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("models.dir", "../deploy/models/bundled");
    settings.put("http.port", "0");
    settings.put("images.allowed.roots", DEMO + "," + frames);
    TestTopics topics = new TestTopics(broker.bootstrapServers(), folder, test, "page");
    ShelfStreamConfig used = topics.config(settings);
    config = used;
    RecognitionService service = RecognitionService.start(used);
    open.add(service);
    url = "http://127.0.0.1:" + service.httpPort().orElseThrow();
    EventProducer made = new EventProducer(used);
    producer = made;
    open.add(made);
    Map<String, @Nullable GalleryUpdate> photos = new LinkedHashMap<>();
    for (GivenPhoto photo : GalleryFile.read(DEMO.resolve("gallery.tsv"), null).photos()) {
      if (photo.id().endsWith("/1.jpg")) {
        photos.put(
            photo.id(),
            GalleryUpdate.newBuilder()
                .setGalleryImageId(photo.id())
                .setProductId(photo.label())
                .setLabel(photo.label())
                .setUri(photo.file().toUri().toString())
                .build());
      }
    }
    assertThat(photos).hasSizeGreaterThan(20);
    assertThat(new GalleryPublisher(used, Duration.ofMinutes(2)).publishAndWait(photos).rejected())
        .isEmpty();
  }

  @AfterAll
  void stop() throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
  }

  private Browser browser() {
    return Objects.requireNonNull(opened);
  }

  private void publish(String camera, Path file) {
    publish(camera, file.getFileName().toString(), file.toUri().toString());
  }

  private void publish(String camera, String frame, String uri) {
    EventProducer used = Objects.requireNonNull(producer);
    used.send(
        Objects.requireNonNull(config).topics().frames(),
        camera,
        used.serdes().frames(),
        RecognitionEvents.reference(
            camera, "%s@%d".formatted(frame, ++published), uri, Instant.now()));
    used.flush();
  }

  private void view(String view) {
    browser().open(url + "/#/" + view);
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, UTF_8).replace("+", "%20");
  }

  private JsonNode get(String path) throws Exception {
    HttpResponse<String> answer =
        client.send(
            HttpRequest.newBuilder(URI.create(url + path)).build(), BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return json.readTree(answer.body());
  }

  @Test
  void aKnownProductAppearsOnTheWallAndInItsCamera() {
    String camera = "Gemüse & Obst/links";
    view("cameras");
    browser().see("h1", "Cameras");
    publish(camera, FRAME);
    browser().see(".tile h2", camera);
    browser().see(".tile[data-event]");
    assertThat(Objects.requireNonNull(browser().see(".tile canvas").getDomAttribute("aria-label")))
        .contains("known")
        .contains(camera);
    browser().click(".tile h2 a[href*='" + encoded(camera) + "']");
    browser().see("h1", camera);
    browser().see(".object.match", KNOWN);
    browser().click(".object.match", KNOWN);
    // The photos of the gallery that it was compared with, and their scores.
    assertThat(browser().see(".candidates li", KNOWN)).contains("score 0.");
    browser()
        .until(
            "the photo is there",
            () ->
                Boolean.TRUE.equals(
                    browser()
                        .run(
                            "return document.querySelector('.candidates img').naturalWidth > 10")));
    browser().see(".strip [data-event] button[aria-pressed=true]");
  }

  @Test
  void aPictureThatIsDroppedIsRecognised() throws Exception {
    view("picture");
    browser().see(".drop");
    browser()
        .run(
            """
            const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
            const dropped = new DataTransfer();
            dropped.items.add(new File([bytes], 'shelf.jpg', {type: 'image/jpeg'}));
            document.querySelector('.drop').dispatchEvent(
              new DragEvent('drop', {dataTransfer: dropped, bubbles: true, cancelable: true}));
            """,
            Base64.getEncoder().encodeToString(Files.readAllBytes(FRAME)));
    browser().see(".object.match", KNOWN);
    assertThat(browser().see(".summary", "shelf.jpg")).contains("known");

    Path text = Files.writeString(frames.resolve("text.jpg"), "this is no picture");
    browser().choose(".drop input", text);
    browser().see(".summary", "UNSUPPORTED");
  }

  @Test
  void anUnknownObjectIsEnrolledAndTheNextFrameShowsIt() throws Exception {
    String camera = "Kühlregal";
    publish(camera, FRAME);
    view("unknown");
    browser().see(".crops li", camera);
    String name = "Café crème – 大杯 „Lavalo“";
    // The crop that shows it is the one on which the ground truth has its box.
    int[] box = truth(UNKNOWN);
    browser()
        .until(
            "its crop is there",
            () ->
                Boolean.TRUE.equals(
                    browser()
                        .run("return document.querySelectorAll('.crops img[src]').length > 2")));
    JsonNode objects = get("/api/cameras/unknown?limit=100").get("objects");
    JsonNode wanted = null;
    for (JsonNode object : objects) {
      if (object.get("camera").asText().equals(camera) && overlaps(object.get("bbox"), box)) {
        wanted = object;
      }
    }
    assertThat(wanted).as("an unknown object at the place of %s", UNKNOWN).isNotNull();
    browser()
        .click(
            ".crops li[data-bbox='"
                + text(wanted.get("bbox"))
                + "'][data-camera='"
                + camera
                + "'] label");
    browser().see(".enrol button", "Add 1 picture");
    browser().type(".enrol input[name=label]", name);
    browser().click(".enrol button");
    browser().see(".enrol p", "✓");

    publish(camera, FRAME);
    view("camera/" + encoded(camera));
    browser().see(".object.match", name);
    assertThat(get("/api/gallery?query=" + encoded("café CRÈME")).get("total").asInt())
        .isEqualTo(1);
    browser()
        .run(
            "fetch('/api/gallery/product?wait=searchable&id=' + encodeURIComponent(arguments[0]), {method: 'DELETE'})",
            name);
  }

  private static String text(JsonNode box) {
    return "%d,%d,%d,%d"
        .formatted(box.get(0).asInt(), box.get(1).asInt(), box.get(2).asInt(), box.get(3).asInt());
  }

  /** Where a product stands on the frame. */
  private static int[] truth(String label) throws Exception {
    for (String line : Files.readAllLines(DEMO.resolve("frames/ground-truth.tsv"))) {
      String[] cells = line.split("\t", -1);
      if (cells[0].equals("rendered/002.jpg") && cells[1].equals(label)) {
        return new int[] {
          (int) Double.parseDouble(cells[2]),
          (int) Double.parseDouble(cells[3]),
          (int) Double.parseDouble(cells[4]),
          (int) Double.parseDouble(cells[5])
        };
      }
    }
    throw new AssertionError(label + " is not on the frame");
  }

  /** Whether the middle of the truth lies in the box. */
  private static boolean overlaps(JsonNode box, int[] truth) {
    int x = (truth[0] + truth[2]) / 2;
    int y = (truth[1] + truth[3]) / 2;
    return x > box.get(0).asInt()
        && x < box.get(2).asInt()
        && y > box.get(1).asInt()
        && y < box.get(3).asInt();
  }

  @Test
  void aDeadLetterIsRedriven() throws Exception {
    Path late = frames.resolve("late.jpg");
    publish("late camera", late);
    view("dead-letters");
    browser().see(".reasons li", "NOT_FOUND");
    String letter = browser().see(".letters li", "late camera");
    assertThat(letter).contains("attempt 1").contains("late.jpg");
    Files.copy(FRAME, late); // its cause is mended
    browser().click(".letters li button");
    browser().see(".letters .good", "redriven");
    view("camera/" + encoded("late camera"));
    browser().see(".object.match", KNOWN);
  }

  @Test
  void aProductIsAddedWithACropFoundRenamedAndRemovedUnlessItIsTakenBack() throws Exception {
    String name = "Grüner Tee 绿茶 «Été»";
    view("add");
    browser().choose(".drop input", FRAME);
    browser().see(".cropping canvas");
    int[] box = truth(UNKNOWN);
    for (int i = 0; i < 4; i++) {
      browser().type("fieldset input:nth-of-type(" + (i + 1) + ")", Integer.toString(box[i]));
    }
    browser().type("input[name=label]", name);
    browser().type("input[name=productId]", "tea");
    browser().type("input[name=gtin]", "4006381333931");
    browser().click(".edit button.main");
    browser().see(".steps", "SEARCHABLE");

    view("gallery");
    browser().type("input[type=search]", "绿茶");
    browser().see(".summary", "1 product found");
    assertThat(browser().see(".row", name)).contains("04006381333931").contains("1 photo");
    browser().click(".row");
    browser().see(".photos li");
    browser().type("input[name=label]", name + " neu");
    browser().click(".edit button.main");
    browser().see("#messages", "Saved");
    assertThat(get("/api/gallery?product=tea").get("photos").get(0).get("label").asText())
        .isEqualTo(name + " neu");

    browser().click(".photos button");
    browser().see(".message", "removed in 8 seconds");
    browser().goes(".photos li");
    browser().click(".message button");
    browser().see(".photos li");
    assertThat(get("/api/gallery?product=tea").get("total").asInt()).isEqualTo(1);
    browser().click("button.danger");
    browser().see("h1", "Gallery");
    browser()
        .until(
            "it is removed",
            () -> {
              try {
                return get("/api/gallery?product=tea").get("total").asInt() == 0;
              } catch (Exception e) {
                throw new AssertionError(e);
              }
            });
  }

  @Test
  void aLostConnectionSaysSoAndComesBack() {
    view("cameras");
    browser().see(".summary");
    browser().offline(true);
    browser().see("#banner.lost", "Connection lost");
    browser().offline(false);
    browser().goes("#banner.lost");
  }

  @Test
  void aServiceThatIsNotReadySaysWhy() {
    view("cameras");
    browser().see(".summary");
    // What /health/ready answers while a part is built anew.
    browser()
        .run(
            """
            const asked = window.fetch;
            window.fetch = (path, options) => path !== '/health/ready' ? asked(path, options)
              : Promise.resolve(new Response(JSON.stringify({status: 'down', state: 'REBUILDING',
                  reason: 'a part of it is', readings: [],
                  parts: [{name: 'The gallery', state: 'REBUILDING', reason: 'its topic was deleted'}]}),
                {status: 503}));
            """);
    assertThat(browser().see("#banner.bad", "Not ready (rebuilding)"))
        .contains("a part of it is")
        .contains("The gallery: its topic was deleted");
    view("cameras");
    browser().see(".summary");
    browser().goes("#banner.bad");
  }

  @Test
  void aListOfTenThousandHasFewRowsAndReachesItsEnd() {
    view("cameras");
    Object rows =
        browser()
            .await(
                """
                const done = arguments[0];
                Promise.all([import('/page/virtual-list.js'), import('/page/dom.js')]).then(async ([{VirtualList}, {h}]) => {
                  let asked = 0;
                  const list = new VirtualList({height: 76, label: 'Many', failed: done,
                    fetchPage: async (offset, limit) => {
                      asked++;
                      return {total: 10000, items: Array.from({length: limit}, (_, i) => 'product ' + (offset + i))};
                    },
                    row: (text) => h('a', {href: '#'}, text)});
                  document.getElementById('main').append(list.element);
                  await list.reload();
                  const first = list.space.children.length;
                  list.element.scrollTop = 5000 * 76;
                  await new Promise((resolve) => setTimeout(resolve, 300));
                  const middle = list.space.textContent.includes('product 5003');
                  list.element.scrollTop = 10000 * 76;
                  await new Promise((resolve) => setTimeout(resolve, 300));
                  done([first, middle, list.space.lastChild.textContent, list.space.children.length, asked]);
                  list.close();
                });
                """);
    List<?> seen = (List<?>) Objects.requireNonNull(rows);
    assertThat(((Number) Objects.requireNonNull(seen.get(0))).intValue()).isBetween(5, 40);
    assertThat(seen.get(1)).isEqualTo(true);
    assertThat(seen.get(2)).isEqualTo("product 9999");
    assertThat(((Number) Objects.requireNonNull(seen.get(3))).intValue()).isBetween(5, 40);
    assertThat(((Number) Objects.requireNonNull(seen.get(4))).intValue()).isLessThan(8);
  }

  @Test
  void aTokenIsAskedForWhereOneIsNeeded() throws Exception {
    String token = "secret-of-some-length";
    Map<String, String> settings =
        Map.of(
            "models.dir", "src/test/resources/models/colour",
            "models.threads", "1",
            "http.port", "0",
            "http.host", "0.0.0.0",
            "http.token", token);
    try (LocalService service =
        LocalService.start(
            ShelfStreamConfig.loadWithModels(null, settings),
            new LocalService.Source(Optional.empty(), Optional.empty(), Optional.empty()))) {
      browser().open("http://127.0.0.1:" + service.httpPort() + "/#/gallery");
      browser().see("dialog.token", "asks for a token");
      assertThat(browser().faults()).isEmpty();
      browser().type("dialog input", "wrong");
      browser().click("dialog button");
      browser().see("dialog.token", "does not accept");
      browser().type("dialog input", token);
      browser().click("dialog button");
      browser().see(".summary", "0 products");
      browser().goes("dialog");
      // Once: another view, and the page loaded again, ask no more.
      browser().open("http://127.0.0.1:" + service.httpPort() + "/#/dead-letters");
      browser().see(".summary", "no topics");
      browser().goes("dialog");
    }
  }

  @Test
  void labelsOfThreeHundredObjectsCoverNoneAnother() {
    view("cameras");
    Object covered =
        browser()
            .await(
                """
                const done = arguments[0];
                import('/page/labels.js').then(({place}) => {
                  let seed = 1;
                  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
                  const boxes = Array.from({length: 300}, () => ({
                    x: random() * 1200, y: random() * 680, w: 20 + random() * 120, h: 20 + random() * 120,
                    text: '✓ Crème brûlée 0.83', end: ' 0.83', short: '✓'}));
                  const begun = performance.now();
                  const labels = place(boxes, (text) => text.length * 7, {w: 1280, h: 720}, 18).filter(Boolean);
                  const pairs = labels.flatMap((a, i) => labels.slice(i + 1).filter((b) =>
                    a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h));
                  const outside = labels.filter((a) => a.x < 0 || a.y < 0 || a.x + a.w > 1280 || a.y + a.h > 720);
                  done([labels.length, pairs.length, outside.length, performance.now() - begun]);
                });
                """);
    List<?> counts = (List<?>) Objects.requireNonNull(covered);
    assertThat(((Number) Objects.requireNonNull(counts.get(0))).intValue()).isGreaterThan(100);
    assertThat(counts.get(1)).isEqualTo(0L);
    assertThat(counts.get(2)).isEqualTo(0L);
    assertThat(((Number) Objects.requireNonNull(counts.get(3))).doubleValue()).isLessThan(1000);
  }

  @Test
  void nothingIsInlineAndNoRequestLeavesTheHost() throws Exception {
    HttpResponse<String> page =
        client.send(HttpRequest.newBuilder(URI.create(url + "/")).build(), BodyHandlers.ofString());
    assertThat(page.headers().firstValue("Content-Security-Policy").orElse(""))
        .contains("default-src 'none'", "script-src 'self'", "style-src 'self'")
        .doesNotContain("unsafe");
    assertThat(page.body()).doesNotContain("style=").doesNotContain("onclick");
    String etag = page.headers().firstValue("ETag").orElseThrow();
    assertThat(
            client
                .send(
                    HttpRequest.newBuilder(URI.create(url + "/"))
                        .header("If-None-Match", etag)
                        .build(),
                    BodyHandlers.discarding())
                .statusCode())
        .isEqualTo(304);
    browser().log("performance");
    browser().log("browser");
    publish("Kasse", FRAME);
    for (String view : List.of("cameras", "camera/Kasse", "gallery", "unknown", "health")) {
      view(view);
      browser().see("h1");
      browser().see(view.equals("cameras") ? ".tile[data-event]" : "main > *:nth-child(2)");
    }
    List<String> asked = new ArrayList<>();
    for (String entry : browser().log("performance")) {
      JsonNode message = json.readTree(entry).get("message");
      if (message.get("method").asText().equals("Network.requestWillBeSent")) {
        asked.add(message.at("/params/request/url").asText());
      }
    }
    assertThat(asked).hasSizeGreaterThan(30);
    assertThat(asked)
        .allMatch(
            one ->
                one.startsWith(url + "/")
                    || one.startsWith("blob:" + url)
                    || one.equals("about:blank"));
    assertThat(browser().log("browser")).noneMatch(line -> line.contains("Security Policy"));
    // A script that somebody brought in does not run.
    browser()
        .run(
            "const script = document.createElement('script'); try { script.textContent = 'window.broughtIn = 1'; document.head.append(script); } catch (refused) {}");
    assertThat(browser().run("return window.broughtIn ?? null")).isNull();
  }

  @Test
  void noScreenHasASeriousFaultAtAnyWidthInAnyColours() throws Exception {
    String photo = Base64.getEncoder().encodeToString(Files.readAllBytes(FRAME));
    publish("Storeroom", "record", "data:image/jpeg;base64," + photo);
    for (int i : List.of(2, 3, 8, 20, 25)) {
      publish("Shelf " + i, DEMO.resolve("frames/rendered/%03d.jpg".formatted(i)));
    }
    publish("Checkout", DEMO.resolve("frames/real-photos/God-Morgon-Orange-Juice_001.jpg"));
    publish("Entrance", frames.resolve("gone.jpg"));
    view("cameras");
    browser().see(".tile .problem", "the frame travelled in its record");
    browser()
        .until(
            "all pictures are there",
            () ->
                Boolean.TRUE.equals(
                    browser()
                        .run("return document.querySelectorAll('.tile[data-event]').length >= 6")));
    List<String> faults = new ArrayList<>();
    String docs = System.getProperty("page.docs");
    Path pictures = Path.of(System.getProperty("page.pictures", "target/page"));
    try {
      for (int width : List.of(1280, 390)) {
        browser().size(width);
        for (String colours : List.of("light", "dark")) {
          browser().theme(colours);
          for (Map.Entry<String, String> screen : screens().entrySet()) {
            view(screen.getKey());
            browser().see(screen.getValue());
            prepare(screen.getKey());
            String name =
                "%s-%d-%s".formatted(screen.getKey().replaceAll("/.*", ""), width, colours);
            browser().faults().forEach(fault -> faults.add(name + ": " + fault));
            assertThat(
                    browser()
                        .run(
                            "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"))
                .as(name + " is no wider than its window")
                .isEqualTo(true);
            browser().picture(pictures.resolve(name + ".png"));
            if (docs != null && DOCUMENTED.containsKey(name)) {
              Path jpeg = Path.of(docs).resolve(DOCUMENTED.get(name));
              Files.createDirectories(jpeg.getParent());
              BufferedImage seen = ImageIO.read(pictures.resolve(name + ".png").toFile());
              BufferedImage opaque =
                  new BufferedImage(seen.getWidth(), seen.getHeight(), BufferedImage.TYPE_INT_RGB);
              opaque.getGraphics().drawImage(seen, 0, 0, null);
              ImageIO.write(opaque, "jpeg", jpeg.toFile());
            }
          }
        }
      }
    } finally {
      browser().size(1280);
      browser().theme("light");
    }
    assertThat(faults).isEmpty();
  }

  /** Each view, and what is there when it is complete. */
  private static Map<String, String> screens() {
    Map<String, String> screens = new LinkedHashMap<>();
    screens.put("cameras", ".tile[data-event] canvas");
    screens.put("camera/Shelf%202", ".strip img[src]");
    screens.put("gallery", ".row img[src]");
    screens.put("product/" + KNOWN, ".photos img[src]");
    screens.put("add", ".drop");
    screens.put("unknown", ".crops img[src]");
    screens.put("picture", ".drop");
    screens.put("dead-letters", ".letters li");
    screens.put("health", ".chart polyline[points*=',']");
    return screens;
  }

  /** Shows more than an empty form. */
  private void prepare(String screen) {
    switch (screen) {
      case "add" -> {
        browser().choose(".drop input", FRAME);
        browser().see(".cropping canvas");
      }
      case "picture" -> {
        browser().choose(".drop input", FRAME);
        browser().see(".object");
        browser().click(".object.match");
        browser().see(".candidates img[src]");
      }
      case "camera/Shelf%202" -> {
        browser().click(".object.match");
        browser().see(".candidates img[src]");
      }
      default -> {}
    }
  }
}
