/** Stores that speak the protocol of Amazon S3: where an object is, and a client for it. */
@NullMarked
package io.shelfstream.s3;

import org.jspecify.annotations.NullMarked;
