package io.shelfstream.detect;

import io.shelfstream.image.PixelBox;

/**
 * A part of an image that is taken for one object.
 *
 * @param box in profile pp-shitu it may reach past the image; its part inside is never empty
 * @param detectionScore of the detector, 0 to 1; 1 for the whole image
 * @param wholeImage true when the box is the whole image by rule, not by detection
 */
public record ObjectBox(PixelBox box, float detectionScore, boolean wholeImage) {}
