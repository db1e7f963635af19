package io.shelfstream.http;

import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpResponseWriter;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.server.AbstractHttpService;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.netty.util.concurrent.ScheduledFuture;
import io.shelfstream.http.RefusedException.Kind;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * {@code GET /api/events?camera=…}: recognition events as server-sent events, each once for a
 * connection, in the order of their topic. A caller that was cut off gives {@code Last-Event-ID},
 * as browsers do, and gets what it has missed, as far as it is kept.
 */
public final class EventsService extends AbstractHttpService implements Routes {
  private static final MediaType EVENT_STREAM = MediaType.parse("text/event-stream; charset=utf-8");

  /** Listeners at a time. */
  private static final int MOST = 2000;

  /** Events that wait for a slow caller; then it is cut off, and comes back for the rest. */
  private static final int MOST_WAITING = 500;

  /** Characters that are written together; texts that wait are the same for all callers. */
  private static final int WRITTEN_AT_ONCE = 64 << 10;

  /** Proxies close what is silent, many of them after 30 s or a minute. */
  private static final long HEARTBEAT_SECONDS = 15;

  private final EventFeed feed;
  private final AtomicInteger open = new AtomicInteger();

  public EventsService(EventFeed feed) {
    this.feed = feed;
  }

  @Override
  public void addTo(ServerBuilder server) {
    server.route().get("/api/events").build(this);
  }

  @Override
  protected HttpResponse doGet(ServiceRequestContext context, HttpRequest request) {
    Parameters parameters = Parameters.of(context);
    Set<String> cameras = Set.copyOf(context.queryParams().getAll("camera"));
    Optional<Long> after =
        Optional.ofNullable(request.headers().get(HttpHeaderNames.of("last-event-id")))
            .or(() -> parameters.text("after"))
            .map(EventsService::id);
    if (open.incrementAndGet() > MOST) {
      open.decrementAndGet();
      return Answers.refused(
          new RefusedException(
              Kind.FULL, "TOO_MANY_REQUESTS", MOST + " callers listen; come again"));
    }
    context.clearRequestTimeout();
    // Beginning may wait for the broker.
    return HttpResponse.of(
        CompletableFuture.supplyAsync(
                () -> {
                  Connection connection = new Connection(context, cameras);
                  feed.listen(connection, after);
                  return connection.response;
                },
                context.blockingTaskExecutor())
            .whenComplete(
                (response, failure) -> {
                  if (failure != null) {
                    open.decrementAndGet();
                  }
                }));
  }

  private static long id(String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      return Long.MAX_VALUE; // not one of ours: nothing is missing
    }
  }

  /** One caller. */
  private final class Connection implements EventFeed.Listener {
    final HttpResponseWriter response = HttpResponse.streaming();
    private final Set<String> cameras;
    private final Queue<String> waiting = new ArrayDeque<>();
    private final ScheduledFuture<?> heartbeat;
    private boolean isWriting;

    Connection(ServiceRequestContext context, Set<String> cameras) {
      this.cameras = cameras;
      response.write(
          ResponseHeaders.builder(HttpStatus.OK)
              .contentType(EVENT_STREAM)
              .set(HttpHeaderNames.CACHE_CONTROL, "no-store")
              .build());
      send(": events follow\n\n"); // so that callers see that they are connected
      heartbeat =
          context
              .eventLoop()
              .scheduleAtFixedRate(
                  () -> send(":\n\n"), HEARTBEAT_SECONDS, HEARTBEAT_SECONDS, TimeUnit.SECONDS);
      response
          .whenComplete()
          .whenComplete(
              (nothing, failure) -> {
                heartbeat.cancel(false);
                feed.leave(this);
                open.decrementAndGet();
              });
    }

    @Override
    public void accept(EventFeed.Item item) {
      if (cameras.isEmpty() || cameras.contains(item.event().getCameraId())) {
        send(item.text());
      }
    }

    private void send(String text) {
      synchronized (waiting) {
        if (waiting.size() >= MOST_WAITING) {
          response.close(); // it comes back and says which event it had last
          return;
        }
        waiting.add(text);
      }
      writeOn();
    }

    /** Writes when the caller has taken what was written before: it alone decides how fast. */
    private void writeOn() {
      String text = next();
      if (text == null) {
        return;
      }
      if (!response.tryWrite(HttpData.ofUtf8(text))) {
        return; // it has gone
      }
      response
          .whenConsumed()
          .thenRun(
              () -> {
                synchronized (waiting) {
                  isWriting = false;
                }
                writeOn();
              });
    }

    /** What waits, some of it at a time, when nothing is being written. */
    private @Nullable String next() {
      synchronized (waiting) {
        if (isWriting || waiting.isEmpty()) {
          return null;
        }
        isWriting = true;
        StringBuilder text = new StringBuilder();
        while (!waiting.isEmpty() && text.length() < WRITTEN_AT_ONCE) {
          text.append(waiting.remove());
        }
        return text.toString();
      }
    }
  }
}
