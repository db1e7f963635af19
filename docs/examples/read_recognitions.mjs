// Prints recognition events: node read_recognitions.mjs BROKER REGISTRY [COUNT]
import { AvroDeserializer, SchemaRegistryClient, SerdeType } from "@confluentinc/schemaregistry";
import { Kafka, logLevel } from "kafkajs";

const [broker, registry, wanted] = process.argv.slice(2);
const topic = "shelf.recognitions";
const client = new SchemaRegistryClient({ baseURLs: [registry] });
const deserializer = new AvroDeserializer(client, SerdeType.VALUE, {});
const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.ERROR });
const consumer = kafka.consumer({ groupId: "read-recognitions-js" });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
let seen = 0;
await consumer.run({
  eachMessage: async ({ message }) => {
    const event = await deserializer.deserialize(topic, message.value);
    const labels = event.objects.map((o) => o.label ?? o.status);
    console.log(event.cameraId, event.frameId, new Date(event.capturedAt).toISOString(), labels);
    if (++seen === Number(wanted)) process.exit(0);
  },
});
