package io.shelfstream.gallery.paddleclas;

import io.shelfstream.index.IndexException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Replaces the files of an index directory together. No file system renames several files at once,
 * so it goes in steps, of which each can be the last one before a crash:
 *
 * <ol>
 *   <li>the new files are written into the folder {@value #DRAFTS} of the directory;
 *   <li>that folder is renamed to {@value #COMPLETE}: from now on the new index counts;
 *   <li>the old index file is deleted, then the names are moved into the directory, and the new
 *       index file last.
 * </ol>
 *
 * Whoever reads the directory here does the rest of the third step first, if it was cut off. For
 * other programs there is the old index, or none for the moment, or the new one: never names beside
 * an index that they do not belong to.
 *
 * <p>One process at a time changes a directory; the system frees the lock of one that was killed.
 */
final class IndexFiles implements AutoCloseable {
  static final String DRAFTS = ".building";
  static final String COMPLETE = ".complete";
  private static final String LOCK = ".lock";

  /** What an index directory consists of. */
  private static final List<String> FILES =
      List.of(IndexDirectory.INDEX, IndexNames.PICKLE, IndexNames.TEXT, IndexOrigin.FILE);

  /** Moving three files takes milliseconds. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** A reader that finishes what was cut off is no reason to refuse a change. */
  private static final Duration UNTIL_READERS_ARE_DONE = Duration.ofSeconds(3);

  private static final Duration PAUSE = Duration.ofMillis(20);

  private final Path directory;
  private final FileChannel lock;

  private IndexFiles(Path directory, FileChannel lock) {
    this.directory = directory;
    this.lock = lock;
  }

  /**
   * Begins a change; what an earlier one left in {@link #draft} is still there.
   *
   * @param directory made when it is not there
   * @throws IndexException with code FILE when another process is changing it
   */
  static IndexFiles change(Path directory) {
    try {
      Files.createDirectories(directory);
      IndexFiles files = locked(directory, UNTIL_READERS_ARE_DONE);
      if (files == null) {
        throw failed(directory, "another process is changing this index; wait until it is done");
      }
      try {
        files.moveComplete();
        Files.createDirectories(directory.resolve(DRAFTS));
        return files;
      } catch (IOException | RuntimeException e) {
        files.close();
        throw e;
      }
    } catch (IOException e) {
      throw cannotWrite(directory, e);
    }
  }

  /** Finishes a change that was cut off after its files were complete. */
  static void settle(Path directory) {
    if (!Files.isDirectory(directory.resolve(COMPLETE))) {
      return;
    }
    try (IndexFiles files = locked(directory, PATIENCE)) {
      if (files != null) {
        files.moveComplete();
      }
    } catch (IOException e) {
      throw new IndexException(
          IndexException.Code.FILE,
          "an update of index directory %s was cut off, and it cannot be finished: %s; open it once with the right to write there"
              .formatted(directory, e),
          e);
    }
  }

  /** Null when somebody else holds the lock all the time. */
  private static @Nullable IndexFiles locked(Path directory, Duration patience) throws IOException {
    FileChannel channel =
        FileChannel.open(
            directory.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      long end = System.nanoTime() + patience.toNanos();
      while (!isLocked(channel)) {
        if (System.nanoTime() >= end) {
          channel.close();
          return null;
        }
        Thread.sleep(PAUSE.toMillis());
      }
      return new IndexFiles(directory, channel);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      channel.close();
      throw failed(directory, "interrupted while another process changes this index");
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  private static boolean isLocked(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false; // held in this process
    }
  }

  /** Where a new file, or one that a later change needs, is written. */
  Path draft(String name) {
    return directory.resolve(DRAFTS).resolve(name);
  }

  /** Puts the new files in place, which are all there as drafts; all other drafts are deleted. */
  void commit() {
    try {
      for (String name : FILES) {
        force(draft(name), StandardOpenOption.WRITE);
      }
      force(directory.resolve(DRAFTS), StandardOpenOption.READ);
      Files.move(
          directory.resolve(DRAFTS), directory.resolve(COMPLETE), StandardCopyOption.ATOMIC_MOVE);
      force(directory, StandardOpenOption.READ);
      moveComplete();
    } catch (IOException e) {
      throw cannotWrite(directory, e);
    }
  }

  private void moveComplete() throws IOException {
    Path complete = directory.resolve(COMPLETE);
    if (!Files.isDirectory(complete)) {
      return;
    }
    Path index = complete.resolve(IndexDirectory.INDEX);
    if (Files.exists(index)) {
      Files.deleteIfExists(directory.resolve(IndexDirectory.INDEX));
      for (Path file : inside(complete)) {
        if (!FILES.contains(String.valueOf(file.getFileName()))) {
          Files.delete(file);
        } else if (!file.equals(index)) {
          moveHere(file);
        }
      }
      force(directory, StandardOpenOption.READ);
      moveHere(index);
    }
    Files.delete(complete);
    force(directory, StandardOpenOption.READ);
  }

  private void moveHere(Path file) throws IOException {
    Files.move(
        file,
        directory.resolve(file.getFileName()),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }

  private static List<Path> inside(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  /** So that a power cut does not undo it. */
  private static void force(Path file, StandardOpenOption option) throws IOException {
    try (FileChannel channel = FileChannel.open(file, option)) {
      channel.force(true);
    }
  }

  /** What tells one state of the files from another, so that a reader notices a change. */
  static List<String> stamp(Path directory) {
    List<String> stamp = new ArrayList<>();
    for (String name : FILES) {
      try {
        BasicFileAttributes file =
            Files.readAttributes(directory.resolve(name), BasicFileAttributes.class);
        stamp.add("%s %d %s".formatted(file.fileKey(), file.size(), file.lastModifiedTime()));
      } catch (IOException e) {
        stamp.add("none");
      }
    }
    return stamp;
  }

  private static IndexException cannotWrite(Path directory, IOException e) {
    return new IndexException(
        IndexException.Code.FILE,
        "cannot write index directory "
            + directory
            + ": "
            + e
            + "; check the folder, the right to write there and its free space",
        e);
  }

  private static IndexException failed(Path directory, String why) {
    return new IndexException(
        IndexException.Code.FILE, "index directory " + directory + ": " + why);
  }

  /** Ends the change; drafts that were not committed stay for the next one. */
  @Override
  public void close() throws IOException {
    try {
      Files.deleteIfExists(directory.resolve(DRAFTS));
    } catch (DirectoryNotEmptyException e) {
      // They stay.
    } finally {
      lock.close();
    }
  }
}
