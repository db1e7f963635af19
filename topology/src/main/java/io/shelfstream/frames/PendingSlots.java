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
 * The slots of the store in which frames lie until their answers cannot be lost any more. A slot
 * commits together with the offset that moves past its frame, so whatever happens, a frame is read
 * again, or is in a slot and is taken up again, or is answered.
 *
 * <p>Slots are numbered from 0 and used anew, lowest first: the changelog keeps few keys, and a
 * slot that is filled and freed between two commits never reaches it. Belongs to the stream thread.
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

  /** The frames that an earlier run has left, in the order in which it took them. */
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

  /** A number for the next frame, above those of all that are pending. */
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

  /** In the order they were sent in: one that is late holds back the slots behind it. */
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

  /** Bytes of the frames that are answered, and whose answers may not have arrived. */
  long unconfirmedBytes() {
    return unconfirmedBytes;
  }
}
