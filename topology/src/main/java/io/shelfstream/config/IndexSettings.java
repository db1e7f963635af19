package io.shelfstream.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * {@code index.*}: how the gallery is searched and kept.
 *
 * @param type auto, or a Faiss factory string
 * @param snapshotDir where snapshots of the gallery are kept; empty: nowhere
 * @param snapshotInterval from one snapshot to the next
 */
public record IndexSettings(String type, Optional<Path> snapshotDir, Duration snapshotInterval) {

  static IndexSettings from(Settings settings) {
    return new IndexSettings(
        settings.get(
            "index.type",
            "auto",
            Formats.text("auto, or a Faiss factory string such as Flat or IVF1024,Flat")),
        settings.optional("index.snapshot.dir", Formats.path("a directory")),
        settings.get(
            "index.snapshot.interval",
            "10m",
            Durations.from(Duration.ofSeconds(1), Duration.ofHours(24))));
  }
}
