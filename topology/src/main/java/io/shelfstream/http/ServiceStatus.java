package io.shelfstream.http;

import io.shelfstream.streams.Lifecycle;
import java.util.List;

/** What health is told of the service; asked by any thread, at any time. */
public interface ServiceStatus {

  /** Of the service as a whole. */
  Lifecycle lifecycle();

  /** Of its applications and galleries, as far as they are made. */
  List<Lifecycle> parts();

  /** Whether all of it does its work. */
  boolean isReady();

  /** Galleries that are being read from their topics at the moment. */
  List<Reading> readings();

  /**
   * How far a gallery is read.
   *
   * @param topic of its vectors
   * @param records that were taken in
   * @param of records that the topic had at the start, compacted ones included
   * @param perSecond records taken in, since the start
   */
  record Reading(String topic, long records, long of, double perSecond) {}
}
