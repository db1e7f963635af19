package io.shelfstream.registry;

import io.shelfstream.registry.SchemaRegistryException.Kind;
import java.net.URI;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.DefaultClientTlsStrategy;
import org.apache.hc.client5.http.ssl.HostnameVerificationPolicy;
import org.apache.hc.client5.http.ssl.NoopHostnameVerifier;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.util.Timeout;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.SslConfigs;
import org.apache.kafka.common.security.ssl.DefaultSslEngineFactory;

/** The HTTP client that the settings ask for: timeouts, proxy, TLS. */
final class RegistryHttpClient {

  private static final int CONNECTIONS = 16;

  private RegistryHttpClient() {}

  static CloseableHttpClient open(SchemaRegistryConfig config) {
    PoolingHttpClientConnectionManagerBuilder connections =
        PoolingHttpClientConnectionManagerBuilder.create()
            .setMaxConnTotal(CONNECTIONS)
            .setMaxConnPerRoute(CONNECTIONS)
            .setDefaultConnectionConfig(
                ConnectionConfig.custom()
                    .setConnectTimeout(Timeout.of(config.connectTimeout()))
                    .setSocketTimeout(Timeout.of(config.readTimeout()))
                    .build());
    if (config.hasSslSettings()) {
      connections.setTlsSocketStrategy(tls(config));
    }
    HttpClientBuilder client =
        HttpClients.custom()
            .setConnectionManager(connections.build())
            .setDefaultRequestConfig(
                RequestConfig.custom()
                    .setConnectionRequestTimeout(Timeout.of(config.readTimeout()))
                    .setResponseTimeout(Timeout.of(config.readTimeout()))
                    .build())
            .disableAutomaticRetries()
            .disableRedirectHandling() // credentials must not follow to another host
            .disableCookieManagement();
    URI proxy = config.proxy();
    if (proxy != null) {
      client.setProxy(new HttpHost(proxy.getHost(), proxy.getPort()));
    }
    return client.build();
  }

  /** Trust and key stores as Kafka's clients read them: JKS, PKCS#12 and PEM. */
  private static DefaultClientTlsStrategy tls(SchemaRegistryConfig config) {
    var settings = config.ssl();
    try (DefaultSslEngineFactory factory = new DefaultSslEngineFactory()) {
      factory.configure(settings);
      Object check = settings.get(SslConfigs.SSL_ENDPOINT_IDENTIFICATION_ALGORITHM_CONFIG);
      boolean checksHost = check != null && !check.toString().isEmpty();
      return checksHost
          ? new DefaultClientTlsStrategy(factory.sslContext())
          : new DefaultClientTlsStrategy(
              factory.sslContext(),
              HostnameVerificationPolicy.CLIENT,
              NoopHostnameVerifier.INSTANCE);
    } catch (KafkaException e) {
      throw new SchemaRegistryException(
          Kind.MISCONFIGURED,
          "Schema registry's TLS settings (schema.registry.ssl.*) cannot be used: " + deepest(e),
          e);
    }
  }

  private static String deepest(Throwable e) {
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return String.valueOf(cause.getMessage());
  }
}
