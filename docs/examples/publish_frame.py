"""Publishes one image reference: publish_frame.py BROKER REGISTRY CAMERA FRAME URI"""
import sys
from datetime import datetime, timezone

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

broker, url, camera, frame, uri = sys.argv[1:6]
topic = "shelf.frames"
registry = SchemaRegistryClient({"url": url})
schema = registry.get_latest_version(topic + "-value").schema
serialize = AvroSerializer(
    registry, schema, conf={"auto.register.schemas": False, "use.latest.version": True})
value = {
    "frameId": frame,
    "cameraId": camera,
    "uri": uri,
    "capturedAt": datetime.now(timezone.utc),
    "attributes": {"publisher": "python"},
}


def done(error, message):
    if error:
        raise SystemExit(f"not published: {error}")
    print(f"published {frame} at offset {message.offset()}")


producer = Producer({"bootstrap.servers": broker})
producer.produce(
    topic,
    key=camera,
    value=serialize(value, SerializationContext(topic, MessageField.VALUE)),
    on_delivery=done,
)
producer.flush()
