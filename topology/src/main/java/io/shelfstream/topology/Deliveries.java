package io.shelfstream.topology;

import io.shelfstream.config.DeliverySettings;
import java.util.function.BooleanSupplier;

/** Knows when the outputs of a frame cannot be lost any more, so that its slot may be freed. */
interface Deliveries {
  /** Exactly-once: the outputs and the freed slot are one transaction. */
  Deliveries IN_ONE_TRANSACTION =
      outputs -> {
        outputs.run();
        return () -> true;
      };

  /** For the guarantee that is configured. */
  static Deliveries of(DeliverySettings delivery) {
    return delivery.exactlyOnce() ? IN_ONE_TRANSACTION : new Acknowledgements();
  }

  /**
   * Sends outputs.
   *
   * @param outputs forwards everything that answers one frame; run at once
   * @return whether all of them have arrived; to be asked again while they have not
   */
  BooleanSupplier send(Runnable outputs);
}
