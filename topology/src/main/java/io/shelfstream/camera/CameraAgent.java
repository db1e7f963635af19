package io.shelfstream.camera;

import io.shelfstream.broker.BrokerWait;
import io.shelfstream.broker.QuietClients;
import io.shelfstream.camera.AgentSettings.Filmed;
import io.shelfstream.camera.AgentSettings.Watched;
import io.shelfstream.client.ImageIds;
import io.shelfstream.client.UsageException;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.ImageReference;
import io.shelfstream.fetch.FetchPolicy;
import io.shelfstream.fetch.References;
import io.shelfstream.logging.RepeatedWarning;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.outage.Wait;
import io.shelfstream.streams.Restarts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.core.exception.SdkException;

/**
 * Captures the frames of one camera, stores them and publishes their references, each once and in
 * order, until it is closed. Neither a broker nor a store that is away stops it: frames wait in the
 * {@link Spool}.
 */
public final class CameraAgent implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CameraAgent.class);

  /** How often another publisher of the camera may shut this one out, and within what time. */
  private static final int MOST_SHUT_OUT = 3;

  private static final Duration SHUT_OUT_WITHIN = Duration.ofMinutes(1);

  /** Frames of one transaction. */
  private static final int MOST_AT_ONCE = 100;

  private static final Duration STATUS = Duration.ofMinutes(1);
  private static final Duration RETENTION = Duration.ofMinutes(10);
  private static final Duration PATIENCE = Duration.ofSeconds(1);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

  private static final Duration BROKER_PATIENCE = Duration.ofSeconds(5);

  /** For the frames that still wait when it is closed. */
  private static final Duration FAREWELL = Duration.ofSeconds(5);

  private final AgentSettings settings;
  private final ShelfStreamConfig config;
  private final EventSerdes serdes;
  private final Counts counts = new Counts();
  private final Spool spool;
  private final @Nullable FrameStore store;
  private final @Nullable Unchanged unchanged;
  private final RepeatedWarning warning = new RepeatedWarning();
  private final RepeatedWarning full = new RepeatedWarning();
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final List<AutoCloseable> sources = new ArrayList<>();
  private final Thread capturing;
  private final Thread publishing;
  private final ScheduledExecutorService housekeeping =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "camera-housekeeping");
            thread.setDaemon(true);
            return thread;
          });
  private long toldDropped;
  private String lastStored = "";
  private final QuietClients.Scope quiet = QuietClients.begin();
  private volatile boolean closing;
  private volatile @Nullable Throwable failure;

  private CameraAgent(AgentSettings settings, ShelfStreamConfig config) throws IOException {
    this.settings = settings;
    this.config = config;
    this.serdes = EventSerdes.of(config.schemaRegistry());
    this.store = store(settings, config.images().fetchPolicy());
    this.unchanged = settings.unchanged().map(Unchanged::new).orElse(null);
    this.spool = new Spool(settings.state(), settings.spoolMax(), counts);
    this.capturing = thread("camera-capture", source());
    this.publishing = thread("camera-publish", this::publishUntilClosed);
  }

  /**
   * Starts an agent; returns at once, whether broker, store and camera are there or not.
   *
   * @throws UsageException when the settings cannot be used
   */
  public static CameraAgent start(AgentSettings settings, ShelfStreamConfig config)
      throws IOException {
    CameraAgent agent = new CameraAgent(settings, config);
    agent.publishing.start();
    agent.capturing.start();
    agent.housekeeping.scheduleAtFixedRate(
        agent::status, STATUS.toSeconds(), STATUS.toSeconds(), TimeUnit.SECONDS);
    agent.housekeeping.scheduleWithFixedDelay(
        agent::deleteOld, 0, RETENTION.toSeconds(), TimeUnit.SECONDS);
    return agent;
  }

  private static @Nullable FrameStore store(AgentSettings settings, FetchPolicy policy)
      throws IOException {
    String place = settings.store().orElse(null);
    if (place == null) {
      return null;
    }
    if (!place.regionMatches(true, 0, "s3:", 0, 3)) {
      return new FolderStore(Path.of(place), settings.camera());
    }
    try {
      return new BucketStore(
          place,
          settings.camera(),
          policy.buckets().store(),
          policy.limits().connectTimeout(),
          policy.limits().readTimeout());
    } catch (IllegalArgumentException | SdkException e) {
      throw new UsageException(
          "'%s' cannot be the store of frames: %s"
              .formatted(References.shown(place), e.getMessage()));
    }
  }

  private Runnable source() throws IOException {
    if (settings.source() instanceof Watched watched) {
      FolderWatch watch = new FolderWatch(watched.folder(), spool, counts);
      sources.add(watch);
      return () -> watch.run(this::take);
    }
    HttpCamera camera =
        new HttpCamera((Filmed) settings.source(), config.images().maxBytes(), counts);
    sources.add(camera);
    return () -> camera.run(this::take);
  }

  private Thread thread(String name, Runnable work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (RuntimeException | Error e) {
                stop(e);
              }
            },
            name);
    thread.setDaemon(true);
    return thread;
  }

  private void stop(@Nullable Throwable why) {
    if (!closing) {
      failure = why;
      stopped.countDown();
    }
  }

  private void take(byte[] picture, String extension) throws IOException {
    counts.captured();
    if (unchanged != null && unchanged.isUnchanged(picture)) {
      counts.unchanged();
      return;
    }
    spool.add(picture, extension, null, null);
    tellIfFull();
  }

  private void take(Path file, Instant changed, String source) throws IOException {
    counts.captured();
    byte[] picture = store == null && unchanged == null ? null : read(file);
    if (picture != null && unchanged != null && unchanged.isUnchanged(picture)) {
      counts.unchanged();
      spool.pass(source);
    } else if (store == null) {
      spool.add(ImageIds.ofFrame(file, changed), file.toUri().toString(), changed, source);
    } else if (picture == null) {
      spool.pass(source);
      counts.failed();
      log.atWarn()
          .addKeyValue("file", file)
          .log("The file is larger than images.max.bytes and is not published");
    } else {
      String name = file.getFileName().toString();
      String extension = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
      spool.add(picture, extension, changed, source);
    }
    tellIfFull();
  }

  /** The file's bytes; null when it is too large to be recognised. */
  private byte @Nullable [] read(Path file) throws IOException {
    return Files.size(file) > config.images().maxBytes() ? null : Files.readAllBytes(file);
  }

  private void tellIfFull() {
    long dropped = counts.dropped();
    if (dropped > toldDropped) {
      toldDropped = dropped;
      full.log(
          log.atWarn().addKeyValue("waiting", spool.size()).addKeyValue("bytes", spool.bytes()),
          "The spool is full: the oldest frames are dropped, {} since the start (--spool-max)",
          dropped);
    }
  }

  private void publishUntilClosed() {
    Duration pause = FIRST_PAUSE;
    Restarts shutOut = new Restarts(MOST_SHUT_OUT, SHUT_OUT_WITHIN);
    while (!closing) {
      try (FramePublisher publisher = publisher()) {
        counts.published(spool.published(publisher.last(spool.agent())));
        while (!closing || spool.size() > 0) {
          if (publishSome(publisher)) {
            pause = FIRST_PAUSE;
          }
        }
      } catch (InterruptedException | InterruptException | Wait.Stopped e) {
        Thread.currentThread().interrupt();
        return;
      } catch (ProducerFencedException | InvalidProducerEpochException e) {
        // Also after a transaction that took too long, but then not again and again.
        spool.release();
        if (!shutOut.mayRestart()) {
          stop(
              new KafkaException(
                  "Another agent publishes the frames of camera %s; stop one of the two"
                      .formatted(settings.camera()),
                  e));
          return;
        }
      } catch (KafkaException | IOException | SdkException e) {
        spool.release();
        warning.log(
            log.atWarn().addKeyValue("waiting", spool.size()),
            "Frames wait in the spool: {}",
            References.shown(String.valueOf(e.getMessage())));
        try {
          TimeUnit.NANOSECONDS.sleep(pause.toNanos());
        } catch (InterruptedException stop) {
          return;
        }
        Duration twice = pause.multipliedBy(2);
        pause = twice.compareTo(LONGEST_PAUSE) < 0 ? twice : LONGEST_PAUSE;
      }
    }
  }

  private FramePublisher publisher() {
    BrokerWait.ask(config, BROKER_PATIENCE); // says better than a producer what is wrong
    return new FramePublisher(config, serdes, settings.camera());
  }

  /**
   * @return whether any frame was published
   */
  private boolean publishSome(FramePublisher publisher) throws IOException, InterruptedException {
    List<ImageReference> references = new ArrayList<>();
    String last = "";
    for (Waiting frame : spool.take(MOST_AT_ONCE, PATIENCE)) {
      try {
        references.add(reference(frame, stored(frame)));
        last = frame.name();
      } catch (NoSuchFileException e) {
        counts.failed();
        spool.forget(frame);
        log.atWarn()
            .addKeyValue("frame", frame.name())
            .log("The picture of a waiting frame is gone");
      }
    }
    if (references.isEmpty()) {
      return false;
    }
    publisher.publish(references, spool.agent(), last);
    counts.published(spool.published(last));
    return true;
  }

  private String stored(Waiting frame) throws IOException {
    Path picture = spool.picture(frame);
    if (store == null || picture == null || frame.extension() == null) {
      return String.valueOf(frame.uri());
    }
    String uri = store.put(frame.name(), frame.extension(), picture);
    if (frame.name().compareTo(lastStored) > 0) {
      lastStored = frame.name();
      counts.stored();
    }
    return uri;
  }

  private ImageReference reference(Waiting frame, String uri) {
    return ImageReference.newBuilder()
        .setFrameId(frame.frameId())
        .setCameraId(settings.camera())
        .setUri(uri)
        .setCapturedAt(Instant.ofEpochMilli(frame.capturedAt()))
        .setStoreId(settings.shop().orElse(null))
        .setRegions(List.of())
        .setAttributes(Map.of())
        .build();
  }

  private void status() {
    log.atInfo().log(
        "Camera {}: {}, waiting {} ({} KiB)",
        settings.camera(),
        counts,
        spool.size(),
        spool.bytes() >> 10);
  }

  private void deleteOld() {
    if (store == null || settings.keepFor().isEmpty()) {
      return;
    }
    try {
      int deleted =
          store.deleteOlder(Instant.now().minus(settings.keepFor().get()), spool.oldest());
      if (deleted > 0) {
        log.atInfo().addKeyValue("frames", deleted).log("Old frames were deleted (--keep-for)");
      }
    } catch (IOException | RuntimeException e) { // it must not end the timer
      log.atWarn()
          .log(
              "Old frames cannot be deleted: {}", References.shown(String.valueOf(e.getMessage())));
    }
  }

  /** Waits until it is closed, or cannot go on; then why. */
  public @Nullable Throwable awaitStop() throws InterruptedException {
    stopped.await();
    return failure;
  }

  /** Stops capturing, publishes what waits if that is quick, and says what was done. Idempotent. */
  @Override
  public synchronized void close() {
    if (closing) {
      return;
    }
    closing = true;
    capturing.interrupt();
    for (AutoCloseable source : sources) {
      try {
        source.close();
      } catch (Exception e) {
        log.atDebug().setCause(e).log("Closing a source");
      }
    }
    join(capturing);
    join(publishing);
    serdes.registry().stop();
    publishing.interrupt();
    join(publishing);
    housekeeping.shutdownNow();
    status();
    if (store != null) {
      store.close();
    }
    spool.close();
    quiet.close();
    stopped.countDown();
  }

  private static void join(Thread thread) {
    try {
      thread.join(FAREWELL.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
