package io.shelfstream.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import io.shelfstream.api.v1.RecognitionEvent;
import io.shelfstream.api.v1.RecognitionStatus;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.data.TimeConversions;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A message has every field that an event has: turned back by a walk of its own over the schema, it
 * equals what Avro itself writes and reads.
 */
class EventMessagesTest {
  private static final Schema EVENT = io.shelfstream.events.RecognitionEvent.getClassSchema();
  private static final GenericData AVRO = new GenericData();

  static {
    AVRO.addLogicalTypeConversion(new TimeConversions.TimestampMillisConversion());
  }

  private final Random random = new Random(17);

  enum Filled {
    ALL,
    NONE,
    SOME
  }

  @ParameterizedTest
  @EnumSource
  void equalsWhatIsOnTheTopic(Filled filled) throws IOException {
    for (int i = 0; i < 500; i++) {
      GenericRecord event = record(EVENT, filled);
      RecognitionEvent.Builder message = RecognitionEvent.newBuilder();

      EventMessages.copy(event, message);

      RecognitionEvent received = RecognitionEvent.parseFrom(message.build().toByteArray());
      assertThat(back(received, EVENT)).as("%s%n%s", event, received).isEqualTo(onTheTopic(event));
    }
  }

  @Test
  void keepsAHugeMap() throws IOException {
    GenericRecord event = record(EVENT, Filled.ALL);
    Map<String, Long> partitions = new HashMap<>();
    for (long i = 0; i < 100_000; i++) {
      partitions.put("p" + i, i * i);
    }
    ((GenericRecord) event.get("versions")).put("galleryVersions", partitions);
    RecognitionEvent.Builder message = RecognitionEvent.newBuilder();

    EventMessages.copy(event, message);

    assertThat(message.getVersions().getGalleryVersionsMap()).isEqualTo(partitions);
  }

  @Test
  void anEventWithoutItsStatusWouldNotBeOk() {
    assertThat(RecognitionEvent.getDefaultInstance().getStatus())
        .isEqualTo(RecognitionStatus.RECOGNITION_STATUS_UNSPECIFIED);
  }

  @Test
  void bytesAreCopiedAndLeftAsTheyWere() throws Exception {
    DescriptorProto.Builder type = DescriptorProto.newBuilder().setName("Data");
    type.addFieldBuilder()
        .setName("data")
        .setNumber(1)
        .setLabel(FieldDescriptorProto.Label.LABEL_OPTIONAL)
        .setType(FieldDescriptorProto.Type.TYPE_BYTES);
    Descriptor descriptor =
        FileDescriptor.buildFrom(
                FileDescriptorProto.newBuilder().setName("data.proto").addMessageType(type).build(),
                new FileDescriptor[0])
            .findMessageTypeByName("Data");
    ByteBuffer part = ByteBuffer.wrap(new byte[] {1, 2, 3, 4}, 1, 2);
    Schema schema = SchemaBuilder.record("Data").fields().requiredBytes("data").endRecord();
    DynamicMessage.Builder message = DynamicMessage.newBuilder(descriptor);

    EventMessages.copy(new GenericRecordBuilder(schema).set("data", part).build(), message);

    assertThat(message.getField(descriptor.findFieldByName("data")))
        .isEqualTo(ByteString.copyFrom(new byte[] {2, 3}));
    assertThat(part.remaining()).isEqualTo(2);
  }

  private GenericRecord record(Schema schema, Filled filled) {
    GenericRecord record = new GenericData.Record(schema);
    schema.getFields().forEach(f -> record.put(f.pos(), value(f.schema(), filled)));
    return record;
  }

  private @Nullable Object value(Schema schema, Filled filled) {
    int count =
        switch (filled) {
          case ALL -> 1 + random.nextInt(4);
          case NONE -> 0;
          case SOME -> random.nextInt(3);
        };
    return switch (schema.getType()) {
      case RECORD -> record(schema, filled);
      case ENUM -> new GenericData.EnumSymbol(schema, one(schema.getEnumSymbols()));
      case UNION -> count == 0 ? null : value(schema.getTypes().get(1), filled);
      case ARRAY -> {
        List<@Nullable Object> items = new ArrayList<>();
        for (int i = 0; i < count; i++) {
          items.add(value(schema.getElementType(), filled));
        }
        yield items;
      }
      case MAP -> {
        Map<String, @Nullable Object> map = new HashMap<>();
        for (int i = 0; i < count; i++) {
          map.put(text(), value(schema.getValueType(), filled));
        }
        yield map;
      }
      case STRING -> text();
      case INT -> one(List.of(0, 1, -1, Integer.MIN_VALUE, Integer.MAX_VALUE, random.nextInt()));
      case LONG -> {
        long number =
            one(List.of(0L, 1L, -1L, -1234L, Long.MIN_VALUE, Long.MAX_VALUE, random.nextLong()));
        yield schema.getLogicalType() == null ? (Object) number : Instant.ofEpochMilli(number);
      }
      case FLOAT ->
          one(
              List.of(
                  0f,
                  -0f,
                  Float.NaN,
                  Float.NEGATIVE_INFINITY,
                  Float.POSITIVE_INFINITY,
                  Float.MIN_VALUE,
                  Float.MAX_VALUE,
                  random.nextFloat()));
      case BOOLEAN -> random.nextBoolean();
      default -> throw new AssertionError("no values for " + schema);
    };
  }

  private String text() {
    return one(
        List.of(
            "",
            " ",
            "a",
            "Müsli \"Crunchy\"",
            "Käse 🧀",
            "\ud83e", // half a pair, each half
            "x\uddc0y",
            "\uddc0\ud83e",
            "\u0000",
            "\ufeff\u202e\uffff",
            "long ".repeat(1000),
            Long.toString(random.nextLong())));
  }

  private <T> T one(List<T> of) {
    return of.get(random.nextInt(of.size()));
  }

  private static GenericRecord onTheTopic(GenericRecord event) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    var encoder = EncoderFactory.get().directBinaryEncoder(bytes, null);
    new GenericDatumWriter<GenericRecord>(EVENT, AVRO).write(event, encoder);
    var decoder = DecoderFactory.get().binaryDecoder(bytes.toByteArray(), null);
    return new GenericDatumReader<GenericRecord>(EVENT, EVENT, AVRO).read(null, decoder);
  }

  private static IndexedRecord back(Message message, Schema schema) {
    assertThat(message.getDescriptorForType().getFields()).hasSameSizeAs(schema.getFields());
    assertThat(message.getUnknownFields().asMap()).isEmpty();
    GenericRecord record = new GenericData.Record(schema);
    for (Schema.Field avro : schema.getFields()) {
      FieldDescriptor field = message.getDescriptorForType().findFieldByName(snake(avro.name()));
      boolean isNull = avro.schema().isUnion() && !message.hasField(field);
      record.put(avro.pos(), isNull ? null : back(message.getField(field), field, avro.schema()));
    }
    return record;
  }

  private static Object back(Object value, FieldDescriptor field, Schema schema) {
    return switch (schema.getType()) {
      case UNION -> back(value, field, schema.getTypes().get(1));
      case RECORD -> back((Message) value, schema);
      case ENUM ->
          new GenericData.EnumSymbol(
              schema,
              ((EnumValueDescriptor) value)
                  .getName()
                  .substring(snake(schema.getName()).length() + 1));
      case ARRAY ->
          ((List<?>) value).stream().map(v -> back(v, field, schema.getElementType())).toList();
      case MAP -> {
        Map<Object, Object> map = new HashMap<>();
        for (Object item : (List<?>) value) {
          Message entry = (Message) item;
          List<FieldDescriptor> pair = entry.getDescriptorForType().getFields();
          map.put(entry.getField(pair.get(0)), entry.getField(pair.get(1)));
        }
        yield map;
      }
      case LONG ->
          value instanceof Timestamp time
              ? Instant.ofEpochSecond(time.getSeconds(), time.getNanos())
              : value;
      default -> value;
    };
  }

  private static String snake(String camel) {
    StringBuilder snake = new StringBuilder();
    for (char c : camel.toCharArray()) {
      if (Character.isUpperCase(c) && !snake.isEmpty()) {
        snake.append('_');
      }
      snake.append(c);
    }
    return snake.toString().toLowerCase(Locale.ROOT);
  }
}
