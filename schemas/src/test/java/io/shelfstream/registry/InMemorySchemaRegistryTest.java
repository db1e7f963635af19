package io.shelfstream.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.events.ImageReference;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InMemorySchemaRegistryTest {

  private static final Schema ONE = record("One", "text");
  private static final Schema TWO = record("Two", "text");

  @Test
  void isSharedByEverybodyWhoNamesTheScope() {
    SchemaRegistryClient writer = SchemaRegistryClient.create("mock://shared");
    SchemaRegistryClient reader = SchemaRegistryClient.create("mock://shared");

    int id = writer.register("topic-value", ONE);

    assertThat(reader.schemaById(id)).isEqualTo(ONE);
  }

  @Test
  void keepsScopesApart() {
    int id = SchemaRegistryClient.create("mock://one-scope").register("topic-value", ONE);

    SchemaRegistryClient other = SchemaRegistryClient.create("mock://another-scope");

    assertThatThrownBy(() -> other.schemaById(id))
        .isInstanceOf(SchemaRegistryException.class)
        .hasMessageContaining("mock://another-scope")
        .hasMessageContaining("id " + id);
  }

  @Test
  void givesEqualSchemasOneIdWhateverTheSubjectOrTheText() {
    SchemaRegistryClient registry = SchemaRegistryClient.create("mock://equal");
    Schema rewritten = new Schema.Parser().parse(ONE.toString(true));

    int id = registry.register("topic-value", ONE);

    assertThat(registry.register("other-value", rewritten)).isEqualTo(id);
    assertThat(registry.register("topic-value", TWO)).isNotEqualTo(id);
  }

  @Test
  void registersWithoutTheJavaStringProperty() {
    SchemaRegistryClient registry = SchemaRegistryClient.create("mock://strip");

    int id = registry.register("topic-value", ImageReference.getClassSchema());

    assertThat(ImageReference.getClassSchema().toString()).contains("avro.java.string");
    assertThat(registry.schemaById(id).toString()).doesNotContain("avro.java.string");
    assertThat(registry.schemaById(id).getFields())
        .hasSameSizeAs(ImageReference.getClassSchema().getFields());
  }

  @Test
  void knowsTheSchemasOfThisVersionUnderTheSameIdsInEveryProcess() {
    // Another scope stands for another process: nothing is shared but the code.
    int id =
        SchemaRegistryClient.create("mock://process-a")
            .register("a", GalleryVector.getClassSchema());

    Schema found = SchemaRegistryClient.create("mock://process-b").schemaById(id);

    assertThat(found.getFullName()).isEqualTo("io.shelfstream.events.GalleryVector");
  }

  @Test
  void givesTwoSchemasTwoIdsEvenWhenTheirFingerprintsMeet() {
    SchemaRegistryClient registry =
        new InMemorySchemaRegistry("mock://collisions", schema -> Integer.MAX_VALUE);

    int one = registry.register("topic-value", ONE);
    int two = registry.register("topic-value", TWO);

    assertThat(one).isNotEqualTo(two).isPositive();
    assertThat(two).isPositive();
    assertThat(registry.schemaById(one)).isEqualTo(ONE);
    assertThat(registry.schemaById(two)).isEqualTo(TWO);
    assertThat(registry.register("topic-value", ONE)).isEqualTo(one);
  }

  @ParameterizedTest
  @ValueSource(strings = {"localhost:8081", "", "mock://", "mock://a/b", "ftp://localhost"})
  void saysWhichUrlsThereAre(String url) {
    assertThatThrownBy(() -> SchemaRegistryClient.create(url))
        .isInstanceOf(SchemaRegistryException.class)
        .hasMessageContaining("mock://SCOPE");
  }

  private static Schema record(String name, String field) {
    return SchemaBuilder.record(name).fields().requiredString(field).endRecord();
  }
}
