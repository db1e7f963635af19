package io.shelfstream.recognition;

import io.shelfstream.detect.Detection;
import io.shelfstream.detect.ObjectBox;
import io.shelfstream.detect.Profile;
import io.shelfstream.embed.Crop;
import io.shelfstream.fetch.FetchException;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.fetch.PatientFetcher;
import io.shelfstream.gallery.GalleryHit;
import io.shelfstream.gallery.PhotoFilter;
import io.shelfstream.gallery.ProductSearch;
import io.shelfstream.image.Image;
import io.shelfstream.image.ImageException;
import io.shelfstream.image.PixelBox;
import io.shelfstream.index.IndexException;
import io.shelfstream.model.ModelException;
import io.shelfstream.recognition.Recognition.SeenObject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The path of one image, top to bottom: fetch, decode, detect, extract, search, decide. {@link
 * #recognize} does all steps but the first on the calling thread; {@link FrameRecognizer} calls the
 * same steps for many frames in parallel.
 *
 * <p>Each step fails with {@link RejectedException}, which says at which {@link Stage} and why. All
 * steps may be called from several threads.
 */
public final class ImageRecognition {
  private final RecognitionModels models;

  /**
   * @param models models and limits, and the gallery that images are compared with
   */
  public ImageRecognition(RecognitionModels models) {
    this.models = models;
  }

  /**
   * Recognises an image on the calling thread, compared with all photos of the gallery.
   *
   * @param encoded the bytes of a JPEG, PNG or another format that the decoder knows
   * @param regions boxes in pixels to look at, empty for the whole image; one that is empty itself,
   *     or lies outside the image, has no objects
   * @param times times of the stages before this call; the times of this call are added
   */
  public Recognition recognize(byte[] encoded, List<PixelBox> regions, StageTimes times)
      throws RejectedException {
    try (Image image = decode(encoded)) {
      times.lap(Stage.DECODE);
      List<ObjectBox> boxes = detect(image, regions);
      times.lap(Stage.DETECT);
      List<float[]> embeddings = extract(image, boxes);
      times.lap(Stage.EXTRACT);
      return answer(
          new Embedded(image.width(), image.height(), boxes, embeddings),
          PhotoFilter.NONE,
          times,
          null);
    }
  }

  /**
   * The objects of an image, before they are looked up in the gallery.
   *
   * @param width of the image in pixels, as is height
   * @param embeddings one a box, of unit length
   */
  record Embedded(int width, int height, List<ObjectBox> boxes, List<float[]> embeddings) {}

  /** The encoded image that a reference names. */
  public static byte[] fetch(ImageFetcher fetcher, String uri, @Nullable String sha256)
      throws RejectedException {
    try {
      return fetcher.fetch(uri, sha256);
    } catch (FetchException e) {
      throw RejectedException.of(e);
    }
  }

  /**
   * The same, but a store that is away is waited for.
   *
   * @param wanted whether the image is still needed
   */
  public static byte[] fetch(
      PatientFetcher fetcher, String uri, @Nullable String sha256, BooleanSupplier wanted)
      throws RejectedException {
    try {
      return fetcher.fetch(uri, sha256, wanted);
    } catch (FetchException e) {
      throw RejectedException.of(e);
    }
  }

  /** The pixels; to be closed by the caller. */
  Image decode(byte[] encoded) throws RejectedException {
    try {
      return models.decoder().decodeFrame(encoded);
    } catch (ImageException e) {
      throw RejectedException.of(e);
    }
  }

  /** The products of an image, as the profile chooses them. */
  List<ObjectBox> detect(Image image, List<PixelBox> regions) throws RejectedException {
    try {
      List<Detection> found = models.detector().detect(List.of(image)).get(0);
      Profile profile = models.profile();
      if (!regions.isEmpty()) {
        found = found.stream().filter(d -> Boxes.centreLiesIn(regions, d)).toList();
        profile = profile.withoutWholeImage(); // it reaches beyond the regions
      }
      return profile.select(found, models.detectionThreshold(), image.width(), image.height());
    } catch (ModelException e) {
      throw RejectedException.of(Stage.DETECT, e);
    }
  }

  /** An embedding for each box, in one batch. */
  List<float[]> extract(Image image, List<ObjectBox> boxes) throws RejectedException {
    if (boxes.isEmpty()) {
      return List.of();
    }
    try {
      return models
          .extractor()
          .extract(
              boxes.stream()
                  .map(b -> new Crop(image, b.box().clip(image.width(), image.height())))
                  .toList());
    } catch (ModelException e) {
      throw RejectedException.of(Stage.EXTRACT, e);
    }
  }

  /**
   * Looks the objects of an image up in the gallery and decides what each is.
   *
   * @param filter photos that the objects are compared with
   * @param partial why the answer is not complete; null when it is
   */
  Recognition answer(Embedded image, PhotoFilter filter, StageTimes times, @Nullable String partial)
      throws RejectedException {
    ProductSearch.Result found = search(image.embeddings(), filter);
    List<SeenObject> objects = decide(image, found.hits());
    times.lap(Stage.SEARCH);
    return new Recognition(
        image.width(), image.height(), objects, found.gallery(), models.ids(), times, partial);
  }

  private ProductSearch.Result search(List<float[]> embeddings, PhotoFilter filter)
      throws RejectedException {
    try {
      MatchPolicy policy = models.policy();
      return models.gallery().search(embeddings, policy.photos(), policy.products(), filter);
    } catch (IndexException e) {
      throw RejectedException.of(e);
    }
  }

  /**
   * Decides what each object is, then drops what the profile does not keep: unknown objects,
   * overlapping results.
   */
  private List<SeenObject> decide(Embedded image, List<List<GalleryHit>> hits) {
    List<SeenObject> seen = new ArrayList<>(image.boxes().size());
    for (int i = 0; i < image.boxes().size(); i++) {
      Match match = models.policy().decide(hits.get(i));
      if (match.isKnown() || models.profile().keepsUnknown()) {
        seen.add(new SeenObject(image.boxes().get(i), match, image.embeddings().get(i)));
      }
    }
    float[] scores = new float[seen.size()];
    for (int i = 0; i < scores.length; i++) {
      GalleryHit best = seen.get(i).match().best();
      scores[i] = best == null ? Float.NEGATIVE_INFINITY : best.score();
    }
    int[] kept = models.profile().suppress(seen.stream().map(o -> o.box().box()).toList(), scores);
    return Arrays.stream(kept).mapToObj(seen::get).toList();
  }
}
