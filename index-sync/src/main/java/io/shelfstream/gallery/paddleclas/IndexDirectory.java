package io.shelfstream.gallery.paddleclas;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.GalleryState;
import io.shelfstream.gallery.NearestPhotos;
import io.shelfstream.gallery.PhotoFilter;
import io.shelfstream.gallery.ProductSearch;
import io.shelfstream.index.FaissIndex;
import io.shelfstream.index.IndexException;
import io.shelfstream.index.IndexType;
import io.shelfstream.index.Metric;
import io.shelfstream.index.Neighbor;
import io.shelfstream.index.Segment;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A gallery that does not change, read from a directory as PaddleClas's build_gallery leaves it:
 * {@value #INDEX} in Faiss's format, and its names in {@code id_map.pkl} or {@code id_map.txt}, as
 * {@link IndexNames} reads them. Product and label are the same here.
 */
public final class IndexDirectory implements ProductSearch, AutoCloseable {

  static final String INDEX = "vector.index";

  /** Vectors that are taken from Faiss together. */
  private static final int BATCH = 1024;

  /** Reads of a directory that changes all the time. */
  private static final int ATTEMPTS = 5;

  /** How far half precision takes a length from 1, with room. */
  private static final double TOLERANCE = 1e-3;

  private static final Logger log = LoggerFactory.getLogger(IndexDirectory.class);

  private final FaissIndex index;
  private final boolean isBinary;
  private final Map<Long, GalleryEntry> entries;
  private final Optional<String> extractor;
  private final NearestPhotos nearest;
  private final GalleryState state;

  private IndexDirectory(
      StoredIndex stored, Map<Long, GalleryEntry> entries, Optional<String> extractor) {
    this.index = stored.vectors();
    this.isBinary = stored.isBinary();
    this.extractor = extractor;
    this.entries = entries;
    this.nearest = new NearestPhotos(new Named(index, entries));
    this.state = new GalleryState(Map.of(), (int) index.size(), stored.type());
  }

  private record Named(FaissIndex index, Map<Long, GalleryEntry> entries)
      implements NearestPhotos.Source {

    @Override
    public int dimension() {
      return index.dimension();
    }

    @Override
    public long size() {
      return index.size();
    }

    @Override
    public Neighbor[][] search(FloatBuffer queries, int k) {
      return index.search(queries, k);
    }

    @Override
    public GalleryEntry entry(long id) {
      return Objects.requireNonNull(entries.get(id), "every id has its name");
    }

    @Override
    public NearestPhotos.@Nullable Source without(String productId) {
      return null;
    }
  }

  /**
   * Reads the directory, with whole labels.
   *
   * @throws IndexException as the other one does
   */
  public static IndexDirectory open(Path directory) {
    return open(directory, Labels.WHOLE);
  }

  /**
   * Reads the directory. While another process changes it, the index before or after is read.
   *
   * @throws IndexException with code FILE or UNSUPPORTED when it cannot be used: the message says
   *     which file, what is wrong and what to do
   */
  public static IndexDirectory open(Path directory, Labels labels) {
    for (int attempt = 1; ; attempt++) {
      IndexFiles.settle(directory);
      List<String> before = IndexFiles.stamp(directory);
      try {
        IndexDirectory read = read(directory, labels);
        if (attempt == ATTEMPTS || before.equals(IndexFiles.stamp(directory))) {
          return read;
        }
        read.close();
      } catch (IndexException e) {
        if (attempt == ATTEMPTS || before.equals(IndexFiles.stamp(directory))) {
          throw e;
        }
      }
    }
  }

  private static IndexDirectory read(Path directory, Labels labels) {
    requireFiles(directory);
    StoredIndex stored = StoredIndex.read(directory.resolve(INDEX));
    FaissIndex index = stored.vectors();
    try {
      requireInnerProduct(directory, index);
      Map<Long, GalleryEntry> entries = new HashMap<>();
      IndexNames.read(directory, index.ids())
          .forEach((id, name) -> entries.put(id, IndexNames.entry(id, name, labels)));
      warnOfCollisions(directory, index, entries);
      return new IndexDirectory(
          new StoredIndex(
              stored.type(), stored.isBinary(), atUnitLength(directory, index, entries)),
          entries,
          IndexOrigin.read(directory).extractor());
    } catch (IndexException e) {
      index.close();
      throw e;
    }
  }

  /** Photos of one name: candidates cannot be told apart, and an import keeps the last one. */
  private static void warnOfCollisions(
      Path directory, FaissIndex index, Map<Long, GalleryEntry> entries) {
    Map<String, Long> ids = new HashMap<>();
    long collisions = 0;
    String example = "";
    for (long id : index.ids()) {
      String name = Objects.requireNonNull(entries.get(id)).galleryImageId();
      Long before = ids.putIfAbsent(name, id);
      if (before != null && collisions++ == 0) {
        example = "ids %d and %d are both '%s'".formatted(before, id, name);
      }
    }
    if (collisions > 0) {
      log.warn(
          "{}: {} vectors share their name with another one ({}); an import keeps the last of each",
          directory,
          collisions,
          example);
    }
  }

  /**
   * Whether all vectors have length 1; also true for an index of codes, which keeps none to look
   * at.
   *
   * @throws IndexException with code FILE when one has no direction
   */
  static boolean haveUnitLength(FaissIndex index, Map<Long, GalleryEntry> entries) {
    try {
      return new Rows(index, entries)
          .all()
          .allMatch(row -> Math.abs(Embeddings.length(row.vector()) - 1) <= TOLERANCE);
    } catch (IndexException e) {
      if (e.code() == IndexException.Code.UNSUPPORTED) {
        return true;
      }
      throw e;
    }
  }

  /**
   * The index itself when all its vectors have length 1; otherwise their copies at length 1, as
   * their products with an embedding are no scores. An index of codes keeps no vectors to look at.
   */
  private static FaissIndex atUnitLength(
      Path directory, FaissIndex index, Map<Long, GalleryEntry> entries) {
    if (haveUnitLength(index, entries)) {
      return index;
    }
    log.warn(
        "{}: the vectors of {} have not length 1; they are scaled and searched one by one",
        directory,
        INDEX);
    FaissIndex scaled =
        FaissIndex.create(IndexType.FLAT.name(), index.dimension(), Metric.INNER_PRODUCT);
    try {
      new Rows(index, entries)
          .all()
          .forEach(
              row ->
                  scaled.add(
                      new long[] {row.id()}, FloatBuffer.wrap(Embeddings.unit(row.vector()))));
    } catch (IndexException e) {
      scaled.close();
      throw e;
    }
    index.close();
    return scaled;
  }

  static void requireFiles(Path directory) {
    if (!Files.isDirectory(directory)) {
      throw failed(directory, "there is no such directory");
    }
    if (Files.isDirectory(directory.resolve(IndexFiles.COMPLETE))) {
      return; // on its way
    }
    if (!Files.exists(directory.resolve(INDEX))) {
      throw failed(directory, INDEX + " is missing; build it with PaddleClas or gallery build");
    }
    if (!Files.exists(directory.resolve(IndexNames.TEXT))
        && !Files.exists(directory.resolve(IndexNames.PICKLE))) {
      throw failed(
          directory,
          IndexNames.TEXT
              + " is missing, and so is "
              + IndexNames.PICKLE
              + "; one of them names the photos, the first with a line 'id label' for each");
    }
  }

  static void requireInnerProduct(Path directory, FaissIndex index) {
    if (index.metric() != Metric.INNER_PRODUCT) {
      throw failed(
          directory,
          INDEX + " compares by distance; build it again with dist_type IP, as scores are needed");
    }
  }

  private static IndexException failed(Path directory, String why) {
    return new IndexException(
        IndexException.Code.FILE, "cannot open index directory " + directory + ": " + why);
  }

  /** These photos have no attributes, so every filter allows all of them. */
  @Override
  public Result search(List<float[]> embeddings, int k, int products, PhotoFilter filter) {
    return new Result(nearest.find(embeddings, k, products), state);
  }

  @Override
  public GalleryState state() {
    return state;
  }

  /**
   * Gives its photos with their vectors, scaled to length 1, one after the other.
   *
   * @param extractor what made the vectors: the files do not say
   * @throws IndexException with code UNSUPPORTED when the index keeps codes instead of vectors;
   *     from the iterator, with code FILE, when a vector is none
   */
  public Iterator<GalleryVector> vectors(String extractor) {
    // An index of codes is refused before the first photo is published.
    return new Rows(index, entries).all().map(row -> vector(row, extractor)).iterator();
  }

  private GalleryVector vector(Row row, String extractor) {
    GalleryEntry entry = Objects.requireNonNull(entries.get(row.id()), "every id has its name");
    return GalleryVector.newBuilder()
        .setGalleryImageId(entry.galleryImageId())
        .setProductId(entry.productId())
        .setLabel(entry.label())
        .setEmbedding(Embeddings.encode(Embeddings.unit(row.vector())))
        .setDimension(row.vector().length)
        .setExtractor(extractor)
        .setSourceOffset(0)
        .build();
  }

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Row(long id, float[] vector) {}

  /** The vectors of an index, which all have a direction. */
  private static final class Rows {
    private final FaissIndex index;
    private final Map<Long, GalleryEntry> entries;
    private final FloatBuffer buffer;

    Rows(FaissIndex index, Map<Long, GalleryEntry> entries) {
      this.index = index;
      this.entries = entries;
      this.buffer = Segment.buffer(BATCH, index.dimension());
      long[] unused = index.rows(0, buffer.duplicate().limit(0));
    }

    /** Throws an IndexException with code FILE at a vector that is none. */
    Stream<Row> all() {
      return LongStream.range(0, (index.size() + BATCH - 1) / BATCH)
          .mapToObj(number -> batch(number * BATCH))
          .flatMap(List::stream);
    }

    private List<Row> batch(long from) {
      int count = (int) Math.min(BATCH, index.size() - from);
      FloatBuffer some = buffer.duplicate().limit(count * index.dimension());
      List<Row> rows = new ArrayList<>(count);
      for (long id : index.rows(from, some)) {
        float[] vector = new float[index.dimension()];
        some.get(vector);
        requireLength(id, Embeddings.length(vector));
        rows.add(new Row(id, vector));
      }
      return rows;
    }

    private void requireLength(long id, double length) {
      // Written so that NaN fails too.
      if (!(length > 0 && length < Float.MAX_VALUE)) {
        throw new IndexException(
            IndexException.Code.FILE,
            "%s is damaged: the vector of id %d ('%s') has length %s; build it again"
                .formatted(
                    INDEX, id, Objects.requireNonNull(entries.get(id)).galleryImageId(), length));
      }
    }
  }

  /** Every photo by its name; of several with one name, one. */
  public Collection<GalleryEntry> entries() {
    Map<String, GalleryEntry> byName = new HashMap<>();
    entries.values().forEach(entry -> byName.put(entry.galleryImageId(), entry));
    return byName.values();
  }

  /** Name and hash of what made the vectors; empty where nothing says it, as in PaddleClas's. */
  public Optional<String> extractor() {
    return extractor;
  }

  /** Whether it keeps signs of values only, to be compared by Hamming distance. */
  public boolean isBinary() {
    return isBinary;
  }

  /** Number of photos. */
  public int size() {
    return (int) index.size();
  }

  /** Values of an embedding. */
  public int dimension() {
    return index.dimension();
  }

  @Override
  public void close() {
    index.close();
  }
}
