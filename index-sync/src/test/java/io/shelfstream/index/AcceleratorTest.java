package io.shelfstream.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Everything of a search on devices but the device. */
class AcceleratorTest {

  private static final int DIMENSION = 16;
  private static final int ROWS = 1000;

  /** What the writer says of a row before and after it marks it; 0 until then. */
  private static final int MAY_BE_DELETED = 1;

  private static final int DELETED = 2;
  private static final FloatBuffer VECTORS = TestVectors.units(7, 2 * ROWS, DIMENSION);
  private static final FloatBuffer QUERIES = TestVectors.units(8, 5, DIMENSION);

  private static Segment block(int rows) {
    return block(0, rows);
  }

  /** Two that are searched together hold different rows: which of equal ones is found is open. */
  private static Segment block(int from, int rows) {
    Segment block = Segment.block(DIMENSION, rows);
    block.append(VECTORS.duplicate().limit((from + rows) * DIMENSION).position(from * DIMENSION));
    return block;
  }

  private static List<Segment.View> whole(Segment... segments) {
    return Arrays.stream(segments).map(s -> new Segment.View(s, s.capacity())).toList();
  }

  private static LongBuffer bits(int rows, IntPredicate allowed) {
    LongBuffer bits =
        ByteBuffer.allocateDirect((rows + 63) / 64 * Long.BYTES)
            .order(ByteOrder.nativeOrder())
            .asLongBuffer();
    IntStream.range(0, rows)
        .filter(allowed)
        .forEach(i -> bits.put(i / 64, bits.get(i / 64) | 1L << i));
    return bits;
  }

  private static void assertAgrees(
      Accelerator accelerator, List<Segment.View> views, long sequence, int k) {
    Neighbor[][] exact = Segment.search(views, sequence, true, QUERIES.duplicate(), k);
    Neighbor[][] found = accelerator.search(views, sequence, QUERIES.duplicate(), k);
    assertThat(found.length).isEqualTo(exact.length);
    for (int q = 0; q < exact.length; q++) {
      assertThat(ids(found[q])).as("query " + q).containsExactly(ids(exact[q]));
      for (int i = 0; i < exact[q].length; i++) {
        assertThat(found[q][i].score()).isCloseTo(exact[q][i].score(), within(1e-6f));
      }
    }
  }

  private static long[] ids(Neighbor[] neighbors) {
    return Arrays.stream(neighbors).mapToLong(Neighbor::id).toArray();
  }

  @ParameterizedTest
  @ValueSource(strings = {"block", "Flat", "HNSW8", "IVF4,Flat", "IVF4,SQfp16", "SQfp16"})
  void agreesWithTheCpuWhateverTheType(String type) {
    TestDevice device = new TestDevice();
    try (Accelerator accelerator = TestDevice.accelerator(10, 100 * DIMENSION * 4, device);
        Segment source = block(ROWS);
        Segment segment =
            type.equals("block")
                ? block(ROWS)
                : Segment.index(IndexType.of(type), DIMENSION, ROWS)) {
      if (!type.equals("block")) {
        segment.trainFrom(source);
        segment.appendFrom(source, IntStream.range(0, ROWS).toArray());
      }

      accelerator.follow(segment, ROWS);

      assertThat(device.rows).hasValue(ROWS);
      for (int i = 0; i < ROWS; i += 3) {
        segment.markDeleted(i, 1 + i % 2);
      }
      for (int sequence = 0; sequence < 3; sequence++) {
        for (int k : new int[] {1, 10, ROWS}) {
          assertAgrees(accelerator, whole(segment), sequence, k);
        }
      }
      assertThat(device.searches).hasPositiveValue();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 7, 100, 1000, 5000})
  void findsWhatAFilterLeaves(int oneIn) {
    TestDevice device = new TestDevice(256, ROWS);
    try (Accelerator accelerator = TestDevice.accelerator(10, 1 << 20, device);
        Segment copied = block(ROWS);
        Segment other = block(ROWS, 300)) {
      accelerator.follow(copied, ROWS);
      copied.markDeleted(0, 1);
      List<Segment.View> views =
          List.of(
              new Segment.View(copied, ROWS, bits(ROWS, i -> i % oneIn == oneIn - 1)),
              new Segment.View(other, 300, bits(300, i -> i % 5 == 1)));

      assertAgrees(accelerator, views, 1, 3);
      assertAgrees(accelerator, views, 1, 40);
      // Where it leaves few, the CPU finds them sooner.
      assertThat(device.searches.get() > 0).isEqualTo(oneIn < 100);
    }
  }

  @Test
  void asksForTwiceAsManyWhileTheNearestAreBuried() {
    TestDevice device = new TestDevice(128, ROWS);
    try (Accelerator accelerator = TestDevice.accelerator(10, 1 << 20, device);
        Segment segment = block(ROWS)) {
      accelerator.follow(segment, ROWS);
      FloatBuffer query = QUERIES.duplicate().limit(DIMENSION);
      Neighbor[] nearest = Segment.search(whole(segment), 0, true, query, 200)[0];

      List<Integer> searches = new ArrayList<>();
      for (int deleted : new int[] {0, 20, 60, 200}) {
        for (int i = 0; i < deleted; i++) {
          segment.markDeleted(Segment.position(nearest[i].id()), deleted);
        }
        device.searches.set(0);
        Neighbor[][] found = accelerator.search(whole(segment), deleted, query.duplicate(), 10);
        searches.add(device.searches.get());
        assertThat(ids(found[0]))
            .containsExactly(ids(Segment.search(whole(segment), deleted, true, query, 10)[0]));
      }

      // 26, 52, 104 and the most, 128; after that the CPU.
      assertThat(searches).containsExactly(1, 2, 3, 4);
    }
  }

  @Test
  void searchesOnTheCpuWhatIsNotCopiedYet() {
    TestDevice device = new TestDevice();
    try (Accelerator accelerator = TestDevice.accelerator(100, 1 << 20, device);
        Segment source = block(ROWS);
        Segment others = block(ROWS, ROWS);
        Segment open = Segment.block(DIMENSION, ROWS);
        Segment growing = Segment.index(IndexType.of("IVF4,Flat"), DIMENSION, ROWS)) {
      growing.trainFrom(source);
      growing.searchParameter(4);
      for (int rows = 50; rows <= ROWS; rows += 50) {
        int[] next = IntStream.range(rows - 50, rows).toArray();
        growing.appendFrom(source, next);
        open.appendFrom(others, next);

        accelerator.follow(growing, rows);
        accelerator.follow(open, rows);

        assertAgrees(
            accelerator,
            List.of(new Segment.View(growing, rows - 7), new Segment.View(open, rows)),
            1,
            20);
        // Of what grows every hundred rows; of a block all, once it is full.
        assertThat(device.rows).hasValue(rows / 100 * 100 + (rows == ROWS ? ROWS : 0));
      }
    }
  }

  @Test
  void dividesRowsAmongDevices() {
    TestDevice one = new TestDevice();
    TestDevice other = new TestDevice();
    try (Accelerator accelerator = TestDevice.accelerator(10, 1 << 20, one, other);
        Segment segment = block(ROWS);
        Segment second = block(ROWS, 300)) {
      accelerator.follow(segment, ROWS);
      accelerator.follow(second, 300);

      assertThat(one.rows.get()).isEqualTo(ROWS / 2 + 150);
      assertThat(other.rows.get()).isEqualTo(ROWS / 2 + 150);
      assertAgrees(accelerator, whole(segment, second), 1, 50);
    }
  }

  @Test
  void leavesOnTheCpuWhatADeviceHasNoRoomFor() {
    TestDevice device = new TestDevice(2048, 350);
    try (Accelerator accelerator = TestDevice.accelerator(10, 100 * (DIMENSION * 4 + 4), device);
        Segment segment = block(ROWS)) {
      accelerator.follow(segment, ROWS);
      accelerator.follow(segment, ROWS);

      assertThat(device.rows).hasValue(300);
      assertThat(accelerator.bytes()).isEqualTo(300 * (DIMENSION * 4 + 4));
      assertAgrees(accelerator, whole(segment), 1, 50);
      assertThat(device.searches).hasPositiveValue();
    }
  }

  @Test
  void keepsToTheMemoryLimit() {
    TestDevice device = new TestDevice();
    long limit = 250L * (DIMENSION * 4 + 4);
    try (Accelerator accelerator =
            new Accelerator(
                List.of(DeviceThread.start("limited", () -> device, limit)),
                10,
                100 * (DIMENSION * 4 + 4));
        Segment segment = block(ROWS)) {
      accelerator.follow(segment, ROWS);

      assertThat(device.rows).hasValue(200);
      assertAgrees(accelerator, whole(segment), 1, 50);

      segment.close();
      assertThat(accelerator.bytes()).isZero();
    }
  }

  @Test
  void answersWithoutADeviceThatFails() {
    TestDevice device = new TestDevice();
    try (Accelerator accelerator = TestDevice.accelerator(10, 1 << 20, device);
        Segment segment = block(ROWS);
        Segment later = block(ROWS, ROWS)) {
      accelerator.follow(segment, ROWS);
      device.broken = true;

      assertAgrees(accelerator, whole(segment), 1, 10);

      device.broken = false;
      accelerator.follow(later, ROWS);
      assertAgrees(accelerator, whole(segment, later), 1, 10);
      assertThat(device.searches).hasValue(0);
      assertThat(device.rows).hasValue(ROWS);
    }
  }

  @Test
  void refusesWhatTheCpuRefuses() {
    try (Accelerator accelerator = TestDevice.accelerator(10, 1 << 20, new TestDevice());
        Segment segment = block(ROWS)) {
      accelerator.follow(segment, ROWS);
      FloatBuffer zeros = FloatBuffer.allocate(DIMENSION);
      FloatBuffer half = FloatBuffer.allocate(DIMENSION / 2);

      assertThatIllegalArgumentException()
          .isThrownBy(() -> accelerator.search(whole(segment), 1, QUERIES.duplicate(), 0));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> accelerator.search(whole(segment), 1, half, 1));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> accelerator.search(whole(segment), 1, zeros, 1));
      assertThat(accelerator.search(whole(segment), 1, FloatBuffer.allocate(0), 1)).isEmpty();
    }
  }

  @Test
  void freesCopiesWithTheirSegmentAndDevicesLast() throws InterruptedException {
    TestDevice device = new TestDevice();
    Accelerator accelerator = TestDevice.accelerator(10, 100 * DIMENSION * 4, device);
    try (Segment first = block(ROWS);
        Segment second = block(ROWS, ROWS)) {
      accelerator.follow(first, ROWS);
      accelerator.follow(second, ROWS);
      assertThat(device.copies()).isGreaterThan(20);
      int ofBoth = device.copies();

      first.close();
      Await.until(() -> device.rows.get() == ROWS);
      assertThat(device.copies()).isEqualTo(ofBoth / 2);

      accelerator.close();
      accelerator.close();
      Await.until(() -> device.closed);
      assertThat(device.copies()).isZero();
      assertAgrees(accelerator, whole(second), 1, 10);
    }
  }

  @Test
  void neverFindsWhatWasBuriedBeforeAndAlwaysWhatWasThere() throws Exception {
    TestDevice one = new TestDevice(64, Integer.MAX_VALUE);
    TestDevice other = new TestDevice(64, Integer.MAX_VALUE);
    Accelerator accelerator = TestDevice.accelerator(20, 200 * DIMENSION * 4, one, other);
    AtomicIntegerArray deleted = new AtomicIntegerArray(ROWS);
    AtomicBoolean done = new AtomicBoolean();
    ExecutorService readers = Executors.newFixedThreadPool(3);
    try (Segment source = block(ROWS);
        Segment segment = Segment.index(IndexType.of("IVF4,Flat"), DIMENSION, ROWS)) {
      segment.trainFrom(source);
      segment.appendFrom(source, IntStream.range(0, 100).toArray());
      int[] shown = {100};
      List<Future<Integer>> found = new ArrayList<>();
      for (int reader = 0; reader < 3; reader++) {
        Random random = new Random(reader);
        found.add(readers.submit(() -> read(accelerator, segment, shown, deleted, done, random)));
      }
      Random random = new Random(17);
      for (int rows = 101; rows <= ROWS; rows++) {
        segment.appendFrom(source, new int[] {rows - 1});
        synchronized (shown) {
          shown[0] = rows;
        }
        int dead = random.nextInt(rows);
        deleted.compareAndSet(dead, 0, MAY_BE_DELETED);
        segment.markDeleted(dead, 1);
        deleted.set(dead, DELETED);
        accelerator.follow(segment, rows);
        if (rows == ROWS - 100) {
          Await.until(() -> one.searches.get() + other.searches.get() > 0);
          accelerator.close(); // while they search
        }
      }
      done.set(true);
      for (Future<Integer> each : found) {
        assertThat(each.get()).isPositive();
      }
      assertThat(one.searches.get() + other.searches.get()).isPositive();
    } finally {
      done.set(true);
      readers.shutdownNow();
    }
  }

  /** Returns how often it looked. */
  private static int read(
      Accelerator accelerator,
      Segment segment,
      int[] shown,
      AtomicIntegerArray deleted,
      AtomicBoolean done,
      Random random) {
    int looks = 0;
    do {
      int rows;
      synchronized (shown) {
        rows = shown[0];
      }
      int row = random.nextInt(rows);
      boolean wasDeleted = deleted.get(row) == DELETED;
      FloatBuffer query =
          VECTORS.duplicate().position(row * DIMENSION).limit((row + 1) * DIMENSION);
      List<Segment.View> view = List.of(new Segment.View(segment, rows));
      @Nullable Neighbor best = first(accelerator.search(view, 1, query, 5)[0]);
      boolean isFound = best != null && best.id() == row;
      if (wasDeleted && isFound) {
        throw new AssertionError("row " + row + " was found after it was marked deleted");
      }
      if (!isFound && deleted.get(row) == 0) {
        throw new AssertionError("row " + row + " of " + rows + " was not found: " + best);
      }
      looks++;
    } while (!done.get());
    return looks;
  }

  private static @Nullable Neighbor first(Neighbor[] neighbors) {
    return neighbors.length == 0 ? null : neighbors[0];
  }
}
