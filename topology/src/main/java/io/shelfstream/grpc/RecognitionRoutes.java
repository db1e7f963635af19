package io.shelfstream.grpc;

import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.grpc.GrpcSerializationFormats;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.ServiceRequestContext;
import com.linecorp.armeria.server.grpc.GrpcService;
import io.grpc.MethodDescriptor;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.netty.util.AttributeKey;
import io.shelfstream.api.v1.RecognitionGrpc;
import io.shelfstream.http.ImageRequests;
import io.shelfstream.http.Routes;
import io.shelfstream.http.ServiceStatus;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** {@code shelfstream.v1.Recognition}, {@code grpc.health.v1.Health} and server reflection. */
public final class RecognitionRoutes implements Routes {
  private static final AttributeKey<NextPlace> NEXT_PLACE =
      AttributeKey.valueOf(RecognitionRoutes.class, "NEXT_PLACE");

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
            .build();
    server
        .serverListener(health)
        .service(
            service,
            next ->
                next.decorate(
                    (delegate, context, request) ->
                        bounded(service.methodDefinition(context), delegate, context, request)));
  }

  private ServerServiceDefinition recognition() {
    return ServerServiceDefinition.builder(RecognitionGrpc.getServiceDescriptor())
        .addMethod(
            RecognitionGrpc.getRecognizeMethod(), (call, headers) -> OneImage.start(call, requests))
        .addMethod(
            RecognitionGrpc.getRecognizeStreamMethod(),
            (call, headers) ->
                ImageStream.start(
                    call,
                    Objects.requireNonNull(ServiceRequestContext.current().attr(NEXT_PLACE))))
        .build();
  }

  /** Streams last as long as their callers wish, and are bounded image by image. */
  private HttpResponse bounded(
      @Nullable ServerMethodDefinition<?, ?> method,
      HttpService next,
      ServiceRequestContext context,
      HttpRequest request)
      throws Exception {
    if (method == null) {
      return next.serve(context, request); // which says so
    }
    long mostMillis = context.requestTimeoutMillis();
    MethodDescriptor<?, ?> called = method.getMethodDescriptor();
    if (!called.getType().serverSendsOneMessage()) {
      context.clearRequestTimeout();
    }
    if (!called.getType().clientSendsOneMessage()) {
      context.setMaxRequestLength(0);
    }
    if (!called.equals(RecognitionGrpc.getRecognizeStreamMethod())) {
      return next.serve(context, request);
    }
    NextPlace places = new NextPlace(requests, context, mostMillis);
    context.setAttr(NEXT_PLACE, places);
    HttpRequest heldBack = places.holdBack(request);
    context.updateRequest(heldBack);
    return next.serve(context, heldBack);
  }
}
