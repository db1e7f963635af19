package io.shelfstream.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.ResponseHeadersBuilder;

/** Answers in JSON, refusals among them. */
final class Answers {
  static final ObjectMapper JSON = new ObjectMapper();

  private Answers() {}

  static HttpResponse json(HttpStatus status, JsonNode body) {
    return json(status, body.toString());
  }

  static HttpResponse json(HttpStatus status, String body) {
    return HttpResponse.of(status, MediaType.JSON_UTF_8, body);
  }

  /** {@code {"reason": …, "message": …}} with the status that its kind has. */
  static HttpResponse refused(RefusedException refused) {
    return refused(status(refused.kind()), refused.reason(), refused.getMessage());
  }

  static HttpResponse refused(HttpStatus status, String reason, String message) {
    ResponseHeadersBuilder headers =
        ResponseHeaders.builder(status).contentType(MediaType.JSON_UTF_8);
    if (status.equals(HttpStatus.TOO_MANY_REQUESTS)
        || status.equals(HttpStatus.SERVICE_UNAVAILABLE)) {
      headers.set(HttpHeaderNames.RETRY_AFTER, "1");
    }
    return HttpResponse.of(
        headers.build(),
        HttpData.ofUtf8(
            JSON.createObjectNode().put("reason", reason).put("message", message).toString()));
  }

  private static HttpStatus status(RefusedException.Kind kind) {
    return switch (kind) {
      case BAD_REQUEST -> HttpStatus.BAD_REQUEST;
      case NOT_FOUND -> HttpStatus.NOT_FOUND;
      case NOT_HERE -> HttpStatus.CONFLICT;
      case UNUSABLE -> HttpStatus.UNPROCESSABLE_ENTITY;
      case FULL -> HttpStatus.TOO_MANY_REQUESTS;
      case NOT_READY -> HttpStatus.SERVICE_UNAVAILABLE;
      case FAULT -> HttpStatus.INTERNAL_SERVER_ERROR;
    };
  }
}
