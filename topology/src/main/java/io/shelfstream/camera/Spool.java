package io.shelfstream.camera;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shelfstream.client.UsageException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Frames on disk that wait to be published, in the order of their names. What is in it survives
 * {@code kill -9} and power failures. When it is full, the oldest frames are dropped. Safe for
 * several threads.
 *
 * <p>A picture is written first, then the file that says that it waits. Where the second is
 * missing, the picture does not count.
 */
final class Spool implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Spool.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String ENTRY = ".json";

  private final Path waiting;
  private final Path position;
  private final long maxBytes;
  private final Counts counts;
  private final FileChannel lockFile;
  private final TakenFiles taken;
  private final String agent;
  private final TreeMap<String, Entry> entries = new TreeMap<>();
  private long bytes;
  private String last;

  /** Name of the last frame that is being published; none before it is dropped. */
  private String inHand = "";

  private record Entry(Waiting frame, long bytes) {}

  /**
   * Opens the spool of an agent.
   *
   * @param state folder; made when it is not there
   * @throws UsageException when another agent uses it
   */
  Spool(Path state, long maxBytes, Counts counts) throws IOException {
    this.waiting = Files.createDirectories(state.resolve("waiting"));
    this.position = state.resolve("published");
    this.maxBytes = maxBytes;
    this.counts = counts;
    this.lockFile = locked(state);
    this.agent = agent(state.resolve("agent"));
    this.taken = new TakenFiles(state.resolve("taken"));
    this.last = Files.exists(position) ? Files.readString(position).strip() : "";
    load();
  }

  private static FileChannel locked(Path state) throws IOException {
    FileChannel file =
        FileChannel.open(
            state.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock lock;
    try {
      lock = file.tryLock();
    } catch (OverlappingFileLockException e) {
      lock = null;
    }
    if (lock == null) {
      file.close();
      throw new UsageException(
          "Another agent uses " + state + "; stop it, or give this one another --state");
    }
    return file;
  }

  /** An id that tells our frames from those of an agent whose folder was lost. */
  private static String agent(Path file) throws IOException {
    if (!Files.exists(file)) {
      Durable.write(file, UUID.randomUUID().toString().getBytes(StandardCharsets.UTF_8));
    }
    return Files.readString(file).strip();
  }

  private void load() throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.list(waiting)) {
      files = all.toList();
    }
    for (Path file : files) {
      if (file.toString().endsWith(ENTRY)) {
        load(file);
      }
    }
    for (Path file : files) {
      String name = file.getFileName().toString();
      int end = name.lastIndexOf('.');
      boolean belongs =
          !name.endsWith(Durable.UNFINISHED)
              && end > 0
              && entries.containsKey(name.substring(0, end));
      if (!belongs) {
        Files.delete(file);
      }
    }
    if (!entries.isEmpty() && entries.lastKey().compareTo(last) > 0) {
      last = entries.lastKey();
    }
  }

  private void load(Path file) throws IOException {
    try {
      Waiting frame = JSON.readValue(Files.readAllBytes(file), Waiting.class);
      if (frame.source() != null) {
        taken.add(frame.source()); // not noted yet when the agent was killed
      }
      put(frame);
    } catch (JsonProcessingException | NoSuchFileException e) {
      log.atWarn().addKeyValue("file", file).log("A waiting frame is damaged and is given up");
      counts.failed();
    }
  }

  private void put(Waiting frame) throws IOException {
    Path picture = picture(frame);
    long size = Files.size(entry(frame.name())) + (picture == null ? 0 : Files.size(picture));
    entries.put(frame.name(), new Entry(frame, size));
    bytes += size;
  }

  private Path entry(String name) {
    return waiting.resolve(name + ENTRY);
  }

  /** The picture of a frame; null when it stays where it was taken. */
  @Nullable Path picture(Waiting frame) {
    return frame.extension() == null
        ? null
        : waiting.resolve(frame.name() + "." + frame.extension());
  }

  /** Tells this agent's frames from those of another with the same camera. */
  String agent() {
    return agent;
  }

  /** Whether a file was taken already. */
  synchronized boolean hasTaken(String source) {
    return taken.contains(source);
  }

  /** Notes a file of which nothing is published. */
  synchronized void pass(String source) throws IOException {
    taken.add(source);
  }

  /** Forgets taken files that are gone. */
  synchronized void keepOnly(Set<String> present) throws IOException {
    taken.keepOnly(present);
  }

  /**
   * Adds a picture.
   *
   * @param capturedAt null: now
   * @param source see {@link Waiting}
   */
  synchronized void add(
      byte[] picture, String extension, @Nullable Instant capturedAt, @Nullable String source)
      throws IOException {
    String name = FrameName.next(last, Instant.now());
    Durable.write(waiting.resolve(name + "." + extension), picture);
    Instant captured = capturedAt == null ? FrameName.time(name) : capturedAt;
    add(new Waiting(name, name, captured.toEpochMilli(), null, extension, source));
  }

  /** Adds a picture that stays where it is. */
  synchronized void add(String frameId, String uri, Instant capturedAt, String source)
      throws IOException {
    String name = FrameName.next(last, Instant.now());
    add(new Waiting(name, frameId, capturedAt.toEpochMilli(), uri, null, source));
  }

  private void add(Waiting frame) throws IOException {
    last = frame.name();
    Durable.write(entry(frame.name()), JSON.writeValueAsBytes(frame));
    if (frame.source() != null) {
      taken.add(frame.source());
    }
    put(frame);
    int dropped = 0;
    while (bytes > maxBytes && !entries.isEmpty()) {
      String oldest = entries.higherKey(inHand);
      if (oldest == null) {
        break;
      }
      remove(oldest);
      dropped++;
    }
    if (dropped > 0) {
      counts.dropped(dropped);
    }
    notifyAll();
  }

  private void remove(String name) throws IOException {
    Entry entry = entries.remove(name);
    if (entry != null) {
      bytes -= entry.bytes();
      // The entry first: a picture without one is deleted at the next start.
      Files.deleteIfExists(entry(name));
      Path picture = picture(entry.frame());
      if (picture != null) {
        Files.deleteIfExists(picture);
      }
    }
  }

  /**
   * The oldest frames, which are not dropped until {@link #published} or {@link #release}.
   *
   * @param patience how long one is waited for
   * @return none when none came
   */
  synchronized List<Waiting> take(int most, Duration patience) throws InterruptedException {
    if (entries.isEmpty()) {
      wait(patience.toMillis());
    }
    List<Waiting> oldest = new ArrayList<>();
    for (Entry entry : entries.values()) {
      if (oldest.size() == most) {
        break;
      }
      oldest.add(entry.frame());
    }
    inHand = oldest.isEmpty() ? "" : oldest.get(oldest.size() - 1).name();
    return oldest;
  }

  /** The frames that were taken last may be dropped again. */
  synchronized void release() {
    inHand = "";
  }

  /** Forgets a frame whose picture is gone. */
  synchronized void forget(Waiting frame) throws IOException {
    remove(frame.name());
  }

  /**
   * Forgets all frames up to one.
   *
   * @return how many there were
   */
  synchronized int published(String name) throws IOException {
    inHand = "";
    if (name.isEmpty()) {
      return 0;
    }
    if (name.compareTo(last) > 0) {
      last = name;
    }
    // First: names that come later have to be higher, also when the clock is set back.
    Durable.write(position, last.getBytes(StandardCharsets.UTF_8));
    List<String> done = List.copyOf(entries.headMap(name, true).keySet());
    for (String one : done) {
      remove(one);
    }
    return done.size();
  }

  /** Name of the oldest frame that waits; empty when none does. */
  synchronized String oldest() {
    return entries.isEmpty() ? "" : entries.firstKey();
  }

  synchronized int size() {
    return entries.size();
  }

  synchronized long bytes() {
    return bytes;
  }

  @Override
  public synchronized void close() {
    try {
      taken.close();
      lockFile.close();
    } catch (IOException e) {
      log.atDebug().setCause(e).log("Closing the spool");
    }
  }
}
