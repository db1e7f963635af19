package io.shelfstream.http;

import com.linecorp.armeria.common.HttpRequest;
import io.shelfstream.http.RefusedException.Kind;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The bytes of bodies that are in memory, of all requests together. Bytes count when they have
 * come: a caller that sends slowly keeps no room from others. Safe for several threads.
 */
public final class Receiving {
  private final long most;
  private final AtomicLong bytes = new AtomicLong();

  /**
   * @param most bytes at a time; the request that would bring more is refused
   */
  public Receiving(long most) {
    this.most = most;
  }

  /**
   * The request, whose body fails with {@link RefusedException} when there is no room for it.
   *
   * @param over completes when its bytes are needed no longer
   */
  HttpRequest counted(HttpRequest request, CompletableFuture<?> over) {
    AtomicLong ofThis = new AtomicLong();
    over.whenComplete((nothing, failure) -> bytes.addAndGet(-ofThis.getAndSet(0)));
    return request.peekData(
        data -> {
          ofThis.addAndGet(data.length());
          if (bytes.addAndGet(data.length()) > most) {
            throw new RefusedException(
                Kind.FULL,
                "TOO_MANY_REQUESTS",
                "%d MiB are being received, which is all there is room for; come again"
                    .formatted(most >> 20));
          }
        });
  }
}
