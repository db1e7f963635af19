package io.shelfstream.camera;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;

/** A folder, with a folder for each camera and in it one for each day. */
final class FolderStore implements FrameStore {
  private final Path folder;
  private final String camera;

  FolderStore(Path folder, String camera) throws IOException {
    this.folder = Files.createDirectories(folder.toAbsolutePath().normalize());
    this.camera = camera;
  }

  @Override
  public String put(String name, String extension, Path picture) throws IOException {
    Path file = folder.resolve(FrameName.path(camera, name, extension));
    if (!Files.exists(file)) {
      Files.createDirectories(Durable.folder(file));
      link(picture, file);
    }
    return file.toUri().toString();
  }

  /** A second name is enough on the same disk. */
  private static void link(Path picture, Path file) throws IOException {
    try {
      Files.createLink(file, picture);
      Durable.force(Durable.folder(file));
    } catch (NoSuchFileException e) {
      throw e;
    } catch (UnsupportedOperationException | IOException e) {
      Durable.write(file, Files.readAllBytes(picture));
    }
  }

  @Override
  public int deleteOlder(Instant before, String oldestWaiting) throws IOException {
    Path ours = folder.resolve(FrameName.folder(camera));
    if (!Files.isDirectory(ours)) {
      return 0;
    }
    int deleted = 0;
    for (Path day : listed(ours)) {
      if (Files.isDirectory(day)) {
        List<Path> frames = listed(day);
        int gone = 0;
        for (Path frame : frames) {
          if (FrameStore.isOlder(frame.toString(), before, oldestWaiting)) {
            Files.deleteIfExists(frame);
            gone++;
          }
        }
        if (gone == frames.size() && gone > 0) {
          Files.delete(day);
        }
        deleted += gone;
      }
    }
    return deleted;
  }

  private static List<Path> listed(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }
}
