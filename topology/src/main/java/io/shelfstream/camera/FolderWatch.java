package io.shelfstream.camera;

import io.shelfstream.client.ImageFiles;
import io.shelfstream.client.UsageException;
import io.shelfstream.logging.RepeatedWarning;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Image files below a folder, in the order of their last change. A file counts when its size and
 * its last change have stayed the same for a second, since files appear while they are written. The
 * system's messages about changes are lost at times, and do not come at all from a network drive,
 * so the folder is also looked through from time to time. Used by one thread.
 */
final class FolderWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FolderWatch.class);

  private static final Duration SETTLED = Duration.ofSeconds(1);
  private static final Duration LOOK = Duration.ofMillis(250);
  private static final Duration SCAN = Duration.ofSeconds(10);

  /** Share of the time that looking through the folder may take, as one of so many. */
  private static final int SCAN_SHARE = 20;

  private final Path folder;
  private final Spool spool;
  private final Counts counts;
  private final WatchService watcher;
  private final Map<WatchKey, Path> watched = new HashMap<>();
  private final Set<Path> watchedFolders = new HashSet<>();
  private final Map<Path, Seen> unsettled = new HashMap<>();
  private final RepeatedWarning warning = new RepeatedWarning();
  private long nextScan;

  /** A file as it was last seen, and since when it is so. */
  private record Seen(long changed, long size, long since) {
    boolean isAs(BasicFileAttributes now) {
      return changed == now.lastModifiedTime().toMillis() && size == now.size();
    }

    static Seen now(BasicFileAttributes file) {
      return new Seen(file.lastModifiedTime().toMillis(), file.size(), System.nanoTime());
    }
  }

  FolderWatch(Path folder, Spool spool, Counts counts) throws IOException {
    this.folder = folder.toAbsolutePath().normalize();
    this.spool = spool;
    this.counts = counts;
    if (!Files.isDirectory(this.folder)) {
      throw new UsageException(this.folder + " is no folder that can be watched");
    }
    this.watcher = this.folder.getFileSystem().newWatchService();
  }

  /** Takes files until its thread is interrupted. */
  void run(FileSink sink) {
    try {
      while (!Thread.currentThread().isInterrupted()) {
        if (System.nanoTime() - nextScan >= 0) {
          scan();
        }
        events();
        takeSettled(sink);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Takes a file. */
  interface FileSink {
    /**
     * @param source to be noted in the spool
     */
    void take(Path file, Instant changed, String source) throws IOException;
  }

  private void scan() {
    long start = System.nanoTime();
    Set<String> present = new HashSet<>();
    try {
      walk(folder, present);
      spool.keepOnly(present);
    } catch (IOException | UncheckedIOException e) {
      warn(e);
    }
    long took = System.nanoTime() - start;
    nextScan = System.nanoTime() + Math.max(SCAN.toNanos(), took * SCAN_SHARE);
  }

  private void warn(Exception e) {
    warning.log(
        log.atWarn().addKeyValue("folder", folder),
        "The folder cannot be read: {}",
        String.valueOf(e));
  }

  private void walk(Path start, Set<String> present) throws IOException {
    Files.walkFileTree(
        start,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
            watch(dir);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (attributes.isRegularFile() && ImageFiles.isNamedAsImage(file)) {
              present.add(id(file, attributes));
              see(file, attributes);
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (file.equals(folder)) {
              throw e; // all files would count as gone
            }
            return FileVisitResult.CONTINUE; // it was deleted, or is not for us
          }
        });
  }

  private void watch(Path dir) {
    if (watchedFolders.contains(dir)) {
      return;
    }
    try {
      WatchKey key =
          dir.register(
              watcher, StandardWatchEventKinds.ENTRY_CREATE, StandardWatchEventKinds.ENTRY_MODIFY);
      watched.put(key, dir);
      watchedFolders.add(dir);
    } catch (IOException e) {
      // Too many watched folders for the system, or it has gone: it is looked through only.
      log.atDebug().setCause(e).addKeyValue("folder", dir).log("A folder is not watched");
    }
  }

  private void events() throws InterruptedException {
    WatchKey key = watcher.poll(LOOK.toMillis(), TimeUnit.MILLISECONDS);
    while (key != null) {
      Path dir = watched.get(key);
      for (WatchEvent<?> event : key.pollEvents()) {
        if (event.kind() == StandardWatchEventKinds.OVERFLOW) {
          nextScan = System.nanoTime();
        } else if (dir != null) {
          changed(dir.resolve((Path) event.context()));
        }
      }
      if (!key.reset()) {
        watched.remove(key);
        watchedFolders.remove(dir);
      }
      key = watcher.poll();
    }
  }

  private void changed(Path path) {
    try {
      BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
      if (attributes.isDirectory()) {
        walk(path, new HashSet<>());
      } else if (attributes.isRegularFile() && ImageFiles.isNamedAsImage(path)) {
        see(path, attributes);
      }
    } catch (IOException e) {
      unsettled.remove(path); // it has gone again
    }
  }

  private static String id(Path file, BasicFileAttributes attributes) {
    return TakenFiles.id(file, attributes.lastModifiedTime().toMillis(), attributes.size());
  }

  private void see(Path file, BasicFileAttributes attributes) {
    if (!spool.hasTaken(id(file, attributes))) {
      unsettled.compute(
          file,
          (f, before) -> before != null && before.isAs(attributes) ? before : Seen.now(attributes));
    }
  }

  private void takeSettled(FileSink sink) {
    Map<Path, Seen> settled = new HashMap<>();
    for (Path file : List.copyOf(unsettled.keySet())) {
      try {
        BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
        Seen before = unsettled.get(file);
        if (before == null || !before.isAs(now)) {
          unsettled.put(file, Seen.now(now));
        } else if (System.nanoTime() - before.since() >= SETTLED.toNanos() && now.size() > 0) {
          settled.put(file, before);
        }
      } catch (IOException e) {
        unsettled.remove(file);
      }
    }
    List<Map.Entry<Path, Seen>> inOrder = new ArrayList<>(settled.entrySet());
    inOrder.sort(
        Comparator.comparing((Map.Entry<Path, Seen> file) -> file.getValue().changed())
            .thenComparing(file -> file.getKey().toString()));
    for (Map.Entry<Path, Seen> next : inOrder) {
      Path file = next.getKey();
      unsettled.remove(file);
      try {
        take(file, next.getValue(), sink);
      } catch (IOException e) {
        counts.failed();
        warning.log(
            log.atWarn().addKeyValue("file", file),
            "A file cannot be taken and is tried again: {}",
            String.valueOf(e));
      }
    }
  }

  private void take(Path file, Seen seen, FileSink sink) throws IOException {
    String source = TakenFiles.id(file, seen.changed(), seen.size());
    if (!spool.hasTaken(source)) {
      sink.take(file, Instant.ofEpochMilli(seen.changed()), source);
    }
  }

  @Override
  public void close() throws IOException {
    watcher.close();
  }
}
