@NullMarked
package io.shelfstream.demo;

import org.jspecify.annotations.NullMarked;
