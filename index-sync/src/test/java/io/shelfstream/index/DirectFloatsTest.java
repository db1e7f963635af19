package io.shelfstream.index;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.FloatBuffer;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DirectFloatsTest {

  @Test
  void lendsADirectBufferAsItIs() {
    FloatBuffer own = TestVectors.direct(TestVectors.units(1, 2, 4));

    try (DirectFloats floats = DirectFloats.of(own)) {
      own.put(0, 42f);

      assertThat(floats.floats().get(0)).isEqualTo(42f);
    }
  }

  @Test
  void copiesOtherBuffersWhole() {
    for (int count : new int[] {1, 7, 4096, 4097, 600_000}) {
      FloatBuffer heap = FloatBuffer.allocate(count).put(count - 1, 5f);

      try (DirectFloats floats = DirectFloats.of(heap)) {
        assertThat(floats.floats().remaining()).isEqualTo(count);
        assertThat(floats.floats().get(count - 1)).isEqualTo(5f);
        assertThat(DirectFloats.fits(floats.floats())).isTrue();
      }
    }
  }

  @Test
  void neverLendsOneCopyTwiceAtATime() {
    FloatBuffer one = FloatBuffer.wrap(new float[] {1});
    FloatBuffer two = FloatBuffer.wrap(new float[] {2});
    Set<Float> seen = new HashSet<>();

    for (int i = 0; i < 50; i++) {
      try (DirectFloats a = DirectFloats.of(one);
          DirectFloats b = DirectFloats.of(two)) {
        a.close();
        try (DirectFloats c = DirectFloats.of(one)) {
          seen.add(b.floats().get(0));
          seen.add(c.floats().get(0) + 10);
        }
      }
    }

    assertThat(seen).containsExactlyInAnyOrder(2f, 11f);
  }
}
