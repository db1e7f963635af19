package io.shelfstream.grpc;

import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.ServerListenerAdapter;
import io.grpc.BindableService;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.HealthStatusManager;
import io.netty.util.concurrent.ScheduledFuture;
import io.shelfstream.http.ServiceStatus;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Tells the standard health service whether the service is ready. Readiness is asked for: it
 * follows from the states of several clients, and not all of them tell when theirs has changed.
 */
final class HealthPolls extends ServerListenerAdapter {
  private static final long EVERY_MILLIS = 100;

  private final HealthStatusManager manager = new HealthStatusManager();
  private final ServiceStatus status;
  private final String service;
  private @Nullable ScheduledFuture<?> polls;

  /**
   * @param service whose health it is, besides that of the process, whose name is empty
   */
  HealthPolls(ServiceStatus status, String service) {
    this.status = status;
    this.service = service;
    poll();
  }

  BindableService service() {
    return manager.getHealthService();
  }

  private void poll() {
    ServingStatus now = status.isReady() ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    manager.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, now);
    manager.setStatus(service, now);
  }

  @Override
  public void serverStarted(Server server) {
    polls =
        server
            .config()
            .workerGroup()
            .next()
            .scheduleAtFixedRate(this::poll, 0, EVERY_MILLIS, TimeUnit.MILLISECONDS);
  }

  @Override
  public void serverStopping(Server server) {
    if (polls != null) {
      polls.cancel(false);
    }
    manager.enterTerminalState();
  }
}
