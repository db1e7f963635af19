package io.shelfstream.index;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Searches segments on other devices than the CPU. Rows that will not change any more are copied to
 * them; what is not copied yet, and what does not fit, is searched on the CPU beside it. A segment
 * stays complete on the CPU, so a device that fails costs time and no answer.
 *
 * <p>A device compares with every row, whatever the type of the segment. It only proposes: which
 * rows are marked deleted or filtered out, and the scores, are decided on the CPU ({@link
 * DeviceSearch}).
 *
 * <p>Safe for threads; each device has one that owns it ({@link DeviceThread}).
 */
public final class Accelerator implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Accelerator.class);
  private static final AtomicBoolean WARNED = new AtomicBoolean();

  /** Fewer rows are compared on the CPU sooner than a device is asked: 0.5 ms at 512 values. */
  private static final int LEAST_ROWS = 4096;

  /** Each copy is a search of its own on the device; larger ones are harder to find room for. */
  private static final int COPY_BYTES = 128 << 20;

  private static final int BATCH_BYTES = 32 << 20;

  /** New rows of a growing index, as a share of those that were copied, that are copied next. */
  private static final int GROWN_SHARE = 64;

  private final List<DeviceThread> devices;
  private final int leastRows;
  private final int copyBytes;
  private final AtomicBoolean toldOfRoom = new AtomicBoolean();

  /**
   * Opens the GPUs that are asked for.
   *
   * @return nothing where the CPU is to search: it was asked for, or the GPUs of {@link
   *     SearchDevice#AUTO} cannot be used, which a build with GPUs warns of once
   * @throws IndexException with code LIBRARY when {@link SearchDevice#CUDA} cannot be had; the
   *     message lists what is missing
   */
  public static Optional<Accelerator> open(DeviceOptions options) {
    if (options.device() == SearchDevice.CPU) {
      return Optional.empty();
    }
    List<String> missing = new ArrayList<>(CudaLibrary.missing());
    if (missing.isEmpty()) {
      try {
        return Optional.of(onGpus(options));
      } catch (IllegalArgumentException | IndexException e) {
        missing.add(String.valueOf(e.getMessage()));
      }
    }
    if (options.device() == SearchDevice.CUDA) {
      throw new IndexException(
          IndexException.Code.LIBRARY,
          "index.device=cuda cannot be had: %s. Install what is missing, or set index.device=auto, which takes the CPU then"
              .formatted(String.join("; ", missing)));
    }
    if (CudaLibrary.isBuiltIn() && WARNED.compareAndSet(false, true)) {
      log.atWarn()
          .addKeyValue("reason", String.join("; ", missing))
          .log(
              "The gallery is searched on the CPU, as the GPU cannot be used;"
                  + " index.device=cpu says so");
    }
    return Optional.empty();
  }

  private static Accelerator onGpus(DeviceOptions options) {
    List<DeviceThread> devices = new ArrayList<>();
    try {
      for (int gpu : options.gpus()) {
        devices.add(
            DeviceThread.start(
                "cuda-" + gpu,
                () -> NativeCuda.open(gpu, options.temporaryMemory()),
                options.memoryLimit()));
      }
    } catch (RuntimeException e) {
      devices.forEach(DeviceThread::close);
      throw e;
    }
    log.atInfo().addKeyValue("devices", devices).log("The gallery is searched on GPUs");
    return new Accelerator(devices, LEAST_ROWS, COPY_BYTES);
  }

  /**
   * @param devices closed with this
   * @param leastRows fewer are not worth a copy
   * @param copyBytes most of one copy
   */
  Accelerator(List<DeviceThread> devices, int leastRows, int copyBytes) {
    this.devices = List.copyOf(devices);
    this.leastRows = leastRows;
    this.copyBytes = copyBytes;
  }

  /**
   * Copies what came to a segment, if it is enough to be worth it; returns when it is there. One
   * thread for each segment, and it must keep the segment from being closed meanwhile.
   *
   * @param rows the first ones, which will not change any more
   */
  public void follow(Segment segment, int rows) {
    int from = segment.copies().stream().mapToInt(CopiedRows::end).max().orElse(0);
    if (!isWorthCopying(segment, from, rows)) {
      return;
    }
    int most = Math.max(1, copyBytes / rowBytes(segment));
    int share = (rows - from + devices.size() - 1) / devices.size();
    int count = Math.min(most, Math.max(leastRows, share));
    while (from < rows) {
      CopiedRows copy = copy(segment, from, Math.min(count, rows - from));
      if (copy == null) {
        return;
      }
      segment.add(copy);
      from = copy.end();
    }
  }

  private boolean isWorthCopying(Segment segment, int from, int rows) {
    int due = Math.max(leastRows, from / GROWN_SHARE);
    // What does not grow is copied when it is full: in the meantime it is the open block.
    return rows - from >= due && (segment.type().grows() || rows == segment.capacity());
  }

  private static int rowBytes(Segment segment) {
    // And a norm, which Faiss keeps too.
    return segment.dimension() * (segment.type().isHalf() ? Short.BYTES : Float.BYTES)
        + Float.BYTES;
  }

  private @Nullable CopiedRows copy(Segment segment, int from, int count) {
    long bytes = (long) count * rowBytes(segment);
    List<DeviceThread> emptiestFirst =
        devices.stream().sorted(Comparator.comparingLong(DeviceThread::taken)).toList();
    for (DeviceThread device : emptiestFirst) {
      if (device.take(bytes)) {
        CopiedRows copy = copyTo(device, segment, from, count, bytes);
        if (copy != null) {
          return copy;
        }
      }
    }
    if (devices.stream().anyMatch(device -> !device.isFailed())
        && toldOfRoom.compareAndSet(false, true)) {
      log.atWarn()
          .addKeyValue("devices", devices)
          .addKeyValue("bytes", devices.stream().mapToLong(DeviceThread::taken).sum())
          .log(
              "The memory for vectors on the GPUs is used up, and the rest is searched on the CPU;"
                  + " raise index.cuda.memory.limit, name more GPUs in index.cuda.devices,"
                  + " or take index.type=SQfp16, which needs half");
    }
    return null;
  }

  private static @Nullable CopiedRows copyTo(
      DeviceThread device, Segment segment, int from, int count, long bytes) {
    Device.Rows rows = null;
    try {
      Device.Rows made = device.makeRows(segment.dimension(), segment.type().isHalf()).join();
      rows = made;
      int batch = Math.min(count, Math.max(1, BATCH_BYTES / Float.BYTES / segment.dimension()));
      FloatBuffer buffer = Segment.buffer(batch, segment.dimension());
      for (int at = from; at < from + count; at += batch) {
        int some = Math.min(batch, from + count - at);
        segment.copy(IntStream.range(at, at + some).toArray(), buffer);
        FloatBuffer filled = buffer.duplicate().limit(some * segment.dimension());
        device
            .submit(
                () -> {
                  made.append(filled);
                  return true;
                })
            .join();
      }
      return new CopiedRows(device, made, from, count, bytes);
    } catch (CompletionException e) {
      boolean full =
          e.getCause() instanceof IndexException index
              && index.code() == IndexException.Code.OUT_OF_MEMORY;
      if (full) {
        device.outOfMemory(bytes);
        bytes = 0;
      } else if (!(e.getCause() instanceof RejectedExecutionException)) {
        device.failed(e);
      }
      device.free(rows, bytes);
      return null;
    }
  }

  /** The same as {@link Segment#search}, with the devices' help. */
  public Neighbor[][] search(List<Segment.View> views, long sequence, FloatBuffer queries, int k) {
    int n = Vectors.count(queries, views.get(0).segment().dimension());
    boolean none = views.stream().allMatch(view -> view.segment().copies().isEmpty());
    if (n == 0 || none || (long) n * (k + DeviceSearch.SLACK) > Limits.MAX_RESULTS) {
      return Segment.search(views, sequence, false, queries, k);
    }
    int wanted = Vectors.requireNeighbors(k, Integer.MAX_VALUE, n);
    try (DirectFloats direct = DirectFloats.of(queries)) {
      return new DeviceSearch(views, sequence, direct.floats(), n, wanted).run();
    }
  }

  /** Bytes that copies of vectors take on the devices. */
  public long bytes() {
    return devices.stream().mapToLong(DeviceThread::taken).sum();
  }

  /** Frees the devices after what was handed to them; searches go on, on the CPU. Idempotent. */
  @Override
  public void close() {
    devices.forEach(DeviceThread::close);
  }

  /** The devices' names. */
  @Override
  public String toString() {
    return devices.toString();
  }
}
