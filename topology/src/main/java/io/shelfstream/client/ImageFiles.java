package io.shelfstream.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/** Image files below a folder, in a fixed order. */
public final class ImageFiles {
  /** Of the formats that can be decoded. */
  private static final Set<String> EXTENSIONS = Set.of("jpg", "jpeg", "png", "bmp", "webp");

  private ImageFiles() {}

  /**
   * A file itself, or all images below a folder, sorted by path.
   *
   * @throws UsageException when there is no such file, or no image below the folder
   */
  public static List<Path> below(Path start) throws IOException {
    if (Files.isRegularFile(start)) {
      return List.of(start);
    }
    if (!Files.isDirectory(start)) {
      throw new UsageException("No such image or folder: " + start);
    }
    try (Stream<Path> files = Files.walk(start)) {
      List<Path> images = files.filter(ImageFiles::isImage).sorted().toList();
      if (images.isEmpty()) {
        throw new UsageException(
            "No images ("
                + String.join(", ", EXTENSIONS.stream().sorted().toList())
                + ") below "
                + start);
      }
      return images;
    }
  }

  /** Images in a folder itself, sorted; possibly none. */
  public static List<Path> in(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(ImageFiles::isImage).sorted().toList();
    }
  }

  private static boolean isImage(Path file) {
    return Files.isRegularFile(file) && hasExtension(file);
  }

  private static boolean hasExtension(Path file) {
    String name = file.getFileName().toString();
    String extension = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    return EXTENSIONS.contains(extension);
  }

  /**
   * Whether a file's name is that of a finished image. Programs give files that they are writing
   * names that begin with a dot, or that end otherwise.
   */
  public static boolean isNamedAsImage(Path file) {
    return hasExtension(file) && !file.getFileName().toString().startsWith(".");
  }
}
