package io.shelfstream.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.shelfstream.events.ImageReference;
import io.shelfstream.registry.SchemaRegistryException.Kind;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RestSchemaRegistryTest {
  private static final Schema ONE = record("Photo", "uri");
  private static final Schema TWO =
      SchemaBuilder.record("Photo").fields().requiredString("uri").requiredInt("width").endRecord();

  private FakeRegistry server;

  @BeforeEach
  void start() throws IOException {
    server = new FakeRegistry();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void registersOnceAndReadsTheSchemaBack() {
    SchemaRegistryClient client = client(Map.of());

    int id = client.register("t-value", ONE);

    assertThat(client.register("t-value", ONE)).isEqualTo(id);
    assertThat(client.schemaById(id)).isEqualTo(ONE);
    assertThat(client.schemaById(id)).isEqualTo(ONE);
    assertThat(client.idOf("t-value", ONE)).isEqualTo(id);
    assertThat(client.latest("t-value")).isEqualTo(new SchemaRegistryClient.Version(id, 1, ONE));
    assertThat(server.requests)
        .containsExactly(
            "POST /subjects/t-value/versions",
            "GET /schemas/ids/1",
            "GET /subjects/t-value/versions/latest");
  }

  @Test
  void registersWithoutTheJavaStringProperty() {
    client(Map.of()).register("t-value", ImageReference.getClassSchema());
    client(Map.of("avro.remove.java.properties", "false"))
        .register("u-value", ImageReference.getClassSchema());

    assertThat(server.schemas.get(1).toString()).doesNotContain("avro.java.string");
    assertThat(server.schemas.get(2).toString()).contains("avro.java.string");
  }

  @Test
  void asksForNormalisationWhenToldTo() {
    client(Map.of("normalize.schemas", "true")).register("t-value", ONE);

    assertThat(server.requests).containsExactly("POST /subjects/t-value/versions?normalize=true");
  }

  @Test
  void findsASchemaByItsGuid() {
    int id = server.put("t-value", ONE.toString(), null);

    assertThat(client(Map.of()).schemaByGuid(FakeRegistry.guid(id))).isEqualTo(ONE);
  }

  @Test
  void saysThatARegistryOfBefore2025KnowsNoGuids() {
    server.instead = path -> new FakeRegistry.Answer(404, "");

    SchemaRegistryException e = refusal(() -> client(Map.of()).schemaByGuid(new UUID(1, 2)));

    assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND);
    assertThat(e).hasMessageContaining("no schema with GUID 00000000-0000-0001-0000-000000000002");
  }

  @Test
  void findsASchemaThatTheRegistryKeepsWithOtherWords() {
    String reworded =
        "{\"type\":\"record\",\"name\":\"Photo\",\"doc\":\"other\",\"fields\":[{\"name\":\"uri\",\"type\":\"string\"}]}";
    int id = server.put("t-value", reworded, null);

    assertThat(client(Map.of()).idOf("t-value", ONE)).isEqualTo(id);
  }

  @Test
  void saysHowASchemaThatIsNotThereGetsThere() {
    SchemaRegistryException e = refusal(() -> client(Map.of()).idOf("t-value", ONE));

    assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND);
    assertThat(e)
        .hasMessageContaining("t-value")
        .hasMessageContaining(server.url())
        .hasMessageContaining("auto.register.schemas=true");
  }

  @Test
  void namesTheFieldThatMakesASchemaIncompatible() {
    client(Map.of()).register("t-value", ONE);

    SchemaRegistryException e = refusal(() -> client(Map.of()).register("t-value", TWO));

    assertThat(e.kind()).isEqualTo(Kind.REFUSED);
    assertThat(e)
        .hasMessageContaining("subject t-value")
        .hasMessageContaining("incompatible with an earlier schema")
        .hasMessageContaining("field width has no default");
    assertThat(client(Map.of()).incompatibilities("t-value", TWO))
        .singleElement()
        .asString()
        .contains("field width has no default");
    assertThat(client(Map.of()).incompatibilities("t-value", ONE)).isEmpty();
    assertThat(client(Map.of()).incompatibilities("new-value", TWO)).isEmpty();
  }

  @Test
  void escapesSubjects() {
    client(Map.of()).register("a b/ü-value", ONE);

    assertThat(server.requests).containsExactly("POST /subjects/a%20b%2F%C3%BC-value/versions");
    assertThat(server.subjects).containsOnlyKeys("a b/ü-value");
  }

  @Test
  void readsASchemaThatRefersToOthers() throws IOException {
    ObjectMapper json = new ObjectMapper();
    server.put("box", "{\"type\":\"record\",\"name\":\"Box\",\"fields\":[]}", null);
    server.put(
        "shelf",
        "{\"type\":\"record\",\"name\":\"Shelf\",\"fields\":[{\"name\":\"box\",\"type\":\"Box\"}]}",
        json.readTree("[{\"name\":\"Box\",\"subject\":\"box\",\"version\":1}]"));
    int id =
        server.put(
            "photo",
            "{\"type\":\"record\",\"name\":\"Photo\",\"fields\":[{\"name\":\"shelf\",\"type\":\"Shelf\"},{\"name\":\"box\",\"type\":\"Box\"}]}",
            json.readTree(
                "[{\"name\":\"Shelf\",\"subject\":\"shelf\",\"version\":1},{\"name\":\"Box\",\"subject\":\"box\",\"version\":1}]"));

    Schema schema = client(Map.of()).schemaById(id);

    assertThat(schema.getField("shelf").schema().getField("box").schema())
        .isEqualTo(schema.getField("box").schema());
  }

  @Test
  void goesOnWithTheNextUrlAndStaysThere() throws IOException {
    try (FakeRegistry second = new FakeRegistry()) {
      second.put("t-value", ONE.toString(), null);
      second.put("t-value", TWO.toString(), null);
      SchemaRegistryClient client =
          client(Map.of("schema.registry.url", server.url() + ", " + second.url() + "/"));
      server.instead = path -> new FakeRegistry.Answer(503, "");

      assertThat(client.schemaById(1)).isEqualTo(ONE);
      assertThat(client.schemaById(2)).isEqualTo(TWO);

      assertThat(server.requests).hasSize(1);
      assertThat(second.requests).containsExactly("GET /schemas/ids/1", "GET /schemas/ids/2");
    }
  }

  @Test
  void triesAgainUntilTheRegistryIsBack() {
    server.put("t-value", ONE.toString(), null);
    server.instead =
        path -> server.requests.size() < 3 ? FakeRegistry.error(500, 50001, "leader away") : null;

    assertThat(client(Map.of()).schemaById(1)).isEqualTo(ONE);

    assertThat(server.requests).hasSize(3);
  }

  @Test
  void saysWhatItAskedWhereAndHowOften() {
    server.close();

    SchemaRegistryException e = refusal(() -> client(Map.of()).schemaById(7));

    assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE);
    assertThat(e.isTemporary()).isTrue();
    assertThat(e)
        .hasMessageContaining("schema with id 7")
        .hasMessageContaining(server.url())
        .hasMessageContaining("refused")
        .hasMessageContaining("tried 3 times")
        .hasMessageContaining("schema.registry.url");
  }

  @Test
  void doesNotWaitLongerThanItsTimeout() {
    server.delayMillis = 5_000;

    SchemaRegistryException e =
        refusal(
            () -> client(Map.of("http.read.timeout.ms", "100", "max.retries", "0")).schemaById(7));

    assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE);
    assertThat(e).hasMessageContaining("timed out");
  }

  @Test
  void answersFromItsCacheWhileTheRegistryIsAway() {
    SchemaRegistryClient client = client(Map.of());
    int id = client.register("t-value", ONE);
    client.schemaById(id);

    server.close();

    assertThat(client.register("t-value", ONE)).isEqualTo(id);
    assertThat(client.schemaById(id)).isEqualTo(ONE);
  }

  @Test
  void asksOnceForAnUnknownId() {
    SchemaRegistryClient client = client(Map.of());

    for (int i = 0; i < 3; i++) {
      SchemaRegistryException e = refusal(() -> client.schemaById(99));
      assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND);
      assertThat(e).hasMessageContaining("no schema with id 99");
    }

    assertThat(server.requests).hasSize(1);
  }

  @Test
  void forgetsAnUnknownIdAfterItsTime() {
    SchemaRegistryClient client = client(Map.of("missing.id.cache.ttl.sec", "0"));
    refusal(() -> client.schemaById(1));

    server.put("t-value", ONE.toString(), null);

    assertThat(client.schemaById(1)).isEqualTo(ONE);
  }

  @Test
  void doesNotTakeAnotherWebServerForARegistry() {
    server.instead = path -> new FakeRegistry.Answer(200, "<html>welcome</html>");
    SchemaRegistryException page = refusal(() -> client(Map.of()).schemaById(7));
    server.instead = path -> new FakeRegistry.Answer(404, "<html>nothing here</html>");
    SchemaRegistryException nothing = refusal(() -> client(Map.of()).schemaById(7));
    SchemaRegistryException nowhere = refusal(() -> client(Map.of()).register("t-value", ONE));

    assertThat(List.of(page, nothing, nowhere))
        .allSatisfy(e -> assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE))
        .allSatisfy(e -> assertThat(e).hasMessageContaining("path in schema.registry.url"));
  }

  @Test
  void refusesWhatIsNotAvro() throws IOException {
    server.put("t-value", "syntax = \"proto3\";", null);
    server.schemas.get(1).put("schemaType", "PROTOBUF");
    server.put("u-value", "{\"type\":\"record\"}", null);

    assertThat(refusal(() -> client(Map.of()).schemaById(1))).hasMessageContaining("PROTOBUF");
    assertThat(refusal(() -> client(Map.of()).schemaById(2)))
        .hasMessageContaining("Avro cannot parse it");
  }

  @Test
  void sendsUserAndPasswordFromTheUrlButNeverShowsThem() {
    String url = server.url().replace("http://", "http://me:p%40ss@");
    server.put("t-value", ONE.toString(), null);
    SchemaRegistryClient client = client(Map.of("schema.registry.url", url));

    client.schemaById(1);

    assertThat(server.authorizations).containsExactly("Basic bWU6cEBzcw=="); // me:p@ss
    assertThat(client.url()).isEqualTo(server.url());
    server.close();
    assertThat(refusal(() -> client.schemaById(2)).getMessage()).doesNotContain("p%40ss", "me:");
  }

  @Test
  void sendsUserInfoTokenAndHeadersAsSet() {
    server.put("t-value", ONE.toString(), null);
    client(
            Map.of(
                "basic.auth.credentials.source", "USER_INFO", "basic.auth.user.info", "me:secret"))
        .schemaById(1);
    client(Map.of("bearer.auth.credentials.source", "STATIC_TOKEN", "bearer.auth.token", "t0k"))
        .schemaById(1);

    assertThat(server.authorizations).containsExactly("Basic bWU6c2VjcmV0", "Bearer t0k");
  }

  @Test
  void saysWhoIsNotLetInWithoutTryingAgain() {
    server.instead = path -> FakeRegistry.error(401, 401, "Unauthorized");

    SchemaRegistryException e = refusal(() -> client(Map.of()).register("t-value", ONE));

    assertThat(e.kind()).isEqualTo(Kind.DENIED);
    assertThat(e.isTemporary()).isTrue();
    assertThat(e)
        .hasMessageContaining("denies the registration of subject t-value")
        .hasMessageContaining("basic.auth");
    assertThat(server.requests).hasSize(1);
  }

  @Test
  void listsEverythingThatIsWrongWithTheSettings() {
    assertThatThrownBy(
            () ->
                SchemaRegistryClient.create(
                    Map.of(
                        "schema.registry.url", "localhost:8081",
                        "max.retries", "many",
                        "schema.registry.ssl.trustore.location", "/x")))
        .isInstanceOf(SchemaRegistryException.class)
        .hasMessageContaining("schema.registry.url: give http")
        .hasMessageContaining("max.retries: give a whole number")
        .hasMessageContaining("schema.registry.ssl.trustore.location: unknown");
  }

  @Test
  void asksForWhatASettingNeedsBesideIt() {
    assertThatThrownBy(() -> client(Map.of("basic.auth.credentials.source", "USER_INFO")))
        .hasMessageContaining("basic.auth.user.info: give USER:PASSWORD");
    assertThatThrownBy(() -> client(Map.of("bearer.auth.credentials.source", "STATIC_TOKEN")))
        .hasMessageContaining("bearer.auth.token: give a token");
  }

  private SchemaRegistryClient client(Map<String, String> more) {
    Map<String, String> settings = new HashMap<>();
    settings.put("schema.registry.url", server.url());
    settings.put("max.retries", "2");
    settings.put("retries.wait.ms", "10");
    settings.putAll(more);
    return SchemaRegistryClient.create(settings);
  }

  private static SchemaRegistryException refusal(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    SchemaRegistryException e = catchThrowableOfType(SchemaRegistryException.class, call);
    assertThat(e).isNotNull();
    return e;
  }

  private static Schema record(String name, String field) {
    return SchemaBuilder.record(name).fields().requiredString(field).endRecord();
  }
}
