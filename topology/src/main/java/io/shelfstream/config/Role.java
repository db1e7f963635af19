package io.shelfstream.config;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What a process of the service does. Any number of each may run on the same topics. */
public enum Role {
  /** Frames become recognitions; embeds nothing. */
  RECOGNIZE,
  /** Photos of products become vectors, each on one of the processes with this role. */
  GALLERY,
  /** Both. */
  ALL;

  public boolean recognizes() {
    return this != GALLERY;
  }

  public boolean embeds() {
    return this != RECOGNIZE;
  }

  /** The topics that it reads; every role follows the gallery. */
  public List<String> reads(ShelfStreamConfig config) {
    List<String> topics = new ArrayList<>();
    if (recognizes()) {
      topics.add(config.topics().frames());
      topics.add(config.pendingFramesTopic());
    }
    if (embeds()) {
      topics.add(config.topics().galleryUpdates());
    }
    topics.add(config.topics().galleryVectors());
    config.next().ifPresent(next -> topics.add(next.vectors()));
    return topics;
  }

  /** The topics that it writes to. */
  public List<String> writes(ShelfStreamConfig config) {
    List<String> topics = new ArrayList<>();
    if (recognizes()) {
      topics.add(config.topics().recognitions());
      topics.addAll(config.outputs().topics());
      topics.add(config.pendingFramesTopic());
    }
    if (embeds()) {
      topics.add(config.topics().galleryVectors());
      topics.add(config.topics().galleryStatus());
      config.next().ifPresent(next -> topics.add(next.vectors()));
    }
    topics.add(config.topics().deadLetters());
    return topics;
  }

  /** All topics that it needs. */
  public List<String> topics(ShelfStreamConfig config) {
    return Stream.concat(reads(config).stream(), writes(config).stream()).distinct().toList();
  }
}
