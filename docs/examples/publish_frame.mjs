// Publishes one image reference: node publish_frame.mjs BROKER REGISTRY CAMERA FRAME URI
import { AvroSerializer, SchemaRegistryClient, SerdeType } from "@confluentinc/schemaregistry";
import { Kafka, logLevel } from "kafkajs";

const [broker, registry, cameraId, frameId, uri] = process.argv.slice(2);
const topic = "shelf.frames";
const client = new SchemaRegistryClient({ baseURLs: [registry] });
const serializer = new AvroSerializer(client, SerdeType.VALUE, {
  autoRegisterSchemas: false,
  useLatestVersion: true,
});
const optional = { storeId: null, shelf: null, sha256: null, contentType: null, width: null, height: null };
const frame = { frameId, cameraId, uri, capturedAt: Date.now(), ...optional };
const value = await serializer.serialize(topic, {
  ...frame,
  regions: [],
  minGalleryVersion: null,
  attributes: { publisher: "javascript" },
});
const producer = new Kafka({ brokers: [broker], logLevel: logLevel.ERROR }).producer();
await producer.connect();
const [sent] = await producer.send({ topic, messages: [{ key: cameraId, value }] });
console.log(`published ${frameId} at offset ${sent.baseOffset}`);
await producer.disconnect();
process.exit(0);
