package io.shelfstream.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.Deserializer;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Values nobody sane would send: each is refused quickly, as data, within the memory of its length.
 */
class HostileBytesTest {

  private static final long SMALL = 1 << 20;

  private final SchemaRegistryClient registry = SchemaRegistryClient.create("mock://hostile-test");
  private final Deserializer<ImageReference> frames =
      AvroSerde.of(ImageReference.class, registry).deserializer();

  @Test
  void refusesAnEmptyValue() {
    assertThatThrownBy(() -> frames.deserialize("shelf.frames", new byte[0]))
        .isInstanceOf(SerializationException.class)
        .hasMessage(
            "Value of 0 bytes on topic shelf.frames cannot be read as ImageReference: the wire format"
                + " starts with 5 bytes, got 0 in all");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void refusesAValueShorterThanThePrefix(int length) {
    assertThatThrownBy(() -> frames.deserialize("topic", new byte[length]))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("got " + length + " in all");
  }

  @Test
  void refusesAnotherMagicByteAndShowsIt() {
    byte[] json = "{\"frameId\":\"f1\"}".getBytes(StandardCharsets.UTF_8);

    assertThatThrownBy(() -> frames.deserialize("topic", json))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("0x7b");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, 1, Integer.MIN_VALUE, Integer.MAX_VALUE})
  void refusesAnUnknownSchemaIdAndNamesTheRegistry(int id) {
    byte[] bytes = Arrays.copyOf(WireFormat.prefix(id), 20);

    assertThatThrownBy(() -> frames.deserialize("topic", bytes))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("mock://hostile-test")
        .hasMessageContaining("no schema with id " + id)
        .hasCauseInstanceOf(SchemaRegistryException.class);
  }

  @Test
  void refusesEveryTruncation() {
    byte[] whole = written(Samples.fullFrame());

    for (int length = 0; length < whole.length; length++) {
      byte[] part = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> frames.deserialize("topic", part))
          .as("first %d bytes", length)
          .isInstanceOf(SerializationException.class);
    }
  }

  @Test
  void refusesBytesAfterTheRecord() {
    byte[] whole = written(Samples.fullFrame());
    byte[] longer = Arrays.copyOf(whole, whole.length + 1);

    assertThatThrownBy(() -> frames.deserialize("topic", longer))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("bytes follow the record");
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 1 << 20, Integer.MAX_VALUE - 8L, Integer.MAX_VALUE, Long.MAX_VALUE})
  void refusesAStringThatClaimsMoreThanThereIs(long length) throws Exception {
    byte[] bytes =
        body(ImageReference.getClassSchema(), out -> out.writeLong(length)); // length of frameId

    assertRefusedCheaply(frames, bytes);
  }

  @ParameterizedTest
  @ValueSource(
      longs = {1 << 20, Integer.MAX_VALUE - 8L, Integer.MAX_VALUE, Long.MAX_VALUE, Long.MIN_VALUE})
  void refusesAnArrayThatClaimsMoreItemsThanThereIs(long items) throws Exception {
    byte[] bytes =
        body(
            ImageReference.getClassSchema(),
            out -> {
              for (int i = 0; i < 3; i++) {
                out.writeString("x");
              }
              out.writeLong(0); // capturedAt
              for (int i = 0; i < 6; i++) {
                out.writeIndex(0);
              }
              out.writeLong(items); // regions
            });

    assertRefusedCheaply(frames, bytes);
  }

  @ParameterizedTest
  @ValueSource(longs = {1 << 20, Integer.MAX_VALUE - 8L, Long.MAX_VALUE})
  void refusesAMapThatClaimsMoreEntriesThanThereIs(long entries) throws Exception {
    byte[] bytes =
        body(
            ImageReference.getClassSchema(),
            out -> {
              for (int i = 0; i < 3; i++) {
                out.writeString("x");
              }
              out.writeLong(0); // capturedAt
              for (int i = 0; i < 6; i++) {
                out.writeIndex(0);
              }
              out.writeLong(0); // regions
              out.writeIndex(0); // minGalleryVersion
              out.writeLong(entries); // attributes
            });

    assertRefusedCheaply(frames, bytes);
  }

  @Test
  void refusesDeepNestingInAFieldOfTheWritersOwn() throws Exception {
    Schema recursive =
        new Schema.Parser()
            .parse(
                """
                {"type":"record","name":"ImageReference","namespace":"io.shelfstream.events","fields":[
                  {"name":"nest","type":{"type":"record","name":"Nest","fields":[
                    {"name":"inner","type":["null","Nest"]}]}},
                  {"name":"frameId","type":"string"},{"name":"cameraId","type":"string"},
                  {"name":"uri","type":"string"},{"name":"capturedAt","type":"long"}]}
                """);
    byte[] bytes = new byte[1_000_000];
    Arrays.fill(bytes, (byte) 2); // always the second branch: one level deeper a byte
    System.arraycopy(
        WireFormat.prefix(registry.register("topic-value", recursive)),
        0,
        bytes,
        0,
        WireFormat.PREFIX_LENGTH);

    assertThatThrownBy(() -> frames.deserialize("topic", bytes))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("nested too deeply");
  }

  @Test
  void refusesAnEndlessRunOfItemsThatTakeNoBytes() throws Exception {
    Schema nothings =
        new Schema.Parser()
            .parse(
                """
                {"type":"record","name":"ImageReference","namespace":"io.shelfstream.events","fields":[
                  {"name":"nothings","type":{"type":"array","items":"null"}},
                  {"name":"frameId","type":"string"},{"name":"cameraId","type":"string"},
                  {"name":"uri","type":"string"},{"name":"capturedAt","type":"long"}]}
                """);
    byte[] bytes =
        body(
            nothings,
            out -> {
              for (int block = 0; block < 100_000; block++) {
                out.writeLong(10_000_000);
              }
            });

    assertRefusedCheaply(frames, bytes);
  }

  @Test
  void doesNotMakeObjectsOfAClassThatASchemaNames() throws Exception {
    Planted.made = 0;
    Schema planted =
        new Schema.Parser()
            .parse(
                """
                {"type":"record","name":"ImageReference","namespace":"io.shelfstream.events","fields":[
                  {"name":"frameId","type":{"type":"string","java-class":"%1$s"}},
                  {"name":"cameraId","type":"string"},{"name":"uri","type":"string"},
                  {"name":"capturedAt","type":"long"},
                  {"name":"extra","type":{"type":"string","java-class":"%1$s"}},
                  {"name":"attributes","type":{"type":"map","values":"string","java-key-class":"%1$s"}},
                  {"name":"other","type":{"type":"record","name":"%2$s","namespace":"%3$s","fields":[]}}]}
                """
                    .formatted(
                        Planted.class.getName(),
                        Planted.class.getSimpleName(),
                        Planted.class.getPackageName()));
    byte[] bytes =
        body(
            planted,
            out -> {
              for (int i = 0; i < 3; i++) {
                out.writeString("x");
              }
              out.writeLong(0);
              out.writeString("x");
              out.writeLong(0);
            });

    for (AvroSerde<?> serde :
        List.of(AvroSerde.of(ImageReference.class, registry), AvroSerde.generic(registry))) {
      try {
        assertThat(serde.deserializer().deserialize("topic", bytes)).isNotNull();
      } catch (SerializationException refused) {
        // as good as a value without that class
      }
    }

    assertThat(Planted.made).isZero();
  }

  /** Stands for a class that does harm when it is made. */
  public static final class Planted {
    static int made;

    public Planted() {
      made++;
    }

    public Planted(String text) {
      made++;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 4, 6, 16, 18, 100_000})
  void refusesASchemaHeaderOfAnotherLength(int length) {
    Headers headers = new RecordHeaders().add(WireFormat.HEADER, new byte[length]);
    byte[] good = written(Samples.fullFrame());

    assertThatThrownBy(() -> frames.deserialize("topic", headers, good))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining(WireFormat.HEADER)
        .hasMessageContaining("got " + length + " bytes");
  }

  /**
   * Changed, cut, lengthened and spliced real records, read as generated classes and as generic
   * records; the seed makes a failure repeatable. {@code -Dshelfstream.fuzz=1000000} does more.
   */
  @Test
  void answersManyMutationsWithAValueOrARefusal() {
    int cases = Integer.getInteger("shelfstream.fuzz", 20_000);
    long seed = Long.getLong("shelfstream.fuzz.seed", 20261124);
    Random random = new Random(seed);
    Deserializer<RecognitionEvent> events =
        AvroSerde.of(RecognitionEvent.class, registry).deserializer();
    Deserializer<GenericRecord> generic = AvroSerde.generic(registry).deserializer();
    List<byte[]> originals =
        List.of(
            written(Samples.fullEvent()),
            written(Samples.fullFrame()),
            written(Samples.minimalEvent()));
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long started = System.nanoTime();
    long slowest = 0;
    long largest = 0;
    int refused = 0;

    for (int i = 0; i < cases; i++) {
      byte[] mutated = mutate(originals.get(i % originals.size()), random);
      Deserializer<? extends IndexedRecord> reader =
          i % 2 == 1 ? generic : i % 3 == 1 ? frames : events;
      long before = System.nanoTime();
      long allocated = threads.getCurrentThreadAllocatedBytes();
      try {
        assertThat(reader.deserialize("topic", headers(random), mutated)).isNotNull();
      } catch (SerializationException expected) {
        refused++;
      } catch (Throwable e) {
        throw new AssertionError("seed " + seed + ", case " + i + " ended in " + e, e);
      }
      if (i > 1_000) { // classes are loaded, readers built
        slowest = Math.max(slowest, System.nanoTime() - before);
        largest = Math.max(largest, threads.getCurrentThreadAllocatedBytes() - allocated);
      }
    }

    System.out.printf(
        "%d mutations, seed %d: %d refused, %d read, in %d ms; slowest %.1f ms, most memory %d KiB%n",
        cases,
        seed,
        refused,
        cases - refused,
        (System.nanoTime() - started) / 1_000_000,
        slowest / 1e6,
        largest >> 10);
    assertThat(refused).isBetween(cases / 4, cases - 1);
    assertThat(largest).as("most bytes allocated for one message").isLessThan(SMALL);
    assertThat(slowest).as("ns for one message").isLessThan(5_000_000_000L);
  }

  /** Mostly none; sometimes the header of newer clients, with whatever in it. */
  private static Headers headers(Random random) {
    Headers headers = new RecordHeaders();
    if (random.nextInt(50) == 0) {
      byte[] value = new byte[random.nextInt(3) == 0 ? random.nextInt(30) : 17];
      random.nextBytes(value);
      if (value.length > 0) {
        value[0] = (byte) random.nextInt(3);
      }
      headers.add(WireFormat.HEADER, value);
    }
    return headers;
  }

  private static byte[] mutate(byte[] original, Random random) {
    byte[] bytes = original.clone();
    for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
      // Mostly behind the prefix, or nearly every case would end at the magic byte or the id.
      int from = random.nextInt(20) == 0 ? 0 : WireFormat.PREFIX_LENGTH;
      bytes[from + random.nextInt(bytes.length - from)] = (byte) random.nextInt(256);
    }
    return switch (random.nextInt(8)) {
      case 0 -> Arrays.copyOf(bytes, random.nextInt(bytes.length + 20));
      case 1 -> withoutAPiece(bytes, random);
      default -> bytes;
    };
  }

  private static byte[] withoutAPiece(byte[] bytes, Random random) {
    int from = WireFormat.PREFIX_LENGTH + random.nextInt(bytes.length - WireFormat.PREFIX_LENGTH);
    int to = from + random.nextInt(bytes.length - from);
    byte[] shorter = Arrays.copyOf(bytes, bytes.length - (to - from));
    System.arraycopy(bytes, to, shorter, from, bytes.length - to);
    return shorter;
  }

  private static void assertRefusedCheaply(Deserializer<?> deserializer, byte[] bytes) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Runnable attempt =
        () ->
            assertThatThrownBy(() -> deserializer.deserialize("topic", bytes))
                .isInstanceOf(SerializationException.class);
    attempt.run(); // classes loaded, reader built

    long before = threads.getCurrentThreadAllocatedBytes();
    Assertions.assertTimeout(Duration.ofSeconds(5), attempt::run);
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;

    assertThat(allocated).as("bytes allocated").isLessThan(SMALL);
  }

  private byte[] written(SpecificRecord record) {
    return record instanceof ImageReference frame
        ? AvroSerde.of(ImageReference.class, registry).serializer().serialize("topic", frame)
        : AvroSerde.of(RecognitionEvent.class, registry)
            .serializer()
            .serialize("topic", (RecognitionEvent) record);
  }

  private interface Body {
    void writeTo(BinaryEncoder out) throws IOException;
  }

  private byte[] body(Schema schema, Body body) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(WireFormat.prefix(registry.register("topic-value", schema)));
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
    body.writeTo(encoder);
    encoder.flush();
    return out.toByteArray();
  }
}
