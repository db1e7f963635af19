package io.shelfstream.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The photos given to a command: folders that hold a folder for each product, gallery lists, and
 * tables with a header ({@code .csv}).
 *
 * @param photos each id once; in the order given, folders sorted
 * @param notes what was ignored, one sentence each
 */
public record GivenPhotos(List<GivenPhoto> photos, List<String> notes) {

  public GivenPhotos {
    photos = List.copyOf(photos);
    notes = List.copyOf(notes);
  }

  /**
   * Reads them.
   *
   * @param imageRoot folder that the paths in lists and tables are relative to; null for that of
   *     the list
   * @param delimiter between the columns of lists and tables; null for a tab in a list, and for the
   *     one that a table's header has
   * @throws UsageException when one of them cannot be read, or two different photos would have one
   *     id; every wrong line is named
   */
  public static GivenPhotos read(
      List<Path> sources, @Nullable Path imageRoot, @Nullable String delimiter) throws IOException {
    Map<String, GivenPhoto> photos = new LinkedHashMap<>();
    List<String> notes = new ArrayList<>();
    for (Path source : sources) {
      for (GivenPhoto photo : of(source, imageRoot, delimiter, notes)) {
        GivenPhoto before = photos.putIfAbsent(photo.id(), photo);
        if (before != null && !before.equals(photo)) {
          throw new UsageException(
              "Two photos would both be '%s': %s of '%s' and %s of '%s'; give them in one list or folder that tells them apart"
                  .formatted(
                      OneLine.of(photo.id()),
                      before.file(),
                      OneLine.of(before.label()),
                      photo.file(),
                      OneLine.of(photo.label())));
        }
      }
    }
    return new GivenPhotos(List.copyOf(photos.values()), notes);
  }

  private static List<GivenPhoto> of(
      Path source, @Nullable Path imageRoot, @Nullable String delimiter, List<String> notes)
      throws IOException {
    if (Files.isDirectory(source)) {
      return ofFolder(source);
    }
    if (isTable(source)) {
      return GalleryTable.read(source, imageRoot, delimiter);
    }
    GalleryFile list =
        delimiter == null
            ? GalleryFile.read(source, imageRoot)
            : GalleryFile.read(source, imageRoot, delimiter);
    list.notes().forEach(note -> notes.add(source + ": " + note));
    return list.photos().stream()
        .map(photo -> new GivenPhoto(photo.id(), photo.label(), null, photo.file(), photo.camera()))
        .toList();
  }

  private static boolean isTable(Path source) {
    return source.toString().toLowerCase(Locale.ROOT).endsWith(".csv");
  }

  private static List<GivenPhoto> ofFolder(Path folder) throws IOException {
    List<GivenPhoto> photos = new ArrayList<>();
    for (var product : ProductFolders.in(List.of(folder)).entrySet()) {
      for (Path inside : product.getValue()) {
        for (Path file : ImageFiles.below(inside)) {
          String id = product.getKey() + "/" + inside.relativize(file);
          photos.add(new GivenPhoto(id, product.getKey(), null, file));
        }
      }
    }
    return photos;
  }
}
