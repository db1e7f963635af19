package io.shelfstream.config;

import java.util.Map;
import java.util.TreeMap;

/**
 * {@code recognition.overload.*}: what happens to frames of a camera that sends more than can be
 * recognised.
 *
 * @param newestWins of cameras that {@code cameras} does not name
 * @param cameras by the key of their records
 * @param waiting frames of a camera that may wait before older ones are skipped, at least 1
 * @param answersSkipped whether a skipped frame is answered by an event; otherwise it is only
 *     counted
 */
public record OverloadSettings(
    boolean newestWins, Map<String, Boolean> cameras, int waiting, boolean answersSkipped) {

  /** Every frame is recognised, however long it takes. */
  public static final OverloadSettings KEEP_ALL = new OverloadSettings(false, Map.of(), 1, true);

  private static final String CAMERAS = "recognition.overload.camera.";
  private static final Format<Boolean> POLICY =
      Formats.oneOf(Map.of("keep-all", false, "newest-wins", true));

  public OverloadSettings {
    cameras = Map.copyOf(cameras);
  }

  static OverloadSettings from(Settings settings) {
    return new OverloadSettings(
        settings.get("recognition.overload", "keep-all", POLICY),
        cameras(settings),
        settings.get("recognition.overload.waiting", "1", Formats.wholeNumber(1, 1000)),
        settings.get(
            "recognition.overload.skipped",
            "event",
            Formats.oneOf(Map.of("event", true, "count", false))));
  }

  private static Map<String, Boolean> cameras(Settings settings) {
    Map<String, Boolean> cameras = new TreeMap<>();
    settings
        .below(CAMERAS)
        .forEach(
            (key, policy) -> {
              try {
                cameras.put(key.substring(CAMERAS.length()), POLICY.parse(policy.strip()));
              } catch (IllegalArgumentException e) {
                settings.problem(key, "give " + POLICY.expected());
              }
            });
    return cameras;
  }

  /** Whether older frames of a camera are skipped for newer ones. */
  public boolean newestWins(String camera) {
    return cameras.getOrDefault(camera, newestWins);
  }
}
