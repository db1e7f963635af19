package io.shelfstream.bench;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.imageio.ImageIO;

/**
 * An image server that takes its time: each image begins after 50 ms, and every tenth trickles for
 * three seconds. Every fifth image has 12 megapixels.
 */
final class SlowImages implements AutoCloseable {
  private static final int WIDTH = 4000;
  private static final int HEIGHT = 3000;
  private static final int EVERY_LARGE = 5;
  private static final int EVERY_SLOW = 10;
  private static final int PIECES = 30;

  private final List<byte[]> small = new ArrayList<>();
  private final List<byte[]> large = new ArrayList<>();
  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final AtomicInteger largeOnes = new AtomicInteger();
  private final AtomicInteger slowOnes = new AtomicInteger();

  /**
   * @param pictures folder of JPEG files; four of them are scaled up
   */
  SlowImages(Path pictures) throws IOException {
    List<Path> files;
    try (var all = Files.list(pictures)) {
      files = all.filter(file -> file.toString().endsWith(".jpg")).sorted().toList();
    }
    for (Path file : files) {
      small.add(Files.readAllBytes(file));
    }
    for (Path file : files.subList(0, Math.min(4, files.size()))) {
      large.add(scaled(file));
    }
    server = HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 100);
    server.setExecutor(threads);
    server.createContext("/", this::answer);
    server.start();
  }

  private static byte[] scaled(Path file) throws IOException {
    BufferedImage picture = ImageIO.read(file.toFile());
    BufferedImage scaled = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_3BYTE_BGR);
    Graphics2D graphics = scaled.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
    graphics.drawImage(picture, 0, 0, WIDTH, HEIGHT, null);
    graphics.dispose();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageIO.write(scaled, "jpg", bytes);
    return bytes.toByteArray();
  }

  /** As references and {@code images.allowed.hosts} name it. */
  String host() {
    return "127.0.0.1:" + server.getAddress().getPort();
  }

  String uri(int number) {
    return "http://" + host() + "/" + number + ".jpg";
  }

  int large() {
    return largeOnes.get();
  }

  int slow() {
    return slowOnes.get();
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    int number = Integer.parseInt(path.substring(1, path.indexOf('.')));
    boolean isLarge = number % EVERY_LARGE == 0;
    byte[] image = (isLarge ? large : small).get(number % (isLarge ? large : small).size());
    try (exchange;
        OutputStream body = exchange.getResponseBody()) {
      TimeUnit.MILLISECONDS.sleep(50);
      exchange.getResponseHeaders().set("Content-Type", "image/jpeg");
      exchange.sendResponseHeaders(200, image.length);
      if (number % EVERY_SLOW == 1) {
        slowOnes.incrementAndGet();
        trickle(image, body);
      } else {
        body.write(image);
      }
      largeOnes.addAndGet(isLarge ? 1 : 0);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void trickle(byte[] image, OutputStream body)
      throws IOException, InterruptedException {
    int piece = image.length / PIECES + 1;
    for (int from = 0; from < image.length; from += piece) {
      body.write(image, from, Math.min(piece, image.length - from));
      body.flush();
      TimeUnit.MILLISECONDS.sleep(100);
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
