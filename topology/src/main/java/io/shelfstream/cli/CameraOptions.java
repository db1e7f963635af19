package io.shelfstream.cli;

import io.shelfstream.camera.AgentSettings;
import io.shelfstream.camera.AgentSettings.Filmed;
import io.shelfstream.camera.AgentSettings.Source;
import io.shelfstream.camera.AgentSettings.Watched;
import io.shelfstream.client.UsageException;
import io.shelfstream.config.ByteSizes;
import io.shelfstream.config.Durations;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.fetch.HttpCredentials;
import io.shelfstream.fetch.HttpCredentials.Credential;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code publish} as the agent of a camera. */
final class CameraOptions {
  private static final String LOGIN = "SHELFSTREAM_CAMERA_LOGIN";
  private static final Duration SHORTEST = Duration.ofMillis(50);
  private static final Duration LONGEST = Duration.ofDays(1);
  private static final Duration LONGEST_KEPT = Duration.ofDays(3650);
  private static final long LEAST_SPOOL = 1 << 20;
  private static final long MOST_SPOOL = 1L << 50;

  @Option(
      names = "--watch",
      paramLabel = "DIR",
      description =
          "Publish the images below this folder, and those that appear in it. They are published where they are, unless --store is given.")
  @Nullable Path watch;

  @Option(
      names = "--snapshot",
      paramLabel = "URL",
      description =
          "Ask a camera for pictures; its URL gives a picture or an MJPEG stream. Needs --store. User and password: SHELFSTREAM_CAMERA_LOGIN=USER:PASSWORD, or a line in the file of images.http.credentials; basic or digest, as the camera asks.")
  @Nullable String snapshot;

  @Option(
      names = "--every",
      paramLabel = "DURATION",
      description = "Time from one picture of --snapshot to the next, 50ms to 1d. Default: 2s.")
  @Nullable String every;

  @Option(
      names = "--store",
      paramLabel = "DIR|s3://BUCKET/PREFIX",
      description =
          "Where frames are kept: a folder that the service sees under the same path, or a bucket (images.s3.*).")
  @Nullable String store;

  @Option(
      names = "--keep-for",
      paramLabel = "DURATION",
      description = "Delete frames in --store after this time, such as 7d. Default: never.")
  @Nullable String keepFor;

  @Option(
      names = "--drop-unchanged",
      arity = "0..1",
      fallbackValue = "2",
      paramLabel = "THRESHOLD",
      description =
          "Leave out pictures that differ from the last published one by at most this: the mean difference of grey values, 0 to 255, of both made 32x32 small. Without a number: 2.")
  @Nullable Double unchanged;

  @Option(
      names = "--spool-max",
      paramLabel = "SIZE",
      description =
          "Most bytes of frames that wait on disk while broker or store is away; then the oldest are dropped. Default: 1GiB.")
  @Nullable String spoolMax;

  @Option(
      names = "--state",
      paramLabel = "DIR",
      description =
          "Folder of the waiting frames and of what must be remembered. Default: ~/.local/state/shelfstream/cameras/ID.")
  @Nullable Path state;

  AgentSettings settings(String camera, @Nullable String shop, ShelfStreamConfig config) {
    if ((watch == null) == (snapshot == null)) {
      throw new UsageException(
          watch == null
              ? "--store, --every, --keep-for, --drop-unchanged, --spool-max and --state are for the agent of a camera; give --watch DIR or --snapshot URL (the shop is --store-id)"
              : "Give either --watch or --snapshot; start an agent for each");
    }
    if (snapshot != null && store == null) {
      throw new UsageException(
          "--snapshot needs --store DIR or --store s3://BUCKET/PREFIX: a reference needs a picture that stays");
    }
    if (every != null && snapshot == null) {
      throw new UsageException("--every is for --snapshot; a watched folder is taken as it comes");
    }
    if (keepFor != null && store == null) {
      throw new UsageException("--keep-for deletes in --store only; give that");
    }
    if (unchanged != null && !(unchanged >= 0 && unchanged <= 255)) {
      throw new UsageException(
          "--drop-unchanged " + unchanged + " is no difference of grey values; give 0 to 255");
    }
    return new AgentSettings(
        camera,
        Optional.ofNullable(shop),
        source(config),
        Optional.ofNullable(store),
        Optional.ofNullable(unchanged),
        spoolMax == null ? 1L << 30 : size(spoolMax),
        Optional.ofNullable(keepFor)
            .map(text -> duration("--keep-for", text, Duration.ofMinutes(1), LONGEST_KEPT)),
        state == null ? AgentSettings.defaultState(camera) : state);
  }

  private Source source(ShelfStreamConfig config) {
    if (watch != null) {
      return new Watched(watch);
    }
    URI uri;
    try {
      uri = URI.create(String.valueOf(snapshot));
    } catch (IllegalArgumentException e) { // its message would repeat a password
      throw new UsageException("--snapshot is no URL; give http://HOST/PATH or https://HOST/PATH");
    }
    return new Filmed(
        uri,
        every == null ? Duration.ofSeconds(2) : duration("--every", every, SHORTEST, LONGEST),
        login(uri, config));
  }

  private static Optional<Credential> login(URI uri, ShelfStreamConfig config) {
    String login = System.getenv(LOGIN);
    if (login == null || login.isEmpty()) {
      return config
          .images()
          .fetchPolicy()
          .http()
          .credentials()
          .map(HttpCredentials::of)
          .map(all -> all.forHostOf(uri));
    }
    int colon = login.indexOf(':');
    if (colon < 0) {
      throw new UsageException(LOGIN + " is not USER:PASSWORD; it has no colon");
    }
    return Optional.of(Credential.basic(login.substring(0, colon), login.substring(colon + 1)));
  }

  private static Duration duration(String option, String text, Duration least, Duration most) {
    try {
      return Durations.of(text, least, most);
    } catch (IllegalArgumentException e) {
      throw new UsageException(option + ": " + e.getMessage());
    }
  }

  private static long size(String text) {
    try {
      return ByteSizes.of(text, LEAST_SPOOL, MOST_SPOOL);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--spool-max: " + e.getMessage());
    }
  }
}
