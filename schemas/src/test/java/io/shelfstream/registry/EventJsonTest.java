package io.shelfstream.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.events.Timings;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class EventJsonTest {

  @Test
  void writesAFullRecognitionEvent() {
    String json = EventJson.toJson(Samples.fullEvent());

    assertThat(json)
        .isEqualTo(
            """
            {"eventId":"5f0c6a4e-0000-5000-8000-000000000002",
            "kind":"CORRECTION",
            "supersedes":"5f0c6a4e-0000-5000-8000-000000000001",
            "status":"PARTIAL",
            "cameraId":"cam",
            "frameId":"f1",
            "storeId":"4012345000009",
            "shelf":{"planogramId":"plan-7","bay":"3","level":"2"},
            "uri":"file:/a.jpg",
            "imageWidth":640,
            "imageHeight":480,
            "capturedAt":"2026-11-24T12:00:00.000Z",
            "processedAt":"2026-11-24T12:00:01.234Z",
            "objects":[{"bbox":{"x1":1,"y1":2,"x2":30,"y2":40},
            "detectionScore":0.9,
            "status":"MATCH",
            "label":"Müsli \\"Crunchy\\"",
            "productId":"sku-1",
            "gtin":"04012345678901",
            "score":0.7734375,
            "margin":0.25,
            "candidates":[{"productId":"sku-1",
            "label":"Müsli \\"Crunchy\\"",
            "galleryImageId":"img-9",
            "score":0.7734375}],
            "wholeImage":true}],
            "versions":{"detector":"picodet@0123456789ab",
            "extractor":"pplcnet@ba9876543210",
            "galleryVersion":12,
            "gallerySize":9,
            "indexType":"Flat",
            "provider":"cpu",
            "galleryVersions":{"0":7,"1":5},
            "profile":"pp-shitu"},
            "timings":{"queue":1.0,
            "fetch":0.5,
            "decode":12.25,
            "detect":80.0,
            "extract":1.0E-5,
            "search":0.1,
            "total":93.1},
            "skippedReason":"OVERLOAD",
            "partialReason":"gallery version 2 was asked for; it is 1"}
            """
                .lines()
                .collect(Collectors.joining()));
  }

  @Test
  void leavesOutWhatIsNotThereAndKeepsEmptyLists() {
    String json = EventJson.toJson(Samples.minimalFrame());

    assertThat(json)
        .isEqualTo(
            "{\"frameId\":\"f1\",\"cameraId\":\"cam\",\"uri\":\"file:/a.jpg\","
                + "\"capturedAt\":\"1970-01-01T00:00:01.000Z\",\"regions\":[],\"attributes\":{}}");
  }

  @Test
  void writesBytesAsBase64AndLeavesTheBufferReadable() {
    GalleryVector vector = Samples.minimalGalleryVector();

    String json = EventJson.toJson(vector);

    assertThat(json).contains("\"embedding\":\"AACAPwAAAAA=\"");
    assertThat(vector.getEmbedding().remaining()).isEqualTo(8);
  }

  @Test
  void writesFloatsInTheirShortestForm() {
    GalleryUpdate update =
        GalleryUpdate.newBuilder(Samples.minimalGalleryUpdate())
            .setEmbedding(List.of(0.1f, 1.18846831E13f, Float.MIN_VALUE, -0f))
            .build();

    String json = EventJson.toJson(update);

    // Float.toString of Java 17 writes 1.18846831E13 for the second.
    // these.
    assertThat(json).contains("\"embedding\":[0.1,1.1884683E13,1.4E-45,-0.0]");
  }

  @Test
  void writesNumbersThatJsonHasNotAsStrings() {
    Timings timings =
        new Timings(Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0f, 0f, 0f, 0f);

    assertThat(EventJson.toJson(timings))
        .startsWith("{\"queue\":\"NaN\",\"fetch\":\"Infinity\",\"decode\":\"-Infinity\",");
  }

  @Test
  void staysOnOneLine() {
    GalleryUpdate update =
        GalleryUpdate.newBuilder(Samples.minimalGalleryUpdate()).setLabel("a\r\nb\u0000c").build();

    assertThat(EventJson.toJson(update)).contains("\"label\":\"a\\r\\nb\\u0000c\"");
  }
}
