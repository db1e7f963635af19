/** The one HTTP port of a process: metrics, health, recognition. Knows nothing of topics. */
@NullMarked
package io.shelfstream.http;

import org.jspecify.annotations.NullMarked;
