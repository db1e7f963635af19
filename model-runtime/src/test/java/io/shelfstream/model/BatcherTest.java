package io.shelfstream.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class BatcherTest {
  private final ExecutorService callers = Executors.newCachedThreadPool();
  private final List<List<Integer>> batches = new CopyOnWriteArrayList<>();
  private final CountDownLatch firstRuns = new CountDownLatch(1);
  private final CountDownLatch goOn = new CountDownLatch(1);

  @AfterEach
  void stop() {
    goOn.countDown();
    callers.shutdownNow();
  }

  private Batcher<Integer, Integer> batcher(
      int most, Duration delay, Function<List<Integer>, List<Integer>> run) {
    return new Batcher<>(1, most, delay, size -> Math.max(1, size % 10), run);
  }

  /** Doubles the numbers; the first run waits until the test lets it go on. */
  private List<Integer> slowFirst(List<Integer> numbers) {
    batches.add(numbers);
    if (batches.size() == 1) {
      firstRuns.countDown();
      try {
        goOn.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
    return doubled(numbers);
  }

  private static List<Integer> doubled(List<Integer> numbers) {
    return numbers.stream().map(n -> 2 * n).toList();
  }

  private CompletableFuture<Integer> call(Batcher<Integer, Integer> batcher, int number) {
    return CompletableFuture.supplyAsync(() -> batcher.submit(number), callers);
  }

  /** One call that is in its run, and then others, which have to wait for it in this order. */
  private List<CompletableFuture<Integer>> callBehindAnother(
      Batcher<Integer, Integer> batcher, int... numbers) throws InterruptedException {
    List<CompletableFuture<Integer>> calls = new ArrayList<>(List.of(call(batcher, 1)));
    firstRuns.await();
    for (int number : numbers) {
      int waiting = batcher.waiting();
      calls.add(call(batcher, number));
      while (batcher.waiting() == waiting) {
        Thread.onSpinWait();
      }
    }
    return calls;
  }

  @Test
  void workThatFindsTheModelFreeDoesNotWait() {
    Batcher<Integer, Integer> batcher = batcher(8, Duration.ofSeconds(200), BatcherTest::doubled);
    long start = System.nanoTime();

    int result = batcher.submit(21);

    assertThat(result).isEqualTo(42);
    assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(60));
  }

  @Test
  void whatGathersMeanwhileGoesTogetherAndNeverAboveTheLargestBatch() throws Exception {
    Batcher<Integer, Integer> batcher = batcher(4, Duration.ZERO, this::slowFirst);
    List<CompletableFuture<Integer>> calls = callBehindAnother(batcher, 11, 21, 31, 41, 51, 61);

    goOn.countDown();

    for (CompletableFuture<Integer> call : calls) {
      call.get();
    }
    assertThat(calls.get(6).get()).isEqualTo(122);
    assertThat(batches).containsExactly(List.of(1), List.of(11, 21, 31, 41), List.of(51, 61));
  }

  @Test
  void sizesCountAndWorkIsNotSplit() throws Exception {
    Batcher<Integer, Integer> batcher = batcher(4, Duration.ZERO, this::slowFirst);
    List<CompletableFuture<Integer>> calls = callBehindAnother(batcher, 13, 12, 19, 11);

    goOn.countDown();

    for (CompletableFuture<Integer> call : calls) {
      call.get();
    }
    assertThat(batches)
        .containsExactly(List.of(1), List.of(13), List.of(12), List.of(19), List.of(11));
  }

  @Test
  void aBatchThatDoesNotFillUpRunsAfterTheLongestDelay() throws Exception {
    Batcher<Integer, Integer> batcher = batcher(4, Duration.ofMillis(300), this::slowFirst);
    long start = System.nanoTime(); // before the delay begins, which is when the call arrives
    List<CompletableFuture<Integer>> calls = callBehindAnother(batcher, 11);

    goOn.countDown();
    calls.get(1).get();

    assertThat(System.nanoTime() - start)
        .isBetween(TimeUnit.MILLISECONDS.toNanos(300), TimeUnit.SECONDS.toNanos(60));
  }

  @Test
  void aFullBatchDoesNotWaitForTheDelay() throws Exception {
    Batcher<Integer, Integer> batcher = batcher(2, Duration.ofSeconds(200), this::slowFirst);
    List<CompletableFuture<Integer>> calls = callBehindAnother(batcher, 11, 21);

    goOn.countDown();

    assertThat(calls.get(1).get(60, TimeUnit.SECONDS)).isEqualTo(22);
    assertThat(calls.get(2).get(60, TimeUnit.SECONDS)).isEqualTo(42);
  }

  @Test
  void workThatFailsFailsAlone() throws Exception {
    Batcher<Integer, Integer> batcher =
        batcher(
            4,
            Duration.ZERO,
            numbers -> {
              List<Integer> results = slowFirst(numbers);
              if (numbers.contains(21)) {
                throw new ModelException(ModelException.Code.RUN, "21 is no good");
              }
              return results;
            });
    List<CompletableFuture<Integer>> calls = callBehindAnother(batcher, 11, 21, 31);

    goOn.countDown();

    assertThat(calls.get(1).get()).isEqualTo(22);
    assertThat(calls.get(3).get()).isEqualTo(62);
    assertThatThrownBy(() -> calls.get(2).get())
        .isInstanceOf(ExecutionException.class)
        .cause()
        .hasMessage("21 is no good");
    assertThat(call(batcher, 5).get()).as("the next one").isEqualTo(10);
  }
}
