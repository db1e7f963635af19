package io.shelfstream.grpc;

import com.linecorp.armeria.common.ExchangeType;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.server.RoutingContext;
import com.linecorp.armeria.server.ServiceRequestContext;
import com.linecorp.armeria.server.SimpleDecoratingHttpService;
import com.linecorp.armeria.server.grpc.GrpcService;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerMethodDefinition;
import io.netty.util.AttributeKey;
import io.shelfstream.api.v1.RecognitionGrpc;
import io.shelfstream.http.ImageRequests;
import java.util.Objects;

/**
 * What a call may take of time and memory: streams last as long as their callers wish and are
 * bounded image by image, all others as requests are.
 */
final class BoundedCalls extends SimpleDecoratingHttpService {
  private static final AttributeKey<NextPlace> NEXT_PLACE =
      AttributeKey.valueOf(BoundedCalls.class, "NEXT_PLACE");

  private final GrpcService service;
  private final ImageRequests requests;

  BoundedCalls(GrpcService service, ImageRequests requests) {
    super(service);
    this.service = service;
    this.requests = requests;
  }

  /** Of the stream that is being started. */
  static NextPlace nextPlace() {
    return Objects.requireNonNull(ServiceRequestContext.current().attr(NEXT_PLACE));
  }

  /** Otherwise a call begins only when its message has been read. */
  @Override
  public ExchangeType exchangeType(RoutingContext context) {
    ExchangeType type = super.exchangeType(context);
    return type == ExchangeType.UNARY ? ExchangeType.REQUEST_STREAMING : type;
  }

  @Override
  public HttpResponse serve(ServiceRequestContext context, HttpRequest request) throws Exception {
    ServerMethodDefinition<?, ?> method = service.methodDefinition(context);
    if (method == null) {
      return unwrap().serve(context, request); // which says so
    }
    long mostMillis = context.requestTimeoutMillis();
    MethodType type = method.getMethodDescriptor().getType();
    if (!type.serverSendsOneMessage()) {
      context.clearRequestTimeout();
    }
    if (!type.clientSendsOneMessage()) {
      context.setMaxRequestLength(0);
    }
    if (!method.getMethodDescriptor().equals(RecognitionGrpc.getRecognizeStreamMethod())) {
      return unwrap().serve(context, request);
    }
    NextPlace places = new NextPlace(requests, context, mostMillis);
    context.setAttr(NEXT_PLACE, places);
    HttpRequest heldBack = places.holdBack(request);
    context.updateRequest(heldBack);
    return unwrap().serve(context, heldBack);
  }
}
