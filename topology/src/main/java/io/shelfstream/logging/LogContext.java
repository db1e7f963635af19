package io.shelfstream.logging;

import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/**
 * Which record a thread is working on, for its log lines: kept in SLF4J's MDC, and only when lines
 * are written in a form that shows it. Otherwise everything here does nothing.
 */
public final class LogContext {
  public static final String TRACE_ID = "trace_id";
  public static final String CAMERA = "camera";
  public static final String TOPIC = "topic";
  public static final String PARTITION = "partition";
  public static final String OFFSET = "offset";

  private static final Scope NOTHING = () -> {};
  private static final Held NONE = new Held(null);

  private static volatile boolean isShown;

  private LogContext() {}

  /** Ends what began with it. */
  public interface Scope extends AutoCloseable {
    @Override
    void close();
  }

  /** Whether log lines of this process show the context; false until it is called. */
  public static void show(boolean shown) {
    isShown = shown;
  }

  /**
   * This thread works on a record until the scope is closed. What is null here stays as it was.
   *
   * @param camera null when it is not known
   * @param traceId asked only where it is shown; gives null when there is none
   */
  public static Scope of(
      String topic,
      int partition,
      long offset,
      @Nullable String camera,
      Supplier<@Nullable String> traceId) {
    if (!isShown) {
      return NOTHING;
    }
    Scope scope = image(camera, traceId);
    MDC.put(TOPIC, topic);
    MDC.put(PARTITION, Integer.toString(partition));
    MDC.put(OFFSET, Long.toString(offset));
    return scope;
  }

  /** The same for an image that is of no topic. */
  public static Scope image(@Nullable String camera, Supplier<@Nullable String> traceId) {
    if (!isShown) {
      return NOTHING;
    }
    Map<String, String> before = MDC.getCopyOfContextMap();
    put(CAMERA, camera);
    put(TRACE_ID, traceId.get());
    return () -> set(before);
  }

  private static void put(String key, @Nullable String value) {
    if (value != null && !value.isEmpty()) {
      MDC.put(key, value);
    }
  }

  private static void set(@Nullable Map<String, String> context) {
    if (context == null) {
      MDC.clear();
    } else {
      MDC.setContextMap(context);
    }
  }

  /** The context of this thread, for work that another thread does for the same record. */
  public static Held hold() {
    return isShown ? new Held(MDC.getCopyOfContextMap()) : NONE;
  }

  /** A context that was taken from a thread. */
  public static final class Held {
    private final @Nullable Map<String, String> context;

    private Held(@Nullable Map<String, String> context) {
      this.context = context;
    }

    /** Runs the work with it on this thread. */
    public void run(Runnable work) {
      if (context == null) {
        work.run();
        return;
      }
      Map<String, String> before = MDC.getCopyOfContextMap();
      MDC.setContextMap(context);
      try {
        work.run();
      } finally {
        set(before);
      }
    }
  }
}
