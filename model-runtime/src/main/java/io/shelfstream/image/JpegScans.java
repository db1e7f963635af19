package io.shelfstream.image;

import io.shelfstream.image.ImageException.Reason;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Walks through the entropy-coded data of a JPEG and counts its blocks. A decoder fills what is
 * missing with grey and only writes a warning to standard error; here it is found by structure,
 * whatever the colours are: every scan must hold all its blocks, and every component must have its
 * scan. Takes no memory for pixels, and about half as long as decoding does: 3.2 of 9.4 ms in all
 * for photos of 22 KB, 30 of 97 ms for photos of 355 KB, on a busy machine.
 *
 * <p>A progressive JPEG may end after any whole scan that leaves no component out: its picture is
 * complete then, if less sharp. Without an end marker nobody knows what followed, so all bits of
 * all coefficients must be there.
 */
final class JpegScans {
  private static final int BLOCK = 64;

  /** All bits of a coefficient are there. */
  private static final int FINE = 0;

  private static final int ABSENT = -1;

  /**
   * Bytes that may be left behind a scan. Cameras align its end; but where the end of the data was
   * overwritten, with zeros perhaps, which decode as well as others, much is left.
   */
  private static final int MOST_LEFT = 64;

  /** Without an end marker only a line break may follow, as between parts of a stream. */
  private static final int MOST_LEFT_AT_END = 2;

  private final byte[] bytes;
  private final JpegBits in;
  private final @Nullable HuffmanTable[] dc = new HuffmanTable[4];
  private final @Nullable HuffmanTable[] ac = new HuffmanTable[4];
  private final List<Component> components = new ArrayList<>();
  private boolean progressive;
  private int width;
  private int height;
  private int columns; // of MCUs
  private int rows;
  private int restartInterval;

  // Of the scan under way.
  private int spectralStart;
  private int spectralEnd;
  private boolean refining;
  private int endOfBandRun;

  private JpegScans(byte[] bytes) {
    this.bytes = bytes;
    this.in = new JpegBits(bytes);
  }

  private static final class Component {
    final int id;
    final int horizontal;
    final int vertical;
    final int[] precision = new int[BLOCK];
    int blockColumns;
    int blockRows;
    int stride;

    /** In which blocks of a progressive JPEG which coefficients are not zero; else empty. */
    long[] nonZero = {};

    HuffmanTable dc = HuffmanTable.standard(false, 0);
    HuffmanTable ac = HuffmanTable.standard(true, 0);

    Component(int id, int sampling) {
      this.id = id;
      this.horizontal = sampling >> 4;
      this.vertical = sampling & 15;
      Arrays.fill(precision, ABSENT);
    }
  }

  /**
   * Returns a JPEG that a decoder finds nothing to warn about: the same bytes, or, where only its
   * end marker is missing or padding stands before it, a copy.
   *
   * @param jpeg whose header {@link ImageHeader} has read
   * @throws ImageException CORRUPT_IMAGE when a part of the picture is missing; UNSUPPORTED_IMAGE
   *     for lossless and arithmetic coding, of which that cannot be told
   */
  static byte[] whole(byte[] jpeg) throws ImageException {
    try {
      return new JpegScans(jpeg).walk();
    } catch (IndexOutOfBoundsException e) {
      throw corrupt("it is cut off in a segment");
    }
  }

  private byte[] walk() throws ImageException {
    int at = 2;
    int dataEnd = -1;
    while (true) {
      int segment = at;
      int marker = -1;
      while (segment + 1 < bytes.length) {
        if (bytes[segment] == (byte) 0xFF && (bytes[segment + 1] & 0xFF) % 255 != 0) {
          marker = bytes[segment + 1] & 0xFF;
          break;
        }
        segment++;
      }
      if (marker == 0xD9) {
        requirePicture();
        return closed(at == dataEnd ? dataEnd : segment, segment);
      }
      if (marker < 0) {
        requireAllBits();
        int end = dataEnd < 0 ? bytes.length : dataEnd;
        if (at != dataEnd || bytes.length - end > MOST_LEFT_AT_END) {
          throw corrupt("it has no end marker, but " + (bytes.length - end) + " bytes too many");
        }
        return closed(end, bytes.length);
      }
      at = segment + 2;
      if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {
        continue;
      }
      int length = unsignedShort(at);
      int body = at + 2;
      int next = at + length;
      switch (marker) {
        case 0xC4 -> tables(body, next);
        case 0xDD -> restartInterval = unsignedShort(body);
        case 0xDA -> {
          scan(body, next);
          next = in.end();
          dataEnd = next;
        }
        default -> {
          if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC8 && marker != 0xCC) {
            frame(marker, body);
          }
        }
      }
      at = next;
    }
  }

  /** The bytes up to the end of the data, an end marker, and what followed that. */
  private byte[] closed(int dataEnd, int marker) {
    if (dataEnd == marker && marker < bytes.length) {
      return bytes;
    }
    byte[] closed = Arrays.copyOf(bytes, dataEnd + 2);
    closed[dataEnd] = (byte) 0xFF;
    closed[dataEnd + 1] = (byte) 0xD9;
    return closed;
  }

  private void requirePicture() throws ImageException {
    for (Component component : components) {
      if (component.precision[0] == ABSENT) {
        throw corrupt("it ends before the scan of component " + component.id);
      }
    }
  }

  private void requireAllBits() throws ImageException {
    for (Component component : components) {
      for (int precision : component.precision) {
        if (precision != FINE) {
          throw corrupt("it is cut off: it has no end marker, and scans are missing");
        }
      }
    }
  }

  private void frame(int marker, int at) throws ImageException {
    if (marker > 0xC2) {
      throw new ImageException(
          Reason.UNSUPPORTED_IMAGE,
          "JPEG with lossless or arithmetic coding (SOF%d); save it with Huffman coding"
              .formatted(marker - 0xC0));
    }
    if (!components.isEmpty()) {
      throw corrupt("it has two frame headers");
    }
    progressive = marker == 0xC2;
    height = unsignedShort(at + 1);
    width = unsignedShort(at + 3);
    int number = bytes[at + 5] & 0xFF;
    for (int i = 0; i < number; i++) {
      int id = bytes[at + 6 + 3 * i] & 0xFF;
      Component component = new Component(id, bytes[at + 7 + 3 * i] & 0xFF);
      if (component.horizontal < 1
          || component.horizontal > 4
          || component.vertical < 1
          || component.vertical > 4) {
        throw corrupt("component " + id + " has no sampling factors");
      }
      components.add(component);
    }
    int horizontal = components.stream().mapToInt(c -> c.horizontal).max().orElse(1);
    int vertical = components.stream().mapToInt(c -> c.vertical).max().orElse(1);
    columns = ceil(width, 8 * horizontal);
    rows = ceil(height, 8 * vertical);
    for (Component component : components) {
      component.blockColumns = ceil(width * component.horizontal, 8 * horizontal);
      component.blockRows = ceil(height * component.vertical, 8 * vertical);
      component.stride = columns * component.horizontal;
      if (progressive) {
        component.nonZero = new long[component.stride * rows * component.vertical];
      }
    }
  }

  private void tables(int from, int end) throws ImageException {
    int at = from;
    while (at < end) {
      int slot = bytes[at] & 0xFF;
      int total = 0;
      for (int i = 1; i <= 16; i++) {
        total += bytes[at + i] & 0xFF;
      }
      if ((slot & 0xEF) > 3 || total > 256) {
        throw corrupt("it has a damaged Huffman table");
      }
      byte[] symbols = Arrays.copyOfRange(bytes, at + 17, at + 17 + total);
      try {
        (slot < 16 ? dc : ac)[slot & 3] = new HuffmanTable(bytes, at + 1, symbols);
      } catch (IllegalArgumentException e) {
        throw corrupt("it has a damaged Huffman table: " + e.getMessage());
      }
      at += 17 + total;
    }
  }

  private void scan(int at, int data) throws ImageException {
    int number = bytes[at] & 0xFF;
    List<Component> of = new ArrayList<>();
    int parameters = at + 1 + 2 * number;
    spectralStart = progressive ? bytes[parameters] & 0xFF : 0;
    spectralEnd = progressive ? bytes[parameters + 1] & 0xFF : BLOCK - 1;
    int approximation = progressive ? bytes[parameters + 2] & 0xFF : 0;
    refining = approximation >> 4 != 0;
    if (spectralStart > spectralEnd
        || spectralEnd >= BLOCK
        || number < 1
        || number > 4
        || (progressive && spectralStart > 0 && number > 1)
        || (progressive && spectralStart == 0 && spectralEnd > 0)) {
      throw corrupt(
          "it has a scan of %d components and coefficients %d to %d"
              .formatted(number, spectralStart, spectralEnd));
    }
    for (int i = 0; i < number; i++) {
      Component component = component(bytes[at + 1 + 2 * i] & 0xFF);
      int slots = bytes[at + 2 + 2 * i] & 0xFF;
      boolean readsDc = spectralStart == 0 && !refining;
      component.dc = readsDc ? table(false, slots >> 4) : component.dc;
      component.ac = spectralEnd > 0 ? table(true, slots & 15) : component.ac;
      Arrays.fill(component.precision, spectralStart, spectralEnd + 1, approximation & 15);
      of.add(component);
    }
    in.start(data);
    endOfBandRun = 0;
    blocks(of);
    requireLittleLeft();
  }

  private Component component(int id) throws ImageException {
    for (Component component : components) {
      if (component.id == id) {
        return component;
      }
    }
    throw corrupt("it has a scan of a component " + id + " that its header does not name");
  }

  private HuffmanTable table(boolean isAc, int slot) throws ImageException {
    HuffmanTable table = slot > 3 ? null : (isAc ? ac : dc)[slot];
    if (table == null && slot > 1) {
      throw corrupt("it has a scan without its Huffman table");
    }
    return table == null ? HuffmanTable.standard(isAc, slot) : table;
  }

  /** All blocks of a scan; those of several components are interleaved, MCU by MCU. */
  private void blocks(List<Component> of) throws ImageException {
    boolean interleaved = of.size() > 1;
    int across = interleaved ? columns : of.get(0).blockColumns;
    int down = interleaved ? rows : of.get(0).blockRows;
    int untilRestart = restartInterval;
    int restarts = 0;
    for (int y = 0; y < down; y++) {
      for (int x = 0; x < across; x++) {
        if (restartInterval > 0 && untilRestart-- == 0) {
          restart(restarts++ & 7);
          untilRestart = restartInterval - 1;
        }
        if (interleaved) {
          mcu(of, x, y);
        } else {
          block(of.get(0), x, y);
        }
        if (in.isBeyond()) {
          throw corrupt("its data ends in row %d of %d of its blocks".formatted(y + 1, down));
        }
      }
    }
  }

  private void mcu(List<Component> of, int x, int y) throws ImageException {
    for (Component component : of) {
      for (int v = 0; v < component.vertical; v++) {
        for (int h = 0; h < component.horizontal; h++) {
          block(component, x * component.horizontal + h, y * component.vertical + v);
        }
      }
    }
  }

  private void restart(int number) throws ImageException {
    requireLittleLeft();
    int at = in.end();
    while (at + 1 < bytes.length
        && !(bytes[at] == (byte) 0xFF && (bytes[at + 1] & 0xFF) % 255 != 0)) {
      at++;
    }
    if (at + 1 >= bytes.length || (bytes[at + 1] & 0xFF) != 0xD0 + number) {
      throw corrupt("its restart marker " + number + " is missing");
    }
    in.start(at + 2);
    endOfBandRun = 0;
  }

  private void requireLittleLeft() throws ImageException {
    int left = 0;
    for (int at = in.end(); at + 1 < bytes.length; at++) {
      if (bytes[at] == (byte) 0xFF && (bytes[at + 1] & 0xFF) % 255 != 0) {
        break;
      }
      left++;
    }
    if (left > MOST_LEFT) {
      throw corrupt(left + " bytes are left behind the last of its blocks");
    }
  }

  private void block(Component component, int x, int y) throws ImageException {
    if (!progressive) {
      dc(component);
      sequentialAc(component.ac);
    } else if (spectralStart > 0) {
      int index = y * component.stride + x;
      if (refining) {
        refineAc(component, index);
      } else {
        firstAc(component, index);
      }
    } else if (refining) {
      in.need();
      in.skip(1);
    } else {
      dc(component);
    }
  }

  private void dc(Component component) throws ImageException {
    int size = next(component.dc);
    if (size > 16) {
      throw corrupt("it has a coefficient of " + size + " bits");
    }
    in.skip(size);
  }

  private int next(HuffmanTable table) throws ImageException {
    in.need();
    int found = table.look(in.look16());
    if (found < 0) {
      throw corrupt("its data holds a code that its table does not know");
    }
    in.skip(found >> 8);
    return found & 0xFF;
  }

  private void sequentialAc(HuffmanTable table) throws ImageException {
    for (int k = 1; k < BLOCK; k++) {
      int symbol = next(table);
      int size = symbol & 15;
      int run = symbol >> 4;
      if (size == 0 && run < 15) {
        return;
      }
      k += run;
      in.skip(size);
      requireWithin(k);
    }
  }

  private static void requireWithin(int k) throws ImageException {
    if (k >= BLOCK) {
      throw corrupt("it has a block of more than 64 coefficients");
    }
  }

  private void firstAc(Component component, int index) throws ImageException {
    if (endOfBandRun > 0) {
      endOfBandRun--;
      return;
    }
    long nonZero = 0;
    for (int k = spectralStart; k <= spectralEnd; k++) {
      int symbol = next(component.ac);
      int size = symbol & 15;
      int run = symbol >> 4;
      if (size == 0 && run < 15) {
        endOfBandRun = (1 << run) - 1 + in.take(run);
        break;
      }
      k += run;
      requireWithin(k);
      if (size > 0) {
        in.skip(size);
        nonZero |= 1L << k;
      }
    }
    component.nonZero[index] |= nonZero;
  }

  /** T.81, G.1.2.3: a bit for each coefficient that is not zero, between the new ones. */
  private void refineAc(Component component, int index) throws ImageException {
    long nonZero = component.nonZero[index];
    int k = spectralStart;
    if (endOfBandRun == 0) {
      for (; k <= spectralEnd; k++) {
        int symbol = next(component.ac);
        int run = symbol >> 4;
        boolean isNew = (symbol & 15) != 0;
        if (!isNew && run < 15) {
          endOfBandRun = (1 << run) + in.take(run);
          break;
        }
        if (isNew) {
          in.skip(1);
        }
        for (; k <= spectralEnd; k++) {
          if ((nonZero >>> k & 1) != 0) {
            in.need();
            in.skip(1);
          } else if (--run < 0) {
            break;
          }
        }
        if (isNew && k <= spectralEnd) {
          component.nonZero[index] |= 1L << k;
        }
      }
    }
    if (endOfBandRun > 0) {
      for (; k <= spectralEnd; k++) {
        if ((nonZero >>> k & 1) != 0) {
          in.need();
          in.skip(1);
        }
      }
      endOfBandRun--;
    }
  }

  private int unsignedShort(int at) {
    return (bytes[at] & 0xFF) << 8 | bytes[at + 1] & 0xFF;
  }

  private static int ceil(int value, int by) {
    return (value + by - 1) / by;
  }

  private static ImageException corrupt(String why) {
    return new ImageException(Reason.CORRUPT_IMAGE, "Damaged JPEG: " + why);
  }
}
