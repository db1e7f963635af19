package io.shelfstream.config;

/**
 * {@code index.*}: how the gallery is searched.
 *
 * @param type Faiss factory string
 */
public record IndexSettings(String type) {

  static IndexSettings from(Settings settings) {
    return new IndexSettings(
        settings.get(
            "index.type", "Flat", Formats.text("a Faiss factory string, such as Flat or HNSW32")));
  }
}
