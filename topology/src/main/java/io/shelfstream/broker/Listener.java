package io.shelfstream.broker;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.apache.kafka.common.utils.Utils;

/**
 * Who is at an address of {@code bootstrap.servers}. Kafka's client only says that its time is up,
 * also when it speaks plain text to a listener with TLS. Nothing secret is sent.
 */
final class Listener {
  private static final int PATIENCE_MS = 2_000;

  /** Of Kafka's protocol: every listener answers it, before it asks who is there. */
  private static final short API_VERSIONS = 18;

  /** A request that a listener with SASL answers otherwise than one without. */
  private static final short SASL_HANDSHAKE = 17;

  private static final short NO_SUCH_MECHANISM = 33;
  private static final short NO_SASL_HERE = 34;

  /** An answer carries the number of its request. */
  private static final int CORRELATION = 0x5348454C;

  private final String address;

  /**
   * @param address {@code host:port}
   */
  Listener(String address) {
    this.address = address;
  }

  static boolean isAddress(String text) {
    return Utils.getHost(text) != null && Utils.getPort(text) != null;
  }

  @Override
  public String toString() {
    return address;
  }

  /** Why no connection can be made; empty when one can. */
  Optional<String> unreachable() {
    try (Socket connected = connect()) {
      return Optional.empty();
    } catch (UnknownHostException e) {
      return Optional.of("no address is known for the name " + Utils.getHost(address));
    } catch (ConnectException e) {
      return Optional.of("nobody listens there (" + e.getMessage() + ")");
    } catch (SocketTimeoutException e) {
      return Optional.of("no connection within " + PATIENCE_MS / 1000 + " s");
    } catch (IOException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  /** The first of the host's addresses that takes a connection, as Kafka's client has it. */
  private Socket connect() throws IOException {
    Integer port = Utils.getPort(address);
    IOException failure = new UnknownHostException(address);
    for (InetAddress host : InetAddress.getAllByName(Utils.getHost(address))) {
      Socket socket = new Socket(Proxy.NO_PROXY);
      try {
        socket.connect(new InetSocketAddress(host, port == null ? 0 : port), PATIENCE_MS);
        socket.setSoTimeout(PATIENCE_MS);
        return socket;
      } catch (IOException e) {
        socket.close();
        failure = e;
      }
    }
    throw failure;
  }

  /** Whether it answers as Kafka does, without TLS; this is no failed login to the broker. */
  boolean answersInPlainText() {
    try (Socket plain = connect()) {
      answer(plain, API_VERSIONS, 0, new byte[0]);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * The values of {@code security.protocol} that it takes: one, or two where it does not tell
   * whether it asks who is there; empty when it does not answer as Kafka does.
   */
  List<String> protocols() {
    try (Socket plain = connect()) {
      return List.of(asksWhoIsThere(plain) ? "SASL_PLAINTEXT" : "PLAINTEXT");
    } catch (IOException e) {
      return protocolsOverTls();
    }
  }

  /** The same of a listener that does not answer in plain text. */
  List<String> protocolsOverTls() {
    try (Socket plain = connect();
        SSLSocket tls = tls(plain)) {
      tls.startHandshake();
      try {
        return List.of(asksWhoIsThere(tls) ? "SASL_SSL" : "SSL");
      } catch (SSLException | SocketException e) { // it wants a certificate of ours first
        return List.of("SSL", "SASL_SSL");
      }
    } catch (IOException e) {
      boolean isTls = e instanceof SSLException && String.valueOf(e).contains("fatal alert");
      return isTls ? List.of("SSL", "SASL_SSL") : List.of();
    }
  }

  private static boolean asksWhoIsThere(Socket socket) throws IOException {
    byte[] mechanism = {0, 4, 'N', 'O', 'N', 'E'};
    return switch (answer(socket, SASL_HANDSHAKE, 1, mechanism)) {
      case NO_SUCH_MECHANISM -> true;
      case NO_SASL_HERE -> false;
      default -> throw new IOException("An answer that says neither");
    };
  }

  /**
   * Sends a request and returns the error code of its answer.
   *
   * @throws IOException when the answer is not one of Kafka's
   */
  private static short answer(Socket socket, short request, int version, byte[] body)
      throws IOException {
    byte[] client = "shelfstream".getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(4 + 2 + 2 + 4 + 2 + client.length + body.length);
    bytes.putInt(bytes.capacity() - 4).putShort(request).putShort((short) version);
    bytes.putInt(CORRELATION).putShort((short) client.length).put(client).put(body);
    socket.getOutputStream().write(bytes.array());
    DataInputStream in = new DataInputStream(socket.getInputStream());
    int length = in.readInt();
    if (length < 6 || in.readInt() != CORRELATION) {
      throw new IOException("No answer of Kafka's");
    }
    return in.readShort();
  }

  private SSLSocket tls(Socket over) throws IOException {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {new Anybody()}, null);
      Integer port = Utils.getPort(address);
      return (SSLSocket)
          context
              .getSocketFactory()
              .createSocket(over, Utils.getHost(address), port == null ? 0 : port, true);
    } catch (GeneralSecurityException e) {
      throw new IOException(e);
    }
  }

  /** Only which protocol is spoken is asked; Kafka's client then checks the certificate. */
  private static final class Anybody implements X509TrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
