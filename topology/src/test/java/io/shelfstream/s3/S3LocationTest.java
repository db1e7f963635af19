package io.shelfstream.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class S3LocationTest {

  @ParameterizedTest
  @CsvSource({
    "s3://frames/a.jpg, a.jpg",
    "S3://frames/a.jpg, a.jpg",
    "s3://frames/a/b c.jpg, a/b c.jpg",
    "s3://frames/a%20b.jpg, a b.jpg",
    "s3://frames/a+b.jpg, a+b.jpg",
    "s3://frames/a%2Bb.jpg, a+b.jpg",
    "s3://frames/100%25.jpg, 100%.jpg",
    "s3://frames/%2525.jpg, %25.jpg",
    "s3://frames/a%3Fb%23c.jpg, a?b#c.jpg",
    "s3://frames/K\u00fchlregal/\u96ea.jpg, K\u00fchlregal/\u96ea.jpg",
    "s3://frames/K%C3%BChlregal.jpg, K\u00fchlregal.jpg",
    "s3://frames/../a.jpg, ../a.jpg",
    "s3://frames/./a/../../b, ./a/../../b",
    "s3://frames//a//b/, /a//b/",
    "s3://frames/a;v=1@x:y&z=1, a;v=1@x:y&z=1",
    "s3://frames/%2F, /",
  })
  void takesAKeyAsItIs(String uri, String key) {
    assertThat(S3Location.of(uri)).isEqualTo(new S3Location("frames", key, null));
  }

  @Test
  void takesAVersion() {
    assertThat(S3Location.of("s3://f1/a%20b?versionId=3%2FL4k+qt"))
        .isEqualTo(new S3Location("f1", "a b", "3/L4k+qt"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a.jpg",
        "/../a//b/",
        "a+b %25%?#[]{}\"<>|\\^`~",
        "K\u00fchlregal/\u96ea/\ud83d\ude00.jpg",
        "a\tb\u0001",
        " ",
        "%",
      })
  void writesWhatItReads(String key) {
    for (String version : new String[] {null, "a/b+c d"}) {
      S3Location object = new S3Location("frames", key, version);

      assertThat(object.uri()).matches("[!-~]+");
      assertThat(S3Location.of(object.uri())).isEqualTo(object);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "s3:frames/a, begin",
    "s3://, bucket",
    "s3:///a, bucket",
    "s3://frames, object",
    "s3://frames/, object",
    "s3://frames?versionId=1, object",
    "s3://frames:80/a, bucket",
    "s3://[::1]/a, bucket",
    "s3://fr%61mes/a, bucket",
    "s3://key:hunter2@frames/a, credentials",
    "s3://frames/a#b, %23",
    "s3://frames/a?b.jpg, %3F",
    "s3://frames/a?versionId=, versionId",
    "s3://frames/a?versionId=1&X-Amz-Signature=hunter2, versionId",
    "s3://frames/50%, %25",
    "s3://frames/50%zz, %25",
    "s3://frames/%ff, UTF-8",
    "s3://frames/%ed%a0%80, UTF-8",
  })
  void saysWhatIsWrongAndNoSecret(String uri, String said) {
    assertThatThrownBy(() -> S3Location.of(uri))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(said)
        .hasMessageNotContaining("hunter2");
  }
}
