package io.shelfstream.cli;

import io.shelfstream.client.DraftFile;
import io.shelfstream.client.GalleryFile;
import io.shelfstream.client.GalleryTopic;
import io.shelfstream.client.UsageException;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.paddleclas.IndexDirectoryWriter;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "export",
    mixinStandardHelpOptions = true,
    description = {
      "Writes the gallery of the vectors topic to a file or folder. The service need not run.",
      "",
      "avro   Portable: ids, products, labels, GTINs, attributes, extractor and vectors, as an Avro object",
      "       container file of GalleryVector records. 'gallery import' reads it; so does any Avro library.",
      "index  PaddleClas's index directory: vector.index, id_map.pkl, and ids and labels as id_map.txt. Keeps",
      "       ids, labels, GTINs and vectors.",
      "list   PaddleClas's gallery list: 'id<TAB>label' a line. Keeps ids and labels; one with a tab or a",
      "       line break is refused."
    })
final class GalleryExport implements Callable<Integer> {

  enum Format {
    AVRO,
    INDEX,
    LIST
  }

  private static final List<String> INDEX_TYPES =
      List.of("HNSW32", "Flat", IndexDirectoryWriter.IVF);

  @Mixin BrokerOptions config = new BrokerOptions();

  @Option(
      names = "--format",
      paramLabel = "avro|index|list",
      description = "Default: avro for a name that ends with .avro, list for .txt and .tsv.")
  @Nullable Format format;

  @Option(
      names = "--index-type",
      paramLabel = "TYPE",
      defaultValue = "HNSW32",
      description =
          "For index: HNSW32, Flat or IVF. Default: ${DEFAULT-VALUE}, as PaddleClas has it.")
  String indexType = "HNSW32";

  @Parameters(paramLabel = "FILE|DIR", description = "Where to write; replaced when it is there.")
  Path target = Path.of("");

  @Override
  public Integer call() throws IOException {
    Format chosen = format != null ? format : byName(target);
    if (chosen == Format.INDEX && !INDEX_TYPES.contains(indexType)) {
      throw new UsageException(
          "--index-type %s refused; give %s".formatted(indexType, String.join(", ", INDEX_TYPES)));
    }
    GalleryTopic topic = new GalleryTopic(BrokerOptions.awaitBroker(config.load()));
    int count =
        switch (chosen) {
          case AVRO -> topic.exportTo(target);
          case INDEX -> toIndex(topic);
          case LIST -> toList(topic);
        };
    System.out.println("exported " + count + " photos to " + target);
    return 0;
  }

  static Format byName(Path target) {
    String name = String.valueOf(target.getFileName()).toLowerCase(Locale.ROOT);
    if (name.endsWith(".avro")) {
      return Format.AVRO;
    }
    if (name.endsWith(".txt") || name.endsWith(".tsv")) {
      return Format.LIST;
    }
    throw new UsageException(
        "'%s' does not tell the format; add --format avro, index or list".formatted(target));
  }

  private int toIndex(GalleryTopic topic) throws IOException {
    try (Opened<IndexDirectoryWriter> directory = new Opened<>()) {
      int count = topic.export(photos -> photo -> index(directory, photo).add(photo));
      if (count == 0) {
        throw new IllegalStateException(
            "The gallery is empty, and an index without photos has no dimension; add photos first");
      }
      return directory.get().finish();
    }
  }

  private IndexDirectoryWriter index(Opened<IndexDirectoryWriter> directory, GalleryVector first)
      throws IOException {
    return directory.isOpen()
        ? directory.get()
        : directory.open(
            IndexDirectoryWriter.create(target, indexType, first.getDimension(), null));
  }

  private int toList(GalleryTopic topic) throws IOException {
    Path whole = target.toAbsolutePath();
    Path draft = DraftFile.beside(whole);
    try {
      int count;
      try (Writer out = Files.newBufferedWriter(draft, StandardCharsets.UTF_8)) {
        count =
            topic.export(
                photos ->
                    photo ->
                        out.write(GalleryFile.line(photo.getGalleryImageId(), photo.getLabel())));
      }
      Files.move(draft, whole, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      return count;
    } finally {
      Files.deleteIfExists(draft);
    }
  }

  /** Something that is opened at its first use, if at all. */
  private static final class Opened<T extends AutoCloseable> implements AutoCloseable {
    private @Nullable T resource;

    T open(T opened) {
      resource = opened;
      return opened;
    }

    boolean isOpen() {
      return resource != null;
    }

    T get() {
      if (resource == null) {
        throw new IllegalStateException("not opened");
      }
      return resource;
    }

    @Override
    public void close() throws IOException {
      try {
        if (resource != null) {
          resource.close();
        }
      } catch (IOException | RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IOException(e);
      }
    }
  }
}
