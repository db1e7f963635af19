package io.shelfstream.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.shelfstream.broker.RawProducer.RawHeader;
import io.shelfstream.broker.RawProducer.RawRecord;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.BoundingBox;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.ShelfLocation;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.recognition.Pictures;
import io.shelfstream.registry.SchemaRegistryClient;
import java.awt.Color;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.record.internal.CompressionType;
import org.jspecify.annotations.Nullable;

/**
 * Records that nobody should send, and good ones between them, as batches: the same ones for the
 * same seed. Used by one thread.
 */
final class HostileRecords {
  /** Topics of the contract that strangers write to. */
  enum Target {
    FRAMES,
    UPDATES,
    VECTORS
  }

  /**
   * A record and what is known of it.
   *
   * @param isGood whether its answer must be an event, or APPLIED or REMOVED; any answer will do
   *     for the others
   * @param frameId of a frame that can be read, for an event does not say the offset
   * @param what says what is wrong with it
   */
  record Input(RawRecord record, boolean isGood, @Nullable String frameId, String what) {
    int size() {
      int size = record.key() == null ? 0 : record.key().length;
      size += record.value() == null ? 0 : record.value().length;
      for (RawHeader header : record.headers()) {
        size += header.name().length + (header.value() == null ? 0 : header.value().length);
      }
      return size;
    }
  }

  /** Records of one topic that go out together. */
  record Batch(Target target, CompressionType compression, List<Input> inputs) {}

  /** A value, the key that belongs to it, and what is known of it. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  private record Value(byte @Nullable [] bytes, String key, boolean isGood, String what) {}

  /** Headers and what is known of them; the bad ones say by which schema a value is read. */
  private record Headers(List<RawHeader> list, boolean isGood, String what) {}

  /** What keys of vectors begin with that no update led to. */
  static final String FOREIGN = "foreign-";

  private static final String FRAMES_TOPIC = "frames";

  /** Beyond it the answer to a good record may say that it is too large. */
  private static final int GOOD_SIZE = 200 << 10;

  /** Bytes of the records of a batch. */
  private static final int BATCH_SIZE = 600 << 10;

  /** Ids of photos, so few that the gallery does not grow over a run. */
  private static final int PHOTOS = 200;

  private static final long DAY = 86_400_000;
  private static final List<CompressionType> COMPRESSIONS = List.of(CompressionType.values());
  private static final List<Integer> WHOLE_NUMBERS =
      List.of(Integer.MIN_VALUE, -1, 0, 1, 31, 32, 33, 1 << 24, Integer.MAX_VALUE);
  private static final List<Float> NUMBERS =
      List.of(
          0f,
          -0f,
          1f,
          Float.NaN,
          Float.POSITIVE_INFINITY,
          Float.NEGATIVE_INFINITY,
          Float.MAX_VALUE,
          Float.MIN_VALUE);
  private static final List<String> OWN_NAMES =
      List.of(
          "shelf.attempt",
          "shelf.error.class",
          "shelf.error.message",
          "shelf.error.stage",
          "shelf.source.topic",
          "shelf.source.partition",
          "shelf.source.offset",
          "shelf.source.timestamp",
          "ce_id",
          "ce_source",
          "ce_specversion",
          "ce_time",
          "ce_type",
          "ce_subject",
          "ce_traceparent",
          "content-type",
          "traceparent",
          "tracestate");
  private static final List<String> OF_SCHEMAS =
      List.of(
          "__value_schema_id",
          "__key_schema_id",
          "apicurio.value.globalId",
          "apicurio.value.contentId",
          "apicurio.value.encoding",
          "contentType");

  private final Random random;
  private final EventSerdes serdes =
      EventSerdes.with(SchemaRegistryClient.create("mock://shelfstream"));
  private final String extractor;
  private final List<String> pictures = new ArrayList<>();

  /**
   * @param config names the extractor in use, whose embeddings have 3 values
   */
  HostileRecords(ShelfStreamConfig config, long seed) {
    random = new Random(seed);
    extractor = ModelDirectory.read(config.models().dir()).extractorId();
    for (Color colour : List.of(Color.RED, Color.GREEN, Color.BLUE, Color.ORANGE, Color.CYAN)) {
      pictures.add(Pictures.uri(Pictures.plain(colour)));
    }
  }

  /** The next ones, at most so many. */
  Batch next(int atMost) {
    int which = random.nextInt(20);
    Target target = which < 11 ? Target.FRAMES : which < 18 ? Target.UPDATES : Target.VECTORS;
    int wanted = Math.min(atMost, 1 + random.nextInt(20));
    List<Input> inputs = new ArrayList<>();
    for (int size = 0; inputs.size() < wanted && size < BATCH_SIZE; ) {
      Input input = input(target);
      inputs.add(input);
      size += input.size();
    }
    return new Batch(target, compression(inputs), inputs);
  }

  /** A good record alone. */
  Batch good(Target target) {
    return new Batch(target, CompressionType.NONE, List.of(good(good(target, id(target)), target)));
  }

  private Input good(Value value, Target target) {
    RawRecord record = new RawRecord(now(), value.key().getBytes(UTF_8), value.bytes(), List.of());
    return new Input(record, true, frameId(target, value.bytes()), value.what());
  }

  /** Large ones get past the limits of their topic only when they are compressed. */
  private CompressionType compression(List<Input> inputs) {
    int size = inputs.stream().mapToInt(Input::size).sum();
    return size > 2 * BATCH_SIZE
        ? pick(List.of(CompressionType.GZIP, CompressionType.ZSTD, CompressionType.LZ4))
        : pick(COMPRESSIONS);
  }

  private Input input(Target target) {
    String id = id(target);
    if (oneIn(4)) {
      return good(good(target, id), target);
    }
    Value value = oneIn(2) ? good(target, id) : bad(target, id);
    boolean hasItsKey = !oneIn(3);
    byte[] key = hasItsKey ? value.key().getBytes(UTF_8) : key(target);
    Headers headers = oneIn(2) ? new Headers(List.of(), true, "no headers") : headers();
    long timestamp = timestamp();
    RawRecord record = new RawRecord(timestamp, key, value.bytes(), headers.list());
    boolean isGood =
        value.isGood()
            && headers.isGood()
            && (hasItsKey || target == Target.FRAMES)
            && size(record) <= GOOD_SIZE;
    String what =
        "%s, %s, %s, timestamp %d"
            .formatted(
                value.what(),
                hasItsKey ? "its key" : "key of " + (key == null ? -1 : key.length) + " bytes",
                headers.what(),
                timestamp);
    return new Input(record, isGood, frameId(target, value.bytes()), what);
  }

  private static int size(RawRecord record) {
    return new Input(record, false, null, "").size();
  }

  /** As the service would read it; null when it is no frame or cannot be read. */
  private @Nullable String frameId(Target target, byte @Nullable [] value) {
    if (target != Target.FRAMES || value == null) {
      return null;
    }
    try {
      String id = serdes.frames().deserializer().deserialize(FRAMES_TOPIC, value).getFrameId();
      return id.isBlank() ? null : id; // without an id there is no event
    } catch (SerializationException e) {
      return null;
    }
  }

  private String id(Target target) {
    return switch (target) {
      case FRAMES -> "%016x%016x".formatted(random.nextLong(), random.nextLong());
      case UPDATES -> "photo-" + random.nextInt(PHOTOS);
      case VECTORS -> FOREIGN + random.nextInt(PHOTOS);
    };
  }

  // Values

  private Value good(Target target, String id) {
    return switch (target) {
      case FRAMES -> {
        ImageReference frame = frame(id).build();
        yield new Value(bytes(frame), frame.getCameraId(), true, "good frame");
      }
      case UPDATES ->
          oneIn(6)
              ? new Value(null, id, true, "removal")
              : new Value(bytes(update(id).build()), id, true, "good update");
      case VECTORS -> new Value(bytes(vector(id).build()), id, true, "good vector");
    };
  }

  private Value bad(Target target, String id) {
    Value good = good(target, id);
    byte[] valid = good.bytes() == null ? bytes(update(id).build()) : good.bytes();
    int kind = random.nextInt(150);
    if (kind == 0) {
      return new Value(grown(target, id), good.key(), false, "grown value");
    }
    return switch (kind % 8) {
      case 0 -> new Value(null, good.key(), target == Target.UPDATES, "null value");
      case 1 -> new Value(new byte[0], good.key(), false, "empty value");
      case 2 -> new Value(random(random.nextInt(300)), good.key(), false, "random value");
      case 3 -> new Value(withPrefixOf(valid), good.key(), false, "random after the schema's id");
      case 4 -> new Value(cut(valid), good.key(), false, "cut value");
      case 5 -> new Value(flipped(valid), good.key(), false, "value with other bits");
      default -> extreme(target, id);
    };
  }

  private byte[] withPrefixOf(byte[] valid) {
    byte[] bytes = random(5 + random.nextInt(200));
    System.arraycopy(valid, 0, bytes, 0, 5);
    return bytes;
  }

  private byte[] cut(byte[] valid) {
    return Arrays.copyOf(valid, random.nextInt(valid.length));
  }

  private byte[] flipped(byte[] valid) {
    byte[] bytes = valid.clone();
    for (int i = 1 + random.nextInt(4); i > 0; i--) {
      bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
    }
    return bytes;
  }

  private Value extreme(Target target, String id) {
    return switch (target) {
      case FRAMES -> {
        ImageReference frame = extremeFrame(id);
        yield new Value(bytes(frame), frame.getCameraId(), false, "extreme frame");
      }
      case UPDATES -> {
        GalleryUpdate update = extremeUpdate(oneIn(6) ? text() : id);
        yield new Value(bytes(update), update.getGalleryImageId(), false, "extreme update");
      }
      case VECTORS -> {
        GalleryVector vector = extremeVector(oneIn(6) ? FOREIGN + text() : id);
        yield new Value(bytes(vector), vector.getGalleryImageId(), false, "extreme vector");
      }
    };
  }

  /** Some MB of one letter, of which compression leaves some KB. */
  private byte[] grown(Target target, String id) {
    String much = "x".repeat((1 + random.nextInt(6)) << 20);
    return switch (target) {
      case FRAMES -> bytes(frame(id).setAttributes(Map.of("note", much)).build());
      case UPDATES ->
          bytes(
              oneIn(2)
                  ? update(id).setLabel(much).build()
                  : update(id).setAttributes(Map.of("note", much)).build());
      case VECTORS -> bytes(vector(id).setLabel(much).build());
    };
  }

  private ImageReference.Builder frame(String id) {
    return ImageReference.newBuilder()
        .setFrameId(id)
        .setCameraId("camera-" + random.nextInt(5))
        .setUri(pick(pictures))
        .setCapturedAt(Instant.now());
  }

  private GalleryUpdate.Builder update(String id) {
    GalleryUpdate.Builder update =
        GalleryUpdate.newBuilder()
            .setGalleryImageId(id)
            .setProductId("product-" + id)
            .setLabel("Label of " + id);
    return oneIn(4)
        ? update.setUri(pick(pictures))
        : update.setEmbedding(List.of(random.nextFloat(), 1f, 0f)).setExtractor(extractor);
  }

  private GalleryVector.Builder vector(String id) {
    return GalleryVector.newBuilder()
        .setGalleryImageId(id)
        .setProductId("product-" + id)
        .setLabel("Label of " + id)
        .setExtractor(extractor)
        .setDimension(3)
        .setEmbedding(Embeddings.encode(new float[] {0, 0, 1}))
        .setSourceOffset(random.nextInt(1000));
  }

  /** Each field in turn may be one that nobody expects. */
  private ImageReference extremeFrame(String id) {
    ImageReference.Builder frame = frame(id);
    if (oneIn(4)) {
      frame.setFrameId(oneIn(8) ? "" : id + text());
    }
    if (oneIn(4)) {
      frame.setCameraId(text());
    }
    if (oneIn(4)) {
      frame.setUri(uri());
    }
    if (oneIn(3)) {
      frame.setCapturedAt(Instant.ofEpochMilli(timestamp()));
    }
    if (oneIn(4)) {
      frame.setStoreId(text());
    }
    if (oneIn(4)) {
      frame.setShelf(new ShelfLocation(text(), text(), text()));
    }
    if (oneIn(6)) {
      frame.setSha256(text()).setContentType(text());
    }
    if (oneIn(4)) {
      frame.setWidth(pick(WHOLE_NUMBERS)).setHeight(pick(WHOLE_NUMBERS));
    }
    if (oneIn(3)) {
      frame.setRegions(boxes());
    }
    if (oneIn(8)) {
      frame.setMinGalleryVersion(timestamp());
    }
    if (oneIn(3)) {
      frame.setAttributes(attributes());
    }
    return frame.build();
  }

  private GalleryUpdate extremeUpdate(String id) {
    GalleryUpdate.Builder update = update(id);
    if (oneIn(3)) {
      update.setProductId(text());
    }
    if (oneIn(3)) {
      update.setLabel(text());
    }
    if (oneIn(4)) {
      update.setGtin(oneIn(2) ? "4006381333931" : text());
    }
    if (oneIn(4)) {
      update.setUri(uri());
    }
    if (oneIn(3)) {
      update.setEmbedding(numbers());
    }
    if (oneIn(6)) {
      update.setExtractor(text());
    }
    if (oneIn(4)) {
      update.setCrop(box());
    }
    if (oneIn(4)) {
      update.setDetect(true);
    }
    if (oneIn(6)) {
      update.setSha256(text());
    }
    if (oneIn(3)) {
      update.setAttributes(attributes());
    }
    return update.build();
  }

  private GalleryVector extremeVector(String id) {
    GalleryVector.Builder vector = vector(id);
    if (oneIn(3)) {
      vector.setProductId(text()).setLabel(text()).setGtin(text());
    }
    if (oneIn(3)) {
      List<Float> numbers = numbers();
      float[] values = new float[numbers.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = numbers.get(i);
      }
      vector.setEmbedding(Embeddings.encode(values));
    }
    if (oneIn(4)) {
      vector.setEmbedding(ByteBuffer.wrap(random(random.nextInt(40))));
    }
    if (oneIn(4)) {
      vector.setDimension(pick(WHOLE_NUMBERS));
    }
    if (oneIn(6)) {
      vector.setExtractor(text());
    }
    if (oneIn(3)) {
      vector.setSourceOffset(timestamp());
    }
    if (oneIn(3)) {
      vector.setAttributes(attributes());
    }
    return vector.build();
  }

  private String uri() {
    return switch (random.nextInt(9)) {
      case 0 -> "";
      case 1 -> "data:";
      case 2 -> "data:image/png;base64,####";
      case 3 -> "data:image/png;base64," + "A".repeat(random.nextInt(100_000));
      case 4 -> "file:///etc/hostname";
      case 5 -> "http://[::1/x";
      case 6 -> "gopher://nowhere/x.jpg";
      case 7 -> "https://169.254.169.254/" + "x".repeat(random.nextInt(100_000));
      default -> text();
    };
  }

  private List<BoundingBox> boxes() {
    List<BoundingBox> boxes = new ArrayList<>();
    for (int i = oneIn(20) ? 2000 : random.nextInt(4); i > 0; i--) {
      boxes.add(box());
    }
    return boxes;
  }

  private BoundingBox box() {
    return new BoundingBox(
        pick(WHOLE_NUMBERS), pick(WHOLE_NUMBERS), pick(WHOLE_NUMBERS), pick(WHOLE_NUMBERS));
  }

  private List<Float> numbers() {
    List<Float> numbers = new ArrayList<>();
    int count = oneIn(30) ? 50_000 : oneIn(4) ? random.nextInt(10) : 3;
    for (int i = 0; i < count; i++) {
      numbers.add(pick(NUMBERS));
    }
    return numbers;
  }

  private Map<String, String> attributes() {
    Map<String, String> attributes = new HashMap<>();
    for (int i = oneIn(30) ? 5000 : random.nextInt(4); i > 0; i--) {
      attributes.put(oneIn(3) ? text() : "name" + i, i > 10 ? "value" : text());
    }
    return attributes;
  }

  private String text() {
    return switch (random.nextInt(10)) {
      case 0 -> "";
      case 1 -> " ";
      case 2 -> "\0";
      case 3 -> "two\nlines\tand a tab\r";
      case 4 -> "货架 \uD83D\uDED2 \u202Ereversed";
      case 5 -> "\uD83D"; // half a character
      case 6 -> "é".repeat(random.nextInt(2000));
      case 7 -> oneIn(4) ? "y".repeat(random.nextInt(300_000)) : "../../../etc/passwd";
      case 8 -> "%s%n{}${jndi:ldap://x}";
      default -> new String(random(random.nextInt(60)), UTF_8);
    };
  }

  // Keys, headers and timestamps

  /** A compacted topic takes no record without a key. */
  private byte @Nullable [] key(Target target) {
    if (target == Target.VECTORS) {
      byte[] end = oneIn(60) ? new byte[1 << 20] : random(random.nextInt(20));
      byte[] key = Arrays.copyOf(FOREIGN.getBytes(UTF_8), FOREIGN.length() + end.length);
      System.arraycopy(end, 0, key, FOREIGN.length(), end.length);
      return oneIn(5) ? new byte[0] : key;
    }
    return switch (random.nextInt(60)) {
      case 0 -> "k".repeat(1 << 20).getBytes(UTF_8);
      case 1, 2, 3, 4, 5, 6, 7, 8, 9 -> null;
      case 10, 11, 12, 13, 14, 15, 16, 17, 18 -> new byte[0];
      case 19, 20, 21, 22, 23 -> "   ".getBytes(UTF_8);
      case 24, 25, 26, 27, 28 -> text().getBytes(UTF_8);
      default -> random(1 + random.nextInt(20)); // no UTF-8, nearly always
    };
  }

  private Headers headers() {
    List<RawHeader> headers = new ArrayList<>();
    int kind = random.nextInt(60);
    if (kind == 0) {
      for (int i = 0; i < 10_000; i++) {
        headers.add(RawHeader.of("header-" + i % 5000, "v"));
      }
      return new Headers(headers, true, "10000 headers");
    }
    if (kind == 1) {
      headers.add(RawHeader.of(pick(OWN_NAMES), "h".repeat(1 << 20)));
      return new Headers(headers, true, "header of 1 MiB");
    }
    boolean isGood = true;
    StringBuilder what = new StringBuilder("headers");
    for (int i = 1 + random.nextInt(4); i > 0; i--) {
      boolean saysHowToRead = oneIn(12);
      isGood &= !saysHowToRead;
      byte[] name =
          saysHowToRead
              ? pick(OF_SCHEMAS).getBytes(UTF_8)
              : oneIn(8) ? random(random.nextInt(10)) : pick(OWN_NAMES).getBytes(UTF_8);
      byte[] value = headerValue();
      what.append(' ').append(new String(name, UTF_8)).append('=').append(shortened(value));
      for (int twice = oneIn(4) ? 5 : 1; twice > 0; twice--) {
        headers.add(new RawHeader(name, value));
      }
    }
    return new Headers(headers, isGood, what.toString());
  }

  private byte @Nullable [] headerValue() {
    return switch (random.nextInt(12)) {
      case 0, 1 -> null;
      case 2 -> new byte[0];
      case 3 -> "2147483647".getBytes(UTF_8);
      case 4 -> "-2147483648".getBytes(UTF_8);
      case 5 -> "9223372036854775808".getBytes(UTF_8);
      case 6 -> "7".getBytes(UTF_8);
      case 7 -> "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".getBytes(UTF_8);
      case 8 -> "00-00000000000000000000000000000000-0000000000000000-zz".getBytes(UTF_8);
      case 9 -> text().getBytes(UTF_8);
      default -> random(random.nextInt(200));
    };
  }

  private static String shortened(byte @Nullable [] value) {
    return value == null
        ? "null"
        : HexFormat.of().formatHex(value, 0, Math.min(24, value.length)) + ":" + value.length;
  }

  private long timestamp() {
    return switch (random.nextInt(16)) {
      case 0 -> Long.MIN_VALUE;
      case 1 -> -1;
      case 2 -> 0;
      case 3 -> -62_135_596_800_000L; // year 1
      case 4 -> 253_402_300_800_000L; // year 10000
      case 5 -> Long.MAX_VALUE;
      case 6, 7 -> now() - 8 * DAY;
      case 8, 9 -> now() + 2 * DAY;
      case 10 -> random.nextLong();
      case 11 -> Long.MAX_VALUE / 1000;
      case 12 -> -now();
      default -> now();
    };
  }

  private static long now() {
    return System.currentTimeMillis();
  }

  // Drawing

  private byte[] bytes(ImageReference frame) {
    return serdes.frames().serializer().serialize(FRAMES_TOPIC, frame);
  }

  private byte[] bytes(GalleryUpdate update) {
    return serdes.updates().serializer().serialize("updates", update);
  }

  private byte[] bytes(GalleryVector vector) {
    return serdes.vectors().serializer().serialize("vectors", vector);
  }

  private boolean oneIn(int n) {
    return random.nextInt(n) == 0;
  }

  private byte[] random(int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  private <T> T pick(List<T> of) {
    return of.get(random.nextInt(of.size()));
  }
}
