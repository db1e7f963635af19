package io.shelfstream.follower;

import io.shelfstream.gallery.Gallery;
import io.shelfstream.streams.FailedRecords;
import org.apache.kafka.streams.Topology;

/** Creates the topology with which a gallery follows its topic; called once for each gallery. */
public interface FollowerWiring {
  /**
   * @param gallery that the vectors are applied to
   * @param inFlight photos that this process has embedded; noted there when they are searchable
   * @param failed records whose processing failed
   */
  Topology topology(Gallery gallery, InFlightPhotos inFlight, FailedRecords failed);
}
