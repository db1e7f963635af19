package io.shelfstream.http;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.ServerCacheControl;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.file.FileService;
import com.linecorp.armeria.server.file.HttpFile;

/**
 * {@code /}: the page for people who run cameras. Its files come from this process, and it loads
 * nothing from elsewhere. They are for everybody, as browsers have no token when they open a page;
 * what they show is not.
 */
public final class PageRoutes implements Routes {
  private static final String FILES = "io/shelfstream/page";

  /** Pictures are shown from memory, as an img element sends no token. */
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:;"
          + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
          + " require-trusted-types-for 'script'";

  /** Browsers ask each time whether there is a newer one: an upgrade is seen at once. */
  private static final ServerCacheControl CACHE = ServerCacheControl.builder().noCache().build();

  @Override
  public void addTo(ServerBuilder server) {
    ClassLoader loader = getClass().getClassLoader();
    server
        .route()
        .get("/")
        .build(
            HttpFile.builder(loader, FILES + "/index.html")
                .setHeader(HttpHeaderNames.CONTENT_SECURITY_POLICY, POLICY)
                .setHeader(HttpHeaderNames.X_CONTENT_TYPE_OPTIONS, "nosniff")
                .setHeader(HttpHeaderNames.REFERRER_POLICY, "no-referrer")
                .cacheControl(CACHE)
                .build()
                .asService())
        .serviceUnder(
            "/page",
            FileService.builder(loader, FILES)
                .setHeader(HttpHeaderNames.CONTENT_SECURITY_POLICY, POLICY)
                .setHeader(HttpHeaderNames.X_CONTENT_TYPE_OPTIONS, "nosniff")
                .cacheControl(CACHE)
                // Its cache frees a file that two callers loaded at once while it is being sent.
                .maxCacheEntries(0)
                .build());
  }
}
