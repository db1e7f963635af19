@NullMarked
package io.shelfstream.grpc;

import org.jspecify.annotations.NullMarked;
