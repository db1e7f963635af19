package io.shelfstream.metrics;

import java.util.List;

/**
 * Every metric of our own. Prometheus shows it with dots as underscores, with {@code _total} behind
 * a counter and the unit behind what has one.
 *
 * <p>Frames add up within a process, at any time: taken = recognized + dead-lettered + skipped +
 * given up + in hand.
 *
 * <p>No metric has a tag whose values callers choose, such as a camera.
 */
public enum Metric {
  FRAMES_TAKEN(
      Kind.COUNTER,
      "shelfstream.frames.taken",
      "Frames read from their topic, or taken up again after a rebalance or a start."),
  FRAMES_RECOGNIZED(
      Kind.COUNTER,
      "shelfstream.frames.recognized",
      "Frames answered by a recognition event, by its status.",
      "status"),
  FRAMES_DEAD_LETTERED(
      Kind.COUNTER,
      "shelfstream.frames.dead.lettered",
      "Frames answered by a dead letter, by its reason class.",
      "reason"),
  FRAMES_SKIPPED(
      Kind.COUNTER,
      "shelfstream.frames.skipped",
      "Frames not looked at because newer ones of their camera waited."),
  FRAMES_GIVEN_UP(
      Kind.COUNTER,
      "shelfstream.frames.given.up",
      "Frames in hand when their partition went to another thread or instance, or began again; they are taken up there."),
  FRAMES_IN_HAND(
      Kind.GAUGE, "shelfstream.frames.in.hand", "Frames that were taken and are not answered yet."),
  OBJECTS(
      Kind.COUNTER,
      "shelfstream.objects",
      "Objects in recognition events: match, ambiguous or unknown.",
      "status"),
  STAGE_TIME(
      Kind.TIMER,
      "shelfstream.stage.time",
      "Time a frame spends in a stage, waits left out.",
      "stage"),
  QUEUE_TIME(
      Kind.TIMER,
      "shelfstream.queue.time",
      "From a frame's record timestamp to its answer, less the time in its stages."),
  LATENCY(
      Kind.TIMER,
      "shelfstream.latency",
      "From a frame's capturedAt to the writing of its event, from 0 to a day; clocks of cameras count in."),
  BATCH_SIZE(
      Kind.HISTOGRAM,
      "shelfstream.batch.size",
      "Images of one run of the detector (tiles count as images), crops of one run of the extractor.",
      "model"),
  LAG_RECORDS(
      Kind.GAUGE,
      "shelfstream.lag.records",
      "Records of a partition of this process that are not answered yet: those in hand, and those that it has not read; the end of the partition is asked for every 5 s.",
      "application",
      "topic",
      "partition"),
  LAG(
      Kind.GAUGE,
      "shelfstream.lag",
      "Age of the oldest record in hand of a partition, by its timestamp; where none is in hand and some wait, the time since that was first seen; 0 where none waits.",
      "seconds",
      "application",
      "topic",
      "partition"),
  GALLERY_UPDATES(
      Kind.COUNTER,
      "shelfstream.gallery.updates",
      "Gallery updates answered: applied, removed or rejected; of what is rejected the reason class.",
      "outcome",
      "reason"),
  GALLERY_SEARCHABLE_TIME(
      Kind.TIMER,
      "shelfstream.gallery.searchable.time",
      "From a gallery update's record timestamp to the moment when searches of this process find it, or find the removed photo no more; from 0 to a day."),
  GALLERY_PHOTOS(
      Kind.GAUGE, "shelfstream.gallery.photos", "Photos that a search can find.", "topic"),
  GALLERY_VERSION(
      Kind.GAUGE,
      "shelfstream.gallery.version",
      "Records of the vectors topic that were taken in, of all partitions.",
      "topic"),
  GALLERY_DELETED_ROWS(
      Kind.GAUGE,
      "shelfstream.gallery.deleted.rows",
      "Vectors that are marked deleted and still in the index, until a compaction.",
      "topic"),
  GALLERY_SEGMENTS(
      Kind.GAUGE,
      "shelfstream.gallery.segments",
      "Parts of the index that a search goes through.",
      "topic"),
  GALLERY_RECALL(
      Kind.GAUGE,
      "shelfstream.gallery.recall",
      "Share of the 10 nearest photos that the index finds, measured on a sample when it was trained; NaN where that is not known.",
      "topic"),
  GALLERY_COMPACTIONS(
      Kind.COUNTER, "shelfstream.gallery.compactions", "Compactions since the start.", "topic"),
  GALLERY_SNAPSHOT_AGE(
      Kind.GAUGE,
      "shelfstream.gallery.snapshot.age",
      "Time since a snapshot held all that was there; NaN without snapshots.",
      "seconds",
      "topic"),
  GALLERY_MEMORY(
      Kind.GAUGE,
      "shelfstream.gallery.memory",
      "Vectors in memory outside the heap, deleted ones included; the links of a graph come on top.",
      "bytes",
      "topic"),
  DEVICE_MEMORY(
      Kind.GAUGE,
      "shelfstream.device.memory",
      "Vectors on GPUs, of all galleries of the process.",
      "bytes",
      "topic"),
  HTTP_IN_HAND(
      Kind.GAUGE,
      "shelfstream.http.in.hand",
      "Images of callers of the port that are not answered yet."),
  HTTP_ANSWERS(
      Kind.COUNTER,
      "shelfstream.http.answers",
      "Images of callers of the port: recognized, or the reason class of the refusal.",
      "reason"),
  READY(Kind.GAUGE, "shelfstream.ready", "1 while /health/ready answers 200, else 0."),
  PART_READY(
      Kind.GAUGE,
      "shelfstream.part.ready",
      "1 while a part of the service is at work, else 0.",
      "part"),
  REBUILDS(
      Kind.COUNTER,
      "shelfstream.rebuilds",
      "How often a part of the service failed and was built anew.",
      "part"),
  RESIDENT_MEMORY(
      Kind.GAUGE,
      "process.resident.memory",
      "Memory of the process as the system counts it: heap, models, index, direct buffers; NaN where there is no /proc.",
      "bytes"),
  INFO(
      Kind.GAUGE,
      "shelfstream.info",
      "Always 1: what this process is.",
      "version",
      "detector",
      "extractor",
      "provider",
      "role");

  /** How it is measured. */
  public enum Kind {
    /** Only grows, from 0 at the start of the process. */
    COUNTER,
    /** What it is when it is asked for. */
    GAUGE,
    /** Seconds, as a histogram. */
    TIMER,
    /** Numbers, as a histogram. */
    HISTOGRAM
  }

  private final Kind kind;
  private final String id;
  private final String meaning;
  private final String unit;
  private final List<String> tags;

  Metric(Kind kind, String id, String meaning, String... unitAndTags) {
    this.kind = kind;
    this.id = id;
    this.meaning = meaning;
    boolean hasUnit =
        unitAndTags.length > 0
            && (unitAndTags[0].equals("seconds") || unitAndTags[0].equals("bytes"));
    this.unit = kind == Kind.TIMER ? "seconds" : hasUnit ? unitAndTags[0] : "";
    this.tags = List.of(unitAndTags).subList(hasUnit ? 1 : 0, unitAndTags.length);
  }

  public Kind kind() {
    return kind;
  }

  /** Its name, with dots. */
  public String id() {
    return id;
  }

  /** Its name in Prometheus's text format. */
  public String prometheusName() {
    String name = id.replace('.', '_');
    String withUnit = unit.isEmpty() ? name : name + "_" + unit;
    return kind == Kind.COUNTER ? withUnit + "_total" : withUnit;
  }

  /** One sentence for operators. */
  public String meaning() {
    return meaning;
  }

  /** seconds, bytes, or empty for what is counted. */
  public String unit() {
    return unit;
  }

  /** Names of its tags. */
  public List<String> tags() {
    return tags;
  }
}
