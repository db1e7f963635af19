package io.shelfstream.recognition;

import io.shelfstream.detect.ObjectBox;
import io.shelfstream.events.ImageReference;
import io.shelfstream.fetch.PatientFetcher;
import io.shelfstream.image.Image;
import io.shelfstream.image.PixelBox;
import io.shelfstream.logging.LogContext;
import io.shelfstream.recognition.ImageRecognition.Embedded;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.PriorityBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Recognises frames on its own threads; one object for the whole process. Images are fetched ahead,
 * a few at a time. Then a worker takes one frame from decoding to the decision. While several
 * frames are there, each model run uses only the thread of its worker, which gives the highest
 * throughput; a frame that is alone uses all threads ({@link Lanes}). Frames finish in any order.
 * Images that callers send have their share of the workers ({@link Turns}). Safe for several
 * threads.
 *
 * <p>Bounded are: fetches at a time, fetched frames that wait, bytes of both, and decoded images
 * (one for each worker). All of it is released when a frame has its answer, not when that answer is
 * forwarded.
 */
public final class FrameRecognizer implements AutoCloseable {
  /** Longer than any run of a model. */
  private static final long STOP_SECONDS = 60;

  private final PatientFetcher fetcher;
  private final Supplier<RecognitionModels> models;
  private final RecognizerLimits limits;
  private final ThreadPoolExecutor fetching;
  private final ThreadPoolExecutor working;
  private final Lanes lanes;
  private final Turns turns;
  private final GalleryWait galleryWait;
  private final Semaphore fetchedAhead;
  private final Semaphore decoding;
  private final ByteAccount encodedBytes;
  private final ByteAccount decodedBytes;
  private final Set<Frame> inHand = ConcurrentHashMap.newKeySet();
  private final AtomicLong numbers = new AtomicLong();
  private volatile boolean closed;

  /**
   * @param models asked once for each frame, which uses the same models and gallery to its end
   */
  public FrameRecognizer(
      PatientFetcher fetcher, Supplier<RecognitionModels> models, RecognizerLimits limits) {
    this.fetcher = fetcher;
    this.models = models;
    this.limits = limits;
    this.fetching = pool("frame-fetch", limits.fetches(), new LinkedBlockingQueue<>());
    this.working = pool("frame-worker", limits.workers(), new PriorityBlockingQueue<>());
    this.lanes = Lanes.of(limits);
    this.turns = new Turns(limits.callersShare());
    this.galleryWait = new GalleryWait(limits.galleryWait());
    // Enough that no worker waits for a fetch, and no more: encoded images take memory.
    this.fetchedAhead = new Semaphore(limits.fetches() + limits.workers());
    this.decoding = new Semaphore(limits.threads());
    this.encodedBytes = new ByteAccount(limits.encodedBytes());
    this.decodedBytes = new ByteAccount(limits.decodedBytes());
  }

  private static ThreadPoolExecutor pool(
      String name, int threads, BlockingQueue<Runnable> waiting) {
    AtomicInteger number = new AtomicInteger();
    return new ThreadPoolExecutor(
        threads,
        threads,
        0,
        TimeUnit.SECONDS,
        waiting,
        work -> {
          Thread thread = new Thread(work, name + "-" + number.incrementAndGet());
          thread.setDaemon(true);
          return thread;
        });
  }

  /** A frame in hand. Only one thread at a time works on it. */
  private static final class Frame {
    final ImageReference reference;
    final RecognitionModels models;
    final StageTimes times;
    final LogContext.Held context = LogContext.hold();
    final CompletableFuture<Recognition> answer = new CompletableFuture<>();

    Frame(ImageReference reference, RecognitionModels models, StageTimes times) {
      this.reference = reference;
      this.models = models;
      this.times = times;
      times.skip();
      times.lap(Stage.READ);
    }
  }

  /**
   * A step for a worker. Frames that were begun before come first, then images in the order of
   * their turns, which is that of their arrival among those of one origin.
   */
  private record Work(boolean begun, double turn, long number, Runnable step)
      implements Runnable, Comparable<Work> {
    private static final Comparator<Work> ORDER =
        Comparator.comparing((Work work) -> !work.begun)
            .thenComparingDouble(Work::turn)
            .thenComparingLong(Work::number);

    @Override
    public void run() {
      step.run();
    }

    @Override
    public int compareTo(Work other) {
      return ORDER.compare(this, other);
    }
  }

  /**
   * Starts the work on a frame and returns at once.
   *
   * @return the result; completes exceptionally with {@link RejectedException} if the frame becomes
   *     a dead letter, and with an Error if not the frame but this process is at fault. Cancelling
   *     it drops the frame if it was not begun
   */
  public CompletableFuture<Recognition> submit(ImageReference reference) {
    return submit(reference, new StageTimes());
  }

  /**
   * The same with the times of the stages, also of a frame that is rejected.
   *
   * @param times to be filled in; complete when the frame is answered, unless it was cancelled
   */
  public CompletableFuture<Recognition> submit(ImageReference reference, StageTimes times) {
    return taken(
        reference, times, frame -> fetching.execute(() -> step(frame, () -> fetch(frame))));
  }

  /**
   * The same for an image that a caller has sent. How many callers may have in hand is for others
   * to bound.
   *
   * @param reference says all but where the image is
   * @param encoded its bytes; not to be changed any more
   */
  public CompletableFuture<Recognition> submit(
      ImageReference reference, StageTimes times, byte[] encoded) {
    return taken(
        reference,
        times,
        frame -> {
          frame.times.lap(Stage.FETCH);
          encodedBytes.take(encoded.length);
          lanes.arrived();
          work(Turns.Origin.CALLER, () -> begin(frame, encoded));
        });
  }

  private CompletableFuture<Recognition> taken(
      ImageReference reference, StageTimes times, Consumer<Frame> first) {
    Frame frame = new Frame(reference, models.get(), times);
    inHand.add(frame);
    frame.answer.whenComplete((seen, failure) -> inHand.remove(frame));
    if (closed) {
      frame.answer.cancel(false);
      return frame.answer;
    }
    try {
      first.accept(frame);
    } catch (RejectedExecutionException e) { // closed since it was asked
      frame.answer.cancel(false);
    }
    return frame.answer;
  }

  /** Frames that were submitted and are not answered yet. */
  public int inHand() {
    return inHand.size();
  }

  /** Bytes of encoded images in hand. */
  long encodedBytes() {
    return encodedBytes.taken();
  }

  private interface Step {
    void run() throws RejectedException, InterruptedException;
  }

  private void step(Frame frame, Step step) {
    frame.context.run(() -> guarded(frame, step));
  }

  /** A failure concerns only this frame; no thread and no permit is lost. */
  private void guarded(Frame frame, Step step) {
    if (frame.answer.isDone()) {
      return;
    }
    try {
      step.run();
    } catch (RejectedException e) {
      fail(frame, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      frame.answer.cancel(false);
    } catch (RuntimeException | StackOverflowError e) {
      fail(frame, closed ? e : RejectedException.unexpected(frame.times.underWay(), e));
    } catch (Error e) {
      // Out of memory, a broken installation: the next frame would fail as well, and this one must
      // not be lost because of it.
      fail(frame, e);
    }
  }

  /** A frame that fails because of a stop is only cancelled: the next start processes it again. */
  private void fail(Frame frame, Throwable why) {
    if (closed) {
      frame.answer.cancel(false);
    } else {
      frame.times.fail(why);
      frame.answer.completeExceptionally(why);
    }
  }

  private void fetch(Frame frame) throws RejectedException, InterruptedException {
    fetchedAhead.acquire();
    boolean handedOn = false;
    try {
      encodedBytes.awaitRoom();
      if (frame.answer.isDone()) {
        return;
      }
      frame.times.skip();
      byte[] encoded =
          ImageRecognition.fetch(
              fetcher,
              frame.reference.getUri(),
              frame.reference.getSha256(),
              () -> !frame.answer.isDone());
      frame.times.lap(Stage.FETCH);
      encodedBytes.take(encoded.length);
      lanes.arrived();
      work(
          Turns.Origin.STREAM,
          () -> {
            fetchedAhead.release();
            begin(frame, encoded);
          });
      handedOn = true;
    } finally {
      if (!handedOn) {
        fetchedAhead.release();
      }
    }
  }

  private void work(Turns.Origin origin, Runnable step) {
    double turn = turns.next(origin);
    Runnable begins =
        () -> {
          turns.begins(turn);
          step.run();
        };
    working.execute(new Work(false, turn, numbers.getAndIncrement(), begins));
  }

  /** The rest of an image that was begun: before all others. */
  private void workOn(Runnable step) {
    working.execute(new Work(true, 0, numbers.getAndIncrement(), step));
  }

  private void begin(Frame frame, byte[] encoded) {
    Encoded held = new Encoded(encoded);
    try {
      step(frame, () -> look(frame, held));
    } finally {
      lanes.gone();
      held.close();
    }
  }

  /** Encoded bytes, counted until this is closed. */
  private final class Encoded implements AutoCloseable {
    final byte[] bytes;
    private boolean given;

    Encoded(byte[] bytes) {
      this.bytes = bytes;
    }

    @Override
    public void close() {
      if (!given) {
        given = true;
        encodedBytes.give(bytes.length);
      }
    }
  }

  /**
   * From the encoded image to embeddings, and then to the answer, unless the frame has to wait for
   * a gallery version.
   */
  private void look(Frame frame, Encoded encoded) throws RejectedException, InterruptedException {
    long bytes = 0;
    try (Image image = decode(frame, encoded)) {
      bytes = 3L * image.width() * image.height();
      decodedBytes.take(bytes);
      List<PixelBox> regions = frame.reference.getRegions().stream().map(Boxes::toPixels).toList();
      List<ObjectBox> boxes = recognition(frame).detect(image, regions);
      frame.times.lap(Stage.DETECT);
      List<float[]> embeddings = recognition(frame).extract(image, boxes);
      frame.times.lap(Stage.EXTRACT);
      Embedded embedded = new Embedded(image.width(), image.height(), boxes, embeddings);
      Long wanted = frame.reference.getMinGalleryVersion();
      if (wanted == null || frame.models.gallery().state().version() >= wanted) {
        answer(frame, embedded, null);
      } else {
        galleryWait.await(
            frame.models.gallery(),
            wanted,
            partial -> workOn(() -> step(frame, () -> answer(frame, embedded, partial))));
      }
    } finally {
      decodedBytes.give(bytes);
    }
  }

  private Image decode(Frame frame, Encoded encoded)
      throws RejectedException, InterruptedException {
    decodedBytes.awaitRoom();
    decoding.acquire();
    try (encoded) {
      frame.times.skip();
      Image image = new ImageRecognition(frame.models).decode(encoded.bytes);
      frame.times.lap(Stage.DECODE);
      return image;
    } finally {
      decoding.release();
    }
  }

  private void answer(Frame frame, Embedded embedded, @Nullable String partial)
      throws RejectedException {
    frame.times.skip();
    frame.answer.complete(
        new ImageRecognition(frame.models)
            .answer(embedded, frame.models.filters().of(frame.reference), frame.times, partial));
  }

  /** Whether a model run uses all threads or one is decided just before it. */
  private ImageRecognition recognition(Frame frame) {
    return new ImageRecognition(lanes.areCrowded() ? frame.models.onOneThread() : frame.models);
  }

  /** Finishes the frames that workers have begun and cancels all others. Idempotent. */
  @Override
  public void close() {
    closed = true;
    fetching.shutdownNow();
    galleryWait.close();
    working.getQueue().clear();
    working.shutdown();
    boolean interrupted = false;
    try {
      working.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      interrupted = true;
    }
    CancellationException stopped = new CancellationException("the service stops");
    new ArrayList<>(inHand).forEach(frame -> frame.answer.completeExceptionally(stopped));
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
