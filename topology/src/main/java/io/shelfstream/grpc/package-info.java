/** Recognition by gRPC, on the HTTP port: the service, its messages, health and reflection. */
@NullMarked
package io.shelfstream.grpc;

import org.jspecify.annotations.NullMarked;
