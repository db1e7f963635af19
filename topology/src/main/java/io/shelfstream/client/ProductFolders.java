package io.shelfstream.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Folders that hold a folder for each product, named after it, with its photos. */
public final class ProductFolders {
  private ProductFolders() {}

  /**
   * The folders of each product. Those whose name begins with a dot are left out.
   *
   * @param given the folders that hold them
   * @throws UsageException when one is no folder, holds photos itself, or none holds a product
   */
  public static Map<String, List<Path>> in(List<Path> given) throws IOException {
    Map<String, List<Path>> folders = new TreeMap<>();
    for (Path parent : given) {
      if (!Files.isDirectory(parent)) {
        throw new UsageException(parent + " is no folder with a folder for each product");
      }
      try (Stream<Path> inside = Files.list(parent)) {
        inside
            .filter(Files::isDirectory)
            .filter(folder -> !name(folder).startsWith("."))
            .forEach(
                folder ->
                    folders.computeIfAbsent(name(folder), id -> new ArrayList<>()).add(folder));
      }
      List<Path> loose = ImageFiles.in(parent);
      if (!loose.isEmpty()) {
        throw new UsageException(
            "%d photos lie in %s itself, the first is %s; each must lie in the folder of its product"
                .formatted(loose.size(), parent, loose.get(0).getFileName()));
      }
    }
    if (folders.isEmpty()) {
      throw new UsageException(
          "No folders in "
              + String.join(", ", given.stream().map(Path::toString).toList())
              + "; each product needs one");
    }
    return folders;
  }

  /**
   * The photos of one such folder: by product, then by path.
   *
   * @throws UsageException as {@link #in}, and when a product has no photos
   */
  static List<GivenPhoto> photos(Path parent) throws IOException {
    List<GivenPhoto> photos = new ArrayList<>();
    for (Map.Entry<String, List<Path>> product : in(List.of(parent)).entrySet()) {
      for (Path folder : product.getValue()) {
        for (Path file : ImageFiles.below(folder)) {
          photos.add(
              new GivenPhoto(
                  product.getKey() + "/" + folder.relativize(file), file, product.getKey()));
        }
      }
    }
    return photos;
  }

  private static String name(Path folder) {
    return String.valueOf(folder.getFileName());
  }
}
