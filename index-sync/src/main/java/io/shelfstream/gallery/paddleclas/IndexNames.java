package io.shelfstream.gallery.paddleclas;

import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.Gtin;
import io.shelfstream.gallery.TextFile;
import io.shelfstream.index.IndexException;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The names of an index by id, from {@value #TEXT} or {@value #PICKLE}. A name is either a label
 * alone, as PaddleClas's C++ programs want it, or the whole line of the gallery list: path, tab,
 * label and maybe more; or path, space, label, known by the path's ending, where the label is one
 * word as in PaddleClas. A GTIN-14 after the label is the product's.
 *
 * <p>The text is UTF-8, a line for each: id, white space, name. Where both files are there:
 * PaddleClas's Python programs write the pickle together with the index, and the text is made of it
 * later. So the pickle counts, unless it does not fit the index and the text does. Two files that
 * fit and name different labels are refused: a wrong product name would be the worse answer.
 */
final class IndexNames {
  static final String TEXT = "id_map.txt";
  static final String PICKLE = "id_map.pkl";

  private static final Pattern LINE = Pattern.compile("\\s*(\\d{1,18})\\s+(\\S.*?)\\s*");

  private static final Pattern PATH_AND_LABEL =
      Pattern.compile("(\\S+\\.(?:jpe?g|png|bmp|webp))\\s+(\\S+).*", Pattern.CASE_INSENSITIVE);

  /** Characters of a name that is written; the pickle's reader takes more. */
  private static final int LONGEST = 10_000;

  private static final Pattern GTIN_14 = Pattern.compile("\\d{14}");

  private static final Logger log = LoggerFactory.getLogger(IndexNames.class);

  private IndexNames() {}

  /**
   * The names of an index's vectors; names of ids that it does not hold are left out.
   *
   * @param ids of its vectors
   * @throws IndexException with code FILE when a vector has no name, or two; the message says what
   *     to do
   */
  static SortedMap<Long, String> read(Path directory, long[] ids) {
    Path text = directory.resolve(TEXT);
    Path pickle = directory.resolve(PICKLE);
    if (!Files.exists(pickle)) {
      return fitting(text, text(text), ids);
    }
    if (!Files.exists(text)) {
      return fitting(pickle, PickledNames.read(pickle), ids);
    }
    SortedMap<Long, String> pickled;
    try {
      pickled = fitting(pickle, PickledNames.read(pickle), ids);
    } catch (IndexException e) {
      SortedMap<Long, String> written = fitting(text, text(text), ids);
      log.warn("{} is used instead of {}: {}", TEXT, PICKLE, e.getMessage());
      return written;
    }
    SortedMap<Long, String> written;
    try {
      written = fitting(text, text(text), ids);
    } catch (IndexException e) {
      log.warn("{} is used instead of {}: {}", PICKLE, TEXT, e.getMessage());
      return pickled;
    }
    requireSameLabels(directory, pickled, written);
    return pickled;
  }

  private static SortedMap<Long, String> fitting(
      Path file, SortedMap<Long, String> names, long[] ids) {
    SortedMap<Long, String> used = new TreeMap<>();
    for (long id : ids) {
      String name = names.get(id);
      if (name == null) {
        throw new IndexException(
            IndexException.Code.FILE,
            "%s holds id %d, which %s does not name (%d vectors, %d names); the two files belong to different builds"
                .formatted(
                    file.resolveSibling(IndexDirectory.INDEX),
                    id,
                    file.getFileName(),
                    ids.length,
                    names.size()));
      }
      used.put(id, name);
    }
    if (names.size() > used.size()) {
      log.warn(
          "{}: {} of its {} names have no vector in the index, and cannot be found",
          file,
          names.size() - used.size(),
          names.size());
    }
    return used;
  }

  private static void requireSameLabels(
      Path directory, SortedMap<Long, String> pickled, SortedMap<Long, String> written) {
    pickled.forEach(
        (id, name) -> {
          String label = entry(id, name, Labels.WHOLE).label();
          String line = Objects.requireNonNull(written.get(id));
          String said = entry(id, line, Labels.WHOLE).label();
          // PaddleClas's conversion takes the second word of a name for its label.
          String[] words = name.split("\\s+", 3);
          boolean isCut = words.length > 1 && words[1].equals(said);
          if (!isCut
              && !List.of(label, Labels.FIRST_WORD.of(label)).contains(said)
              && !line.equals(label)) {
            throw new IndexException(
                IndexException.Code.FILE,
                "%s: id %d is '%s' in %s and '%s' in %s; delete the file that is out of date"
                    .formatted(directory, id, label, PICKLE, said, TEXT));
          }
        });
  }

  private static SortedMap<Long, String> text(Path file) {
    SortedMap<Long, String> names = new TreeMap<>();
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
      if (names.put(id, line.group(2)) != null) {
        throw failed(file, "line %d names id %d again".formatted(i + 1, id));
      }
    }
    return names;
  }

  /** Writes ids and labels, as PaddleClas's C++ programs want them. */
  static void writeText(SortedMap<Long, String> names, Writer out) throws IOException {
    for (Map.Entry<Long, String> name : names.entrySet()) {
      String label = entry(name.getKey(), name.getValue(), Labels.WHOLE).label();
      out.write(name.getKey() + " " + label + "\n");
    }
  }

  /** The photo that a name stands for. */
  static GalleryEntry entry(long id, String name, Labels labels) {
    String[] columns = name.split("\t", 4);
    if (columns.length > 1 && !columns[0].isEmpty()) {
      return entry(columns[0], labels.of(columns[1]), columns.length > 2 ? gtin(columns[2]) : null);
    }
    Matcher document = PATH_AND_LABEL.matcher(name);
    return document.matches()
        ? entry(document.group(1), document.group(2), null)
        : entry(Long.toString(id), labels.of(name), null);
  }

  private static GalleryEntry entry(String galleryImageId, String label, @Nullable String gtin) {
    return new GalleryEntry(galleryImageId, label, label, gtin, Map.of());
  }

  private static @Nullable String gtin(String column) {
    return GTIN_14.matcher(column).matches() && Gtin.isValid(column) ? column : null;
  }

  /**
   * The name that stands for a photo: the line of a gallery list.
   *
   * @throws IllegalArgumentException when the format cannot hold it
   */
  static String of(GalleryEntry photo) {
    String name = photo.galleryImageId() + "\t" + photo.label();
    if (name.split("[\t\r\n]", -1).length != 2
        || name.length() > LONGEST
        || !name.strip().equals(name)
        || !entry(0, name, Labels.WHOLE).galleryImageId().equals(photo.galleryImageId())
        || !entry(0, name, Labels.WHOLE).label().equals(photo.label())) {
      throw new IllegalArgumentException(
          "photo '%s' with label '%s' refused: an empty one, a tab, a line break, blanks at an end or more than 10,000 characters cannot be written in this format"
              .formatted(photo.galleryImageId(), photo.label()));
    }
    return photo.gtin() == null ? name : name + "\t" + photo.gtin();
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
