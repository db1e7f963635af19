package io.shelfstream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.paddleclas.EmbeddingJournal;
import io.shelfstream.gallery.paddleclas.IndexDirectory;
import io.shelfstream.gallery.paddleclas.IndexDirectoryWriter;
import io.shelfstream.model.ModelDirectory;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An index in a folder, built and changed by the commands, without a broker. */
class GalleryIndexingTest {
  private static final String MODELS = "src/test/resources/models/colour";

  @TempDir Path folder;
  private Path index;
  private String out = "";
  private String err = "";

  @BeforeEach
  void place() {
    index = folder.resolve("index");
  }

  private int run(String... arguments) {
    CommandRun run = CommandRun.of(arguments);
    out = run.out();
    err = run.err();
    return run.code();
  }

  private int gallery(String verb, Object... arguments) {
    List<String> all = new ArrayList<>(List.of("gallery", verb, "--index-dir", "" + index));
    boolean embeds = verb.equals("build") || verb.equals("append");
    if (embeds && !Arrays.asList(arguments).contains("--models")) {
      all.addAll(List.of("--models", MODELS));
    }
    Arrays.stream(arguments).map(String::valueOf).forEach(all::add);
    return run(all.toArray(String[]::new));
  }

  private Path photo(String name, Color colour) throws IOException {
    BufferedImage image = new BufferedImage(64, 48, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 64 * 48; i++) {
      image.setRGB(i % 64, i / 64, colour.getRGB());
    }
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    ImageIO.write(image, "png", file.toFile());
    return file;
  }

  private Map<String, String> labels() {
    Map<String, String> labels = new TreeMap<>();
    try (IndexDirectory opened = IndexDirectory.open(index)) {
      for (GalleryEntry photo : opened.entries()) {
        labels.put(photo.galleryImageId(), photo.label());
      }
    }
    return labels;
  }

  private List<String> ids() throws IOException {
    return Files.readAllLines(index.resolve("id_map.txt"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"HNSW32", "Flat", "IVF"})
  void aFolderForEachProductBecomesAnIndexThatRecognises(String type) throws Exception {
    photo("photos/Oat Milk/front/1.png", Color.RED);
    photo("photos/Oat Milk/2.png", new Color(250, 10, 10));
    photo("photos/Tea/1.png", Color.BLUE);

    assertThat(gallery("build", "--index-type", type, folder.resolve("photos"))).as(err).isZero();

    assertThat(out).contains("added 3, unchanged 0, rejected 0", "now has 3 photos");
    assertThat(ids()).containsExactly("0 Oat Milk", "1 Oat Milk", "2 Tea");
    assertThat(labels())
        .isEqualTo(
            Map.of(
                "Oat Milk/2.png", "Oat Milk",
                "Oat Milk/front/1.png", "Oat Milk",
                "Tea/1.png", "Tea"));
    Path query = photo("query.png", new Color(252, 5, 5));
    String[] recognize = {
      "recognize", "--models", MODELS, "--index-dir", "" + index, "--format", "shitu", "" + query
    };
    assertThat(run(recognize)).as(err).isZero();
    assertThat(out).contains("'rec_docs': 'Oat Milk'");
    List<String> cut = new ArrayList<>(Arrays.asList(recognize));
    cut.addAll(List.of("--profile", "pp-shitu"));
    assertThat(run(cut.toArray(String[]::new))).as(err).isZero();
    assertThat(out).contains("'rec_docs': 'Oat'");

    assertThat(gallery("list")).as(err).isZero();
    assertThat(out).contains("Oat Milk/2.png\tOat Milk\tOat Milk\t\n");
    assertThat(err).contains("extractor colour@", "3 photos of 2 products");
  }

  @Test
  void aListIsAppendedToAndOnlyWhatIsNewIsAdded() throws Exception {
    photo("a.png", Color.RED);
    photo("b.png", Color.BLUE);
    photo("c.png", Color.GREEN);
    Path list = Files.writeString(folder.resolve("list.txt"), "a.png\tRed Apple\nb.png\tBlue\n");
    assertThat(gallery("build", list)).as(err).isZero();
    Files.writeString(list, "a.png\tRed Apple\nb.png\tBlue\nc.png\tGreen\n");

    assertThat(gallery("append", list)).as(err).isZero();
    assertThat(out).contains("added 1, unchanged 2, rejected 0", "now has 3 photos");
    assertThat(err).doesNotContain("warning");
    assertThat(ids()).containsExactly("0 Red Apple", "1 Blue", "2 Green");
    assertThat(gallery("append", list)).as(err).isZero();
    assertThat(out).contains("added 0, unchanged 3", "as it was");

    Files.writeString(list, "a.png\tRose\n");
    assertThat(gallery("append", list)).isOne();
    assertThat(err).contains("a.png: OTHER_LABEL: it is in the index as 'Red Apple'");
    assertThat(ids()).containsExactly("0 Red Apple", "1 Blue", "2 Green");

    assertThat(gallery("remove", "c.png")).as(err).isZero();
    assertThat(out).contains("removed 1", "now has 2 photos");
    Files.writeString(list, "c.png\tGreen\n");
    assertThat(gallery("append", list)).as(err).isZero();
    assertThat(ids()).containsExactly("0 Red Apple", "1 Blue", "3 Green");
  }

  @Test
  void removesByLinesProductsAndNames() throws Exception {
    for (String name : List.of("a", "b", "c", "d", "e", "f")) {
      photo(name + ".png", new Color(10 + name.charAt(0), 40, 2 * name.charAt(0)));
    }
    Path list =
        Files.writeString(
            folder.resolve("list.txt"),
            "a.png\tX\nb.png\tX\nc.png\tY y\nd.png\tY y\ne.png\tZ\nf.png\tZ\n");
    assertThat(gallery("build", list)).as(err).isZero();
    Path some = Files.writeString(folder.resolve("some.txt"), "a.png\tX\nb.png\tOther\n");

    assertThat(gallery("remove", "--file", some, "--product", "Y y", "e.png", "none.png")).isOne();

    assertThat(out).contains("removed 4", "now has 2 photos");
    assertThat(err)
        .contains("photo 'none.png' is not in the index", "'b.png' with 'Other'")
        .doesNotContain("'a.png'");
    assertThat(labels()).isEqualTo(Map.of("b.png", "X", "f.png", "Z"));
    assertThat(gallery("remove", "none.png")).isOne();
    assertThat(out).contains("removed 0", "as it was");
    assertThat(gallery("remove")).isEqualTo(2);
    assertThat(run("gallery", "remove", "--file", "" + some)).isEqualTo(2);
    assertThat(err).contains("--index-dir");
  }

  @Test
  void aSpreadsheetComesWithItsGtinsAndWhatIsWrongIsReported() throws Exception {
    photo("photos/a.png", Color.RED);
    photo("photos/b.png", Color.BLUE);
    photo("photos/c.png", Color.GREEN);
    Files.writeString(folder.resolve("photos/text.png"), "no picture");
    Path table =
        Files.writeString(
            folder.resolve("products.csv"),
            "\uFEFFGTIN;Product;Path;Price\r\n"
                + "4006381333931;\"Milk, 3,5 % \"\"fresh\"\"\";a.png;1,99\r\n"
                + "4006381333930;Wrong digit;b.png;1,99\r\n"
                + ";No number;c.png;2\r\n"
                + ";Gone;gone.png;2\r\n"
                + ";Text;text.png;2\r\n"
                + ";;;\r\n");
    Path rejects = folder.resolve("photos/rejects.csv");

    int code =
        gallery("build", table, "--image-root", folder.resolve("photos"), "--rejects", rejects);

    assertThat(code).as(err).isOne();
    assertThat(out)
        .contains("added 2", "rejected 3 {INVALID_GTIN=1, NOT_FOUND=1, UNSUPPORTED_IMAGE=1}");
    assertThat(err)
        .contains("b.png: INVALID_GTIN", "1 would be right", "gone.png: NOT_FOUND", "text.png");
    try (IndexDirectory opened = IndexDirectory.open(index)) {
      assertThat(opened.entries())
          .extracting(GalleryEntry::label, GalleryEntry::gtin)
          .containsExactlyInAnyOrder(
              tuple("Milk, 3,5 % \"fresh\"", "04006381333931"), tuple("No number", null));
    }
    assertThat(Files.readAllLines(rejects))
        .hasSize(4)
        .startsWith("path,label,gtin,reason,message")
        .anyMatch(line -> line.startsWith("gone.png,Gone,,NOT_FOUND,"));

    Files.writeString(rejects, Files.readString(rejects).replace("4006381333930", "4006381333931"));
    photo("photos/gone.png", Color.PINK);
    photo("photos/text.png", Color.YELLOW);
    assertThat(gallery("append", rejects)).as(err).isZero();
    assertThat(labels()).hasSize(5).containsEntry("gone.png", "Gone");
  }

  @Test
  void whatNothingCanBeMadeOfChangesNothing() throws Exception {
    Path list = Files.writeString(folder.resolve("list.txt"), "gone.png\tGone\n");
    assertThat(gallery("build", list)).isOne();
    assertThat(out).contains("added 0", "rejected 1 {NOT_FOUND=1}", "as it was");
    assertThat(index.resolve("vector.index")).doesNotExist();

    Files.writeString(list, "a.png;Tea\n");
    assertThat(gallery("build", list)).isEqualTo(2);
    assertThat(err).contains("line 1: 'a.png;Tea'", "';' to separate");
    photo("a.png", Color.RED);
    assertThat(gallery("build", "--delimiter", ";", list)).as(err).isZero();
    assertThat(labels()).isEqualTo(Map.of("a.png", "Tea"));
    Files.writeString(list, "a.png Green Tea\n");
    assertThat(gallery("build", "--delimiter", " ", list)).isEqualTo(2);
    assertThat(err).contains("' ' is in it twice");
    assertThat(gallery("build", "--index-type", "Nothing", folder)).isEqualTo(2);
  }

  /** The embedding in the journal is another than the photo has: so it is seen to be used. */
  @Test
  void goesOnWithWhatAnEarlierRunEmbedded() throws Exception {
    Path a = photo("a.png", Color.RED);
    photo("b.png", Color.BLUE);
    Path list = Files.writeString(folder.resolve("list.txt"), "a.png\tA\nb.png\tB\n");
    String extractor = ModelDirectory.read(Path.of(MODELS)).extractorId();
    float[] marked = {0, 1, 0};
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.create(index, "Flat", 3, extractor);
        EmbeddingJournal journal = writer.journal(extractor)) {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(a));
      journal.put(HexFormat.of().formatHex(hash), marked);
    }

    assertThat(gallery("build", list)).as(err).isZero();

    assertThat(err).contains("Going on with the 1 photos that were embedded before");
    try (IndexDirectory opened = IndexDirectory.open(index)) {
      var hit = opened.search(List.of(marked), 1).hits().get(0).get(0);
      assertThat(hit.entry().galleryImageId()).isEqualTo("a.png");
      assertThat(hit.score()).isEqualTo(1f);
    }
    assertThat(gallery("build", list)).as(err).isZero();
    assertThat(err).doesNotContain("Going on");
  }

  @Test
  void vectorsOfAnotherExtractorAreRefused() throws Exception {
    photo("photos/A/a.png", Color.RED);
    photo("more/A/b.png", Color.BLUE);
    assertThat(gallery("build", folder.resolve("photos"))).as(err).isZero();
    String others = "src/test/resources/models/colour-and-inverse";

    assertThat(gallery("append", folder.resolve("more"), "--models", others)).isEqualTo(2);
    assertThat(err).contains("vectors of 3 values of colour@", "colour-and-inverse@");
    int code =
        run(
            "recognize",
            "--models",
            others,
            "--index-dir",
            "" + index,
            "" + folder.resolve("more/A/b.png"));
    assertThat(code).isEqualTo(2);
    assertThat(err).contains("vectors of 3 values of colour@");

    // PaddleClas's folders do not say it.
    Files.delete(index.resolve("index.properties"));
    assertThat(gallery("append", folder.resolve("more"))).as(err).isZero();
    assertThat(err).contains("warning: nothing says which extractor");
    assertThat(gallery("append", folder.resolve("more"))).as(err).isZero();
    assertThat(err).doesNotContain("warning");
  }

  @Test
  void twoPhotosOfOneNameAreRefused() throws Exception {
    photo("x/A/1.png", Color.RED);
    photo("y/A/1.png", Color.BLUE);

    assertThat(gallery("build", folder.resolve("x"), folder.resolve("y"))).isEqualTo(2);
    assertThat(err).contains("Two photos would both be 'A/1.png'");
  }
}
