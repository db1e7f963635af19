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
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.errors.SerializationException;
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

  /** Changed, cut, lengthened and spliced real records; the seed makes a failure repeatable. */
  @Test
  void answersTwentyThousandMutationsWithAValueOrARefusal() {
    long seed = 20261124;
    Random random = new Random(seed);
    Deserializer<RecognitionEvent> events =
        AvroSerde.of(RecognitionEvent.class, registry).deserializer();
    List<byte[]> originals =
        List.of(
            written(Samples.fullEvent()),
            written(Samples.fullFrame()),
            written(Samples.minimalEvent()));
    int refused = 0;

    for (int i = 0; i < 20_000; i++) {
      byte[] mutated = mutate(originals.get(i % originals.size()), random);
      Deserializer<? extends SpecificRecord> reader = i % 3 == 1 ? frames : events;
      try {
        assertThat(EventJson.toJson(reader.deserialize("topic", mutated))).startsWith("{");
      } catch (SerializationException expected) {
        refused++;
      } catch (Throwable e) {
        throw new AssertionError("seed " + seed + ", case " + i + " ended in " + e, e);
      }
    }

    assertThat(refused).isBetween(5_000, 19_999);
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
