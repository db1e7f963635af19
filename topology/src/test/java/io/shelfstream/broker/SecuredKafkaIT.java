package io.shelfstream.broker;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.broker.AccessRights.Right;
import io.shelfstream.client.EventProducer;
import io.shelfstream.client.TopicReader;
import io.shelfstream.config.Role;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.ImageReference;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.topology.RecognitionService;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** A broker that encrypts, asks who is there, and allows nothing that was not granted. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SecuredKafkaIT {
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final String STORE_PASSWORD = "changeit";
  private static final String USER = "shelfstream";

  @TempDir static Path folder;

  private EmbeddedBroker broker;
  private Admin admin;
  private ShelfStreamConfig config;
  private Party service;

  /** A user, and what it runs. */
  private record Party(String user, ShelfStreamConfig config, Role role) {
    List<Right> rights() {
      return AccessRights.of(config, role);
    }
  }

  @BeforeAll
  void start() throws Exception {
    makeCertificate();
    broker = EmbeddedBroker.start(folder.resolve("broker"), secured());
    config = configured(USER, "app-secret", Map.of());
    service = new Party(USER, config, Role.ALL);
    admin = Admin.create(new HashMap<>(asAdmin().kafka()));
    addUser(USER, "app-secret");
    Topics.create(asAdmin(), 1, (short) 1);
    grant(AccessRights.of(config, Role.ALL));
  }

  private void addUser(String name, String password) throws Exception {
    ScramCredentialInfo scram = new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096);
    admin
        .alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(name, scram, password)))
        .all()
        .get();
  }

  @AfterAll
  void stop() {
    admin.close();
    broker.close();
  }

  @Test
  void worksWithTheRightsThatTheDocumentationLists() throws Exception {
    Path image =
        Files.copy(Path.of("src/test/resources/pictures/halves.png"), folder.resolve("halves.png"));

    try (RecognitionService service = RecognitionService.start(config);
        EventProducer producer = new EventProducer(asAdmin());
        TopicReader answers =
            new TopicReader(
                asAdmin(),
                TopicReader.From.END,
                config.topics().recognitions(),
                config.topics().deadLetters())) {
      ImageReference frame =
          RecognitionEvents.reference("c", "f", image.toUri().toString(), Instant.now());
      ImageReference bad = RecognitionEvents.reference("c", "f", "file:/none.png", Instant.now());
      producer.send(config.topics().frames(), "c", producer.serdes().frames(), frame);
      producer.send(config.topics().frames(), "c", producer.serdes().frames(), bad);
      producer.flush();

      assertThat(topicsOf(answers, 2))
          .containsExactlyInAnyOrder(config.topics().recognitions(), config.topics().deadLetters());
    }
  }

  @Test
  void namesEachRightThatIsMissing() throws Exception {
    for (Right right : AccessRights.of(config, Role.ALL)) {
      revoke(right);
      try {
        await(config, List.of(right));

        assertThatThrownBy(() -> AccessRights.require(config, Role.ALL))
            .as(right.toString())
            .isInstanceOf(KafkaException.class)
            .hasMessageContaining("lacks " + right + ";")
            .hasMessageContaining("docs/security.md");
      } finally {
        grant(List.of(right));
      }
    }
  }

  /** Each role has a user of its own, who may do nothing else, while models are being changed. */
  @Test
  void changesModelsWithAUserForEachRole() throws Exception {
    Map<String, String> changing = new HashMap<>();
    changing.put("application.id", "roles");
    changing.put("models.next.dir", "src/test/resources/models/colour-and-inverse");
    for (String topic :
        List.of("frames", "recognitions", "gallery.updates", "gallery.vectors", "gallery.status")) {
      changing.put("topics." + topic, "roles." + topic); // beside those of the other tests
    }
    addUser("recogniser", "r-secret");
    addUser("embedder", "e-secret");
    Party recogniser =
        new Party("recogniser", configured("recogniser", "r-secret", changing), Role.RECOGNIZE);
    Party embedder =
        new Party("embedder", configured("embedder", "e-secret", changing), Role.GALLERY);
    ShelfStreamConfig administrator = asAdmin(changing);
    Topics.create(administrator, 1, (short) 1);
    for (Party party : List.of(recogniser, embedder)) {
      grant(party, party.rights());
    }
    String photo =
        Files.copy(Path.of("src/test/resources/pictures/halves.png"), folder.resolve("photo.png"))
            .toUri()
            .toString();

    try (RecognitionService embedding = RecognitionService.start(embedder.config(), Role.GALLERY);
        RecognitionService recognising =
            RecognitionService.start(recogniser.config(), Role.RECOGNIZE);
        EventProducer producer = new EventProducer(administrator);
        TopicReader answers =
            new TopicReader(
                administrator, TopicReader.From.END, administrator.topics().recognitions())) {
      GalleryUpdate update =
          GalleryUpdate.newBuilder()
              .setGalleryImageId("halves")
              .setProductId("halves")
              .setLabel("halves")
              .setUri(photo)
              .build();
      producer.send(
          administrator.topics().galleryUpdates(), "halves", producer.serdes().updates(), update);
      await(() -> recognising.gallery().state().size() == 1, "a gallery with the photo");

      await(
          () -> {
            ImageReference frame = RecognitionEvents.reference("c", "f", photo, Instant.now());
            producer.send(administrator.topics().frames(), "c", producer.serdes().frames(), frame);
            producer.flush();
            return extractors(answers, producer.serdes()).stream()
                .anyMatch(extractor -> extractor.startsWith("colour-and-inverse@"));
          },
          "an event of the next extractor");
      assertThat(embedding.isReady()).isTrue();
    }
    for (Party party : List.of(recogniser, embedder)) {
      eachRightIsNeeded(party);
    }
  }

  private static List<String> extractors(TopicReader answers, EventSerdes serdes) {
    List<String> extractors = new ArrayList<>();
    for (ConsumerRecord<byte[], byte[]> record : answers.poll(Duration.ofSeconds(1))) {
      extractors.add(
          serdes
              .recognitions()
              .deserializer()
              .deserialize(record.topic(), record.value())
              .getVersions()
              .getExtractor());
    }
    return extractors;
  }

  private void eachRightIsNeeded(Party party) throws Exception {
    for (Right right : party.rights()) {
      revoke(party, right);
      await(party, List.of(right));
      grant(party, List.of(right));
    }
  }

  /** Whether a transactional id may be written, Kafka tells only once it is. */
  @Test
  void namesARightThatOnlyShowsOnceTheServiceRuns() throws Exception {
    Right write =
        AccessRights.of(config, Role.RECOGNIZE).stream()
            .filter(right -> right.resource() == ResourceType.TRANSACTIONAL_ID)
            .findFirst()
            .orElseThrow();
    Right describe =
        new Right(AclOperation.DESCRIBE, write.resource(), write.name(), write.pattern());
    grant(List.of(describe));
    revoke(write);
    try (RecognitionService service = RecognitionService.start(config)) {
      CompletableFuture<String> stopped =
          CompletableFuture.supplyAsync(() -> AccessRights.explain(stopOf(service)));

      assertThat(stopped.get(60, TimeUnit.SECONDS))
          .contains("lacks a right on its transactional ids")
          .contains("docs/security.md");
    } finally {
      grant(List.of(write));
      revoke(describe);
    }
  }

  private static Throwable stopOf(RecognitionService service) {
    try {
      return service.awaitStop();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void namesAllMissingRightsAtOnce() throws Exception {
    List<Right> rights = AccessRights.of(config, Role.ALL);
    for (Right right : rights) {
      revoke(right);
    }
    try {
      await(config, rights);

      assertThatThrownBy(() -> AccessRights.require(config, Role.ALL))
          .hasMessageContaining("READ on topic shelf.frames, ")
          .hasMessageContaining(
              "READ on group secured, WRITE on transactional id secured-*, READ on group shelf.gallery.vectors.embedding-*, WRITE on transactional id shelf.gallery.vectors.embedding-*");
    } finally {
      grant(rights);
    }
  }

  @Test
  void everyRightStandsInTheDocumentation() throws Exception {
    String page = Files.readString(Path.of("../docs/security.md"));

    List<Right> rights = new ArrayList<>();
    for (Role role : Role.values()) {
      rights.addAll(AccessRights.of(ShelfStreamConfig.load(null, Map.of()), role));
      rights.addAll(
          AccessRights.of(ShelfStreamConfig.load(null, Map.of("models.next.dir", "next")), role));
    }
    for (Right right : rights) {
      assertThat(page)
          .contains(
              "| `%s` | %s | `%s%s` |"
                  .formatted(
                      right.operation(),
                      right.resource().name().toLowerCase(Locale.ROOT).replace('_', ' '),
                      right.name(),
                      right.pattern() == PatternType.PREFIXED ? "*" : ""));
    }
  }

  @Test
  void saysThatThePasswordIsWrong() {
    ShelfStreamConfig wrong = configured(USER, "guess", Map.of());

    assertThatThrownBy(() -> RecognitionService.start(wrong))
        .isInstanceOf(KafkaException.class)
        .hasMessageContaining("Broker localhost:")
        .hasMessageContaining("invalid credentials")
        .hasMessageContaining("kafka.sasl.*")
        .message()
        .doesNotContain("guess");
  }

  @Test
  void saysThatTheBrokersCertificateIsNotTrusted() {
    ShelfStreamConfig wrong =
        configured(USER, "app-secret", Map.of("kafka.ssl.truststore.location", ""));

    assertThatThrownBy(() -> AccessRights.require(wrong, Role.ALL))
        .isInstanceOf(KafkaException.class)
        .hasMessageContaining("SSL handshake failed")
        .hasMessageContaining("kafka.ssl.*");
  }

  @Test
  void saysWhichProtocolTheListenerSpeaks() {
    for (String ours : List.of("PLAINTEXT", "SSL", "SASL_PLAINTEXT")) {
      ShelfStreamConfig wrong =
          configured(USER, "app-secret", Map.of("kafka.security.protocol", ours));

      assertThatThrownBy(() -> RecognitionService.start(wrong))
          .as(ours)
          .isInstanceOf(KafkaException.class)
          .hasMessageContaining("kafka.security.protocol is " + ours + ", but the listener at")
          .hasMessageContaining("set kafka.security.protocol=SASL_SSL");
    }
  }

  private static List<String> topicsOf(TopicReader answers, int count) {
    List<String> topics = new ArrayList<>();
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (topics.size() < count && System.nanoTime() < deadline) {
      for (ConsumerRecord<byte[], byte[]> record : answers.poll(Duration.ofMillis(200))) {
        topics.add(record.topic());
      }
    }
    return topics;
  }

  /** Grants reach the broker a moment after they were accepted. */
  private static void await(ShelfStreamConfig config, List<Right> missing)
      throws InterruptedException {
    await(new Party(USER, config, Role.ALL), missing);
  }

  private static void await(Party party, List<Right> missing) throws InterruptedException {
    await(
        () -> AccessRights.missing(party.config(), party.role()).equals(missing),
        party.user() + " lacking just " + missing);
  }

  private static void await(BooleanSupplier holds, String what) throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!holds.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited for " + what).isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(50);
    }
  }

  private void grant(List<Right> rights) throws Exception {
    grant(service, rights);
  }

  private void grant(Party party, List<Right> rights) throws Exception {
    admin.createAcls(rights.stream().map(r -> binding(party.user(), r)).toList()).all().get();
    await(party, List.of());
  }

  private void revoke(Right right) throws Exception {
    revoke(service, right);
  }

  private void revoke(Party party, Right right) throws Exception {
    AclBindingFilter filter = binding(party.user(), right).toFilter();
    assertThat(admin.deleteAcls(List.of(filter)).all().get()).hasSize(1);
  }

  private static AclBinding binding(String user, Right right) {
    return new AclBinding(
        new ResourcePattern(right.resource(), right.name(), right.pattern()),
        new AccessControlEntry("User:" + user, "*", right.operation(), AclPermissionType.ALLOW));
  }

  private ShelfStreamConfig asAdmin() {
    return asAdmin(Map.of());
  }

  private ShelfStreamConfig asAdmin(Map<String, String> more) {
    Map<String, String> settings = new HashMap<>(more);
    settings.put("kafka.sasl.mechanism", "PLAIN");
    settings.put("kafka.sasl.jaas.config", plain("username=\"admin\" password=\"admin-secret\""));
    return configured("admin", "admin-secret", settings);
  }

  private ShelfStreamConfig configured(String user, String password, Map<String, String> more) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put(
        "kafka.bootstrap.servers", broker.bootstrapServers().replace("127.0.0.1", "localhost"));
    settings.put("kafka.security.protocol", "SASL_SSL");
    settings.put("kafka.sasl.mechanism", "SCRAM-SHA-512");
    settings.put(
        "kafka.sasl.jaas.config",
        "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"%s\" password=\"%s\";"
            .formatted(user, password));
    settings.put("kafka.ssl.truststore.type", "PEM");
    settings.put("kafka.ssl.truststore.location", folder.resolve("broker.pem").toString());
    settings.put("application.id", "secured");
    settings.put("state.dir", folder.resolve("state").toString());
    settings.put("models.dir", "src/test/resources/models/colour");
    settings.put("models.threads", "1");
    settings.put("images.allowed.roots", folder.toString());
    settings.putAll(more);
    settings.values().removeIf(String::isEmpty);
    if (!settings.containsKey("kafka.ssl.truststore.location")) {
      settings.remove("kafka.ssl.truststore.type");
    }
    return ShelfStreamConfig.loadWithModels(null, settings);
  }

  private static Map<String, String> secured() {
    Map<String, String> settings = new HashMap<>();
    settings.put("listener.security.protocol.map", "BROKER:SASL_SSL,CONTROLLER:PLAINTEXT");
    settings.put("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-512");
    settings.put("sasl.mechanism.inter.broker.protocol", "PLAIN");
    settings.put(
        "listener.name.broker.plain.sasl.jaas.config",
        plain("username=\"admin\" password=\"admin-secret\" user_admin=\"admin-secret\""));
    settings.put(
        "listener.name.broker.scram-sha-512.sasl.jaas.config",
        "org.apache.kafka.common.security.scram.ScramLoginModule required;");
    settings.put("ssl.keystore.type", "PKCS12");
    settings.put("ssl.keystore.location", folder.resolve("broker.p12").toString());
    settings.put("ssl.keystore.password", STORE_PASSWORD);
    settings.put("ssl.key.password", STORE_PASSWORD);
    settings.put("ssl.truststore.type", "PEM");
    settings.put("ssl.truststore.location", folder.resolve("broker.pem").toString());
    settings.put(
        "authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
    // The controller's own listener knows no users.
    settings.put("super.users", "User:admin;User:ANONYMOUS");
    return settings;
  }

  private static String plain(String options) {
    return "org.apache.kafka.common.security.plain.PlainLoginModule required " + options + ";";
  }

  private static void makeCertificate() throws Exception {
    keytool(
        "-genkeypair",
        "-keyalg",
        "EC",
        "-alias",
        "broker",
        "-dname",
        "CN=localhost",
        "-ext",
        "san=dns:localhost,ip:127.0.0.1");
    keytool("-exportcert", "-rfc", "-alias", "broker", "-file", "broker.pem");
  }

  private static void keytool(String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of(arguments));
    command.addAll(
        List.of("-keystore", "broker.p12", "-storetype", "PKCS12", "-storepass", STORE_PASSWORD));
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
  }
}
