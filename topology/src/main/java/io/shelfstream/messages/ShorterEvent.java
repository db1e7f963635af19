package io.shelfstream.messages;

import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognitionStatus;
import io.shelfstream.events.RecognizedObject;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Shortens an event that is too large for its topic. Left out are, in this order: all candidates
 * but the best of each object; all candidates; objects, those with the lowest detection scores
 * first. A shortened event is PARTIAL and says what is missing.
 */
public final class ShorterEvent {
  private static final Comparator<RecognizedObject> BY_DETECTION_SCORE =
      Comparator.comparingDouble((RecognizedObject o) -> o.getDetectionScore()).reversed();

  private ShorterEvent() {}

  /**
   * The longest form of an event that fits.
   *
   * @param form bytes of the event as they are written
   * @param fits whether bytes are few enough
   * @return the bytes; those of the event without objects when even they do not fit
   */
  public static byte[] fit(
      RecognitionEvent event, Function<RecognitionEvent, byte[]> form, Predicate<byte[]> fits) {
    byte[] bytes = form.apply(event);
    if (fits.test(bytes)) {
      return bytes;
    }
    for (int candidates = 1; candidates >= 0; candidates--) {
      bytes = form.apply(withCandidates(event, candidates));
      if (fits.test(bytes)) {
        return bytes;
      }
    }
    RecognitionEvent shorter = withCandidates(event, 0);
    for (int objects = event.getObjects().size() / 2; ; objects /= 2) {
      bytes = form.apply(withObjects(shorter, objects));
      if (objects == 0 || fits.test(bytes)) {
        return bytes;
      }
    }
  }

  private static RecognitionEvent withCandidates(RecognitionEvent event, int most) {
    List<RecognizedObject> objects =
        event.getObjects().stream()
            .map(
                o ->
                    RecognizedObject.newBuilder(o)
                        .setCandidates(o.getCandidates().stream().limit(most).toList())
                        .build())
            .toList();
    return partial(event, objects, "of each object at most " + most + " candidates are here");
  }

  private static RecognitionEvent withObjects(RecognitionEvent event, int most) {
    List<RecognizedObject> kept =
        event.getObjects().stream().sorted(BY_DETECTION_SCORE).limit(most).toList();
    return partial(
        event,
        event.getObjects().stream().filter(o -> kept.stream().anyMatch(k -> k == o)).toList(),
        most + " of " + event.getObjects().size() + " objects are here");
  }

  private static RecognitionEvent partial(
      RecognitionEvent event, List<RecognizedObject> objects, String reason) {
    String all =
        Stream.of(
                event.getPartialReason(),
                reason + ": the whole event is larger than its topic takes")
            .filter(r -> r != null)
            .reduce((a, b) -> a + "; " + b)
            .orElseThrow();
    return RecognitionEvent.newBuilder(event)
        .setObjects(objects)
        .setStatus(RecognitionStatus.PARTIAL)
        .setPartialReason(all)
        .build();
  }
}
