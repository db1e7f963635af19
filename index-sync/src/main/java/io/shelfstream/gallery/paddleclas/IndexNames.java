package io.shelfstream.gallery.paddleclas;

import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.TextFile;
import io.shelfstream.index.IndexException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The names of an index: UTF-8, a line for each id. After the id comes either the label alone, as
 * PaddleClas's C++ programs want it, or the whole line of the gallery list: path, tab, label and
 * maybe more; or path, space, label, known by the path's ending, where the label is one word as in
 * PaddleClas.
 */
final class IndexNames {

  private static final Pattern LINE = Pattern.compile("\\s*(\\d{1,18})\\s+(\\S.*?)\\s*");

  private static final Pattern PATH_AND_LABEL =
      Pattern.compile("(\\S+\\.(?:jpe?g|png|bmp|webp))\\s+(\\S+).*", Pattern.CASE_INSENSITIVE);

  private IndexNames() {}

  static Map<Long, GalleryEntry> read(Path file) {
    Map<Long, GalleryEntry> entries = new HashMap<>();
    List<String> lines = lines(file);
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).isBlank()) {
        continue;
      }
      Matcher line = LINE.matcher(lines.get(i));
      if (!line.matches()) {
        throw failed(file, "line %d is not 'id label': %s".formatted(i + 1, lines.get(i)));
      }
      long id = Long.parseLong(line.group(1));
      if (entries.put(id, entry(id, line.group(2))) != null) {
        throw failed(file, "line %d names id %d again".formatted(i + 1, id));
      }
    }
    return entries;
  }

  private static GalleryEntry entry(long id, String name) {
    int tab = name.indexOf('\t');
    if (tab > 0) {
      String rest = name.substring(tab + 1);
      int next = rest.indexOf('\t');
      return entry(name.substring(0, tab), next < 0 ? rest : rest.substring(0, next));
    }
    Matcher document = PATH_AND_LABEL.matcher(name);
    return document.matches()
        ? entry(document.group(1), document.group(2))
        : entry(Long.toString(id), name);
  }

  private static GalleryEntry entry(String galleryImageId, String label) {
    return new GalleryEntry(galleryImageId, label.strip(), label.strip(), null, Map.of());
  }

  private static List<String> lines(Path file) {
    try {
      return TextFile.lines(file);
    } catch (TextFile.NotUtf8Exception e) {
      throw new IndexException(IndexException.Code.FILE, String.valueOf(e.getMessage()), e);
    } catch (IOException e) {
      throw new IndexException(IndexException.Code.FILE, "cannot read " + file + ": " + e, e);
    }
  }

  private static IndexException failed(Path file, String why) {
    return new IndexException(IndexException.Code.FILE, "cannot read " + file + ": " + why);
  }
}
