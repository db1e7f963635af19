package io.shelfstream.http;

import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.registry.EventJson;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Recognition events on their way to callers who listen. The newest are kept, so that a caller who
 * was cut off gets what it has missed. An event that comes again, as after a crash with the
 * guarantee at least once, is handed on once. Safe for several threads.
 */
public final class EventFeed implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(EventFeed.class);

  /** Events kept for callers who come back. */
  static final int KEPT = 1000;

  /**
   * Objects of all of them; each takes a kilobyte with its candidates, and as JSON as much again.
   */
  static final int KEPT_OBJECTS = 20_000;

  /** Event ids that are remembered: doubles after a crash come within seconds. */
  private static final int REMEMBERED = 20_000;

  /** Reading goes on for so long without listeners: pages are loaded again and again. */
  private static final long LINGER_SECONDS = 30;

  /** Where events come from while somebody listens. */
  public interface Source {
    /**
     * Begins to give events, those that are published after this has returned at least.
     *
     * @return ends it
     */
    AutoCloseable begin(Consumer<RecognitionEvent> events);

    /**
     * Gives some of the newest events that there are already, in no particular order, and returns.
     *
     * @throws RuntimeException when they cannot be had
     */
    default void newest(Consumer<RecognitionEvent> events) {}
  }

  /** An event on its way. */
  static final class Item {
    private final long id;
    private final RecognitionEvent event;
    private volatile @Nullable String text;

    private Item(long id, RecognitionEvent event) {
      this.id = id;
      this.event = event;
    }

    /** Of the feed, for callers who come back. */
    long id() {
      return id;
    }

    RecognitionEvent event() {
      return event;
    }

    /** In the format of server-sent events; written once for all who want it, if somebody does. */
    String text() {
      String written = text;
      if (written == null) {
        written = "id: %d\nevent: recognition\ndata: %s\n\n".formatted(id, EventJson.toJson(event));
        text = written;
      }
      return written;
    }
  }

  /** Somebody who listens; called with a lock, so it must not block. */
  interface Listener {
    void accept(Item item);
  }

  private final Source source;
  private final long firstId = System.currentTimeMillis() * 1000; // differs after a restart
  private final Deque<Item> kept = new ArrayDeque<>();
  private final Deque<String> remembered = new ArrayDeque<>();
  private final Set<String> known = new HashSet<>();
  private final List<Listener> listeners = new CopyOnWriteArrayList<>(); // some leave when called
  private long nextId = firstId;
  private int keptObjects;
  private @Nullable AutoCloseable running;
  private long idleSince;
  private boolean closed;

  public EventFeed(Source source) {
    this.source = source;
  }

  /**
   * Adds a listener, who gets all events from now on; before them, those after the given one, when
   * they are kept.
   *
   * @param after id of the last event that it has; empty: nothing is missing
   * @throws RuntimeException when events cannot be had, as while the broker is away
   */
  void listen(Listener listener, Optional<Long> after) {
    synchronized (this) {
      begin();
      long last = after.orElse(Long.MAX_VALUE);
      if (last >= firstId) { // else it is of another start of the process
        kept.stream().filter(item -> item.id() > last).forEach(listener::accept);
      }
      listeners.add(listener);
    }
  }

  /**
   * Gives events that were before: those that are kept, and some of those that its source has.
   *
   * @throws RuntimeException when they cannot be had
   */
  void newest(Consumer<RecognitionEvent> events) {
    List<Item> before;
    synchronized (this) {
      before = List.copyOf(kept);
    }
    before.forEach(item -> events.accept(item.event()));
    source.newest(events);
  }

  private void begin() {
    if (closed) {
      throw RefusedException.notReady("the service stops");
    }
    if (running == null) {
      running = source.begin(this::publish);
    }
  }

  synchronized void leave(Listener listener) {
    if (listeners.remove(listener) && listeners.isEmpty()) {
      idleSince = System.nanoTime();
    }
  }

  /** Hands an event on, unless it was before. */
  public void publish(RecognitionEvent event) {
    AutoCloseable unused = null;
    synchronized (this) {
      if (!known.add(event.getEventId())) {
        return;
      }
      remembered.addLast(event.getEventId());
      if (remembered.size() > REMEMBERED) {
        known.remove(remembered.removeFirst());
      }
      Item item = new Item(nextId++, event);
      kept.addLast(item);
      keptObjects += event.getObjects().size();
      while (kept.size() > KEPT || (keptObjects > KEPT_OBJECTS && kept.size() > 1)) {
        keptObjects -= kept.removeFirst().event().getObjects().size();
      }
      listeners.forEach(listener -> listener.accept(item));
      if (listeners.isEmpty()
          && System.nanoTime() - idleSince > TimeUnit.SECONDS.toNanos(LINGER_SECONDS)) {
        unused = running;
        running = null;
      }
    }
    end(unused);
  }

  private static void end(@Nullable AutoCloseable source) {
    if (source != null) {
      try {
        source.close();
      } catch (Exception e) {
        log.atWarn().setCause(e).log("Reading events did not end");
      }
    }
  }

  /** Ends reading; nobody is told, as the port closes with it. */
  @Override
  public void close() {
    AutoCloseable last;
    synchronized (this) {
      closed = true;
      last = running;
      running = null;
    }
    end(last);
  }
}
