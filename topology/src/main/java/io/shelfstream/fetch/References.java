package io.shelfstream.fetch;

import io.shelfstream.fetch.FetchException.Reason;
import java.net.IDN;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Image references as people write them, and as they may be shown. A reference can hold a secret:
 * the signature in the query of a presigned URL, a user's password. No secret may be written to a
 * key, a status, an event, a header of a dead letter or a log. So a reference is only written there
 * through {@link #shown}, {@link #withoutSecrets} or {@link #id}.
 */
public final class References {
  private static final int SHOWN = 200;
  private static final String DATA = "data:";
  private static final Pattern CONTROLS = Pattern.compile("\\p{Cntrl}");

  /** User and password, query, fragment of a reference anywhere in a text. */
  private static final Pattern SECRETS =
      Pattern.compile("(?<=//)[^/?#]*(?=@)|(?<=\\?).+|(?<=#).+", Pattern.DOTALL);

  /** What comes before the host: scheme and slashes, then a user and an at sign. */
  private static final Pattern USER =
      Pattern.compile("^([A-Za-z][A-Za-z0-9+.-]*:)?([/\\\\]*)[^/\\\\?#]*@");

  private static final Pattern SERVER =
      Pattern.compile("(?i)(https?://)([^/?#]*)(.*)", Pattern.DOTALL);

  /**
   * Hosts that java.net.URI does not accept: with an underscore, as in names of containers. The
   * last part does not begin with a digit, or it would be a number.
   */
  private static final Pattern HOST =
      Pattern.compile("((?:[A-Za-z0-9_-]+\\.)*[A-Za-z_][A-Za-z0-9_-]*\\.?)(?::([0-9]{0,5}))?");

  private static final Pattern SIGNED =
      Pattern.compile(
          "(?i).*[?&;](x-(amz|goog|oss|cos)-[a-z-]*|signature|sig|q-signature|awsaccesskeyid"
              + "|googleaccessid|key-pair-id|policy|[a-z_-]*(token|secret|password|credential"
              + "|apikey|api_key|api-key|access_key)[a-z_-]*|expires|se|st)=.*",
          Pattern.DOTALL);

  private References() {}

  /**
   * A reference for messages: without secrets, without control characters and at most 200
   * characters long, because it may be as long as an image and a message has to fit into a header.
   *
   * @param text a reference, or a text that contains one
   */
  public static String shown(String text) {
    String safe = SECRETS.matcher(withoutImage(text)).replaceAll("…");
    String start = safe.length() <= SHOWN ? safe : safe.substring(0, SHOWN) + "…";
    return CONTROLS.matcher(start).replaceAll("�");
  }

  /**
   * A reference for events: without user, query and fragment; of a data: reference only the part
   * before the image.
   */
  public static String withoutSecrets(String uri) {
    String plain = withoutImage(uri);
    if (isData(uri)) {
      return plain;
    }
    int query = plain.indexOf('?');
    int fragment = plain.indexOf('#');
    int end = query < 0 ? fragment : fragment < 0 ? query : Math.min(query, fragment);
    return USER.matcher(end < 0 ? plain : plain.substring(0, end)).replaceFirst("$1$2");
  }

  /**
   * An id for the image of a reference: {@link #withoutSecrets}, which stays the same when a URL is
   * signed again; for a data: reference, {@code sha256-} and 64 hex digits.
   */
  public static String id(String uri) {
    if (!isData(uri)) {
      return withoutSecrets(uri);
    }
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(uri.getBytes(StandardCharsets.UTF_8));
      return "sha256-" + HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
  }

  /** Whether an id is a data: reference, names a password, or holds a signature. */
  public static boolean holdsSecret(String id) {
    return isData(id)
        || (id.contains("://") && USER.matcher(id).find())
        || (id.indexOf('?') >= 0 && SIGNED.matcher(id).matches());
  }

  private static boolean isData(String uri) {
    return uri.regionMatches(true, 0, DATA, 0, DATA.length());
  }

  private static String withoutImage(String uri) {
    if (!isData(uri)) {
      return uri;
    }
    int comma = uri.indexOf(',');
    return comma < 0 ? DATA : uri.substring(0, comma + 1);
  }

  /**
   * Parses a reference. Characters that are not ASCII are percent-encoded as UTF-8, in the host by
   * IDNA. They are not normalised: another form of an accent is another file.
   */
  static URI parsed(String uri) throws FetchException {
    try {
      Matcher server = SERVER.matcher(uri);
      return server.matches()
          ? new URI(server.group(1) + ascii(server.group(2)) + encoded(server.group(3)))
          : new URI(encoded(uri));
    } catch (URISyntaxException e) {
      throw new FetchException(
          Reason.INVALID_REFERENCE, "'" + shown(uri) + "' is not a URI: " + e.getReason(), e);
    } catch (IllegalArgumentException e) {
      throw new FetchException(
          Reason.INVALID_REFERENCE, "'" + shown(uri) + "' is not a URI: its host is no name", e);
    }
  }

  private static String ascii(String authority) {
    boolean isAscii = authority.chars().allMatch(c -> c < 0x80);
    return isAscii || authority.indexOf('@') >= 0 ? authority : IDN.toASCII(authority);
  }

  private static String encoded(String text) throws URISyntaxException {
    StringBuilder encoded = new StringBuilder(text.length());
    for (int at = 0; at < text.length(); ) {
      int c = text.codePointAt(at);
      if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
        throw new URISyntaxException("", "it holds half a character");
      }
      if (c < 0x80) {
        encoded.append((char) c);
      } else {
        append(encoded, Character.toString(c).getBytes(StandardCharsets.UTF_8));
      }
      at += Character.charCount(c);
    }
    return encoded.toString();
  }

  private static void append(StringBuilder encoded, byte[] bytes) {
    for (byte b : bytes) {
      encoded.append('%').append(HexFormat.of().withUpperCase().toHexDigits(b));
    }
  }

  /**
   * Where a redirect leads.
   *
   * @param location value of the header as received, one character for each byte
   */
  static URI redirected(URI from, String location) throws FetchException {
    StringBuilder bytes = new StringBuilder(location.length());
    for (int i = 0; i < location.length(); i++) {
      char c = location.charAt(i);
      if (c < 0x80) {
        bytes.append(c);
      } else {
        append(
            bytes,
            c <= 0xFF ? new byte[] {(byte) c} : String.valueOf(c).getBytes(StandardCharsets.UTF_8));
      }
    }
    try {
      URI target = new URI(bytes.toString());
      if (bytes.indexOf("?") == 0) { // java.net.URI would drop the last part of the path as well
        String base = from.toString();
        int query = base.indexOf('?');
        return new URI((query < 0 ? base : base.substring(0, query)) + bytes);
      }
      return from.resolve(target);
    } catch (URISyntaxException | IllegalArgumentException e) { // the server may send anything
      throw FetchException.lasting(
          "%s redirects to '%s', which is not a URI"
              .formatted(shown(from.toString()), shown(location)));
    }
  }

  /**
   * The store that an image is in, as far as it may be away for all its images: scheme, host and
   * port, or {@code s3}; null for files and {@code data:}.
   */
  static @Nullable String store(String uri) {
    if (uri.regionMatches(true, 0, "s3:", 0, 3)) {
      return "s3";
    }
    try {
      URI parsed = SERVER.matcher(uri).matches() ? parsed(uri) : null;
      return parsed == null || host(parsed) == null
          ? null
          : parsed.getScheme().toLowerCase(Locale.ROOT) + "://" + host(parsed) + ":" + port(parsed);
    } catch (FetchException e) {
      return null;
    }
  }

  /** The host of an http: or https: URI; null if it has none, or if it also has a user. */
  static @Nullable String host(URI uri) {
    if (uri.getHost() != null) {
      return uri.getHost().toLowerCase(Locale.ROOT);
    }
    Matcher host = HOST.matcher(String.valueOf(uri.getRawAuthority()));
    return uri.getRawAuthority() != null && host.matches()
        ? host.group(1).toLowerCase(Locale.ROOT)
        : null;
  }

  /** The port of an http: or https: URI that has a host. */
  static int port(URI uri) {
    int port = uri.getPort();
    if (uri.getHost() == null) {
      Matcher host = HOST.matcher(uri.getRawAuthority());
      String digits = host.matches() ? host.group(2) : null;
      port = digits == null || digits.isEmpty() ? -1 : Integer.parseInt(digits);
    }
    return port >= 0 ? port : uri.getScheme().equalsIgnoreCase("https") ? 443 : 80;
  }
}
