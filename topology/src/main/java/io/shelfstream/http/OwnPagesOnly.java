package io.shelfstream.http;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.server.DecoratingHttpServiceFunction;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Keeps pages of other sites out. The browser of somebody who may reach the port would otherwise
 * send it what such a page asks for: browsers say which page a request comes from, and programs do
 * not. Where callers of this machine need no token, the request must name this machine as well: a
 * page whose name was made to point here names its own site.
 */
final class OwnPagesOnly implements DecoratingHttpServiceFunction {
  private static final Set<HttpMethod> READING = Set.of(HttpMethod.GET, HttpMethod.HEAD);
  private static final Pattern THIS_MACHINE =
      Pattern.compile("localhost\\.?|[a-z0-9.-]+\\.localhost\\.?|127(\\.[0-9]{1,3}){3}|\\[::1]");

  private final boolean onlyThisMachine;

  /**
   * @param onlyThisMachine whether the port listens on this machine alone, and asks for no token
   */
  OwnPagesOnly(boolean onlyThisMachine) {
    this.onlyThisMachine = onlyThisMachine;
  }

  @Override
  public HttpResponse serve(HttpService next, ServiceRequestContext context, HttpRequest request)
      throws Exception {
    String authority = String.valueOf(request.authority());
    if (onlyThisMachine && !THIS_MACHINE.matcher(host(authority)).matches()) {
      return refused(
          "The request names the host '%s'; without http.token only localhost and 127.0.0.1 are answered"
              .formatted(authority));
    }
    if (!READING.contains(request.method()) && isOfOtherSite(request.headers(), authority)) {
      return refused("Pages of other sites may not change anything here");
    }
    return next.serve(context, request);
  }

  private static HttpResponse refused(String message) {
    return Answers.refused(HttpStatus.FORBIDDEN, "FORBIDDEN", message);
  }

  private static boolean isOfOtherSite(RequestHeaders headers, String authority) {
    String site = headers.get("sec-fetch-site", "none");
    String origin = headers.get(HttpHeaderNames.ORIGIN);
    return !(site.equals("same-origin") || site.equals("none"))
        || (origin != null && !isAt(origin, authority));
  }

  private static boolean isAt(String origin, String authority) {
    try {
      @Nullable String at = new URI(origin).getRawAuthority();
      return at != null && at.equalsIgnoreCase(authority);
    } catch (URISyntaxException e) {
      return false;
    }
  }

  private static String host(String authority) {
    String lower = authority.toLowerCase(Locale.ROOT);
    int end = lower.startsWith("[") ? lower.indexOf(']') + 1 : lower.indexOf(':');
    return end <= 0 ? lower : lower.substring(0, end);
  }
}
