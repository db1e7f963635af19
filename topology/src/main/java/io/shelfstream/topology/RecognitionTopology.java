package io.shelfstream.topology;

import io.shelfstream.detect.Detection;
import io.shelfstream.detect.ObjectBox;
import io.shelfstream.embed.Crop;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
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
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.Stores;
import org.jspecify.annotations.Nullable;

/**
 * The whole data path, top to bottom.
 *
 * <pre>
 * shelf.frames ──► recognize: read ► fetch ► decode ► detect ► extract ► search ► decide ──► publish ──► shelf.recognitions
 *                     ▲                                                            └──────► shelf.dead-letters
 *                     │ searches
 *                  gallery (vector index) ◄── apply-vectors (global store, every instance) ◄─┐
 *                                                                                            │
 * shelf.gallery.updates ──► embed: read ► fetch ► decode ► extract ──► shelf.gallery.vectors ┘
 *                                                                 └──► shelf.gallery.status, shelf.dead-letters
 * </pre>
 *
 * Kafka Streams reads the global store to its end before the first frame is taken up, so
 * recognition starts with a complete gallery.
 */
public final class RecognitionTopology {
  /** Names of the nodes and the store, as metrics and logs show them. */
  static final String FRAMES = "frames";

  static final String RECOGNIZE = "recognize";
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
   * Wires the topics to the stages. The program and the tests build the same object here.
   *
   * @param gallery follows the vectors topic; {@code stages} searches it
   */
  public static Topology build(
      TopicNames topics,
      EventSerdes serdes,
      ImageFetcher fetcher,
      Stages stages,
      Gallery gallery,
      RecognitionEvents events,
      GalleryPhotos photos,
      Outputs outputs) {
    var keys = new StringSerializer();
    var bytes = new ByteArraySerializer();
    var rawBytes = new ByteArrayDeserializer(); // decoded by the processors, where an error is data
    Topology topology = new Topology();

    topology
        .addSource(FRAMES, rawBytes, rawBytes, topics.frames())
        .addProcessor(
            RECOGNIZE, () -> new FrameProcessor(topics, serdes, fetcher, stages, events), FRAMES)
        .addProcessor(PUBLISH, () -> new PublishProcessor(outputs), RECOGNIZE)
        .addSink(
            RECOGNITIONS, topics.recognitions(), keys, serdes.recognitions().serializer(), PUBLISH)
        .addSink(FRAME_DEAD_LETTERS, topics.deadLetters(), bytes, bytes, RECOGNIZE);

    outputs.json().ifPresent(t -> topology.addSink(RECOGNITIONS_JSON, t, keys, bytes, PUBLISH));
    outputs.epcis().ifPresent(t -> topology.addSink(OBSERVATIONS, t, keys, bytes, PUBLISH));

    topology
        .addSource(GALLERY_UPDATES, rawBytes, rawBytes, topics.galleryUpdates())
        .addProcessor(
            EMBED,
            () -> new GalleryUpdateProcessor(topics, serdes, fetcher, photos, outputs.source()),
            GALLERY_UPDATES)
        .addSink(
            GALLERY_VECTORS, topics.galleryVectors(), keys, serdes.vectors().serializer(), EMBED)
        .addSink(
            GALLERY_STATUS, topics.galleryStatus(), keys, serdes.statuses().serializer(), EMBED)
        .addSink(GALLERY_DEAD_LETTERS, topics.deadLetters(), bytes, bytes, EMBED);

    // In memory: its content is only what was applied last; the index itself is rebuilt by
    // replaying
    // the compacted topic at each start, through the same processor as live records.
    topology.addGlobalStore(
        Stores.keyValueStoreBuilder(
                Stores.inMemoryKeyValueStore(VECTORS_STORE), Serdes.String(), Serdes.Long())
            .withLoggingDisabled(),
        APPLIED_VECTORS,
        rawBytes,
        rawBytes,
        topics.galleryVectors(),
        APPLY_VECTORS,
        () -> new GalleryVectorProcessor(topics, serdes, gallery));
    return topology;
  }

  /** Each frame becomes one recognition event or one dead letter. */
  private static final class FrameProcessor
      extends ContextualProcessor<byte[], byte[], Object, Object> {
    private final TopicNames topics;
    private final EventSerdes serdes;
    private final ImageFetcher fetcher;
    private final Stages stages;
    private final RecognitionEvents events;

    FrameProcessor(
        TopicNames topics,
        EventSerdes serdes,
        ImageFetcher fetcher,
        Stages stages,
        RecognitionEvents events) {
      this.topics = topics;
      this.serdes = serdes;
      this.fetcher = fetcher;
      this.stages = stages;
      this.events = events;
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      StageTimes times = new StageTimes();
      try {
        RecognitionEvent event = answer(record, times);
        context().forward(record.withKey(event.getCameraId()).withValue(event), PUBLISH);
      } catch (RejectedException e) {
        context().forward(DeadLetter.of(record, context().recordMetadata(), e), FRAME_DEAD_LETTERS);
      }
    }

    private RecognitionEvent answer(Record<byte[], byte[]> record, StageTimes times)
        throws RejectedException {
      try {
        ImageReference frame = serdes.readFrame(topics.frames(), record);
        times.lap(Stage.READ);
        byte[] encoded = fetch(fetcher, frame.getUri(), frame.getSha256());
        times.lap(Stage.FETCH);
        List<PixelBox> regions = frame.getRegions().stream().map(Boxes::toPixels).toList();
        Recognition seen = recognize(stages, encoded, regions, stages.filters().of(frame), times);
        return events.of(frame, seen, record.timestamp());
      } catch (RegistryWait.Stopped e) {
        throw e; // not handled, so not committed: the next start reads it again
      } catch (RuntimeException e) {
        throw RejectedException.unexpected(times.underWay(), e);
      }
    }
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
   * What one image shows. The processor and the command {@code recognize} both come through here.
   *
   * @param regions boxes to look at; empty for the whole image
   * @param filter photos that the objects are compared with
   * @param times goes on being booked
   */
  public static Recognition recognize(
      Stages stages, byte[] encoded, List<PixelBox> regions, PhotoFilter filter, StageTimes times)
      throws RejectedException {
    try (Image image = stages.decoder().decode(encoded)) {
      times.lap(Stage.DECODE);
      List<ObjectBox> boxes = detect(stages, image, regions);
      times.lap(Stage.DETECT);
      List<float[]> embeddings = extract(stages, image, boxes);
      times.lap(Stage.EXTRACT);
      ProductSearch.Result found = search(stages, embeddings, filter);
      times.lap(Stage.SEARCH);
      List<SeenObject> objects = decide(stages, boxes, embeddings, found.hits());
      return new Recognition(image.width(), image.height(), objects, found.gallery(), times);
    } catch (ImageException e) {
      throw RejectedException.of(e);
    }
  }

  /** The same among all photos. */
  public static Recognition recognize(
      Stages stages, byte[] encoded, List<PixelBox> regions, StageTimes times)
      throws RejectedException {
    return recognize(stages, encoded, regions, PhotoFilter.NONE, times);
  }

  private static List<ObjectBox> detect(Stages stages, Image image, List<PixelBox> regions)
      throws RejectedException {
    try {
      List<Detection> found = stages.detector().detect(List.of(image)).get(0);
      if (!regions.isEmpty()) {
        found = found.stream().filter(d -> Boxes.centreLiesIn(regions, d)).toList();
      }
      return stages
          .profile()
          .select(found, stages.detectionThreshold(), image.width(), image.height());
    } catch (ModelException e) {
      throw RejectedException.of(Stage.DETECT, e);
    }
  }

  /** One batch for all objects of the image. */
  private static List<float[]> extract(Stages stages, Image image, List<ObjectBox> boxes)
      throws RejectedException {
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
      return stages.gallery().search(embeddings, stages.policy().photos(), filter);
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
