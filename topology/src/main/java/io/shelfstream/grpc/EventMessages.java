package io.shelfstream.grpc;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.MapEntry;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import io.shelfstream.api.v1.RecognitionEvent;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Collection;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.avro.Schema;
import org.apache.avro.generic.IndexedRecord;

/**
 * Avro events as Protobuf messages, field by field: a field has the Avro name as its name in JSON,
 * an enum value ends in the Avro symbol. Safe for several threads.
 */
final class EventMessages {
  private static final Map<Descriptor, Map<String, FieldDescriptor>> FIELDS =
      new ConcurrentHashMap<>();
  private static final Map<EnumDescriptor, Map<String, EnumValueDescriptor>> VALUES =
      new ConcurrentHashMap<>();

  private EventMessages() {}

  static RecognitionEvent of(io.shelfstream.events.RecognitionEvent event) {
    RecognitionEvent.Builder message = RecognitionEvent.newBuilder();
    copy(event, message);
    return message.build();
  }

  static void copy(IndexedRecord from, Message.Builder to) {
    Map<String, FieldDescriptor> fields =
        FIELDS.computeIfAbsent(to.getDescriptorForType(), EventMessages::fields);
    for (Schema.Field field : from.getSchema().getFields()) {
      Object value = from.get(field.pos());
      if (value != null) {
        put(value, to, Objects.requireNonNull(fields.get(field.name()), field.name()));
      }
    }
  }

  private static void put(Object value, Message.Builder to, FieldDescriptor field) {
    if (value instanceof Map<?, ?> map) {
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        MapEntry.Builder<?, ?> pair = (MapEntry.Builder<?, ?>) to.newBuilderForField(field);
        put(entry.getKey(), pair, pair.getDescriptorForType().findFieldByNumber(1));
        put(entry.getValue(), pair, pair.getDescriptorForType().findFieldByNumber(2));
        to.addRepeatedField(field, pair.build());
      }
    } else if (value instanceof Collection<?> items) {
      for (Object item : items) {
        to.addRepeatedField(field, single(item, to, field));
      }
    } else {
      to.setField(field, single(value, to, field));
    }
  }

  private static Object single(Object value, Message.Builder to, FieldDescriptor field) {
    if (value instanceof IndexedRecord record) {
      Message.Builder message = to.newBuilderForField(field);
      copy(record, message);
      return message.build();
    }
    if (value instanceof Instant instant) {
      return Timestamp.newBuilder()
          .setSeconds(instant.getEpochSecond())
          .setNanos(instant.getNano())
          .build();
    }
    if (field.getJavaType() == JavaType.ENUM) {
      String symbol = value.toString();
      return Objects.requireNonNull(
          VALUES.computeIfAbsent(field.getEnumType(), EventMessages::values).get(symbol), symbol);
    }
    if (value instanceof CharSequence text) {
      return wellFormed(text.toString());
    }
    if (value instanceof ByteBuffer bytes) {
      return ByteString.copyFrom(bytes.duplicate()); // copying moves the position
    }
    return value;
  }

  /** With half a surrogate pair as a question mark, as Avro writes it to a topic. */
  private static String wellFormed(String text) {
    return new String(text.getBytes(UTF_8), UTF_8);
  }

  private static Map<String, FieldDescriptor> fields(Descriptor type) {
    return type.getFields().stream()
        .collect(Collectors.toUnmodifiableMap(FieldDescriptor::getJsonName, Function.identity()));
  }

  /**
   * Without the prefix that all values of an enum have, as its first one, UNSPECIFIED, shows it.
   */
  private static Map<String, EnumValueDescriptor> values(EnumDescriptor type) {
    int prefix = type.findValueByNumber(0).getName().length() - "UNSPECIFIED".length();
    return type.getValues().stream()
        .collect(
            Collectors.toUnmodifiableMap(v -> v.getName().substring(prefix), Function.identity()));
  }
}
