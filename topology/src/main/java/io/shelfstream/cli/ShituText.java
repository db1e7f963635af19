package io.shelfstream.cli;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.shelfstream.gallery.GalleryHit;
import io.shelfstream.image.PixelBox;
import io.shelfstream.recognition.Recognition;
import io.shelfstream.recognition.Recognition.SeenObject;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Collectors;

/** Prints results as PP-ShiTu's Python deployment does: a list of dicts per image. */
final class ShituText {
  private ShituText() {}

  /** Only known objects, because the reference drops the others; its boxes are not clipped. */
  static String write(Recognition seen) {
    return seen.objects().stream()
        .filter(o -> o.match().known() != null)
        .map(ShituText::object)
        .collect(Collectors.joining(", ", "[", "]"));
  }

  private static String object(SeenObject object) {
    GalleryHit best = Objects.requireNonNull(object.match().known());
    return "{'bbox': %s, 'rec_docs': %s, 'rec_scores': %s}"
        .formatted(box(object.box().box()), quoted(best.entry().label()), best.score());
  }

  private static String box(PixelBox b) {
    return "[" + b.x1() + ", " + b.y1() + ", " + b.x2() + ", " + b.y2() + "]";
  }

  /** As Python's repr: single quotes, unless the text holds some and no double ones. */
  private static String quoted(String text) {
    String escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t");
    return escaped.contains("'") && !escaped.contains("\"")
        ? '"' + escaped + '"'
        : "'" + escaped.replace("'", "\\'") + "'";
  }

  /**
   * One JSON line with the embeddings of all objects of an image, in the order of {@link #write}.
   */
  static String embeddings(String image, Recognition seen) {
    String objects =
        seen.objects().stream()
            .filter(o -> o.match().known() != null)
            .map(
                o ->
                    "{\"bbox\":%s,\"embedding\":%s}"
                        .formatted(box(o.box().box()), Arrays.toString(o.embedding())))
            .collect(Collectors.joining(",", "[", "]"));
    String name = new String(JsonStringEncoder.getInstance().quoteAsString(image));
    return "{\"image\":\"%s\",\"objects\":%s}".formatted(name, objects);
  }
}
