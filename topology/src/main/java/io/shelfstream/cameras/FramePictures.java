package io.shelfstream.cameras;

import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.fetch.FetchException;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.image.Image;
import io.shelfstream.image.ImageDecoder;
import io.shelfstream.image.ImageException;
import io.shelfstream.image.ImageLimits;
import io.shelfstream.image.Pictures;
import io.shelfstream.image.PixelBox;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Small pictures of frames, and of parts of them, made when they are asked for and kept for all who
 * ask. Two threads fetch the frames, under the rules for frames; one at a time decodes, and no more
 * than the {@link PictureBudget} allows, so that people who look take little from recognition. Safe
 * for several threads.
 */
public final class FramePictures implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FramePictures.class);

  /** Bytes of pictures that are kept. */
  private static final long KEPT = 48L << 20;

  /** Pictures that wait; beyond it callers come again. */
  private static final int MOST_WAITING = 400;

  /** Of all processors: what people ask for, and what is made for a wall. */
  private static final double ASKED_SHARE = 0.01;

  private static final double UNASKED_SHARE = 0.005;

  /** What may be saved up, in ns: who opens a page does not wait, a wall takes no more. */
  private static final long ASKED_SAVED = 2_000_000_000L;

  private static final long UNASKED_SAVED = 50_000_000L;

  /** Between two questions whether there is a picture to make that nobody waits for, in ms. */
  private static final long PAUSE = 100;

  private static final int THREADS = 2;
  private static final int QUALITY = 80;

  /** Of parts, which may become photos of the gallery. */
  private static final int QUALITY_OF_PARTS = 92;

  /**
   * A picture.
   *
   * @param longest side in pixels, 1 or more; never larger than the frame or the part
   * @param part of the frame; empty for all of it
   */
  public record Wanted(RecognitionEvent event, int longest, Optional<PixelBox> part) {
    private Key key() {
      return new Key(event.getEventId(), longest, part);
    }
  }

  private record Key(String eventId, int longest, Optional<PixelBox> part) {}

  /** The picture cannot be had; the message says why. */
  public static final class UnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnavailableException(String why) {
      super(why);
    }
  }

  /** As many wait as there is room for. */
  public static final class FullException extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /** What is made while nobody waits for a picture. Called by several threads. */
  public interface Background {
    /** The picture to make next; empty when there is none to make. */
    Optional<Wanted> next();

    /**
     * Says what became of it.
     *
     * @param problem why it cannot be had; null when it is made
     */
    void made(Wanted wanted, @Nullable String problem);
  }

  /** One frame, fetched and decoded once for all pictures of it that wait. */
  private static final class Job {
    final Map<Wanted, CompletableFuture<byte[]>> pictures = new LinkedHashMap<>();
    final PictureBudget budget;

    Job(PictureBudget budget) {
      this.budget = budget;
    }
  }

  private final ImageFetcher fetcher;
  private final ImageDecoder decoder;
  private final PictureBudget asked = PictureBudget.ofThisMachine(ASKED_SHARE, ASKED_SAVED);
  private final PictureBudget unasked = PictureBudget.ofThisMachine(UNASKED_SHARE, UNASKED_SAVED);
  private final Background background;
  private final Map<String, Job> waiting = new LinkedHashMap<>(); // by event id
  private final Map<Key, CompletableFuture<byte[]>> unfinished = new HashMap<>();
  private final Map<Key, byte[]> kept = new LinkedHashMap<>(16, 0.75f, true);
  private final Object work = new Object();
  private final Thread[] threads = new Thread[THREADS];
  private long keptBytes;
  private boolean begun;
  private boolean closed;

  /**
   * @param background asked when nobody waits
   */
  public FramePictures(ImageFetcher fetcher, ImageLimits limits, Background background) {
    this.fetcher = fetcher;
    this.decoder = new ImageDecoder(limits);
    this.background = background;
  }

  /**
   * The picture as JPEG, as soon as it is made; fails with {@link UnavailableException} or {@link
   * FullException}.
   */
  public synchronized CompletableFuture<byte[]> picture(Wanted wanted) {
    if (unfinished.size() >= MOST_WAITING) {
      return CompletableFuture.failedFuture(new FullException());
    }
    begin();
    return ask(wanted, asked);
  }

  private synchronized CompletableFuture<byte[]> ask(Wanted wanted, PictureBudget budget) {
    byte[] made = kept.get(wanted.key());
    if (made != null) {
      return CompletableFuture.completedFuture(made);
    }
    CompletableFuture<byte[]> begunBefore = unfinished.get(wanted.key());
    if (begunBefore != null) {
      return begunBefore.copy();
    }
    if (closed) {
      return CompletableFuture.failedFuture(new FullException());
    }
    CompletableFuture<byte[]> picture = new CompletableFuture<>();
    unfinished.put(wanted.key(), picture);
    waiting
        .computeIfAbsent(wanted.event().getEventId(), id -> new Job(budget))
        .pictures
        .put(wanted, picture);
    notifyAll();
    return picture.copy();
  }

  /** Forgets the pictures that were made. */
  public synchronized void clear() {
    kept.clear();
    keptBytes = 0;
  }

  /** Starts the threads, once; from then on the background is asked. */
  public synchronized void begin() {
    if (begun || closed) {
      return;
    }
    begun = true;
    for (int i = 0; i < THREADS; i++) {
      threads[i] = new Thread(this::run, "frame-picture-" + (i + 1));
      threads[i].setDaemon(true);
      threads[i].setPriority(Thread.MIN_PRIORITY);
      threads[i].start();
    }
  }

  private void run() {
    try {
      while (true) {
        Job job = next();
        if (job == null) {
          return;
        }
        make(job);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // closed
    }
  }

  private @Nullable Job next() throws InterruptedException {
    while (true) {
      synchronized (this) {
        if (closed) {
          return null;
        }
        if (!waiting.isEmpty()) {
          return waiting.remove(waiting.keySet().iterator().next());
        }
      }
      // Others make what nobody waits for while this one waits for somebody.
      Optional<Wanted> wanted = unasked.isLeft() ? background.next() : Optional.empty();
      wanted.ifPresent(
          one ->
              ask(one, unasked)
                  .whenComplete(
                      (jpeg, failure) ->
                          background.made(
                              one, failure == null ? null : String.valueOf(failure.getMessage()))));
      synchronized (this) {
        if (wanted.isEmpty() && waiting.isEmpty() && !closed) {
          wait(PAUSE);
        }
      }
    }
  }

  private void make(Job job) throws InterruptedException {
    RecognitionEvent event = job.pictures.keySet().iterator().next().event();
    try {
      byte[] encoded = fetch(event.getUri());
      synchronized (work) {
        job.budget.await();
        try (PictureBudget.Spending spending = job.budget.spend()) {
          copy(encoded, event, job);
        }
      }
    } catch (UnavailableException e) {
      job.pictures.forEach((wanted, picture) -> fail(wanted, picture, e));
    } catch (RuntimeException | OutOfMemoryError e) {
      log.atWarn().setCause(e).log("A picture of {} cannot be made", event.getUri());
      UnavailableException told = new UnavailableException("see the log of the service");
      job.pictures.forEach((wanted, picture) -> fail(wanted, picture, told));
    }
  }

  private byte[] fetch(String uri) {
    if (uri.startsWith("urn:")) {
      throw new UnavailableException(
          "a caller sent this image, and images of callers are not kept");
    }
    if (uri.startsWith("data:")) {
      throw new UnavailableException("the frame travelled in its record, and is not kept");
    }
    try {
      return fetcher.fetch(uri, null);
    } catch (FetchException e) {
      throw new UnavailableException(e.reason() + ": " + e.getMessage());
    }
  }

  private void copy(byte[] encoded, RecognitionEvent event, Job job) {
    int reduction = 8;
    for (Wanted wanted : job.pictures.keySet()) {
      PixelBox box = wanted.part().orElse(all(event));
      long side = Math.max(box.width(), box.height());
      while (reduction > 1 && side / reduction < wanted.longest()) {
        reduction /= 2;
      }
    }
    try (Image image = decoder.decodeReduced(encoded, reduction)) {
      for (Map.Entry<Wanted, CompletableFuture<byte[]>> one : job.pictures.entrySet()) {
        Wanted wanted = one.getKey();
        try {
          byte[] jpeg =
              Pictures.jpeg(
                  image,
                  wanted.part().orElse(image.box()),
                  wanted.longest(),
                  wanted.part().isPresent() ? QUALITY_OF_PARTS : QUALITY);
          keep(wanted, jpeg);
          one.getValue().complete(jpeg);
        } catch (IllegalArgumentException e) { // the part lies outside
          fail(wanted, one.getValue(), new UnavailableException(String.valueOf(e.getMessage())));
        }
      }
    } catch (ImageException e) {
      throw new UnavailableException(String.valueOf(e.getMessage()));
    }
  }

  private static PixelBox all(RecognitionEvent event) {
    return new PixelBox(0, 0, event.getImageWidth(), event.getImageHeight());
  }

  private synchronized void keep(Wanted wanted, byte[] jpeg) {
    unfinished.remove(wanted.key());
    byte[] before = kept.put(wanted.key(), jpeg);
    keptBytes += jpeg.length - (before == null ? 0 : before.length);
    var oldest = kept.entrySet().iterator();
    while (keptBytes > KEPT && oldest.hasNext()) {
      keptBytes -= oldest.next().getValue().length;
      oldest.remove();
    }
  }

  private void fail(Wanted wanted, CompletableFuture<byte[]> picture, UnavailableException why) {
    synchronized (this) {
      unfinished.remove(wanted.key());
    }
    picture.completeExceptionally(why);
  }

  @Override
  public void close() {
    List<CompletableFuture<byte[]>> left;
    synchronized (this) {
      closed = true;
      left = List.copyOf(unfinished.values());
      unfinished.clear();
      waiting.clear();
      notifyAll();
    }
    left.forEach(picture -> picture.cancel(false));
    for (Thread thread : threads) {
      if (thread != null) {
        thread.interrupt();
      }
    }
    for (Thread thread : threads) {
      join(thread);
    }
  }

  private static void join(@Nullable Thread thread) {
    if (thread == null) {
      return;
    }
    try {
      thread.join(5_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
