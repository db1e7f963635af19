package io.shelfstream.demo;

import io.shelfstream.client.GivenText;
import io.shelfstream.client.UsageException;
import io.shelfstream.image.PixelBox;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What each frame really shows.
 *
 * @param objects by frame, as its path below the frames' folder
 */
public record GroundTruth(Map<String, List<Labelled>> objects) {
  /** Name of the file that is looked for beside the frames. */
  public static final String FILE_NAME = "ground-truth.tsv";

  /** A product and its box. */
  public record Labelled(String label, PixelBox box) {}

  /**
   * Reads {@code frame<TAB>label<TAB>x1<TAB>y1<TAB>x2<TAB>y2} lines: pixels, origin top-left,
   * end-exclusive.
   *
   * @throws UsageException when there is no such file, or naming every line that is wrong
   */
  public static GroundTruth read(Path file) throws IOException {
    Map<String, List<Labelled>> objects = new LinkedHashMap<>();
    List<String> problems = new ArrayList<>();
    List<String> lines = GivenText.lines("Ground truth file", file);
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).isBlank()) {
        continue;
      }
      String[] fields = lines.get(i).split("\t", -1);
      try {
        objects
            .computeIfAbsent(fields[0].strip(), frame -> new ArrayList<>())
            .add(new Labelled(fields[1].strip(), box(fields)));
      } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
        problems.add("line " + (i + 1) + ": '" + lines.get(i) + "'");
      }
    }
    if (!problems.isEmpty()) {
      throw new UsageException(
          file
              + ": expected 'frame<TAB>label<TAB>x1<TAB>y1<TAB>x2<TAB>y2' on each line, but not so on\n  "
              + String.join("\n  ", problems));
    }
    return new GroundTruth(objects);
  }

  private static PixelBox box(String[] fields) {
    return new PixelBox(
        Integer.parseInt(fields[2].strip()),
        Integer.parseInt(fields[3].strip()),
        Integer.parseInt(fields[4].strip()),
        Integer.parseInt(fields[5].strip()));
  }
}
