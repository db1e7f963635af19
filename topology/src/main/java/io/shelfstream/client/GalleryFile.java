package io.shelfstream.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A gallery in the text format of PaddleClas: UTF-8, one {@code relative/path<TAB>label} a line.
 * The path is the photo's id, the label names the product. Unlike PaddleClas, labels may hold
 * spaces; a cell that a spreadsheet put into quotes is read as it was in the spreadsheet. A third
 * column is the camera, as in PaddleClas's lists for retrieval; only an evaluation looks at it.
 *
 * @param imageRoot folder the paths are relative to; absolute
 * @param photos in the order of the lines, each path once
 * @param notes what was ignored, one sentence each
 */
public record GalleryFile(Path imageRoot, List<Photo> photos, List<String> notes) {
  private static final String EXPECTED = "'relative/path<TAB>label'";
  private static final String TAB = "\t";
  private static final int MOST_PROBLEMS = 20;

  /** A cell in quotes, each quote inside it doubled (RFC 4180). */
  private static final Pattern QUOTED = Pattern.compile("\"((?:[^\"]|\"\")*)\"");

  /**
   * One line of the file.
   *
   * @param id the path as written in the file
   * @param camera the third column; null where there is none or it is empty
   */
  public record Photo(String id, Path file, String label, @Nullable String camera) {

    /** A photo without a camera. */
    public Photo(String id, Path file, String label) {
      this(id, file, label, null);
    }
  }

  /** The content of one line. */
  private record Cells(String path, String label, @Nullable String camera) {}

  /** A line that cannot be used; the message says why. */
  private static final class BadLineException extends Exception {
    private static final long serialVersionUID = 1L;

    BadLineException(String why) {
      super(why);
    }
  }

  public GalleryFile {
    photos = List.copyOf(photos);
    notes = List.copyOf(notes);
  }

  /**
   * Reads a gallery file.
   *
   * @param imageRoot folder the paths are relative to; null for the file's own
   * @throws UsageException naming every line that is wrong
   */
  public static GalleryFile read(Path file, @Nullable Path imageRoot) throws IOException {
    return read(file, imageRoot, TAB);
  }

  /**
   * Reads a gallery file whose lines have another delimiter than a tab.
   *
   * @param delimiter one or more characters; then a line is path, delimiter, label and nothing else
   * @throws UsageException naming every line that is wrong
   */
  public static GalleryFile read(Path file, @Nullable Path imageRoot, String delimiter)
      throws IOException {
    // References are checked as they are written, so they must not contain "..".
    Path root =
        (imageRoot != null ? imageRoot : file.toAbsolutePath().resolveSibling(""))
            .toAbsolutePath()
            .normalize();
    List<String> lines = GivenText.lines("Gallery file", file);
    List<String> problems = new ArrayList<>();
    List<String> notes = new ArrayList<>();
    Map<String, Photo> photos = new LinkedHashMap<>();
    Map<String, Integer> places = new LinkedHashMap<>();
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).isBlank()) {
        continue;
      }
      try {
        Cells cells = cells(lines.get(i), delimiter);
        Photo photo =
            new Photo(cells.path(), file(root, cells.path()), cells.label(), cells.camera());
        Photo before = photos.putIfAbsent(photo.id(), photo);
        Integer place = places.putIfAbsent(photo.id(), i + 1);
        if (before != null && !before.label().equals(photo.label())) {
          throw new BadLineException(
              "it names the photo of line %d with another label, '%s' there and '%s' here; a photo shows one product"
                  .formatted(place, OneLine.of(before.label()), OneLine.of(photo.label())));
        } else if (before != null) {
          notes.add("line %d repeats line %d; it counts once".formatted(i + 1, place));
        }
      } catch (BadLineException e) {
        problems.add(
            "line %d: '%s': %s".formatted(i + 1, OneLine.of(lines.get(i), 200), e.getMessage()));
      }
    }
    String expected = EXPECTED.replace("<TAB>", delimiter.equals(TAB) ? "<TAB>" : delimiter);
    refuse(file, "expected " + expected + " on each line, but not so on", problems);
    if (photos.isEmpty()) {
      throw new UsageException(file + " lists no photos");
    }
    return new GalleryFile(root, List.copyOf(photos.values()), notes);
  }

  /**
   * Returns this if all photos exist, or if not even their folder exists, as on a machine that does
   * not have the folders of the service.
   *
   * @throws UsageException naming the photos that are missing
   */
  public GalleryFile withItsPhotos(Path listedIn) {
    if (Files.isDirectory(imageRoot)) {
      refuse(
          listedIn,
          "the photos must be there",
          photos.stream()
              .filter(photo -> !Files.exists(photo.file()))
              .map(
                  photo ->
                      "Gallery photo " + OneLine.of(photo.file().toString()) + " does not exist")
              .toList());
    }
    return this;
  }

  /** Names the first problems, if there are some. */
  static void refuse(Path file, String what, List<String> problems) {
    if (problems.isEmpty()) {
      return;
    }
    List<String> first = problems.subList(0, Math.min(MOST_PROBLEMS, problems.size()));
    int more = problems.size() - first.size();
    throw new UsageException(
        "%s: %s%n  %s%s"
            .formatted(
                file,
                what,
                String.join(System.lineSeparator() + "  ", first),
                more == 0 ? "" : "%n  and %d more".formatted(more)));
  }

  private static Cells cells(String line, String delimiter) throws BadLineException {
    String[] fields = line.strip().split(Pattern.quote(delimiter), 4);
    if (fields.length < 2) {
      throw new BadLineException(
          delimiter.equals(TAB) ? withoutTab(line) : "no '" + delimiter + "' in it");
    }
    if (fields.length > 2 && !delimiter.equals(TAB)) {
      throw new BadLineException(
          "'%s' is in it twice; separate the two with a tab where labels hold it"
              .formatted(delimiter));
    }
    String path = cell(fields[0]);
    String label = cell(fields[1]);
    if (path.isEmpty() || label.isEmpty()) {
      throw new BadLineException((path.isEmpty() ? "the path" : "the label") + " is empty");
    }
    String camera = fields.length > 2 ? fields[2].strip() : "";
    return new Cells(path, label, camera.isEmpty() ? null : camera);
  }

  private static String withoutTab(String line) {
    for (String separator : new String[] {";", ",", "\\t"}) {
      if (line.contains(separator)) {
        return "no tab; is '%s' to separate the two? Save the list with tabs".formatted(separator);
      }
    }
    return line.strip().contains(" ")
        ? "no tab; a space does not separate the two, as labels may hold spaces"
        : "no tab";
  }

  private static String cell(String field) throws BadLineException {
    String cell = field.strip();
    var quoted = QUOTED.matcher(cell);
    if (quoted.matches()) {
      return quoted.group(1).replace("\"\"", "\"").strip();
    }
    if (cell.startsWith("\"") && cell.indexOf('"', 1) < 0) {
      throw new BadLineException(
          "a quoted cell does not end on its line; labels hold no tabs and no line breaks");
    }
    return cell;
  }

  private static Path file(Path root, String path) throws BadLineException {
    try {
      Path file = root.resolve(path);
      if (path.contains("\\") && !Files.exists(file)) {
        throw new BadLineException(
            "there is no such file; folders are separated by / here, not \\");
      }
      return file;
    } catch (InvalidPathException e) {
      throw new BadLineException("this is no path here: " + OneLine.of(e.getReason()));
    }
  }

  /**
   * The line, with its line end, that {@link #read} reads as this photo and label.
   *
   * @throws IllegalArgumentException when there is none
   */
  public static String line(String id, String label) {
    String line = quoted(id) + "\t" + quoted(label);
    try {
      if (line.lines().count() == 1
          && line.charAt(0) != '\uFEFF'
          && cells(line, TAB).equals(new Cells(id, label, null))) {
        return line + "\n";
      }
    } catch (BadLineException e) {
      // refused below
    }
    throw new IllegalArgumentException(
        "photo '%s' with label '%s' refused: a tab, a line break or blanks at an end cannot be written in this format; export as avro"
            .formatted(OneLine.of(id), OneLine.of(label)));
  }

  private static String quoted(String text) {
    return text.startsWith("\"") ? '"' + text.replace("\"", "\"\"") + '"' : text;
  }
}
