package io.shelfstream.http;

import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.ContentTooLargeException;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.annotation.Nullable;
import com.linecorp.armeria.common.multipart.MimeParsingException;
import com.linecorp.armeria.common.util.Exceptions;
import com.linecorp.armeria.server.HttpStatusException;
import com.linecorp.armeria.server.RequestTimeoutException;
import com.linecorp.armeria.server.Route;
import com.linecorp.armeria.server.RoutePathType;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.ServerErrorHandler;
import com.linecorp.armeria.server.ServiceConfig;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Every failure of a request becomes an answer in JSON, with a reason class and a message. */
final class Failures implements ServerErrorHandler {
  private static final Logger log = LoggerFactory.getLogger(Failures.class);

  private volatile Map<String, String> methods = Map.of();

  /** Tells which methods each path has, for the answer to any other method. */
  void know(Server server) {
    Map<String, Set<String>> known = new HashMap<>();
    for (ServiceConfig service : server.serviceConfigs()) {
      Route route = service.route();
      if (route.pathType() == RoutePathType.EXACT) {
        Set<String> ofPath = known.computeIfAbsent(route.paths().get(0), p -> new TreeSet<>());
        route.methods().forEach(method -> ofPath.add(method.name()));
      }
    }
    Map<String, String> allowed = new HashMap<>();
    known.forEach((path, names) -> allowed.put(path, String.join(", ", names)));
    methods = Map.copyOf(allowed);
  }

  @Override
  public HttpResponse onServiceException(ServiceRequestContext context, Throwable failure) {
    Throwable cause = Exceptions.peel(failure);
    if (cause instanceof ContentTooLargeException) {
      return lastOfItsConnection(
          Answers.refused(
              HttpStatus.REQUEST_ENTITY_TOO_LARGE,
              "TOO_LARGE",
              "The body is larger than %d bytes".formatted(context.maxRequestLength())));
    }
    if (cause instanceof MimeParsingException) {
      return Answers.refused(RefusedException.badRequest("The form: " + cause.getMessage()));
    }
    if (cause instanceof RequestTimeoutException) {
      return lastOfItsConnection(
          Answers.refused(
              HttpStatus.SERVICE_UNAVAILABLE, "TIMEOUT", "The request took too long; come again"));
    }
    if (cause instanceof HttpStatusException status) {
      return plain(status.httpStatus(), null);
    }
    return Answers.refused(RefusedException.of(cause));
  }

  @Override
  public AggregatedHttpResponse renderStatus(
      @Nullable ServiceRequestContext context,
      ServiceConfig config,
      @Nullable RequestHeaders headers,
      HttpStatus status,
      @Nullable String description,
      @Nullable Throwable cause) {
    AggregatedHttpResponse answer = aggregated(status, description);
    String allowed = headers == null ? null : methods.get(pathOf(headers));
    return allowed != null && status.equals(HttpStatus.METHOD_NOT_ALLOWED)
        ? AggregatedHttpResponse.of(
            answer.headers().withMutations(h -> h.set(HttpHeaderNames.ALLOW, allowed)),
            answer.content())
        : answer;
  }

  /** The rest of the body is not waited for. */
  private static HttpResponse lastOfItsConnection(HttpResponse response) {
    return response.mapHeaders(
        headers -> headers.withMutations(h -> h.set(HttpHeaderNames.CONNECTION, "close")));
  }

  private static String pathOf(RequestHeaders headers) {
    String path = headers.path();
    int query = path.indexOf('?');
    return query < 0 ? path : path.substring(0, query);
  }

  private static HttpResponse plain(HttpStatus status, @Nullable String description) {
    return aggregated(status, description).toHttpResponse();
  }

  private static AggregatedHttpResponse aggregated(
      HttpStatus status, @Nullable String description) {
    String reason = status.reasonPhrase().toUpperCase(java.util.Locale.ROOT).replace(' ', '_');
    String message = description == null ? "see /docs" : description;
    return Answers.refused(status, reason, message).aggregate().join();
  }
}
