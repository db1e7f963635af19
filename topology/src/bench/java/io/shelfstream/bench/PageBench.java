package io.shelfstream.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shelfstream.client.GalleryFile;
import io.shelfstream.client.GalleryPublisher;
import io.shelfstream.client.GivenPhoto;
import io.shelfstream.client.ImageFiles;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryUpdate;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Main class of {@code deploy/bench page}: frames a second of the service with five open pages and
 * without, in turns. What the pages ask for is what the wall of cameras asks for.
 */
final class PageBench {
  private static final int CAMERAS = 32;
  private static final double EVERY_CAMERA = 2; // frames a second
  private static final int PAGES = 5;
  private static final int WORKERS = 2;
  private static final int WARM_UP_SECONDS = 40;

  private final Results results;
  private final int rounds;
  private final int seconds;
  private final Path home = Path.of(System.getProperty("shelfstream.home"));
  private final Path target = Path.of(System.getProperty("bench.target"));
  private final AtomicLong pictures = new AtomicLong();

  private PageBench(boolean quick, Results results) {
    this.results = results;
    this.rounds = quick ? 3 : 8;
    this.seconds = quick ? 12 : 20;
  }

  public static void main(String[] arguments) throws Exception {
    Results results = new Results("page");
    PageBench bench = new PageBench(List.of(arguments).contains("--quick"), results);
    Files.createDirectories(bench.target);
    bench.run();
    System.exit(results.finish(bench.target.resolve("page.json")));
  }

  private void run() throws Exception {
    Path data = Files.createTempDirectory(target, "page-");
    try (Program broker = Program.broker(data, target.resolve("page-broker.log"))) {
      Map<String, String> settings = new LinkedHashMap<>();
      settings.put("kafka.bootstrap.servers", broker.line());
      settings.put("state.dir", data.resolve("state").toString());
      settings.put("models.dir", home.resolve("models/bundled").toString());
      settings.put("models.threads", Integer.toString(WORKERS));
      settings.put("http.port", "0");
      settings.put("images.allowed.roots", home.resolve("demo-data").toString());
      List<String> java =
          List.of(
              Path.of(System.getProperty("java.home"), "bin", "java").toString(),
              "-Xmx1g",
              "--add-opens=java.base/java.nio=ALL-UNNAMED",
              "-Dshelfstream.home=" + home,
              "-cp",
              System.getProperty("java.class.path"));
      try (KafkaPipeline service = new KafkaPipeline(java, settings, List.of(), data)) {
        fill(ShelfStreamConfig.loadWithModels(null, settings));
        measure(service, port(data.resolve("service.log")));
      } finally {
        Files.copy(
            data.resolve("service.log"),
            target.resolve("page-service.log"),
            StandardCopyOption.REPLACE_EXISTING);
      }
    } finally {
      Folders.delete(data);
    }
  }

  private void fill(ShelfStreamConfig config) throws Exception {
    Map<String, @Nullable GalleryUpdate> photos = new LinkedHashMap<>();
    for (GivenPhoto photo :
        GalleryFile.read(home.resolve("demo-data/gallery.tsv"), null).photos()) {
      photos.put(
          photo.id(),
          GalleryUpdate.newBuilder()
              .setGalleryImageId(photo.id())
              .setProductId(photo.label())
              .setLabel(photo.label())
              .setUri(photo.file().toUri().toString())
              .build());
    }
    new GalleryPublisher(config, Duration.ofMinutes(2)).publishAndWait(photos);
  }

  private static int port(Path log) throws IOException {
    Matcher said = Pattern.compile("HTTP at http://[^:]+:(\\d+)/").matcher(Files.readString(log));
    if (!said.find()) {
      throw new IllegalStateException("The service did not say its port; see " + log);
    }
    return Integer.parseInt(said.group(1));
  }

  private void measure(KafkaPipeline service, int port) throws Exception {
    List<Path> frames = ImageFiles.below(home.resolve("demo-data/frames"));
    double pause = 1000 / (CAMERAS * EVERY_CAMERA);
    service.run(frames, 100, CAMERAS, pause); // compiles
    double rate = perSecond(service.run(frames, 100, CAMERAS, pause));
    int counted = (int) Math.max(50, rate * seconds);
    // A service that runs for days has compiled what pages ask for, too.
    run(service, frames, (int) (rate * WARM_UP_SECONDS), pause, port);
    pictures.set(0);
    List<Double> ratios = new ArrayList<>();
    List<Double> cpu = new ArrayList<>();
    List<Double> without = new ArrayList<>();
    double shown = 0;
    for (int round = 0; round < rounds; round++) {
      // Which comes first changes, so that a machine that becomes slower counts for both.
      boolean pagesFirst = round % 2 == 1;
      KafkaPipeline.Run first = run(service, frames, counted, pause, pagesFirst ? port : 0);
      KafkaPipeline.Run second = run(service, frames, counted, pause, pagesFirst ? 0 : port);
      KafkaPipeline.Run looked = pagesFirst ? first : second;
      KafkaPipeline.Run alone = pagesFirst ? second : first;
      ratios.add(perSecond(looked) / perSecond(alone));
      cpu.add(looked.cpuSeconds() / alone.cpuSeconds());
      without.add(perSecond(alone));
      shown += looked.seconds();
      System.out.printf(
          "round %d: %.1f frames/s without, %.1f with pages%n",
          round + 1, perSecond(alone), perSecond(looked));
    }
    results.note("page", "frames/s without pages, median", median(without));
    results.note("page", "pictures/s that the pages got, all together", pictures.get() / shown);
    results.note("page", "CPU time of the service, with / without, median", median(cpu));
    results.atLeast("page", "frames/s with five pages / without, median", median(ratios), 0.95);
  }

  private KafkaPipeline.Run run(
      KafkaPipeline service, List<Path> frames, int counted, double pause, int port)
      throws Exception {
    List<Page> pages = new ArrayList<>();
    for (int i = 0; port != 0 && i < PAGES; i++) {
      pages.add(new Page(port));
    }
    try {
      return service.run(frames, Steady.frames(counted, WORKERS), CAMERAS, pause);
    } finally {
      for (Page page : pages) {
        page.close();
      }
    }
  }

  private static double perSecond(KafkaPipeline.Run run) {
    return Steady.perSecond(run.done(), WORKERS);
  }

  private static double median(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }

  /** Asks as an open wall of cameras does: for the cameras every second, and for new pictures. */
  private final class Page implements AutoCloseable {
    private final HttpClient client = HttpClient.newHttpClient();
    private final ObjectMapper json = new ObjectMapper();
    private final Thread thread = new Thread(this::look, "page");
    private final String url;
    private volatile boolean closed;
    private volatile @Nullable IOException failure;

    Page(int port) {
      this.url = "http://127.0.0.1:" + port;
      thread.setDaemon(true);
      thread.start();
    }

    private void look() {
      long since = 0;
      try {
        for (int i = 0; !closed; i++) {
          JsonNode now = json.readTree(get("/api/cameras?since=" + since));
          since = now.get("change").asLong();
          for (JsonNode camera : now.get("cameras")) {
            if (camera.has("picture") && camera.get("picture").has("objects")) {
              get(camera.get("picture").get("path").asText());
              pictures.incrementAndGet();
            }
          }
          if (i % 2 == 0) {
            get("/health/ready");
          }
          Thread.sleep(1000);
        }
      } catch (IOException e) {
        failure = e;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    private byte[] get(String path) throws IOException, InterruptedException {
      HttpResponse<byte[]> answer =
          client.send(
              HttpRequest.newBuilder(URI.create(url + path)).build(), BodyHandlers.ofByteArray());
      if (answer.statusCode() != 200) {
        throw new IOException(path + " is answered by " + answer.statusCode());
      }
      return answer.body();
    }

    @Override
    public void close() throws IOException, InterruptedException {
      closed = true;
      thread.join(5000);
      if (failure != null) {
        throw new IOException("a page saw nothing any more: " + failure, failure);
      }
    }
  }
}
