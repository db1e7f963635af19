package io.shelfstream.config;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Optional output topics, and the source that events name.
 *
 * @param source {@code ce_source} of all events
 * @param json topic of the same recognition events as JSON
 * @param epcis topic of GS1 EPCIS 2.0 observations
 */
public record Outputs(String source, Optional<String> json, Optional<String> epcis) {

  /** No further topics. */
  public static Outputs of(String applicationId) {
    return new Outputs(sourceOf(applicationId), Optional.empty(), Optional.empty());
  }

  public static String sourceOf(String applicationId) {
    return "/shelfstream/" + applicationId;
  }

  /** The further topics that are switched on. */
  public List<String> topics() {
    return Stream.of(json, epcis).flatMap(Optional::stream).toList();
  }
}
