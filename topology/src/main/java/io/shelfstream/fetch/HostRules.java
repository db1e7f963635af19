package io.shelfstream.fetch;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.URI;
import java.util.List;
import java.util.Locale;

/**
 * Which hosts and addresses may be asked for an image.
 *
 * @param allowedHosts {@code host}, {@code host:port} or {@code *.example.com}; none: no hosts
 * @param allowPrivateAddresses whether such a host may have a loopback, private or link-local
 *     address
 */
public record HostRules(List<String> allowedHosts, boolean allowPrivateAddresses) {
  /** No host. */
  static final HostRules NONE = new HostRules(List.of(), false);

  public HostRules {
    allowedHosts = List.copyOf(allowedHosts);
  }

  /** Whether the host and port of a URI are on the list. */
  boolean allows(URI uri) {
    String host = String.valueOf(References.host(uri));
    int port = References.port(uri);
    return allowedHosts.stream()
        .anyMatch(rule -> matches(rule.toLowerCase(Locale.ROOT), host, port));
  }

  private static boolean matches(String rule, String host, int port) {
    int colon = rule.lastIndexOf(':');
    boolean hasPort = colon > rule.lastIndexOf(']');
    if (hasPort && !rule.substring(colon + 1).equals(Integer.toString(port))) {
      return false;
    }
    String pattern = hasPort ? rule.substring(0, colon) : rule;
    return pattern.startsWith("*.")
        ? host.endsWith(pattern.substring(1)) && host.length() > pattern.length() - 1
        : host.equals(pattern);
  }

  /**
   * Whether an address may be connected to. A public name may resolve to an address inside the
   * network, so the address itself is checked, too.
   */
  boolean allows(InetAddress address) {
    if (address.isMulticastAddress() || address.isAnyLocalAddress()) {
      return false;
    }
    return allowPrivateAddresses || !isPrivate(address);
  }

  private static boolean isPrivate(InetAddress address) {
    return address.isLoopbackAddress()
        || address.isLinkLocalAddress()
        || address.isSiteLocalAddress()
        || (address instanceof Inet4Address v4 && isReserved(v4.getAddress()))
        || (address instanceof Inet6Address v6 && isReservedV6(v6.getAddress()));
  }

  /** "This network", carrier NAT 100.64/10, 192.0.0/24, benchmarks 198.18/15, and 240/4. */
  private static boolean isReserved(byte[] a) {
    int first = a[0] & 0xFF;
    int second = a[1] & 0xFF;
    return first == 0
        || (first == 100 && (second & 0xC0) == 64)
        || (first == 192 && second == 0 && a[2] == 0)
        || (first == 198 && (second & 0xFE) == 18)
        || first >= 240;
  }

  /**
   * Unique local fc00::/7, and forms that carry an IPv4 address: ::/96, 64:ff9b::/32, 2002::/16.
   */
  private static boolean isReservedV6(byte[] a) {
    boolean compatible = true;
    for (int i = 0; i < 12; i++) {
      compatible &= a[i] == 0;
    }
    return (a[0] & 0xFE) == 0xFC
        || compatible
        || (a[0] == 0 && a[1] == 0x64 && (a[2] & 0xFF) == 0xFF && (a[3] & 0xFF) == 0x9B)
        || (a[0] == 0x20 && a[1] == 0x02);
  }
}
