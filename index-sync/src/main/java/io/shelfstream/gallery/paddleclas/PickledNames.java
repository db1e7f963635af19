package io.shelfstream.gallery.paddleclas;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.shelfstream.index.IndexException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes the pickle of a Python dict of int to str, such as PaddleClas's {@code
 * id_map.pkl}. A pickle is a program for Python's pickle machine, which may import and call
 * anything. Here it is only data: the few instructions that make such a dict are understood, in
 * protocols 0 to 5, and nothing that a pickle names is ever looked up or called. Everything else is
 * refused with the name of the instruction.
 *
 * <p>PaddleClas's ids are often numpy.int64. A pickle writes these as calls of numpy's functions;
 * the four names of such calls are known here as words, and the eight bytes between them are read
 * as a number.
 */
final class PickledNames {
  /** Larger than the names of ten million photos. */
  private static final long LARGEST_FILE = 1L << 30;

  /** Bytes of one text: longer than any path with its label. */
  private static final int LONGEST = 1 << 16;

  /** Values on the stack: Python sets a thousand items at a time. */
  private static final int MOST_STACKED = 1 << 20;

  /** Values in the memo: four for each of four million photos. */
  private static final int MOST_KEPT = 1 << 24;

  /** Photos of one SETITEMS, as Python writes them. */
  private static final int BATCH = 1000;

  private PickledNames() {}

  /**
   * The names by id.
   *
   * @throws IndexException with code FILE when it is anything but a dict of int to str; the message
   *     names the instruction and says what to do
   */
  static SortedMap<Long, String> read(Path file) {
    try {
      long size = Files.size(file);
      if (size > LARGEST_FILE) {
        throw new Refusal("it has %d bytes; at most %d are read".formatted(size, LARGEST_FILE));
      }
      try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
        return new Machine(in).run();
      }
    } catch (Refusal e) {
      throw new IndexException(
          IndexException.Code.FILE,
          "cannot read "
              + file
              + ": "
              + e.getMessage()
              + ". Only a dict of int to str is read, as a pickle can hold any code; if you trust"
              + " this file, write its names as text in its directory: python3 -c \"import pickle;"
              + " [print(int(k), v.strip()) for k, v in pickle.load(open('"
              + file.getFileName()
              + "', 'rb')).items()]\" > "
              + IndexNames.TEXT,
          e);
    } catch (IOException e) {
      throw new IndexException(IndexException.Code.FILE, "cannot read " + file + ": " + e, e);
    }
  }

  /** Writes the names in protocol 2, which every Python 3 reads. */
  static void write(SortedMap<Long, String> names, OutputStream out) throws IOException {
    out.write(new byte[] {(byte) 0x80, 2, '}'});
    int written = 0;
    for (Map.Entry<Long, String> name : names.entrySet()) {
      if (written % BATCH == 0) {
        out.write('(');
      }
      writeNumber(name.getKey(), out);
      byte[] text = name.getValue().getBytes(UTF_8);
      out.write('X');
      out.write(littleEndian(Integer.BYTES).putInt(text.length).array());
      out.write(text);
      written++;
      if (written % BATCH == 0 || written == names.size()) {
        out.write('u');
      }
    }
    out.write('.');
  }

  private static void writeNumber(long id, OutputStream out) throws IOException {
    if (id <= Integer.MAX_VALUE) {
      out.write('J');
      out.write(littleEndian(Integer.BYTES).putInt((int) id).array());
    } else {
      out.write(new byte[] {(byte) 0x8a, Long.BYTES});
      out.write(littleEndian(Long.BYTES).putLong(id).array());
    }
  }

  private static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** What is not read; the message says what and where. */
  private static final class Refusal extends IOException {
    private static final long serialVersionUID = 1L;

    Refusal(String why) {
      super(why);
    }
  }

  /** The functions that a pickled numpy.int64 is made of, by what they would do in Python. */
  private enum Known {
    /** Makes a number of a type and its bytes. */
    SCALAR("numpy.core.multiarray scalar", "numpy._core.multiarray scalar"),
    /** Names a type. */
    TYPE("numpy dtype"),
    /** Makes bytes of a text: how protocols 0 to 2 write bytes. */
    ENCODE("_codecs encode");

    private final List<String> names;

    Known(String... names) {
      this.names = List.of(names);
    }

    static Known of(String named, String opcode) throws Refusal {
      for (Known known : values()) {
        if (known.names.contains(named)) {
          return known;
        }
      }
      throw new Refusal("it holds %s '%s', which names code to run".formatted(opcode, named));
    }
  }

  /** A type of whole numbers. */
  private static final class WholeNumbers {
    private final int bytes;
    private ByteOrder order = ByteOrder.LITTLE_ENDIAN;

    WholeNumbers(int bytes) {
      this.bytes = bytes;
    }
  }

  /** Values of which there is one. */
  private enum Single {
    /** Python's None. */
    NONE,
    /** Begins a group on the stack. */
    MARK,
    /** Stands in the memo for what is never used again where ids are numpy.int64. */
    NOT_KEPT
  }

  /** The dict that is made. */
  private static final class Dict {
    private final SortedMap<Long, String> names = new TreeMap<>();
  }

  /** A stack of values and a memo of those that are used again; one use. */
  private static final class Machine {
    private final InputStream in;
    private final List<Object> stack = new ArrayList<>();
    private final List<Object> memo = new ArrayList<>();
    private @Nullable Dict dict;
    private long position;

    Machine(InputStream in) {
      this.in = in;
    }

    SortedMap<Long, String> run() throws IOException {
      int opcode = read();
      while (opcode != '.') {
        step(opcode);
        if (stack.size() > MOST_STACKED || memo.size() > MOST_KEPT) {
          throw new Refusal("it holds too many values at once, at byte " + position);
        }
        opcode = read();
      }
      if (stack.size() != 1 || !(pop() instanceof Dict made)) {
        throw new Refusal("it is no dict");
      }
      return made.names;
    }

    private void step(int opcode) throws IOException {
      switch (opcode) {
        case 0x80 -> protocol(); // PROTO
        case 0x95 -> bytes(8); // FRAME: how much to read ahead
        case '}' -> emptyDict(); // EMPTY_DICT
        case '(' -> push(Single.MARK);
        case 'd' -> dictOfGroup(); // DICT
        case 's' -> setItem(); // SETITEM
        case 'u' -> setItems(group()); // SETITEMS
        case 'K' -> push((long) read()); // BININT1
        case 'M' -> push(number(2)); // BININT2
        case 'J' -> push((long) (int) number(4)); // BININT
        case 0x8a -> push(twosComplement(bytes(read()))); // LONG1
        case 'I' -> push(decimal(line(), "INT"));
        case 'L' -> push(decimal(line().replaceFirst("L$", ""), "LONG"));
        case 0x8c -> push(utf8(bytes(read()))); // SHORT_BINUNICODE
        case 'X' -> push(utf8(bytes(length(4)))); // BINUNICODE
        case 0x8d -> push(utf8(bytes(length(8)))); // BINUNICODE8
        case 'V' -> push(escaped(line())); // UNICODE
        case 0x94 -> put(memo.size()); // MEMOIZE
        case 'q' -> put(read()); // BINPUT
        case 'r' -> put(length(4)); // LONG_BINPUT
        case 'p' -> put(decimal(line(), "PUT"));
        case 'h' -> get(read()); // BINGET
        case 'j' -> get(length(4)); // LONG_BINGET
        case 'g' -> get(decimal(line(), "GET"));
        default -> stepOfNumpy(opcode);
      }
    }

    /** The instructions of a numpy.int64. */
    private void stepOfNumpy(int opcode) throws IOException {
      switch (opcode) {
        case 'c' -> push(Known.of(line() + " " + line(), "GLOBAL"));
        case 0x93 -> stackGlobal();
        case 'C' -> push(bytes(read())); // SHORT_BINBYTES
        case 'B' -> push(bytes(length(4))); // BINBYTES
        case 'N' -> push(Single.NONE);
        case 0x88 -> push(true); // NEWTRUE
        case 0x89 -> push(false); // NEWFALSE
        case 't' -> push(group()); // TUPLE
        case 0x86 -> push(last(2)); // TUPLE2
        case 0x87 -> push(last(3)); // TUPLE3
        case 'R' -> reduce();
        case 'b' -> build();
        default -> throw refused(opcode);
      }
    }

    // ---- reading ----

    private int read() throws IOException {
      int next = in.read();
      if (next < 0) {
        throw new Refusal("it ends too early, after %d bytes".formatted(position));
      }
      position++;
      return next;
    }

    private byte[] bytes(long count) throws IOException {
      if (count > LONGEST) {
        throw new Refusal(
            "it holds a text of %d bytes; at most %d are read".formatted(count, LONGEST));
      }
      byte[] read = in.readNBytes((int) count);
      position += read.length;
      if (read.length < count) {
        throw new Refusal("it ends too early, after %d bytes".formatted(position));
      }
      return read;
    }

    private long number(int bytes) throws IOException {
      long value = 0;
      for (int i = 0; i < bytes; i++) {
        value |= (long) read() << (8 * i);
      }
      return value;
    }

    private long length(int bytes) throws IOException {
      long length = number(bytes);
      if (length < 0) {
        throw new Refusal("it holds a length of more than %d bytes".formatted(Long.MAX_VALUE));
      }
      return length;
    }

    private String line() throws IOException {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      for (int next = read(); next != '\n'; next = read()) {
        if (line.size() == LONGEST) {
          throw new Refusal("it holds a line of more than %d bytes".formatted(LONGEST));
        }
        line.write(next);
      }
      return line.toString(ISO_8859_1);
    }

    private static long twosComplement(byte[] littleEndian) throws Refusal {
      if (littleEndian.length > Long.BYTES) {
        throw new Refusal("it holds a number of %d bytes as id".formatted(littleEndian.length));
      }
      byte[] bigEndian = new byte[littleEndian.length];
      for (int i = 0; i < bigEndian.length; i++) {
        bigEndian[i] = littleEndian[bigEndian.length - 1 - i];
      }
      return bigEndian.length == 0 ? 0 : new BigInteger(bigEndian).longValueExact();
    }

    private static long decimal(String digits, String opcode) throws Refusal {
      // 00 and 01 are False and True.
      if (!digits.matches("-?(0|[1-9]\\d{0,17})")) {
        throw new Refusal("%s '%s' is no id".formatted(opcode, digits));
      }
      return Long.parseLong(digits);
    }

    private static String utf8(byte[] text) throws Refusal {
      try {
        return UTF_8.newDecoder().decode(ByteBuffer.wrap(text)).toString();
      } catch (CharacterCodingException e) {
        throw new Refusal("it holds a text that is not UTF-8");
      }
    }

    /** Latin letters as they are, others as backslash, u and four hex digits, or U and eight. */
    private static String escaped(String line) throws Refusal {
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < line.length(); i++) {
        char c = line.charAt(i);
        char kind = c == '\\' && i + 1 < line.length() ? line.charAt(i + 1) : ' ';
        int digits = kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
        if (digits == 0) {
          text.append(c);
          continue;
        }
        int end = i + 2 + digits;
        String hex = end <= line.length() ? line.substring(i + 2, end) : "";
        if (!hex.matches("[0-9A-Fa-f]+") || !Character.isValidCodePoint((int) parsed(hex))) {
          throw new Refusal("UNICODE holds an escape that is no character");
        }
        text.appendCodePoint((int) parsed(hex));
        i = end - 1;
      }
      return text.toString();
    }

    private static long parsed(String hex) {
      return Math.min(Long.parseLong(hex, 16), Integer.MAX_VALUE);
    }

    // ---- the stack ----

    private void push(Object value) {
      stack.add(value);
    }

    private Object peek() throws Refusal {
      if (stack.isEmpty()) {
        throw new Refusal("it takes a value where there is none, at byte " + position);
      }
      return stack.get(stack.size() - 1);
    }

    private Object pop() throws Refusal {
      Object top = peek();
      stack.remove(stack.size() - 1);
      return top;
    }

    private List<Object> last(int count) throws Refusal {
      Object[] values = new Object[count];
      for (int i = count - 1; i >= 0; i--) {
        values[i] = pop();
      }
      return List.of(values);
    }

    /** The values since the last mark; they and the mark are gone from the stack. */
    private List<Object> group() throws Refusal {
      int mark = stack.lastIndexOf(Single.MARK);
      if (mark < 0) {
        throw new Refusal("it ends a group that it did not begin, at byte " + position);
      }
      List<Object> since = stack.subList(mark + 1, stack.size());
      List<Object> group = new ArrayList<>(since);
      stack.subList(mark, stack.size()).clear();
      return group;
    }

    private void put(long place) throws Refusal {
      Object top = peek();
      boolean keeps =
          top instanceof String
              || top instanceof Known
              || top instanceof WholeNumbers
              || top instanceof Dict;
      if (place == memo.size()) {
        memo.add(keeps ? top : Single.NOT_KEPT);
      } else if (place >= 0 && place < memo.size()) {
        memo.set((int) place, keeps ? top : Single.NOT_KEPT);
      } else {
        throw new Refusal("it keeps value %d before value %d".formatted(place, memo.size()));
      }
    }

    private void get(long place) throws Refusal {
      if (place < 0 || place >= memo.size()) {
        throw new Refusal("it uses value %d, which it did not keep".formatted(place));
      }
      push(memo.get((int) place));
    }

    // ---- the dict ----

    private void protocol() throws IOException {
      int protocol = read();
      if (protocol > 5) {
        throw new Refusal("it is of protocol %d; 0 to 5 are read".formatted(protocol));
      }
    }

    private void emptyDict() throws Refusal {
      if (dict != null) {
        throw new Refusal("it holds a dict in a dict");
      }
      Dict made = new Dict();
      dict = made;
      push(made);
    }

    private void dictOfGroup() throws Refusal {
      List<Object> pairs = group();
      emptyDict();
      setItems(pairs);
    }

    private void setItem() throws Refusal {
      setItems(last(2));
    }

    private void setItems(List<Object> pairs) throws Refusal {
      if (!(peek() instanceof Dict made) || pairs.size() % 2 != 0) {
        throw new Refusal("it sets an item of what is no dict, at byte " + position);
      }
      for (int i = 0; i < pairs.size(); i += 2) {
        setItem(pairs.get(i), pairs.get(i + 1), made.names);
      }
    }

    private static void setItem(Object key, Object value, SortedMap<Long, String> names)
        throws Refusal {
      if (!(key instanceof Long id) || id < 0) {
        throw new Refusal("an id is %s; a whole number from 0 on is needed".formatted(shown(key)));
      }
      if (!(value instanceof String name)) {
        throw new Refusal("the name of id %d is %s, not a text".formatted(id, shown(value)));
      }
      String stripped = name.strip();
      if (stripped.isEmpty() || stripped.lines().count() > 1) {
        throw new Refusal("the name of id %d is not one line of text".formatted(id));
      }
      if (names.put(id, stripped) != null) {
        throw new Refusal("it names id %d again".formatted(id));
      }
    }

    private static String shown(Object value) {
      if (value instanceof String text) {
        return "'" + text.substring(0, Math.min(40, text.length())) + "'";
      }
      return value instanceof Long || value instanceof Boolean
          ? value.toString()
          : "a " + value.getClass().getSimpleName();
    }

    // ---- numpy.int64 ----

    private void stackGlobal() throws Refusal {
      List<Object> named = last(2);
      if (!(named.get(0) instanceof String module) || !(named.get(1) instanceof String name)) {
        throw new Refusal("it holds STACK_GLOBAL without names");
      }
      push(Known.of(module + " " + name, "STACK_GLOBAL"));
    }

    private void reduce() throws Refusal {
      List<Object> call = last(2);
      if (call.get(0) instanceof Known known && call.get(1) instanceof List<?> arguments) {
        Object made =
            switch (known) {
              case TYPE -> type(arguments);
              case SCALAR -> scalar(arguments);
              case ENCODE -> encoded(arguments);
            };
        if (made != null) {
          push(made);
          return;
        }
      }
      throw new Refusal("it holds REDUCE, which calls code, of other than a numpy.int64");
    }

    private static @Nullable WholeNumbers type(List<?> arguments) {
      Object name = arguments.isEmpty() ? null : arguments.get(0);
      return Objects.equals(name, "i8")
          ? new WholeNumbers(8)
          : Objects.equals(name, "i4") ? new WholeNumbers(4) : null;
    }

    private static @Nullable Long scalar(List<?> arguments) {
      if (arguments.size() != 2
          || !(arguments.get(0) instanceof WholeNumbers type)
          || !(arguments.get(1) instanceof byte[] bytes)
          || bytes.length != type.bytes) {
        return null;
      }
      ByteBuffer value = ByteBuffer.wrap(bytes).order(type.order);
      return bytes.length == Long.BYTES ? value.getLong() : value.getInt();
    }

    private static byte @Nullable [] encoded(List<?> arguments) {
      return arguments.size() == 2
              && arguments.get(0) instanceof String text
              && Objects.equals(arguments.get(1), "latin1")
          ? text.getBytes(ISO_8859_1)
          : null;
    }

    /** The state of a type holds its byte order in the second place. */
    private void build() throws Refusal {
      Object state = pop();
      Map<Object, ByteOrder> orders = new HashMap<>();
      orders.put("<", ByteOrder.LITTLE_ENDIAN);
      orders.put(">", ByteOrder.BIG_ENDIAN);
      if (peek() instanceof WholeNumbers type
          && state instanceof List<?> values
          && values.size() > 1
          && orders.get(values.get(1)) != null) {
        type.order = Objects.requireNonNull(orders.get(values.get(1)));
        return;
      }
      throw new Refusal("it holds BUILD, which can run code, of other than a numpy.int64");
    }

    private Refusal refused(int opcode) {
      String name = OTHERS.get(opcode);
      return new Refusal(
          "it holds %s at byte %d"
              .formatted(
                  name == null ? "the unknown instruction 0x%02x".formatted(opcode) : name,
                  position - 1));
    }
  }

  /** Names of the instructions that are not read, from Python's pickletools. */
  private static final Map<Integer, String> OTHERS =
      Map.ofEntries(
          Map.entry((int) 'i', "INST, which calls code"),
          Map.entry((int) 'o', "OBJ, which calls code"),
          Map.entry(0x81, "NEWOBJ, which calls code"),
          Map.entry(0x92, "NEWOBJ_EX, which calls code"),
          Map.entry(0x82, "EXT1, which names code"),
          Map.entry(0x83, "EXT2, which names code"),
          Map.entry(0x84, "EXT4, which names code"),
          Map.entry((int) 'P', "PERSID"),
          Map.entry((int) 'Q', "BINPERSID"),
          Map.entry((int) ']', "EMPTY_LIST"),
          Map.entry((int) 'l', "LIST"),
          Map.entry((int) 'a', "APPEND"),
          Map.entry((int) 'e', "APPENDS"),
          Map.entry((int) ')', "EMPTY_TUPLE"),
          Map.entry(0x85, "TUPLE1"),
          Map.entry(0x8f, "EMPTY_SET"),
          Map.entry(0x90, "ADDITEMS"),
          Map.entry(0x91, "FROZENSET"),
          Map.entry((int) 'S', "STRING"),
          Map.entry((int) 'T', "BINSTRING"),
          Map.entry((int) 'U', "SHORT_BINSTRING"),
          Map.entry((int) 'F', "FLOAT"),
          Map.entry((int) 'G', "BINFLOAT"),
          Map.entry(0x8b, "LONG4"),
          Map.entry(0x8e, "BINBYTES8"),
          Map.entry(0x96, "BYTEARRAY8"),
          Map.entry(0x97, "NEXT_BUFFER"),
          Map.entry(0x98, "READONLY_BUFFER"),
          Map.entry((int) '0', "POP"),
          Map.entry((int) '1', "POP_MARK"),
          Map.entry((int) '2', "DUP"));
}
