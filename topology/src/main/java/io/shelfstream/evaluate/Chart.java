package io.shelfstream.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A line chart as inline SVG: y from 0 to 100 %, x over a given range.
 *
 * @param x what the horizontal axis shows; likewise y
 * @param from left end of the horizontal axis, and its right end
 * @param xIsShare whether x is written as a percentage
 * @param lines each in its own colour, at most five
 * @param marks values of x with a dashed line and a few words
 * @param dots points with a few words beside them
 */
record Chart(
    String title,
    String x,
    String y,
    double from,
    double to,
    boolean xIsShare,
    List<Line> lines,
    List<Mark> marks,
    List<Dot> dots) {

  /** Told apart with any colour vision (Okabe and Ito), dark enough on white. */
  private static final List<String> COLOURS =
      List.of("#0072b2", "#d55e00", "#00815c", "#9b4f96", "#555555");

  private static final int WIDTH = 430;
  private static final int HEIGHT = 290;
  private static final int LEFT = 58;
  private static final int RIGHT = 30;
  private static final int TOP = 26;
  private static final int BOTTOM = 48;
  private static final int TICKS = 5;

  /** Points in the order they are joined; y from 0 to 1. */
  record Line(String name, List<Point> points) {}

  record Point(double x, double y) {}

  record Mark(double x, String text) {}

  record Dot(Point at, String text) {}

  String svg() {
    StringBuilder svg = new StringBuilder();
    svg.append(
        """
        <figure><figcaption>%s</figcaption>
        <svg viewBox="0 0 %d %d" role="img" aria-label="%s">
        """
            .formatted(Html.text(title), WIDTH, HEIGHT, Html.text(title)));
    for (int i = 0; i <= TICKS; i++) {
      double share = (double) i / TICKS;
      double value = from + share * (to - from);
      append(
          svg,
          "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>",
          LEFT,
          WIDTH - RIGHT,
          py(share),
          py(share));
      append(
          svg,
          "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.0f %%</text>",
          LEFT - 6,
          py(share) + 4,
          100 * share);
      append(
          svg,
          "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>",
          px(value),
          HEIGHT - BOTTOM + 18,
          label(value));
    }
    append(
        svg,
        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>",
        (LEFT + WIDTH - RIGHT) / 2,
        HEIGHT - 8,
        Html.text(x));
    append(svg, "<text x=\"%d\" y=\"14\">%s</text>", 4, Html.text(y));
    for (int i = 0; i < lines.size(); i++) {
      List<String> points = new ArrayList<>();
      for (Point point : lines.get(i).points()) {
        if (!Double.isNaN(point.y())) {
          points.add(String.format(Locale.ROOT, "%.1f,%.1f", px(point.x()), py(point.y())));
        }
      }
      append(
          svg, "<polyline stroke=\"%s\" points=\"%s\"/>", COLOURS.get(i), String.join(" ", points));
    }
    int height = 0;
    for (Mark mark : marks) {
      boolean atRight = px(mark.x()) > (LEFT + WIDTH) / 2.0;
      append(
          svg,
          "<line class=\"mark\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>",
          px(mark.x()),
          px(mark.x()),
          TOP,
          HEIGHT - BOTTOM);
      append(
          svg,
          "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%s</text>",
          px(mark.x()) + (atRight ? -5 : 5),
          HEIGHT - BOTTOM - 8 - 16 * height++,
          atRight ? "end" : "start",
          Html.text(mark.text()));
    }
    for (Dot dot : dots) {
      append(
          svg,
          "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"/><text x=\"%.1f\" y=\"%.1f\">%s</text>",
          px(dot.at().x()),
          py(dot.at().y()),
          px(dot.at().x()) + 9,
          py(dot.at().y()) + 16,
          Html.text(dot.text()));
    }
    svg.append("</svg>\n<p class=\"legend\">");
    for (int i = 0; i < lines.size(); i++) {
      append(
          svg,
          "<span><i style=\"background:%s\"></i>%s</span>",
          COLOURS.get(i),
          Html.text(lines.get(i).name()));
    }
    return svg.append("</p></figure>\n").toString();
  }

  private String label(double value) {
    return xIsShare
        ? String.format(Locale.ROOT, "%.0f %%", 100 * value)
        : String.format(Locale.ROOT, "%.2f", value);
  }

  private double px(double value) {
    return LEFT + (value - from) / (to - from) * (WIDTH - LEFT - RIGHT);
  }

  private static double py(double share) {
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP);
  }

  private static void append(StringBuilder svg, String format, Object... values) {
    svg.append(String.format(Locale.ROOT, format, values)).append('\n');
  }
}
