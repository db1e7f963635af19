package io.shelfstream.evaluate;

import java.util.List;
import java.util.stream.IntStream;

/** Counts what queries are taken for in galleries that lack some of the products. */
final class LeftOutDraws {

  /**
   * The best product of such a gallery.
   *
   * @param known whether the gallery holds the right one
   * @param right whether it is that
   */
  record Taken(float score, float margin, boolean known, boolean right) {}

  private final Settings settings;
  private final List<Decisions> draws;
  private final Calibration.Counts together;

  LeftOutDraws(Settings settings, int draws) {
    this.settings = settings;
    this.draws =
        IntStream.range(0, draws)
            .mapToObj(draw -> new Decisions(settings.threshold(), settings.margin()))
            .toList();
    this.together = new Calibration.Counts(settings.threshold(), settings.margin());
  }

  /** Adds the query of an index, with what it is taken for in each draw. */
  void add(int query, List<Taken> taken) {
    for (int draw = 0; draw < taken.size(); draw++) {
      Taken one = taken.get(draw);
      draws.get(draw).add(one.score(), one.margin(), one.known(), one.right());
      together.add(query, one.score(), one.margin(), one.known(), one.right());
    }
  }

  Evaluation.LeftOut sum() {
    List<Evaluation.Shares> shares =
        draws.stream()
            .map(draw -> draw.table().at(settings.threshold(), settings.margin()))
            .map(Evaluation.Shares::of)
            .toList();
    return new Evaluation.LeftOut(
        settings.leftOut(),
        draws.size(),
        Evaluation.Shares.mean(shares),
        Evaluation.OpenSet.of(together.all, settings.margin()),
        Calibration.of(settings.precisions(), together));
  }
}
