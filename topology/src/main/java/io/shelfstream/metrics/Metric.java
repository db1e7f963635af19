package io.shelfstream.metrics;

import java.util.List;

/**
 * Every metric of our own. Prometheus shows it as {@code shelfstream_…}, dots as underscores, with
 * {@code _total} behind a counter and the unit behind what has one.
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
  DEVICE_MEMORY(
      Kind.GAUGE,
      "shelfstream.device.memory",
      "Vectors on GPUs, of all galleries of the process.",
      "bytes",
      "topic"),
  HTTP_IN_HAND(
      Kind.GAUGE, "shelfstream.http.in.hand", "Images taken over HTTP and not answered yet."),
  HTTP_ANSWERS(
      Kind.COUNTER,
      "shelfstream.http.answers",
      "Images answered over HTTP: recognized, or the reason class of the refusal.",
      "reason"),
  PART_READY(
      Kind.GAUGE,
      "shelfstream.part.ready",
      "1 while a part of the service is at work, else 0.",
      "part"),
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
    TIMER
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
