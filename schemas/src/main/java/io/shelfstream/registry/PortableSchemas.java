package io.shelfstream.registry;

import java.util.regex.Pattern;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;

/** Schemas as programs in every language know them, and what makes two of them the same. */
final class PortableSchemas {

  // Only Avro's own writer made the text, and inside a JSON string the quotes would be escaped.
  private static final Pattern JAVA_STRING = Pattern.compile(",\"avro\\.java\\.string\":\"\\w+\"");

  private PortableSchemas() {}

  /** Without the property that generated Java classes carry on every string. */
  static Schema withoutJavaStrings(Schema schema) {
    String text = schema.toString();
    String plain = JAVA_STRING.matcher(text).replaceAll("");
    return plain.equals(text) ? schema : new Schema.Parser().parse(plain);
  }

  /** Docs, defaults, aliases and logical types of the writer do not change its bytes. */
  static boolean sameOnTheWire(Schema one, Schema other) {
    return one.equals(other)
        || SchemaNormalization.toParsingForm(one).equals(SchemaNormalization.toParsingForm(other));
  }
}
