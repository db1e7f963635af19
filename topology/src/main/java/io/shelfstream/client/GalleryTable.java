package io.shelfstream.client;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvParser;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A table of photos as spreadsheets save it (CSV, RFC 4180): UTF-8 with or without a byte-order
 * mark, a line with the names of the columns, then a line for each photo. Cells may be in quotes
 * and hold the delimiter; the delimiter is a comma, a semicolon or a tab, whichever the first line
 * has most of, or the one that Excel's {@code sep=} line names.
 */
final class GalleryTable {
  private static final List<String> PATH =
      List.of("path", "image", "photo", "file", "image_path", "filename");
  private static final List<String> LABEL = List.of("label", "product", "product_name", "name");
  private static final List<String> GTIN = List.of("gtin", "ean", "barcode", "upc");
  private static final List<String> CAMERA = List.of("camera", "camera_id");

  private static final String SEPARATOR_LINE = "sep=";

  private final Path file;
  private final Path root;
  private final List<String> problems = new ArrayList<>();
  private final Map<String, GivenPhoto> photos = new LinkedHashMap<>();

  private GalleryTable(Path file, Path root) {
    this.file = file;
    this.root = root;
  }

  /**
   * Reads a table.
   *
   * @param imageRoot folder the paths are relative to; null for the file's own
   * @param delimiter one character; null to see which it is
   * @throws UsageException naming every line that is wrong, or the columns that are missing
   */
  static List<GivenPhoto> read(Path file, @Nullable Path imageRoot, @Nullable String delimiter)
      throws IOException {
    Path root = imageRoot != null ? imageRoot : file.toAbsolutePath().resolveSibling("");
    GalleryTable table = new GalleryTable(file, root.toAbsolutePath().normalize());
    table.read(GivenText.lines("Table", file), delimiter);
    return List.copyOf(table.photos.values());
  }

  private void read(List<String> lines, @Nullable String delimiter) throws IOException {
    int header = 0;
    while (header < lines.size() && lines.get(header).isBlank()) {
      header++;
    }
    if (header == lines.size()) {
      throw new UsageException(file + " lists no photos");
    }
    String first = lines.get(header);
    String named = delimiter;
    if (first.toLowerCase(Locale.ROOT).startsWith(SEPARATOR_LINE)) {
      header++;
      named = named != null ? named : first.substring(SEPARATOR_LINE.length());
      first = header < lines.size() ? lines.get(header) : "";
    }
    if (named != null && named.length() != 1) {
      throw new UsageException(
          "%s: the delimiter of a table is one character, not '%s'".formatted(file, named));
    }
    char between = named != null ? named.charAt(0) : mostOf(first);
    rows(String.join("\n", lines.subList(header, lines.size())), between, header);
    GalleryFile.refuse(file, "expected a path and a label on each line, but not so on", problems);
    if (photos.isEmpty()) {
      throw new UsageException(file + " lists no photos");
    }
  }

  private static char mostOf(String header) {
    char most = ',';
    for (char candidate : new char[] {';', '\t'}) {
      if (count(header, candidate) > count(header, most)) {
        most = candidate;
      }
    }
    return most;
  }

  private static long count(String text, char wanted) {
    return text.chars().filter(c -> c == wanted).count();
  }

  private void rows(String text, char delimiter, int skipped) throws IOException {
    CsvMapper mapper =
        CsvMapper.builder()
            .enable(CsvParser.Feature.WRAP_AS_ARRAY)
            .enable(CsvParser.Feature.SKIP_EMPTY_LINES)
            .enable(CsvParser.Feature.TRIM_SPACES)
            .build();
    CsvSchema schema = CsvSchema.emptySchema().withColumnSeparator(delimiter);
    try (MappingIterator<String[]> rows =
        mapper.readerFor(String[].class).with(schema).readValues(text)) {
      Columns columns = Columns.of(file, rows.next());
      while (rows.hasNext()) {
        int line = rows.getCurrentLocation().getLineNr() + skipped;
        add(rows.next(), columns, line);
      }
    } catch (JsonProcessingException | RuntimeException e) {
      throw unreadable(e);
    }
  }

  private UsageException unreadable(Exception e) {
    if (e instanceof UsageException known) {
      return known;
    }
    Throwable cause = e.getCause() instanceof JacksonException inside ? inside : e;
    String why =
        cause instanceof JacksonException json ? json.getOriginalMessage() : String.valueOf(cause);
    return new UsageException(
        "%s is no table that can be read: %s; save it as CSV UTF-8 once more"
            .formatted(file, OneLine.of(why)));
  }

  /** Where the cells of a photo are; gtin and camera are -1 when there are none. */
  private record Columns(int path, int label, int gtin, int camera) {
    static Columns of(Path file, String[] header) {
      List<String> names =
          Arrays.stream(header).map(name -> name.strip().toLowerCase(Locale.ROOT)).toList();
      int path = first(names, PATH);
      int label = first(names, LABEL);
      if (path < 0 || label < 0) {
        throw new UsageException(
            "%s: its first line must name the columns, one of %s and one of %s, and maybe one of %s; it is %s"
                .formatted(
                    file,
                    String.join("|", PATH),
                    String.join("|", LABEL),
                    String.join("|", GTIN),
                    OneLine.of(String.join(" | ", header), 200)));
      }
      return new Columns(path, label, first(names, GTIN), first(names, CAMERA));
    }

    private static int first(List<String> names, List<String> known) {
      return known.stream().mapToInt(names::indexOf).filter(i -> i >= 0).findFirst().orElse(-1);
    }
  }

  private void add(String[] cells, Columns columns, int line) {
    String path = cell(cells, columns.path());
    String label = cell(cells, columns.label());
    String gtin = columns.gtin() < 0 ? "" : number(cell(cells, columns.gtin()));
    String camera = columns.camera() < 0 ? "" : cell(cells, columns.camera());
    if (path.isEmpty() && label.isEmpty() && gtin.isEmpty()) {
      return; // spreadsheets save empty lines as delimiters
    }
    if (path.isEmpty() || label.isEmpty()) {
      problem(line, cells, (path.isEmpty() ? "the path" : "the label") + " is empty");
      return;
    }
    try {
      GivenPhoto photo =
          new GivenPhoto(
              path,
              root.resolve(path),
              label,
              gtin.isEmpty() ? null : gtin,
              camera.isEmpty() ? null : camera);
      GivenPhoto before = photos.putIfAbsent(path, photo);
      if (before != null && !before.equals(photo)) {
        problem(
            line,
            cells,
            "it names photo '%s' again, with another label or GTIN; a photo shows one product"
                .formatted(OneLine.of(path)));
      }
    } catch (InvalidPathException e) {
      problem(line, cells, "this is no path here: " + OneLine.of(e.getReason()));
    }
  }

  private void problem(int line, String[] cells, String why) {
    problems.add(
        "line %d: '%s': %s".formatted(line, OneLine.of(String.join(" | ", cells), 200), why));
  }

  private static String cell(String[] cells, int column) {
    return column < cells.length && cells[column] != null ? cells[column].strip() : "";
  }

  /**
   * A number as programs leave it in a table: as a formula for a text, with blanks between groups,
   * or as a decimal number because the column has empty cells.
   */
  private static String number(String cell) {
    return cell.replaceFirst("^=\"(.*)\"$", "$1")
        .replaceAll("[ \\u00A0-]", "")
        .replaceFirst("\\.0$", "");
  }
}
