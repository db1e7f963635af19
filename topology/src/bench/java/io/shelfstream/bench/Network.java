package io.shelfstream.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Hosts with an address of their own on this machine: network namespaces of Linux on one bridge,
 * which this machine is on, too. Needs root. All of it goes with {@link #close}, and when the JVM
 * ends, unless that is killed. Used by one thread.
 */
final class Network implements AutoCloseable {
  private final String name = "ss" + ProcessHandle.current().pid();

  /** Of a range that is set aside for benchmarks of networks, so that it is nobody's (RFC 2544). */
  private final String addresses = "198.18." + ProcessHandle.current().pid() % 256 + ".";

  private final List<Host> hosts = new ArrayList<>();
  private boolean open = true;

  Network() throws IOException, InterruptedException {
    Runtime.getRuntime().addShutdownHook(new Thread(this::close));
    ip("link", "add", name, "type", "bridge");
    ip("address", "add", addresses + "254/24", "dev", name);
    ip("link", "set", name, "up");
  }

  /** One more host, which reaches the others. */
  synchronized Host host() throws IOException, InterruptedException {
    Host host = new Host(hosts.size() + 1);
    hosts.add(host); // before it is complete, so that its parts are removed in any case
    host.make();
    return host;
  }

  /** A host, for processes that are started with its {@link #prefix}. */
  final class Host {
    private final String namespace;
    private final String port;
    private final String address;

    private Host(int number) {
      namespace = name + "-" + number;
      port = name + "p" + number;
      address = addresses + number;
    }

    private void make() throws IOException, InterruptedException {
      ip("netns", "add", namespace);
      ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace);
      ip("-n", namespace, "link", "set", "lo", "up");
      ip("-n", namespace, "address", "add", address + "/24", "dev", "eth0");
      ip("-n", namespace, "link", "set", "eth0", "up");
      ip("link", "set", port, "up");
      plug();
    }

    String address() {
      return address;
    }

    /** What comes before a command that is to run there; the process is that of the command. */
    List<String> prefix() {
      return List.of("ip", "netns", "exec", namespace);
    }

    /**
     * Cuts it off: its link stays up, and nothing arrives any more in either direction, as when a
     * switch fails. Connections are not closed; they hang.
     */
    void unplug() throws IOException, InterruptedException {
      ip("link", "set", port, "nomaster");
    }

    void plug() throws IOException, InterruptedException {
      ip("link", "set", port, "master", name);
    }

    private void remove() {
      quietly("link", "delete", port);
      quietly("netns", "delete", namespace);
    }
  }

  @Override
  public synchronized void close() {
    if (open) {
      open = false;
      hosts.forEach(Host::remove);
      quietly("link", "delete", name);
    }
  }

  private static void quietly(String... arguments) {
    try {
      ip(arguments);
    } catch (IOException e) {
      System.err.println("bench: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void ip(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(String.join(" ", command) + ": " + said.strip());
    }
  }
}
