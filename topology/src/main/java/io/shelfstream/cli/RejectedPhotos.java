package io.shelfstream.cli;

import com.fasterxml.jackson.databind.SequenceWriter;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import io.shelfstream.client.GivenPhoto;
import io.shelfstream.client.OneLine;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * Photos that did not come into an index, and why. As a file they are a table that the gallery
 * commands read again, once the photos are mended.
 */
final class RejectedPhotos {
  private static final int MOST_SHOWN = 20;

  private record Rejected(GivenPhoto photo, String reason, String message) {}

  private final List<Rejected> rejected = new ArrayList<>();

  void add(GivenPhoto photo, String reason, String message) {
    rejected.add(new Rejected(photo, reason, message));
  }

  int size() {
    return rejected.size();
  }

  boolean isEmpty() {
    return rejected.isEmpty();
  }

  /** Such as {@code rejected 3 {CORRUPT_IMAGE=1, NOT_FOUND=2}}. */
  String summary() {
    Map<String, Integer> byReason = new TreeMap<>();
    rejected.forEach(one -> byReason.merge(one.reason(), 1, Integer::sum));
    return "rejected " + rejected.size() + (byReason.isEmpty() ? "" : " " + byReason);
  }

  /** The first of them, one a line. */
  void print() {
    rejected.stream()
        .limit(MOST_SHOWN)
        .forEach(
            one ->
                System.err.println(
                    "rejected: "
                        + OneLine.of(one.photo().id())
                        + ": "
                        + one.reason()
                        + ": "
                        + OneLine.of(one.message())));
    if (rejected.size() > MOST_SHOWN) {
      System.err.printf(
          "%d more were rejected; --rejects FILE lists them all%n", rejected.size() - MOST_SHOWN);
    }
  }

  void writeTo(Path file) throws IOException {
    CsvSchema columns =
        CsvSchema.builder()
            .addColumns(
                List.of("path", "label", "gtin", "reason", "message"), CsvSchema.ColumnType.STRING)
            .build()
            .withHeader();
    try (Writer out = Files.newBufferedWriter(file, StandardCharsets.UTF_8);
        SequenceWriter rows = new CsvMapper().writer(columns).writeValues(out)) {
      for (Rejected one : rejected) {
        rows.write(
            List.of(
                one.photo().id(),
                one.photo().label(),
                Objects.requireNonNullElse(one.photo().gtin(), ""),
                one.reason(),
                one.message()));
      }
    }
  }
}
