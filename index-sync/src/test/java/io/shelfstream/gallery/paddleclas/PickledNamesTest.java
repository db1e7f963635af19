package io.shelfstream.gallery.paddleclas;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.index.IndexException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PickledNamesTest {

  @TempDir Path folder;

  private SortedMap<Long, String> read(byte[] pickle) throws IOException {
    return PickledNames.read(Files.write(folder.resolve("id_map.pkl"), pickle));
  }

  private SortedMap<Long, String> readHex(String pickle) throws IOException {
    return read(HexFormat.of().parseHex(pickle));
  }

  /**
   * {@code {0: 'a.jpg\tcola', 1: 'b.jpg\tTé 可乐', 300: 'c d.jpg\toat milk', 70000: 'e', 2**40:
   * 'f'}}.
   */
  private static final Map<Long, String> PLAIN =
      Map.of(
          0L,
          "a.jpg\tcola",
          1L,
          "b.jpg\tTé 可乐",
          300L,
          "c d.jpg\toat milk",
          70000L,
          "e",
          1L << 40,
          "f");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "286470300a49300a56612e6a706709636f6c610a70310a7349310a56622e6a70670954e9205c75353365665c75346535300a70320a73493330300a566320642e6a7067096f6174206d696c6b0a70330a734937303030300a56650a70340a734c313039393531313632373737364c0a56660a70350a732e",
        "7d7100284b00580a000000612e6a706709636f6c6171014b015810000000622e6a70670954c3a920e58fafe4b99071024d2c0158100000006320642e6a7067096f6174206d696c6b71034a7011010058010000006571044c313039393531313632373737364c0a5801000000667105752e",
        "80027d7100284b00580a000000612e6a706709636f6c6171014b015810000000622e6a70670954c3a920e58fafe4b99071024d2c0158100000006320642e6a7067096f6174206d696c6b71034a7011010058010000006571048a060000000000015801000000667105752e",
        "80037d7100284b00580a000000612e6a706709636f6c6171014b015810000000622e6a70670954c3a920e58fafe4b99071024d2c0158100000006320642e6a7067096f6174206d696c6b71034a7011010058010000006571048a060000000000015801000000667105752e",
        "80049554000000000000007d94284b008c0a612e6a706709636f6c61944b018c10622e6a70670954c3a920e58fafe4b990944d2c018c106320642e6a7067096f6174206d696c6b944a701101008c0165948a060000000000018c016694752e",
        "80059554000000000000007d94284b008c0a612e6a706709636f6c61944b018c10622e6a70670954c3a920e58fafe4b990944d2c018c106320642e6a7067096f6174206d696c6b944a701101008c0165948a060000000000018c016694752e"
      })
  void readsEveryProtocolOfPython(String pickle) throws IOException {
    assertThat(readHex(pickle)).isEqualTo(new TreeMap<>(PLAIN));
  }

  private static final String NUMPY_4 =
      "800495b7000000000000007d94288c166e756d70792e5f636f72652e6d756c74696172726179948c067363616c61729493948c056e756d7079948c0564747970659493948c02693894898887945294284b038c013c944e4e4e4affffffff4affffffff4b007494624308000000000000000094869452948c0a612e6a706709636f6c6194680368094308010000000000000094869452948c09622e6a70670954c3a994680368094308000000000200000094869452948c0163944b078c016494752e";

  /** As PaddleClas's build_gallery leaves them, by numpy 2 and numpy 1. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "80027d710028636e756d70792e5f636f72652e6d756c746961727261790a7363616c61720a7101636e756d70790a64747970650a71025802000000693871038988877104527105284b0358010000003c71064e4e4e4affffffff4affffffff4b0074710762635f636f646563730a656e636f64650a710858080000000000000000000000710958060000006c6174696e31710a86710b52710c86710d52710e580a000000612e6a706709636f6c61710f680168056808580800000001000000000000007110680a8671115271128671135271145809000000622e6a70670954c3a97115680168056808580800000000000000020000007116680a86711752711886711952711a580100000063711b4b07580100000064711c752e",
        "80037d710028636e756d70792e5f636f72652e6d756c746961727261790a7363616c61720a7101636e756d70790a64747970650a71025802000000693871038988877104527105284b0358010000003c71064e4e4e4affffffff4affffffff4b007471076243080000000000000000710886710952710a580a000000612e6a706709636f6c61710b6801680543080100000000000000710c86710d52710e5809000000622e6a70670954c3a9710f6801680543080000000002000000711086711152711258010000006371134b075801000000647114752e",
        "80037d710028636e756d70792e636f72652e6d756c746961727261790a7363616c61720a7101636e756d70790a64747970650a71025802000000693871038988877104527105284b0358010000003c71064e4e4e4affffffff4affffffff4b007471076243080000000000000000710886710952710a580a000000612e6a706709636f6c61710b6801680543080100000000000000710c86710d52710e5809000000622e6a70670954c3a9710f6801680543080000000002000000711086711152711258010000006371134b075801000000647114752e",
        "800595b7000000000000007d94288c166e756d70792e5f636f72652e6d756c74696172726179948c067363616c61729493948c056e756d7079948c0564747970659493948c02693894898887945294284b038c013c944e4e4e4affffffff4affffffff4b007494624308000000000000000094869452948c0a612e6a706709636f6c6194680368094308010000000000000094869452948c09622e6a70670954c3a994680368094308000000000200000094869452948c0163944b078c016494752e",
        NUMPY_4
      })
  void readsIdsThatAreNumpyNumbers(String pickle) throws IOException {
    assertThat(readHex(pickle))
        .containsExactlyEntriesOf(
            new TreeMap<>(Map.of(0L, "a.jpg\tcola", 1L, "b.jpg\tTé", 7L, "d", 1L << 33, "c")));
  }

  @Test
  void readsNumpyNumbersOfOtherSizesAndOrders() throws IOException {
    assertThat(
            readHex(
                "8004956d000000000000007d948c166e756d70792e5f636f72652e6d756c74696172726179948c067363616c61729493948c056e756d7079948c0564747970659493948c02693494898887945294284b038c013c944e4e4e4affffffff4affffffff4b0074946243040500000094869452948c016194732e"))
        .isEqualTo(new TreeMap<>(Map.of(5L, "a")));
    assertThat(
            readHex(
                "80037d7100636e756d70792e5f636f72652e6d756c746961727261790a7363616c61720a7101636e756d70790a64747970650a71025802000000693871038988877104527105284b0358010000003e71064e4e4e4affffffff4affffffff4b007471076243080100000000000000710886710952710a580100000078710b732e"))
        .isEqualTo(new TreeMap<>(Map.of(1L << 56, "x")));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 999, 1000, 1001, 2000})
  void readsWhatItWrites(int photos) throws IOException {
    SortedMap<Long, String> names = new TreeMap<>();
    for (int i = 0; i < photos; i++) {
      names.put((long) i * i * i * 7, "folder " + i + "/é.jpg\tTé 可乐 " + i);
    }

    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PickledNames.write(names, out);

    assertThat(read(out.toByteArray())).isEqualTo(names);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "cos\\nsystem\\n(Vtouch x\\ntR.                         | GLOBAL 'os system'",
        "\\200\\004\\214\\002os\\214\\006system\\223.   | STACK_GLOBAL 'os system'",
        "(ios\\nsystem\\n.                                       | INST",
        "(cnumpy\\ndtype\\nVi8\\no.                               | OBJ",
        "cnumpy\\ndtype\\n)R.                                     | EMPTY_TUPLE",
        "cnumpy\\ndtype\\n(tR.                                    | REDUCE",
        "cnumpy\\ndtype\\n(VO8\\ntR.                               | REDUCE",
        "cnumpy\\ndtype\\n(Vi8\\ntRNb.                             | BUILD",
        "}}b.                                                    | a dict in a dict",
        "}(K\\001Vx\\nu}.                                        | a dict in a dict",
        "}Nb.                                                    | BUILD",
        "c_codecs\\nencode\\n(Vx\\nVutf8\\ntR.                       | REDUCE",
        "c_codecs\\ndecode\\n.                                     | GLOBAL '_codecs decode'",
        "cbuiltins\\neval\\n.                                      | GLOBAL 'builtins eval'",
        "}(\\202\\001.                                         | EXT1",
        "}Pid\\n.                                                 | PERSID",
        "}Q.                                                     | BINPERSID",
        "}(]e.                                                   | EMPTY_LIST",
        "}(K\\001]u.                                            | EMPTY_LIST",
        "}(K\\001K\\002u.                                       | the name of id 1 is 2, not a text",
        "}(Vx\\nVy\\nu.                                            | an id is 'x'",
        "}(\\210Vy\\nu.                                          | an id is true",
        "}(I01\\nVy\\nu.                                           | INT '01' is no id",
        "}(I-1\\nVy\\nu.                                           | an id is -1",
        "}(K\\001Vx\\nK\\001Vy\\nu.                               | names id 1 again",
        "}(K\\001V\\\\u000a\\nu.                                   | not one line of text",
        "}(K\\001Va\\\\u000ab\\nu.                                 | not one line of text",
        "}(K\\001V\\\\U00110000\\nu.                               | no character",
        "}(K\\001Sx\\nu.                                         | STRING",
        "}(K\\001G\\000u.                                       | BINFLOAT",
        "}(\\212\\0111234567890u.                              | a number of 9 bytes",
        "}(K\\001X\\000\\000\\000\\200u.                      | a text of 2147483648 bytes",
        "}(K\\001\\214\\002\\377\\377u.                      | not UTF-8",
        "}q\\007.                                               | keeps value 7 before value 0",
        "}h\\000.                                               | uses value 0, which it did not keep",
        "}                                                       | ends too early, after 1 bytes",
        "u.                                                      | a group that it did not begin",
        "s.                                                      | a value where there is none",
        "}(K\\001u.                                              | no dict",
        "K\\001.                                                | it is no dict",
        ".                                                       | it is no dict",
        "}K\\001.                                               | it is no dict",
        "\\200\\011}.                                          | protocol 9",
        "~.                                                      | unknown instruction 0x7e"
      })
  void refusesEverythingElseByName(String pickle, String named) {
    byte[] bytes = pickle.translateEscapes().getBytes(ISO_8859_1);

    assertThatThrownBy(() -> read(bytes))
        .isInstanceOf(IndexException.class)
        .hasFieldOrPropertyWithValue("code", IndexException.Code.FILE)
        .hasMessageContaining(named)
        .hasMessageContaining("if you trust this file");
  }

  @Test
  void textsAndNumbersOfEveryKindAreRead() throws IOException {
    String pickle =
        "\u0080\u0002}q\0(I5\nVlatin \u00e9 and \\u4e2d \\U0001f34f\np1\n"
            + "M\u0001\u0001X\u0003\0\0\0abcq\u0002L70000L\ng2\n\u008a\0h\u0001u.";

    assertThat(read(pickle.getBytes(ISO_8859_1)))
        .containsExactlyEntriesOf(
            new TreeMap<>(
                Map.of(
                    0L, "latin é and 中 🍏",
                    5L, "latin é and 中 🍏",
                    257L, "abc",
                    70000L, "abc")));
  }

  /** Whatever the bytes are, it is read or refused, in memory and time that do not grow. */
  @Test
  void damagedPicklesAreReadOrRefusedAndNothingElse() throws IOException {
    Random random = new Random(18);
    byte[] whole = HexFormat.of().parseHex(NUMPY_4);
    int read = 0;
    for (int i = 0; i < 3000; i++) {
      byte[] bytes = i % 10 == 0 ? new byte[random.nextInt(200)] : whole.clone();
      if (i % 10 == 0) {
        random.nextBytes(bytes);
      } else {
        for (int change = random.nextInt(3); change >= 0; change--) {
          bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        }
        bytes = Arrays.copyOf(bytes, bytes.length - random.nextInt(2) * random.nextInt(60));
      }
      try {
        read(bytes);
        read++;
      } catch (IndexException e) {
        assertThat(e.code()).isEqualTo(IndexException.Code.FILE);
      }
    }
    assertThat(read).isBetween(50, 2900);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"(", "N", "(K\u0001Vx\n", "\u0088\u0094", "\u0094", "K\u0001K\u0001\u0086"})
  void manyValuesEndInARefusalAndNotInMemory(String repeated) throws IOException {
    byte[] bytes = ("}" + repeated.repeat((20 << 20) / repeated.length())).getBytes(ISO_8859_1);

    assertThatThrownBy(() -> read(bytes)).isInstanceOf(IndexException.class);
  }

  @Test
  void remedyIsTheFilesOwn() throws IOException {
    assertThatThrownBy(() -> read("]".getBytes(UTF_8)))
        .hasMessageEndingWith(
            "python3 -c \"import pickle; [print(int(k), v.strip()) for k, v in"
                + " pickle.load(open('id_map.pkl', 'rb')).items()]\" > id_map.txt");
  }
}
