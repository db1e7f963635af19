package io.shelfstream.image;

import io.shelfstream.image.ImageException.Reason;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * The size of an image as its header promises it, read without decoding: what is too large must be
 * refused before memory is taken for its pixels. Also finds files that were cut off, which OpenCV
 * would decode to a half-grey picture; {@link JpegScans} looks closer at JPEGs.
 */
record ImageHeader(String format, long width, long height) {
  static final String JPEG = "JPEG";
  static final String PNG = "PNG";
  static final String BMP = "BMP";

  private static final long PNG_SIGNATURE = 0x89504E470D0A1A0AL;
  private static final long PNG_HEADER_CHUNK = 0x0000000D49484452L; // 13 bytes of IHDR

  /**
   * Most scans of a JPEG; encoders write about ten. Each costs a pass over all pixels but hardly a
   * byte, so that a small file could keep a processor busy for hours. libjpeg-turbo's own tests
   * draw the line here.
   */
  private static final int MOST_SCANS = 500;

  /** Marker of the end of an image, and what stands for no marker at all. */
  private static final int END = 0xD9;

  private static final int NONE = -1;

  /**
   * @throws ImageException UNSUPPORTED_IMAGE for other formats, CORRUPT_IMAGE for damaged or
   *     incomplete ones
   */
  static ImageHeader read(byte[] encoded) throws ImageException {
    ByteBuffer bytes = ByteBuffer.wrap(encoded);
    try {
      if (startsWith(encoded, 0xFF, 0xD8, 0xFF)) {
        return jpeg(bytes);
      }
      if (startsWith(encoded, 0x89, 'P', 'N', 'G')) {
        return png(bytes);
      }
      if (startsWith(encoded, 'R', 'I', 'F', 'F')
          && encoded.length >= 12
          && bytes.getInt(8) == 0x57454250) {
        return webp(bytes.order(ByteOrder.LITTLE_ENDIAN));
      }
      if (startsWith(encoded, 'B', 'M')) {
        return bmp(bytes.order(ByteOrder.LITTLE_ENDIAN));
      }
    } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
      throw corrupt("Image of " + encoded.length + " bytes is cut off in its header");
    }
    throw new ImageException(
        Reason.UNSUPPORTED_IMAGE,
        "Not a JPEG, PNG, WebP or BMP: %d bytes that start with %s"
            .formatted(encoded.length, start(encoded)));
  }

  /** ITU T.81, annex B: marker segments, then entropy-coded data up to the end-of-image marker. */
  private static ImageHeader jpeg(ByteBuffer bytes) throws ImageException {
    ImageHeader header = null;
    int scans = 0;
    bytes.position(2);
    while (true) {
      int marker = nextMarker(bytes);
      if (marker == END || (marker == NONE && scans > 0)) {
        break; // whether anything is missing is for JpegScans to say
      }
      if (marker == NONE) {
        throw corrupt(
            "JPEG of %d bytes is cut off: it has no end and no pixels".formatted(bytes.limit()));
      }
      if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {
        continue; // markers without a segment
      }
      if (marker == 0xDA && ++scans > MOST_SCANS) {
        throw corrupt("JPEG with more than " + MOST_SCANS + " scans");
      }
      int start = bytes.position();
      int length = Short.toUnsignedInt(bytes.getShort());
      if (isFrame(marker) && header == null) {
        bytes.get(); // precision
        long height = Short.toUnsignedInt(bytes.getShort());
        long width = Short.toUnsignedInt(bytes.getShort());
        header = new ImageHeader(JPEG, width, height);
      }
      if (length < 2 || length > bytes.limit() - start) {
        throw corrupt("JPEG of " + bytes.limit() + " bytes is cut off in segment " + marker);
      }
      bytes.position(start + length);
    }
    if (header == null) {
      throw corrupt("JPEG without a frame header");
    }
    return header;
  }

  /** SOF0 to SOF15, less DHT, JPG and DAC, which share their range. */
  private static boolean isFrame(int marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
  }

  /**
   * Skips entropy-coded data, in which FF is followed by 00 or a restart marker, and fill bytes.
   */
  private static int nextMarker(ByteBuffer bytes) {
    byte[] array = bytes.array();
    int at = bytes.position();
    while (at + 1 < bytes.limit()) {
      int code = array[at + 1] & 0xFF;
      if (array[at] == (byte) 0xFF && code != 0xFF && code != 0) {
        bytes.position(at + 2);
        return code;
      }
      at++;
    }
    return NONE;
  }

  private static ImageHeader png(ByteBuffer bytes) throws ImageException {
    if (bytes.getLong() != PNG_SIGNATURE || bytes.getLong(8) != PNG_HEADER_CHUNK) {
      throw corrupt("PNG with a damaged signature or without its header chunk first");
    }
    ImageHeader header =
        new ImageHeader(
            PNG,
            Integer.toUnsignedLong(bytes.getInt(16)),
            Integer.toUnsignedLong(bytes.getInt(20)));
    bytes.getInt(29); // the end of the header chunk must be there
    bytes.position(33);
    boolean hasPixels = false;
    while (bytes.remaining() >= 12) {
      long length = Integer.toUnsignedLong(bytes.getInt());
      int type = bytes.getInt();
      if (type == 0x49454E44 && hasPixels) { // IEND
        return header;
      }
      hasPixels |= type == 0x49444154; // IDAT
      boolean optional = (type & 0x20000000) != 0; // a small first letter
      if (!optional && type != 0x49444154 && type != 0x504C5445) { // PLTE
        // OpenCV 4.13 takes seconds to give up on a PNG without pixels.
        throw corrupt("PNG with a chunk %08x where pixels were expected".formatted(type));
      }
      if (length + 4 > bytes.remaining()) {
        break;
      }
      bytes.position(bytes.position() + (int) length + 4);
    }
    throw corrupt("PNG of " + bytes.limit() + " bytes is cut off: it has no end chunk");
  }

  /** RFC 9649: a RIFF file whose first chunk is VP8, VP8L or VP8X. */
  private static ImageHeader webp(ByteBuffer bytes) throws ImageException {
    if (Integer.toUnsignedLong(bytes.getInt(4)) + 8 > bytes.limit()) {
      throw corrupt("WebP of " + bytes.limit() + " bytes is cut off");
    }
    String chunk = new String(bytes.array(), 12, 4, StandardCharsets.ISO_8859_1);
    return switch (chunk) {
      case "VP8 " ->
          new ImageHeader("WebP", bytes.getShort(26) & 0x3FFF, bytes.getShort(28) & 0x3FFF);
      case "VP8L" -> {
        int bits = bytes.getInt(21);
        yield new ImageHeader("WebP", (bits & 0x3FFF) + 1, ((bits >>> 14) & 0x3FFF) + 1);
      }
      case "VP8X" ->
          new ImageHeader(
              "WebP", (bytes.getInt(24) & 0xFFFFFF) + 1L, (bytes.getInt(26) >>> 8) + 1L);
      default -> throw corrupt("WebP with an unknown first chunk '" + chunk + "'");
    };
  }

  /** BITMAPINFOHEADER and later; a negative height means rows from top to bottom. */
  private static ImageHeader bmp(ByteBuffer bytes) throws ImageException {
    int headerSize = bytes.getInt(14);
    if (headerSize != 12 && headerSize < 40) {
      throw corrupt("BMP with a header of " + headerSize + " bytes");
    }
    boolean old = headerSize == 12;
    ImageHeader header =
        old
            ? new ImageHeader(
                BMP,
                Short.toUnsignedInt(bytes.getShort(18)),
                Short.toUnsignedInt(bytes.getShort(20)))
            : new ImageHeader(BMP, bytes.getInt(18), Math.abs((long) bytes.getInt(22)));
    int bitsAPixel = Short.toUnsignedInt(bytes.getShort(old ? 24 : 28));
    long rowBytes = (header.width * bitsAPixel + 31) / 32 * 4;
    long pixels = Integer.toUnsignedLong(bytes.getInt(10));
    int compression = old ? 0 : bytes.getInt(30);
    boolean runLength = compression == 1 || compression == 2;
    if (!runLength && pixels + rowBytes * header.height > bytes.limit()) {
      throw corrupt("BMP of " + bytes.limit() + " bytes is cut off");
    }
    return header;
  }

  private static boolean startsWith(byte[] bytes, int... start) {
    if (bytes.length < start.length) {
      return false;
    }
    for (int i = 0; i < start.length; i++) {
      if ((bytes[i] & 0xFF) != start[i]) {
        return false;
      }
    }
    return true;
  }

  private static String start(byte[] bytes) {
    return HexFormat.ofDelimiter(" ").formatHex(bytes, 0, Math.min(8, bytes.length));
  }

  private static ImageException corrupt(String message) {
    return new ImageException(Reason.CORRUPT_IMAGE, message);
  }
}
