package io.shelfstream.config;

/**
 * {@code index.*}: how the gallery is searched.
 *
 * @param type auto, or a Faiss factory string
 */
public record IndexSettings(String type) {

  static IndexSettings from(Settings settings) {
    return new IndexSettings(
        settings.get(
            "index.type",
            "auto",
            Formats.text("auto, or a Faiss factory string such as Flat or IVF1024,Flat")));
  }
}
