/**
 * Image references to encoded images: files, http and {@code data:}, as far as they are allowed.
 */
@NullMarked
package io.shelfstream.fetch;

import org.jspecify.annotations.NullMarked;
