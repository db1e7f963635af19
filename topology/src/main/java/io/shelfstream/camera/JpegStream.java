package io.shelfstream.camera;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * The JPEG pictures in a stream, whatever stands between them. Cameras send wrong boundaries, wrong
 * lengths or none, and break pictures off, so only the markers of the pictures themselves are read:
 * a picture begins with FF D8 FF and ends with the FF D9 that belongs to it, not with that of a
 * thumbnail in its header. One that breaks off is left out.
 */
final class JpegStream {
  private static final int SOI = 0xD8;
  private static final int EOI = 0xD9;
  private static final int SOS = 0xDA;
  private static final int TEM = 0x01;

  private final InputStream in;
  private final long maxBytes;
  private boolean startSeen;
  private int incomplete;

  /**
   * @param maxBytes longest picture; a longer one is left out
   */
  JpegStream(InputStream in, long maxBytes) {
    this.in = new BufferedInputStream(in, 1 << 16);
    this.maxBytes = maxBytes;
  }

  /** Pictures that were left out. */
  int incomplete() {
    return incomplete;
  }

  /** The next whole picture; null at the end of the stream. */
  byte @Nullable [] next() throws IOException {
    while (startSeen || findStart()) {
      startSeen = false;
      ByteArrayOutputStream picture = new ByteArrayOutputStream(1 << 16);
      picture.write(0xFF);
      picture.write(SOI);
      try {
        if (readSegments(picture)) {
          return picture.toByteArray();
        }
      } catch (EOFException e) {
        incomplete++;
        return null;
      }
      incomplete++;
    }
    return null;
  }

  /** Reads up to the first marker of a picture. */
  private boolean findStart() throws IOException {
    int before = -1;
    for (int b = in.read(); b >= 0; b = in.read()) {
      if (before == 0xFF && b == SOI) {
        return true;
      }
      before = b;
    }
    return false;
  }

  /**
   * Reads from a marker to the end of the picture.
   *
   * @return false when it breaks off, or is too long
   */
  private boolean readSegments(ByteArrayOutputStream picture) throws IOException {
    int marker = marker(picture);
    while (marker >= 0) {
      if (marker == EOI) {
        return true;
      }
      if (marker == SOI) {
        startSeen = true; // the next picture, in the middle of this one
        return false;
      }
      boolean standsAlone = marker == TEM || (marker >= 0xD0 && marker <= 0xD7);
      if (!standsAlone && !copySegment(marker, picture)) {
        return false;
      }
      marker = marker == SOS ? afterScan(picture) : marker(picture);
    }
    return false;
  }

  /** The next marker; negative when there is something else. */
  private int marker(ByteArrayOutputStream picture) throws IOException {
    int b = read(picture);
    if (b != 0xFF) {
      return -1;
    }
    while (b == 0xFF) { // fill bytes
      b = read(picture);
    }
    return b == 0 ? -1 : b;
  }

  /**
   * Copies a segment. One that has the next picture in it was broken off; only those of programs
   * (APPn) and comments may hold a picture, as a thumbnail.
   */
  private boolean copySegment(int marker, ByteArrayOutputStream picture) throws IOException {
    int length = (read(picture) << 8) | read(picture);
    if (length < 2 || picture.size() + length > maxBytes) {
      return false;
    }
    in.mark(length);
    byte[] segment = in.readNBytes(length - 2);
    int next = mayHoldAPicture(marker) ? -1 : start(segment);
    if (next >= 0) {
      in.reset();
      in.skipNBytes(next + 2L);
      startSeen = true;
      return false;
    }
    if (segment.length < length - 2) {
      throw new EOFException();
    }
    picture.write(segment);
    return true;
  }

  private static boolean mayHoldAPicture(int marker) {
    return (marker >= 0xE0 && marker <= 0xEF) || marker == 0xFE;
  }

  /** Where a picture begins, with its first marker; negative when none does. */
  private static int start(byte[] segment) {
    for (int i = 0; i + 1 < segment.length; i++) {
      if ((segment[i] & 0xFF) == 0xFF
          && (segment[i + 1] & 0xFF) == SOI
          && (i + 2 == segment.length || (segment[i + 2] & 0xFF) == 0xFF)) {
        return i;
      }
    }
    return -1;
  }

  /** Copies the data of a scan; the marker behind it, or negative when it is too long. */
  private int afterScan(ByteArrayOutputStream picture) throws IOException {
    while (picture.size() < maxBytes) {
      if (read(picture) == 0xFF) {
        int b = read(picture);
        while (b == 0xFF) {
          b = read(picture);
        }
        boolean belongsToTheData = b == 0 || (b >= 0xD0 && b <= 0xD7);
        if (!belongsToTheData) {
          return b;
        }
      }
    }
    return -1;
  }

  private int read(ByteArrayOutputStream picture) throws IOException {
    int b = in.read();
    if (b < 0) {
      throw new EOFException();
    }
    picture.write(b);
    return b;
  }
}
