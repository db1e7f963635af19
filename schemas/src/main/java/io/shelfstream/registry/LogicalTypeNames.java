package io.shelfstream.registry;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.avro.Schema;

/**
 * Compares what two schemas mean by their numbers. Avro resolves the bare types alone, and
 * microseconds would be read as milliseconds, a decimal as text, a day as a time.
 */
final class LogicalTypeNames {

  private record Pair(Schema written, Schema read) {}

  private final Set<Pair> compared = new HashSet<>();

  private LogicalTypeNames() {}

  /**
   * The first field that is written as another logical type than it is read as, in words.
   *
   * <p>A number without a logical type is taken as it is read, and text stays text whatever is said
   * of it.
   */
  static Optional<String> difference(Schema written, Schema read) {
    return new LogicalTypeNames().compare(read.getName(), written, read);
  }

  private Optional<String> compare(String path, Schema written, Schema read) {
    if (!compared.add(new Pair(written, read))) {
      return Optional.empty();
    }
    if (written.isUnion() || read.isUnion()) {
      return branches(written)
          .filter(branch -> branch.getType() != Schema.Type.NULL)
          .map(branch -> compareBranch(path, branch, branches(read).toList()))
          .flatMap(Optional::stream)
          .findFirst();
    }
    return switch (written.getType()) {
      case RECORD -> fields(path, written, read);
      case ARRAY ->
          read.getType() == Schema.Type.ARRAY
              ? compare(path + "[]", written.getElementType(), read.getElementType())
              : Optional.empty();
      case MAP ->
          read.getType() == Schema.Type.MAP
              ? compare(path + "{}", written.getValueType(), read.getValueType())
              : Optional.empty();
      default -> named(path, written, read);
    };
  }

  /** Against the branch of the same type, else against those it may be read as. */
  private Optional<String> compareBranch(String path, Schema written, List<Schema> branches) {
    List<Schema> same = branches.stream().filter(b -> b.getType() == written.getType()).toList();
    List<Schema> candidates =
        same.isEmpty()
            ? branches.stream().filter(b -> b.getType() != Schema.Type.NULL).toList()
            : same;
    return candidates.stream()
        .map(read -> compare(path, written, read))
        .flatMap(Optional::stream)
        .findFirst();
  }

  private static Stream<Schema> branches(Schema schema) {
    return schema.isUnion() ? schema.getTypes().stream() : Stream.of(schema);
  }

  private Optional<String> fields(String path, Schema written, Schema read) {
    if (read.getType() != Schema.Type.RECORD) {
      return Optional.empty();
    }
    for (Schema.Field field : read.getFields()) {
      Schema.Field source = written.getField(field.name());
      for (String alias : field.aliases()) {
        source = source == null ? written.getField(alias) : source;
      }
      if (source != null) {
        Optional<String> found =
            compare(path + "." + field.name(), source.schema(), field.schema());
        if (found.isPresent()) {
          return found;
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<String> named(String path, Schema written, Schema read) {
    String given = written.getProp("logicalType");
    if (given == null
        || given.equals(read.getProp("logicalType"))
        || written.getType() == Schema.Type.STRING) {
      return Optional.empty();
    }
    String wanted = read.getProp("logicalType");
    return Optional.of(
        "%s is written as %s (%s) and read as %s"
            .formatted(
                path,
                given,
                written.getType().getName(),
                wanted == null ? read.getType().getName() : wanted));
  }
}
