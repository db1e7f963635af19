package io.shelfstream.tracing;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.messages.TraceContext;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.recognition.ShortText;
import io.shelfstream.recognition.Stage;
import io.shelfstream.recognition.StageTimes;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * The span of one frame, photo or image, from the moment that it is taken until it is answered. One
 * that is not sampled does nothing. Used by one thread at a time.
 *
 * <p>All times are those of this process's clock at the beginning, and counted from there: neither
 * a clock that is set nor the timestamps of a record, which may be of any year, can bring them out
 * of order.
 */
public final class WorkSpan {
  static final String CAMERA = "shelfstream.camera";
  private static final String FRAME = "shelfstream.frame";
  private static final String PHOTO = "shelfstream.gallery.image";
  private static final String PRODUCT = "shelfstream.product";
  private static final String STATUS = "shelfstream.status";
  private static final String OBJECTS = "shelfstream.objects";
  private static final String GALLERY_VERSION = "shelfstream.gallery.version";
  private static final String STAGE = "shelfstream.stage";
  private static final String SKIPPED = "SKIPPED";
  private static final String ERROR_TYPE = "error.type";

  private static final TimeUnit UNIT = TimeUnit.NANOSECONDS;

  static final WorkSpan NONE = new WorkSpan(null);

  private final @Nullable Recorded recorded;

  private WorkSpan(@Nullable Recorded recorded) {
    this.recorded = recorded;
  }

  /**
   * @param first stage that is its own: an image of a caller is not fetched
   * @param begin as {@link System#nanoTime}
   * @param epoch nanoseconds since 1970 at which that was 0
   */
  private record Recorded(
      Tracer tracer, Span span, Context context, Stage first, long begin, long epoch) {

    SpanBuilder child(String name, long begin) {
      return tracer.spanBuilder(name).setParent(context).setStartTimestamp(epoch + begin, UNIT);
    }

    void end(Span one, long end) {
      one.end(epoch + end, UNIT);
    }
  }

  static WorkSpan begin(Tracer tracer, SpanBuilder builder, Stage first) {
    Instant now = Instant.now();
    long wall = TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano();
    long begin = System.nanoTime();
    Span span = builder.setStartTimestamp(wall, UNIT).startSpan();
    return span.isRecording()
        ? new WorkSpan(
            new Recorded(tracer, span, Context.root().with(span), first, begin, wall - begin))
        : NONE;
  }

  /**
   * Id of the trace, 32 hexadecimal digits; where it is not recorded, of the trace that the record
   * belongs to; null when there is none.
   *
   * @param source headers of the record
   */
  public @Nullable String traceId(Headers source) {
    return recorded == null ? traceId(TraceContext.of(source)) : traceId((TraceContext) null);
  }

  /** The same for an image whose caller named a span, or null. */
  public @Nullable String traceId(@Nullable TraceContext caller) {
    if (recorded != null) {
      return recorded.span.getSpanContext().getTraceId();
    }
    return caller == null ? null : caller.traceId();
  }

  /** Adds, as a child, the wait of an image from its beginning to its first stage. */
  public void queue(StageTimes times) {
    if (recorded != null && times.reached(recorded.first)) {
      recorded.end(
          recorded.child("queue", recorded.begin).startSpan(), times.begun(recorded.first));
    }
  }

  /**
   * Adds the stages of an image as children.
   *
   * @param failure why the last of them failed; null when it did not
   */
  public void stages(StageTimes times, @Nullable RejectedException failure) {
    if (recorded == null) {
      return;
    }
    for (Stage stage : Stage.values()) {
      if (stage.compareTo(recorded.first) >= 0 && times.reached(stage)) {
        Span child = recorded.child(stage.label(), times.begun(stage)).startSpan();
        if (failure != null && failure.stage() == stage) {
          fail(child, failure);
        }
        recorded.end(child, times.ended(stage));
      }
    }
  }

  private static void fail(Span span, RejectedException why) {
    span.setStatus(StatusCode.ERROR, ShortText.of(why.message()))
        .setAttribute(ERROR_TYPE, why.reason())
        .setAttribute(STAGE, why.stage().label());
  }

  /** The image was answered by an event. */
  public void answered(RecognitionEvent event) {
    if (recorded == null) {
      return;
    }
    recorded
        .span
        .setAttribute(CAMERA, event.getCameraId())
        .setAttribute(FRAME, event.getFrameId())
        .setAttribute(STATUS, event.getSkippedReason() == null ? event.getStatus().name() : SKIPPED)
        .setAttribute(OBJECTS, (long) event.getObjects().size())
        .setAttribute(GALLERY_VERSION, event.getVersions().getGalleryVersion());
  }

  /** The photo was answered by a status. */
  public void answered(GalleryStatus status) {
    if (recorded == null) {
      return;
    }
    recorded
        .span
        .setAttribute(PHOTO, ShortText.of(status.getGalleryImageId()))
        .setAttribute(STATUS, status.getOutcome().name());
    if (status.getProductId() != null) {
      recorded.span.setAttribute(PRODUCT, status.getProductId());
    }
  }

  /** It was not looked at, and only counted. */
  public void skipped() {
    if (recorded != null) {
      recorded.span.setAttribute(STATUS, SKIPPED);
    }
  }

  /** It became a dead letter, or the caller was told so. */
  public void rejected(RejectedException why) {
    if (recorded != null) {
      fail(recorded.span, why);
      recorded.span.setAttribute(STATUS, "REJECTED");
    }
  }

  /** Its answer was not sent; the record is processed again. */
  public void failed(Throwable why) {
    if (recorded != null) {
      recorded
          .span
          .setStatus(StatusCode.ERROR, ShortText.of(why.toString()))
          .setAttribute(ERROR_TYPE, why.getClass().getName());
    }
  }

  /**
   * Sends records to a topic, within a span of its own: the events among them continue the trace
   * from there.
   *
   * @param id of the event; null when it has none
   */
  public void publish(String topic, @Nullable String id, Runnable send) {
    if (recorded == null) {
      send.run();
      return;
    }
    SpanBuilder builder =
        recorded
            .child("publish " + topic, System.nanoTime())
            .setSpanKind(SpanKind.PRODUCER)
            .setAttribute("messaging.system", "kafka")
            .setAttribute("messaging.operation.type", "send")
            .setAttribute("messaging.operation.name", "publish")
            .setAttribute("messaging.destination.name", topic);
    if (id != null) {
      builder.setAttribute("messaging.message.id", id);
    }
    Span span = builder.startSpan();
    try {
      within(span, send);
    } catch (RuntimeException | Error e) {
      span.setStatus(StatusCode.ERROR, ShortText.of(e.toString()))
          .setAttribute(ERROR_TYPE, e.getClass().getName());
      throw e;
    } finally {
      recorded.end(span, System.nanoTime());
    }
  }

  /** Events that the work makes continue the trace from this span, if it is sampled. */
  static void within(Span span, Runnable work) {
    TraceContext.<@Nullable Void>within(
        context(span),
        () -> {
          work.run();
          return null;
        });
  }

  private static @Nullable TraceContext context(Span span) {
    SpanContext context = span.getSpanContext();
    if (!context.isSampled()) {
      return null;
    }
    Map<String, String> headers = new HashMap<>(2);
    W3CTraceContextPropagator.getInstance()
        .inject(
            Context.root().with(span),
            headers,
            (carrier, key, value) -> Objects.requireNonNull(carrier).put(key, value));
    return TraceContext.parse(headers.get("traceparent"), headers.get("tracestate"));
  }

  /**
   * The image of a caller is answered, by an event or by a failure.
   *
   * @param times complete, unless the failure is a cancellation
   */
  public void end(StageTimes times, @Nullable RecognitionEvent event, @Nullable Throwable failure) {
    if (recorded == null) {
      return;
    }
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (event != null) {
      queue(times);
      stages(times, null);
      answered(event);
    } else if (cause instanceof RejectedException rejected) {
      queue(times);
      stages(times, rejected);
      rejected(rejected);
    } else if (cause != null) { // also when the caller went away: a worker may still be at it
      failed(cause);
    }
    end();
  }

  /** The work is over. */
  public void end() {
    if (recorded != null) {
      recorded.end(recorded.span, System.nanoTime());
    }
  }
}
