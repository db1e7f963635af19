package io.shelfstream.gallery;

import io.shelfstream.gallery.SnapshotFile.Chunk;
import io.shelfstream.gallery.SnapshotFile.Header;
import io.shelfstream.gallery.SnapshotFile.Part;
import io.shelfstream.gallery.SnapshotFile.Section;
import io.shelfstream.gallery.SnapshotFile.Writing;
import io.shelfstream.index.IndexType;
import io.shelfstream.index.Segment;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Writes one view of the gallery to a file, beside searches and changes. The file is whole or not
 * there: it is written beside its place, forced to the disk and renamed.
 */
final class SnapshotWriter {

  private final GalleryView view;
  private final Writing writing;
  private final ByteBuffer rows;
  private final FloatBuffer floats;

  private SnapshotWriter(GalleryView view, FileChannel channel) throws IOException {
    this.view = view;
    this.writing = new Writing(channel);
    this.rows = SnapshotFile.direct(LivePart.MOST_ROWS * view.dimension() * Float.BYTES);
    this.floats = rows.asFloatBuffer();
  }

  /**
   * @param snapshot held by the caller
   */
  static void write(Path file, GalleryView view, String topicId, String extractorId)
      throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    Path draft = Files.createTempFile(folder, SnapshotFile.DRAFT, ".tmp");
    try {
      try (FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE)) {
        SnapshotWriter writer = new SnapshotWriter(view, channel);
        List<Part> parts = writer.parts();
        writer.writing.finish(
            new Header(topicId, extractorId, view.dimension(), view.versions(), parts));
        channel.force(true);
      }
      Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      try (FileChannel directory = FileChannel.open(folder)) {
        directory.force(true);
      }
    } finally {
      Files.deleteIfExists(draft);
    }
  }

  private List<Part> parts() throws IOException {
    List<Part> parts = new ArrayList<>();
    for (LiveSegment segment : view.generation().segments()) {
      int[] live = live(segment);
      if (segment.type().hasPlainLists()) {
        parts.add(lists(segment, live));
        continue;
      }
      // Also of graphs: they are built anew.
      for (int i = 0; i < live.length; i += SnapshotFile.CHUNK) {
        int[] some = Arrays.copyOfRange(live, i, Math.min(i + SnapshotFile.CHUNK, live.length));
        Chunk chunk = chunk(segment, some);
        parts.add(
            new Part(
                IndexType.FLAT.name(),
                some.length,
                0,
                0,
                Section.NONE,
                Section.NONE,
                List.of(chunk)));
      }
    }
    return parts;
  }

  /** Positions that are live in this view. */
  private int[] live(LiveSegment segment) {
    int seen = view.rowsOf(segment);
    var deleted = segment.vectors().deleted(seen, view.sequence());
    return IntStream.range(0, seen).filter(i -> !deleted.get(i)).toArray();
  }

  private Part lists(LiveSegment segment, int[] live) throws IOException {
    Segment vectors = segment.vectors();
    ByteBuffer centres = SnapshotFile.direct(vectors.lists() * view.dimension() * Float.BYTES);
    centres.asFloatBuffer().put(vectors.centres());
    writing.put(centres);
    Section section = writing.end();
    int[] lists = vectors.listsOf(0, live.length == 0 ? 0 : live[live.length - 1] + 1);
    int[] counts = new int[vectors.lists()];
    int[] ordered = byList(live, lists, counts);
    ByteBuffer numbers = SnapshotFile.direct(counts.length * Integer.BYTES);
    numbers.asIntBuffer().put(counts);
    writing.put(numbers);
    Section ofLists = writing.end();
    List<Chunk> chunks = new ArrayList<>();
    for (int i = 0; i < ordered.length; i += SnapshotFile.CHUNK) {
      int end = Math.min(i + SnapshotFile.CHUNK, ordered.length);
      chunks.add(chunk(segment, Arrays.copyOfRange(ordered, i, end)));
    }
    return new Part(
        segment.type().name(),
        live.length,
        counts.length,
        vectors.searchParameter(),
        section,
        ofLists,
        chunks);
  }

  /** Positions list by list; counts how many are in each. */
  private static int[] byList(int[] positions, int[] lists, int[] counts) {
    for (int position : positions) {
      counts[lists[position]]++;
    }
    int[] next = new int[counts.length];
    for (int list = 1; list < counts.length; list++) {
      next[list] = next[list - 1] + counts[list - 1];
    }
    int[] ordered = new int[positions.length];
    for (int position : positions) {
      ordered[next[lists[position]]++] = position;
    }
    return ordered;
  }

  private Chunk chunk(LiveSegment segment, int[] positions) throws IOException {
    MetadataWriter metadata = new MetadataWriter();
    for (int position : positions) {
      segment.writeMetadata(position, view.sequence(), metadata);
    }
    writing.put(metadata.take());
    Section metadataSection = writing.end();
    for (int i = 0; i < positions.length; i += LivePart.MOST_ROWS) {
      int end = Math.min(i + LivePart.MOST_ROWS, positions.length);
      segment.vectors().copy(Arrays.copyOfRange(positions, i, end), floats);
      writing.put(rows.clear().limit((end - i) * view.dimension() * Float.BYTES));
    }
    return new Chunk(positions.length, metadataSection, writing.end());
  }
}
