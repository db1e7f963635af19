package io.shelfstream.client;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Ids of images, made from their location. Different images get different ids, the same image
 * always gets the same id, and no id contains a secret of a URL.
 *
 * <p>A URL's id is the URL without user, query and fragment; where these distinguish pictures, with
 * a hash of them. Parts that change with each signing are not in the hash. A {@code data:} URI's id
 * is the hash of its bytes.
 */
public final class ImageIds {
  /** Ids are record keys and are in every event, so long paths are cut to their end. */
  private static final int LONGEST = 200;

  private static final int HASH_DIGITS = 16;
  private static final Pattern URI_SHAPE =
      Pattern.compile("([A-Za-z][A-Za-z0-9+.-]*):(.*)", Pattern.DOTALL);
  private static final Pattern URL =
      Pattern.compile(
          "//(?:[^/?#]*@)?([^/?#@:\\[\\]]+|\\[[0-9A-Fa-f:.%]+\\])(:\\d*)?(/[^?#@]*)?(?:\\?([^#]*))?(?:#(.*))?",
          Pattern.DOTALL);

  /** Session ids as servlets write them into paths. */
  private static final Pattern PATH_PARAMETERS = Pattern.compile(";[^/]*");

  /** With {@code Signature}: AWS version 2, CloudFront, Google version 2, Alibaba. */
  private static final Set<String> BESIDE_SIGNATURE =
      Set.of(
          "signature",
          "expires",
          "policy",
          "key-pair-id",
          "awsaccesskeyid",
          "googleaccessid",
          "ossaccesskeyid",
          "accesskeyid",
          "security-token");

  /** With {@code sig}: shared access signatures of Azure. */
  private static final Set<String> BESIDE_SIG =
      Set.of(
          "sig", "se", "st", "sp", "sv", "sr", "si", "sip", "spr", "srt", "ss", "skoid", "sktid",
          "skt", "ske", "sks", "skv", "sdd", "saoid", "suoid", "scid");

  /** Prefixes of signed requests: AWS version 4, Google version 4, Alibaba, Tencent. */
  private static final List<String> SIGNED_PREFIXES = List.of("x-amz-", "x-goog-", "x-oss-", "q-");

  /** Parameters that are credentials, if their value is long enough. */
  private static final Set<String> CREDENTIALS =
      Set.of(
          "token",
          "access_token",
          "auth",
          "auth_key",
          "authkey",
          "sign",
          "signature",
          "hmac",
          "jwt",
          "api_key",
          "apikey",
          "hdnts",
          "hdnea",
          "__token__",
          "__gda__");

  private static final int SHORTEST_CREDENTIAL = 16;

  /** If the path names a file, the query is not needed to identify the picture. */
  private static final Pattern NAMES_A_FILE = Pattern.compile(".*/[^/]+\\.[A-Za-z0-9]{2,5}");

  private ImageIds() {}

  /** Whether a text looks like a URI; a file with that name may exist nevertheless. */
  static boolean isUri(String text) {
    return URI_SHAPE.matcher(text).matches();
  }

  /**
   * Id of a frame file: its whole path and the time of its last change, because a camera may write
   * the same file again and again.
   */
  public static String ofFrame(Path file) throws IOException {
    return ofFrame(file, Files.getLastModifiedTime(file).toInstant());
  }

  /** The same for a file whose last change is known. */
  public static String ofFrame(Path file, Instant changed) {
    return bounded(path(file.toAbsolutePath().normalize())) + "@" + changed.toEpochMilli();
  }

  /**
   * Id of a photo file: its path below the working folder, or its whole path if it is elsewhere.
   */
  public static String ofPhoto(Path file) {
    Path whole = file.toAbsolutePath().normalize();
    Path here = Path.of("").toAbsolutePath().normalize();
    return bounded(path(whole.startsWith(here) ? here.relativize(whole) : whole));
  }

  /**
   * A name with bytes that are not UTF-8 has U+FFFD for each of them; its URI distinguishes such
   * names.
   */
  private static String path(Path file) {
    String path = file.toString();
    String known = path.indexOf('\uFFFD') < 0 ? path : file.toUri().getRawPath();
    return known.startsWith("/") ? known.substring(1) : known;
  }

  /** Id of a URI. */
  public static String ofUri(String uri) {
    Matcher shape = URI_SHAPE.matcher(uri);
    if (!shape.matches()) {
      return "~" + hash(uri);
    }
    String scheme = shape.group(1).toLowerCase(Locale.ROOT);
    String rest = shape.group(2);
    if (scheme.equals("data")) {
      return "data:" + hash(bytes(rest));
    }
    if (scheme.equals("file")) {
      return ofFileUri(uri, rest);
    }
    Matcher url = URL.matcher(rest);
    // An unusual URI may hold a secret anywhere.
    return url.matches() ? ofUrl(scheme, url) : scheme + ":~" + hash(rest);
  }

  private static String ofFileUri(String uri, String rest) {
    try {
      return bounded(path(Path.of(URI.create(uri)).normalize()));
    } catch (IllegalArgumentException e) {
      return "file:~" + hash(rest);
    }
  }

  private static String ofUrl(String scheme, Matcher url) {
    String path = url.group(3) == null ? "/" : url.group(3);
    // A key of S3 is no path: what follows a semicolon belongs to it.
    String shownPath = scheme.equals("s3") ? path : PATH_PARAMETERS.matcher(path).replaceAll("");
    String place =
        scheme
            + "://"
            + url.group(1).toLowerCase(Locale.ROOT)
            + (url.group(2) == null ? "" : url.group(2))
            + shownPath;
    String query = url.group(4) == null ? "" : identity(shownPath, url.group(4));
    String fragment = url.group(5) == null ? "" : url.group(5);
    String told = query + (fragment.isEmpty() ? "" : "#" + fragment);
    return bounded(told.isEmpty() ? place : place + "~" + hash(place + "?" + told));
  }

  /** The parameters of a query that identify the picture. */
  private static String identity(String path, String query) {
    List<String> parameters = Arrays.stream(query.split("&")).filter(p -> !p.isEmpty()).toList();
    Set<String> names = Set.copyOf(parameters.stream().map(ImageIds::name).distinct().toList());
    Predicate<String> signs = parameter -> signs(parameter, names, path);
    return String.join("&", parameters.stream().filter(signs.negate()).toList());
  }

  private static boolean signs(String parameter, Set<String> names, String path) {
    String name = name(parameter);
    return (names.contains("signature") && BESIDE_SIGNATURE.contains(name))
        || (names.contains("sig") && BESIDE_SIG.contains(name))
        || SIGNED_PREFIXES.stream()
            .anyMatch(prefix -> name.startsWith(prefix) && isSignedWith(prefix, names))
        || (CREDENTIALS.contains(name)
            && parameter.length() - name.length() > SHORTEST_CREDENTIAL
            && NAMES_A_FILE.matcher(path).matches());
  }

  private static boolean isSignedWith(String prefix, Set<String> names) {
    return names.contains(prefix + "signature");
  }

  private static String name(String parameter) {
    int equals = parameter.indexOf('=');
    return (equals < 0 ? parameter : parameter.substring(0, equals)).toLowerCase(Locale.ROOT);
  }

  private static byte[] bytes(String data) {
    int comma = data.indexOf(',');
    boolean base64 =
        comma >= 0 && data.substring(0, comma).toLowerCase(Locale.ROOT).endsWith(";base64");
    if (base64 && data.indexOf('%') < 0) {
      try {
        return Base64.getDecoder().decode(data.substring(comma + 1));
      } catch (IllegalArgumentException e) {
        // The service will say what is wrong with it.
      }
    }
    return data.getBytes(StandardCharsets.UTF_8);
  }

  private static String bounded(String id) {
    if (id.length() <= LONGEST) {
      return id;
    }
    int from = id.length() - (LONGEST - HASH_DIGITS - 2);
    String end = id.substring(Character.isLowSurrogate(id.charAt(from)) ? from + 1 : from);
    return "…" + end + "~" + hash(id);
  }

  private static String hash(String text) {
    return hash(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String hash(byte[] bytes) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
      return HexFormat.of().formatHex(digest).substring(0, HASH_DIGITS);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
