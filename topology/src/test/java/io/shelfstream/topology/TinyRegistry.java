package io.shelfstream.topology;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.shelfstream.HeldPort;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** Registers and gives back schemas at one address; may go away, and remembers while it is away. */
final class TinyRegistry implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final List<String> schemas = new CopyOnWriteArrayList<>();
  private final HeldPort port = new HeldPort();
  private @Nullable HttpServer server;

  TinyRegistry() throws IOException {}

  String url() {
    return "http://localhost:" + port.number();
  }

  void start() throws IOException {
    server =
        HttpServer.create(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), port.number()), 0);
    server.createContext("/", this::answer);
    server.start();
  }

  /** Goes away until it is started again. */
  void stop() {
    if (server != null) {
      server.stop(0);
      server = null;
    }
  }

  @Override
  public void close() throws IOException {
    stop();
    port.close();
  }

  int put(String schema) {
    if (!schemas.contains(schema)) {
      schemas.add(schema);
    }
    return schemas.indexOf(schema) + 1;
  }

  private void answer(HttpExchange exchange) throws IOException {
    var body = JsonNodeFactory.instance.objectNode();
    String path = exchange.getRequestURI().getPath();
    if (path.startsWith("/schemas/ids/")) {
      int id = Integer.parseInt(path.substring("/schemas/ids/".length()));
      body.put("schema", schemas.get(id - 1));
    } else {
      body.put("id", put(JSON.readTree(exchange.getRequestBody()).path("schema").asText()));
    }
    byte[] bytes = body.toString().getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(200, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }
}
