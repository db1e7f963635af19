@NullMarked
package io.shelfstream.model;

import org.jspecify.annotations.NullMarked;
