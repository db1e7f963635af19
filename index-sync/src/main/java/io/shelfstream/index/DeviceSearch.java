package io.shelfstream.index;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One search over segments whose rows lie partly on devices. A device knows neither rows that are
 * marked deleted nor filters, so more than k are asked for, and twice as many while fewer than k of
 * them may be found. What a device cannot settle within its most neighbours is searched on the CPU.
 */
final class DeviceSearch {

  /** Beyond k: some of the nearest are marked deleted. */
  static final int SLACK = 16;

  private final List<Segment.View> views;
  private final long sequence;
  private final FloatBuffer queries;
  private final int n;
  private final int k;
  private final Proposals proposals;

  /** Rows for the CPU. */
  private final List<Range> rest = new ArrayList<>();

  /** Rows of a view. */
  private record Range(int view, int from, int to) {}

  /** A question that is on its way to a device. */
  private record Ask(
      int view, CopiedRows copy, int wanted, CompletableFuture<CopiedRows.Found> answer) {}

  /**
   * @param queries direct, of native order, n of them from its position
   * @param k 1 or more
   */
  DeviceSearch(List<Segment.View> views, long sequence, FloatBuffer queries, int n, int k) {
    this.views = views;
    this.sequence = sequence;
    this.queries = queries;
    this.n = n;
    this.k = k;
    this.proposals = new Proposals(n, k + SLACK);
  }

  Neighbor[][] run() {
    List<Ask> asks = new ArrayList<>();
    for (int i = 0; i < views.size(); i++) {
      plan(i, asks);
    }
    try {
      onCpu(); // while the devices work
    } finally {
      while (!asks.isEmpty()) {
        asks = asks.stream().flatMap(this::settle).toList();
      }
    }
    onCpu();
    return proposals.best();
  }

  private void plan(int number, List<Ask> asks) {
    Segment.View view = views.get(number);
    int from = 0;
    for (CopiedRows copy : view.segment().copies()) {
      int to = Math.min(copy.end(), view.rows());
      if (to <= copy.first()) {
        break;
      }
      from = to;
      Ask ask = firstAsk(number, copy, to);
      if (ask != null) {
        asks.add(ask);
      }
    }
    if (from < view.rows()) {
      rest.add(new Range(number, from, view.rows()));
    }
  }

  /** Null where there is nothing to find, or the CPU is the one to look. */
  private @Nullable Ask firstAsk(int number, CopiedRows copy, int to) {
    LongBuffer allowed = views.get(number).allowed();
    int rows = to - copy.first();
    int may = allowed == null ? rows : count(allowed, copy.first(), to);
    if (may == 0) {
      return null;
    }
    // What a filter leaves lies scattered among the nearest.
    long wanted = ((long) k + SLACK) * rows / may;
    if (wanted > most(copy) && copy.count() > most(copy) || copy.device().isFailed()) {
      rest.add(new Range(number, copy.first(), to));
      return null;
    }
    return ask(number, copy, (int) Math.min(wanted, copy.count()));
  }

  private int most(CopiedRows copy) {
    return Math.min(copy.device().mostNeighbors(), Limits.MAX_RESULTS / n);
  }

  private Ask ask(int view, CopiedRows copy, int wanted) {
    return new Ask(view, copy, wanted, copy.search(queries, n, wanted));
  }

  /** Takes an answer, or gives the next question. */
  private Stream<Ask> settle(Ask ask) {
    CopiedRows copy = ask.copy();
    Segment.View view = views.get(ask.view());
    Range rows = new Range(ask.view(), copy.first(), Math.min(copy.end(), view.rows()));
    CopiedRows.Found found;
    try {
      found = ask.answer().join();
    } catch (CompletionException e) {
      if (!(e.getCause() instanceof RejectedExecutionException)) {
        copy.device().failed(e);
      }
      rest.add(rows);
      return Stream.empty();
    }
    NativeFaiss.mask0(
        view.segment().handle(),
        view.rows(),
        view.allowed(),
        sequence,
        copy.first(),
        found.positions());
    if (found.k() == copy.count() || hasEnough(found)) {
      proposals.offer(ask.view(), found);
      return Stream.empty();
    }
    int wanted = Math.min(Math.min(2 * ask.wanted(), copy.count()), most(copy));
    if (wanted > ask.wanted()) {
      return Stream.of(ask(ask.view(), copy, wanted));
    }
    rest.add(rows);
    return Stream.empty();
  }

  private boolean hasEnough(CopiedRows.Found found) {
    for (int query = 0; query < n; query++) {
      int live = 0;
      for (int i = query * found.k(); i < (query + 1) * found.k(); i++) {
        live += found.positions()[i] < 0 ? 0 : 1;
      }
      if (live < k) {
        return false;
      }
    }
    return true;
  }

  private void onCpu() {
    if (rest.isEmpty()) {
      return;
    }
    List<Segment.View> parts = new ArrayList<>();
    for (int i = 0; i < views.size(); i++) {
      parts.add(part(i));
    }
    rest.clear();
    proposals.offer(Segment.search(parts, sequence, false, queries.duplicate(), k));
  }

  private Segment.View part(int number) {
    Segment.View view = views.get(number);
    List<Range> ranges = rest.stream().filter(range -> range.view() == number).toList();
    if (ranges.stream().mapToInt(range -> range.to() - range.from()).sum() == view.rows()) {
      return view;
    }
    if (ranges.isEmpty()) {
      return new Segment.View(view.segment(), 0);
    }
    long[] bits = new long[words(view.rows())];
    ranges.forEach(range -> set(bits, range.from(), range.to()));
    if (view.allowed() != null) {
      for (int i = 0; i < bits.length; i++) {
        bits[i] &= view.allowed().get(i);
      }
    }
    LongBuffer allowed =
        ByteBuffer.allocateDirect(bits.length * Long.BYTES)
            .order(ByteOrder.nativeOrder())
            .asLongBuffer()
            .put(bits)
            .flip();
    return new Segment.View(view.segment(), view.rows(), allowed);
  }

  private static int words(int rows) {
    return (rows + Long.SIZE - 1) / Long.SIZE;
  }

  /** The bits of a word that belong to rows from, …, to − 1. */
  private static long within(int word, int from, int to) {
    long bits = -1L;
    if (word == from / Long.SIZE) {
      bits &= -1L << from;
    }
    if (word == to / Long.SIZE) {
      bits &= ~(-1L << to);
    }
    return bits;
  }

  private static void set(long[] bits, int from, int to) {
    for (int word = from / Long.SIZE; word < words(to); word++) {
      bits[word] |= within(word, from, to);
    }
  }

  private static int count(LongBuffer bits, int from, int to) {
    int count = 0;
    for (int word = from / Long.SIZE; word < words(to); word++) {
      count += Long.bitCount(bits.get(word) & within(word, from, to));
    }
    return count;
  }

  /** The best that devices and the CPU propose, by their own scores, in order. */
  private final class Proposals {
    private final int most;
    private final long[] labels;
    private final float[] scores;
    private final int[] counts;

    Proposals(int n, int most) {
      this.most = most;
      this.labels = new long[n * most];
      this.scores = new float[n * most];
      this.counts = new int[n];
      Arrays.fill(labels, -1);
    }

    void offer(int view, CopiedRows.Found found) {
      for (int query = 0; query < counts.length; query++) {
        for (int i = query * found.k(); i < (query + 1) * found.k(); i++) {
          long position = found.positions()[i];
          if (position >= 0
              && !take(query, ((long) view << Integer.SIZE) + position, found.scores()[i])) {
            break; // the others score less
          }
        }
      }
    }

    private boolean take(int query, long label, float score) {
      int start = query * most;
      int at = start + counts[query];
      while (at > start && scores[at - 1] < score) {
        at--;
      }
      if (at == start + most) {
        return false;
      }
      int last = Math.min(start + counts[query], start + most - 1);
      System.arraycopy(labels, at, labels, at + 1, last - at);
      System.arraycopy(scores, at, scores, at + 1, last - at);
      labels[at] = label;
      scores[at] = score;
      counts[query] = last - start + 1;
      return true;
    }

    void offer(Neighbor[][] found) {
      for (int query = 0; query < counts.length; query++) {
        for (Neighbor neighbor : found[query]) {
          boolean unused = take(query, neighbor.id(), neighbor.score());
        }
      }
    }

    /**
     * The best k of each query. All are scored in one way: equal vectors have equal scores wherever
     * they lie.
     */
    Neighbor[][] best() {
      long[] handles = views.stream().mapToLong(view -> view.segment().handle()).toArray();
      NativeFaiss.score0(handles, queries, queries.position(), n, most, labels, scores);
      Neighbor[][] best = new Neighbor[n][];
      for (int query = 0; query < n; query++) {
        Neighbor[] all = Ranking.of(labels, scores, query * most, most, Metric.INNER_PRODUCT);
        best[query] = Arrays.copyOf(all, Math.min(k, all.length));
      }
      return best;
    }
  }
}
