package io.shelfstream.messages;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shelfstream.events.MatchStatus;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognizedObject;
import io.shelfstream.gallery.Gtin;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A recognition as GS1 EPCIS 2.0 (JSON-LD): one ObjectEvent, action OBSERVE, with how many of each
 * GTIN are visible. A camera reads no serial numbers, so there is a quantityList and never an
 * epcList. What is visible is not the stock: the event claims no business step.
 */
public final class EpcisDocument {

  private static final String CONTEXT =
      "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";
  private static final String GS1 = "https://id.gs1.org/";

  private EpcisDocument() {}

  /** The document as one line; empty when no object is a MATCH with a GTIN. */
  public static Optional<String> of(RecognitionEvent event) {
    Map<String, Integer> quantities = new TreeMap<>();
    for (RecognizedObject object : event.getObjects()) {
      String gtin = object.getStatus() == MatchStatus.MATCH ? gtin14(object.getGtin()) : null;
      if (gtin != null) {
        quantities.merge(gtin, 1, Integer::sum);
      }
    }
    return quantities.isEmpty()
        ? Optional.empty()
        : Optional.of(document(event, quantities).toString());
  }

  private static ObjectNode document(RecognitionEvent event, Map<String, Integer> quantities) {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.putArray("@context").add(CONTEXT);
    document
        .put("type", "EPCISDocument")
        .put("schemaVersion", "2.0")
        .put("creationDate", event.getProcessedAt().toString());
    document.putObject("epcisBody").putArray("eventList").add(observation(event, quantities));
    return document;
  }

  private static ObjectNode observation(RecognitionEvent event, Map<String, Integer> quantities) {
    ObjectNode observed = JsonNodeFactory.instance.objectNode();
    observed
        .put("type", "ObjectEvent")
        .put("eventID", "urn:uuid:" + event.getEventId())
        .put("eventTime", event.getCapturedAt().toString())
        .put("eventTimeZoneOffset", "+00:00")
        .put("action", "OBSERVE");
    observed.putObject("readPoint").put("id", readPoint(event));
    if (isGln(event.getStoreId())) {
      observed.putObject("bizLocation").put("id", GS1 + "414/" + event.getStoreId());
    }
    ArrayNode list = observed.putArray("quantityList");
    quantities.forEach(
        (gtin, quantity) ->
            list.addObject().put("epcClass", GS1 + "01/" + gtin).put("quantity", quantity));
    return observed;
  }

  /**
   * A location within a GLN, if the store id is one and GS1 allows the camera's id; else one of our
   * own form.
   */
  private static String readPoint(RecognitionEvent event) {
    String camera = event.getCameraId();
    return isGln(event.getStoreId()) && camera.matches("[A-Za-z0-9._-]{1,20}")
        ? GS1 + "414/" + event.getStoreId() + "/254/" + camera
        : "urn:x-shelfstream:camera:"
            + URLEncoder.encode(camera, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** GLN-13 and GTIN-13 have the same check digit. */
  private static boolean isGln(@Nullable String text) {
    return text != null && text.length() == 13 && gtin14(text) != null;
  }

  /** Null when there is none, or a wrong one: others may write to the vectors topic. */
  private static @Nullable String gtin14(@Nullable String gtin) {
    try {
      return gtin == null ? null : Gtin.normalise(gtin);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }
}
