package io.shelfstream.cli;

import io.shelfstream.client.GalleryFile;
import io.shelfstream.client.GalleryPublisher;
import io.shelfstream.client.GalleryTopic;
import io.shelfstream.client.GivenImages;
import io.shelfstream.client.GivenPhoto;
import io.shelfstream.client.ImageIds;
import io.shelfstream.client.OneLine;
import io.shelfstream.client.ProductFolders;
import io.shelfstream.client.UsageException;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.BoundingBox;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.paddleclas.IndexDirectory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "gallery",
    mixinStandardHelpOptions = true,
    description = {
      "Adds, removes, lists, imports and exports gallery photos through the gallery topics, while the service runs; or builds and changes an index in a folder, without broker and service: build, append, and remove and list with --index-dir."
    },
    synopsisSubcommandLabel = "ACTION",
    subcommands = {
      GalleryCommand.Add.class,
      GalleryCommand.Remove.class,
      GalleryCommand.ListPhotos.class,
      GalleryImport.class,
      GalleryExport.class,
      GalleryBuild.class,
      GalleryAppend.class
    })
final class GalleryCommand implements Callable<Integer> {
  @CommandLine.Spec CommandLine.Model.@Nullable CommandSpec spec;

  @Override
  public Integer call() {
    throw new UsageException(
        "gallery needs an action: add, remove, list, import, export, build or append; see gallery --help");
  }

  /**
   * What adding and removing have in common: the configuration, and whether to wait for the
   * outcome.
   */
  abstract static class Change implements Callable<Integer> {
    @Mixin BrokerOptions config = new BrokerOptions();

    @Option(
        names = "--timeout",
        paramLabel = "SECONDS",
        description =
            "How long to wait without any answer before giving up. Default: ${DEFAULT-VALUE}.",
        defaultValue = "60")
    int timeoutSeconds;

    @Option(
        names = "--no-wait",
        description = "Publish only; do not wait for the service's answers.")
    boolean noWait;

    /** Publishes the updates (null removes) and reports their outcome. */
    Integer publish(ShelfStreamConfig loaded, Map<String, @Nullable GalleryUpdate> updates) {
      return publish(loaded, updates.entrySet().iterator(), updates.size());
    }

    /** The same for any number of updates. */
    Integer publish(
        ShelfStreamConfig loaded,
        Iterator<Map.Entry<String, @Nullable GalleryUpdate>> updates,
        int total) {
      GalleryPublisher publisher = new GalleryPublisher(loaded, Duration.ofSeconds(timeoutSeconds));
      if (noWait) {
        System.out.println("published " + publisher.publish(updates, total));
        return 0;
      }
      GalleryPublisher.Report report = publisher.publishAndWait(updates, total);
      report.warnings().forEach(w -> System.err.println("warning: " + OneLine.of(w)));
      report.rejected().forEach(r -> System.err.println("rejected: " + OneLine.of(r)));
      System.out.println(report.summary());
      return report.allDone() ? 0 : 1;
    }
  }

  @Command(
      name = "add",
      mixinStandardHelpOptions = true,
      description = {
        "Adds photos: those of a gallery file, those of a product, or all below a folder with a folder for each product.",
        "A photo's id is its product and its path below the working folder (its whole path where it lies elsewhere): the same photo added again replaces itself."
      })
  static final class Add extends Change {
    @Option(
        names = "--file",
        paramLabel = "FILE",
        description =
            "Gallery file: 'relative/path<TAB>label' a line; the label names the product.")
    @Nullable Path file;

    @Option(
        names = "--image-root",
        paramLabel = "DIR",
        description = "Folder the paths in --file are relative to. Default: the file's folder.")
    @Nullable Path imageRoot;

    @Option(names = "--product", paramLabel = "ID", description = "Product the photos show.")
    @Nullable String product;

    @Option(
        names = "--label",
        paramLabel = "TEXT",
        description = "Name to report. Default: the product.")
    @Nullable String label;

    @Option(names = "--gtin", paramLabel = "DIGITS", description = "GTIN of the product.")
    @Nullable String gtin;

    @Option(
        names = "--crop",
        paramLabel = "X1,Y1,X2,Y2",
        split = ",",
        description = "Part of the photo that shows the product, in pixels.")
    List<Integer> crop = List.of();

    @Option(names = "--detect", description = "Let the detector find the product in the photos.")
    boolean detect;

    @Parameters(
        arity = "0..*",
        paramLabel = "PHOTO|DIR|URI",
        description =
            "Photos of --product, or folders of them. Without --product: folders that hold a folder for each product, called after it.")
    List<String> photos = List.of();

    @Override
    public Integer call() throws IOException {
      if ((file == null) == photos.isEmpty()) {
        throw new UsageException(
            "gallery add needs --file FILE, or --product ID and PHOTO…, or a folder with a folder for each product");
      }
      if (file != null && product != null) {
        throw new UsageException("--product is for PHOTO…; the labels of --file name the products");
      }
      if (file == null && product == null && label != null) {
        throw new UsageException("--label needs --product; without it each folder is a product");
      }
      if (!crop.isEmpty() && crop.size() != 4) {
        throw new UsageException("--crop needs four numbers, X1,Y1,X2,Y2; got " + crop);
      }
      ShelfStreamConfig loaded = config.load();
      Map<String, @Nullable GalleryUpdate> updates = file != null ? ofFile(file) : ofPhotos();
      return publish(BrokerOptions.awaitBroker(loaded), updates);
    }

    private Map<String, @Nullable GalleryUpdate> ofFile(Path galleryFile) throws IOException {
      Map<String, @Nullable GalleryUpdate> updates = new LinkedHashMap<>();
      GalleryFile list = GalleryFile.read(galleryFile, imageRoot).withItsPhotos(galleryFile);
      list.notes().forEach(note -> System.err.println("warning: " + galleryFile + ": " + note));
      for (GivenPhoto p : list.photos()) {
        updates.put(p.id(), update(p.id(), p.label(), p.label(), p.file().toUri().toString()));
      }
      return updates;
    }

    private Map<String, @Nullable GalleryUpdate> ofPhotos() throws IOException {
      Map<String, @Nullable GalleryUpdate> updates = new LinkedHashMap<>();
      if (product != null) {
        put(updates, product, photos);
      } else {
        ProductFolders.in(photos.stream().map(Path::of).toList())
            .forEach(
                (id, folders) -> put(updates, id, folders.stream().map(Path::toString).toList()));
      }
      return updates;
    }

    private void put(
        Map<String, @Nullable GalleryUpdate> updates, String productId, List<String> given) {
      GivenImages images = new GivenImages(ImageIds::ofPhoto);
      for (String photo : given) {
        if (!photo.contains(":") && !Files.exists(Path.of(photo))) {
          throw new UsageException("No such photo: " + photo);
        }
        try {
          images.add(photo);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
      images.notes().forEach(note -> System.err.println("warning: photo " + note));
      String name = label == null ? productId : label;
      images
          .uris()
          .forEach(
              (id, uri) -> {
                String photoId = productId + "/" + id;
                updates.put(photoId, update(photoId, productId, name, uri));
              });
    }

    private GalleryUpdate update(String photoId, String productId, String name, String uri) {
      return GalleryUpdate.newBuilder()
          .setGalleryImageId(photoId)
          .setProductId(productId)
          .setLabel(name)
          .setGtin(gtin)
          .setUri(uri)
          .setCrop(
              crop.isEmpty()
                  ? null
                  : new BoundingBox(crop.get(0), crop.get(1), crop.get(2), crop.get(3)))
          .setDetect(detect)
          .build();
    }
  }

  @Command(
      name = "remove",
      mixinStandardHelpOptions = true,
      description = {
        "Removes photos by their id, or all photos of products: from the gallery topics, or with --index-dir from an index in a folder.",
        "",
        "An index of any type can be changed; a graph (HNSW), from which Faiss cannot remove, is built again from the vectors in it. Ids that were in use are not given again. The exit code is 1 when something that is named is not in the index.",
        "",
        "Examples:",
        "  shelfstream gallery remove --index-dir index --product 'Oat Milk'",
        "  shelfstream gallery remove --index-dir index --file gone.txt",
        ""
      })
  static final class Remove extends Change {
    @Option(
        names = "--index-dir",
        paramLabel = "DIR",
        description = "Folder of an index, to change it instead of the topics; needs no broker.")
    @Nullable Path indexDir;

    @Option(
        names = "--file",
        paramLabel = "LIST",
        description =
            "With --index-dir: remove the photos of this list or table, where path and label are the same.")
    @Nullable Path file;

    @Option(
        names = "--delimiter",
        paramLabel = "TEXT",
        description = "With --file: as 'gallery append' has it.")
    @Nullable String delimiter;

    @Option(
        names = "--product",
        paramLabel = "ID",
        description =
            "Remove every photo of this product; in an index its label is its product. May be repeated.")
    List<String> products = List.of();

    @Parameters(
        arity = "0..*",
        paramLabel = "PHOTO-ID",
        description = "Ids as 'gallery list' shows them.")
    List<String> ids = List.of();

    @Override
    public Integer call() throws IOException {
      if (indexDir == null && (file != null || delimiter != null)) {
        throw new UsageException("--file and --delimiter are for --index-dir DIR; give it too");
      }
      if (ids.isEmpty() && products.isEmpty() && file == null) {
        throw new UsageException(
            "gallery remove needs PHOTO-ID… or --product ID; with --index-dir also --file LIST");
      }
      if (indexDir != null) {
        return IndexRemoval.of(ids, products, file, delimiter).from(indexDir);
      }
      ShelfStreamConfig loaded = BrokerOptions.awaitBroker(config.load());
      Map<String, String> present =
          new GalleryTopic(loaded).photos((id, photo) -> photo.getProductId());
      Map<String, @Nullable GalleryUpdate> removals = new LinkedHashMap<>();
      for (String id : ids) {
        if (!present.containsKey(id)) {
          System.err.println("warning: photo '" + id + "' is not in the gallery now");
        }
        removals.put(id, null);
      }
      for (String product : products) {
        List<String> photos = photosOf(product, present);
        if (photos.isEmpty()) {
          System.err.println("warning: product '" + product + "' is not in the gallery now");
        }
        photos.forEach(id -> removals.put(id, null));
      }
      return publish(loaded, removals);
    }

    private static List<String> photosOf(String product, Map<String, String> present) {
      return present.entrySet().stream()
          .filter(photo -> photo.getValue().equals(product))
          .map(Map.Entry::getKey)
          .toList();
    }
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = {
        "Lists the photos of the gallery: id, product, label, GTIN, separated by tabs.",
        "Tabs and line breaks inside one of them are written as \\t, \\n and \\r; other control characters as \\u and four hex digits."
      })
  static final class ListPhotos implements Callable<Integer> {
    @Mixin BrokerOptions config = new BrokerOptions();

    @Option(
        names = "--index-dir",
        paramLabel = "DIR",
        description = "List the index in this folder instead; needs no broker.")
    @Nullable Path indexDir;

    /** What is kept of a photo, to be listed. */
    private record Shown(String product, String columns, String extractor) {
      static Shown of(GalleryVector v) {
        return of(v.getProductId(), v.getLabel(), v.getGtin(), v.getExtractor());
      }

      static Shown of(String product, String label, @Nullable String gtin, String extractor) {
        String columns =
            Stream.of(product, label, Objects.toString(gtin, ""))
                .map(OneLine::escaped)
                .collect(Collectors.joining("\t"));
        return new Shown(product, columns, extractor);
      }
    }

    private static Map<String, Shown> ofIndex(Path directory) {
      Map<String, Shown> photos = new TreeMap<>();
      try (IndexDirectory index = IndexDirectory.open(directory)) {
        for (GalleryEntry photo : index.entries()) {
          photos.put(
              photo.galleryImageId(),
              Shown.of(photo.productId(), photo.label(), photo.gtin(), "unknown"));
        }
        System.err.printf(
            "%s, extractor %s%n", index.state().indexType(), index.extractor().orElse("not known"));
      }
      return photos;
    }

    @Override
    public Integer call() {
      Map<String, Shown> present =
          indexDir != null
              ? ofIndex(indexDir)
              : new GalleryTopic(BrokerOptions.awaitBroker(config.load()))
                  .photos((id, v) -> Shown.of(v));
      present.forEach(
          (id, photo) -> System.out.println(OneLine.escaped(id) + "\t" + photo.columns()));
      long products = present.values().stream().map(Shown::product).distinct().count();
      System.err.printf("%d photos of %d products%n", present.size(), products);
      Map<String, Long> extractors =
          present.values().stream()
              .collect(
                  Collectors.groupingBy(Shown::extractor, TreeMap::new, Collectors.counting()));
      if (extractors.size() > 1) {
        System.err.println(
            "warning: their vectors are of several extractors, and a service uses those of its own only: "
                + OneLine.of(extractors.toString()));
      }
      return 0;
    }
  }
}
