package io.shelfstream.api;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.avro.Schema;

/**
 * Writes an Avro record, with all types in it, as Protobuf messages. Numbers are those of the file
 * as it was: whatever is added gets the next one, whatever is removed leaves its number reserved.
 */
final class ProtoFile {
  private static final int COLUMNS = 100;

  private final FileDescriptorProto before;
  private final Map<String, Schema> types = new LinkedHashMap<>();

  private ProtoFile(FileDescriptorProto before) {
    this.before = before;
  }

  /**
   * @param before the file as it was; the default instance for a new one
   * @throws IllegalArgumentException when Protobuf cannot express a field, or a name was used
   *     before
   */
  static String of(Schema record, FileDescriptorProto before) {
    ProtoFile file = new ProtoFile(before);
    file.collect(record);
    return """
        // Written by ProtoFileTest from src/main/avro; not to be changed by hand.
        syntax = "proto3";

        package shelfstream.v1;

        import "google/protobuf/timestamp.proto";

        option java_package = "io.shelfstream.api.v1";
        option java_multiple_files = true;

        """
        + file.types.values().stream().map(file::type).collect(Collectors.joining("\n"));
  }

  /** Every named type once, the outer ones before what they hold. */
  private void collect(Schema schema) {
    switch (schema.getType()) {
      case RECORD -> {
        if (types.putIfAbsent(schema.getName(), schema) == null) {
          schema.getFields().forEach(field -> collect(field.schema()));
        }
      }
      case ENUM -> types.putIfAbsent(schema.getName(), schema);
      case ARRAY -> collect(schema.getElementType());
      case MAP -> collect(schema.getValueType());
      case UNION -> schema.getTypes().forEach(this::collect);
      default -> {}
    }
  }

  private String type(Schema schema) {
    return schema.getType() == Schema.Type.ENUM ? enumeration(schema) : message(schema);
  }

  private String message(Schema schema) {
    DescriptorProto old =
        before.getMessageTypeList().stream()
            .filter(m -> m.getName().equals(schema.getName()))
            .findFirst()
            .orElse(DescriptorProto.getDefaultInstance());
    Numbers numbers = new Numbers(schema.getName(), 1, old.getReservedNameList());
    old.getFieldList().forEach(f -> numbers.had(f.getName(), f.getNumber()));
    old.getReservedRangeList().forEach(r -> numbers.reserve(r.getStart(), r.getEnd() - 1));
    List<String> lines = new ArrayList<>();
    for (Schema.Field field : schema.getFields()) {
      String name = snake(field.name());
      lines.add(comment(field.doc(), "  "));
      lines.add("  %s %s = %d;\n".formatted(type(field), name, numbers.of(name)));
    }
    return comment(schema.getDoc(), "")
        + "message %s {\n".formatted(schema.getName())
        + numbers.reserved()
        + String.join("", lines)
        + "}\n";
  }

  /** The Avro default stands for symbols that a reader does not know; Protobuf can only say so. */
  private String enumeration(Schema schema) {
    String prefix = snake(schema.getName()).toUpperCase(Locale.ROOT) + "_";
    EnumDescriptorProto old =
        before.getEnumTypeList().stream()
            .filter(e -> e.getName().equals(schema.getName()))
            .findFirst()
            .orElse(EnumDescriptorProto.getDefaultInstance());
    Numbers numbers = new Numbers(schema.getName(), 0, old.getReservedNameList());
    numbers.had(prefix + "UNSPECIFIED", 0);
    old.getValueList().forEach(v -> numbers.had(v.getName(), v.getNumber()));
    old.getReservedRangeList().forEach(r -> numbers.reserve(r.getStart(), r.getEnd()));
    StringBuilder values = new StringBuilder();
    values.append(
        "  // Not sent.\n  %sUNSPECIFIED = %d;\n"
            .formatted(prefix, numbers.of(prefix + "UNSPECIFIED")));
    for (String symbol : schema.getEnumSymbols()) {
      if (!symbol.equals("UNSPECIFIED")) {
        String name = prefix + symbol;
        values.append("  %s = %d;\n".formatted(name, numbers.of(name)));
      }
    }
    String unknown =
        " A number that a reader does not know is to be read as %s."
            .formatted(prefix + schema.getEnumDefault());
    return comment(schema.getDoc() + unknown, "")
        + "enum %s {\n".formatted(schema.getName())
        + numbers.reserved()
        + values
        + "}\n";
  }

  private static String type(Schema.Field field) {
    Schema schema = field.schema();
    return switch (schema.getType()) {
      case ARRAY -> "repeated " + single(schema.getElementType(), field);
      case MAP -> "map<string, %s>".formatted(single(schema.getValueType(), field));
      case UNION -> {
        List<Schema> branches =
            schema.getTypes().stream().filter(b -> b.getType() != Schema.Type.NULL).toList();
        if (branches.size() != 1) {
          throw cannot(field, schema);
        }
        yield "optional " + single(branches.get(0), field);
      }
      default -> single(schema, field);
    };
  }

  private static String single(Schema schema, Schema.Field field) {
    if (schema.getLogicalType() != null) {
      if (schema.getLogicalType().getName().equals("timestamp-millis")) {
        return "google.protobuf.Timestamp";
      }
      throw cannot(field, schema);
    }
    return switch (schema.getType()) {
      case RECORD, ENUM -> schema.getName();
      case STRING -> "string";
      case BYTES, FIXED -> "bytes";
      case INT -> "int32";
      case LONG -> "int64";
      case FLOAT -> "float";
      case DOUBLE -> "double";
      case BOOLEAN -> "bool";
      default -> throw cannot(field, schema);
    };
  }

  private static IllegalArgumentException cannot(Schema.Field field, Schema schema) {
    return new IllegalArgumentException(
        "Field %s is %s, which no proto3 field can be".formatted(field.name(), schema));
  }

  /** {@code galleryVersion} as {@code gallery_version}; Protobuf's JSON has the first again. */
  private static String snake(String camel) {
    return camel.replaceAll("(?<=[a-z0-9])(?=[A-Z])", "_").toLowerCase(Locale.ROOT);
  }

  private static String comment(String doc, String indent) {
    StringBuilder text = new StringBuilder();
    StringBuilder line = new StringBuilder(indent + "//");
    for (String word : doc.split("\\s+")) {
      if (line.length() + 1 + word.length() > COLUMNS) {
        text.append(line).append('\n');
        line = new StringBuilder(indent + "//");
      }
      line.append(' ').append(word);
    }
    return text.append(line).append('\n').toString();
  }

  /** The numbers of one message or enum. */
  private static final class Numbers {
    private final String type;
    private final Map<String, Integer> given = new TreeMap<>();
    private final Set<Integer> reserved = new TreeSet<>();
    private final Set<String> reservedNames;
    private final Set<String> unused = new TreeSet<>();
    private int next;

    Numbers(String type, int first, List<String> reservedNames) {
      this.type = type;
      this.next = first;
      this.reservedNames = new TreeSet<>(reservedNames);
    }

    void had(String name, int number) {
      given.put(name, number);
      unused.add(name);
      next = Math.max(next, number + 1);
    }

    void reserve(int first, int last) {
      IntStream.rangeClosed(first, last).forEach(reserved::add);
      next = Math.max(next, last + 1);
    }

    int of(String name) {
      if (reservedNames.contains(name)) {
        throw new IllegalArgumentException(
            "%s had %s before; give what is added another name".formatted(type, name));
      }
      unused.remove(name);
      return given.computeIfAbsent(name, n -> next++);
    }

    /** To be asked last. */
    String reserved() {
      unused.forEach(name -> reserved.add(given.get(name)));
      reservedNames.addAll(unused);
      if (reserved.isEmpty()) {
        return "";
      }
      String numbers = reserved.stream().map(String::valueOf).collect(Collectors.joining(", "));
      String names =
          reservedNames.stream().map("\"%s\""::formatted).collect(Collectors.joining(", "));
      return "  reserved %s;\n  reserved %s;\n".formatted(numbers, names);
    }
  }
}
