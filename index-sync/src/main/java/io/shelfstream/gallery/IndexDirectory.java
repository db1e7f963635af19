package io.shelfstream.gallery;

import io.shelfstream.index.FaissIndex;
import io.shelfstream.index.IndexException;
import io.shelfstream.index.Metric;
import io.shelfstream.index.Neighbor;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A gallery that does not change, read from a directory as PaddleClas's build_gallery leaves it:
 * {@value #INDEX} in Faiss's format, and {@value #NAMES} as {@link IndexNames} reads it. Product
 * and label are the same here.
 */
public final class IndexDirectory implements ProductSearch, AutoCloseable {

  static final String INDEX = "vector.index";
  static final String NAMES = "id_map.txt";

  private final FaissIndex index;
  private final NearestPhotos nearest;
  private final GalleryState state;

  private IndexDirectory(FaissIndex index, Map<Long, GalleryEntry> entries) {
    this.index = index;
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

  /** Values of an embedding. */
  public int dimension() {
    return index.dimension();
  }

  @Override
  public void close() {
    index.close();
  }
}
