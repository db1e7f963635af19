// Reads one topic from its beginning, serialises every record anew with the JavaScript client, prints whether the bytes
// are the same, and writes them to another topic when there is one:  node rewrite.mjs BROKER REGISTRY FROM COUNT [TO]
import { AvroDeserializer, AvroSerializer, SchemaRegistryClient, SerdeType } from "@confluentinc/schemaregistry";
import { Kafka, logLevel } from "kafkajs";

const [broker, registry, from, wanted, to] = process.argv.slice(2);
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
    if (to) await producer.send({ topic: to, messages: [{ key: message.key, value }] });
    console.log(same ? "same" : `different ${value.toString("hex")} ${message.value.toString("hex")}`);
    if (++seen === Number(wanted)) process.exit(0);
  },
});
