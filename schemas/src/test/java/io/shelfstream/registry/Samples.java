package io.shelfstream.registry;

import io.shelfstream.events.BoundingBox;
import io.shelfstream.events.Candidate;
import io.shelfstream.events.EventKind;
import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.MatchStatus;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognitionStatus;
import io.shelfstream.events.RecognizedObject;
import io.shelfstream.events.ShelfLocation;
import io.shelfstream.events.Timings;
import io.shelfstream.events.Versions;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.avro.specific.SpecificRecord;

/** One record of each topic with every field set, and one with only what has no default. */
final class Samples {

  private static final Instant NOON = Instant.parse("2026-11-24T12:00:00Z");

  static {
    TrustedClasses.install(); // builders, too, read defaults through Avro
  }

  private Samples() {}

  static List<SpecificRecord> full() {
    return List.of(
        fullFrame(), fullEvent(), fullGalleryUpdate(), fullGalleryVector(), fullGalleryStatus());
  }

  static List<SpecificRecord> minimal() {
    return List.of(
        minimalFrame(),
        minimalEvent(),
        minimalGalleryUpdate(),
        minimalGalleryVector(),
        minimalGalleryStatus());
  }

  static ImageReference fullFrame() {
    return ImageReference.newBuilder(minimalFrame())
        .setStoreId("4012345000009")
        .setShelf(new ShelfLocation("plan-7", "3", "2"))
        .setSha256("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        .setContentType("image/jpeg")
        .setWidth(1920)
        .setHeight(1080)
        .setRegions(List.of(new BoundingBox(0, 0, 960, 1080), new BoundingBox(960, 0, 1920, 1080)))
        .setMinGalleryVersion(42L)
        .setAttributes(Map.of("aisle", "12", "Straße", "Käse 🧀"))
        .build();
  }

  static ImageReference minimalFrame() {
    return ImageReference.newBuilder()
        .setFrameId("f1")
        .setCameraId("cam")
        .setUri("file:/a.jpg")
        .setCapturedAt(Instant.ofEpochMilli(1000))
        .build();
  }

  static RecognitionEvent fullEvent() {
    return RecognitionEvent.newBuilder(minimalEvent())
        .setKind(EventKind.CORRECTION)
        .setSupersedes("5f0c6a4e-0000-5000-8000-000000000001")
        .setStatus(RecognitionStatus.PARTIAL)
        .setSkippedReason("OVERLOAD")
        .setPartialReason("gallery version 2 was asked for; it is 1")
        .setStoreId("4012345000009")
        .setShelf(new ShelfLocation("plan-7", "3", "2"))
        .setObjects(List.of(matchedObject()))
        .setVersions(
            Versions.newBuilder(minimalVersions())
                .setGalleryVersions(Map.of("1", 5L, "0", 7L))
                .setProfile("pp-shitu")
                .build())
        .build();
  }

  static RecognitionEvent minimalEvent() {
    return RecognitionEvent.newBuilder()
        .setEventId("5f0c6a4e-0000-5000-8000-000000000002")
        .setCameraId("cam")
        .setFrameId("f1")
        .setUri("file:/a.jpg")
        .setImageWidth(640)
        .setImageHeight(480)
        .setCapturedAt(NOON)
        .setProcessedAt(NOON.plusMillis(1234))
        .setVersions(minimalVersions())
        .setTimings(new Timings(1f, 0.5f, 12.25f, 80f, 1e-5f, 0.1f, 93.1f))
        .build();
  }

  private static RecognizedObject matchedObject() {
    return RecognizedObject.newBuilder()
        .setBbox(new BoundingBox(1, 2, 30, 40))
        .setDetectionScore(0.9f)
        .setStatus(MatchStatus.MATCH)
        .setLabel("Müsli \"Crunchy\"")
        .setProductId("sku-1")
        .setGtin("04012345678901")
        .setScore(0.7734375f)
        .setMargin(0.25f)
        .setCandidates(List.of(new Candidate("sku-1", "Müsli \"Crunchy\"", "img-9", 0.7734375f)))
        .setWholeImage(true)
        .build();
  }

  private static Versions minimalVersions() {
    return Versions.newBuilder()
        .setDetector("picodet@0123456789ab")
        .setExtractor("pplcnet@ba9876543210")
        .setGalleryVersion(12)
        .setGallerySize(9)
        .setIndexType("Flat")
        .setProvider("cpu")
        .build();
  }

  static GalleryUpdate fullGalleryUpdate() {
    return GalleryUpdate.newBuilder(minimalGalleryUpdate())
        .setGtin("04012345678901")
        .setUri("https://example.com/a.jpg")
        .setEmbedding(List.of(0.6f, -0.8f))
        .setExtractor("pplcnet@ba9876543210")
        .setCrop(new BoundingBox(5, 6, 70, 80))
        .setDetect(true)
        .setSha256("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        .setAttributes(Map.of("brand", "Crunch"))
        .build();
  }

  static GalleryUpdate minimalGalleryUpdate() {
    return GalleryUpdate.newBuilder()
        .setGalleryImageId("img-9")
        .setProductId("sku-1")
        .setLabel("Müsli")
        .build();
  }

  static GalleryVector fullGalleryVector() {
    return GalleryVector.newBuilder(minimalGalleryVector())
        .setGtin("04012345678901")
        .setAttributes(Map.of("brand", "Crunch"))
        .setSha256("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        .build();
  }

  static GalleryVector minimalGalleryVector() {
    return GalleryVector.newBuilder()
        .setGalleryImageId("img-9")
        .setProductId("sku-1")
        .setLabel("Müsli")
        .setEmbedding(ByteBuffer.wrap(new byte[] {0, 0, (byte) 0x80, 0x3f, 0, 0, 0, 0}))
        .setDimension(2)
        .setExtractor("pplcnet@ba9876543210")
        .setSourceOffset(7)
        .build();
  }

  static GalleryStatus fullGalleryStatus() {
    return GalleryStatus.newBuilder(minimalGalleryStatus())
        .setProductId("sku-1")
        .setOutcome(GalleryOutcome.REJECTED)
        .setReason("NOT_FOUND")
        .setMessage("no such file")
        .setWarnings(List.of("blurred"))
        .setSearchableAt(NOON.plusMillis(300))
        .build();
  }

  static GalleryStatus minimalGalleryStatus() {
    return GalleryStatus.newBuilder()
        .setGalleryImageId("img-9")
        .setSourceOffset(7)
        .setPublishedAt(NOON)
        .setEmbeddedAt(NOON.plusMillis(250))
        .build();
  }
}
