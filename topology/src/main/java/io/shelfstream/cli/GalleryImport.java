package io.shelfstream.cli;

import io.shelfstream.client.GalleryFile;
import io.shelfstream.client.GalleryTopic;
import io.shelfstream.client.GivenPhoto;
import io.shelfstream.client.UpdateOfVector;
import io.shelfstream.client.UsageException;
import io.shelfstream.client.VectorFile;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.gallery.paddleclas.IndexDirectory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "import",
    mixinStandardHelpOptions = true,
    description = {
      "Publishes the photos of a file as gallery updates and waits for the service's answers.",
      "",
      "The file is what 'gallery export' writes as avro (vectors, searchable without embedding anything;",
      "they must be of the extractor that the service runs); a gallery list as PaddleClas has it,",
      "'relative/path<TAB>label' a line, whose photos the service must see under the same path; or a",
      "folder with the index that PaddleClas or 'gallery export' built from one, vector.index and",
      "id_map.txt: its vectors, too, are searchable without embedding anything.",
      "",
      "Photos that the gallery holds already with the same content are left out: importing a file twice",
      "changes nothing, and an import that was cut off goes on where it was."
    })
final class GalleryImport extends GalleryCommand.Change {

  @Option(
      names = "--image-root",
      paramLabel = "DIR",
      description = "Folder that the paths of a list are relative to. Default: the list's folder.")
  @Nullable Path imageRoot;

  @Option(
      names = "--extractor",
      paramLabel = "ID",
      description =
          "For a folder of PaddleClas's: what made its vectors, as 'doctor' prints the service's; ours say it.")
  @Nullable String extractor;

  @Parameters(paramLabel = "FILE|DIR", description = "What to import.")
  Path source = Path.of("");

  /**
   * Digests of a photo in the gallery: of everything, of its file, and of what an index folder
   * contains.
   */
  private record Held(String vector, String photo, String indexed) {
    static Held of(GalleryVector v) {
      return new Held(digest(v), photo(v.getProductId(), v.getLabel(), v.getSha256()), indexed(v));
    }

    /** What an index folder contains of a photo; the other fields must not be lost. */
    static String indexed(GalleryVector v) {
      return digest(List.of(v.getLabel(), v.getExtractor()), v);
    }

    static String photo(String productId, String label, @Nullable String sha256) {
      return sha256 == null ? "" : String.join("\n", productId, label, sha256);
    }
  }

  @Override
  public Integer call() throws IOException {
    if (Files.isDirectory(source)) {
      return fromIndex();
    }
    if (extractor != null) {
      throw new UsageException("--extractor is for a folder; " + source + " is none");
    }
    if (!Files.isRegularFile(source)) {
      throw new UsageException("There is no file " + source);
    }
    boolean vectors = VectorFile.is(source);
    List<GivenPhoto> photos = vectors ? List.of() : listed();
    ShelfStreamConfig loaded = BrokerOptions.awaitBroker(config.load());
    Map<String, Held> held = new GalleryTopic(loaded).photos((id, v) -> Held.of(v));
    if (!vectors) {
      return publish(loaded, photos(photos, held), photos.size());
    }
    try (VectorFile.Reader file = new VectorFile.Reader(source)) {
      return publish(
          loaded,
          new Changes<>(file, v -> v.getGalleryImageId(), v -> isHeld(v, held), UpdateOfVector::of),
          Math.max(0, file.photos()));
    }
  }

  private List<GivenPhoto> listed() throws IOException {
    GalleryFile list = GalleryFile.read(source, imageRoot).withItsPhotos(source);
    list.notes().forEach(note -> System.err.println("warning: " + source + ": " + note));
    return list.photos();
  }

  private int fromIndex() {
    try (IndexDirectory directory = IndexDirectory.open(source)) {
      Iterator<GalleryVector> photos = directory.vectors(madeBy(directory));
      ShelfStreamConfig loaded = BrokerOptions.awaitBroker(config.load());
      Map<String, Held> held = new GalleryTopic(loaded).photos((id, v) -> Held.of(v));
      return publish(
          loaded,
          new Changes<>(
              photos, v -> v.getGalleryImageId(), v -> isIndexed(v, held), UpdateOfVector::of),
          directory.size());
    }
  }

  private String madeBy(IndexDirectory directory) {
    String known = directory.extractor().orElse(extractor);
    if (known == null) {
      throw new UsageException(
          "This index does not say which extractor made its vectors; name it with --extractor, as"
              + " 'doctor' prints it, or import the gallery list that "
              + source
              + " was built from");
    }
    if (extractor != null && !extractor.equals(known)) {
      throw new UsageException(
          "--extractor %s refused: %s says that %s made its vectors"
              .formatted(extractor, source, known));
    }
    return known;
  }

  private int publish(ShelfStreamConfig loaded, Changes<?> changes, int total) {
    int code =
        publish(loaded, (Iterator<Map.Entry<String, @Nullable GalleryUpdate>>) changes, total);
    System.out.println("unchanged " + changes.unchanged());
    return code;
  }

  private static Changes<GivenPhoto> photos(List<GivenPhoto> photos, Map<String, Held> held) {
    return new Changes<>(
        photos.iterator(), GivenPhoto::id, photo -> isHeld(photo, held), GalleryImport::update);
  }

  private static boolean isHeld(GalleryVector vector, Map<String, Held> held) {
    Held present = held.get(vector.getGalleryImageId());
    return present != null && present.vector().equals(digest(vector));
  }

  private static boolean isIndexed(GalleryVector vector, Map<String, Held> held) {
    Held present = held.get(vector.getGalleryImageId());
    return present != null && present.indexed().equals(Held.indexed(vector));
  }

  private static boolean isHeld(GivenPhoto photo, Map<String, Held> held) {
    Held present = held.get(photo.id());
    return present != null
        && Files.isReadable(photo.file())
        && present.photo().equals(Held.photo(photo.label(), photo.label(), sha256(photo.file())));
  }

  private static GalleryUpdate update(GivenPhoto photo) {
    return GalleryUpdate.newBuilder()
        .setGalleryImageId(photo.id())
        .setProductId(photo.label())
        .setLabel(photo.label())
        .setUri(photo.file().toUri().toString())
        .build();
  }

  /** All that an import would change of a photo. */
  private static String digest(GalleryVector v) {
    return digest(
        List.of(
            v.getProductId(),
            v.getLabel(),
            Objects.toString(v.getGtin(), ""),
            Objects.toString(v.getSha256(), ""),
            new TreeMap<>(v.getAttributes()).toString(),
            v.getExtractor()),
        v);
  }

  /** Digest of texts and the vector. */
  private static String digest(List<String> words, GalleryVector v) {
    MessageDigest digest = sha256();
    digest.update(String.join("\0", words).getBytes(StandardCharsets.UTF_8));
    ByteBuffer unit = Embeddings.encode(Embeddings.unit(Embeddings.decode(v.getEmbedding())));
    digest.update(unit);
    return HexFormat.of().formatHex(digest.digest(), 0, 16);
  }

  private static String sha256(Path file) {
    try {
      return HexFormat.of().formatHex(sha256().digest(Files.readAllBytes(file)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** The updates for the content of a file, without those that would change nothing. */
  private static final class Changes<T>
      implements Iterator<Map.Entry<String, @Nullable GalleryUpdate>> {
    private final Iterator<T> all;
    private final Function<T, String> id;
    private final Function<T, Boolean> isHeld;
    private final Function<T, GalleryUpdate> update;
    private @Nullable T next;
    private int unchanged;

    Changes(
        Iterator<T> all,
        Function<T, String> id,
        Function<T, Boolean> isHeld,
        Function<T, GalleryUpdate> update) {
      this.all = all;
      this.id = id;
      this.isHeld = isHeld;
      this.update = update;
    }

    int unchanged() {
      return unchanged;
    }

    @Override
    public boolean hasNext() {
      while (next == null && all.hasNext()) {
        T candidate = all.next();
        if (isHeld.apply(candidate)) {
          unchanged++;
        } else {
          next = candidate;
        }
      }
      return next != null;
    }

    @Override
    public Map.Entry<String, @Nullable GalleryUpdate> next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      T taken = Objects.requireNonNull(next);
      next = null;
      return Map.entry(id.apply(taken), update.apply(taken));
    }
  }
}
