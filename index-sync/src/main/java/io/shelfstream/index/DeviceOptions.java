package io.shelfstream.index;

import java.util.List;

/**
 * Which device searches, and how much of it may be used.
 *
 * @param gpus numbers of the GPUs, from 0; vectors are divided among them
 * @param memoryLimit most bytes of each GPU's memory for vectors; 0: all there is
 * @param temporaryMemory bytes of each GPU's memory that Faiss takes at once for its work; Faiss
 *     itself goes no higher than 1.5 GiB
 */
public record DeviceOptions(
    SearchDevice device, List<Integer> gpus, long memoryLimit, long temporaryMemory) {

  /** The CPU alone. */
  public static final DeviceOptions CPU = new DeviceOptions(SearchDevice.CPU, List.of(), 0, 0);

  public DeviceOptions {
    gpus = List.copyOf(gpus);
    if (device != SearchDevice.CPU && gpus.isEmpty() || memoryLimit < 0 || temporaryMemory < 0) {
      throw new IllegalArgumentException(
          "at least one GPU and no negative memory expected, got %s, %d and %d"
              .formatted(gpus, memoryLimit, temporaryMemory));
    }
  }
}
