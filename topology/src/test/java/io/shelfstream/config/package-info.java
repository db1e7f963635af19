@NullMarked
package io.shelfstream.config;

import org.jspecify.annotations.NullMarked;
