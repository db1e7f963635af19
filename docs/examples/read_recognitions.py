"""Prints recognition events: read_recognitions.py BROKER REGISTRY [COUNT]"""
import sys

from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

broker, registry = sys.argv[1:3]
count = int(sys.argv[3]) if len(sys.argv) > 3 else None
topic = "shelf.recognitions"
deserialize = AvroDeserializer(SchemaRegistryClient({"url": registry}))
consumer = Consumer({
    "bootstrap.servers": broker,
    "group.id": "read-recognitions-py",
    "auto.offset.reset": "earliest",
    "isolation.level": "read_committed",
})
consumer.subscribe([topic])
while count is None or count > 0:
    message = consumer.poll(1.0)
    if message is None:
        continue
    if message.error():
        raise SystemExit(message.error())
    event = deserialize(message.value(), SerializationContext(topic, MessageField.VALUE))
    labels = [o["label"] or o["status"] for o in event["objects"]]
    print(event["cameraId"], event["frameId"], event["capturedAt"].isoformat(), labels, flush=True)
    count = count - 1 if count else count
consumer.close()
