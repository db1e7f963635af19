package io.shelfstream.gallery.paddleclas;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.index.BinaryIndex;
import io.shelfstream.index.FaissIndex;
import io.shelfstream.index.IndexException;
import io.shelfstream.index.IndexType;
import io.shelfstream.index.Metric;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Writer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Writes a gallery as PaddleClas's build_gallery does, and as {@link IndexDirectory} reads it: the
 * index, the names as a pickle for PaddleClas's Python programs, and ids and labels as text for its
 * C++ programs. Makes a new index, or changes one that is there. The directory is as it was until
 * {@link #finish}, and then all of it is new. One writer at a time has a directory; used by one
 * thread.
 *
 * <p>Ids are never used again, also after the photo with the largest was removed: a file of ours,
 * {@value IndexOrigin#FILE}, says which comes next, and which extractor made the vectors.
 */
public final class IndexDirectoryWriter implements AutoCloseable {

  /** An inverted file with lists for as many photos as come, as PaddleClas has it. */
  public static final String IVF = "IVF";

  private static final String BINARY_IVF = "BIVF";

  private static final Pattern BINARY = Pattern.compile("BFlat|BHNSW\\d{1,3}|BIVF\\d*");

  /** Vectors handed to Faiss together. */
  private static final int BATCH = 1024;

  /** Bytes of vectors that an index is trained with; some of them where there are more. */
  private static final long MOST_TO_TRAIN = 1L << 30;

  private static final String VECTORS = "vectors";
  private static final String EMBEDDINGS = "embeddings";

  private final IndexFiles files;
  private final String type;
  private final int dimension;
  private final SortedMap<Long, String> names;
  private final Path spooled;
  private final FileChannel spool;
  private final ByteBuffer row;
  private final List<Long> added = new ArrayList<>();
  private final Set<Long> removed = new HashSet<>();
  private @Nullable FaissIndex index;
  private @Nullable String extractor;
  private long nextId;

  private IndexDirectoryWriter(
      IndexFiles files,
      String type,
      int dimension,
      @Nullable FaissIndex index,
      SortedMap<Long, String> names,
      IndexOrigin origin)
      throws IOException {
    this.files = files;
    this.type = type;
    this.dimension = dimension;
    this.index = index;
    this.names = names;
    this.extractor = origin.extractor().orElse(null);
    this.nextId =
        names.isEmpty() ? origin.nextId() : Math.max(origin.nextId(), names.lastKey() + 1);
    this.row = direct(1);
    this.spooled = files.draft(VECTORS);
    this.spool =
        FileChannel.open(
            spooled,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
  }

  private ByteBuffer direct(int rows) {
    return ByteBuffer.allocateDirect(rows * dimension * Float.BYTES).order(ByteOrder.nativeOrder());
  }

  /**
   * Begins an index that takes the place of the one that may be there.
   *
   * @param type HNSW32, PaddleClas's default; Flat; {@value #IVF}; or another type that {@link
   *     FaissIndex#create} knows; BFlat, BHNSW32 or BIVF for the signs of the values only
   * @param extractor what makes its vectors; null when it is not known
   * @throws IllegalArgumentException for a type that there is not
   * @throws IndexException with code FILE when the directory cannot be written, or another process
   *     is changing it
   */
  public static IndexDirectoryWriter create(
      Path directory, String type, int dimension, @Nullable String extractor) throws IOException {
    requireType(type, dimension);
    IndexFiles files = IndexFiles.change(directory);
    try {
      return new IndexDirectoryWriter(
          files,
          type,
          dimension,
          null,
          new TreeMap<>(),
          new IndexOrigin(Optional.ofNullable(extractor), 0));
    } catch (IOException | RuntimeException e) {
      files.close();
      throw e;
    }
  }

  /**
   * Begins a change of the index that is there.
   *
   * @throws IndexException with code FILE or UNSUPPORTED when it cannot be read, as {@link
   *     IndexDirectory#open} throws it, or as {@link #create} does
   */
  public static IndexDirectoryWriter change(Path directory) throws IOException {
    IndexDirectory.requireFiles(directory);
    IndexFiles files = IndexFiles.change(directory);
    FaissIndex index = null;
    try {
      StoredIndex stored = StoredIndex.read(directory.resolve(IndexDirectory.INDEX));
      index = stored.vectors();
      IndexDirectory.requireInnerProduct(directory, index);
      SortedMap<Long, String> names = IndexNames.read(directory, index.ids());
      requireUnitLength(directory, index, names);
      return new IndexDirectoryWriter(
          files, stored.type(), index.dimension(), index, names, IndexOrigin.read(directory));
    } catch (IOException | RuntimeException e) {
      if (index != null) {
        index.close();
      }
      files.close();
      throw e;
    }
  }

  private static void requireUnitLength(
      Path directory, FaissIndex index, SortedMap<Long, String> names) {
    Map<Long, GalleryEntry> entries = new HashMap<>();
    names.forEach((id, name) -> entries.put(id, IndexNames.entry(id, name, Labels.WHOLE)));
    if (!IndexDirectory.haveUnitLength(index, entries)) {
      throw new IndexException(
          IndexException.Code.FILE,
          "the vectors in %s have not length 1, as those of an extractor have here; such an index is only read: build it again"
              .formatted(directory));
    }
  }

  private static void requireType(String type, int dimension) {
    if (!isBinary(type)) {
      FaissIndex.create(resolved(type, 0), dimension, Metric.INNER_PRODUCT).close();
    } else if (!BINARY.matcher(type).matches()) {
      throw new IllegalArgumentException(
          "index type " + type + " refused: use BFlat, BHNSW32 or BIVF");
    } else if (dimension % Byte.SIZE != 0) {
      throw new IllegalArgumentException(
          "index type %s refused: codes have a multiple of 8 bits, the vectors have %d values"
              .formatted(type, dimension));
    }
  }

  private static boolean isBinary(String type) {
    return type.startsWith("B");
  }

  /** A list for every eight photos, as PaddleClas has it, but at least one. */
  private static String resolved(String type, long photos) {
    long lists = Math.max(1, Math.min(photos / 8, 65_536));
    return type.equals(IVF) ? IndexType.ivf((int) lists).name() : type;
  }

  /** The same for codes; lists are made anew each time, and never more than there are photos. */
  private static String resolvedBinary(String type, long photos) {
    long lists = Math.max(1, Math.min(photos / 8, 65_536));
    return !type.startsWith(BINARY_IVF) ? type : photos == 0 ? "BFlat" : BINARY_IVF + lists;
  }

  /** What made the vectors that are there; empty when that is not known. */
  public Optional<String> extractor() {
    return Optional.ofNullable(extractor);
  }

  /** Says what made all vectors, those that are there and those that are added. */
  public void madeBy(String extractor) {
    this.extractor = extractor;
  }

  /** Values of a vector. */
  public int dimension() {
    return dimension;
  }

  /** Whether the index keeps bits only. */
  public boolean isBinary() {
    return isBinary(type);
  }

  /** Faiss's name of the type; {@value #IVF} before the number of lists is known. */
  public String type() {
    return type;
  }

  /** Every photo, by id: those that are there and those that were added. */
  public Collection<GalleryEntry> photos() {
    List<GalleryEntry> photos = new ArrayList<>(names.size());
    names.forEach((id, name) -> photos.add(IndexNames.entry(id, name, Labels.WHOLE)));
    return photos;
  }

  /**
   * A journal of embeddings in the directory, kept until {@link #finish}, also when this process
   * ends before.
   *
   * @param made what makes the embeddings: those made otherwise are dropped
   */
  public EmbeddingJournal journal(String made) throws IOException {
    return EmbeddingJournal.open(files.draft(EMBEDDINGS), made, dimension);
  }

  /**
   * Refuses a photo whose id or label cannot be written in this format.
   *
   * @throws IllegalArgumentException saying why
   */
  public static void requireName(GalleryEntry photo) {
    String unused = IndexNames.of(photo);
  }

  /** Adds a photo of the vectors topic. */
  public void add(GalleryVector photo) throws IOException {
    if (added.isEmpty() && index == null) {
      extractor = photo.getExtractor();
    } else if (!photo.getExtractor().equals(extractor)) {
      extractor = null; // of several
    }
    add(
        new GalleryEntry(
            photo.getGalleryImageId(),
            photo.getProductId(),
            photo.getLabel(),
            photo.getGtin(),
            photo.getAttributes()),
        Embeddings.decode(photo.getEmbedding()));
  }

  /**
   * Adds a photo under the next id; its name is its galleryImageId, a tab and its label, as in a
   * gallery list, and a tab and its GTIN where it has one.
   *
   * @param embedding unit length, of this dimension
   * @throws IllegalArgumentException when it has another dimension, or id or label cannot be
   *     written in this format
   */
  public void add(GalleryEntry photo, float[] embedding) throws IOException {
    String name = IndexNames.of(photo);
    if (embedding.length != dimension) {
      throw new IllegalArgumentException(
          "photo '%s' refused: its embedding has %d values, those before it %d"
              .formatted(photo.galleryImageId(), embedding.length, dimension));
    }
    row.clear().asFloatBuffer().put(embedding);
    while (row.hasRemaining()) {
      spool.write(row);
    }
    names.put(nextId, name);
    added.add(nextId++);
  }

  /**
   * Removes photos that were there before.
   *
   * @return the photos that go
   * @throws IndexException with code UNSUPPORTED when the index is a graph over codes: Faiss cannot
   *     remove from a graph, and codes are not enough to build it again
   */
  public List<GalleryEntry> remove(Predicate<GalleryEntry> which) {
    List<GalleryEntry> gone = new ArrayList<>();
    names.forEach(
        (id, name) -> {
          GalleryEntry photo = IndexNames.entry(id, name, Labels.WHOLE);
          if (which.test(photo)) {
            removed.add(id);
            gone.add(photo);
          }
        });
    names.keySet().removeAll(removed);
    return gone;
  }

  /**
   * Puts the index in place. After that only {@link #close} may be called.
   *
   * @return number of its photos
   */
  public int finish() throws IOException {
    FaissIndex whole = index == null ? made() : without(index);
    index = whole;
    addSpooled(whole);
    Path draft = files.draft(IndexDirectory.INDEX);
    if (isBinary(type)) {
      BinaryIndex.write(draft, resolvedBinary(type, whole.size()), whole);
    } else {
      whole.write(draft);
    }
    try (OutputStream out =
        new BufferedOutputStream(Files.newOutputStream(files.draft(IndexNames.PICKLE)))) {
      PickledNames.write(names, out);
    }
    try (Writer out = Files.newBufferedWriter(files.draft(IndexNames.TEXT), UTF_8)) {
      IndexNames.writeText(names, out);
    }
    new IndexOrigin(extractor(), nextId).write(files.draft(IndexOrigin.FILE), draft);
    files.commit();
    return names.size();
  }

  private FaissIndex made() throws IOException {
    FaissIndex made =
        FaissIndex.create(
            isBinary(type) ? IndexType.FLAT.name() : resolved(type, added.size()),
            dimension,
            Metric.INNER_PRODUCT);
    try {
      if (!made.trained()) {
        made.train(toTrain());
      }
      return made;
    } catch (IOException | RuntimeException e) {
      made.close();
      throw e;
    }
  }

  /** All vectors, or as many as fit, at even distances. */
  private FloatBuffer toTrain() throws IOException {
    long most = Math.max(1, MOST_TO_TRAIN / ((long) dimension * Float.BYTES));
    long step = (added.size() + most - 1) / most;
    try (FileChannel in =
        FileChannel.open(spooled, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      if (step <= 1) {
        // Only buffers that may be written to are read in place.
        return in.map(FileChannel.MapMode.PRIVATE, 0, in.size())
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
      }
      ByteBuffer some = direct((int) ((added.size() + step - 1) / step));
      for (long i = 0; some.hasRemaining(); i += step) {
        some.limit(some.position() + row.capacity());
        readFully(in, some, i * row.capacity());
        some.limit(some.capacity());
      }
      return some.flip().asFloatBuffer();
    }
  }

  private void addSpooled(FaissIndex whole) throws IOException {
    try (FileChannel in = FileChannel.open(spooled)) {
      ByteBuffer batch = direct(BATCH);
      for (int from = 0; from < added.size(); from += BATCH) {
        int rows = Math.min(BATCH, added.size() - from);
        batch.clear().limit(rows * row.capacity());
        readFully(in, batch, (long) from * row.capacity());
        long[] ids = added.subList(from, from + rows).stream().mapToLong(id -> id).toArray();
        whole.add(ids, batch.flip().asFloatBuffer());
      }
    }
  }

  private static void readFully(FileChannel in, ByteBuffer into, long place) throws IOException {
    long from = place;
    while (into.hasRemaining()) {
      int read = in.read(into, from);
      if (read < 0) {
        throw new IOException("the spooled vectors end too early");
      }
      from += read;
    }
  }

  /** The index without what was removed: itself, or where it is a graph another one. */
  private FaissIndex without(FaissIndex old) {
    if (removed.isEmpty()) {
      return old;
    }
    long[] ids = removed.stream().mapToLong(id -> id).toArray();
    if (!old.type().startsWith("HNSW")) {
      old.remove(ids);
      return old;
    }
    FaissIndex rest = FaissIndex.create(old.type(), dimension, old.metric());
    try {
      FloatBuffer some = direct(BATCH).asFloatBuffer();
      for (long from = 0; from < old.size(); from += BATCH) {
        int rows = (int) Math.min(BATCH, old.size() - from);
        long[] those = old.rows(from, some.clear().limit(rows * dimension));
        if (!rest.trained()) {
          rest.train(some.duplicate());
        }
        keep(those, some, rest);
      }
    } catch (RuntimeException e) {
      rest.close();
      throw e;
    }
    old.close();
    return rest;
  }

  private void keep(long[] ids, FloatBuffer rows, FaissIndex rest) {
    float[] vectors = new float[ids.length * dimension];
    long[] kept = new long[ids.length];
    int count = 0;
    for (int i = 0; i < ids.length; i++) {
      if (!removed.contains(ids[i])) {
        rows.get(i * dimension, vectors, count * dimension, dimension);
        kept[count++] = ids[i];
      }
    }
    rest.add(Arrays.copyOf(kept, count), FloatBuffer.wrap(vectors, 0, count * dimension));
  }

  /** Frees the directory; unless finished it is as it was, but for the journal. */
  @Override
  public void close() throws IOException {
    try {
      spool.close();
      Files.deleteIfExists(spooled);
      if (index != null) {
        index.close();
      }
    } finally {
      files.close();
    }
  }
}
