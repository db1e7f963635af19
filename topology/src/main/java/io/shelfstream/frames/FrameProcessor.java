package io.shelfstream.frames;

import io.shelfstream.config.NodeNames;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.logging.LogContext;
import io.shelfstream.messages.DeadLetter;
import io.shelfstream.messages.SourcePosition;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.recognition.Stage;
import io.shelfstream.streams.FailedRecords;
import io.shelfstream.streams.PollWakeUp;
import io.shelfstream.streams.ReadProgress;
import io.shelfstream.streams.StalledException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.streams.processor.Cancellable;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The node {@code recognize} of one partition: takes its frames, lets other threads recognise them,
 * and forwards the answers in the order of the partition. Each frame becomes one recognition event
 * or one dead letter, unless it is skipped and only counted.
 *
 * <p>A frame is kept in a slot of the store until its answer can no longer be lost ({@link
 * PendingSlots}). {@link NewestWins} decides which frames of an overloaded camera are begun.
 *
 * <p>Used only by the stream thread; other threads only complete the answers.
 */
final class FrameProcessor extends ContextualProcessor<byte[], byte[], Object, Object> {
  private static final Logger log = LoggerFactory.getLogger(FrameProcessor.class);

  /**
   * Longest time that a record waits for a place in the window. Then it is taken beyond the window,
   * so that the thread gets back to its poll, and the transaction is committed in time, however
   * slow an image is.
   */
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  /**
   * The oldest frame of a partition may wait behind frames of other partitions, but not for ever:
   * at most this many times the stall limit.
   */
  private static final int STALLS_BEHIND_OTHERS = 5;

  /**
   * Bytes of frames whose answers are sent and not yet acknowledged, allowed in addition to the
   * window: at a high rate more answers are on their way to the broker than frames are worked on.
   */
  private static final int ON_THEIR_WAY = 1 << 20;

  /**
   * Bytes of frames of a partition that may be in hand: references take little, but {@code data:}
   * references are images.
   */
  private static final int MOST_BYTES = 32 << 20;

  private final FrameProcessorSupplier shared;
  private final Deque<TakenFrame> frames = new ArrayDeque<>();
  private final NewestWins newestWins;
  private long framesBytes;
  private long headSince;
  private boolean uncommitted;
  private @Nullable PendingSlots pending;
  private ReadProgress.@Nullable Partition progress;
  private @Nullable Sensor skippedFrames;
  private @Nullable Sensor setAsideRecords;
  private @Nullable Cancellable timer;
  private Runnable wakeUp = () -> {};

  FrameProcessor(FrameProcessorSupplier shared) {
    this.shared = shared;
    this.newestWins = new NewestWins(shared.overload());
  }

  /** May be called again when a task is resumed. */
  @Override
  public void init(ProcessorContext<Object, Object> context) {
    super.init(context);
    close();
    wakeUp = shared.clients().wakeUp();
    progress = shared.deliveries().progress().open(shared.topic(), context.taskId().partition());
    pending = new PendingSlots(context.getStateStore(NodeNames.PENDING_FRAMES));
    skippedFrames =
        context
            .metrics()
            .addRateTotalSensor(
                "shelfstream",
                context.taskId().toString(),
                "skipped-frames",
                Sensor.RecordingLevel.INFO);
    setAsideRecords = FailedRecords.sensor(context);
    takeUpAgain();
  }

  private void takeUpAgain() {
    List<PendingSlots.Slot> found = slots().restore();
    if (!found.isEmpty()) {
      log.atInfo()
          .addKeyValue("task", context().taskId())
          .addKeyValue("frames", found.size())
          .log("Frames that were in hand are taken up again");
    }
    found.forEach(this::take);
    arm();
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    makeRoom();
    SourcePosition source =
        positionOf(context().recordMetadata().map(RecordMetadata::offset).orElse(-1L));
    shared.deliveries().failed().guard(source, () -> take(record, source));
    forwardAnswered();
    arm();
  }

  private void take(Record<byte[], byte[]> record, SourcePosition source) {
    boolean isSetAside = shared.deliveries().failed().setAside(source).isPresent();
    PendingFrame frame =
        isSetAside
            ? PendingFrame.withoutContent(slots().nextSequence(), source.offset(), record)
            : PendingFrame.of(
                slots().nextSequence(), source.offset(), record, shared.limits().pendingFrame());
    take(slots().fill(frame));
    progress().taken(source.offset());
  }

  private SourcePosition positionOf(long offset) {
    return new SourcePosition(shared.topic(), context().taskId().partition(), offset);
  }

  /** Back-pressure: waits for the oldest frame while the window is full. */
  private void makeRoom() {
    if (!isFull()) {
      return;
    }
    long end = System.nanoTime() + PATIENCE.toNanos();
    do {
      awaitHead();
      forwardAnswered();
    } while (isFull() && System.nanoTime() < end);
  }

  private boolean isFull() {
    int window = shared.delivery().window();
    return frames.size() >= window
        || framesBytes >= MOST_BYTES
        || (slots().unconfirmedBytes() >= ON_THEIR_WAY && slots().filled() >= window);
  }

  private void awaitHead() {
    TakenFrame head = frames.peek();
    CompletableFuture<?> answer = head == null ? null : head.answer;
    try {
      if (answer == null || answer.isDone()) {
        TimeUnit.MILLISECONDS.sleep(1); // for acknowledgements, or for the end of the service
      } else {
        answer.get(10, TimeUnit.MILLISECONDS);
      }
    } catch (TimeoutException | ExecutionException | CancellationException e) {
      log.atTrace().setCause(e).log("Looked at when it is forwarded");
    } catch (InterruptedException e) {
      throw new InterruptException(e);
    }
  }

  private void take(PendingSlots.Slot slot) {
    boolean mayBeSkipped = shared.overload().newestWins(slot.frame().camera());
    PendingFrame frame = slot.frame();
    TakenFrame taken =
        new TakenFrame(
            slot.number(),
            slot.bytes(),
            frame,
            mayBeSkipped,
            shared.traces().begin(frame, positionOf(frame.offset())));
    if (frames.isEmpty()) {
      headSince = System.nanoTime();
    }
    frames.add(taken);
    shared.metrics().taken();
    framesBytes += taken.bytes;
    tellProgress();
    if (mayBeSkipped) {
      newestWins.hold();
      manageOverload();
    } else {
      begin(taken);
    }
  }

  private void begin(TakenFrame taken) {
    if (shared.inHand().isDraining()) {
      return; // it stays in its slot for the next start
    }
    PendingFrame frame = taken.frame;
    Optional<RejectedException> setAside =
        shared.deliveries().failed().setAside(positionOf(frame.offset()));
    if (setAside.isEmpty()) {
      try (LogContext.Scope context = logContext(taken)) {
        work(taken, shared.answers().answer(frame, taken.times));
      }
      return;
    }
    if (setAsideRecords != null) {
      setAsideRecords.record();
    }
    if (!frame.isOmitted()) {
      taken.frame = PendingFrame.withoutContent(frame.sequence(), frame.offset(), frame.record());
    }
    work(taken, CompletableFuture.failedFuture(setAside.get()));
  }

  private LogContext.Scope logContext(TakenFrame taken) {
    return LogContext.of(
        shared.topic(),
        context().taskId().partition(),
        taken.frame.offset(),
        taken.camera,
        () -> taken.span.traceId(taken.frame.record().headers()));
  }

  private void work(TakenFrame taken, CompletableFuture<Optional<RecognitionEvent>> answer) {
    FramesInHand inHand = shared.inHand();
    FramesInHand.Hold hold = inHand.take();
    Runnable wake = wakeUp;
    taken.hold = hold;
    taken.answer = answer;
    answer.whenComplete(
        (event, failure) -> {
          inHand.progressed();
          if (failure instanceof CancellationException) {
            hold.release();
          }
          wake.run();
        });
  }

  private void manageOverload() {
    newestWins.manage(frames, this::begin, this::skip);
  }

  private void skip(TakenFrame taken) {
    if (skippedFrames != null) {
      skippedFrames.record();
    }
    try (LogContext.Scope context = logContext(taken)) {
      log.atDebug()
          .addKeyValue("camera", taken.camera)
          .addKeyValue("offset", taken.frame.offset())
          .log("Frame skipped: newer ones of its camera wait");
    }
    work(
        taken,
        shared.overload().answersSkipped()
            ? shared.answers().skipped(taken.frame)
            : CompletableFuture.completedFuture(Optional.empty()));
  }

  private void forwardAnswered() {
    TakenFrame head = frames.peek();
    while (head != null && head.isAnswered()) {
      frames.poll();
      framesBytes -= head.bytes;
      headSince = System.nanoTime();
      forward(head);
      tellProgress();
      head = frames.peek();
    }
    slots().freeArrived();
    manageOverload();
    if (head != null) {
      checkForStall(head);
    }
  }

  private void forward(TakenFrame head) {
    BooleanSupplier arrived = null;
    try (LogContext.Scope context = logContext(head)) {
      Runnable outputs = outputs(head, answerOf(head));
      arrived = shared.deliveries().send(positionOf(head.frame.offset()), outputs);
    } catch (RuntimeException | Error e) {
      head.span.failed(e);
      throw e;
    } finally { // also when the outputs fail: the frame is not worked on until its task starts
      // again
      if (head.hold != null) {
        head.hold.release();
      }
      if (arrived == null) {
        shared.metrics().givenUp();
      }
      head.span.end();
    }
    slots().freeWhen(arrived, head.slot, head.bytes);
  }

  private static CompletableFuture<Optional<RecognitionEvent>> answerOf(TakenFrame taken) {
    return Objects.requireNonNull(taken.answer, "forwarded before it was begun");
  }

  /** Forwards the answer of a frame; nothing when it was skipped and is only counted. */
  private Runnable outputs(TakenFrame taken, CompletableFuture<Optional<RecognitionEvent>> answer) {
    taken.span.queue(taken.times);
    try {
      Optional<RecognitionEvent> event = answer.join();
      taken.span.stages(taken.times, null);
      return () -> event.ifPresentOrElse(e -> publish(taken, e), () -> skipped(taken));
    } catch (CompletionException e) {
      if (e.getCause() instanceof Error error && RejectedException.isOfTheProcess(error)) {
        throw error; // the process ends; the frame is still in its slot
      }
      RejectedException reason =
          e.getCause() instanceof RejectedException rejected
              ? rejected
              : RejectedException.unexpected(Stage.READ, e);
      taken.span.stages(taken.times, reason);
      return () -> reject(taken, reason);
    }
  }

  private void publish(TakenFrame taken, RecognitionEvent event) {
    Record<byte[], byte[]> source = taken.frame.record();
    taken.span.answered(event);
    taken.span.publish(
        shared.traces().topics().recognitions(),
        event.getEventId(),
        () ->
            context()
                .forward(source.withKey(event.getCameraId()).withValue(event), NodeNames.PUBLISH));
    shared.metrics().recognized(event, Instant.now());
  }

  private void skipped(TakenFrame taken) {
    taken.span.skipped();
    shared.metrics().skipped();
  }

  private void reject(TakenFrame taken, RejectedException reason) {
    Record<byte[], byte[]> deadLetter =
        DeadLetter.of(
            taken.frame.record(),
            positionOf(
                taken.frame.offset()), // the context only knows the record that is being taken
            reason,
            taken.frame.omitted(),
            shared.limits().deadLetter());
    taken.span.rejected(reason);
    taken.span.publish(
        shared.traces().topics().deadLetters(),
        null,
        () -> context().forward(deadLetter, NodeNames.FRAME_DEAD_LETTERS));
    shared.metrics().deadLettered(reason.reason());
  }

  private void checkForStall(TakenFrame head) {
    long now = System.nanoTime();
    if (!head.isWorkedOn() || shared.answers().waitsForOthers()) {
      headSince = now; // not recognition's fault
      return;
    }
    Duration limit = shared.delivery().stallLimit();
    Duration asHead = Duration.ofNanos(now - headSince);
    Duration idle = Duration.ofNanos(now - shared.inHand().lastProgress());
    if (asHead.compareTo(limit.multipliedBy(STALLS_BEHIND_OTHERS)) > 0
        || (asHead.compareTo(limit) > 0 && idle.compareTo(limit) > 0)) {
      throw new StalledException(
          shared.topic(), context().taskId().partition(), head.frame.offset(), asHead);
    }
  }

  /**
   * Starts a timer while there is work, for answers that come when no records come. It runs after
   * each poll, and an answer ends the poll.
   */
  private void arm() {
    if (timer == null && hasWork()) {
      timer = context().schedule(PollWakeUp.TICK, PunctuationType.WALL_CLOCK_TIME, this::tick);
    }
  }

  private void tick(long now) {
    boolean hadFrames = !frames.isEmpty();
    forwardAnswered();
    commitEarly(hadFrames, now);
    if (timer != null && !hasWork() && !uncommitted) {
      timer.cancel();
      timer = null;
    }
  }

  /**
   * Commits before the interval ends, so that readers of committed records see an answer at once;
   * only when no other frame is pending, so that a queue shares one transaction.
   */
  private void commitEarly(boolean hadFrames, long now) {
    if (hadFrames && frames.isEmpty()) {
      uncommitted = shared.delivery().exactlyOnce();
    }
    if (uncommitted && frames.isEmpty() && shared.earlyCommits().isDue(now)) {
      context().commit();
      uncommitted = false;
    }
  }

  private boolean hasWork() {
    return !frames.isEmpty() || slots().hasUnconfirmed();
  }

  private void tellProgress() {
    TakenFrame oldest = frames.peek();
    progress().inHand(frames.size(), oldest == null ? 0 : oldest.frame.record().timestamp());
  }

  private ReadProgress.Partition progress() {
    return Objects.requireNonNull(progress, "process before init");
  }

  private PendingSlots slots() {
    return Objects.requireNonNull(pending, "process before init");
  }

  /** Drops what was not forwarded; it is in the store for the next owner of the task. */
  @Override
  public void close() {
    for (TakenFrame taken : frames) {
      shared.metrics().givenUp();
      if (taken.answer != null) {
        taken.answer.cancel(true);
      }
      if (taken.hold != null) {
        taken.hold.release();
      }
    }
    frames.clear();
    framesBytes = 0;
    if (progress != null) {
      progress.close();
      progress = null;
    }
    newestWins.clear();
    uncommitted = false;
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
  }
}
