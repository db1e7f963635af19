package io.shelfstream.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.stream.StreamMessage;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.http.RefusedException.Kind;
import io.shelfstream.image.Image;
import io.shelfstream.image.ImageDecoder;
import io.shelfstream.image.ImageException;
import io.shelfstream.image.ImageLimits;
import io.shelfstream.image.Pictures;
import io.shelfstream.image.PixelBox;
import io.shelfstream.recognition.Boxes;
import io.shelfstream.registry.EventJson;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code /api/gallery}: lists photos and products, shows their pictures, adds, changes and removes
 * them, exports and imports all of it.
 */
public final class GalleryService implements Routes {
  private static final Logger log = LoggerFactory.getLogger(GalleryService.class);

  /** Requests at a time, each on a thread of its own; a change may wait for half a minute. */
  private static final int AT_A_TIME = 64;

  static final int LONGEST_PAGE = 1000;
  static final int LARGEST_PICTURE = 2048;
  private static final int QUALITY = 85;
  static final Duration LONGEST_WAIT = Duration.ofSeconds(50);
  private static final long LARGEST_IMPORT = 4L << 30;

  private final Supplier<GalleryAccess> gallery;
  private final GalleryListing listing = new GalleryListing();
  private final ImageDecoder decoder;
  private final Receiving receiving;
  private final Semaphore free = new Semaphore(AT_A_TIME);

  /**
   * @param gallery asked at each request; may refuse
   * @param limits under which pictures are decoded
   */
  public GalleryService(Supplier<GalleryAccess> gallery, ImageLimits limits, Receiving receiving) {
    this.receiving = receiving;
    this.gallery = gallery;
    this.decoder = new ImageDecoder(limits);
  }

  @Override
  public void addTo(ServerBuilder server) {
    server
        .route()
        .get("/api/gallery")
        .build(answering((context, body) -> photos(Parameters.of(context))))
        .route()
        .get("/api/gallery/products")
        .build(answering((context, body) -> products(Parameters.of(context))))
        .route()
        .get("/api/gallery/warnings")
        .build(answering((context, body) -> warnings()))
        .route()
        .post("/api/gallery/photos")
        .build(taking((context, form) -> add(Parameters.of(context), form)))
        .route()
        .get("/api/gallery/photo")
        .build(answering((context, body) -> photo(Parameters.of(context))))
        .route()
        .patch("/api/gallery/photo")
        .build(taking((context, form) -> change(Parameters.of(context), form)))
        .route()
        .delete("/api/gallery/photo")
        .build(answering((context, body) -> remove(Parameters.of(context))))
        .route()
        .delete("/api/gallery/product")
        .build(answering((context, body) -> removeProduct(Parameters.of(context))))
        .route()
        .get("/api/gallery/picture")
        .build(answering((context, body) -> picture(Parameters.of(context))))
        .route()
        .get("/api/gallery/export")
        .build(answering((context, body) -> export(context)))
        .route()
        .post("/api/gallery/import")
        .maxRequestLength(LARGEST_IMPORT)
        .build(this::load);
  }

  private interface Call<T> {
    HttpResponse answer(ServiceRequestContext context, T body) throws IOException;
  }

  /** Answers on a thread that may block. */
  private HttpService answering(Call<Void> call) {
    return (context, request) ->
        HttpResponse.of(on(context, request.aggregate().thenApply(whole -> null), call));
  }

  private HttpService taking(Call<PhotoForm> call) {
    return (context, request) -> {
      CompletableFuture<Void> over = new CompletableFuture<>();
      HttpRequest counted = receiving.counted(request, over);
      CompletableFuture<HttpResponse> answer =
          on(context, PhotoForm.read(counted, context.queryParams()), call);
      answer.whenComplete((response, failure) -> over.complete(null));
      return HttpResponse.of(answer);
    };
  }

  /** The place is taken when the body is there: who sends slowly keeps none from others. */
  private <T> CompletableFuture<HttpResponse> on(
      ServiceRequestContext context, CompletionStage<T> body, Call<T> call) {
    return body.thenApplyAsync(given -> call(context, given, call), context.blockingTaskExecutor())
        .toCompletableFuture();
  }

  private <T> HttpResponse call(ServiceRequestContext context, T given, Call<T> call) {
    if (!free.tryAcquire()) {
      throw new RefusedException(
          Kind.FULL,
          "TOO_MANY_REQUESTS",
          AT_A_TIME + " requests for the gallery are in hand; come again");
    }
    try {
      return call.answer(context, given);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      free.release();
    }
  }

  private HttpResponse photos(Parameters parameters) {
    int offset = parameters.number("offset", 0, 0, Integer.MAX_VALUE);
    int limit = parameters.number("limit", 50, 1, LONGEST_PAGE);
    GalleryListing.Page<GalleryEntry> page =
        listing.photos(
            gallery.get(),
            parameters.text("query").orElse(""),
            parameters.text("product"),
            offset,
            limit);
    ObjectNode body = page(page.total(), offset, limit);
    ArrayNode photos = body.putArray("photos");
    page.items().forEach(photo -> photos.add(json(photo)));
    return Answers.json(HttpStatus.OK, body);
  }

  private HttpResponse products(Parameters parameters) {
    int offset = parameters.number("offset", 0, 0, Integer.MAX_VALUE);
    int limit = parameters.number("limit", 50, 1, LONGEST_PAGE);
    GalleryListing.Page<GalleryListing.Product> page =
        listing.products(gallery.get(), parameters.text("query").orElse(""), offset, limit);
    ObjectNode body = page(page.total(), offset, limit);
    ArrayNode products = body.putArray("products");
    for (GalleryListing.Product product : page.items()) {
      ObjectNode shown =
          products
              .addObject()
              .put("productId", product.productId())
              .put("label", product.label())
              .put("photos", product.photos())
              .put("picture", pictureOf(product.firstPhoto()));
      if (!product.gtin().isEmpty()) {
        shown.put("gtin", product.gtin());
      }
    }
    return Answers.json(HttpStatus.OK, body);
  }

  private HttpResponse warnings() {
    ObjectNode body = Answers.JSON.createObjectNode();
    ArrayNode photos = body.putArray("photos");
    gallery
        .get()
        .warnings()
        .forEach(
            (id, warnings) ->
                listing
                    .photo(gallery.get(), id)
                    .ifPresent(
                        photo -> {
                          ObjectNode warned =
                              photos
                                  .addObject()
                                  .put("galleryImageId", id)
                                  .put("productId", photo.productId());
                          ArrayNode texts = warned.putArray("warnings");
                          warnings.forEach(texts::add);
                        }));
    return Answers.json(HttpStatus.OK, body);
  }

  private ObjectNode page(int total, int offset, int limit) {
    return Answers.JSON
        .createObjectNode()
        .put("version", gallery.get().version())
        .put("total", total)
        .put("offset", offset)
        .put("limit", limit);
  }

  private static ObjectNode json(GalleryEntry photo) {
    ObjectNode shown =
        Answers.JSON
            .createObjectNode()
            .put("galleryImageId", photo.galleryImageId())
            .put("productId", photo.productId())
            .put("label", photo.label());
    if (photo.gtin() != null) {
      shown.put("gtin", photo.gtin());
    }
    ObjectNode attributes = shown.putObject("attributes");
    photo.attributes().forEach(attributes::put);
    return shown.put("picture", pictureOf(photo.galleryImageId()));
  }

  private static String pictureOf(String id) {
    return "/api/gallery/picture?id=" + URLEncoder.encode(id, StandardCharsets.UTF_8);
  }

  private HttpResponse photo(Parameters parameters) {
    return Answers.json(HttpStatus.OK, json(known(parameters.required("id"))));
  }

  private GalleryEntry known(String id) {
    return listing.photo(gallery.get(), id).orElseThrow(() -> RefusedException.noPhoto(id));
  }

  private HttpResponse picture(Parameters parameters) {
    int size = parameters.number("size", 256, 16, LARGEST_PICTURE);
    GalleryEntry photo = known(parameters.required("id"));
    GalleryAccess.Picture picture = gallery.get().picture(photo.galleryImageId());
    try (Image image = decoder.decode(picture.encoded())) {
      var crop = picture.crop();
      PixelBox part = crop == null ? image.box() : Boxes.toPixels(crop);
      byte[] jpeg = Pictures.jpeg(image, part, size, QUALITY);
      return HttpResponse.of(
          ResponseHeaders.builder(HttpStatus.OK)
              .contentType(MediaType.JPEG)
              .set(HttpHeaderNames.CACHE_CONTROL, "private, max-age=60")
              .build(),
          HttpData.wrap(jpeg));
    } catch (ImageException | IllegalArgumentException e) {
      throw RefusedException.noPicture(String.valueOf(e.getMessage()));
    }
  }

  private HttpResponse add(Parameters parameters, PhotoForm form) {
    return answer(gallery.get().add(form.toAdd(), wait(parameters)));
  }

  private HttpResponse change(Parameters parameters, PhotoForm form) {
    return answer(
        gallery.get().change(parameters.required("id"), form.toChange(), wait(parameters)));
  }

  private HttpResponse remove(Parameters parameters) {
    return answer(gallery.get().remove(parameters.required("id"), wait(parameters)));
  }

  /** Removes the photos of a product, and answers as for the last of them. */
  private HttpResponse removeProduct(Parameters parameters) {
    String product = parameters.required("id");
    Duration wait = wait(parameters);
    var photos =
        listing.photos(gallery.get(), "", Optional.of(product), 0, Integer.MAX_VALUE).items();
    if (photos.isEmpty()) {
      throw new RefusedException(
          Kind.NOT_FOUND, "NOT_FOUND", "The gallery has no product '" + product + "'");
    }
    GalleryAccess.Outcome last = null;
    for (int i = 0; i < photos.size(); i++) {
      boolean isLast = i == photos.size() - 1;
      last = gallery.get().remove(photos.get(i).galleryImageId(), isLast ? wait : Duration.ZERO);
    }
    return answer(Objects.requireNonNull(last));
  }

  /** {@code wait=searchable}, with {@code timeout} in seconds. */
  private static Duration wait(Parameters parameters) {
    boolean waits = parameters.choice("wait", "no", "searchable").equals("searchable");
    int seconds = parameters.number("timeout", 30, 1, (int) LONGEST_WAIT.toSeconds());
    return waits ? Duration.ofSeconds(seconds) : Duration.ZERO;
  }

  private static HttpResponse answer(GalleryAccess.Outcome outcome) {
    GalleryStatus status = outcome.status().orElse(null);
    if (status != null && status.getOutcome() == GalleryOutcome.REJECTED) {
      return Answers.refused(
          HttpStatus.UNPROCESSABLE_ENTITY,
          String.valueOf(status.getReason()),
          String.valueOf(status.getMessage()));
    }
    ObjectNode body =
        Answers.JSON
            .createObjectNode()
            .put("galleryImageId", outcome.galleryImageId())
            .put("outcome", status == null ? "PUBLISHED" : status.getOutcome().name())
            .put("searchable", outcome.isSearchable());
    if (status != null) {
      body.putRawValue("status", new RawValue(EventJson.toJson(status)));
    }
    return Answers.json(outcome.isSearchable() ? HttpStatus.OK : HttpStatus.ACCEPTED, body);
  }

  private HttpResponse export(ServiceRequestContext context) throws IOException {
    context.clearRequestTimeout(); // a gallery may be large
    Path file = Files.createTempFile("gallery-", ".avro");
    try {
      gallery.get().export(file);
      HttpResponse response =
          HttpResponse.of(
              ResponseHeaders.builder(HttpStatus.OK)
                  .contentType(MediaType.parse("application/avro"))
                  .set(HttpHeaderNames.CONTENT_DISPOSITION, "attachment; filename=gallery.avro")
                  .build(),
              StreamMessage.of(file));
      response.whenComplete().whenComplete((sent, failure) -> delete(file));
      return response;
    } catch (IOException | RuntimeException e) {
      delete(file);
      throw e;
    }
  }

  private HttpResponse load(ServiceRequestContext context, HttpRequest request) throws IOException {
    context.clearRequestTimeout();
    boolean waits = !wait(Parameters.of(context)).isZero();
    Path file = Files.createTempFile("gallery-", ".avro");
    CompletionStage<Void> written = request.split().body().writeTo(file);
    HttpResponse response =
        HttpResponse.of(
            on(
                context,
                written.thenApply(done -> file),
                (c, read) -> imported(gallery.get().load(read, waits))));
    response.whenComplete().whenComplete((sent, failure) -> delete(file));
    return response;
  }

  private static HttpResponse imported(GalleryAccess.Imported done) {
    ObjectNode body = Answers.JSON.createObjectNode().put("published", done.published());
    done.applied().ifPresent(applied -> body.put("applied", applied));
    ArrayNode rejected = body.putArray("rejected");
    done.rejected().forEach(rejected::add);
    return Answers.json(done.applied().isPresent() ? HttpStatus.OK : HttpStatus.ACCEPTED, body);
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      log.atWarn().setCause(e).log("A temporary file stays: {}", file);
    }
  }
}
