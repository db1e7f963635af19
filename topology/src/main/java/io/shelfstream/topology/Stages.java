package io.shelfstream.topology;

import io.shelfstream.detect.Detector;
import io.shelfstream.detect.Profile;
import io.shelfstream.embed.FeatureExtractor;
import io.shelfstream.gallery.ProductSearch;
import io.shelfstream.image.ImageDecoder;

/**
 * Everything an image passes through, put together once and shared by all threads. Whoever opened
 * the parts closes them.
 *
 * @param models what detector and extractor are called
 * @param detectionThreshold least detector score, 0 to 1, from the model directory
 * @param filters which photos a frame is compared with
 */
public record Stages(
    ModelIds models,
    ImageDecoder decoder,
    Detector detector,
    float detectionThreshold,
    Profile profile,
    FeatureExtractor extractor,
    ProductSearch gallery,
    MatchPolicy policy,
    FrameFilters filters) {}
