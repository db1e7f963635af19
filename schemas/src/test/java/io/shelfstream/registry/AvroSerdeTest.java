package io.shelfstream.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.errors.SerializationException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AvroSerdeTest {

  private final SchemaRegistryClient registry = SchemaRegistryClient.create("mock://serde-test");

  static Stream<SpecificRecord> records() {
    return Stream.concat(Samples.full().stream(), Samples.minimal().stream());
  }

  @ParameterizedTest
  @MethodSource("records")
  void readsBackEveryRecordItWrote(SpecificRecord record) {
    AvroSerde<SpecificRecord> serde = serdeOf(record);

    byte[] bytes = serde.serializer().serialize("topic", record);

    assertThat(serde.deserializer().deserialize("topic", bytes)).isEqualTo(record);
  }

  @Test
  void theFullSamplesLeaveNoFieldUnset() {
    Samples.full().forEach(AvroSerdeTest::assertEveryFieldSet);
  }

  @Test
  void writesTheMagicByteTheIdAndTheAvroBody() {
    SchemaRegistryClient seven = new FixedIdRegistry(0x01020307, ImageReference.getClassSchema());

    byte[] bytes =
        AvroSerde.of(ImageReference.class, seven)
            .serializer()
            .serialize("shelf.frames", Samples.minimalFrame());

    assertThat(bytes)
        .isEqualTo(
            HexFormat.of()
                .parseHex(
                    "00" // magic
                        + "01020307" // schema id, big-endian
                        + "04"
                        + hex("f1") // frameId
                        + "06"
                        + hex("cam") // cameraId
                        + "16"
                        + hex("file:/a.jpg") // uri
                        + "d00f" // capturedAt: 1000, zigzag 2000 = 0x7d0
                        + "00"
                        + "00"
                        + "00"
                        + "00"
                        + "00"
                        + "00" // six null branches
                        + "00" // no regions
                        + "00" // minGalleryVersion null
                        + "00")); // no attributes
  }

  @Test
  void registersUnderTheTopicNameStrategyOncePerTopic() {
    FixedIdRegistry spy = new FixedIdRegistry(7, ImageReference.getClassSchema());
    AvroSerde<ImageReference> serde = AvroSerde.of(ImageReference.class, spy);

    serde.serializer().serialize("a", Samples.minimalFrame());
    serde.serializer().serialize("a", Samples.fullFrame());
    serde.serializer().serialize("b", Samples.fullFrame());

    assertThat(spy.registered).containsExactly("a-value", "b-value");
  }

  @Test
  void keepsTombstonesBothWays() {
    AvroSerde<ImageReference> serde = AvroSerde.of(ImageReference.class, registry);

    assertThat(serde.serializer().serialize("topic", null)).isNull();
    assertThat(serde.deserializer().deserialize("topic", (byte[]) null)).isNull();
  }

  @Test
  void namesTheMissingFieldWhenARecordIsIncomplete() {
    AvroSerde<ImageReference> serde = AvroSerde.of(ImageReference.class, registry);

    assertThatThrownBy(() -> serde.serializer().serialize("shelf.frames", new ImageReference()))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("ImageReference")
        .hasMessageContaining("shelf.frames")
        .hasMessageContaining("frameId");
  }

  @Test
  void refusesARecordOfAnotherType() {
    byte[] event =
        AvroSerde.of(RecognitionEvent.class, registry)
            .serializer()
            .serialize("topic", Samples.fullEvent());

    assertThatThrownBy(
            () ->
                AvroSerde.of(ImageReference.class, registry)
                    .deserializer()
                    .deserialize("topic", event))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("RecognitionEvent");
  }

  @Test
  void isSharedByThreads() throws Exception {
    // A scope of its own: the threads meet while nothing is registered, resolved or cached yet.
    int threads = 8;
    AvroSerde<RecognitionEvent> serde =
        AvroSerde.of(RecognitionEvent.class, SchemaRegistryClient.create("mock://threads-test"));
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    CountDownLatch start = new CountDownLatch(1);

    List<Future<Boolean>> results =
        IntStream.range(0, threads)
            .mapToObj(i -> pool.submit(() -> roundTripsOften(serde, start)))
            .toList();
    start.countDown();

    for (Future<Boolean> result : results) {
      assertThat(result.get()).isTrue();
    }
    pool.shutdown();
  }

  private static boolean roundTripsOften(AvroSerde<RecognitionEvent> serde, CountDownLatch start)
      throws InterruptedException {
    start.await();
    RecognitionEvent event = Samples.fullEvent();
    for (int i = 0; i < 2_000; i++) {
      byte[] bytes = serde.serializer().serialize("topic", event);
      if (!event.equals(serde.deserializer().deserialize("topic", bytes))) {
        return false;
      }
    }
    return true;
  }

  private static void assertEveryFieldSet(IndexedRecord record) {
    for (Schema.Field field : record.getSchema().getFields()) {
      assertSet(record.getSchema().getName() + "." + field.name(), record.get(field.pos()));
    }
  }

  private static void assertSet(String name, @Nullable Object value) {
    assertThat(value).as(name).isNotNull();
    if (value instanceof IndexedRecord nested) {
      assertEveryFieldSet(nested);
    } else if (value instanceof Collection<?> items) {
      assertThat(items).as(name).isNotEmpty();
      items.forEach(item -> assertSet(name, item));
    } else if (value instanceof Map<?, ?> map) {
      assertThat(map).as(name).isNotEmpty();
    }
  }

  @SuppressWarnings("unchecked")
  private AvroSerde<SpecificRecord> serdeOf(SpecificRecord record) {
    return (AvroSerde<SpecificRecord>) AvroSerde.of(record.getClass(), registry);
  }

  private static String hex(String text) {
    return HexFormat.of().formatHex(text.getBytes(UTF_8));
  }

  /** Gives every schema the same id, to make bytes predictable, and remembers the subjects. */
  static final class FixedIdRegistry implements SchemaRegistryClient {
    private final int id;
    private final Schema schema;
    private final List<String> registered = new CopyOnWriteArrayList<>();

    FixedIdRegistry(int id, Schema schema) {
      this.id = id;
      this.schema = schema;
    }

    @Override
    public int register(String subject, Schema toRegister) {
      assertThat(Set.of(schema)).contains(toRegister);
      registered.add(subject);
      return id;
    }

    @Override
    public Schema schemaById(int unused) {
      return schema;
    }

    @Override
    public int idOf(String subject, Schema toFind) {
      return register(subject, toFind);
    }

    @Override
    public Schema schemaByGuid(UUID guid) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Version latest(String subject) {
      throw new UnsupportedOperationException();
    }

    @Override
    public List<String> incompatibilities(String subject, Schema toCheck) {
      return List.of();
    }

    @Override
    public String url() {
      return "fixed";
    }
  }
}
