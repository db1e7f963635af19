package io.shelfstream.topology;

import io.shelfstream.config.NodeNames;
import io.shelfstream.config.Outputs;
import io.shelfstream.config.TopicNames;
import io.shelfstream.embedding.GalleryLinter;
import io.shelfstream.embedding.GalleryUpdateProcessor;
import io.shelfstream.embedding.PhotoEmbedder;
import io.shelfstream.embedding.Rejections;
import io.shelfstream.embedding.UpdateMetrics;
import io.shelfstream.fetch.PatientFetcher;
import io.shelfstream.follower.GalleryVectorProcessor;
import io.shelfstream.follower.InFlightPhotos;
import io.shelfstream.frames.FrameProcessorSupplier;
import io.shelfstream.frames.PublishProcessor;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.messages.RecordLimits;
import io.shelfstream.streams.Deliveries;
import io.shelfstream.streams.FailedRecords;
import io.shelfstream.tracing.Traces;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.Stores;
import org.jspecify.annotations.Nullable;

/**
 * The whole data path, top to bottom, as three Kafka Streams applications. Any number of processes
 * can run each of them, and each photo is embedded once for all processes.
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
 * The follower starts first and reads its topic to the end, so recognition begins with a complete
 * gallery.
 */
public final class RecognitionTopology {
  private RecognitionTopology() {}

  /**
   * Frames become recognition events. The node {@code recognize} ({@link FrameProcessorSupplier})
   * lets other threads do the work and forwards the answers in order.
   */
  public static Topology recognition(
      TopicNames topics, EventSerdes serdes, FrameProcessorSupplier recognize, Outputs outputs) {
    var keys = new StringSerializer();
    var bytes = new ByteArraySerializer();
    var rawBytes = new ByteArrayDeserializer(); // decoded by the processors, where an error is data
    Topology topology = new Topology();
    topology
        .addSource(NodeNames.FRAMES, rawBytes, rawBytes, topics.frames())
        .addProcessor(NodeNames.RECOGNIZE, recognize, NodeNames.FRAMES)
        .addProcessor(
            NodeNames.PUBLISH,
            () -> new PublishProcessor(topics, serdes, outputs, recognize.limits()),
            NodeNames.RECOGNIZE)
        .addSink(NodeNames.RECOGNITIONS, topics.recognitions(), keys, bytes, NodeNames.PUBLISH)
        .addSink(
            NodeNames.FRAME_DEAD_LETTERS, topics.deadLetters(), bytes, bytes, NodeNames.RECOGNIZE);
    outputs
        .json()
        .ifPresent(
            t -> topology.addSink(NodeNames.RECOGNITIONS_JSON, t, keys, bytes, NodeNames.PUBLISH));
    outputs
        .epcis()
        .ifPresent(
            t -> topology.addSink(NodeNames.OBSERVATIONS, t, keys, bytes, NodeNames.PUBLISH));
    return topology;
  }

  /**
   * Photos of products become vectors, once for all instances.
   *
   * @param inFlight shared with the follower of this process, which notes when they become
   *     searchable
   */
  static Topology galleryUpdates(
      TopicNames topics,
      EventSerdes serdes,
      PatientFetcher fetcher,
      PhotoEmbedder photos,
      GalleryLinter linter,
      InFlightPhotos inFlight,
      Deliveries deliveries,
      RecordLimits limits,
      Outputs outputs,
      UpdateMetrics metrics,
      Traces traces) {
    var keys = new StringSerializer();
    var bytes = new ByteArraySerializer();
    return embedding(
            topics,
            serdes,
            fetcher,
            photos,
            linter,
            inFlight,
            deliveries,
            limits,
            outputs,
            metrics,
            traces)
        .addSink(
            NodeNames.GALLERY_STATUS,
            topics.galleryStatus(),
            keys,
            serdes.statuses().serializer(),
            NodeNames.EMBED)
        .addSink(
            NodeNames.GALLERY_DEAD_LETTERS, topics.deadLetters(), bytes, bytes, NodeNames.EMBED);
  }

  /**
   * The same for the next extractor, from the first update on. Statuses, dead letters and warnings
   * are written only for the extractor in use.
   */
  static Topology galleryUpdatesAgain(
      TopicNames topics,
      EventSerdes serdes,
      PatientFetcher fetcher,
      PhotoEmbedder photos,
      Deliveries deliveries,
      RecordLimits limits,
      Outputs outputs) {
    return embedding(
            topics,
            serdes,
            fetcher,
            photos,
            null,
            null,
            deliveries,
            limits,
            outputs,
            null,
            Traces.OFF) // it is old news, in traces that ended long ago
        .addProcessor(NodeNames.GALLERY_STATUS, Rejections::new, NodeNames.EMBED)
        .addProcessor(NodeNames.GALLERY_DEAD_LETTERS, Rejections::new, NodeNames.EMBED);
  }

  private static Topology embedding(
      TopicNames topics,
      EventSerdes serdes,
      PatientFetcher fetcher,
      PhotoEmbedder photos,
      @Nullable GalleryLinter linter,
      @Nullable InFlightPhotos inFlight,
      Deliveries deliveries,
      RecordLimits limits,
      Outputs outputs,
      @Nullable UpdateMetrics metrics,
      Traces traces) {
    var rawBytes = new ByteArrayDeserializer();
    return new Topology()
        .addSource(NodeNames.GALLERY_UPDATES, rawBytes, rawBytes, topics.galleryUpdates())
        .addProcessor(
            NodeNames.EMBED,
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
                    outputs.source(),
                    metrics,
                    traces),
            NodeNames.GALLERY_UPDATES)
        .addSink(
            NodeNames.GALLERY_VECTORS,
            topics.galleryVectors(),
            new StringSerializer(),
            serdes.vectors().serializer(),
            NodeNames.EMBED);
  }

  /** Applies all vectors to the gallery of this process; every process does so. */
  static Topology galleryFollower(
      TopicNames topics,
      EventSerdes serdes,
      Gallery gallery,
      InFlightPhotos inFlight,
      FailedRecords failed) {
    var rawBytes = new ByteArrayDeserializer();
    // In memory: it only holds which record of a photo was applied last. The index itself is built
    // by reading the compacted topic again at each start, through the same processor as live
    // records.
    return new Topology()
        .addGlobalStore(
            Stores.keyValueStoreBuilder(
                    Stores.inMemoryKeyValueStore(NodeNames.VECTORS_STORE),
                    Serdes.String(),
                    Serdes.Long())
                .withLoggingDisabled(),
            NodeNames.APPLIED_VECTORS,
            rawBytes,
            rawBytes,
            topics.galleryVectors(),
            NodeNames.APPLY_VECTORS,
            () -> new GalleryVectorProcessor(topics, serdes, gallery, inFlight, failed));
  }
}
