package io.shelfstream.camera;

import io.shelfstream.fetch.HttpCredentials.Credential;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * What an agent does.
 *
 * @param camera id of the camera
 * @param shop id of the store that the camera is in
 * @param source where its pictures come from
 * @param store where frames are kept: a folder, or {@code s3://bucket/prefix}; empty: the files of
 *     a watched folder stay where they are, and are published there
 * @param unchanged mean difference of grey values, 0 to 255, up to which a picture counts as
 *     unchanged and is dropped; empty: none is dropped
 * @param spoolMax bytes of frames that may wait to be published
 * @param keepFor after which stored frames are deleted; empty: never
 * @param state folder of what the agent must remember; one agent uses it at a time
 */
public record AgentSettings(
    String camera,
    Optional<String> shop,
    Source source,
    Optional<String> store,
    Optional<Double> unchanged,
    long spoolMax,
    Optional<Duration> keepFor,
    Path state) {

  /** The folder of a camera's agent where none is named. */
  public static Path defaultState(String camera) {
    String base = System.getenv("XDG_STATE_HOME");
    Path states =
        base == null || base.isBlank()
            ? Path.of(System.getProperty("user.home"), ".local", "state")
            : Path.of(base);
    return states.resolve("shelfstream").resolve("cameras").resolve(FrameName.folder(camera));
  }

  /** Where pictures come from. */
  public sealed interface Source {}

  /** Image files below a folder, as they appear. */
  public record Watched(Path folder) implements Source {}

  /**
   * A camera that answers with a picture, or with a stream of them.
   *
   * @param every time from one picture to the next
   * @param login empty: none is sent
   */
  public record Filmed(URI uri, Duration every, Optional<Credential> login) implements Source {}
}
