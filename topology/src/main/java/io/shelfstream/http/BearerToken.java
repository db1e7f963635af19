package io.shelfstream.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.server.DecoratingHttpServiceFunction;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.security.MessageDigest;

/** Lets callers in who know the token; health is for everybody, as probes carry no secrets. */
final class BearerToken implements DecoratingHttpServiceFunction {
  private final byte[] expected;

  BearerToken(String token) {
    this.expected = ("Bearer " + token).getBytes(UTF_8);
  }

  @Override
  public HttpResponse serve(HttpService next, ServiceRequestContext context, HttpRequest request)
      throws Exception {
    String given = request.headers().get(HttpHeaderNames.AUTHORIZATION, "");
    boolean isHealth =
        context.path().startsWith("/health/")
            || context.path().startsWith("/grpc.health.v1.Health/");
    if (isHealth || MessageDigest.isEqual(expected, given.getBytes(UTF_8))) {
      return next.serve(context, request);
    }
    return HttpResponse.of(
        ResponseHeaders.builder(HttpStatus.UNAUTHORIZED)
            .add(HttpHeaderNames.WWW_AUTHENTICATE, "Bearer")
            .contentType(MediaType.PLAIN_TEXT_UTF_8)
            .build(),
        HttpData.ofUtf8("Give the value of http.token as 'Authorization: Bearer TOKEN'\n"));
  }
}
