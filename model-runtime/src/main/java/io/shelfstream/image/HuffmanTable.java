package io.shelfstream.image;

import java.util.Arrays;
import java.util.HexFormat;

/** A Huffman table of a JPEG (ITU T.81, annexes C and F), made for skipping values. */
final class HuffmanTable {
  private static final int LOOK_AHEAD = 9;
  private static final int LONGEST = 16;

  private static final HexFormat HEX = HexFormat.of();

  /**
   * Those of annex K, which splitters of motion JPEG streams leave out; DC for brightness and
   * colour, then AC.
   */
  private static final HuffmanTable[] STANDARD = {
    standard("00010501010101010100000000000000", "000102030405060708090a0b"),
    standard("00030101010101010101010000000000", "000102030405060708090a0b"),
    standard(
        "0002010303020403050504040000017d",
        "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a"
            + "25262728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778"
            + "797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7"
            + "c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"),
    standard(
        "00020102040403040705040400010277",
        "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f1"
            + "1718191a262728292a35363738393a434445464748494a535455565758595a636465666768696a737475"
            + "767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2"
            + "c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa")
  };

  /** Symbol and length of the code that so many bits begin with; 0 where it is longer. */
  private final short[] soon = new short[1 << LOOK_AHEAD];

  /** For each length the first code beyond it, left-aligned in 16 bits; and its offset. */
  private final int[] beyond = new int[LONGEST + 1];

  private final int[] offset = new int[LONGEST + 1];
  private final byte[] symbols;

  /**
   * @param counts codes of 1 to 16 bits, from an index on
   * @param symbols in the order of their codes
   * @throws IllegalArgumentException when there are more codes than bits can tell apart
   */
  HuffmanTable(byte[] counts, int from, byte[] symbols) {
    this.symbols = symbols;
    int code = 0;
    int symbol = 0;
    for (int length = 1; length <= LONGEST; length++) {
      offset[length] = symbol - code;
      int count = counts[from + length - 1] & 0xFF;
      for (int i = 0; i < count; i++, code++, symbol++) {
        if (code >= 1 << length || symbol >= symbols.length) {
          throw new IllegalArgumentException("too many codes of " + length + " bits");
        }
        if (length <= LOOK_AHEAD) {
          int first = code << (LOOK_AHEAD - length);
          short entry = (short) (length << 8 | symbols[symbol] & 0xFF);
          Arrays.fill(soon, first, first + (1 << (LOOK_AHEAD - length)), entry);
        }
      }
      beyond[length] = code << (LONGEST - length);
      code <<= 1;
    }
  }

  /** The table that a decoder takes where a file brings none; slots 0 and 1. */
  static HuffmanTable standard(boolean ac, int slot) {
    return STANDARD[(ac ? 2 : 0) + slot];
  }

  private static HuffmanTable standard(String counts, String symbols) {
    return new HuffmanTable(HEX.parseHex(counts), 0, HEX.parseHex(symbols));
  }

  /**
   * The code that 16 bits begin with.
   *
   * @return its symbol, and its length times 256; negative when no code begins so
   */
  int look(int next16) {
    int entry = soon[next16 >>> (LONGEST - LOOK_AHEAD)];
    return entry != 0 ? entry : longer(next16);
  }

  private int longer(int next16) {
    for (int length = 1; length <= LONGEST; length++) {
      if (next16 < beyond[length]) {
        return length << 8 | symbols[(next16 >>> (LONGEST - length)) + offset[length]] & 0xFF;
      }
    }
    return -1;
  }
}
