package io.shelfstream.fetch;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Answers every connection on 127.0.0.1 byte for byte as told, which no well-behaved server does:
 * lengths that lie, bodies without end, bytes that come slowly. Remembers the requests.
 */
final class RawServer implements AutoCloseable {
  /** Writes an answer; the connection is closed afterwards. */
  interface Answer {
    void write(OutputStream out) throws Exception;
  }

  static final InetAddress LOOPBACK = loopback();

  private final ServerSocket socket = new ServerSocket(0, 50, LOOPBACK);
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Queue<String> requests = new ConcurrentLinkedQueue<>();

  RawServer(Answer answer) throws IOException {
    threads.execute(
        () -> {
          while (!socket.isClosed()) {
            try {
              Socket connection = socket.accept();
              threads.execute(() -> serve(connection, answer));
            } catch (IOException e) {
              return; // closed
            }
          }
        });
  }

  private void serve(Socket connection, Answer answer) {
    try (connection) {
      requests.add(head(connection.getInputStream()));
      answer.write(connection.getOutputStream());
    } catch (Exception e) {
      // The client went away, which is what most of these tests are for.
    }
  }

  private static InetAddress loopback() {
    try {
      return InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
    } catch (UnknownHostException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String head(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    for (int c = in.read(); c >= 0 && head.indexOf("\r\n\r\n") < 0; c = in.read()) {
      head.append((char) c);
      if (head.indexOf("\r\n\r\n") >= 0) {
        break;
      }
    }
    return head.toString();
  }

  static void send(OutputStream out, String text) throws IOException {
    out.write(text.getBytes(StandardCharsets.ISO_8859_1));
    out.flush();
  }

  Queue<String> requests() {
    return requests;
  }

  String host() {
    return "127.0.0.1:" + socket.getLocalPort();
  }

  String uri() {
    return "http://" + host() + "/image.jpg";
  }

  @Override
  public void close() throws IOException {
    socket.close();
    threads.shutdownNow();
  }
}
