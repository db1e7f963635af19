package io.shelfstream.camera;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;

/**
 * A camera of which each picture is another one. {@code /snapshot.jpg} answers with one, {@code
 * /stream} with a stream; below {@code /basic} and {@code /digest} it asks for a login.
 */
public final class FakeCamera implements AutoCloseable {
  public static final String LOGIN = "admin:camera-password";
  private static final String REALM = "IP Camera(12345)";
  private static final String NONCE = "4f8a2b";
  private static final Pattern DIGEST_PART = Pattern.compile("(\\w+)=\"?([^\",]+)\"?");

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final AtomicInteger pictures = new AtomicInteger();
  private final Queue<String> requests = new ConcurrentLinkedQueue<>();
  private final int width;
  private final int height;
  private final BufferedImage background;
  private volatile int boundary;

  public FakeCamera() throws IOException {
    this(64, 48);
  }

  /** A camera with pictures of this size. */
  public FakeCamera(int width, int height) throws IOException {
    this.width = width;
    this.height = height;
    this.background = background();
    server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::answer);
    server.start();
  }

  public String uri(String path) {
    return "http://127.0.0.1:" + server.getAddress().getPort() + path;
  }

  /** Pictures that were made so far. */
  public int pictures() {
    return pictures.get();
  }

  Queue<String> requests() {
    return requests;
  }

  private BufferedImage background() {
    BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_3BYTE_BGR);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        picture.setRGB(x, y, Color.HSBtoRGB((x / 16 * 7 + y / 16 * 3) % 20 / 20f, 0.6f, 0.8f));
      }
    }
    return picture;
  }

  /** A picture that differs from all others. */
  byte[] next() {
    return picture(pictures.incrementAndGet());
  }

  byte[] picture(int number) {
    BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_3BYTE_BGR);
    Graphics2D graphics = picture.createGraphics();
    graphics.drawImage(background, 0, 0, null);
    for (int bit = 0; bit < 20; bit++) {
      graphics.setColor((number >> bit & 1) == 1 ? Color.WHITE : Color.BLACK);
      graphics.fillRect(bit * width / 20, height / 2, width / 20 + 1, height / 4);
    }
    graphics.dispose();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(picture, "jpg", bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      requests.add(path);
      if (!mayIn(exchange, path)) {
        exchange.sendResponseHeaders(401, -1);
      } else if (path.endsWith("/snapshot.jpg")) {
        send(exchange, "image/jpeg", next());
      } else if (path.endsWith("/login.html")) {
        send(exchange, "text/html", "<html>Please log in</html>".getBytes(StandardCharsets.UTF_8));
      } else if (path.endsWith("/moved")) {
        exchange.getResponseHeaders().set("Location", "https://127.0.0.1/snapshot.jpg");
        exchange.sendResponseHeaders(302, -1);
      } else if (path.endsWith("/hangs")) {
        exchange.sendResponseHeaders(200, 1000);
        Thread.sleep(60_000);
      } else if (path.contains("/stream")) {
        stream(exchange);
      } else {
        exchange.sendResponseHeaders(404, -1);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void send(HttpExchange exchange, String type, byte[] body) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(200, body.length);
    exchange.getResponseBody().write(body);
  }

  /** As many cameras do: with a boundary other than that in the header, and without lengths. */
  private void stream(HttpExchange exchange) throws IOException, InterruptedException {
    exchange
        .getResponseHeaders()
        .set("Content-Type", "multipart/x-mixed-replace; boundary=--other" + boundary++);
    exchange.sendResponseHeaders(200, 0);
    boolean ends = exchange.getRequestURI().getPath().endsWith("/ends");
    OutputStream out = exchange.getResponseBody();
    for (int i = 0; !ends || i < 3; i++) {
      out.write("--frame\r\nContent-Type: image/jpeg\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      byte[] picture = next();
      out.write(picture, 0, i % 5 == 4 ? picture.length / 2 : picture.length);
      out.write("\r\n".getBytes(StandardCharsets.US_ASCII));
      out.flush();
      Thread.sleep(20);
    }
  }

  private static boolean mayIn(HttpExchange exchange, String path) {
    String given = exchange.getRequestHeaders().getFirst("Authorization");
    if (path.startsWith("/basic")) {
      exchange.getResponseHeaders().add("WWW-Authenticate", "Basic realm=\"" + REALM + "\"");
      String expected =
          "Basic " + Base64.getEncoder().encodeToString(LOGIN.getBytes(StandardCharsets.UTF_8));
      return expected.equals(given);
    }
    if (path.startsWith("/digest")) {
      exchange
          .getResponseHeaders()
          .add(
              "WWW-Authenticate",
              "Digest qop=\"auth\", realm=\"%s\", nonce=\"%s\", stale=\"false\""
                  .formatted(REALM, NONCE));
      return given != null && given.startsWith("Digest ") && isRight(given, path);
    }
    return true;
  }

  /** RFC 2617, with MD5, as cameras have it. */
  private static boolean isRight(String given, String path) {
    java.util.Map<String, String> parts = new java.util.HashMap<>();
    Matcher part = DIGEST_PART.matcher(given);
    while (part.find()) {
      parts.put(part.group(1), part.group(2));
    }
    String one = md5("admin:" + REALM + ":camera-password");
    String two = md5("GET:" + path);
    return md5(String.join(
            ":", one, NONCE, parts.get("nc"), parts.get("cnonce"), parts.get("qop"), two))
        .equals(parts.get("response"));
  }

  private static String md5(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("MD5").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
