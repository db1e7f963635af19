package io.shelfstream.bench;

import static java.nio.charset.StandardCharsets.US_ASCII;

import com.linecorp.armeria.client.ClientFactory;
import com.linecorp.armeria.client.WebClient;
import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.MediaType;
import com.sun.management.UnixOperatingSystemMXBean;
import io.shelfstream.client.ImageFiles;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.serving.LocalService;
import io.shelfstream.topology.RecognitionService;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Main class of {@code deploy/bench http}: what callers of the port get of the recogniser, by HTTP
 * and by gRPC, and what becomes of callers that misbehave.
 */
final class HttpBench {
  private static final int IN_FLIGHT = 6;
  private static final int IDLE = 1000;
  private static final int BUSY = 200;
  private static final double MIB = 1 << 20;
  private static final Pattern TOTAL = Pattern.compile("\"total\":([0-9.E-]+)");

  private static final List<String> PARTS =
      List.of("rates", "latency", "misbehaving", "connections");

  private final boolean quick;
  private final List<String> parts;
  private final Results results;
  private final List<byte[]> frames = new ArrayList<>();
  private final AtomicInteger next = new AtomicInteger();
  private final ClientFactory clients = ClientFactory.builder().workerGroup(1).build();

  private HttpBench(List<String> arguments, Results results) throws IOException {
    List<String> named = PARTS.stream().filter(arguments::contains).toList();
    this.quick = arguments.contains("--quick");
    this.parts = named.isEmpty() ? PARTS : named;
    this.results = results;
    Path home = Path.of(System.getProperty("shelfstream.home"));
    for (Path file : ImageFiles.below(home.resolve("demo-data/frames"))) {
      frames.add(Files.readAllBytes(file));
    }
  }

  public static void main(String[] arguments) throws Exception {
    Path target = Files.createDirectories(Path.of(System.getProperty("bench.target")));
    Results results = new Results("http");
    new HttpBench(List.of(arguments), results).run();
    System.exit(results.finish(target.resolve("http.json")));
  }

  private void run() throws Exception {
    Path home = Path.of(System.getProperty("shelfstream.home"));
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("http.port", "0");
    settings.put("models.dir", home.resolve("models/bundled").toString());
    try (clients) {
      LocalService local =
          LocalService.start(
              ShelfStreamConfig.loadWithModels(null, settings),
              new LocalService.Source(
                  Optional.of(home.resolve("demo-data/gallery.tsv")),
                  Optional.empty(),
                  Optional.empty()));
      try (local) {
        int port = local.httpPort();
        measure("serve", image -> local.recognize("c", "f", image), port);
        if (parts.contains("misbehaving")) {
          misbehaving(port);
        }
        if (parts.contains("connections")) {
          connections(port);
        }
      }
      if (parts.contains("rates") || parts.contains("latency")) {
        withBroker(settings);
      }
    }
  }

  private void measure(String verb, Function<byte[], CompletableFuture<?>> alone, int port)
      throws Exception {
    if (parts.contains("rates")) {
      rates(verb, alone, port);
    }
    if (parts.contains("latency")) {
      latency(verb, port);
    }
  }

  /** The same for the service of a broker, which has its topics to look after as well. */
  private void withBroker(Map<String, String> settings) throws Exception {
    Path target = Path.of(System.getProperty("bench.target"));
    Path data = Files.createTempDirectory(target, "http-");
    try (Program broker = Program.broker(data, target.resolve("http-broker.log"))) {
      settings.put("kafka.bootstrap.servers", broker.line());
      settings.put("state.dir", data.resolve("state").toString());
      try (RecognitionService service =
          RecognitionService.start(ShelfStreamConfig.loadWithModels(null, settings))) {
        int port = service.httpPort().orElseThrow();
        measure("run", image -> service.recognizeImage("c", "f", image), port);
      }
    } finally {
      Folders.delete(data);
    }
  }

  private WebClient client(int port) {
    return WebClient.builder("http://127.0.0.1:" + port)
        .factory(clients)
        .responseTimeoutMillis(60_000)
        .build();
  }

  private byte[] frame() {
    return frames.get(Math.floorMod(next.getAndIncrement(), frames.size()));
  }

  private static HttpRequest post(byte[] image) {
    return HttpRequest.of(HttpMethod.POST, "/api/recognize", MediaType.JPEG, image);
  }

  /** Frames a second: the recogniser alone, by HTTP and by gRPC, in turns. */
  private void rates(String verb, Function<byte[], CompletableFuture<?>> alone, int port)
      throws Exception {
    WebClient client = client(port);
    Function<byte[], CompletableFuture<?>> http =
        image -> client.execute(post(image)).aggregate().thenAccept(HttpBench::requireOk);
    Duration time = Duration.ofSeconds(quick ? 4 : 8);
    GrpcCaller grpc = new GrpcCaller("127.0.0.1:" + port, frames);
    rate(alone, time);
    rate(http, time);
    grpc.unary(IN_FLIGHT, time);
    List<Double> byHttp = new ArrayList<>();
    List<Double> byGrpc = new ArrayList<>();
    List<Double> rates = new ArrayList<>();
    double before = rate(alone, time);
    for (int round = 0; round < (quick ? 5 : 7); round++) {
      double ofHttp = rate(http, time);
      double between = rate(alone, time);
      double ofGrpc = grpc.unary(IN_FLIGHT, time);
      double after = rate(alone, time);
      byHttp.add(2 * ofHttp / (before + between));
      byGrpc.add(2 * ofGrpc / (between + after));
      rates.add(between);
      before = after;
    }
    results.note(verb, "frames/s of the recogniser alone, median", median(rates));
    results.atLeast(verb, "times as many by HTTP, median", median(byHttp), 0.9);
    results.atLeast(verb, "times as many by gRPC, median", median(byGrpc), 0.9);
  }

  private static void requireOk(AggregatedHttpResponse response) {
    if (response.status().code() != 200) {
      throw new IllegalStateException(response.status() + ": " + response.contentUtf8());
    }
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return sorted[sorted.length / 2];
  }

  private double rate(Function<byte[], CompletableFuture<?>> call, Duration time) throws Exception {
    Semaphore free = new Semaphore(IN_FLIGHT);
    AtomicLong done = new AtomicLong();
    CompletableFuture<Void> failed = new CompletableFuture<>();
    long begun = System.nanoTime();
    long until = begun + time.toNanos();
    while (System.nanoTime() < until && !failed.isDone()) {
      free.acquire();
      call.apply(frame())
          .whenComplete(
              (answer, failure) -> {
                free.release();
                done.incrementAndGet();
                if (failure != null) {
                  failed.completeExceptionally(failure);
                }
              });
    }
    free.acquire(IN_FLIGHT);
    double rate = done.get() / ((System.nanoTime() - begun) / 1e9);
    failed.complete(null);
    failed.get();
    return rate;
  }

  /**
   * One caller, one image at a time: what the port adds to the time that the event says was spent
   * on the image.
   */
  private void latency(String verb, int port) throws Exception {
    WebClient client = client(port);
    Times whole = new Times();
    Times added = new Times();
    int warmUp = 100; // or code that was not compiled yet is measured
    for (int i = -warmUp; i < (quick ? 100 : 400); i++) {
      byte[] image = frame();
      long begun = System.nanoTime();
      AggregatedHttpResponse answer = client.execute(post(image)).aggregate().get();
      long nanos = System.nanoTime() - begun;
      requireOk(answer);
      Matcher total = TOTAL.matcher(answer.contentUtf8());
      if (!total.find()) {
        throw new IllegalStateException("no total in " + answer.contentUtf8());
      }
      if (i < 0) {
        continue;
      }
      whole.add(nanos);
      added.add(nanos - (long) (Double.parseDouble(total.group(1)) * 1e6));
    }
    results.note(verb, "ms by HTTP, p95 of one caller", whole.quantile(0.95));
    results.note(verb, "ms of these not spent on the image, median", added.quantile(0.5));
    results.atMost(verb, "ms of these not spent on the image, p95", added.quantile(0.95), 5);
  }

  /** Callers that send byte by byte or without end. */
  private void misbehaving(int port) throws Exception {
    String post = "POST /api/recognize HTTP/1.1\r\nHost: localhost\r\n";
    results.atMost(
        "misbehaving",
        "s until headers without end are cut off",
        drip(port, "GET / HTTP/1.1\r\nX: "),
        30);
    results.atMost(
        "misbehaving",
        "s until a body byte by byte is cut off",
        drip(port, post + "Content-Length: 10000\r\n\r\n"),
        90);
    for (String length : List.of("Content-Length: 10737418240", "Transfer-Encoding: chunked")) {
      long before = used();
      results.atMost(
          "misbehaving",
          "10 GB, " + length.substring(0, length.indexOf(':')) + ": status",
          refused(port, post + length + "\r\n\r\n", length.startsWith("Transfer")),
          413);
      results.atMost("misbehaving", "MiB of heap more after it", (used() - before) / MIB, 64);
    }
  }

  private static long used() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  /** Seconds until the server has closed the connection. */
  private static double drip(int port, String head) throws Exception {
    long begun = System.nanoTime();
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket.setSoTimeout(200);
      OutputStream out = socket.getOutputStream();
      out.write(head.getBytes(US_ASCII));
      InputStream in = socket.getInputStream();
      while (System.nanoTime() - begun < TimeUnit.MINUTES.toNanos(3)) {
        out.write('a');
        try {
          if (in.read(new byte[8192]) < 0) {
            break;
          }
        } catch (SocketTimeoutException e) {
          TimeUnit.MILLISECONDS.sleep(500);
        }
      }
    } catch (IOException e) {
      // Closed while a byte was written.
    }
    return (System.nanoTime() - begun) / 1e9;
  }

  /** The status with which a body of 10 GB is refused. */
  private static int refused(int port, String head, boolean chunked) throws Exception {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      OutputStream out = socket.getOutputStream();
      out.write(head.getBytes(US_ASCII));
      byte[] block = new byte[1 << 20];
      Thread writer =
          new Thread(
              () -> {
                try {
                  for (long sent = 0; sent < 10L << 30; sent += block.length) {
                    if (chunked) {
                      out.write("100000\r\n".getBytes(US_ASCII));
                    }
                    out.write(block);
                    if (chunked) {
                      out.write("\r\n".getBytes(US_ASCII));
                    }
                  }
                } catch (IOException e) {
                  // Refused.
                }
              });
      writer.start();
      byte[] answer = socket.getInputStream().readNBytes(12);
      socket.close();
      writer.join();
      return Integer.parseInt(new String(answer, 9, 3, US_ASCII));
    }
  }

  /** Many connections, most of them idle, for minutes: memory stays flat. */
  private void connections(int port) throws Exception {
    List<Socket> idle = new ArrayList<>();
    long seconds = quick ? 30 : 300;
    AtomicLong answered = new AtomicLong();
    AtomicLong later = new AtomicLong();
    AtomicLong failed = new AtomicLong();
    List<Thread> busy = new ArrayList<>();
    try {
      long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
      for (int i = 0; i < BUSY; i++) {
        Thread thread = new Thread(() -> send(port, until, answered, later, failed), "busy-" + i);
        thread.start();
        busy.add(thread);
      }
      for (int i = 0; i < IDLE; i++) {
        idle.add(listening(port));
      }
      TimeUnit.SECONDS.sleep(seconds / 5);
      long before = used();
      long files = openFiles();
      for (Thread thread : busy) {
        thread.join();
      }
      long after = used();
      long alive = idle.stream().filter(HttpBench::isOpen).count();
      results.note("connections", "answers on " + BUSY + " busy connections", answered.get());
      results.note("connections", "answers 'come again' there", later.get());
      results.atMost("connections", "failures there", failed.get(), 0);
      results.atLeast("connections", "idle listeners still connected", alive, IDLE);
      results.note("connections", "open files", files);
      results.atMost("connections", "MiB of heap more at the end", (after - before) / MIB, 32);
      requireOk(client(port).execute(post(frame())).aggregate().get());
    } finally {
      for (Socket socket : idle) {
        socket.close();
      }
    }
  }

  private static long openFiles() {
    return ManagementFactory.getPlatformMXBean(UnixOperatingSystemMXBean.class)
        .getOpenFileDescriptorCount();
  }

  /** A connection that waits for events of a camera that has none. */
  private static Socket listening(int port) throws IOException {
    Socket socket = new Socket("127.0.0.1", port);
    socket
        .getOutputStream()
        .write(
            "GET /api/events?camera=none HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(US_ASCII));
    return socket;
  }

  private static boolean isOpen(Socket socket) {
    try {
      socket.setSoTimeout(1);
      byte[] read = new byte[1 << 16]; // what has come by now
      InputStream in = socket.getInputStream();
      int last = in.read(read);
      while (last > 0) {
        last = in.read(read);
      }
      return false; // only an end is no timeout
    } catch (SocketTimeoutException e) {
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private void send(
      int port, long until, AtomicLong answered, AtomicLong later, AtomicLong failed) {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      while (System.nanoTime() < until) {
        byte[] image = frame();
        OutputStream out = socket.getOutputStream();
        out.write(
            ("POST /api/recognize HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: "
                    + image.length
                    + "\r\n\r\n")
                .getBytes(US_ASCII));
        out.write(image);
        out.flush();
        int status = answer(socket.getInputStream());
        if (status == 200) {
          answered.incrementAndGet();
        } else if (status == 429) {
          later.incrementAndGet();
          TimeUnit.SECONDS.sleep(1);
        } else {
          failed.incrementAndGet();
        }
      }
    } catch (IOException | InterruptedException | RuntimeException e) {
      failed.incrementAndGet();
    }
  }

  /** Reads an answer to its end, and returns its status. */
  private static int answer(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("closed after " + head);
      }
      head.append((char) next);
    }
    int length =
        Arrays.stream(head.toString().split("\r\n"))
            .filter(line -> line.toLowerCase(java.util.Locale.ROOT).startsWith("content-length:"))
            .mapToInt(line -> Integer.parseInt(line.substring(15).strip()))
            .findFirst()
            .orElseThrow();
    in.readNBytes(length);
    return Integer.parseInt(head.substring(9, 12));
  }
}
