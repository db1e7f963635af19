package io.shelfstream.frames;

import io.shelfstream.broker.Topics;
import io.shelfstream.config.DeliverySettings;
import io.shelfstream.config.NodeNames;
import io.shelfstream.config.OverloadSettings;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.messages.RecordLimits;
import io.shelfstream.metrics.FrameMetrics;
import io.shelfstream.streams.Deliveries;
import io.shelfstream.streams.EarlyCommits;
import io.shelfstream.streams.WakeableClients;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** Creates the {@link FrameProcessor} of each partition, and holds what they share. */
public record FrameProcessorSupplier(
    String topic,
    FrameAnswers answers,
    DeliverySettings delivery,
    OverloadSettings overload,
    Deliveries deliveries,
    RecordLimits limits,
    FramesInHand inHand,
    EarlyCommits earlyCommits,
    WakeableClients clients,
    FrameMetrics metrics,
    FrameTraces traces)
    implements ProcessorSupplier<byte[], byte[], Object, Object> {

  public static FrameProcessorSupplier of(
      ShelfStreamConfig config,
      FrameAnswers answers,
      Deliveries deliveries,
      RecordLimits limits,
      FramesInHand inHand,
      WakeableClients clients,
      FrameMetrics metrics,
      FrameTraces traces) {
    return new FrameProcessorSupplier(
        config.topics().frames(),
        answers,
        config.delivery(),
        config.overload(),
        deliveries,
        limits,
        inHand,
        new EarlyCommits(),
        clients,
        metrics,
        traces);
  }

  @Override
  public Processor<byte[], byte[], Object, Object> get() {
    return new FrameProcessor(this);
  }

  /**
   * The store of pending frames. In memory, because it is small; its changelog keeps it through a
   * crash. Cached, so that slots which are filled and freed between two commits are never written
   * to the changelog.
   */
  @Override
  public Set<StoreBuilder<?>> stores() {
    return Set.of(
        Stores.keyValueStoreBuilder(
                Stores.inMemoryKeyValueStore(NodeNames.PENDING_FRAMES),
                Serdes.Integer(),
                Serdes.ByteArray())
            .withCachingEnabled()
            .withLoggingEnabled(Topics.CHANGELOG));
  }
}
