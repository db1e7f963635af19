package io.shelfstream.broker;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceRequestData.PartitionProduceData;
import org.apache.kafka.common.message.ProduceRequestData.TopicProduceData;
import org.apache.kafka.common.message.ProduceResponseData.PartitionProduceResponse;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.DefaultRecordBatch;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.common.requests.ProduceResponse;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.utils.ByteBufferOutputStream;
import org.apache.kafka.common.utils.ByteUtils;
import org.jspecify.annotations.Nullable;

/**
 * Sends batches by Kafka's protocol itself, to one broker that leads all partitions. Kafka's own
 * producer refuses timestamps below zero and names of headers that are no UTF-8; the protocol takes
 * them. Used by one thread.
 */
public final class RawProducer implements AutoCloseable {
  /** The newest one that names topics; later ones have ids. */
  private static final short VERSION = 12;

  private static final String CLIENT = "raw";
  private static final int TIMEOUT_MS = 30_000;

  private final Socket socket;
  private final DataInputStream in;
  private final OutputStream out;
  private int requests;

  /** A header as it lies in a batch. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  public record RawHeader(byte[] name, byte @Nullable [] value) {
    public static RawHeader of(String name, @Nullable String value) {
      return new RawHeader(name.getBytes(UTF_8), value == null ? null : value.getBytes(UTF_8));
    }
  }

  /** A record as it lies in a batch; the timestamp in ms since 1970, any number. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  public record RawRecord(
      long timestamp, byte @Nullable [] key, byte @Nullable [] value, List<RawHeader> headers) {}

  /**
   * Connects.
   *
   * @param bootstrapServers one {@code host:port}, PLAINTEXT
   */
  public RawProducer(String bootstrapServers) throws IOException {
    int colon = bootstrapServers.lastIndexOf(':');
    socket =
        new Socket(
            bootstrapServers.substring(0, colon),
            Integer.parseInt(bootstrapServers.substring(colon + 1)));
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(2 * TIMEOUT_MS);
    in = new DataInputStream(socket.getInputStream());
    out = socket.getOutputStream();
  }

  /**
   * Sends one batch and waits for the broker.
   *
   * @return offset of its first record
   * @throws org.apache.kafka.common.errors.ApiException when the broker refuses it
   */
  public long send(
      String topic, int partition, CompressionType compression, List<RawRecord> records)
      throws IOException {
    ProduceRequestData data = new ProduceRequestData().setAcks((short) -1).setTimeoutMs(TIMEOUT_MS);
    data.topicData()
        .add(
            new TopicProduceData()
                .setName(topic)
                .setPartitionData(
                    List.of(
                        new PartitionProduceData()
                            .setIndex(partition)
                            .setRecords(batch(compression, records)))));
    RequestHeader header = new RequestHeader(ApiKeys.PRODUCE, VERSION, CLIENT, requests++);
    ByteBuffer request = new ProduceRequest(data, VERSION).serializeWithHeader(header);
    ByteBuffer sized = ByteBuffer.allocate(Integer.BYTES + request.remaining());
    sized.putInt(request.remaining()).put(request);
    out.write(sized.array());
    out.flush();
    byte[] answer = new byte[in.readInt()];
    in.readFully(answer);
    ProduceResponse response =
        (ProduceResponse) AbstractResponse.parseResponse(ByteBuffer.wrap(answer), header);
    PartitionProduceResponse of =
        response.data().responses().iterator().next().partitionResponses().get(0);
    Errors error = Errors.forCode(of.errorCode());
    if (error != Errors.NONE) {
      throw error.exception(of.errorMessage());
    }
    return of.baseOffset();
  }

  /**
   * Timestamps are written as differences from a first one of 0, so that each may be any number.
   */
  private static MemoryRecords batch(CompressionType compression, List<RawRecord> records)
      throws IOException {
    ByteBufferOutputStream buffer = new ByteBufferOutputStream(1024);
    buffer.position(DefaultRecordBatch.RECORD_BATCH_OVERHEAD);
    try (DataOutputStream body =
        new DataOutputStream(
            Compression.of(compression)
                .build()
                .wrapForOutput(buffer, RecordBatch.CURRENT_MAGIC_VALUE))) {
      for (int i = 0; i < records.size(); i++) {
        write(body, i, records.get(i));
      }
    }
    ByteBuffer written = buffer.buffer();
    int size = written.position();
    written.flip();
    DefaultRecordBatch.writeHeader(
        written,
        0,
        records.size() - 1,
        size,
        RecordBatch.CURRENT_MAGIC_VALUE,
        compression,
        TimestampType.CREATE_TIME,
        0,
        records.stream().mapToLong(RawRecord::timestamp).max().orElseThrow(),
        RecordBatch.NO_PRODUCER_ID,
        RecordBatch.NO_PRODUCER_EPOCH,
        RecordBatch.NO_SEQUENCE,
        false,
        false,
        false,
        RecordBatch.NO_PARTITION_LEADER_EPOCH,
        records.size());
    written.position(0);
    return MemoryRecords.readableRecords(written);
  }

  private static void write(DataOutputStream batch, int number, RawRecord record)
      throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream body = new DataOutputStream(bytes);
    body.write(0); // attributes
    ByteUtils.writeVarlong(record.timestamp(), body);
    ByteUtils.writeVarint(number, body);
    writeSized(body, record.key());
    writeSized(body, record.value());
    ByteUtils.writeVarint(record.headers().size(), body);
    for (RawHeader header : record.headers()) {
      writeSized(body, header.name());
      writeSized(body, header.value());
    }
    ByteUtils.writeVarint(bytes.size(), batch);
    bytes.writeTo(batch);
  }

  private static void writeSized(DataOutputStream to, byte @Nullable [] bytes) throws IOException {
    ByteUtils.writeVarint(bytes == null ? -1 : bytes.length, to);
    if (bytes != null) {
      to.write(bytes);
    }
  }

  /** Headers from names and values by turns; a value may be null. */
  public static List<RawHeader> headers(@Nullable String... namesAndValues) {
    List<RawHeader> headers = new ArrayList<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      headers.add(RawHeader.of(String.valueOf(namesAndValues[i]), namesAndValues[i + 1]));
    }
    return headers;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
