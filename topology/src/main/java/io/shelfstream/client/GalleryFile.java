package io.shelfstream.client;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A gallery in the text format of PaddleClas: UTF-8, one {@code relative/path<TAB>label} a line.
 * The path is the photo's id, the label names the product. Unlike PaddleClas, labels may hold
 * spaces.
 */
public record GalleryFile(Path imageRoot, List<Photo> photos) {

  /**
   * One line of the file.
   *
   * @param id the path as written in the file
   */
  public record Photo(String id, Path file, String label) {}

  /**
   * Reads a gallery file.
   *
   * @param imageRoot folder the paths are relative to; null for the file's own
   * @throws UsageException naming every line that is wrong
   */
  public static GalleryFile read(Path file, @Nullable Path imageRoot) throws IOException {
    // References are judged as they are written: no .. in them.
    Path root =
        (imageRoot != null ? imageRoot : file.toAbsolutePath().resolveSibling(""))
            .toAbsolutePath()
            .normalize();
    List<String> problems = new ArrayList<>();
    List<Photo> photos = new ArrayList<>();
    List<String> lines;
    try {
      lines = Files.readAllLines(file, StandardCharsets.UTF_8);
    } catch (CharacterCodingException e) {
      throw new UsageException(file + " is not UTF-8; convert it, for instance with iconv");
    } catch (java.nio.file.NoSuchFileException e) {
      throw new UsageException("Gallery file " + file + " does not exist");
    }
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (line.isEmpty()) {
        continue;
      }
      String[] fields = line.split("\t", 3);
      if (fields.length < 2 || fields[0].isBlank() || fields[1].isBlank()) {
        problems.add("line " + (i + 1) + ": '" + line + "'");
      } else {
        photos.add(new Photo(fields[0], root.resolve(fields[0]), fields[1].strip()));
      }
    }
    if (!problems.isEmpty()) {
      throw new UsageException(
          file
              + ": expected 'relative/path<TAB>label' on each line, but not so on\n  "
              + String.join("\n  ", problems));
    }
    if (photos.isEmpty()) {
      throw new UsageException(file + " lists no photos");
    }
    return new GalleryFile(root, photos);
  }
}
