package io.shelfstream.follower;

import static io.shelfstream.streams.Lifecycle.State.DRAINING;
import static io.shelfstream.streams.Lifecycle.State.FAILED;
import static io.shelfstream.streams.Lifecycle.State.READY;
import static io.shelfstream.streams.Lifecycle.State.REBUILDING;
import static io.shelfstream.streams.Lifecycle.State.STOPPED;

import io.shelfstream.broker.TopicOffsets;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.config.TopicNames;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.GalleryState;
import io.shelfstream.gallery.PhotoFilter;
import io.shelfstream.gallery.ProductSearch;
import io.shelfstream.index.Accelerator;
import io.shelfstream.index.IndexException;
import io.shelfstream.recognition.LoadedModels;
import io.shelfstream.recognition.RecognitionModels;
import io.shelfstream.streams.FailedRecords;
import io.shelfstream.streams.Lifecycle;
import io.shelfstream.streams.Restarts;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gallery of a vectors topic for as long as the service runs. When following ends, a new
 * gallery is read from the topic and replaces the old one. The old one is searched until then, and
 * freed as soon as its last search has ended. This object always searches the current one. Safe for
 * several threads.
 */
public final class LiveGallery implements ProductSearch, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(LiveGallery.class);

  private final ShelfStreamConfig config;
  private final LoadedModels models;
  private final @Nullable Accelerator accelerator;
  private final TopicNames topics;
  private final FollowerWiring wiring;
  private final Lifecycle lifecycle;
  private final InFlightPhotos inFlight = new InFlightPhotos();
  private final FailedRecords failed = new FailedRecords();
  private final Restarts rebuilds;
  private final RecognitionModels recognition;
  private volatile @Nullable FollowedGallery current;

  /** What is being read, until it is caught up. */
  private volatile @Nullable Reading reading;

  private record Reading(Gallery gallery, long of, long since) {}

  /**
   * How far a gallery is read from its topic.
   *
   * @param records taken in, those that a snapshot held included
   * @param of records that the topic had when reading began
   * @param perSecond records taken in since then
   */
  public record Progress(long records, long of, double perSecond) {}

  /**
   * A gallery that is not read yet: see {@link #start}.
   *
   * @param models whose extractor the vectors are of; closed by their owner, after this
   * @param accelerator of the gallery; closed by its owner, after this
   * @param topics whose vectors topic is followed
   * @param wiring the topology that follows it
   * @param changed called at each change of its state, for example when it is built again, or has
   *     failed more often than the settings allow
   */
  public LiveGallery(
      ShelfStreamConfig config,
      LoadedModels models,
      @Nullable Accelerator accelerator,
      TopicNames topics,
      FollowerWiring wiring,
      Consumer<Lifecycle> changed) {
    this.config = config;
    this.models = models;
    this.accelerator = accelerator;
    this.topics = topics;
    this.wiring = wiring;
    this.lifecycle = new Lifecycle("The gallery of " + topics.galleryVectors(), changed);
    this.rebuilds = new Restarts(config.delivery().restarts(), config.delivery().restartsWithin());
    this.recognition = RecognitionModels.of(config, models, this);
  }

  /** Reads the topic; returns when the gallery is caught up. Called once. */
  public void start() {
    FollowedGallery read = read();
    current = read;
    ready(read);
  }

  private Map<Integer, Long> ends() {
    try (TopicOffsets offsets = new TopicOffsets(config)) {
      return offsets.ends(topics.galleryVectors());
    }
  }

  private FollowedGallery read() {
    while (true) {
      try {
        Map<Integer, Long> ends = ends();
        long of = ends.values().stream().mapToLong(Long::longValue).sum();
        return FollowedGallery.start(
            config,
            models,
            accelerator,
            topics,
            wiring,
            inFlight,
            failed,
            ends,
            gallery -> reading = new Reading(gallery, of, System.nanoTime()),
            this::followAgain);
      } catch (RuntimeException e) {
        // A record is tried twice, and skipped the third time.
        if (lifecycle.isStopping() || !failed.tookNote()) {
          throw e;
        }
        log.atWarn().setCause(e).log("The gallery cannot be read; trying again");
      } finally {
        reading = null;
      }
    }
  }

  /** Called by the global thread when it ends: Kafka Streams cannot replace it. */
  private void followAgain(Throwable why) {
    if (!lifecycle.to(
        REBUILDING, "its topic is no longer followed; it is searched as it is meanwhile", why)) {
      return;
    }
    Thread builder = new Thread(() -> buildAnew(why), "gallery-rebuild");
    builder.setDaemon(true);
    builder.start();
  }

  private void buildAnew(Throwable why) {
    Throwable last = why;
    for (long pause = 1; !lifecycle.isStopping(); pause *= 2) {
      if (!failed.tookNote() && !rebuilds.mayRestart()) {
        lifecycle.to(FAILED, "it cannot be built anew", last);
        return;
      }
      try {
        TimeUnit.SECONDS.sleep(pause);
        FollowedGallery before = current;
        if (before != null) {
          before.retire();
        }
        FollowedGallery next = read();
        if (take(next)) {
          ready(next);
        }
        return;
      } catch (RuntimeException e) {
        last = e;
        log.atWarn().setCause(e).log("The gallery cannot be built anew yet; trying again");
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private void ready(FollowedGallery followed) {
    lifecycle.to(READY, "caught up with its topic");
    followed.failure().ifPresent(this::followAgain); // it ended between its own start and this
  }

  /** Searches see the new one from now on. Returns false when the service has stopped meanwhile. */
  private synchronized boolean take(FollowedGallery next) {
    if (lifecycle.isStopping()) {
      next.close();
      return false;
    }
    FollowedGallery before = current;
    current = next;
    if (before != null) {
      before.close(); // searches that are running end first
    }
    return true;
  }

  /** This gallery and its models, with which frames are recognised. */
  public RecognitionModels models() {
    return recognition;
  }

  /** Photos that were embedded and are on their way to this gallery. */
  public InFlightPhotos inFlight() {
    return inFlight;
  }

  /** How far it is read; empty while nothing is. */
  public Optional<Progress> progress() {
    Reading now = reading;
    if (now == null) {
      return Optional.empty();
    }
    long records = now.gallery().state().version();
    double seconds = Math.max(1e-3, (System.nanoTime() - now.since()) / 1e9);
    return Optional.of(new Progress(records, now.of(), records / seconds));
  }

  /** Figures of the gallery that is searched now; empty before it is read. */
  public Optional<GalleryMXBean> figures() {
    return Optional.ofNullable(current).map(FollowedGallery::figures);
  }

  /** The name of the application that follows its topic, as logs and metrics show it. */
  public String followerId() {
    return FollowedGallery.id(config, topics.galleryVectors());
  }

  /** The figures of the application that follows its topic, as Kafka names them. */
  public Map<MetricName, ? extends Metric> followerFigures() {
    FollowedGallery followed = current;
    return followed == null ? Map.of() : followed.followerFigures();
  }

  /** The topic that it follows. */
  public String topic() {
    return topics.galleryVectors();
  }

  /** READY, or REBUILDING while it is searched as it was. */
  public Lifecycle lifecycle() {
    return lifecycle;
  }

  /** The gallery that is searched now. */
  public Gallery current() {
    return Objects.requireNonNull(current, "searched before it was read").gallery();
  }

  @Override
  public Result search(List<float[]> embeddings, int k, int products, PhotoFilter filter) {
    return ask(gallery -> gallery.search(embeddings, k, products, filter));
  }

  @Override
  public GalleryState state() {
    return current().state();
  }

  /** As {@link Gallery#resemblance}. */
  public OptionalDouble resemblance(float[] embedding, String productId, String galleryImageId) {
    return ask(gallery -> gallery.resemblance(embedding, productId, galleryImageId));
  }

  /**
   * Offset, on the vectors topic, of the record that a photo came with; empty when it is not in the
   * gallery, or while the gallery is read anew.
   */
  public OptionalLong offsetOf(String galleryImageId) {
    FollowedGallery now = current;
    return now == null ? OptionalLong.empty() : now.offsetOf(galleryImageId);
  }

  /** As {@link Gallery#entries}. */
  public List<GalleryEntry> entries() {
    return ask(Gallery::entries);
  }

  /** Asks again when the gallery was replaced and freed just before it was asked. */
  private <T> T ask(Function<Gallery, T> question) {
    while (true) {
      Gallery asked = current();
      try {
        return question.apply(asked);
      } catch (IndexException e) {
        if (asked == current()) {
          throw e;
        }
      }
    }
  }

  /** Announces {@link #close}: from now on an end of following is no failure. */
  public void stopping() {
    lifecycle.to(DRAINING, "told to stop");
  }

  /** Stops following, writes a last snapshot, and frees the gallery. Idempotent. */
  @Override
  public synchronized void close() {
    lifecycle.to(DRAINING, "told to stop");
    FollowedGallery last = current;
    if (last != null) {
      last.close();
    }
    lifecycle.to(STOPPED, "closed");
  }
}
