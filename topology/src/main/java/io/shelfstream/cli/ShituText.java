package io.shelfstream.cli;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.fasterxml.jackson.core.io.NumberOutput;
import io.shelfstream.gallery.GalleryHit;
import io.shelfstream.image.PixelBox;
import io.shelfstream.model.Features;
import io.shelfstream.recognition.Recognition;
import io.shelfstream.recognition.Recognition.SeenObject;
import io.shelfstream.recognition.Stage;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Collectors;

/** Prints results as PP-ShiTu's Python deployment does: a list of dicts per image. */
final class ShituText {
  private ShituText() {}

  /**
   * The line that the reference prints before each result. Its time is that of the detector's run;
   * ours contains the preparation of its input, too.
   */
  static String inference(Recognition seen) {
    return "Inference: " + number(seen.times().of(Stage.DETECT)) + " ms per batch image";
  }

  /**
   * Only known objects, because the reference drops the others; its boxes are not clipped.
   *
   * @param features of the extractor: where they are bits, the reference prints the Hamming
   *     distance for a score
   */
  static String write(Recognition seen, Features features) {
    return seen.objects().stream()
        .filter(o -> o.match().known() != null)
        .map(o -> object(o, features))
        .collect(Collectors.joining(", ", "[", "]"));
  }

  private static String object(SeenObject object, Features features) {
    GalleryHit best = Objects.requireNonNull(object.match().known());
    String score =
        features.areBits()
            ? Integer.toString(Features.distance(best.score(), object.embedding().length))
            : number(best.score());
    return "{'bbox': %s, 'rec_docs': %s, 'rec_scores': %s}"
        .formatted(box(object.box().box()), quoted(best.entry().label()), score);
  }

  /** The shortest decimal number that is read as this float, without an exponent. */
  private static String number(float value) {
    return new BigDecimal(NumberOutput.toString(value, true)).toPlainString();
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
