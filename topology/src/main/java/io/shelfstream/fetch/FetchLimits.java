package io.shelfstream.fetch;

import java.time.Duration;

/**
 * What fetching one image may cost.
 *
 * @param maxBytes largest encoded image
 * @param connectTimeout for one connection
 * @param readTimeout for a whole image, including redirects and retries
 */
public record FetchLimits(long maxBytes, Duration connectTimeout, Duration readTimeout) {}
