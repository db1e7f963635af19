package io.shelfstream.streams;

import io.shelfstream.logging.LogContext;
import io.shelfstream.messages.SourcePosition;
import io.shelfstream.outage.Wait;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.registry.SchemaRegistryException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.RecordBatchTooLargeException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.streams.errors.LockException;
import org.apache.kafka.streams.errors.ProcessorStateException;
import org.apache.kafka.streams.errors.StreamsException;
import org.apache.kafka.streams.errors.TaskCorruptedException;
import org.apache.kafka.streams.errors.TaskMigratedException;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The last line of defence: which records made their own processing fail, in a processor, in a
 * serialiser or by an output that the broker refused. The first time the stream thread is replaced
 * and the record is tried again; when it fails a second time, {@link #setAside} gives the answer,
 * and it is not tried any more. So one record costs two restarts and never the service.
 *
 * <p>Kept in memory only: a new process tries twice again. Safe for several threads.
 */
public final class FailedRecords {
  private static final Logger log = LoggerFactory.getLogger(FailedRecords.class);

  /** A record that failed this often is set aside. */
  private static final int ENOUGH = 2;

  /** Records remembered; the oldest is forgotten, and would be tried twice again. */
  private static final int MOST = 10_000;

  private record Failure(int times, Throwable last) {}

  private final Map<SourcePosition, Failure> failed =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<SourcePosition, Failure> eldest) {
          return size() > MOST;
        }
      };
  private boolean isNew;

  /**
   * Does the work for a record, and remembers it when the work fails because of the record.
   *
   * @throws RuntimeException what the work threw
   */
  public void guard(SourcePosition source, Runnable work) {
    try {
      work.run();
    } catch (RuntimeException | StackOverflowError e) {
      if (isOfTheRecord(e)) {
        failed(source, e);
      }
      throw e;
    }
  }

  /** To be called when the producer or the broker refused an output of this record. */
  public void refused(SourcePosition source, Exception failure) {
    if (isRefusal(failure)) {
      failed(source, failure);
    }
  }

  private synchronized void failed(SourcePosition source, Throwable e) {
    Failure before = failed.get(source);
    int times = before == null ? 1 : before.times() + 1;
    failed.put(source, new Failure(times, e));
    // After that only its dead letter can fail, and that is a fault of the topic or the broker.
    isNew |= times <= ENOUGH;
    try (LogContext.Scope context =
        LogContext.of(source.topic(), source.partition(), source.offset(), null, () -> null)) {
      log.atWarn()
          .addKeyValue("source", source)
          .addKeyValue("times", times)
          .log(
              times < ENOUGH
                  ? "A record made its processing fail, and is tried once more: {}"
                  : "A record made its processing fail again, and is set aside: {}",
              e.toString());
    }
  }

  /**
   * Whether any record failed since the last call, for the first or second time: then the cause is
   * that record, and not the broker.
   */
  public synchronized boolean tookNote() {
    boolean was = isNew;
    isNew = false;
    return was;
  }

  /** The rejection of a record that has failed often enough; empty when it may be tried. */
  public synchronized Optional<RejectedException> setAside(SourcePosition source) {
    Failure failure = failed.get(source);
    return failure == null || failure.times() < ENOUGH
        ? Optional.empty()
        : Optional.of(RejectedException.setAside(failure.last()));
  }

  /** Counts records of a task that were set aside: the metric {@code set-aside-records}. */
  public static Sensor sensor(ProcessorContext<?, ?> context) {
    return context
        .metrics()
        .addRateTotalSensor(
            "shelfstream",
            context.taskId().toString(),
            "set-aside-records",
            Sensor.RecordingLevel.INFO);
  }

  /**
   * Whether the work failed because of what the record holds. What Kafka's clients report is about
   * brokers or other instances, or about an earlier output, which {@link #refused} is told of.
   */
  static boolean isOfTheRecord(Throwable failure) {
    for (Throwable e = failure; e != null; e = e.getCause()) {
      boolean isOfAClient =
          e instanceof KafkaException
              && !(e instanceof SerializationException)
              && !(e instanceof StreamsException); // wraps whatever a processor throws
      if (isOfAClient
          || e instanceof TaskMigratedException
          || e instanceof TaskCorruptedException
          || e instanceof ProcessorStateException
          || e instanceof LockException
          || e instanceof StalledException
          || e instanceof Wait.Stopped
          || (e instanceof SchemaRegistryException registry && registry.isTemporary())
          || RejectedException.isOfTheProcess(e)) {
        return false;
      }
    }
    return true;
  }

  /** Refusals that the same output would get again. */
  private static boolean isRefusal(Exception failure) {
    if (failure instanceof InvalidRecordException) {
      // Reported for every record that was sent together with an invalid one, too.
      return !String.valueOf(failure.getMessage()).contains("part of a batch");
    }
    return failure instanceof RecordTooLargeException
        || failure instanceof RecordBatchTooLargeException
        || failure instanceof InvalidTimestampException;
  }
}
