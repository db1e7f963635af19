package io.shelfstream.detect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class OverlapTest {

  private static Detection box(float x1, float y1, float x2, float y2) {
    return new Detection(1, x1, y1, x2, y2);
  }

  @Test
  void isTheSharedPartOfBoth() {
    Detection box = box(0, 0, 10, 10);

    assertThat(Overlap.iou(box, box)).isEqualTo(1);
    assertThat(Overlap.iou(box, box(5, 0, 15, 10))).isCloseTo(1 / 3.0, within(1e-6));
    assertThat(Overlap.iou(box, box(2, 2, 4, 4))).isCloseTo(0.04, within(1e-6));
    assertThat(Overlap.iou(box(2, 2, 4, 4), box)).isCloseTo(0.04, within(1e-6));
  }

  @Test
  void isNothingForBoxesThatOnlyTouchOrAreEmpty() {
    Detection box = box(0, 0, 10, 10);

    assertThat(Overlap.iou(box, box(10, 0, 20, 10))).isZero();
    assertThat(Overlap.iou(box, box(0, 10, 10, 20))).isZero();
    assertThat(Overlap.iou(box, box(30, 30, 40, 40))).isZero();
    assertThat(Overlap.iou(box(5, 5, 5, 5), box(5, 5, 5, 5))).isZero();
  }

  @Test
  void keepsTheBestOfEachHeapAndWhatOverlapsOnlyASuppressedOne() {
    Detection first = box(0, 0, 10, 10);
    Detection near = box(4, 0, 14, 10);
    Detection beside = box(8, 0, 18, 10); // 0.43 of near, 0.11 of first

    assertThat(Overlap.suppress(List.of(first, near, beside), 0.4, Overlap::iou))
        .containsExactly(first, beside);
  }

  @Test
  void keepsWhatOverlapsExactlyAsMuchAsIsAllowed() {
    Detection box = box(0, 0, 10, 10);
    Detection half = box(0, 0, 10, 5);

    assertThat(Overlap.suppress(List.of(box, half), 0.5, Overlap::iou)).hasSize(2);
    assertThat(Overlap.suppress(List.of(box, half), 0.499, Overlap::iou)).containsExactly(box);
    // As float32: 1/20 is a little more than 0.05 as a double.
    assertThat(Overlap.suppress(List.of(1, 2), 0.05, (a, b) -> 0.05f)).hasSize(2);
  }

  @Test
  void looksNoFurtherThanTheMostThatAreKept() {
    List<Integer> seen = new ArrayList<>();
    Stream<Integer> numbers = IntStream.range(0, 100).boxed().peek(seen::add);

    assertThat(Overlap.suppress(numbers::iterator, 0.5, (a, b) -> 0, 3)).containsExactly(0, 1, 2);
    assertThat(seen).hasSizeLessThan(6);
  }
}
