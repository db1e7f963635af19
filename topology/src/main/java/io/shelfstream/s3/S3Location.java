package io.shelfstream.s3;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where an object is: {@code s3://bucket/key}, with {@code ?versionId=…} for one of its versions.
 *
 * <p>A key is no path: {@code ..}, empty parts and a leading slash belong to it and stay as they
 * are. It is written as in a URI: percent escapes are bytes of UTF-8, a plus is a plus, and {@code
 * %}, {@code ?} and {@code #} of a key are escaped. Blanks and letters beyond ASCII may be escaped
 * or not.
 *
 * @param key not empty; characters, not escapes
 * @param versionId null: the newest version
 */
public record S3Location(String bucket, String key, @Nullable String versionId) {
  private static final String SCHEME = "s3://";
  private static final String VERSION = "versionId=";

  /** Of buckets today, and of the first years, which may have capitals and underscores. */
  private static final Pattern BUCKET = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{1,254}");

  private static final String UNESCAPED = "-._~/!$&'()*,;=:@";

  /**
   * Reads a reference.
   *
   * @throws IllegalArgumentException saying what is wrong with it, without repeating it: it may
   *     hold a secret
   */
  public static S3Location of(String uri) {
    int query = uri.indexOf('?');
    String place = query < 0 ? uri : uri.substring(0, query);
    if (!place.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
      throw new IllegalArgumentException("it does not begin with s3://bucket/");
    }
    if (uri.indexOf('#') >= 0) {
      throw new IllegalArgumentException("it holds a '#'; write %23 where a key has one");
    }
    String rest = place.substring(SCHEME.length());
    int slash = rest.indexOf('/');
    String bucket = bucket(slash < 0 ? rest : rest.substring(0, slash));
    String key = slash < 0 ? "" : decoded(rest.substring(slash + 1));
    if (key.isEmpty()) {
      throw new IllegalArgumentException("it names no object; write s3://bucket/key");
    }
    return new S3Location(bucket, key, query < 0 ? null : version(uri.substring(query + 1)));
  }

  /**
   * A bucket's name.
   *
   * @throws IllegalArgumentException when it is none
   */
  public static String bucket(String text) {
    if (text.indexOf('@') >= 0) {
      throw new IllegalArgumentException(
          "it names a user, which is never taken from a reference; give the process its credentials as the AWS SDK reads them");
    }
    if (!BUCKET.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "its bucket is not 2 to 255 of the characters a-z A-Z 0-9 . _ -; write s3://bucket/key");
    }
    return text;
  }

  private static String version(String query) {
    if (!query.startsWith(VERSION) || query.length() == VERSION.length() || query.contains("&")) {
      throw new IllegalArgumentException(
          "its query is not versionId=…; write %3F where a key has a question mark");
    }
    return decoded(query.substring(VERSION.length()));
  }

  private static String decoded(String text) {
    ByteBuffer bytes = ByteBuffer.allocate(text.length() * 3);
    for (int at = 0; at < text.length(); ) {
      int c = text.codePointAt(at);
      if (c == '%') {
        bytes.put((byte) escape(text, at));
        at += 3;
      } else if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
        throw new IllegalArgumentException("it holds half a character");
      } else {
        bytes.put(Character.toString(c).getBytes(StandardCharsets.UTF_8));
        at += Character.charCount(c);
      }
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("its escapes are not UTF-8", e);
    }
  }

  private static int escape(String text, int at) {
    if (at + 3 > text.length()
        || !HexFormat.isHexDigit(text.charAt(at + 1))
        || !HexFormat.isHexDigit(text.charAt(at + 2))) {
      throw new IllegalArgumentException(
          "it holds a '%' without two hex digits; write %25 where a key has one");
    }
    return HexFormat.fromHexDigits(text, at + 1, at + 3);
  }

  /** The reference of this object, in ASCII. */
  public String uri() {
    String object = SCHEME + bucket + "/" + encoded(key);
    return versionId == null ? object : object + "?" + VERSION + encoded(versionId);
  }

  private static String encoded(String text) {
    StringBuilder uri = new StringBuilder();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xFF);
      boolean plain = c < 0x80 && (Character.isLetterOrDigit(c) || UNESCAPED.indexOf(c) >= 0);
      if (plain) {
        uri.append(c);
      } else {
        uri.append('%').append(HexFormat.of().withUpperCase().toHexDigits(b));
      }
    }
    return uri.toString();
  }
}
