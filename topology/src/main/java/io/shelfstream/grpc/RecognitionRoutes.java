package io.shelfstream.grpc;

import com.linecorp.armeria.common.grpc.GrpcSerializationFormats;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.grpc.GrpcService;
import io.grpc.ServerServiceDefinition;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.shelfstream.api.v1.RecognitionGrpc;
import io.shelfstream.http.ImageRequests;
import io.shelfstream.http.Routes;
import io.shelfstream.http.ServiceStatus;

/** {@code shelfstream.v1.Recognition}, {@code grpc.health.v1.Health} and server reflection. */
public final class RecognitionRoutes implements Routes {
  /** Id, camera and frame beside an image. */
  private static final int BESIDE_AN_IMAGE = 65_536;

  private final ImageRequests requests;
  private final ServiceStatus status;
  private final long largestImage;

  /**
   * @param largestImage bytes; a message with a larger one is not read
   */
  public RecognitionRoutes(ImageRequests requests, ServiceStatus status, long largestImage) {
    this.requests = requests;
    this.status = status;
    this.largestImage = largestImage;
  }

  @Override
  public void addTo(ServerBuilder server) {
    HealthPolls health = new HealthPolls(status, RecognitionGrpc.SERVICE_NAME);
    GrpcService service =
        GrpcService.builder()
            .addService(recognition())
            .addService(health.service())
            .addService(ProtoReflectionServiceV1.newInstance())
            .supportedSerializationFormats(GrpcSerializationFormats.PROTO)
            .maxRequestMessageLength(
                (int) Math.min(Integer.MAX_VALUE, largestImage + BESIDE_AN_IMAGE))
            // A caller cancels when its time is over; without a time, ours bounds a message.
            .useClientTimeoutHeader(false)
            .exceptionHandler(Statuses::failed)
            .build();
    server
        .serverListener(health)
        .service(service, next -> new BoundedCalls((GrpcService) next, requests));
  }

  private ServerServiceDefinition recognition() {
    return ServerServiceDefinition.builder(RecognitionGrpc.getServiceDescriptor())
        .addMethod(
            RecognitionGrpc.getRecognizeMethod(), (call, headers) -> OneImage.start(call, requests))
        .addMethod(
            RecognitionGrpc.getRecognizeStreamMethod(),
            (call, headers) -> ImageStream.start(call, BoundedCalls.nextPlace()))
        .build();
  }
}
