package io.shelfstream.fetch;

import io.shelfstream.logging.RepeatedWarning;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fetches images and waits for a store that is away: a host of http: and https: references, or the
 * S3 store. An outage is waited for once, not once for each image: what is asked for when the store
 * has been away too long fails at once, until it answers again. An image that fails while its store
 * answers others is not waited for. Safe for several threads.
 */
public final class PatientFetcher {
  private static final Logger log = LoggerFactory.getLogger(PatientFetcher.class);

  private static final Duration FIRST_PAUSE = Duration.ofMillis(250);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);

  /** Tries of an image that keeps failing while its store answers others. */
  private static final int TRIES_BESIDE_OTHERS = 3;

  /** A pattern of allowed hosts may have any number of hosts. */
  private static final int MOST_STORES = 1000;

  private final ImageFetcher fetcher;
  private final Duration longest;
  private final AtomicInteger waiting = new AtomicInteger();
  private final RepeatedWarning warning = new RepeatedWarning();
  private final Map<String, Store> stores =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Store> eldest) {
          return size() > MOST_STORES;
        }
      };

  /**
   * @param longest wait for a store that is away; zero: none is waited for
   */
  public PatientFetcher(ImageFetcher fetcher, Duration longest) {
    this.fetcher = fetcher;
    this.longest = longest;
  }

  /** Whether any image waits for its store. */
  public boolean isWaiting() {
    return waiting.get() > 0;
  }

  /**
   * As {@link ImageFetcher#fetch}, but waits for a store that is away.
   *
   * @param wanted whether the image is still needed; asked before each wait
   */
  public byte[] fetch(String uri, @Nullable String sha256, BooleanSupplier wanted)
      throws FetchException {
    String name = longest.isZero() ? null : References.store(uri);
    if (name == null) {
      return fetcher.fetch(uri, sha256);
    }
    Store store;
    synchronized (stores) {
      store = stores.computeIfAbsent(name, n -> new Store());
    }
    Failing failing = null;
    try {
      while (true) {
        try {
          byte[] image = fetcher.fetch(uri, sha256);
          store.answers(name);
          return image;
        } catch (FetchException e) {
          if (!e.retryable()) {
            store.answers(name);
            throw e;
          }
          if (failing == null) {
            failing = new Failing(store.answers);
            waiting.incrementAndGet();
          }
          if (!store.isWaitedFor(failing, name, e) || !wanted.getAsBoolean()) {
            throw e;
          }
          pause(failing, e);
        }
      }
    } finally {
      if (failing != null) {
        waiting.decrementAndGet();
      }
    }
  }

  private static void pause(Failing failing, FetchException before) throws FetchException {
    try {
      TimeUnit.NANOSECONDS.sleep(failing.pause.toNanos());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw before;
    }
    Duration twice = failing.pause.multipliedBy(2);
    failing.pause = twice.compareTo(LONGEST_PAUSE) < 0 ? twice : LONGEST_PAUSE;
  }

  /** An image that failed at least once. */
  private static final class Failing {
    final long since = System.nanoTime();
    final long answersBefore;
    int besideOthers;
    Duration pause = FIRST_PAUSE;

    Failing(long answersBefore) {
      this.answersBefore = answersBefore;
    }
  }

  /** What is known of a store. */
  private final class Store {
    volatile long answers;
    private boolean away;
    private long awaySince;

    synchronized void answers(String name) {
      answers++;
      if (away) {
        away = false;
        log.atDebug().addKeyValue("store", name).log("The image store answers");
      }
    }

    synchronized boolean isWaitedFor(Failing failing, String name, FetchException why) {
      long now = System.nanoTime();
      if (!away) {
        away = true;
        awaySince = now;
      }
      if (answers > failing.answersBefore) {
        failing.besideOthers++;
      }
      long next = now + failing.pause.toNanos();
      boolean waitedFor =
          failing.besideOthers < TRIES_BESIDE_OTHERS
              && next - awaySince < longest.toNanos()
              && next - failing.since < longest.toNanos();
      if (waitedFor) {
        warning.log(
            log.atWarn().addKeyValue("store", name).addKeyValue("atMost", longest),
            "Waiting for an image store that is away: {}",
            String.valueOf(why.getMessage()));
      }
      return waitedFor;
    }
  }
}
