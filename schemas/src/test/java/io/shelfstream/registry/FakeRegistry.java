package io.shelfstream.registry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.apache.avro.Schema;

/**
 * A registry on a free port of this machine, with the answers that were seen from real ones, and
 * with bad days: a real one cannot be made to answer 503, HTML or nothing when a test wants it.
 */
final class FakeRegistry implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  record Answer(int status, String body) {}

  final List<String> requests = new CopyOnWriteArrayList<>();
  final List<String> authorizations = new CopyOnWriteArrayList<>();
  final Map<Integer, ObjectNode> schemas = new LinkedHashMap<>();
  final Map<String, List<Integer>> subjects = new LinkedHashMap<>();

  /** Answers in place of the registry; null lets the registry answer. */
  volatile Function<String, Answer> instead = path -> null;

  volatile long delayMillis;

  private final HttpServer server;
  private final String scheme;

  FakeRegistry() throws IOException {
    this(HttpServer.create(address(), 0), "http");
  }

  static FakeRegistry overTls(SSLContext context, boolean asksForClientCertificate)
      throws IOException {
    HttpsServer server = HttpsServer.create(address(), 0);
    server.setHttpsConfigurator(
        new HttpsConfigurator(context) {
          @Override
          public void configure(HttpsParameters parameters) {
            var ssl = context.getDefaultSSLParameters();
            ssl.setNeedClientAuth(asksForClientCertificate);
            parameters.setSSLParameters(ssl);
          }
        });
    return new FakeRegistry(server, "https");
  }

  private FakeRegistry(HttpServer server, String scheme) {
    this.server = server;
    this.scheme = scheme;
    server.createContext("/", this::handle);
    server.setExecutor(Executors.newCachedThreadPool());
    server.start();
  }

  private static InetSocketAddress address() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  String url() {
    return scheme + "://localhost:" + server.getAddress().getPort();
  }

  @Override
  public void close() {
    server.stop(0);
  }

  int put(String subject, String schema, JsonNode references) {
    int id = schemas.size() + 1;
    ObjectNode stored = JSON.createObjectNode().put("schema", schema);
    if (references != null) {
      stored.set("references", references);
    }
    schemas.put(id, stored);
    subjects.computeIfAbsent(subject, s -> new ArrayList<>()).add(id);
    return id;
  }

  static UUID guid(int id) {
    return new UUID(7, id);
  }

  private void handle(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getRawPath();
    requests.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
    authorizations.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
    byte[] body = exchange.getRequestBody().readAllBytes();
    Answer answer = instead.apply(path);
    try {
      Thread.sleep(delayMillis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (answer == null) {
      answer = answer(path.substring(1).split("/"), body);
    }
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    byte[] bytes = answer.body().getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(answer.status(), bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private Answer answer(String[] path, byte[] body) throws IOException {
    String schema = body.length == 0 ? "" : JSON.readTree(body).path("schema").asText();
    if (path[0].equals("schemas")) {
      int id =
          path[1].equals("ids")
              ? Integer.parseInt(path[2])
              : (int) UUID.fromString(path[2]).getLeastSignificantBits();
      ObjectNode found = schemas.get(id);
      return found == null
          ? error(404, 40403, "Schema " + id + " not found")
          : new Answer(200, found.toString());
    }
    boolean asksCompatibility = path[0].equals("compatibility");
    String subject = URLDecoder.decode(path[asksCompatibility ? 2 : 1], StandardCharsets.UTF_8);
    List<Integer> ids = subjects.getOrDefault(subject, List.of());
    if (asksCompatibility) {
      return ids.isEmpty()
          ? error(404, 40401, "Subject '" + subject + "' not found.")
          : new Answer(200, "{\"is_compatible\":" + fits(schema, ids) + "}");
    }
    if (path.length == 2) {
      return lookUp(schema, subject, ids);
    }
    if (path.length == 3) {
      return body.length == 0 ? new Answer(200, numbers(ids)) : register(schema, subject, ids);
    }
    return ids.isEmpty() ? error(404, 40401, "no subject") : version(path[3], ids);
  }

  private Answer register(String schema, String subject, List<Integer> ids) {
    for (Map.Entry<Integer, ObjectNode> known : schemas.entrySet()) {
      if (known.getValue().path("schema").asText().equals(schema)) {
        return new Answer(200, "{\"id\":" + known.getKey() + "}");
      }
    }
    return ids.isEmpty() || fits(schema, ids)
        ? new Answer(200, "{\"id\":" + put(subject, schema, null) + "}")
        : error(409, 409, "Schema being registered is incompatible with an earlier schema");
  }

  private Answer lookUp(String schema, String subject, List<Integer> ids) {
    if (ids.isEmpty()) {
      return error(404, 40401, "Subject '" + subject + "' not found.");
    }
    return ids.stream()
        .filter(id -> schemas.get(id).path("schema").asText().equals(schema))
        .findFirst()
        .map(id -> new Answer(200, "{\"id\":" + id + "}"))
        .orElse(error(404, 40403, "Schema not found"));
  }

  private Answer version(String number, List<Integer> ids) {
    int version = number.equals("latest") ? ids.size() : Integer.parseInt(number);
    int id = ids.get(version - 1);
    ObjectNode body = schemas.get(id).deepCopy();
    return new Answer(200, body.put("id", id).put("version", version).toString());
  }

  private boolean fits(String schema, List<Integer> ids) {
    Schema newest =
        new Schema.Parser().parse(schemas.get(ids.get(ids.size() - 1)).path("schema").asText());
    return SchemaDifferences.between(new Schema.Parser().parse(schema), newest).isEmpty();
  }

  private static String numbers(List<Integer> ids) {
    List<Integer> versions = new ArrayList<>();
    ids.forEach(id -> versions.add(versions.size() + 1));
    return versions.toString();
  }

  static Answer error(int status, int code, String message) {
    return new Answer(
        status, JSON.createObjectNode().put("error_code", code).put("message", message).toString());
  }
}
