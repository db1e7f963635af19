package io.shelfstream.follower;

import io.shelfstream.gallery.Gallery;
import io.shelfstream.streams.FailedRecords;
import org.apache.kafka.streams.Topology;

/** The topology through which a gallery follows its topic; made anew with each gallery. */
public interface FollowerWiring {
  /**
   * @param gallery that the vectors are applied to
   * @param inFlight photos that it is to show
   * @param failed records that made following fail
   */
  Topology topology(Gallery gallery, InFlightPhotos inFlight, FailedRecords failed);
}
