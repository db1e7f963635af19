package io.shelfstream.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.shelfstream.registry.SchemaRegistryException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.io.support.ClassicRequestBuilder;
import org.jspecify.annotations.Nullable;

/**
 * JSON over HTTP with a registry: several addresses, credentials, TLS, retries. Every address is
 * tried before anything is waited for, beginning with the one that answered last; HTTP libraries
 * only repeat a request to the same address.
 */
final class RegistryHttp {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ContentType CONTENT =
      ContentType.create("application/vnd.schemaregistry.v1+json");
  private static final String ACCEPTED =
      "application/vnd.schemaregistry.v1+json, application/json; q=0.9";
  private static final int LARGEST_ANSWER = 16 << 20;
  private static final int LONGEST_MESSAGE = 1_000;

  /**
   * What a registry answered: a success, or a refusal that the caller can explain.
   *
   * @param body missing when it was no JSON
   * @param url the address that answered, without credentials
   */
  record Answer(int status, JsonNode body, String url) {
    boolean isSuccess() {
      return status >= 200 && status < 300;
    }

    /** The registry's own error code, such as 40403; 0 when it gave none. */
    int errorCode() {
      return body.path("error_code").asInt(0);
    }

    String message() {
      String text = body.path("message").asText("");
      String shown = text.isEmpty() ? "no message" : text;
      return shown.length() <= LONGEST_MESSAGE ? shown : shown.substring(0, LONGEST_MESSAGE) + "…";
    }
  }

  private final SchemaRegistryConfig config;
  private final List<URI> urls;
  private final CloseableHttpClient client;
  private final AtomicInteger lastGood = new AtomicInteger();

  RegistryHttp(SchemaRegistryConfig config) {
    this.config = config;
    this.urls = config.urls();
    this.client = RegistryHttpClient.open(config);
  }

  /** All addresses, as messages show them. */
  String shownUrls() {
    return urls.stream().map(RegistryHttp::shown).collect(Collectors.joining(","));
  }

  /**
   * Asks until one address answers.
   *
   * @param path with its query, beginning with a slash
   * @param body sent with POST; null sends GET
   * @param what is asked for, to follow "cannot be asked for"
   */
  Answer ask(String path, @Nullable JsonNode body, String what) {
    List<String> failures = new ArrayList<>();
    for (int retry = 0; ; retry++) {
      failures.clear();
      int first = lastGood.get();
      for (int i = 0; i < urls.size(); i++) {
        int index = (first + i) % urls.size();
        try {
          Answer answer = send(urls.get(index), path, body, what);
          lastGood.set(index);
          return answer;
        } catch (IOException e) {
          failures.add(shown(urls.get(index)) + ": " + reason(e));
        }
      }
      if (retry >= config.retries()) {
        throw unavailable(what, failures, retry + 1);
      }
      pause(config.retryWait(retry), what, failures);
    }
  }

  private Answer send(URI base, String path, @Nullable JsonNode body, String what)
      throws IOException {
    return client.execute(request(base, path, body), response -> answer(base, response, what));
  }

  private ClassicHttpRequest request(URI base, String path, @Nullable JsonNode body)
      throws IOException {
    ClassicRequestBuilder request =
        (body == null ? ClassicRequestBuilder.get() : ClassicRequestBuilder.post())
            .setUri(shown(base) + path)
            .setHeader("Accept", ACCEPTED);
    if (body != null) {
      request.setEntity(JSON.writeValueAsBytes(body), CONTENT);
    }
    String user = config.userInfo(base);
    if (user != null) {
      request.setHeader("Authorization", "Basic " + base64(user, base));
    }
    String token = config.bearerToken();
    if (token != null) {
      request.setHeader("Authorization", "Bearer " + token);
    }
    config.headers().forEach(request::setHeader);
    return request.build();
  }

  private static String base64(String user, URI base) {
    // A user and password in a URL are percent-encoded, those in a setting are not.
    String plain =
        user.equals(base.getUserInfo())
            ? URLDecoder.decode(
                String.valueOf(base.getRawUserInfo()).replace("+", "%2B"), StandardCharsets.UTF_8)
            : user;
    return Base64.getEncoder().encodeToString(plain.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Sorts answers: what the caller can use is returned, what may pass is an IOException, the rest a
   * SchemaRegistryException.
   */
  private static Answer answer(URI base, ClassicHttpResponse response, String what)
      throws IOException {
    int status = response.getCode();
    Answer answer = new Answer(status, json(response), shown(base));
    if (status >= 500 || status == 408 || status == 429) {
      throw new IOException("HTTP status " + status + ", " + answer.message());
    }
    if (status == 401 || status == 403) {
      throw new SchemaRegistryException(
          Kind.DENIED,
          "Schema registry %s denies %s (HTTP status %d): check basic.auth.* or bearer.auth.*, and what that user may do"
              .formatted(answer.url(), what, status));
    }
    boolean isAnswer = answer.isSuccess() ? !answer.body().isMissingNode() : status >= 400;
    if (!isAnswer) {
      throw new IOException(
          "HTTP status %d without an answer in JSON; it is no schema registry, check host, port and path in schema.registry.url"
              .formatted(status));
    }
    return answer;
  }

  private static JsonNode json(ClassicHttpResponse response) throws IOException {
    if (response.getEntity() == null) {
      return MissingNode.getInstance();
    }
    byte[] bytes;
    try (InputStream in = response.getEntity().getContent()) {
      bytes = in.readNBytes(LARGEST_ANSWER + 1);
    }
    if (bytes.length > LARGEST_ANSWER) {
      throw new IOException("the answer is larger than " + LARGEST_ANSWER + " bytes");
    }
    try {
      return JSON.readTree(bytes);
    } catch (JsonProcessingException e) {
      return MissingNode.getInstance();
    }
  }

  private SchemaRegistryException unavailable(String what, List<String> failures, int times) {
    return new SchemaRegistryException(
        Kind.UNAVAILABLE,
        "Schema registry cannot be asked for %s: %s (tried %d times); check that it runs and that schema.registry.url is right"
            .formatted(what, String.join("; ", failures), times));
  }

  private void pause(Duration wait, String what, List<String> failures) {
    try {
      Thread.sleep(wait.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unavailable(what, failures, 1);
    }
  }

  private static String reason(IOException e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }

  /** Without user and password. */
  private static String shown(URI url) {
    int port = url.getPort();
    return url.getScheme()
        + "://"
        + url.getHost()
        + (port < 0 ? "" : ":" + port)
        + (url.getRawPath() == null ? "" : url.getRawPath());
  }
}
