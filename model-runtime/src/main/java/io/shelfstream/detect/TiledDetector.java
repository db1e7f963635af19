package io.shelfstream.detect;

import io.shelfstream.image.Image;
import io.shelfstream.image.PixelBox;
import io.shelfstream.image.Tiles;
import io.shelfstream.model.ImageModel;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Looks at images in tiles and joins the boxes: of an object that a tile's border cuts, the box of
 * the tile that shows it whole stays, and where none does its parts become one box. What two tiles
 * show whole has two boxes then, which a {@link Profile} suppresses as any others.
 */
public final class TiledDetector implements Detector {
  /** A box ends at a tile's border when it comes as near as this share of the tile's side. */
  private static final double NEAR = 0.015;

  /** Share of a cut box that lies in another one which shows more of the same object. */
  private static final double WITHIN = 0.7;

  /** Least overlap, of what they cover together along the border, of two parts of one object. */
  private static final double SAME = 0.85;

  private static final Comparator<Detection> BEST_FIRST =
      Comparator.comparingDouble(Detection::score).reversed();

  private final OnnxDetector detector;
  private final Tiles tiles;

  TiledDetector(OnnxDetector detector, Tiles tiles) {
    this.detector = detector;
    this.tiles = tiles;
  }

  @Override
  public Detector onOneThread() {
    return new TiledDetector(detector.onOneThread(), tiles);
  }

  @Override
  public List<List<Detection>> detect(List<Image> images) {
    List<List<PixelBox>> cuts = new ArrayList<>(images.size());
    List<ImageModel.View> views = new ArrayList<>();
    for (Image image : images) {
      List<PixelBox> cut = tiles.of(image.width(), image.height());
      cuts.add(cut);
      cut.forEach(tile -> views.add(new ImageModel.View(image, tile)));
    }
    List<List<Detection>> found = detector.look(views);
    List<List<Detection>> joined = new ArrayList<>(images.size());
    int at = 0;
    for (int i = 0; i < images.size(); i++) {
      int count = cuts.get(i).size();
      Image image = images.get(i);
      joined.add(join(cuts.get(i), found.subList(at, at + count), image.width(), image.height()));
      at += count;
    }
    return joined;
  }

  @Override
  public void close() {
    detector.close();
  }

  /** A box in pixels of the image, the number of its tile, and at which borders it is cut. */
  private record Part(
      Detection box, int tile, boolean left, boolean top, boolean right, boolean bottom) {

    boolean isCut() {
      return left || top || right || bottom;
    }

    /** Both parts as one: cut where the outer of the two is. */
    Part with(Part o) {
      Detection b = o.box;
      return new Part(
          new Detection(
              Math.max(box.score(), b.score()),
              Math.min(box.x1(), b.x1()),
              Math.min(box.y1(), b.y1()),
              Math.max(box.x2(), b.x2()),
              Math.max(box.y2(), b.y2())),
          o.tile,
          box.x1() < b.x1() ? left : o.left,
          box.y1() < b.y1() ? top : o.top,
          box.x2() > b.x2() ? right : o.right,
          box.y2() > b.y2() ? bottom : o.bottom);
    }
  }

  /**
   * The boxes of an image out of those of its tiles.
   *
   * @param found for each tile its boxes, in pixels from the tile's corner
   * @return best score first
   */
  static List<Detection> join(
      List<PixelBox> tiles, List<List<Detection>> found, int width, int height) {
    if (tiles.size() == 1) {
      return found.get(0);
    }
    List<Part> whole = new ArrayList<>();
    List<Part> cut = new ArrayList<>();
    for (int i = 0; i < tiles.size(); i++) {
      for (Detection d : found.get(i)) {
        Part part = part(tiles.get(i), i, d, width, height);
        if (!part.isCut()) {
          whole.add(part);
        } else if (!liesInAnother(part, tiles)) {
          cut.add(part);
        }
      }
    }
    cut.sort(Comparator.comparing(Part::box, BEST_FIRST));
    List<Part> merged = new ArrayList<>();
    for (Part part : cut) {
      if (whole.stream().noneMatch(w -> w.tile != part.tile && within(part, w))) {
        merge(merged, part);
      }
    }
    List<Detection> all = new ArrayList<>();
    whole.forEach(part -> all.add(part.box));
    merged.forEach(part -> all.add(part.box));
    all.sort(BEST_FIRST);
    return all;
  }

  /**
   * Whether another tile shows all of a cut part, and what it was cut from: that tile's to find.
   */
  private static boolean liesInAnother(Part part, List<PixelBox> tiles) {
    Detection d = part.box;
    for (int i = 0; i < tiles.size(); i++) {
      PixelBox t = tiles.get(i);
      if (i != part.tile
          && t.x1() <= d.x1()
          && t.y1() <= d.y1()
          && d.x2() <= t.x2()
          && d.y2() <= t.y2()) {
        return true;
      }
    }
    return false;
  }

  /** Adds a cut part to those so far, joined with all that continue it. */
  private static void merge(List<Part> merged, Part added) {
    Part part = added;
    for (int i = 0; i < merged.size(); i++) {
      Part other = merged.get(i);
      if (other.tile != part.tile && (continues(part, other) || within(part, other))) {
        merged.remove(i);
        part = other.with(part);
        i = -1; // what is larger now may meet one that the smaller did not
      }
    }
    merged.add(part);
  }

  private static Part part(PixelBox tile, int number, Detection d, int width, int height) {
    double nearX = NEAR * tile.width();
    double nearY = NEAR * tile.height();
    Detection box =
        new Detection(
            d.score(),
            d.x1() + tile.x1(),
            d.y1() + tile.y1(),
            d.x2() + tile.x1(),
            d.y2() + tile.y1());
    return new Part(
        box,
        number,
        tile.x1() > 0 && d.x1() <= nearX,
        tile.y1() > 0 && d.y1() <= nearY,
        tile.x2() < width && d.x2() >= tile.width() - nearX,
        tile.y2() < height && d.y2() >= tile.height() - nearY);
  }

  private static boolean within(Part inner, Part outer) {
    Detection a = inner.box;
    Detection b = outer.box;
    double area = (double) (a.x2() - a.x1()) * (a.y2() - a.y1());
    return shared(a.x1(), a.x2(), b.x1(), b.x2()) * shared(a.y1(), a.y2(), b.y1(), b.y2())
        >= WITHIN * area;
  }

  /** Whether two parts are cut at borders that face each other and lie at the same height. */
  private static boolean continues(Part a, Part b) {
    Detection p = a.box;
    Detection q = b.box;
    boolean across = a.right && b.left || a.left && b.right;
    boolean down = a.bottom && b.top || a.top && b.bottom;
    double wide = shared(p.x1(), p.x2(), q.x1(), q.x2());
    double high = shared(p.y1(), p.y2(), q.y1(), q.y2());
    return wide > 0
        && high > 0
        && (across && high >= SAME * (Math.max(p.y2(), q.y2()) - Math.min(p.y1(), q.y1()))
            || down && wide >= SAME * (Math.max(p.x2(), q.x2()) - Math.min(p.x1(), q.x1())));
  }

  private static double shared(float begin, float end, float otherBegin, float otherEnd) {
    return Math.max(0, Math.min(end, otherEnd) - Math.max(begin, otherBegin));
  }
}
