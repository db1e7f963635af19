package io.shelfstream.frames;

import io.shelfstream.config.NodeNames;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.messages.DeadLetter;
import io.shelfstream.messages.SourcePosition;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.recognition.Stage;
import io.shelfstream.streams.FailedRecords;
import io.shelfstream.streams.PollWakeUp;
import io.shelfstream.streams.StalledException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
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
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the frames of one partition, has them recognised elsewhere, and forwards the answers in the
 * order of the partition: each frame becomes one recognition event or one dead letter.
 *
 * <p>A frame that was taken lies in a slot of the store until its answer cannot be lost any more.
 * The slot commits together with the offset that moves past the frame, so whatever happens, a frame
 * is read again, or is in a slot and is taken up again, or is answered. Slots are numbered from 0
 * and used anew, lowest first: the changelog keeps few keys, and a slot that is filled and freed
 * between two commits never reaches it.
 *
 * <p>Everything here belongs to the stream thread.
 */
final class FrameProcessor extends ContextualProcessor<byte[], byte[], Object, Object> {
  private static final Logger log = LoggerFactory.getLogger(FrameProcessor.class);

  /**
   * How long one record may wait for a place. Then it is taken beyond the window, so that a thread
   * gets back to its poll, and a commit to its transaction, however slow an image is.
   */
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  /** A head may have many frames of other partitions before it, but not for ever. */
  private static final int STALLS_BEHIND_OTHERS = 5;

  /** Frames of a newest-wins camera that are worked on at once: one is fetched ahead. */
  private static final int AT_WORK = 2;

  /**
   * Bytes of frames that may be answered and not yet acknowledged beyond the window: at a high rate
   * more answers are on their way to the broker than frames are worked on.
   */
  private static final int ON_THEIR_WAY = 1 << 20;

  /**
   * Bytes of frames of a partition that may be in hand: references take little, but {@code data:}
   * references are images.
   */
  private static final int MOST_BYTES = 32 << 20;

  private final FrameProcessorSupplier stage;
  private final Deque<Waiting> frames = new ArrayDeque<>();
  private final Deque<Unconfirmed> unconfirmed = new ArrayDeque<>();
  private final BitSet slots = new BitSet();
  private long sequence;
  private int held;
  private long unconfirmedBytes;
  private long framesBytes;
  private long headSince;
  private boolean uncommitted;
  private @Nullable KeyValueStore<Integer, byte[]> pending;
  private @Nullable Sensor skippedFrames;
  private @Nullable Sensor setAsideRecords;
  private @Nullable Cancellable timer;
  private Runnable wakeUp = () -> {};

  FrameProcessor(FrameProcessorSupplier stage) {
    this.stage = stage;
  }

  /** A frame in its slot. Without an answer it was not begun. */
  private static final class Waiting {
    final int slot;
    final int bytes;
    final String camera;
    final boolean newestWins;
    PendingFrame frame;
    @Nullable CompletableFuture<Optional<RecognitionEvent>> answer;
    FramesInHand.@Nullable Hold hold;

    Waiting(int slot, int bytes, PendingFrame frame, FrameProcessorSupplier stage) {
      this.slot = slot;
      this.bytes = bytes;
      this.frame = frame;
      this.camera = frame.camera();
      this.newestWins = stage.overload().newestWins(camera);
    }

    boolean isAnswered() {
      return answer != null && answer.isDone() && !answer.isCancelled();
    }

    boolean isHeld() {
      return newestWins && answer == null;
    }

    boolean isWorkedOn() {
      return answer != null && !answer.isDone();
    }
  }

  /** A slot whose answer is on its way. */
  private record Unconfirmed(int slot, int bytes, BooleanSupplier arrived) {}

  /** May be called again when a task is resumed. */
  @Override
  public void init(ProcessorContext<Object, Object> context) {
    super.init(context);
    close();
    unconfirmed.clear();
    unconfirmedBytes = 0;
    slots.clear();
    sequence = 0;
    wakeUp = stage.clients().wakeUp();
    pending = context.getStateStore(NodeNames.PENDING_FRAMES);
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
    List<Waiting> found = new ArrayList<>();
    try (KeyValueIterator<Integer, byte[]> all = store().all()) {
      all.forEachRemaining(
          slot ->
              found.add(
                  new Waiting(
                      slot.key, slot.value.length, PendingFrame.decode(slot.value), stage)));
    }
    found.sort(Comparator.comparingLong(waiting -> waiting.frame.sequence()));
    if (!found.isEmpty()) {
      log.atInfo()
          .addKeyValue("task", context().taskId())
          .addKeyValue("frames", found.size())
          .log("Frames that were in hand are taken up again");
    }
    for (Waiting waiting : found) {
      slots.set(waiting.slot);
      sequence = waiting.frame.sequence() + 1;
      take(waiting);
    }
    arm();
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    makeRoom();
    SourcePosition source =
        positionOf(context().recordMetadata().map(RecordMetadata::offset).orElse(-1L));
    stage.deliveries().failed().guard(source, () -> take(record, source));
    forwardAnswered();
    arm();
  }

  private void take(Record<byte[], byte[]> record, SourcePosition source) {
    boolean isSetAside = stage.deliveries().failed().setAside(source).isPresent();
    PendingFrame frame =
        isSetAside
            ? PendingFrame.withoutContent(sequence++, source.offset(), record)
            : PendingFrame.of(sequence++, source.offset(), record, stage.limits().pendingFrame());
    int slot = slots.nextClearBit(0);
    slots.set(slot);
    byte[] encoded = frame.encode();
    store().put(slot, encoded);
    take(new Waiting(slot, encoded.length, frame, stage));
  }

  private SourcePosition positionOf(long offset) {
    return new SourcePosition(stage.topic(), context().taskId().partition(), offset);
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
    int window = stage.delivery().window();
    return frames.size() >= window
        || framesBytes >= MOST_BYTES
        || (unconfirmedBytes >= ON_THEIR_WAY && slots.cardinality() >= window);
  }

  private void awaitHead() {
    Waiting head = frames.peek();
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

  private void take(Waiting waiting) {
    if (frames.isEmpty()) {
      headSince = System.nanoTime();
    }
    frames.add(waiting);
    framesBytes += waiting.bytes;
    if (waiting.newestWins) {
      held++;
      manageHeld();
    } else {
      begin(waiting);
    }
  }

  private void begin(Waiting waiting) {
    if (stage.inHand().isDraining()) {
      return; // it stays in its slot for the next start
    }
    PendingFrame frame = waiting.frame;
    Optional<RejectedException> setAside =
        stage.deliveries().failed().setAside(positionOf(frame.offset()));
    if (setAside.isEmpty()) {
      work(waiting, stage.answers().answer(frame));
      return;
    }
    if (setAsideRecords != null) {
      setAsideRecords.record();
    }
    if (!frame.isOmitted()) {
      waiting.frame = PendingFrame.withoutContent(frame.sequence(), frame.offset(), frame.record());
    }
    work(waiting, CompletableFuture.failedFuture(setAside.get()));
  }

  private void work(Waiting waiting, CompletableFuture<Optional<RecognitionEvent>> answer) {
    FramesInHand inHand = stage.inHand();
    FramesInHand.Hold hold = inHand.take();
    Runnable wake = wakeUp;
    waiting.hold = hold;
    waiting.answer = answer;
    answer.whenComplete(
        (event, failure) -> {
          inHand.progressed();
          if (failure instanceof CancellationException) {
            hold.release();
          }
          wake.run();
        });
  }

  /** Cameras whose newest frame wins: begins what may begin, and skips what is too old. */
  private void manageHeld() {
    if (held == 0) {
      return;
    }
    Map<String, Integer> atWork = new HashMap<>();
    for (Waiting waiting : frames) {
      if (waiting.newestWins && waiting.isWorkedOn()) {
        atWork.merge(waiting.camera, 1, Integer::sum);
      }
    }
    for (Waiting waiting : frames) {
      if (waiting.isHeld() && atWork.getOrDefault(waiting.camera, 0) < AT_WORK) {
        begin(waiting);
        if (waiting.answer != null) {
          held--;
          atWork.merge(waiting.camera, 1, Integer::sum);
        }
      }
    }
    Map<String, Integer> newer = new HashMap<>();
    for (Iterator<Waiting> all = frames.descendingIterator(); all.hasNext(); ) {
      Waiting waiting = all.next();
      if (waiting.isHeld()
          && newer.merge(waiting.camera, 1, Integer::sum) > stage.overload().waiting()) {
        skip(waiting);
      }
    }
  }

  private void skip(Waiting waiting) {
    held--;
    if (skippedFrames != null) {
      skippedFrames.record();
    }
    log.atDebug()
        .addKeyValue("camera", waiting.camera)
        .addKeyValue("offset", waiting.frame.offset())
        .log("Frame skipped: newer ones of its camera wait");
    work(
        waiting,
        stage.overload().answersSkipped()
            ? stage.answers().skipped(waiting.frame)
            : CompletableFuture.completedFuture(Optional.empty()));
  }

  private void forwardAnswered() {
    Waiting head = frames.peek();
    while (head != null && head.isAnswered()) {
      frames.poll();
      framesBytes -= head.bytes;
      headSince = System.nanoTime();
      forward(head);
      head = frames.peek();
    }
    freeArrived();
    manageHeld();
    if (head != null) {
      checkForStall(head);
    }
  }

  private void forward(Waiting head) {
    BooleanSupplier arrived;
    try {
      Runnable outputs = outputs(head.frame, answerOf(head));
      arrived = stage.deliveries().send(positionOf(head.frame.offset()), outputs);
    } finally { // also when the outputs fail: nobody works on the frame until its task begins again
      if (head.hold != null) {
        head.hold.release();
      }
    }
    unconfirmed.add(new Unconfirmed(head.slot, head.bytes, arrived));
    unconfirmedBytes += head.bytes;
    freeArrived();
  }

  /** In the order they were sent in: one that is late holds back the slots behind it. */
  private void freeArrived() {
    for (Unconfirmed sent = unconfirmed.peek();
        sent != null && sent.arrived().getAsBoolean();
        sent = unconfirmed.peek()) {
      unconfirmed.poll();
      unconfirmedBytes -= sent.bytes();
      store().delete(sent.slot());
      slots.clear(sent.slot());
    }
  }

  private static CompletableFuture<Optional<RecognitionEvent>> answerOf(Waiting waiting) {
    return Objects.requireNonNull(waiting.answer, "forwarded before it was begun");
  }

  /** What answers a frame; nothing when it was skipped and is only counted. */
  private Runnable outputs(
      PendingFrame frame, CompletableFuture<Optional<RecognitionEvent>> answer) {
    Record<byte[], byte[]> source = frame.record();
    try {
      Optional<RecognitionEvent> event = answer.join();
      return () ->
          event.ifPresent(
              e ->
                  context()
                      .forward(source.withKey(e.getCameraId()).withValue(e), NodeNames.PUBLISH));
    } catch (CompletionException e) {
      if (e.getCause() instanceof Error error && RejectedException.isOfTheProcess(error)) {
        throw error; // the process ends, and the frame is still in its slot
      }
      RejectedException reason =
          e.getCause() instanceof RejectedException rejected
              ? rejected
              : RejectedException.unexpected(Stage.READ, e);
      Record<byte[], byte[]> deadLetter =
          DeadLetter.of(
              source,
              positionOf(frame.offset()), // the context only knows the record that is being taken
              reason,
              frame.omitted(),
              stage.limits().deadLetter());
      return () -> context().forward(deadLetter, NodeNames.FRAME_DEAD_LETTERS);
    }
  }

  private void checkForStall(Waiting head) {
    long now = System.nanoTime();
    if (!head.isWorkedOn() || stage.answers().waitsForRegistry()) {
      headSince = now; // not recognition's fault
      return;
    }
    Duration limit = stage.delivery().stallLimit();
    Duration asHead = Duration.ofNanos(now - headSince);
    Duration idle = Duration.ofNanos(now - stage.inHand().lastProgress());
    if (asHead.compareTo(limit.multipliedBy(STALLS_BEHIND_OTHERS)) > 0
        || (asHead.compareTo(limit) > 0 && idle.compareTo(limit) > 0)) {
      throw new StalledException(
          stage.topic(), context().taskId().partition(), head.frame.offset(), asHead);
    }
  }

  /**
   * A timer while there is work, for answers that come when no record does: due whenever the stream
   * thread comes by, which an answer makes it do.
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
   * Readers need not wait for the commit interval when nothing else is in hand: who is on the way
   * shares its transaction, and there is nobody whom the end of one would hold up.
   */
  private void commitEarly(boolean hadFrames, long now) {
    if (hadFrames && frames.isEmpty()) {
      uncommitted = stage.delivery().exactlyOnce();
    }
    if (uncommitted && frames.isEmpty() && stage.earlyCommits().isDue(now)) {
      context().commit();
      uncommitted = false;
    }
  }

  private boolean hasWork() {
    return !frames.isEmpty() || !unconfirmed.isEmpty();
  }

  private KeyValueStore<Integer, byte[]> store() {
    return Objects.requireNonNull(pending, "process before init");
  }

  /** Gives up what was not forwarded; it is in the store for whoever takes the task up next. */
  @Override
  public void close() {
    for (Waiting waiting : frames) {
      if (waiting.answer != null) {
        waiting.answer.cancel(true);
      }
      if (waiting.hold != null) {
        waiting.hold.release();
      }
    }
    frames.clear();
    framesBytes = 0;
    held = 0;
    uncommitted = false;
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
  }
}
