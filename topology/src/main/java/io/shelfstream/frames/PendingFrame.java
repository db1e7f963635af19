package io.shelfstream.frames;

import io.shelfstream.messages.DeadLetter;
import io.shelfstream.messages.RecordLimits;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.Decoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.Encoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.processor.api.Record;
import org.jspecify.annotations.Nullable;

/**
 * A frame record that was taken from its topic and not answered yet, as it is kept in the store.
 *
 * <p>Encoded: format version (2), sequence number, timestamp, offset, omitted bytes (not in version
 * 1), key, value, number of headers, name and value of each. Numbers are written as Avro does
 * (variable length), with a boolean before each value that may be null.
 *
 * @param sequence order within the partition; unique among the frames that are pending together
 * @param offset of the record on the frames topic
 * @param omitted bytes of a value that is too large for a slot: the record is kept without value
 *     and headers, and will be refused; 0 when the record is complete
 */
record PendingFrame(long sequence, long offset, int omitted, Record<byte[], byte[]> record) {
  private static final int VERSION = 2;
  private static final int WITHOUT_OMITTED = 1;

  /** Bytes of sequence, timestamp, offset and the lengths of what follows, at most. */
  private static final int OVERHEAD = 64;

  /**
   * The record as a slot can hold it.
   *
   * @param limit bytes of the changelog record of the slot
   */
  static PendingFrame of(long sequence, long offset, Record<byte[], byte[]> record, int limit) {
    long size = RecordLimits.size(record.key(), record.value(), record.headers()) + OVERHEAD;
    return size <= limit
        ? new PendingFrame(sequence, offset, 0, record)
        : withoutContent(sequence, offset, record);
  }

  /** Keeps only what identifies the record. */
  static PendingFrame withoutContent(long sequence, long offset, Record<byte[], byte[]> record) {
    int omitted = Math.max(1, RecordLimits.length(record.value()));
    return new PendingFrame(sequence, offset, omitted, DeadLetter.withoutContent(record));
  }

  /** Whether the record is here without its content. */
  boolean isOmitted() {
    return omitted > 0;
  }

  /** The camera, as the key of the record names it; empty without a key. */
  String camera() {
    byte[] key = record.key();
    return key == null ? "" : new String(key, StandardCharsets.UTF_8);
  }

  byte[] encode() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
    BinaryEncoder out = EncoderFactory.get().directBinaryEncoder(bytes, null);
    try {
      out.writeInt(VERSION);
      out.writeLong(sequence);
      out.writeLong(record.timestamp());
      out.writeLong(offset);
      out.writeInt(omitted);
      write(out, record.key());
      write(out, record.value());
      Header[] headers = record.headers().toArray();
      out.writeInt(headers.length);
      for (Header header : headers) {
        out.writeString(header.key());
        write(out, header.value());
      }
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // cannot happen in memory
    }
    return bytes.toByteArray();
  }

  private static void write(Encoder out, byte @Nullable [] bytes) throws IOException {
    out.writeBoolean(bytes != null);
    if (bytes != null) {
      out.writeBytes(bytes);
    }
  }

  /**
   * @throws IllegalStateException when the bytes are of a later version, or no pending frame at all
   */
  static PendingFrame decode(byte[] encoded) {
    BinaryDecoder in = DecoderFactory.get().binaryDecoder(encoded, null);
    try {
      int version = in.readInt();
      if (version != VERSION && version != WITHOUT_OMITTED) {
        throw new IllegalStateException(
            "A pending frame is written in form "
                + version
                + ", and this version reads only those up to "
                + VERSION
                + "; let the version that wrote it finish its frames (stop it with SIGTERM)");
      }
      long sequence = in.readLong();
      long timestamp = in.readLong();
      long offset = in.readLong();
      int omitted = version == WITHOUT_OMITTED ? 0 : in.readInt();
      byte[] key = read(in);
      byte[] value = read(in);
      Headers headers = new RecordHeaders();
      for (int left = in.readInt(); left > 0; left--) {
        headers.add(in.readString(), read(in));
      }
      return new PendingFrame(
          sequence, offset, omitted, new Record<>(key, value, timestamp, headers));
    } catch (IOException e) {
      throw new IllegalStateException("The changelog holds something that is no pending frame", e);
    }
  }

  private static byte @Nullable [] read(Decoder in) throws IOException {
    if (!in.readBoolean()) {
      return null;
    }
    ByteBuffer bytes = in.readBytes(null);
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    return copy;
  }
}
