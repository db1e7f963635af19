package io.shelfstream.fetch;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Credentials for hosts, from a file with one line for each:
 *
 * <pre>
 * # scheme, host and port, then how, then the secret
 * https://images.example.com   bearer  TOKEN
 * http://10.0.0.7:8080         basic   USER:PASSWORD
 * </pre>
 *
 * They go to exactly that scheme, host and port, so a password is sent without TLS only where a
 * line says {@code http:}, and never to where a redirect leads. A file that was changed is read
 * again; if it cannot be used, the credentials before it stay. Safe for several threads.
 */
public final class HttpCredentials {
  private static final Logger log = LoggerFactory.getLogger(HttpCredentials.class);

  /** A credential; it does not show its secret. */
  public static final class Credential {
    private final boolean bearer;
    private final String secret;

    private Credential(boolean bearer, String secret) {
      this.bearer = bearer;
      this.secret = secret;
    }

    /** A user and a password. */
    public static Credential basic(String user, String password) {
      return new Credential(false, user + ":" + password);
    }

    /** Whether it is a token, and not a user with a password. */
    public boolean isBearer() {
      return bearer;
    }

    /** Value of the header {@code Authorization}. */
    public String header() {
      return bearer
          ? "Bearer " + secret
          : "Basic " + Base64.getEncoder().encodeToString(secret.getBytes(StandardCharsets.UTF_8));
    }

    /** The user; of a token, empty. */
    public String user() {
      return bearer ? "" : secret.substring(0, secret.indexOf(':'));
    }

    /** The password, or the token. */
    public String password() {
      return bearer ? secret : secret.substring(secret.indexOf(':') + 1);
    }

    @Override
    public String toString() {
      return bearer ? "bearer ****" : "basic ****";
    }
  }

  private final Path file;
  private Map<String, Credential> credentials;
  private @Nullable FileTime changed;

  private HttpCredentials(Path file, @Nullable FileTime changed, Map<String, Credential> first) {
    this.file = file;
    this.changed = changed;
    this.credentials = first;
  }

  /**
   * Reads a file.
   *
   * @throws IllegalArgumentException saying which line is wrong, without its secret
   */
  public static HttpCredentials of(Path file) {
    return new HttpCredentials(file, lastChange(file), read(file));
  }

  /** The credential for the scheme, host and port of a URI; null when there is none. */
  public synchronized @Nullable Credential forHostOf(URI uri) {
    readAgain();
    return References.host(uri) == null ? null : credentials.get(origin(uri));
  }

  private void readAgain() {
    FileTime now = lastChange(file);
    if (now == null || now.equals(changed)) {
      return;
    }
    changed = now;
    try {
      credentials = read(file);
      log.atInfo().addKeyValue("file", file).log("Credentials for hosts were read again");
    } catch (IllegalArgumentException e) {
      log.atWarn()
          .log("Credentials for hosts were changed, but cannot be used: {}", e.getMessage());
    }
  }

  private static @Nullable FileTime lastChange(Path file) {
    try {
      return Files.getLastModifiedTime(file);
    } catch (IOException e) {
      return null; // a file that is being replaced
    }
  }

  private static Map<String, Credential> read(Path file) {
    List<String> lines;
    try {
      lines = Files.readAllLines(file);
    } catch (IOException e) {
      throw new IllegalArgumentException("%s cannot be read as UTF-8".formatted(file), e);
    }
    Map<String, Credential> found = new HashMap<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (!line.isEmpty() && !line.startsWith("#")) {
        String where = "line %d of %s".formatted(i + 1, file);
        String[] parts = line.split("\\s+", 3);
        if (parts.length < 3) {
          throw wrong(where, "it has less than three parts");
        }
        if (found.putIfAbsent(origin(parts[0], where), credential(parts, where)) != null) {
          throw wrong(where, "it names the host of a line before it");
        }
      }
    }
    return found;
  }

  private static Credential credential(String[] parts, String where) {
    String how = parts[1].toLowerCase(Locale.ROOT);
    String secret = parts[2];
    if (how.equals("basic") && secret.indexOf(':') >= 0) {
      return new Credential(false, secret);
    }
    if (how.equals("bearer") && secret.chars().allMatch(c -> c > ' ' && c < 0x7F)) {
      return new Credential(true, secret);
    }
    throw wrong(
        where,
        how.equals("basic")
            ? "its user and password are not separated by a colon"
            : how.equals("bearer")
                ? "its token holds blanks, or other than ASCII"
                : "its second part is neither basic nor bearer");
  }

  private static String origin(String text, String where) {
    try {
      URI uri = URI.create(text);
      String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
      boolean plain =
          (scheme.equals("http") || scheme.equals("https"))
              && References.host(uri) != null
              && (uri.getRawPath().isEmpty() || uri.getRawPath().equals("/"))
              && uri.getRawQuery() == null
              && uri.getRawFragment() == null
              && uri.getRawUserInfo() == null;
      if (plain) {
        return origin(uri);
      }
    } catch (IllegalArgumentException e) {
      // said below
    }
    throw wrong(
        where, "its first part is not https://host, https://host:port, or the same with http");
  }

  private static String origin(URI uri) {
    return uri.getScheme().toLowerCase(Locale.ROOT)
        + "://"
        + References.host(uri)
        + ":"
        + References.port(uri);
  }

  private static IllegalArgumentException wrong(String where, String what) {
    return new IllegalArgumentException(
        where
            + ": "
            + what
            + "; write 'https://host basic USER:PASSWORD' or 'https://host bearer TOKEN'");
  }
}
