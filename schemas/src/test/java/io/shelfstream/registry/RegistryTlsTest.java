package io.shelfstream.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A registry with a certificate that no public authority signed, and one that wants ours. */
class RegistryTlsTest {
  private static final String PASSWORD = "changeit";
  private static final Schema SCHEMA = SchemaBuilder.record("R").fields().endRecord();

  @TempDir static Path folder;

  @BeforeAll
  static void makeCertificates() throws Exception {
    keytool(
        "-genkeypair",
        "-keyalg",
        "EC",
        "-alias",
        "server",
        "-dname",
        "CN=localhost",
        "-ext",
        "san=dns:localhost",
        "-keystore",
        "server.p12");
    keytool("-exportcert", "-alias", "server", "-keystore", "server.p12", "-file", "server.cer");
    keytool(
        "-importcert",
        "-noprompt",
        "-alias",
        "server",
        "-file",
        "server.cer",
        "-keystore",
        "trusts-server.p12");
    keytool(
        "-exportcert",
        "-rfc",
        "-alias",
        "server",
        "-keystore",
        "server.p12",
        "-file",
        "server.pem");
    keytool(
        "-genkeypair",
        "-keyalg",
        "EC",
        "-alias",
        "client",
        "-dname",
        "CN=client",
        "-keystore",
        "client.p12");
    keytool("-exportcert", "-alias", "client", "-keystore", "client.p12", "-file", "client.cer");
    keytool(
        "-importcert",
        "-noprompt",
        "-alias",
        "client",
        "-file",
        "client.cer",
        "-keystore",
        "trusts-client.p12");
  }

  @Test
  void refusesACertificateThatNobodyVouchesFor() throws Exception {
    try (FakeRegistry server = FakeRegistry.overTls(context(), false)) {
      assertThatThrownBy(() -> client(server, Map.of()).register("t", SCHEMA))
          .isInstanceOf(SchemaRegistryException.class)
          .hasMessageContaining("certification path");
    }
  }

  @Test
  void trustsItsOwnTrustStore() throws Exception {
    try (FakeRegistry server = FakeRegistry.overTls(context(), false)) {
      assertThat(client(server, trust()).register("t", SCHEMA)).isEqualTo(1);
    }
  }

  @Test
  void trustsACertificateInPem() throws Exception {
    try (FakeRegistry server = FakeRegistry.overTls(context(), false)) {
      Map<String, String> pem =
          Map.of(
              "schema.registry.ssl.truststore.type",
              "PEM",
              "schema.registry.ssl.truststore.location",
              path("server.pem"));

      assertThat(client(server, pem).register("t", SCHEMA)).isEqualTo(1);
    }
  }

  @Test
  void checksTheHostNameUnlessToldNotTo() throws Exception {
    try (FakeRegistry server = FakeRegistry.overTls(context(), false)) {
      Map<String, String> byAddress = new HashMap<>(trust());
      byAddress.put("schema.registry.url", server.url().replace("localhost", "127.0.0.1"));
      assertThatThrownBy(() -> client(server, byAddress).register("t", SCHEMA))
          .hasMessageContaining("127.0.0.1");

      byAddress.put("schema.registry.ssl.endpoint.identification.algorithm", "");

      assertThat(client(server, byAddress).register("t", SCHEMA)).isEqualTo(1);
    }
  }

  @Test
  void showsItsOwnCertificateToARegistryThatAsks() throws Exception {
    try (FakeRegistry server = FakeRegistry.overTls(context(), true)) {
      Map<String, String> settings = new HashMap<>(trust());
      assertThatThrownBy(() -> client(server, settings).register("t", SCHEMA))
          .isInstanceOf(SchemaRegistryException.class);

      settings.put("schema.registry.ssl.keystore.type", "PKCS12");
      settings.put("schema.registry.ssl.keystore.location", path("client.p12"));
      settings.put("schema.registry.ssl.keystore.password", PASSWORD);
      settings.put("schema.registry.ssl.key.password", PASSWORD);

      assertThat(client(server, settings).register("t", SCHEMA)).isEqualTo(1);
    }
  }

  @Test
  void saysWhichStoreCannotBeRead() {
    assertThatThrownBy(
            () ->
                SchemaRegistryClient.create(
                    Map.of(
                        "schema.registry.url", "https://localhost:1",
                        "schema.registry.ssl.truststore.location", "/nowhere.p12")))
        .isInstanceOf(SchemaRegistryException.class)
        .hasMessageContaining("schema.registry.ssl")
        .hasMessageContaining("/nowhere.p12");
  }

  private static Map<String, String> trust() {
    return Map.of(
        "schema.registry.ssl.truststore.type",
        "PKCS12",
        "schema.registry.ssl.truststore.location",
        path("trusts-server.p12"),
        "schema.registry.ssl.truststore.password",
        PASSWORD);
  }

  private static SchemaRegistryClient client(FakeRegistry server, Map<String, String> more) {
    Map<String, String> settings = new HashMap<>();
    settings.put("schema.registry.url", server.url());
    settings.put("max.retries", "0");
    settings.putAll(more);
    return SchemaRegistryClient.create(settings);
  }

  private static SSLContext context() throws Exception {
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store("server.p12"), PASSWORD.toCharArray());
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store("trusts-client.p12"));
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  private static KeyStore store(String name) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(folder.resolve(name))) {
      store.load(in, PASSWORD.toCharArray());
    }
    return store;
  }

  private static String path(String name) {
    return folder.resolve(name).toString();
  }

  private static void keytool(String... arguments) throws IOException, InterruptedException {
    List<String> command = new java.util.ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of(arguments));
    command.addAll(List.of("-storetype", "PKCS12", "-storepass", PASSWORD));
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes());
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
  }
}
