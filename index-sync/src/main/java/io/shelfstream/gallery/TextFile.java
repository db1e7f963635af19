package io.shelfstream.gallery;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Reads text files as people's editors and spreadsheets leave them: UTF-8, with a byte-order mark
 * or without; lines end with LF, CRLF or CR. Whatever else a file is gets named, with the remedy.
 */
public final class TextFile {
  private static final char MARK = '\uFEFF';
  private static final String UTF_16 = "it is UTF-16; save it as UTF-8, or convert it with iconv";

  private TextFile() {}

  /** The file was read, but it is no text in UTF-8; the message names it and says what to do. */
  public static final class NotUtf8Exception extends IOException {
    private static final long serialVersionUID = 1L;

    NotUtf8Exception(Path file, String why) {
      super("Cannot read " + file + ": " + why);
    }
  }

  /**
   * The text without its byte-order mark.
   *
   * @throws NotUtf8Exception when it is no UTF-8
   * @throws IOException when there is no such file, or it cannot be read
   */
  public static String read(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    if (isUtf16(bytes)) {
      throw new NotUtf8Exception(file, UTF_16);
    }
    String text = decode(file, bytes);
    int nul = text.indexOf('\0');
    if (nul >= 0) {
      throw new NotUtf8Exception(
          file, "line %d holds a NUL; give a text file in UTF-8".formatted(lineOf(text, nul)));
    }
    return text.isEmpty() || text.charAt(0) != MARK ? text : text.substring(1);
  }

  /** Its lines. A mark at the start of any line is left out: files may have been put together. */
  public static List<String> lines(Path file) throws IOException {
    return read(file)
        .lines()
        .map(line -> line.isEmpty() || line.charAt(0) != MARK ? line : line.substring(1))
        .toList();
  }

  /** By its mark, or, without one, by the zeros that Latin letters have there. */
  private static boolean isUtf16(byte[] b) {
    if (b.length < 2) {
      return false;
    }
    boolean marked =
        (b[0] == (byte) 0xFE && b[1] == (byte) 0xFF)
            || (b[0] == (byte) 0xFF && b[1] == (byte) 0xFE)
            || (b.length >= 4 && b[0] == 0 && b[1] == 0 && b[2] == (byte) 0xFE);
    return marked || (b.length >= 4 && ((b[0] == 0 && b[2] == 0) || (b[1] == 0 && b[3] == 0)));
  }

  private static String decode(Path file, byte[] bytes) throws NotUtf8Exception {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(in).toString();
    } catch (CharacterCodingException e) {
      // The decoder stops in front of what it cannot read.
      String before = new String(bytes, 0, in.position(), StandardCharsets.UTF_8);
      throw new NotUtf8Exception(
          file,
          "line %d is not UTF-8; save the file as UTF-8, or convert it with iconv"
              .formatted(lineOf(before, before.length())));
    }
  }

  private static int lineOf(String text, int place) {
    return (int) (text.substring(0, place) + ".").lines().count();
  }
}
