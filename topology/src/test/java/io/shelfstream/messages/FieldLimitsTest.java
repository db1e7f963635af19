package io.shelfstream.messages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.events.BoundingBox;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.ShelfLocation;
import io.shelfstream.recognition.RejectedException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Collections;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.avro.Schema;
import org.junit.jupiter.api.Test;

class FieldLimitsTest {
  private static final String LONGEST = "é".repeat(FieldLimits.TEXT / 2);
  private static final String TOO_LONG = LONGEST + "x";

  @Test
  void takesEveryTextUpToItsLimit() {
    assertThatCode(() -> FieldLimits.check(update().setLabel(LONGEST).build()))
        .doesNotThrowAnyException();
    assertThatCode(() -> FieldLimits.check(update().setUri("http://h/" + "x".repeat(8000)).build()))
        .doesNotThrowAnyException();
    assertThatCode(
            () -> FieldLimits.check(update().setUri("data:,".concat("x".repeat(100_000))).build()))
        .doesNotThrowAnyException();
  }

  @Test
  void refusesALongerTextInWhateverFieldOfARecordItIs() {
    for (Schema.Field field : GalleryUpdate.getClassSchema().getFields()) {
      if (field.schema().toString().contains("\"string\"")
          && !field.name().equals("attributes")
          && !field.name().equals("uri")) {
        GalleryUpdate update = update().build();
        update.put(field.pos(), TOO_LONG);
        assertThatThrownBy(() -> FieldLimits.check(update))
            .as(field.name())
            .isInstanceOf(RejectedException.class)
            .hasMessage(field.name() + " has 1025 bytes; at most 1024 are taken");
      }
    }
    assertThatThrownBy(
            () -> FieldLimits.check(update().setUri("http://h/" + "x".repeat(9000)).build()))
        .hasMessageContaining("uri has 9009 bytes");
    ImageReference frame =
        ImageReference.newBuilder(frame())
            .setShelf(new ShelfLocation(TOO_LONG, null, null))
            .build();
    assertThatThrownBy(() -> FieldLimits.check(frame)).hasMessageContaining("planogramId");
  }

  @Test
  void boundsAttributesAndLists() {
    Map<String, String> many =
        IntStream.range(0, 65).boxed().collect(Collectors.toMap(i -> "k" + i, i -> ""));
    assertThatThrownBy(() -> FieldLimits.check(update().setAttributes(many).build()))
        .hasMessage("attributes has 65 pairs; at most 64 are taken");
    Map<String, String> large = Map.of("k", "x".repeat(FieldLimits.ATTRIBUTES));
    assertThatThrownBy(() -> FieldLimits.check(update().setAttributes(large).build()))
        .hasMessageContaining("attributes has 16385 bytes");
    ImageReference frame =
        ImageReference.newBuilder(frame())
            .setRegions(Collections.nCopies(4097, new BoundingBox(0, 0, 1, 1)))
            .build();
    assertThatThrownBy(() -> FieldLimits.check(frame)).hasMessageContaining("regions has 4097");
  }

  @Test
  void readsKeysThatAreUtf8AndRefusesOthers() throws Exception {
    assertThat(FieldLimits.key("Crème/1.jpg".getBytes(StandardCharsets.UTF_8)))
        .isEqualTo("Crème/1.jpg");
    assertThat(FieldLimits.key(null)).isEmpty();
    assertThatThrownBy(() -> FieldLimits.key(new byte[] {'a', (byte) 0xff}))
        .hasMessage("The key is not UTF-8");
    assertThatThrownBy(() -> FieldLimits.key(new byte[1 << 20]))
        .hasMessage("The key has 1048576 bytes; at most 1024 are taken");
  }

  private static ImageReference frame() {
    return RecognitionEvents.reference("c", "f", "data:,x", Instant.EPOCH);
  }

  private static GalleryUpdate.Builder update() {
    return GalleryUpdate.newBuilder()
        .setGalleryImageId("i")
        .setProductId("p")
        .setLabel("l")
        .setUri("file:/x");
  }
}
