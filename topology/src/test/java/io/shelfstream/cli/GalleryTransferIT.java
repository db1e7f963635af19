package io.shelfstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.client.VectorFile;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.paddleclas.IndexDirectory;
import io.shelfstream.topology.RecognitionService;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import javax.management.ObjectName;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * A gallery into files and back, through a service that runs on the topics of the default names;
 * other tests on the broker have names of their own.
 */
@ExtendWith(SharedBroker.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GalleryTransferIT {

  @TempDir static Path folder;
  private RecognitionService service;
  private Path settings;
  private String out = "";
  private String err = "";

  @BeforeAll
  void start(EmbeddedBroker broker) throws Exception {
    settings =
        Files.writeString(
            folder.resolve("my.properties"),
            String.join(
                "\n",
                "kafka.bootstrap.servers = " + broker.bootstrapServers(),
                "state.dir = " + folder.resolve("state"),
                "models.dir = src/test/resources/models/colour",
                "models.threads = 1",
                "index.snapshot.dir = " + folder.resolve("snapshots"),
                "index.snapshot.interval = 1s",
                "images.allowed.roots = " + folder));
    service = RecognitionService.start(ShelfStreamConfig.loadWithModels(settings, Map.of()));
  }

  @AfterAll
  void stop() {
    service.close();
  }

  private int gallery(String... arguments) {
    List<String> all = new ArrayList<>(List.of("gallery", arguments[0], "-c", "" + settings));
    all.addAll(Arrays.asList(arguments).subList(1, arguments.length));
    CommandRun run = CommandRun.of(all.toArray(String[]::new));
    out = run.out();
    err = run.err();
    return run.code();
  }

  private static void photo(String name, Color colour) throws Exception {
    BufferedImage image = new BufferedImage(64, 48, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 64 * 48; i++) {
      image.setRGB(i % 64, i / 64, colour.getRGB());
    }
    ImageIO.write(image, "png", folder.resolve(name).toFile());
  }

  @Test
  void aGalleryComesBackAsItWasAndImportingItAgainChangesNothing() throws Exception {
    photo("red.png", Color.RED);
    photo("blue.png", Color.BLUE);
    photo("green.png", Color.GREEN);
    Path list =
        Files.writeString(
            folder.resolve("list.txt"), "red.png\tRed\nblue.png\tDeep Blue\ngreen.png\tGreen\n");

    assertThat(gallery("import", "" + list)).as(err).isZero();
    assertThat(out).contains("applied 3", "searchable after p50", "unchanged 0");
    assertThat(gallery("import", "" + list)).as(err).isZero();
    assertThat(out).contains("applied 0", "unchanged 3");

    Path file = folder.resolve("gallery.avro");
    assertThat(gallery("export", "" + file)).as(err).isZero();
    assertThat(out).contains("exported 3 photos");
    assertThat(gallery("remove", "red.png", "green.png")).as(err).isZero();
    assertThat(service.gallery().state().size()).isEqualTo(1);
    assertThat(gallery("import", "" + file)).as(err).isZero();
    assertThat(out).contains("applied 2", "unchanged 1");
    assertThat(service.gallery().state().size()).isEqualTo(3);
    long version = service.gallery().state().version();
    assertThat(gallery("import", "" + file)).as(err).isZero();
    assertThat(out).contains("applied 0", "unchanged 3");
    assertThat(service.gallery().state().version()).isEqualTo(version);

    Path again = folder.resolve("again.avro");
    assertThat(gallery("export", "" + again)).isZero();
    assertThat(read(again)).isEqualTo(read(file));

    assertThat(gallery("export", "" + folder.resolve("index"), "--format", "index")).isZero();
    try (IndexDirectory index = IndexDirectory.open(folder.resolve("index"))) {
      assertThat(index.state().size()).isEqualTo(3);
      var red = read(file).get(2);
      assertThat(red.getGalleryImageId()).isEqualTo("red.png");
      var hit =
          index
              .search(List.of(io.shelfstream.gallery.Embeddings.decode(red.getEmbedding())), 1)
              .hits()
              .get(0)
              .get(0);
      assertThat(hit.entry().galleryImageId()).isEqualTo("red.png");
      assertThat(hit.entry().label()).isEqualTo("Red");
    }
    String extractor = read(file).get(0).getExtractor();
    String[] importIndex = {"import", "" + folder.resolve("index"), "--extractor", extractor};
    assertThat(gallery("remove", "red.png", "green.png")).as(err).isZero();
    assertThat(gallery(importIndex)).as(err).isZero();
    assertThat(out).contains("applied 2", "searchable after p50", "unchanged 1");
    assertThat(service.gallery().state().size()).isEqualTo(3);
    assertThat(gallery(importIndex)).as(err).isZero();
    assertThat(out).contains("applied 0", "unchanged 3");
    assertThat(gallery("export", "" + again)).isZero();
    for (int i = 0; i < 3; i++) {
      assertThat(read(again).get(i).getEmbedding()).isEqualTo(read(file).get(i).getEmbedding());
      assertThat(read(again).get(i).getLabel()).isEqualTo(read(file).get(i).getLabel());
    }
    assertThat(gallery("export", "" + folder.resolve("out.tsv"))).isZero();
    assertThat(Files.readAllLines(folder.resolve("out.tsv")))
        .containsExactlyInAnyOrder("blue.png\tDeep Blue", "green.png\tGreen", "red.png\tRed");
  }

  @Test
  void refusesForeignVectorsAfterTheFirstAndBrokenFiles() throws Exception {
    photo("one.png", Color.ORANGE);
    assertThat(gallery("add", "--product", "one", "" + folder.resolve("one.png"))).isZero();
    Path file = folder.resolve("mine.avro");
    assertThat(gallery("export", "" + file)).isZero();
    String extractor = read(file).get(0).getExtractor();
    Path foreign = folder.resolve("foreign.avro");
    GalleryVector one = read(file).get(0);
    try (VectorFile.Writer writer = new VectorFile.Writer(foreign, 3)) {
      for (int i = 0; i < 3; i++) {
        writer.add(
            GalleryVector.newBuilder(one)
                .setGalleryImageId("foreign-" + i)
                .setExtractor("other@123456789abc")
                .build());
      }
      writer.finish();
    }

    assertThat(gallery("import", "" + foreign)).isEqualTo(1);
    assertThat(out)
        .contains("rejected 1 {FOREIGN_EXTRACTOR=1}", "other@123456789abc", extractor, "stopped");

    byte[] whole = Files.readAllBytes(foreign);
    Path cut = Files.write(folder.resolve("cut.avro"), Arrays.copyOf(whole, whole.length - 40));
    assertThat(gallery("import", "" + cut)).isEqualTo(1);
    assertThat(err).contains("Cannot read " + cut);

    assertThat(gallery("import", "" + folder)).isEqualTo(1);
    assertThat(err).contains("cannot open index directory", "vector.index is missing");
    Path index = folder.resolve("of-one");
    assertThat(gallery("export", "" + index, "--format", "index")).as(err).isZero();
    assertThat(gallery("import", "" + index)).as(err).isZero(); // it says what made its vectors
    assertThat(out).contains("unchanged 1");
    assertThat(gallery("import", "" + index, "--extractor", "other@123456789abc")).isEqualTo(2);
    assertThat(err).contains("says that " + extractor + " made its vectors");
    Files.delete(index.resolve("index.properties")); // as PaddleClas leaves it
    assertThat(gallery("import", "" + index)).isEqualTo(2);
    assertThat(err).contains("name it with --extractor");
    assertThat(gallery("import", "" + file, "--extractor", extractor)).isEqualTo(2);
    assertThat(err).contains("--extractor is for a folder");
    assertThat(gallery("export", "" + folder.resolve("what"))).isEqualTo(2);
    assertThat(err).contains("add --format");
    assertThat(gallery("remove", "--product", "one")).as(err).isZero();
  }

  private static Object figure(String name) throws Exception {
    return ManagementFactory.getPlatformMBeanServer()
        .getAttribute(
            new ObjectName("io.shelfstream:type=gallery,topic=shelf.gallery.vectors"), name);
  }

  @Test
  void showsTheGallerysFiguresOverJmx() throws Exception {
    photo("cyan.png", Color.CYAN);
    String[] add = {"add", "--product", "cyan", "" + folder.resolve("cyan.png")};
    long version = (long) figure("Version");
    int photos = (int) figure("Photos");
    assertThat(gallery(add)).as(err).isZero();

    assertThat(figure("Photos")).isEqualTo(photos + 1);
    assertThat((long) figure("Version")).isGreaterThan(version);
    assertThat(figure("CaughtUp")).isEqualTo(true);
    assertThat(figure("IndexType")).isEqualTo("Flat");
    assertThat(figure("Recall")).isEqualTo(1.0);
    assertThat((int) figure("Segments")).isPositive();
    assertThat(figure("DeviceBytes")).isEqualTo(0L);
    int dead = (int) figure("DeadVectors");
    long end = System.nanoTime() + 30_000_000_000L;
    while (Double.isNaN((double) figure("LastSnapshotMillis")) && System.nanoTime() < end) {
      Thread.sleep(20);
    }
    assertThat((double) figure("LastSnapshotMillis")).isPositive();
    assertThat((double) figure("SnapshotAgeSeconds")).isBetween(0.0, 30.0);

    assertThat(gallery("remove", "--product", "cyan")).as(err).isZero();
    assertThat(figure("Photos")).isEqualTo(photos);
    assertThat(figure("DeadVectors")).isEqualTo(dead + 1);
  }

  @Test
  void photosOfOneNameInSeveralFoldersStaySeveral() throws Exception {
    List<String> add = new ArrayList<>(List.of("add", "--product", "same"));
    for (Color colour : List.of(Color.PINK, Color.GRAY, Color.BLACK)) {
      String name = Integer.toHexString(colour.getRGB()) + "/1.png";
      Files.createDirectories(folder.resolve(name).getParent());
      photo(name, colour);
      add.add("" + folder.resolve(name));
    }
    int before = service.gallery().state().size();
    assertThat(gallery(add.toArray(String[]::new))).as(err).isZero();
    assertThat(out).contains("applied 3");
    assertThat(gallery(add.toArray(String[]::new))).as(err).isZero();
    assertThat(service.gallery().state().size()).isEqualTo(before + 3);

    Path folders = folder.resolve("products");
    for (String product : List.of("Crème", "可口可乐")) {
      Files.createDirectories(folders.resolve(product));
      photo("products/" + product + "/1.png", Color.MAGENTA);
    }
    assertThat(gallery("add", "" + folders)).as(err).isZero();
    assertThat(out).contains("applied 2");
    assertThat(gallery("list")).isZero();
    assertThat(out.lines().filter(l -> l.endsWith("/1.png\tCrème\tCrème\t"))).hasSize(1);
    photo("products/loose.png", Color.BLACK);
    assertThat(gallery("add", "" + folders)).isEqualTo(2);
    assertThat(err).contains("loose.png", "in the folder of its product");

    assertThat(gallery("add", "--product", "tab", "--label", "Cola\t330 ml", add.get(3))).isZero();
    assertThat(gallery("list")).isZero();
    assertThat(out).contains("\ttab\tCola\\t330 ml\t\n");
    Path list = folder.resolve("refused.tsv");
    assertThat(gallery("export", "" + list)).isEqualTo(1);
    assertThat(err).contains("label 'Cola\\t330 ml' refused", "export as avro");
    assertThat(list).doesNotExist();
    assertThat(
            gallery(
                "remove",
                "--product",
                "same",
                "--product",
                "tab",
                "--product",
                "Crème",
                "--product",
                "可口可乐"))
        .isZero();
  }

  private static List<GalleryVector> read(Path file) throws Exception {
    List<GalleryVector> all = new ArrayList<>();
    try (VectorFile.Reader reader = new VectorFile.Reader(file)) {
      // Where it came from differs; what it says does not.
      reader.forEachRemaining(v -> all.add(GalleryVector.newBuilder(v).setSourceOffset(0).build()));
    }
    all.sort(java.util.Comparator.comparing(GalleryVector::getGalleryImageId));
    return all;
  }
}
