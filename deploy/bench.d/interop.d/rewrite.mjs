// Reads one topic from its beginning, writes every record to another topic with the JavaScript client, and prints
// whether the bytes are the same:  node rewrite.mjs BROKER REGISTRY FROM TO COUNT
import { AvroDeserializer, AvroSerializer, SchemaRegistryClient, SerdeType } from "@confluentinc/schemaregistry";
import { Kafka, logLevel } from "kafkajs";

const [broker, registry, from, to, wanted] = process.argv.slice(2);
const client = new SchemaRegistryClient({ baseURLs: [registry] });
const deserializer = new AvroDeserializer(client, SerdeType.VALUE, {});
const serializer = new AvroSerializer(client, SerdeType.VALUE, { autoRegisterSchemas: false, useLatestVersion: true });
const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.ERROR });
const producer = kafka.producer();
await producer.connect();
const consumer = kafka.consumer({ groupId: "rewrite-js" });
await consumer.connect();
await consumer.subscribe({ topic: from, fromBeginning: true });
let seen = 0;
await consumer.run({
  eachMessage: async ({ message }) => {
    const record = await deserializer.deserialize(from, message.value);
    const value = await serializer.serialize(from, record);
    const same = Buffer.compare(value, message.value) === 0;
    await producer.send({ topic: to, messages: [{ key: message.key, value }] });
    console.log(same ? "same" : `different ${value.toString("hex")} ${message.value.toString("hex")}`);
    if (++seen === Number(wanted)) process.exit(0);
  },
});
