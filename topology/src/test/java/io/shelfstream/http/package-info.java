@NullMarked
package io.shelfstream.http;

import org.jspecify.annotations.NullMarked;
