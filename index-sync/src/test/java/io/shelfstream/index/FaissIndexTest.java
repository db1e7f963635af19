package io.shelfstream.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The contract, and what only Faiss has: types, training, files, threads. */
class FaissIndexTest extends VectorIndexContract {

  private static final int DIMENSION = 16;

  @Override
  VectorIndex create(int dimension, Metric metric) {
    return FaissIndex.create("Flat", dimension, metric);
  }

  private static FaissIndex filled(String type, int count) {
    FaissIndex index = FaissIndex.create(type, DIMENSION, Metric.INNER_PRODUCT);
    if (!index.trained()) {
      index.train(TestVectors.units(9, 400, DIMENSION));
    }
    index.add(TestVectors.ids(count), TestVectors.units(1, count, DIMENSION));
    return index;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Flat",
        "SQ8",
        "SQfp16",
        "PQ8",
        "HNSW32",
        "HNSW32,SQ8",
        "IVF8,Flat",
        "IVF8,SQfp16",
        "IVF8,PQ8"
      })
  void findsItsOwnVectorsWithEveryTypeAndAfterAFile(String type, @TempDir Path folder) {
    Path file = folder.resolve("index");
    FloatBuffer queries = TestVectors.units(1, 20, DIMENSION);
    try (FaissIndex index = filled(type, 300)) {
      Neighbor[][] hits = index.search(queries, 5);
      index.write(file);

      try (FaissIndex again = FaissIndex.read(file)) {
        assertThat(again.type()).isEqualTo(type).isEqualTo(index.type());
        assertThat(again.ids()).containsExactlyInAnyOrder(TestVectors.ids(300));
        assertThat(again.search(queries, 5)).isDeepEqualTo(hits);
        long own = 0;
        for (int q = 0; q < 20; q++) {
          own += hits[q].length > 0 && hits[q][0].id() == q ? 1 : 0;
        }
        assertThat(own).isGreaterThanOrEqualTo(16);
      }
    }
  }

  @Test
  void takesAFactoryStringWithAnIdMapForTheSameType() {
    try (FaissIndex index = FaissIndex.create("IDMap2,HNSW32", DIMENSION, Metric.INNER_PRODUCT)) {
      assertThat(index.type()).isEqualTo("HNSW32");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "Flot", "HNSW0", "IVF0,Flat", "PQ5", "PQ8x4fs", "LSH", "Flat\u0000", "größe"})
  void refusesTypesItDoesNotKnowAndNamesThoseItKnows(String type) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> FaissIndex.create(type, DIMENSION, Metric.L2))
        .withMessageStartingWith("index type ");
  }

  @Test
  void wantsTrainingBeforeVectors() {
    try (FaissIndex index = FaissIndex.create("IVF8,Flat", DIMENSION, Metric.INNER_PRODUCT)) {
      FloatBuffer vectors = TestVectors.units(1, 400, DIMENSION);

      assertThatThrownBy(() -> index.add(TestVectors.ids(400), vectors))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("must be trained")
          .hasFieldOrPropertyWithValue("code", IndexException.Code.NOT_TRAINED);
      assertThat(index.search(TestVectors.units(2, 1, DIMENSION), 3)[0]).isEmpty();
      assertThatThrownBy(() -> index.train(TestVectors.units(1, 7, DIMENSION)))
          .isInstanceOf(IndexException.class)
          .hasFieldOrPropertyWithValue("code", IndexException.Code.FAISS);
      index.train(vectors);
      index.add(TestVectors.ids(400), vectors);
      assertThatIllegalArgumentException().isThrownBy(() -> index.train(vectors));
      assertThat(index.size()).isEqualTo(400);
    }
  }

  @Test
  void saysThatAGraphCannotRemove() {
    try (FaissIndex index = filled("HNSW32", 20)) {
      assertThatThrownBy(() -> index.remove(new long[] {3}))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("HNSW32")
          .hasFieldOrPropertyWithValue("code", IndexException.Code.UNSUPPORTED);
      assertThat(index.size()).isEqualTo(20);
    }
  }

  @Test
  void survivesNotANumberInAGraphSearch() {
    try (FaissIndex index = filled("HNSW32", 200)) {
      FloatBuffer query = FloatBuffer.allocate(DIMENSION).put(3, Float.NaN);

      assertThatIllegalArgumentException().isThrownBy(() -> index.search(query, 5));
      assertThat(index.search(TestVectors.units(2, 1, DIMENSION), 5)[0]).hasSize(5);
    }
  }

  @Test
  void refusesFilesThatAreMissingCutShortOrSomethingElse(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("vector.index");
    assertThatThrownBy(() -> FaissIndex.read(file)).hasMessageContaining("no such file");
    assertThatThrownBy(() -> FaissIndex.read(folder)).hasMessageContaining("no such file");
    try (FaissIndex index = filled("HNSW32", 20)) {
      index.write(file);
    }
    byte[] whole = Files.readAllBytes(file);
    for (int length = 0; length < whole.length; length += 1 + whole.length / 60) {
      Files.write(file, Arrays.copyOf(whole, length));

      assertThatThrownBy(() -> FaissIndex.read(file))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining(file.toString())
          .hasFieldOrPropertyWithValue("code", IndexException.Code.FILE);
    }
    Files.writeString(file, "not an index but a text of some length, with two lines\n\n");
    assertThatThrownBy(() -> FaissIndex.read(file)).isInstanceOf(IndexException.class);
  }

  @Test
  @Timeout(300)
  void finishesRunningSearchesWhenClosedAndRefusesLaterOnes() throws Exception {
    int threads = 4;
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      for (int round = 0; round < 15; round++) {
        FaissIndex index = filled("Flat", 3000);
        FloatBuffer queries = TestVectors.units(2, 4, DIMENSION);
        CountDownLatch running = new CountDownLatch(threads * 3);
        AtomicInteger refused = new AtomicInteger();
        List<Future<?>> searches = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
          searches.add(
              pool.submit(
                  () -> {
                    try {
                      while (true) {
                        assertThat(index.search(queries, 3)[0]).hasSize(3);
                        running.countDown();
                      }
                    } catch (IndexException e) {
                      assertThat(e.code()).isEqualTo(IndexException.Code.CLOSED);
                      refused.incrementAndGet();
                    }
                  }));
        }
        assertThat(running.await(2, TimeUnit.MINUTES)).isTrue();

        index.close();

        for (Future<?> search : searches) {
          search.get();
        }
        assertThat(refused).hasValue(threads);
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  @Timeout(300)
  void searchesSeeWholeChangesOnly() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(3);
    try (FaissIndex index = filled("Flat", 100)) {
      FloatBuffer query = TestVectors.units(2, 1, DIMENSION);
      List<Future<?>> searches = new ArrayList<>();
      AtomicInteger stop = new AtomicInteger();
      for (int t = 0; t < 3; t++) {
        searches.add(
            pool.submit(
                () -> {
                  while (stop.get() == 0) {
                    assertThat(index.search(query, 200)[0].length).isIn(100, 150);
                  }
                }));
      }

      long[] more = new long[50];
      Arrays.setAll(more, i -> 1000 + i);
      for (int i = 0; i < 300; i++) {
        index.add(more, TestVectors.units(i, 50, DIMENSION));
        assertThat(index.remove(more)).isEqualTo(50);
      }

      stop.set(1);
      for (Future<?> search : searches) {
        search.get();
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void givesNoRowsThatAreNotThere() {
    try (FaissIndex index = FaissIndex.create("Flat", DIMENSION, Metric.INNER_PRODUCT)) {
      FloatBuffer vectors = TestVectors.units(1, 10, DIMENSION);
      index.add(TestVectors.ids(10), vectors);
      FloatBuffer room = Segment.buffer(4, DIMENSION);

      assertThat(index.rows(6, room)).containsExactly(6, 7, 8, 9);
      assertThat(room).isEqualTo(vectors.duplicate().position(6 * DIMENSION));
      for (long from : new long[] {7, -1, Long.MAX_VALUE, Long.MIN_VALUE}) {
        assertThatIllegalArgumentException().isThrownBy(() -> index.rows(from, room));
      }
      assertThatIllegalArgumentException()
          .isThrownBy(() -> index.rows(0, FloatBuffer.allocate(DIMENSION)));
    }
  }

  @Test
  void usesOneThreadForSmallBatchesAndRefusesNone() {
    assertThat(Threads.forBatch(1)).isEqualTo(1);
    assertThat(Threads.forBatch(8)).isEqualTo(1);
    assertThat(Threads.forBatch(9)).isEqualTo(Threads.most());
    assertThatIllegalArgumentException().isThrownBy(() -> FaissLibrary.threads(0));
  }
}
