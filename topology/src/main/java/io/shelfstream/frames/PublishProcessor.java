package io.shelfstream.frames;

import io.shelfstream.config.NodeNames;
import io.shelfstream.config.Outputs;
import io.shelfstream.config.TopicNames;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.logging.RepeatedWarning;
import io.shelfstream.messages.EpcisDocument;
import io.shelfstream.messages.EventHeaders;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.messages.RecordLimits;
import io.shelfstream.messages.ShorterEvent;
import io.shelfstream.messages.TraceContext;
import io.shelfstream.registry.EventJson;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Adds the headers to a recognition event and sends it in each configured format: Avro, JSON,
 * EPCIS. Each is measured before it is sent, and shortened to the size that its topic accepts
 * ({@link ShorterEvent}).
 */
public final class PublishProcessor
    extends ContextualProcessor<String, RecognitionEvent, String, byte[]> {
  private static final Logger log = LoggerFactory.getLogger(PublishProcessor.class);

  private final TopicNames topics;
  private final EventSerdes serdes;
  private final Outputs outputs;
  private final RecordLimits limits;
  private final RepeatedWarning tooLarge = new RepeatedWarning();

  public PublishProcessor(
      TopicNames topics, EventSerdes serdes, Outputs outputs, RecordLimits limits) {
    this.topics = topics;
    this.serdes = serdes;
    this.outputs = outputs;
    this.limits = limits;
  }

  @Override
  public void process(Record<String, RecognitionEvent> record) {
    TraceContext trace = TraceContext.continuing(record.headers());
    Headers avro = headers(record, trace, "recognition.v1", "application/avro");
    var serializer = serdes.recognitions().serializer();
    publish(
        record,
        avro,
        event -> serializer.serialize(topics.recognitions(), avro, event),
        limits.recognition(),
        NodeNames.RECOGNITIONS);
    if (outputs.json().isPresent()) {
      publish(
          record,
          headers(record, trace, "recognition.v1", "application/json"),
          event -> EventJson.toJson(event).getBytes(StandardCharsets.UTF_8),
          limits.json(),
          NodeNames.RECOGNITIONS_JSON);
    }
    if (outputs.epcis().isPresent()) {
      Headers headers = headers(record, trace, "recognition.epcis.v1", "application/ld+json");
      EpcisDocument.of(record.value())
          .map(document -> document.getBytes(StandardCharsets.UTF_8))
          .ifPresent(document -> publishObservation(record, headers, document));
    }
  }

  private void publish(
      Record<String, RecognitionEvent> record,
      Headers headers,
      Function<RecognitionEvent, byte[]> form,
      int limit,
      String sink) {
    byte[] key = record.key().getBytes(StandardCharsets.UTF_8);
    byte[] value =
        ShorterEvent.fit(
            record.value(), form, bytes -> RecordLimits.size(key, bytes, headers) <= limit);
    context().forward(record.withHeaders(headers).withValue(value), sink);
  }

  /** Sends all quantities or none: readers would take some of them for all that is visible. */
  private void publishObservation(
      Record<String, RecognitionEvent> record, Headers headers, byte[] document) {
    byte[] key = record.key().getBytes(StandardCharsets.UTF_8);
    if (RecordLimits.size(key, document, headers) > limits.epcis()) {
      tooLarge.log(
          log.atWarn()
              .addKeyValue("eventId", record.value().getEventId())
              .addKeyValue("limit", limits.epcis()),
          "An EPCIS document of {} bytes is larger than its topic takes, and is left out",
          document.length);
      return;
    }
    context().forward(record.withHeaders(headers).withValue(document), NodeNames.OBSERVATIONS);
  }

  private Headers headers(
      Record<String, RecognitionEvent> record, TraceContext trace, String type, String content) {
    RecognitionEvent event = record.value();
    return EventHeaders.of(
        record.headers(),
        trace,
        new EventHeaders.Attributes(
            event.getEventId(),
            outputs.source(),
            "io.shelfstream." + type,
            event.getCameraId(),
            event.getProcessedAt(),
            content));
  }
}
