package io.shelfstream.frames;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * The slots of the store that keeps frames until their answers can no longer be lost. A slot is
 * committed together with the offset behind its frame. So after any failure a frame is read again
 * from its topic, or is found in its slot, or was answered.
 *
 * <p>Slots are numbered from 0 and used again, lowest first. So the changelog has few keys, and a
 * slot that is filled and freed between two commits is never written to it. Used only by the stream
 * thread.
 */
final class PendingSlots {

  /** A slot that is filled. */
  record Slot(int number, int bytes, PendingFrame frame) {}

  /** A slot whose answer is on its way to the broker. */
  private record Unconfirmed(int slot, int bytes, BooleanSupplier arrived) {}

  private final KeyValueStore<Integer, byte[]> store;
  private final BitSet filled = new BitSet();
  private final Deque<Unconfirmed> unconfirmed = new ArrayDeque<>();
  private long unconfirmedBytes;
  private long sequence;

  PendingSlots(KeyValueStore<Integer, byte[]> store) {
    this.store = store;
  }

  /** The frames that an earlier run has left, in the order in which they were taken. */
  List<Slot> restore() {
    List<Slot> found = new ArrayList<>();
    try (KeyValueIterator<Integer, byte[]> all = store.all()) {
      all.forEachRemaining(
          slot ->
              found.add(new Slot(slot.key, slot.value.length, PendingFrame.decode(slot.value))));
    }
    found.sort(Comparator.comparingLong(slot -> slot.frame().sequence()));
    for (Slot slot : found) {
      filled.set(slot.number());
      sequence = slot.frame().sequence() + 1;
    }
    return found;
  }

  /** The sequence number of the next frame, larger than those of all pending frames. */
  long nextSequence() {
    return sequence++;
  }

  Slot fill(PendingFrame frame) {
    int number = filled.nextClearBit(0);
    filled.set(number);
    byte[] encoded = frame.encode();
    store.put(number, encoded);
    return new Slot(number, encoded.length, frame);
  }

  /**
   * Frees a slot as soon as its answer has arrived, and those of all answers sent before it.
   *
   * @param arrived asked again while it is false
   */
  void freeWhen(BooleanSupplier arrived, int slot, int bytes) {
    unconfirmed.add(new Unconfirmed(slot, bytes, arrived));
    unconfirmedBytes += bytes;
    freeArrived();
  }

  /**
   * In the order in which they were sent: an answer that is late holds back the slots behind it.
   */
  void freeArrived() {
    for (Unconfirmed sent = unconfirmed.peek();
        sent != null && sent.arrived().getAsBoolean();
        sent = unconfirmed.peek()) {
      unconfirmed.poll();
      unconfirmedBytes -= sent.bytes();
      store.delete(sent.slot());
      filled.clear(sent.slot());
    }
  }

  /** Slots that are filled, whether their frames are answered or not. */
  int filled() {
    return filled.cardinality();
  }

  boolean hasUnconfirmed() {
    return !unconfirmed.isEmpty();
  }

  /** Bytes of the answered frames whose answers may not have arrived yet. */
  long unconfirmedBytes() {
    return unconfirmedBytes;
  }
}
