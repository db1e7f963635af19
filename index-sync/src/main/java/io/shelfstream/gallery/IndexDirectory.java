package io.shelfstream.gallery;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.index.FaissIndex;
import io.shelfstream.index.IndexException;
import io.shelfstream.index.Metric;
import io.shelfstream.index.Neighbor;
import io.shelfstream.index.Segment;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.LongStream;

/**
 * A gallery that does not change, read from a directory as PaddleClas's build_gallery leaves it:
 * {@value #INDEX} in Faiss's format, and {@value #NAMES} as {@link IndexNames} reads it. Product
 * and label are the same here.
 */
public final class IndexDirectory implements ProductSearch, AutoCloseable {

  static final String INDEX = "vector.index";
  static final String NAMES = "id_map.txt";

  /** Vectors that are taken from Faiss together. */
  private static final int BATCH = 1024;

  private final FaissIndex index;
  private final Map<Long, GalleryEntry> entries;
  private final NearestPhotos nearest;
  private final GalleryState state;

  private IndexDirectory(FaissIndex index, Map<Long, GalleryEntry> entries) {
    this.index = index;
    this.entries = entries;
    this.nearest = new NearestPhotos(new Named(index, entries));
    this.state = new GalleryState(Map.of(), (int) index.size(), index.type());
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
  }

  /**
   * Reads the directory.
   *
   * @throws IndexException with code FILE or UNSUPPORTED when it cannot be used: the message says
   *     which file, what is wrong and what to do
   */
  public static IndexDirectory open(Path directory) {
    requireFiles(directory);
    Map<Long, GalleryEntry> entries = IndexNames.read(directory.resolve(NAMES));
    FaissIndex index = FaissIndex.read(directory.resolve(INDEX));
    try {
      requireInnerProduct(directory, index);
      requireNames(directory, index, entries);
      return new IndexDirectory(index, entries);
    } catch (IndexException e) {
      index.close();
      throw e;
    }
  }

  private static void requireFiles(Path directory) {
    if (!Files.isDirectory(directory)) {
      throw failed(directory, "there is no such directory");
    }
    if (!Files.exists(directory.resolve(INDEX))) {
      throw failed(directory, INDEX + " is missing; build it with PaddleClas or gallery build");
    }
    if (Files.exists(directory.resolve(NAMES))) {
      return;
    }
    if (Files.exists(directory.resolve("id_map.pkl"))) {
      // A pickle is a program: it is never opened here.
      throw failed(
          directory,
          NAMES
              + " is missing, and id_map.pkl is not read, as it can hold any code; convert a file you"
              + " trust in that directory: python3 -c \"import pickle; [print(k, v.strip()) for k, v"
              + " in pickle.load(open('id_map.pkl', 'rb')).items()]\" > "
              + NAMES);
    }
    throw failed(directory, NAMES + " is missing; it names the photos: a line 'id label' for each");
  }

  private static void requireInnerProduct(Path directory, FaissIndex index) {
    if (index.metric() != Metric.INNER_PRODUCT) {
      throw failed(
          directory,
          INDEX + " compares by distance; build it again with dist_type IP, as scores are needed");
    }
  }

  private static void requireNames(
      Path directory, FaissIndex index, Map<Long, GalleryEntry> entries) {
    for (long id : index.ids()) {
      if (!entries.containsKey(id)) {
        throw failed(
            directory,
            "%s holds id %d, which %s does not name (%d vectors, %d names); the two files belong to different builds"
                .formatted(INDEX, id, NAMES, index.size(), entries.size()));
      }
    }
  }

  private static IndexException failed(Path directory, String why) {
    return new IndexException(
        IndexException.Code.FILE, "cannot open index directory " + directory + ": " + why);
  }

  /** These photos have no attributes, so every filter allows all of them. */
  @Override
  public Result search(List<float[]> embeddings, int k, PhotoFilter filter) {
    return new Result(nearest.find(embeddings, k), state);
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
    FloatBuffer rows = Segment.buffer(BATCH, dimension());
    long[] unused = index.rows(0, rows.duplicate().limit(0));
    return LongStream.range(0, (index.size() + BATCH - 1) / BATCH)
        .mapToObj(number -> batch(number * BATCH, rows, extractor))
        .flatMap(List::stream)
        .iterator();
  }

  private List<GalleryVector> batch(long from, FloatBuffer rows, String extractor) {
    int count = (int) Math.min(BATCH, index.size() - from);
    FloatBuffer some = rows.duplicate().limit(count * dimension());
    long[] ids = index.rows(from, some);
    List<GalleryVector> photos = new ArrayList<>(count);
    for (long id : ids) {
      float[] embedding = new float[dimension()];
      some.get(embedding);
      photos.add(vector(id, embedding, extractor));
    }
    return photos;
  }

  private GalleryVector vector(long id, float[] embedding, String extractor) {
    GalleryEntry entry = Objects.requireNonNull(entries.get(id), "every id has its name");
    double length = Embeddings.length(embedding);
    // Written so that NaN fails too.
    if (!(length > 0 && length < Float.MAX_VALUE)) {
      throw new IndexException(
          IndexException.Code.FILE,
          "%s is damaged: the vector of id %d ('%s') has length %s; build it again"
              .formatted(INDEX, id, entry.galleryImageId(), length));
    }
    return GalleryVector.newBuilder()
        .setGalleryImageId(entry.galleryImageId())
        .setProductId(entry.productId())
        .setLabel(entry.label())
        .setEmbedding(Embeddings.encode(Embeddings.unit(embedding)))
        .setDimension(embedding.length)
        .setExtractor(extractor)
        .setSourceOffset(0)
        .build();
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
