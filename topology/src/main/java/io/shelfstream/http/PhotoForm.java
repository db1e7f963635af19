package io.shelfstream.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.QueryParams;
import com.linecorp.armeria.common.multipart.AggregatedMultipart;
import io.shelfstream.events.BoundingBox;
import io.shelfstream.gallery.Gtin;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * What a caller says of a photo: in the query beside the bytes, in the parts of a form, or in a
 * JSON object.
 *
 * @param encoded the photo; null when it was not sent
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record PhotoForm(Map<String, JsonNode> fields, byte @Nullable [] encoded) {
  private static final Set<String> KNOWN =
      Set.of("id", "productId", "label", "gtin", "uri", "crop", "detect", "attributes");

  static CompletionStage<PhotoForm> read(HttpRequest request, QueryParams query) {
    MediaType type = request.contentType();
    Map<String, JsonNode> fields = new HashMap<>();
    query.forEach((name, value) -> fields.put(name, Answers.JSON.getNodeFactory().textNode(value)));
    if (Forms.isForm(request)) {
      return Forms.read(request).thenApply(form -> ofForm(form, fields));
    }
    return request
        .aggregate()
        .thenApply(
            whole -> {
              byte[] body = whole.content().array();
              if (type == null || !type.isJson()) {
                return new PhotoForm(fields, body.length == 0 ? null : body);
              }
              fields.putAll(ofJson(body));
              return new PhotoForm(fields, null);
            });
  }

  private static PhotoForm ofForm(AggregatedMultipart form, Map<String, JsonNode> fields) {
    byte[] encoded = null;
    for (String name : form.names()) {
      var part = form.field(name);
      if (part == null) {
        continue;
      }
      if (name.equals("image")) {
        encoded = part.content().array();
      } else {
        fields.put(name, Answers.JSON.getNodeFactory().textNode(part.contentUtf8()));
      }
    }
    return new PhotoForm(fields, encoded);
  }

  private static Map<String, JsonNode> ofJson(byte[] body) {
    JsonNode object;
    try {
      object = Answers.JSON.readTree(body);
    } catch (JsonProcessingException e) {
      throw RefusedException.badRequest("The body is no JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw RefusedException.badRequest("The body is no JSON: " + e.getMessage());
    }
    if (!object.isObject()) {
      throw RefusedException.badRequest("The body must be a JSON object");
    }
    Map<String, JsonNode> fields = new HashMap<>();
    for (Map.Entry<String, JsonNode> field : object.properties()) {
      if (!KNOWN.contains(field.getKey())) {
        throw RefusedException.badRequest(
            "Unknown field '%s'; known are %s".formatted(shown(field.getKey()), sorted()));
      }
      if (!field.getValue().isNull()) {
        fields.put(field.getKey(), field.getValue());
      }
    }
    return fields;
  }

  private static String sorted() {
    return String.join(", ", KNOWN.stream().sorted().toList());
  }

  private static String shown(String text) {
    return text.length() > 100 ? text.substring(0, 100) + "…" : text;
  }

  /** A text, or null when it is not given. */
  @Nullable String text(String name) {
    JsonNode value = fields.get(name);
    if (value == null) {
      return null;
    }
    if (!value.isTextual() || value.textValue().isBlank()) {
      throw RefusedException.badRequest(name + " must be a text that is not empty");
    }
    return value.textValue();
  }

  String required(String name) {
    String value = text(name);
    if (value == null) {
      throw RefusedException.badRequest(name + " is missing");
    }
    return value;
  }

  @Nullable String gtin() {
    String gtin = text("gtin");
    try {
      return gtin == null ? null : Gtin.normalise(gtin);
    } catch (IllegalArgumentException e) {
      throw RefusedException.badRequest(String.valueOf(e.getMessage()));
    }
  }

  @Nullable Boolean detect() {
    JsonNode value = fields.get("detect");
    if (value == null) {
      return null;
    }
    return switch (value.asText()) {
      case "true", "1" -> true;
      case "false", "0" -> false;
      default -> throw RefusedException.badRequest("detect must be true or false");
    };
  }

  /** {@code X1,Y1,X2,Y2} or an array of four numbers. */
  @Nullable BoundingBox crop() {
    JsonNode value = fields.get("crop");
    if (value == null) {
      return null;
    }
    try {
      int[] box = value.isArray() ? wholeNumbers(value) : Parameters.sides(value.asText());
      return new BoundingBox(box[0], box[1], box[2], box[3]);
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw RefusedException.badRequest("crop must be four whole numbers of pixels: X1,Y1,X2,Y2");
  }

  private static int[] wholeNumbers(JsonNode array) {
    int[] numbers = new int[4];
    if (array.size() != numbers.length) {
      throw new NumberFormatException();
    }
    for (int i = 0; i < numbers.length; i++) {
      if (!array.get(i).canConvertToInt() || !array.get(i).isIntegralNumber()) {
        throw new NumberFormatException();
      }
      numbers[i] = array.get(i).intValue();
    }
    return numbers;
  }

  @Nullable Map<String, String> attributes() {
    JsonNode value = fields.get("attributes");
    if (value == null) {
      return null;
    }
    Map<String, String> attributes = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> attribute : value.properties()) {
      if (!attribute.getValue().isTextual()) {
        throw RefusedException.badRequest("attributes must be texts by name");
      }
      attributes.put(attribute.getKey(), attribute.getValue().textValue());
    }
    if (!value.isObject()) {
      throw RefusedException.badRequest("attributes must be an object of texts");
    }
    return attributes;
  }

  /** The photo that is to be added. */
  GalleryAccess.NewPhoto toAdd() {
    String productId = required("productId");
    String label = text("label");
    String uri = text("uri");
    byte[] bytes = encoded;
    if ((bytes == null || bytes.length == 0) == (uri == null)) {
      throw RefusedException.badRequest("Send either the bytes of a photo or its uri");
    }
    String id = text("id");
    Boolean detect = detect();
    Map<String, String> attributes = attributes();
    return new GalleryAccess.NewPhoto(
        id != null ? id : productId + "/" + (bytes == null ? uri : digest(bytes)),
        productId,
        label == null ? productId : label,
        gtin(),
        uri == null ? bytes : null,
        uri,
        crop(),
        detect != null && detect,
        attributes == null ? Map.of() : attributes);
  }

  GalleryAccess.Edit toChange() {
    return new GalleryAccess.Edit(
        text("productId"), text("label"), gtin(), crop(), detect(), attributes());
  }

  /** The same photo gets the same id: added again, it replaces itself. */
  private static String digest(byte[] bytes) {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes))
          .substring(0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
