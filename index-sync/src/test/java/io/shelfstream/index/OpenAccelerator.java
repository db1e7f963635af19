package io.shelfstream.index;

import java.util.List;
import java.util.Locale;

/**
 * Main class of processes that open GPUs: what became of it, a line each time. Also what {@code
 * deploy/bench gpu} calls.
 */
final class OpenAccelerator {

  private OpenAccelerator() {}

  public static void main(String[] args) {
    for (String device : args) {
      DeviceOptions options =
          new DeviceOptions(
              SearchDevice.valueOf(device.toUpperCase(Locale.ROOT)), List.of(0), 0, 1 << 20);
      try (Accelerator opened = Accelerator.open(options).orElse(null)) {
        System.out.println(device + ": " + (opened == null ? "the CPU" : opened));
      } catch (IndexException e) {
        System.out.println(device + ": " + e.code() + ": " + e.getMessage());
      }
    }
  }
}
