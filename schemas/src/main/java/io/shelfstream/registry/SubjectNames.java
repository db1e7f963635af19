package io.shelfstream.registry;

import org.apache.avro.Schema;

/** How the subject of a topic's values is named; the three ways that registries know. */
enum SubjectNames {
  /** {@code <topic>-value}: one schema lineage a topic. */
  TOPIC("TopicNameStrategy") {
    @Override
    String subject(String topic, Schema schema) {
      return topic + "-value";
    }
  },
  /** The record's full name: one lineage a type, on whatever topic. */
  RECORD("RecordNameStrategy") {
    @Override
    String subject(String topic, Schema schema) {
      return schema.getFullName();
    }
  },
  /** Both, joined by a hyphen. */
  TOPIC_RECORD("TopicRecordNameStrategy") {
    @Override
    String subject(String topic, Schema schema) {
      return topic + "-" + schema.getFullName();
    }
  };

  private static final String OFFICIAL_PACKAGE = "io.confluent.kafka.serializers.subject.";

  private final String officialName;

  SubjectNames(String officialName) {
    this.officialName = officialName;
  }

  abstract String subject(String topic, Schema schema);

  /**
   * By the name of the official class, with or without its package.
   *
   * @throws IllegalArgumentException when there is none of that name
   */
  static SubjectNames named(String name) {
    for (SubjectNames names : values()) {
      if (name.equals(names.officialName) || name.equals(OFFICIAL_PACKAGE + names.officialName)) {
        return names;
      }
    }
    throw new IllegalArgumentException(name);
  }
}
