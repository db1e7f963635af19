package io.shelfstream.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class NotesTest {
  private static EmbeddedPhoto photo(String id, String label, @Nullable String camera, String sha) {
    return new EmbeddedPhoto(id, label, camera, Path.of("/" + id), sha, new float[] {1, 0});
  }

  private static List<String> notes(
      List<EmbeddedPhoto> gallery, List<EmbeddedPhoto> queries, boolean withItself) {
    Settings settings =
        new Settings(List.of(1), 0.5f, 0, withItself, List.of(0.9), 0, 1, List.of());
    return Notes.of(
        gallery, queries, settings, new Retrieval(gallery, settings).evaluate(queries, done -> {}));
  }

  @Test
  void namesStrangersAndTheSpellingOfTheGallery() {
    List<EmbeddedPhoto> gallery = List.of(photo("a", "Coca-Cola", null, "1"));

    assertThat(
            notes(
                gallery,
                List.of(
                    photo("q", "coca cola", null, "2"),
                    photo("r", "Fanta", null, "3"),
                    photo("t", "Fanta", null, "4")),
                false))
        .singleElement()
        .asString()
        .startsWith("Not in the gallery: 3 query photos of 2 products")
        .contains("'coca cola' (1), which the gallery writes 'Coca-Cola'", "'Fanta' (2)");
  }

  @Test
  void namesCopiesAndDisputedLabels() {
    List<EmbeddedPhoto> gallery =
        List.of(photo("a", "A", null, "1"), photo("b", "B", null, "2"), photo("c", "A", null, "3"));

    assertThat(
            notes(gallery, List.of(photo("q", "A", null, "1"), photo("r", "A", null, "2")), false))
        .anySatisfy(
            note -> assertThat(note).contains("1 query has the same content").contains("'q'"))
        .anySatisfy(
            note ->
                assertThat(note)
                    .contains("1 photo is", "different labels", "'r' is 'B' there and 'A' here"));
  }

  @Test
  void saysThatAPhotoIsComparedWithItselfOrNot() {
    List<EmbeddedPhoto> gallery =
        List.of(photo("a", "A", null, "1"), photo("b", "A", null, "2"), photo("c", "C", null, "3"));

    assertThat(notes(gallery, gallery, false))
        .anySatisfy(note -> assertThat(note).contains("3 queries are", "with the others only"))
        .anySatisfy(note -> assertThat(note).contains("1 product with queries", "'C' (1)"))
        .anySatisfy(note -> assertThat(note).contains("3 pairs"));
    assertThat(notes(gallery, gallery, true))
        .anySatisfy(note -> assertThat(note).contains("say nothing"));
  }

  @Test
  void hasNothingToSayOfPlainLists() {
    assertThat(notes(List.of(photo("a", "A", "1", "1")), List.of(photo("q", "A", "2", "2")), false))
        .isEmpty();
  }
}
