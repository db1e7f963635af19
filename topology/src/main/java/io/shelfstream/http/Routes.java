package io.shelfstream.http;

import com.linecorp.armeria.server.ServerBuilder;

/** Some paths of the port, with what answers them. */
public interface Routes {
  void addTo(ServerBuilder server);
}
