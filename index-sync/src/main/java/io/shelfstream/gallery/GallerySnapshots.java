package io.shelfstream.gallery;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.IntToLongFunction;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Snapshots of a gallery in a directory, so that a start reads a file and the topic's tail instead
 * of decoding the whole topic. The newest that can be used counts; what cannot be used is named,
 * left alone and the topic read instead. Not for two galleries at once.
 */
public final class GallerySnapshots {

  private static final Logger log = LoggerFactory.getLogger(GallerySnapshots.class);

  /** The newest, and the one before in case the newest turns out damaged. */
  private static final int KEPT = 2;

  private static final String PREFIX = "gallery-";
  private static final String SUFFIX = ".snapshot";
  private static final String ASIDE = ".ahead";

  private final Path folder;
  private final String topicId;
  private long savedVersion = -1;

  /**
   * @param folder made when it is missing
   * @param topicId Kafka's id of the vectors topic
   * @throws IOException when it cannot be written to
   */
  public GallerySnapshots(Path folder, String topicId) throws IOException {
    this.folder = Files.createDirectories(folder);
    this.topicId = topicId;
    if (!Files.isWritable(folder)) {
      throw new IOException("cannot write gallery snapshots to " + folder + "; check its owner");
    }
    for (Path draft : files(SnapshotFile.DRAFT, "")) {
      Files.delete(draft); // of a process that was killed
    }
  }

  /** The same where nobody can say how far the topic reaches. */
  public boolean restore(Gallery gallery) throws IOException {
    return restore(gallery, partition -> Long.MAX_VALUE);
  }

  /**
   * Fills an empty gallery from the newest snapshot that fits it.
   *
   * @param ends by partition, the offset of the next record: what lies beyond is of records that
   *     the topic lost, and such a snapshot is put aside, for the topic will grow past it again
   * @return whether there was one
   * @throws IOException when the directory cannot be read
   */
  public synchronized boolean restore(Gallery gallery, IntToLongFunction ends) throws IOException {
    for (Path file : newestFirst()) {
      try (FileChannel channel = FileChannel.open(file)) {
        long start = System.nanoTime();
        SnapshotFile.Header header = SnapshotFile.open(channel);
        String unfit = header.unfitFor(topicId, gallery.extractorId(), gallery.dimension());
        if (!unfit.isEmpty()) {
          throw new IOException(unfit);
        }
        requireWithin(ends, header.versions(), file);
        gallery.restore(channel, header);
        savedVersion = gallery.state().version();
        log.atInfo()
            .addKeyValue("file", file)
            .addKeyValue("photos", header.photos())
            .addKeyValue("galleryVersion", gallery.state().version())
            .addKeyValue("ms", (System.nanoTime() - start) / 1_000_000)
            .log("Gallery read from its snapshot");
        return true;
      } catch (IOException e) {
        log.atWarn()
            .addKeyValue("file", file)
            .log("Gallery snapshot is not used, the topic will be read instead: {}", reason(e));
      }
    }
    return false;
  }

  private static void requireWithin(IntToLongFunction ends, Map<Integer, Long> versions, Path file)
      throws IOException {
    for (Map.Entry<Integer, Long> version : versions.entrySet()) {
      long end = ends.applyAsLong(version.getKey());
      if (version.getValue() > end) {
        Path aside = file.resolveSibling(file.getFileName() + ASIDE);
        Files.move(file, aside, StandardCopyOption.REPLACE_EXISTING);
        throw new IOException(
            "it holds records up to offset %d of partition %d, but the topic ends at %d: it lost records; the file is now %s"
                .formatted(version.getValue(), version.getKey(), end, aside.getFileName()));
      }
    }
  }

  private static String reason(IOException e) {
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }

  /**
   * Writes a snapshot, unless nothing came since the last one. Searches and changes go on
   * meanwhile.
   *
   * @return whether one was written
   * @throws IOException when it cannot be written; earlier ones are still there then
   */
  public synchronized boolean save(Gallery gallery) throws IOException {
    long start = System.nanoTime();
    long version = gallery.state().version();
    if (version == savedVersion) {
      return false;
    }
    // By time and not by version: another topic's may be higher.
    Path file = folder.resolve("%s%015d%s".formatted(PREFIX, System.currentTimeMillis(), SUFFIX));
    gallery.save(file, topicId);
    savedVersion = version;
    log.atInfo()
        .addKeyValue("file", file)
        .addKeyValue("ms", (System.nanoTime() - start) / 1_000_000)
        .log("Gallery snapshot written");
    List<Path> files = newestFirst();
    for (Path old : files.subList(Math.min(KEPT, files.size()), files.size())) {
      Files.delete(old);
    }
    return true;
  }

  private List<Path> newestFirst() throws IOException {
    List<Path> files = new ArrayList<>(files(PREFIX, SUFFIX));
    files.sort(Comparator.comparing(Path::getFileName).reversed());
    return files;
  }

  private List<Path> files(String start, String end) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(
              file -> {
                String name = file.getFileName().toString();
                return name.startsWith(start) && name.endsWith(end);
              })
          .toList();
    }
  }
}
