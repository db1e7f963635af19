package io.shelfstream.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.util.Exceptions;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.shelfstream.cameras.CameraEvents;
import io.shelfstream.cameras.CameraWall;
import io.shelfstream.cameras.FramePictures;
import io.shelfstream.cameras.FramePictures.Wanted;
import io.shelfstream.cameras.UnknownObjects;
import io.shelfstream.events.BoundingBox;
import io.shelfstream.events.MatchStatus;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognizedObject;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.http.RefusedException.Kind;
import io.shelfstream.image.ImageLimits;
import io.shelfstream.image.PixelBox;
import io.shelfstream.registry.EventJson;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code /api/cameras}: what each camera has shown last, with pictures. Events are followed from
 * the first request on, until nobody has asked for some minutes. Only frames of events that passed
 * here can be asked for, by the ids of these events.
 */
public final class CamerasService implements Routes, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CamerasService.class);

  /** Nobody looks any more. */
  private static final long IDLE = TimeUnit.MINUTES.toNanos(5);

  static final int LARGEST_PICTURE = 2048;
  static final int MOST_UNKNOWN = 500;

  private final EventFeed feed;
  private final CameraEvents events = new CameraEvents();
  private final CameraWall wall = new CameraWall(events);
  private final FramePictures pictures;
  private final EventFeed.Listener listener = this::take;
  private volatile long askedAt;
  private volatile boolean readsBefore;
  private boolean listens;

  /**
   * @param fetcher of frames, with its rules
   * @param limits under which frames are decoded
   */
  public CamerasService(EventFeed feed, ImageFetcher fetcher, ImageLimits limits) {
    this.feed = feed;
    this.pictures = new FramePictures(fetcher, limits, wall);
  }

  @Override
  public void addTo(ServerBuilder server) {
    server
        .route()
        .get("/api/cameras")
        .build(answering(context -> cameras(Parameters.of(context))))
        .route()
        .get("/api/cameras/events")
        .build(answering(context -> events(Parameters.of(context))))
        .route()
        .get("/api/cameras/unknown")
        .build(answering(context -> unknown(Parameters.of(context))))
        .route()
        .get("/api/cameras/picture")
        .build(answering(context -> picture(Parameters.of(context))));
  }

  /** Beginning to follow events may wait for the broker. */
  private HttpService answering(Function<ServiceRequestContext, HttpResponse> call) {
    return (context, request) ->
        HttpResponse.of(
            request
                .aggregate()
                .thenApplyAsync(
                    whole -> {
                      follow(context);
                      return call.apply(context);
                    },
                    context.blockingTaskExecutor()));
  }

  private synchronized void follow(ServiceRequestContext context) {
    askedAt = System.nanoTime();
    if (listens) {
      return;
    }
    feed.listen(listener, Optional.empty());
    listens = true;
    readsBefore = true;
    context.blockingTaskExecutor().execute(this::readBefore);
  }

  private void readBefore() {
    try {
      feed.newest(events::add);
    } catch (RuntimeException e) {
      log.atWarn().log("Earlier events cannot be shown: {}", e.getMessage());
    } finally {
      readsBefore = false;
    }
  }

  private void take(EventFeed.Item item) {
    if (System.nanoTime() - askedAt > IDLE) {
      stop();
    } else {
      events.add(item.event());
    }
  }

  private synchronized void stop() {
    feed.leave(listener);
    listens = false;
    events.clear();
    wall.clear();
    pictures.clear();
  }

  private HttpResponse cameras(Parameters parameters) {
    long since = parameters.number("since", 0, 0, Integer.MAX_VALUE);
    wall.look();
    pictures.begin();
    Instant now = Instant.now();
    ObjectNode body =
        Answers.JSON.createObjectNode().put("change", wall.changes()).put("reading", readsBefore);
    ArrayNode cameras = body.putArray("cameras");
    for (CameraEvents.Camera camera : events.cameras(now)) {
      RecognitionEvent newest = camera.newest();
      ObjectNode shown =
          cameras
              .addObject()
              .put("camera", newest.getCameraId())
              .put("eventId", newest.getEventId())
              .put("frameId", newest.getFrameId())
              .put("ageMs", age(newest, now))
              .put("framesPerSecond", rounded(camera.framesPerSecond()))
              .put("latencyMs", rounded(camera.latencyMillis()))
              .put("unknownShare", rounded(camera.unknownShare()));
      counts(newest, shown.putObject("objects"));
      picture(wall.shown(newest.getCameraId()), since, now, shown);
    }
    return Answers.json(HttpStatus.OK, body);
  }

  private static void picture(CameraWall.Shown wall, long since, Instant now, ObjectNode camera) {
    if (!wall.problem().isEmpty()) {
      camera.put("problem", wall.problem());
    }
    RecognitionEvent event = wall.event();
    if (event == null) {
      return;
    }
    ObjectNode picture =
        camera
            .putObject("picture")
            .put("eventId", event.getEventId())
            .put("frameId", event.getFrameId())
            .put("path", path(event, CameraWall.PICTURE))
            .put("width", event.getImageWidth())
            .put("height", event.getImageHeight())
            .put("ageMs", age(event, now));
    if (wall.change() > since) {
      ArrayNode objects = picture.putArray("objects");
      for (RecognizedObject object : event.getObjects()) {
        object(object, objects.addObject());
      }
    }
  }

  private static void object(RecognizedObject object, ObjectNode shown) {
    shown.put("status", object.getStatus().name());
    if (object.getLabel() != null) {
      shown.put("label", object.getLabel());
    }
    if (object.getScore() != null) {
      shown.put("score", rounded(object.getScore()));
    }
    BoundingBox box = object.getBbox();
    shown.putArray("bbox").add(box.getX1()).add(box.getY1()).add(box.getX2()).add(box.getY2());
  }

  private static void counts(RecognitionEvent event, ObjectNode shown) {
    Map<MatchStatus, Integer> counts = new EnumMap<>(MatchStatus.class);
    event.getObjects().forEach(object -> counts.merge(object.getStatus(), 1, Integer::sum));
    for (MatchStatus status : MatchStatus.values()) {
      shown.put(status.name(), counts.getOrDefault(status, 0));
    }
  }

  /** Of the frame, in milliseconds; cameras whose clock is ahead have new frames. */
  private static long age(RecognitionEvent event, Instant now) {
    return Math.max(0, Duration.between(event.getCapturedAt(), now).toMillis());
  }

  private static double rounded(double value) {
    return Math.round(value * 1000) / 1000.0;
  }

  private static String path(RecognitionEvent event, int width) {
    return "/api/cameras/picture?event=%s&width=%d".formatted(event.getEventId(), width);
  }

  private HttpResponse events(Parameters parameters) {
    String camera = parameters.required("camera");
    Optional<String> after = parameters.text("after");
    List<RecognitionEvent> newer = new ArrayList<>();
    for (RecognitionEvent event : events.of(camera)) {
      if (after.filter(event.getEventId()::equals).isPresent()) {
        break;
      }
      newer.add(event);
    }
    ObjectNode body = Answers.JSON.createObjectNode().put("camera", camera);
    ArrayNode shown = body.put("reading", readsBefore).putArray("events");
    newer.forEach(event -> shown.addRawValue(new RawValue(EventJson.toJson(event))));
    return Answers.json(HttpStatus.OK, body);
  }

  private HttpResponse unknown(Parameters parameters) {
    int limit = parameters.number("limit", 60, 1, MOST_UNKNOWN);
    Instant now = Instant.now();
    ObjectNode body = Answers.JSON.createObjectNode().put("reading", readsBefore);
    ArrayNode shown = body.putArray("objects");
    var newest =
        UnknownObjects.newest(
            events.cameras(now).stream().map(camera -> events.of(camera.newest().getCameraId())),
            limit);
    for (UnknownObjects.Unknown unknown : newest) {
      RecognitionEvent event = unknown.event();
      BoundingBox box = unknown.object().getBbox();
      ObjectNode object = shown.addObject();
      object
          .put("camera", event.getCameraId())
          .put("eventId", event.getEventId())
          .put("frameId", event.getFrameId())
          .put("ageMs", age(event, now))
          .put(
              "path",
              "%s&crop=%d,%d,%d,%d"
                  .formatted(path(event, 320), box.getX1(), box.getY1(), box.getX2(), box.getY2()));
      object(unknown.object(), object);
      if (!unknown.object().getCandidates().isEmpty()) {
        object.put("nearest", unknown.object().getCandidates().get(0).getLabel());
      }
    }
    return Answers.json(HttpStatus.OK, body);
  }

  private HttpResponse picture(Parameters parameters) {
    String id = parameters.required("event");
    int width = parameters.number("width", CameraWall.PICTURE, 16, LARGEST_PICTURE);
    Optional<PixelBox> crop = parameters.box("crop");
    RecognitionEvent event =
        events
            .event(id)
            .orElseThrow(
                () ->
                    new RefusedException(
                        Kind.NOT_FOUND,
                        "NOT_FOUND",
                        "'" + id + "' is none of the newest events of a camera"));
    if (crop.filter(box -> box.clip(event.getImageWidth(), event.getImageHeight()).isEmpty())
        .isPresent()) {
      throw RefusedException.badRequest(
          "crop lies outside the frame of %d x %d pixels"
              .formatted(event.getImageWidth(), event.getImageHeight()));
    }
    CompletableFuture<HttpResponse> answer =
        pictures
            .picture(new Wanted(event, width, crop))
            .thenApply(CamerasService::jpeg)
            .exceptionally(CamerasService::failed);
    return HttpResponse.of(answer);
  }

  private static HttpResponse jpeg(byte[] picture) {
    return HttpResponse.of(
        ResponseHeaders.builder(HttpStatus.OK)
            .contentType(MediaType.JPEG)
            .set(HttpHeaderNames.CACHE_CONTROL, "private, max-age=600")
            .build(),
        HttpData.wrap(picture));
  }

  private static HttpResponse failed(Throwable failure) {
    Throwable cause = Exceptions.peel(failure);
    if (cause instanceof FramePictures.UnavailableException) {
      return Answers.refused(
          new RefusedException(
              Kind.NOT_FOUND, "NO_PICTURE", "The frame cannot be shown: " + cause.getMessage()));
    }
    if (cause instanceof FramePictures.FullException) {
      return Answers.refused(
          new RefusedException(
              Kind.FULL, "TOO_MANY_REQUESTS", "Too many pictures are waited for; come again"));
    }
    return Answers.refused(RefusedException.of(cause));
  }

  @Override
  public void close() {
    pictures.close();
  }
}
