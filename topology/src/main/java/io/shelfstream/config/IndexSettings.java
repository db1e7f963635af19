package io.shelfstream.config;

import io.shelfstream.index.DeviceOptions;
import io.shelfstream.index.SearchDevice;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * {@code index.*}: how the gallery is searched and kept.
 *
 * @param type auto, or a Faiss factory string
 * @param device what searches it
 * @param snapshotDir where snapshots of the gallery are kept; empty: nowhere
 * @param snapshotInterval time from one snapshot to the next
 */
public record IndexSettings(
    String type, DeviceOptions device, Optional<Path> snapshotDir, Duration snapshotInterval) {

  private static final long MOST_MEBIBYTES = 1024 * 1024;
  private static final Map<String, SearchDevice> DEVICES =
      Map.of("auto", SearchDevice.AUTO, "cuda", SearchDevice.CUDA, "cpu", SearchDevice.CPU);

  static IndexSettings from(Settings settings) {
    return new IndexSettings(
        settings.get(
            "index.type",
            "auto",
            Formats.text("auto, or a Faiss factory string such as Flat or IVF1024,Flat")),
        new DeviceOptions(
            settings.get("index.device", "auto", Formats.oneOf(DEVICES)),
            settings.get("index.cuda.devices", "0", Formats.wholeNumbers(0, 255)),
            settings
                .optional("index.cuda.memory.limit", ByteSizes.upToMebibytes(MOST_MEBIBYTES))
                .orElse(0L),
            settings.get("index.cuda.memory.temporary", "256MiB", ByteSizes.upToMebibytes(1536))),
        settings.optional("index.snapshot.dir", Formats.path("a directory")),
        settings.get(
            "index.snapshot.interval",
            "10m",
            Durations.from(Duration.ofSeconds(1), Duration.ofHours(24))));
  }
}
