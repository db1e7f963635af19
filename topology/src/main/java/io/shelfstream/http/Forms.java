package io.shelfstream.http;

import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.multipart.AggregatedMultipart;
import com.linecorp.armeria.common.multipart.Multipart;
import java.util.concurrent.CompletionStage;

/** Multipart forms, as browsers and {@code curl -F} send them. */
final class Forms {
  private Forms() {}

  static boolean isForm(HttpRequest request) {
    MediaType type = request.contentType();
    return type != null && type.belongsTo(MediaType.MULTIPART_FORM_DATA);
  }

  /**
   * All parts of a form.
   *
   * @throws RefusedException when its content type does not say where they end
   */
  static CompletionStage<AggregatedMultipart> read(HttpRequest request) {
    Multipart form;
    try {
      form = Multipart.from(request);
    } catch (IllegalStateException e) {
      throw RefusedException.badRequest("The form: " + e.getMessage());
    }
    return form.aggregate();
  }
}
