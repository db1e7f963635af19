/**
 * Image references to encoded images: files, http, S3 and {@code data:}, as far as they are
 * allowed.
 */
@NullMarked
package io.shelfstream.fetch;

import org.jspecify.annotations.NullMarked;
