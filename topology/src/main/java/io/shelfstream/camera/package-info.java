/**
 * Publishes the frames of one camera as they are taken: from a folder, or from the camera itself.
 *
 * <p>A frame first goes to the {@link io.shelfstream.camera.Spool}, then to the {@link
 * io.shelfstream.camera.FrameStore}, then its reference to Kafka, in one transaction with the name
 * of the last frame. Where a start finds that name, all frames up to it were published, and no
 * other was.
 */
@NullMarked
package io.shelfstream.camera;

import org.jspecify.annotations.NullMarked;
