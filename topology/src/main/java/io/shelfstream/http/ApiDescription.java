package io.shelfstream.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shelfstream.cameras.CameraWall;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.RecognitionEvent;
import java.util.List;
import java.util.Locale;

/** The OpenAPI description of the port. Its schemas of events come from their Avro schemas. */
final class ApiDescription {
  private static final String JSON = "application/json";

  private final ObjectNode document = Answers.JSON.createObjectNode();
  private final ObjectNode paths = Answers.JSON.createObjectNode();
  private final ObjectNode schemas = Answers.JSON.createObjectNode();
  private final boolean asksForToken;

  private ApiDescription(String version, boolean asksForToken) {
    this.asksForToken = asksForToken;
    document.put("openapi", "3.0.3");
    document
        .putObject("info")
        .put("title", "ShelfStream")
        .put("version", version)
        .put(
            "description",
            "Recognises products on shelf images. Refusals are JSON with a reason class and a message.");
    document.set("paths", paths);
    ObjectNode components = document.putObject("components");
    components.set("schemas", schemas);
    if (asksForToken) {
      components
          .putObject("securitySchemes")
          .putObject("token")
          .put("type", "http")
          .put("scheme", "bearer");
    }
  }

  /**
   * Describes the whole port.
   *
   * @param version of the program
   * @param asksForToken whether callers have to give one
   */
  static String of(String version, boolean asksForToken) {
    ApiDescription api = new ApiDescription(version, asksForToken);
    api.describe();
    return api.document.toString();
  }

  private void describe() {
    AvroSchemas avro = new AvroSchemas(schemas);
    ObjectNode event = avro.of(RecognitionEvent.getClassSchema());
    avro.of(GalleryStatus.getClassSchema());
    for (Object[] own : Schemas.ALL) {
      schemas.set((String) own[0], Schemas.parse((String) own[1]));
    }
    process();
    recognition(event);
    cameras();
    gallery();
    deadLetters();
  }

  private void process() {
    for (String kind : List.of("live", "ready", "startup")) {
      Operation health =
          get(
              "/health/" + kind,
              "Health",
              "Whether the process " + of(kind) + ", with the reasons");
      health.open().answer(200, "it does", JSON, "Health");
      health.answer(503, "it does not", JSON, "Health");
    }
    get("/metrics", "Process", "Metrics in Prometheus's text format")
        .text(200, "the metrics", "text/plain");
    get("/version", "Process", "Version of the program").text(200, "the version", "text/plain");
    get("/config", "Process", "The configuration as it is used, secrets masked")
        .text(200, "the configuration", "text/plain");
  }

  private static String of(String kind) {
    return switch (kind) {
      case "live" -> "lives";
      case "ready" -> "does its work";
      default -> "has started";
    };
  }

  private void recognition(ObjectNode event) {
    Operation recognize =
        operation("post", "/api/recognize", "Recognition", "Recognises the products on an image")
            .query("camera", "Names the camera in the event; http by default")
            .query("frame", "Names the frame in the event; a random id by default")
            .flag("annotated", "Answers with the image and its boxes, as JPEG");
    ObjectNode body = recognize.body();
    for (String type : List.of("image/jpeg", "image/png", "image/webp", "image/bmp")) {
      bytes(body, type);
    }
    bytes(body, "application/octet-stream");
    ObjectNode form = body.putObject("multipart/form-data").putObject("schema");
    form.put("type", "object").putArray("required").add("image");
    form.putObject("properties").putObject("image").put("type", "string").put("format", "binary");
    body.putObject(JSON).set("schema", reference("ServingRequest"));
    ObjectNode content = recognize.answer(200, "the event, in the form that was asked for");
    ObjectNode either = content.putObject(JSON).putObject("schema");
    either.putArray("anyOf").add(event).add(reference("ServingAnswer"));
    bytes(content, "image/jpeg");
    refusals(recognize);
    Operation serving =
        operation(
            "post",
            RecognizeService.SERVING,
            "Recognition",
            "The same for clients of PaddleClas's service, under the path that they know");
    serving.body().putObject(JSON).set("schema", reference("ServingRequest"));
    serving.answer(200, "what was recognised", JSON, "ServingAnswer");
    refusals(serving);
    get("/api/events", "Recognition", "Recognition events as they come, as server-sent events")
        .query("camera", "Only events of this camera; may be repeated")
        .query("after", "Id of the last event that is known; as the header Last-Event-ID")
        .text(200, "the events, without end", "text/event-stream")
        .refusal(429, "Too many listen")
        .refusal(503, "The broker is away, or the service is not ready");
  }

  private static void refusals(Operation recognize) {
    recognize
        .refusal(400, "The request is not as described")
        .refusal(409, "This process has the role gallery: ask one that recognises")
        .refusal(413, "The body is too large")
        .refusal(422, "The image cannot be recognised; reason is the class of a dead letter")
        .refusal(429, "Too many images are in hand: come again after Retry-After seconds")
        .refusal(503, "The service is not ready: come again after Retry-After seconds");
  }

  private void cameras() {
    get("/api/cameras", "Cameras", "What each camera has shown last, and the newest picture of it")
        .number(
            "since",
            "Number of the last change that is known: of others come the objects",
            0,
            0,
            Integer.MAX_VALUE)
        .answer(200, "the cameras by id", JSON, "Cameras")
        .refusal(400, "The request is not as described")
        .comingAgain();
    get("/api/cameras/events", "Cameras", "The newest events of a camera, the newest first")
        .required("camera", "Id of the camera")
        .query("after", "Id of an event: only newer ones")
        .answer(200, "the events", JSON, "CameraEvents")
        .refusal(400, "The request is not as described")
        .comingAgain();
    get("/api/cameras/unknown", "Cameras", "The newest objects that were not recognised")
        .number("limit", "How many to give", 60, 1, CamerasService.MOST_UNKNOWN)
        .answer(200, "the objects, the newest first", JSON, "UnknownObjects")
        .refusal(400, "The request is not as described")
        .comingAgain();
    Operation picture =
        get("/api/cameras/picture", "Cameras", "The frame of an event, or a part of it, as JPEG")
            .required("event", "Id of one of the newest events of a camera")
            .number(
                "width",
                "Longest side in pixels",
                CameraWall.PICTURE,
                16,
                CamerasService.LARGEST_PICTURE)
            .query("crop", "The part: X1,Y1,X2,Y2 in pixels of the frame");
    bytes(picture.answer(200, "the picture"), "image/jpeg");
    picture
        .refusal(400, "The request is not as described")
        .refusal(
            404,
            "There is no such event among the newest, or its frame cannot be had; see the message")
        .comingAgain();
  }

  private void deadLetters() {
    get("/api/dead-letters", "Dead letters", "Dead letters of the last day, counted and the newest")
        .answer(200, "the dead letters", JSON, "DeadLetters")
        .refusal(409, "This process has no topics")
        .refusal(503, "The broker is away");
    Operation redrive =
        operation(
            "post",
            "/api/dead-letters/redrive",
            "Dead letters",
            "Publishes their records again, each once");
    redrive.body().putObject(JSON).set("schema", reference("RedriveRequest"));
    redrive
        .answer(200, "what was done", JSON, "Redriven")
        .refusal(400, "The request is not as described")
        .refusal(409, "This process has no topics")
        .refusal(413, "The body is too large")
        .refusal(429, "Dead letters are being redriven: come again after Retry-After seconds")
        .refusal(503, "The broker is away");
  }

  private void gallery() {
    get("/api/gallery", "Gallery", "Photos by id")
        .query("query", "Text within id, product, label or GTIN")
        .query("product", "Only photos of this product")
        .page()
        .answer(200, "a page of photos", JSON, "Photos")
        .refusals(400);
    get("/api/gallery/products", "Gallery", "Products by id")
        .query("query", "Text within id, product, label or GTIN of a photo")
        .page()
        .answer(200, "a page of products", JSON, "Products")
        .refusals(400);
    get("/api/gallery/warnings", "Gallery", "Photos of the gallery that are doubtful, and why")
        .answer(200, "the photos", JSON, "Warnings")
        .refusals();
    Operation add =
        operation("post", "/api/gallery/photos", "Gallery", "Adds a photo of a product")
            .query("productId", "Product on the photo; here, in the form or in the object")
            .query("label", "Name to report; the product by default")
            .query("gtin", "GTIN-8, -12, -13 or -14")
            .query("id", "Id of the photo; by default the product and a digest of the bytes")
            .query("crop", "Part that shows the product: X1,Y1,X2,Y2 in pixels")
            .query("detect", "true: the detector finds the product")
            .waits();
    ObjectNode body = add.body();
    bytes(body, "image/jpeg");
    bytes(body, "image/png");
    bytes(body, "application/octet-stream");
    body.putObject("multipart/form-data").set("schema", reference("PhotoForm"));
    body.putObject(JSON).set("schema", reference("NewPhoto"));
    changed(add).refusal(413, "The body is too large");
    get("/api/gallery/photo", "Gallery", "One photo")
        .id("Id of the photo")
        .answer(200, "the photo", JSON, "Photo")
        .refusals(400, 404);
    Operation change =
        operation("patch", "/api/gallery/photo", "Gallery", "Changes what is known of a photo")
            .id("Id of the photo")
            .waits();
    change.body().putObject(JSON).set("schema", reference("PhotoEdit"));
    changed(change).refusal(404, "There is no such photo").refusal(413, "The body is too large");
    changed(
        operation("delete", "/api/gallery/photo", "Gallery", "Removes a photo")
            .id("Id of the photo")
            .waits());
    changed(
            operation(
                    "delete", "/api/gallery/product", "Gallery", "Removes all photos of a product")
                .id("Id of the product")
                .waits())
        .refusal(404, "There is no such product");
    Operation picture =
        get("/api/gallery/picture", "Gallery", "The picture of a photo, as JPEG")
            .id("Id of the photo")
            .number("size", "Longest side in pixels", 256, 16, GalleryService.LARGEST_PICTURE);
    bytes(picture.answer(200, "the picture"), "image/jpeg");
    picture.refusals(400, 404);
    Operation export =
        get("/api/gallery/export", "Gallery", "All photos with their vectors, as an Avro file");
    bytes(export.answer(200, "the file"), "application/avro");
    export.refusals(409);
    Operation load =
        operation("post", "/api/gallery/import", "Gallery", "Takes in what an export gave").waits();
    bytes(load.body(), "application/avro");
    bytes(load.body(), "application/octet-stream");
    load.answer(200, "what became of the photos", JSON, "Imported")
        .answer(202, "the photos are published", JSON, "Imported")
        .refusals(400, 409)
        .refusal(413, "The body is too large");
  }

  private static Operation changed(Operation operation) {
    return operation
        .answer(200, "searches see the change", JSON, "Change")
        .answer(202, "the change is published", JSON, "Change")
        .refusals(400, 409)
        .refusal(422, "The photo cannot be used; reason is the class of a dead letter");
  }

  private Operation get(String path, String tag, String summary) {
    return operation("get", path, tag, summary);
  }

  private Operation operation(String method, String path, String tag, String summary) {
    ObjectNode item = paths.get(path) instanceof ObjectNode known ? known : paths.putObject(path);
    ObjectNode json = item.putObject(method);
    json.put("summary", summary);
    json.put("operationId", method + path.replaceAll("[^a-z]+", "_"));
    json.putArray("tags").add(tag);
    return new Operation(json, asksForToken);
  }

  private static ObjectNode reference(String schema) {
    return Answers.JSON.createObjectNode().put("$ref", "#/components/schemas/" + schema);
  }

  private static void bytes(ObjectNode content, String type) {
    content.putObject(type).putObject("schema").put("type", "string").put("format", "binary");
  }

  /** One method of one path. */
  private static final class Operation {
    private final ObjectNode json;

    Operation(ObjectNode json, boolean asksForToken) {
      this.json = json;
      refusal(403, "A page of another site asks, or the host is named by another name");
      refusal(414, "The path with its query is too long");
      if (asksForToken) {
        json.putArray("security").addObject().putArray("token");
        refusal(401, "The token is missing or wrong");
      }
    }

    /** Asks for no token. */
    Operation open() {
      json.remove("security");
      return this;
    }

    private ObjectNode parameter(String name, String meaning, boolean required) {
      ObjectNode parameter = json.withArray("parameters").addObject();
      parameter
          .put("name", name)
          .put("in", "query")
          .put("description", meaning)
          .put("required", required);
      return parameter.putObject("schema");
    }

    Operation query(String name, String meaning) {
      parameter(name, meaning, false).put("type", "string");
      return this;
    }

    Operation id(String meaning) {
      return required("id", meaning);
    }

    Operation required(String name, String meaning) {
      parameter(name, meaning, true).put("type", "string").put("minLength", 1);
      return this;
    }

    Operation comingAgain() {
      return refusal(429, "Too many pictures are waited for: come again after Retry-After seconds")
          .refusal(503, "The broker is away, or the service is not ready");
    }

    Operation flag(String name, String meaning) {
      parameter(name, meaning, false)
          .put("type", "string")
          .putArray("enum")
          .add("0")
          .add("1")
          .add("true")
          .add("false")
          .add("");
      return this;
    }

    Operation number(String name, String meaning, int byDefault, int least, int most) {
      parameter(name, meaning, false)
          .put("type", "integer")
          .put("default", byDefault)
          .put("minimum", least)
          .put("maximum", most);
      return this;
    }

    Operation page() {
      return number("offset", "How many to leave out", 0, 0, Integer.MAX_VALUE)
          .number("limit", "How many to give", 50, 1, GalleryService.LONGEST_PAGE);
    }

    Operation waits() {
      parameter("wait", "searchable: until searches see it", false)
          .put("type", "string")
          .putArray("enum")
          .add("no")
          .add("searchable");
      return number(
          "timeout",
          "Longest wait in seconds",
          30,
          1,
          (int) GalleryService.LONGEST_WAIT.toSeconds());
    }

    ObjectNode body() {
      return json.withObject("/requestBody").put("required", true).withObject("/content");
    }

    ObjectNode answer(int status, String meaning) {
      ObjectNode answer = json.withObject("/responses").putObject(Integer.toString(status));
      answer.put("description", meaning);
      return answer.putObject("content");
    }

    Operation answer(int status, String meaning, String type, String schema) {
      answer(status, meaning).putObject(type).set("schema", reference(schema));
      return this;
    }

    Operation text(int status, String meaning, String type) {
      answer(status, meaning).putObject(type).putObject("schema").put("type", "string");
      return this;
    }

    Operation refusal(int status, String meaning) {
      return answer(status, meaning, JSON, "Refusal");
    }

    /** Those that several operations have in common; besides, 429 and 503. */
    Operation refusals(int... statuses) {
      for (int status : statuses) {
        refusal(
            status,
            switch (status) {
              case 400 -> "The request is not as described";
              case 404 -> "There is no such photo, or it has no picture";
              case 409 -> "This process cannot do it; see the message";
              default ->
                  throw new IllegalArgumentException(
                      String.format(Locale.ROOT, "%d needs a meaning of its own", status));
            });
      }
      refusal(429, "Too many requests are in hand: come again after Retry-After seconds");
      return refusal(503, "The gallery is being read, or the broker is away");
    }
  }

  /** Schemas of what is no record. */
  private static final class Schemas {
    static final Object[][] ALL = {
      {
        "Refusal",
        """
        {"type": "object", "required": ["reason", "message"], "properties": {
          "reason": {"type": "string", "description": "Reason class, in capitals"},
          "message": {"type": "string", "description": "What is wrong, with the value and the remedy"}}}"""
      },
      {
        "Health",
        """
        {"type": "object", "required": ["status", "state", "reason", "parts", "readings"], "properties": {
          "status": {"type": "string", "enum": ["up", "down"]},
          "state": {"type": "string"}, "reason": {"type": "string"},
          "parts": {"type": "array", "items": {"type": "object", "properties": {
            "name": {"type": "string"}, "state": {"type": "string"}, "reason": {"type": "string"}}}},
          "readings": {"type": "array", "items": {"type": "object", "properties": {
            "topic": {"type": "string"}, "records": {"type": "integer"}, "of": {"type": "integer"},
            "percent": {"type": "integer"}, "perSecond": {"type": "integer"}}}}}}"""
      },
      {
        "ServingRequest",
        """
        {"type": "object", "required": ["key", "value"], "description": "As clients of Paddle Serving send it",
         "properties": {
          "key": {"type": "array", "minItems": 1, "items": {"type": "string", "enum": ["image"]}},
          "value": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "byte", "description": "The image as base64"}}}}"""
      },
      {
        "ServingAnswer",
        """
        {"type": "object", "required": ["err_no", "err_msg", "key", "value", "tensors"],
         "description": "As PaddleClas's recognition service answers", "properties": {
          "err_no": {"type": "integer"}, "err_msg": {"type": "string"},
          "key": {"type": "array", "items": {"type": "string"}},
          "value": {"type": "array", "items": {"type": "string"}},
          "tensors": {"type": "array", "items": {}}}}"""
      },
      {
        "Photo",
        """
        {"type": "object", "required": ["galleryImageId", "productId", "label", "attributes", "picture"], "properties": {
          "galleryImageId": {"type": "string"}, "productId": {"type": "string"}, "label": {"type": "string"},
          "gtin": {"type": "string"},
          "attributes": {"type": "object", "additionalProperties": {"type": "string"}},
          "picture": {"type": "string", "description": "Path of its picture"}}}"""
      },
      {
        "Photos",
        """
        {"type": "object", "required": ["version", "total", "offset", "limit", "photos"], "properties": {
          "version": {"type": "integer", "format": "int64", "description": "Changes with the gallery"},
          "total": {"type": "integer"}, "offset": {"type": "integer"}, "limit": {"type": "integer"},
          "photos": {"type": "array", "items": {"$ref": "#/components/schemas/Photo"}}}}"""
      },
      {
        "Products",
        """
        {"type": "object", "required": ["version", "total", "offset", "limit", "products"], "properties": {
          "version": {"type": "integer", "format": "int64", "description": "Changes with the gallery"},
          "total": {"type": "integer"}, "offset": {"type": "integer"}, "limit": {"type": "integer"},
          "products": {"type": "array", "items": {"type": "object",
            "required": ["productId", "label", "photos", "picture"], "properties": {
              "productId": {"type": "string"}, "label": {"type": "string"}, "gtin": {"type": "string"},
              "photos": {"type": "integer"}, "picture": {"type": "string"}}}}}}"""
      },
      {
        "Warnings",
        """
        {"type": "object", "required": ["photos"], "properties": {
          "photos": {"type": "array", "items": {"type": "object",
            "required": ["galleryImageId", "productId", "warnings"], "properties": {
              "galleryImageId": {"type": "string"}, "productId": {"type": "string"},
              "warnings": {"type": "array", "items": {"type": "string"}, "description": "A code, a colon, and a sentence"}}}}}}"""
      },
      {
        "NewPhoto",
        """
        {"type": "object", "required": ["uri"], "additionalProperties": false, "properties": {
          "id": {"type": "string", "minLength": 1}, "productId": {"type": "string", "minLength": 1},
          "label": {"type": "string", "minLength": 1}, "gtin": {"type": "string", "pattern": "^([0-9]{8}|[0-9]{12,14})$"},
          "uri": {"type": "string", "minLength": 1, "description": "Where the photo is"},
          "crop": {"type": "array", "minItems": 4, "maxItems": 4, "items": {"type": "integer", "format": "int32"}},
          "detect": {"type": "boolean"},
          "attributes": {"type": "object", "additionalProperties": {"type": "string"}}}}"""
      },
      {
        "PhotoForm",
        """
        {"type": "object", "required": ["image"], "properties": {
          "image": {"type": "string", "format": "binary"},
          "id": {"type": "string"}, "productId": {"type": "string"}, "label": {"type": "string"},
          "gtin": {"type": "string"}, "crop": {"type": "string"}, "detect": {"type": "string"}}}"""
      },
      {
        "PhotoEdit",
        """
        {"type": "object", "additionalProperties": false, "properties": {
          "productId": {"type": "string", "minLength": 1}, "label": {"type": "string", "minLength": 1},
          "gtin": {"type": "string", "pattern": "^([0-9]{8}|[0-9]{12,14})$"},
          "crop": {"type": "array", "minItems": 4, "maxItems": 4, "items": {"type": "integer", "format": "int32"}},
          "detect": {"type": "boolean"},
          "attributes": {"type": "object", "additionalProperties": {"type": "string"}}}}"""
      },
      {
        "Change",
        """
        {"type": "object", "required": ["galleryImageId", "outcome", "searchable"], "properties": {
          "galleryImageId": {"type": "string"},
          "outcome": {"type": "string", "description": "PUBLISHED while nothing else is known, else that of the status"},
          "searchable": {"type": "boolean"}, "status": {"$ref": "#/components/schemas/GalleryStatus"}}}"""
      },
      {
        "SeenObject",
        """
        {"type": "object", "required": ["status", "bbox"], "properties": {
          "status": {"type": "string", "enum": ["MATCH", "AMBIGUOUS", "UNKNOWN"]},
          "label": {"type": "string"}, "score": {"type": "number"},
          "bbox": {"type": "array", "minItems": 4, "maxItems": 4, "items": {"type": "integer"},
            "description": "X1, Y1, X2, Y2 in pixels of the frame"}}}"""
      },
      {
        "Cameras",
        """
        {"type": "object", "required": ["change", "reading", "cameras"], "properties": {
          "change": {"type": "integer", "format": "int64", "description": "Number of the last change of a picture"},
          "reading": {"type": "boolean", "description": "Whether earlier events are still being read"},
          "cameras": {"type": "array", "items": {"type": "object",
            "required": ["camera", "eventId", "frameId", "ageMs", "framesPerSecond", "latencyMs", "unknownShare", "objects"],
            "properties": {
              "camera": {"type": "string"}, "eventId": {"type": "string"}, "frameId": {"type": "string"},
              "ageMs": {"type": "integer", "format": "int64"}, "framesPerSecond": {"type": "number"},
              "latencyMs": {"type": "number", "description": "In the service, the median"},
              "unknownShare": {"type": "number"},
              "objects": {"type": "object", "additionalProperties": {"type": "integer"}, "description": "By status"},
              "problem": {"type": "string", "description": "Why the newest frame has no picture"},
              "picture": {"type": "object", "description": "The newest frame that has a picture",
                "required": ["eventId", "frameId", "path", "width", "height", "ageMs"], "properties": {
                  "eventId": {"type": "string"}, "frameId": {"type": "string"}, "path": {"type": "string"},
                  "width": {"type": "integer"}, "height": {"type": "integer"},
                  "ageMs": {"type": "integer", "format": "int64"},
                  "objects": {"type": "array", "items": {"$ref": "#/components/schemas/SeenObject"}}}}}}}}}"""
      },
      {
        "CameraEvents",
        """
        {"type": "object", "required": ["camera", "reading", "events"], "properties": {
          "camera": {"type": "string"}, "reading": {"type": "boolean"},
          "events": {"type": "array", "items": {"$ref": "#/components/schemas/RecognitionEvent"}}}}"""
      },
      {
        "UnknownObjects",
        """
        {"type": "object", "required": ["reading", "objects"], "properties": {
          "reading": {"type": "boolean"},
          "objects": {"type": "array", "items": {"type": "object",
            "required": ["camera", "eventId", "frameId", "ageMs", "path", "status", "bbox"], "properties": {
              "camera": {"type": "string"}, "eventId": {"type": "string"}, "frameId": {"type": "string"},
              "ageMs": {"type": "integer", "format": "int64"}, "path": {"type": "string", "description": "Of its picture"},
              "status": {"type": "string"}, "score": {"type": "number"},
              "nearest": {"type": "string", "description": "Label of the photo that is nearest"},
              "bbox": {"type": "array", "minItems": 4, "maxItems": 4, "items": {"type": "integer"}}}}}}}"""
      },
      {
        "DeadLetters",
        """
        {"type": "object", "required": ["since", "reading", "counts", "newest"], "properties": {
          "since": {"type": "string", "format": "date-time"}, "reading": {"type": "boolean"},
          "counts": {"type": "object", "additionalProperties": {"type": "integer"}, "description": "By reason class"},
          "newest": {"type": "array", "items": {"type": "object",
            "required": ["place", "at", "reason", "message", "stage", "source", "key", "attempt", "redriven"], "properties": {
              "place": {"type": "string", "description": "Partition and offset, joined by -"},
              "at": {"type": "string", "format": "date-time"}, "reason": {"type": "string"}, "message": {"type": "string"},
              "stage": {"type": "string"}, "source": {"type": "string"}, "key": {"type": "string"},
              "attempt": {"type": "integer"}, "redriven": {"type": "boolean"}}}}}}"""
      },
      {
        "RedriveRequest",
        """
        {"type": "object", "description": "One of both", "properties": {
          "reason": {"type": "string", "minLength": 1, "description": "Reason class: all of it"},
          "place": {"type": "string", "pattern": "^[0-9]{1,9}-[0-9]{1,18}$", "description": "Partition and offset: this one"}}}"""
      },
      {
        "Redriven",
        """
        {"type": "object", "required": ["redriven", "left"], "properties": {
          "redriven": {"type": "object", "additionalProperties": {"type": "integer"}, "description": "By reason class"},
          "left": {"type": "object", "additionalProperties": {"type": "integer"}, "description": "By why"}}}"""
      },
      {
        "Imported",
        """
        {"type": "object", "required": ["published", "rejected"], "properties": {
          "published": {"type": "integer"},
          "applied": {"type": "integer", "description": "Only when it was waited for"},
          "rejected": {"type": "array", "items": {"type": "string"}}}}"""
      },
    };

    static com.fasterxml.jackson.databind.JsonNode parse(String schema) {
      try {
        return Answers.JSON.readTree(schema);
      } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
        throw new IllegalStateException("A schema of ours is no JSON: " + schema, e);
      }
    }
  }
}
