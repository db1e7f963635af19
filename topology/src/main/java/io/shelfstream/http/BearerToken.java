package io.shelfstream.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.server.DecoratingHttpServiceFunction;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.security.MessageDigest;

/**
 * Lets callers in who know the token. Health is for everybody, as probes carry no secrets, and the
 * page and the description of the API, as browsers have no token when they open a page.
 */
final class BearerToken implements DecoratingHttpServiceFunction {
  private final byte[] expected;

  BearerToken(String token) {
    this.expected = ("Bearer " + token).getBytes(UTF_8);
  }

  @Override
  public HttpResponse serve(HttpService next, ServiceRequestContext context, HttpRequest request)
      throws Exception {
    String given = request.headers().get(HttpHeaderNames.AUTHORIZATION, "");
    if (isOpen(context.path()) || MessageDigest.isEqual(expected, given.getBytes(UTF_8))) {
      return next.serve(context, request);
    }
    return Answers.refused(
            HttpStatus.UNAUTHORIZED,
            "UNAUTHORIZED",
            "Give the value of http.token as 'Authorization: Bearer TOKEN'")
        .mapHeaders(
            headers ->
                headers.withMutations(h -> h.set(HttpHeaderNames.WWW_AUTHENTICATE, "Bearer")));
  }

  private static boolean isOpen(String path) {
    return path.startsWith("/health/")
        || path.startsWith("/grpc.health.v1.Health/")
        || path.equals("/")
        || path.startsWith("/page/")
        || path.equals("/openapi.json")
        || path.equals("/docs")
        || path.startsWith("/docs/");
  }
}
