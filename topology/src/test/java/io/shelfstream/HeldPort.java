package io.shelfstream;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;

/**
 * A port of 127.0.0.1 at which nobody listens and which no other program is given meanwhile. A
 * server of this process may still bind it (Linux; both ask for the address to be used again).
 */
public final class HeldPort implements AutoCloseable {
  private final Socket socket = new Socket();

  /** Takes a free port. */
  public HeldPort() throws IOException {
    socket.setReuseAddress(true);
    socket.bind(new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), 0));
  }

  /** Its number. */
  public int number() {
    return socket.getLocalPort();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
