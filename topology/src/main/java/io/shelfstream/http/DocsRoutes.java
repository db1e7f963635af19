package io.shelfstream.http;

import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.file.FileService;

/**
 * {@code /docs}: the description of the API for people, and {@code /openapi.json} for programs.
 * Everything comes from this process; nothing is loaded from elsewhere.
 */
public final class DocsRoutes implements Routes {
  private static final String SWAGGER_UI = "META-INF/resources/webjars/swagger-ui/5.30.2";

  private static final String PAGE =
      """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>ShelfStream API</title>
      <link rel="stylesheet" href="/docs/ui/swagger-ui.css">
      </head>
      <body>
      <div id="api"></div>
      <script src="/docs/ui/swagger-ui-bundle.js"></script>
      <script src="/docs/start.js"></script>
      </body>
      </html>
      """;

  private static final String START =
      "SwaggerUIBundle({url: '/openapi.json', dom_id: '#api', validatorUrl: null});\n";

  /** Styles are set by scripts of the page, and small pictures are in its style sheet. */
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
          + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private final String description;

  /**
   * @param version of the program
   * @param asksForToken whether callers have to give one
   */
  public DocsRoutes(String version, boolean asksForToken) {
    this.description = ApiDescription.of(version, asksForToken);
  }

  @Override
  public void addTo(ServerBuilder server) {
    server
        .route()
        .get("/openapi.json")
        .build((c, r) -> Answers.json(HttpStatus.OK, description))
        .route()
        .get("/docs")
        .build((c, r) -> page(MediaType.HTML_UTF_8, PAGE))
        .route()
        .get("/docs/start.js")
        .build((c, r) -> page(MediaType.JAVASCRIPT_UTF_8, START))
        .serviceUnder(
            "/docs/ui",
            FileService.builder(getClass().getClassLoader(), SWAGGER_UI)
                .maxCacheEntries(0) // as PageRoutes has it
                .build());
  }

  private static HttpResponse page(MediaType type, String text) {
    return HttpResponse.of(
        ResponseHeaders.builder(HttpStatus.OK)
            .contentType(type)
            .set(HttpHeaderNames.CONTENT_SECURITY_POLICY, POLICY)
            .set(HttpHeaderNames.X_CONTENT_TYPE_OPTIONS, "nosniff")
            .build(),
        HttpData.ofUtf8(text));
  }
}
