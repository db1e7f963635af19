package io.shelfstream.http;

import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.ContentTooLargeException;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.annotation.Nullable;
import com.linecorp.armeria.common.util.Exceptions;
import com.linecorp.armeria.server.HttpStatusException;
import com.linecorp.armeria.server.RequestTimeoutException;
import com.linecorp.armeria.server.ServerErrorHandler;
import com.linecorp.armeria.server.ServiceConfig;
import com.linecorp.armeria.server.ServiceRequestContext;

/** Every failure of a request becomes an answer in JSON, with a reason class and a message. */
final class Failures implements ServerErrorHandler {
  @Override
  public HttpResponse onServiceException(ServiceRequestContext context, Throwable failure) {
    Throwable cause = Exceptions.peel(failure);
    if (cause instanceof ContentTooLargeException) {
      return Answers.refused(
          HttpStatus.REQUEST_ENTITY_TOO_LARGE,
          "TOO_LARGE",
          "The body is larger than %d bytes".formatted(context.maxRequestLength()));
    }
    if (cause instanceof RequestTimeoutException) {
      return Answers.refused(
          HttpStatus.SERVICE_UNAVAILABLE, "TIMEOUT", "The request took too long; come again");
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
    return aggregated(status, description);
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
