package io.shelfstream.messages;

import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.impl.NameBasedGenerator;
import io.shelfstream.events.Candidate;
import io.shelfstream.events.EventKind;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognitionStatus;
import io.shelfstream.events.RecognizedObject;
import io.shelfstream.events.Timings;
import io.shelfstream.events.Versions;
import io.shelfstream.fetch.References;
import io.shelfstream.gallery.GalleryHit;
import io.shelfstream.gallery.GalleryState;
import io.shelfstream.recognition.Boxes;
import io.shelfstream.recognition.Match;
import io.shelfstream.recognition.ModelIds;
import io.shelfstream.recognition.Recognition;
import io.shelfstream.recognition.Recognition.SeenObject;
import io.shelfstream.recognition.RecognitionModels;
import io.shelfstream.recognition.Stage;
import io.shelfstream.recognition.StageTimes;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Turns a recognition into the event that consumers read. Safe for several threads. */
public final class RecognitionEvents {
  /** Namespace of our event ids; any fixed UUID does, but it must never change. */
  private static final UUID NAMESPACE = UUID.fromString("5e1f57e4-0c1a-5b7e-9a52-6d1c8f3b2a90");

  /** As {@code RecognitionEvent.skippedReason} has it. */
  static final String SKIPPED_FOR_OVERLOAD = "OVERLOAD";

  /** Models and gallery that a frame is recognised with. */
  public record SeenWith(ModelIds models, GalleryState gallery) {
    public static SeenWith of(RecognitionModels models) {
      return new SeenWith(models.ids(), models.gallery().state());
    }
  }

  private final NameBasedGenerator eventIds = Generators.nameBasedGenerator(NAMESPACE);
  private final String profile;
  private final Clock clock;

  /** For one profile. */
  public RecognitionEvents(String profile, Clock clock) {
    this.profile = profile;
    this.clock = clock;
  }

  /**
   * The event of one frame.
   *
   * @param recordTimestamp of the image reference, in ms since the epoch
   */
  public RecognitionEvent of(ImageReference frame, Recognition seen, long recordTimestamp) {
    Instant now = clock.instant();
    String partial = partialReason(frame, seen);
    return event(frame, now)
        .setStatus(partial == null ? RecognitionStatus.OK : RecognitionStatus.PARTIAL)
        .setPartialReason(partial)
        .setImageWidth(seen.width())
        .setImageHeight(seen.height())
        .setObjects(seen.objects().stream().map(o -> object(o, seen)).toList())
        .setVersions(versions(seen.models(), seen.gallery()))
        .setTimings(timings(seen.times(), now.toEpochMilli() - recordTimestamp))
        .build();
  }

  /** The event of a frame that was skipped because newer ones of its camera waited. */
  public RecognitionEvent skipped(ImageReference frame, SeenWith with, long recordTimestamp) {
    Instant now = clock.instant();
    float queued = Math.max(0, now.toEpochMilli() - recordTimestamp);
    return event(frame, now)
        .setStatus(RecognitionStatus.PARTIAL)
        .setSkippedReason(SKIPPED_FOR_OVERLOAD)
        .setImageWidth(frame.getWidth() == null ? 0 : frame.getWidth())
        .setImageHeight(frame.getHeight() == null ? 0 : frame.getHeight())
        .setObjects(List.of())
        .setVersions(versions(with.models(), with.gallery()))
        .setTimings(new Timings(queued, 0f, 0f, 0f, 0f, 0f, 0f))
        .build();
  }

  private RecognitionEvent.Builder event(ImageReference frame, Instant now) {
    return RecognitionEvent.newBuilder()
        .setEventId(eventId(frame, EventKind.LIVE))
        .setKind(EventKind.LIVE)
        .setCameraId(frame.getCameraId())
        .setFrameId(frame.getFrameId())
        .setStoreId(frame.getStoreId())
        .setShelf(frame.getShelf())
        .setUri(References.withoutSecrets(frame.getUri()))
        .setCapturedAt(frame.getCapturedAt())
        .setProcessedAt(now);
  }

  /**
   * The same for every replay of a frame, so that consumers can drop duplicates. It does not depend
   * on models and gallery: a replay after a crash may use newer ones.
   */
  String eventId(ImageReference frame, EventKind kind) {
    return eventIds
        .generate(frame.getCameraId() + '\n' + frame.getFrameId() + '\n' + kind)
        .toString();
  }

  /** Why the gallery that was searched is older than the frame asked for; null when it is not. */
  private static @Nullable String partialReason(ImageReference frame, Recognition seen) {
    Long wanted = frame.getMinGalleryVersion();
    if (wanted == null || seen.gallery().version() >= wanted) {
      return null;
    }
    return seen.partial() != null
        ? seen.partial()
        : "gallery version %d was asked for; it is %d".formatted(wanted, seen.gallery().version());
  }

  private static RecognizedObject object(SeenObject seen, Recognition image) {
    Match match = seen.match();
    GalleryHit best = match.best();
    RecognizedObject.Builder object =
        RecognizedObject.newBuilder()
            .setBbox(Boxes.toEvent(seen.box().box().clip(image.width(), image.height())))
            .setDetectionScore(seen.box().detectionScore())
            .setWholeImage(seen.box().wholeImage())
            .setStatus(match.status())
            .setScore(best == null ? null : best.score())
            .setMargin(match.margin())
            .setCandidates(match.candidates().stream().map(RecognitionEvents::candidate).toList());
    if (best != null && match.isKnown()) {
      object
          .setLabel(best.entry().label())
          .setProductId(best.entry().productId())
          .setGtin(best.entry().gtin());
    }
    return object.build();
  }

  private static Candidate candidate(GalleryHit hit) {
    return new Candidate(
        hit.entry().productId(), hit.entry().label(), hit.entry().galleryImageId(), hit.score());
  }

  private Versions versions(ModelIds models, GalleryState gallery) {
    Map<String, Long> perPartition = new TreeMap<>();
    if (gallery.versions().size() > 1) {
      gallery.versions().forEach((p, v) -> perPartition.put(Integer.toString(p), v));
    }
    return Versions.newBuilder()
        .setDetector(models.detector())
        .setExtractor(models.extractor())
        .setGalleryVersion(gallery.version())
        .setGallerySize(gallery.size())
        .setIndexType(gallery.indexType())
        .setProvider(models.provider())
        .setGalleryVersions(perPartition)
        .setProfile(profile)
        .build();
  }

  /** Queue time is the time since the record's timestamp less the time of all stages. */
  private static Timings timings(StageTimes times, long sinceRecord) {
    return new Timings(
        Math.max(0, sinceRecord - times.total()),
        times.of(Stage.FETCH),
        times.of(Stage.DECODE),
        times.of(Stage.DETECT),
        times.of(Stage.EXTRACT),
        times.of(Stage.SEARCH),
        times.total());
  }

  /** The fields of an event that say where a frame was, for callers without Kafka. */
  public static ImageReference reference(String cameraId, String frameId, String uri, Instant at) {
    return ImageReference.newBuilder()
        .setCameraId(cameraId)
        .setFrameId(frameId)
        .setUri(uri)
        .setCapturedAt(at)
        .setRegions(List.of())
        .build();
  }
}
