package io.shelfstream.topology;

import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.registry.EventJson;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;

/** Gives a recognition event its headers, and the forms that consumers asked for. */
final class PublishProcessor extends ContextualProcessor<String, RecognitionEvent, Object, Object> {

  private final Outputs outputs;

  PublishProcessor(Outputs outputs) {
    this.outputs = outputs;
  }

  @Override
  public void process(Record<String, RecognitionEvent> record) {
    RecognitionEvent event = record.value();
    TraceContext trace = TraceContext.continuing(record.headers());
    context()
        .forward(
            record.withHeaders(headers(record, trace, "recognition.v1", "application/avro")),
            RecognitionTopology.RECOGNITIONS);
    if (outputs.json().isPresent()) {
      forward(
          record.withHeaders(headers(record, trace, "recognition.v1", "application/json")),
          EventJson.toJson(event),
          RecognitionTopology.RECOGNITIONS_JSON);
    }
    if (outputs.epcis().isPresent()) {
      Headers headers = headers(record, trace, "recognition.epcis.v1", "application/ld+json");
      EpcisDocument.of(event)
          .ifPresent(
              document ->
                  forward(record.withHeaders(headers), document, RecognitionTopology.OBSERVATIONS));
    }
  }

  private void forward(Record<String, RecognitionEvent> record, String text, String sink) {
    context().forward(record.withValue(text.getBytes(StandardCharsets.UTF_8)), sink);
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
