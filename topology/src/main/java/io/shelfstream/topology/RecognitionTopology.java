package io.shelfstream.topology;

import io.shelfstream.detect.Detection;
import io.shelfstream.detect.ObjectBox;
import io.shelfstream.detect.Profile;
import io.shelfstream.embed.Crop;
import io.shelfstream.fetch.FetchException;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.GalleryHit;
import io.shelfstream.gallery.PhotoFilter;
import io.shelfstream.gallery.ProductSearch;
import io.shelfstream.image.Image;
import io.shelfstream.image.ImageException;
import io.shelfstream.image.PixelBox;
import io.shelfstream.index.IndexException;
import io.shelfstream.model.ModelException;
import io.shelfstream.topology.Recognition.SeenObject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.Stores;
import org.jspecify.annotations.Nullable;

/**
 * The whole data path, top to bottom: three Kafka Streams applications, so that any number of
 * processes can do either work, and each photo is embedded once for all of them.
 *
 * <pre>
 * recognition
 * shelf.frames ──► recognize: read ► fetch ► decode ► detect ► extract ► search ► decide ──► publish ──► shelf.recognitions
 *                                                                   │        └──────► shelf.dead-letters
 * galleryFollower, on every instance                                ▼
 * shelf.gallery.vectors ──► apply-vectors (global store) ──► gallery (vector index)
 *          ▲
 *          └────────────────────────────────────────────────┐
 * galleryUpdates                                            │
 * shelf.gallery.updates ──► embed: read ► fetch ► decode ► extract ──► shelf.gallery.status, shelf.dead-letters
 * </pre>
 *
 * The follower starts first and reads its topic to the end, so recognition starts with a complete
 * gallery.
 */
public final class RecognitionTopology {
  /** Names of the nodes and the store, as metrics and logs show them. */
  static final String FRAMES = "frames";

  static final String RECOGNIZE = "recognize";

  /** The store of the frames that were taken and are not answered yet. */
  public static final String PENDING_FRAMES = "pending-frames";

  static final String PUBLISH = "publish";
  static final String RECOGNITIONS = "recognitions";
  static final String RECOGNITIONS_JSON = "recognitions-json";
  static final String OBSERVATIONS = "epcis-observations";
  static final String FRAME_DEAD_LETTERS = "frame-dead-letters";
  static final String GALLERY_UPDATES = "gallery-updates";
  static final String EMBED = "embed";
  static final String GALLERY_VECTORS = "gallery-vectors";
  static final String GALLERY_STATUS = "gallery-status";
  static final String GALLERY_DEAD_LETTERS = "gallery-dead-letters";
  static final String APPLIED_VECTORS = "applied-vectors";
  static final String APPLY_VECTORS = "apply-vectors";
  static final String VECTORS_STORE = "gallery-vectors-store";

  private RecognitionTopology() {}

  /**
   * Frames become recognitions: {@link FrameStage} has them recognised outside the stream threads
   * and hands the answers on in order.
   */
  static Topology recognition(
      TopicNames topics, EventSerdes serdes, FrameStage recognize, Outputs outputs) {
    var keys = new StringSerializer();
    var bytes = new ByteArraySerializer();
    var rawBytes = new ByteArrayDeserializer(); // decoded by the processors, where an error is data
    Topology topology = new Topology();
    topology
        .addSource(FRAMES, rawBytes, rawBytes, topics.frames())
        .addProcessor(RECOGNIZE, recognize, FRAMES)
        .addProcessor(
            PUBLISH,
            () -> new PublishProcessor(topics, serdes, outputs, recognize.limits()),
            RECOGNIZE)
        .addSink(RECOGNITIONS, topics.recognitions(), keys, bytes, PUBLISH)
        .addSink(FRAME_DEAD_LETTERS, topics.deadLetters(), bytes, bytes, RECOGNIZE);
    outputs.json().ifPresent(t -> topology.addSink(RECOGNITIONS_JSON, t, keys, bytes, PUBLISH));
    outputs.epcis().ifPresent(t -> topology.addSink(OBSERVATIONS, t, keys, bytes, PUBLISH));
    return topology;
  }

  /**
   * Photos of products become vectors, once for all instances.
   *
   * @param inFlight shared with the follower of this process, which sees them arrive
   */
  static Topology galleryUpdates(
      TopicNames topics,
      EventSerdes serdes,
      ImageFetcher fetcher,
      GalleryPhotos photos,
      GalleryLinter linter,
      InFlightPhotos inFlight,
      Deliveries deliveries,
      RecordLimits limits,
      Outputs outputs) {
    var keys = new StringSerializer();
    var bytes = new ByteArraySerializer();
    return embedding(topics, serdes, fetcher, photos, linter, inFlight, deliveries, limits, outputs)
        .addSink(
            GALLERY_STATUS, topics.galleryStatus(), keys, serdes.statuses().serializer(), EMBED)
        .addSink(GALLERY_DEAD_LETTERS, topics.deadLetters(), bytes, bytes, EMBED);
  }

  /**
   * The same for an extractor that is to take over, from the first update on. Status and dead
   * letter of an update, and doubts about it, come from the extractor in use alone.
   */
  static Topology galleryUpdatesAgain(
      TopicNames topics,
      EventSerdes serdes,
      ImageFetcher fetcher,
      GalleryPhotos photos,
      Deliveries deliveries,
      RecordLimits limits,
      Outputs outputs) {
    return embedding(topics, serdes, fetcher, photos, null, null, deliveries, limits, outputs)
        .addProcessor(GALLERY_STATUS, Rejections::new, EMBED)
        .addProcessor(GALLERY_DEAD_LETTERS, Rejections::new, EMBED);
  }

  private static Topology embedding(
      TopicNames topics,
      EventSerdes serdes,
      ImageFetcher fetcher,
      GalleryPhotos photos,
      @Nullable GalleryLinter linter,
      @Nullable InFlightPhotos inFlight,
      Deliveries deliveries,
      RecordLimits limits,
      Outputs outputs) {
    var rawBytes = new ByteArrayDeserializer();
    return new Topology()
        .addSource(GALLERY_UPDATES, rawBytes, rawBytes, topics.galleryUpdates())
        .addProcessor(
            EMBED,
            () ->
                new GalleryUpdateProcessor(
                    topics,
                    serdes,
                    fetcher,
                    photos,
                    linter,
                    inFlight,
                    deliveries,
                    limits,
                    outputs.source()),
            GALLERY_UPDATES)
        .addSink(
            GALLERY_VECTORS,
            topics.galleryVectors(),
            new StringSerializer(),
            serdes.vectors().serializer(),
            EMBED);
  }

  /** Vectors are applied to the gallery of this process, all of them on every instance. */
  static Topology galleryFollower(
      TopicNames topics,
      EventSerdes serdes,
      Gallery gallery,
      InFlightPhotos inFlight,
      FailedRecords failed) {
    var rawBytes = new ByteArrayDeserializer();
    // In memory: its content is only what was applied last; the index itself is rebuilt by
    // replaying the compacted topic at each start, through the same processor as live records.
    return new Topology()
        .addGlobalStore(
            Stores.keyValueStoreBuilder(
                    Stores.inMemoryKeyValueStore(VECTORS_STORE), Serdes.String(), Serdes.Long())
                .withLoggingDisabled(),
            APPLIED_VECTORS,
            rawBytes,
            rawBytes,
            topics.galleryVectors(),
            APPLY_VECTORS,
            () -> new GalleryVectorProcessor(topics, serdes, gallery, inFlight, failed));
  }

  static byte[] fetch(ImageFetcher fetcher, String uri, @Nullable String sha256)
      throws RejectedException {
    try {
      return fetcher.fetch(uri, sha256);
    } catch (FetchException e) {
      throw RejectedException.of(e);
    }
  }

  /**
   * What one image shows, compared with all photos, on the calling thread. The command {@code
   * recognize} comes through here; {@link FrameRecognizer} takes the same steps for many frames
   * side by side.
   *
   * @param regions boxes to look at, empty for the whole image; one that is empty itself, or lies
   *     outside the image, has no objects
   * @param times goes on being booked
   */
  public static Recognition recognize(
      Stages stages, byte[] encoded, List<PixelBox> regions, StageTimes times)
      throws RejectedException {
    try (Image image = stages.decoder().decodeFrame(encoded)) {
      times.lap(Stage.DECODE);
      List<ObjectBox> boxes = detect(stages, image, regions);
      times.lap(Stage.DETECT);
      List<float[]> embeddings = extract(stages, image, boxes);
      times.lap(Stage.EXTRACT);
      return answer(
          stages, image.width(), image.height(), boxes, embeddings, PhotoFilter.NONE, times, null);
    } catch (ImageException e) {
      throw RejectedException.of(e);
    }
  }

  /**
   * What the gallery makes of the objects of an image.
   *
   * @param filter photos that the objects are compared with
   * @param partial why the answer is not what was asked for; null when it is
   */
  static Recognition answer(
      Stages stages,
      int width,
      int height,
      List<ObjectBox> boxes,
      List<float[]> embeddings,
      PhotoFilter filter,
      StageTimes times,
      @Nullable String partial)
      throws RejectedException {
    ProductSearch.Result found = search(stages, embeddings, filter);
    List<SeenObject> objects = decide(stages, boxes, embeddings, found.hits());
    times.lap(Stage.SEARCH);
    return new Recognition(
        width, height, objects, found.gallery(), stages.models(), times, partial);
  }

  static List<ObjectBox> detect(Stages stages, Image image, List<PixelBox> regions)
      throws RejectedException {
    try {
      List<Detection> found = stages.detector().detect(List.of(image)).get(0);
      Profile profile = stages.profile();
      if (!regions.isEmpty()) {
        found = found.stream().filter(d -> Boxes.centreLiesIn(regions, d)).toList();
        profile = profile.withoutWholeImage(); // which reaches beyond what was asked for
      }
      return profile.select(found, stages.detectionThreshold(), image.width(), image.height());
    } catch (ModelException e) {
      throw RejectedException.of(Stage.DETECT, e);
    }
  }

  /** One batch for all objects of the image. */
  static List<float[]> extract(Stages stages, Image image, List<ObjectBox> boxes)
      throws RejectedException {
    if (boxes.isEmpty()) {
      return List.of();
    }
    try {
      return stages
          .extractor()
          .extract(
              boxes.stream()
                  .map(b -> new Crop(image, b.box().clip(image.width(), image.height())))
                  .toList());
    } catch (ModelException e) {
      throw RejectedException.of(Stage.EXTRACT, e);
    }
  }

  private static ProductSearch.Result search(
      Stages stages, List<float[]> embeddings, PhotoFilter filter) throws RejectedException {
    try {
      MatchPolicy policy = stages.policy();
      return stages.gallery().search(embeddings, policy.photos(), policy.products(), filter);
    } catch (IndexException e) {
      throw RejectedException.of(e);
    }
  }

  /** The verdict on each object, then what the profile drops: unknown ones, overlapping results. */
  private static List<SeenObject> decide(
      Stages stages, List<ObjectBox> boxes, List<float[]> embeddings, List<List<GalleryHit>> hits) {
    List<SeenObject> seen = new ArrayList<>(boxes.size());
    for (int i = 0; i < boxes.size(); i++) {
      Match match = stages.policy().decide(hits.get(i));
      if (match.isKnown() || stages.profile().keepsUnknown()) {
        seen.add(new SeenObject(boxes.get(i), match, embeddings.get(i)));
      }
    }
    float[] scores = new float[seen.size()];
    for (int i = 0; i < scores.length; i++) {
      GalleryHit best = seen.get(i).match().best();
      scores[i] = best == null ? Float.NEGATIVE_INFINITY : best.score();
    }
    int[] kept = stages.profile().suppress(seen.stream().map(o -> o.box().box()).toList(), scores);
    return Arrays.stream(kept).mapToObj(seen::get).toList();
  }
}
