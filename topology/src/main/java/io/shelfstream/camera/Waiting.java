package io.shelfstream.camera;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import org.jspecify.annotations.Nullable;

/**
 * A frame that waits to be published, as it is written to the spool.
 *
 * @param name of the frame, which gives the order
 * @param frameId as it is published
 * @param capturedAt in ms since the epoch
 * @param uri of a picture that stays where it is; null when the spool has it
 * @param extension of the picture in the spool; null when it stays where it is
 * @param source of which file it was taken, as {@link TakenFiles} knows it; null: of none
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record Waiting(
    String name,
    String frameId,
    long capturedAt,
    @Nullable String uri,
    @Nullable String extension,
    @Nullable String source) {}
