package io.shelfstream.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageIdsTest {
  @TempDir Path folder;

  private Path file(String name) throws Exception {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, name);
  }

  private static List<String> frames(String... given) throws Exception {
    GivenImages images = new GivenImages(ImageIds::ofFrame);
    for (String one : given) {
      images.add(one);
    }
    return new ArrayList<>(images.uris().keySet());
  }

  @Test
  void filesOfOneNameAndTimeAreDifferentFramesAndTheSameOnesWhenPublishedAgain() throws Exception {
    for (int i = 0; i < 40; i++) {
      Files.setLastModifiedTime(file("%02d/shot.jpg".formatted(i)), FileTime.fromMillis(5));
    }
    List<String> ids = frames("" + folder);
    assertThat(ids).hasSize(40).doesNotHaveDuplicates().allMatch(id -> id.endsWith("/shot.jpg@5"));
    Thread.sleep(2);
    assertThat(frames("" + folder)).isEqualTo(ids);
    assertThat(frames(folder.resolve("07/shot.jpg").toUri().toString()))
        .containsExactly(ids.get(7));

    Files.setLastModifiedTime(folder.resolve("07/shot.jpg"), FileTime.fromMillis(6));
    assertThat(frames("" + folder)).doesNotContain(ids.get(7)).contains(ids.get(8));
  }

  @Test
  void aPhotoIsKnownByItsPathBelowTheWorkingFolderOrItsWholePath() throws Exception {
    assertThat(ImageIds.ofPhoto(Path.of("pen.jpg"))).isEqualTo("pen.jpg");
    assertThat(ImageIds.ofPhoto(Path.of("./a/../b/1.jpg"))).isEqualTo("b/1.jpg");
    Path elsewhere = file("a/1.jpg");
    assertThat(ImageIds.ofPhoto(elsewhere)).isEqualTo(elsewhere.toString().substring(1));
    Path deep = Path.of("/" + "folder/".repeat(100) + "1.jpg");
    Path deeper = Path.of("/other/" + "folder/".repeat(100) + "1.jpg");
    assertThat(ImageIds.ofPhoto(deep))
        .hasSizeLessThanOrEqualTo(200)
        .contains("/folder/1.jpg~")
        .isNotEqualTo(ImageIds.ofPhoto(deeper));
  }

  @Test
  void urlsThatDifferInTheirQueryAreDifferentFrames() throws Exception {
    List<String> urls = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      urls.add("http://cameras/shot.jpg?n=" + i);
    }
    assertThat(frames(urls.toArray(String[]::new)))
        .hasSize(40)
        .allMatch(id -> id.startsWith("http://cameras/shot.jpg~"));
    List<String> others =
        List.of(
            "http://h/a",
            "https://h/a",
            "http://h:81/a",
            "http://h/a?",
            "http://h/b",
            "http://h/a?x",
            "http://h/a?x=1",
            "http://h/a?x=1&y=2",
            "http://h/a#1",
            "http://h/A",
            "http://h/a/",
            "http://h/a?expires=1",
            "http://h/a?token=1",
            "http://h/a?token=2",
            "http://i/a",
            "http://h/dl?token=aaaaaaaaaaaaaaaaaaaaaaaa",
            "http://h/dl?token=bbbbbbbbbbbbbbbbbbbbbbbb");
    // An empty query is none.
    assertThat(new HashSet<>(others.stream().map(ImageIds::ofUri).toList()))
        .hasSize(others.size() - 1);
  }

  @ParameterizedTest
  @CsvSource({
    "X-Amz-Algorithm=A&X-Amz-Credential=SECRET1&X-Amz-Date=D1&X-Amz-Signature=S1,"
        + " X-Amz-Algorithm=A&X-Amz-Credential=SECRET2&X-Amz-Date=D2&X-Amz-Signature=S2",
    "X-Goog-Signature=SECRET1&X-Goog-Date=1, X-Goog-Signature=SECRET2&X-Goog-Date=2",
    "AWSAccessKeyId=K&Expires=1&Signature=SECRET1, AWSAccessKeyId=K&Expires=2&Signature=SECRET2",
    "Expires=1&Signature=SECRET1&Key-Pair-Id=K, Expires=2&Signature=SECRET2&Key-Pair-Id=K",
    "sv=2024&se=1&sr=b&sp=r&sig=SECRET1, sv=2025&se=2&sr=b&sp=r&sig=SECRET2",
    "token=SECRET1SECRET1SECRET1, token=SECRET2SECRET2SECRET2"
  })
  void aSignedUrlIsTheSamePictureHoweverOftenItIsSigned(String first, String second) {
    String url = "https://user:SECRET0@bucket.example/shelf/1.jpg";
    assertThat(ImageIds.ofUri(url + "?" + first))
        .isEqualTo(ImageIds.ofUri(url + "?" + second))
        .isEqualTo("https://bucket.example/shelf/1.jpg");
    assertThat(ImageIds.ofUri(url + "?versionId=1&" + first))
        .isEqualTo(ImageIds.ofUri(url + "?versionId=1&" + second))
        .isNotEqualTo(ImageIds.ofUri(url + "?versionId=2&" + second));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://user:SECRET@host/a.jpg", "https://SECRET@host/a.jpg",
            "https://u:S/ECRET@host/a.jpg",
        "https://host/a.jpg?key=SECRET", "https://host/a.jpg#SECRET", "http:///u:SECRET@host/a.jpg",
        "http:\\\\u:SECRET@host\\a.jpg", "https://u:1/SECRET@host/a.jpg", "s3:SECRET@bucket/a",
        "https://host/a;jsessionid=SECRET/b.jpg", "https://u@v:SECRET@host/a.jpg", "x:SECRET",
        "https://host/a.jpg?x=1?SECRET", "file://u:SECRET@host/a b.jpg", "https://u:SEC RET@host/"
      })
  void noSecretIsInAnId(String uri) {
    assertThat(ImageIds.ofUri(uri)).doesNotContain("SEC").doesNotContain("ECRET");
  }

  @Test
  void theIdOfDataIsTheHashOfItsBytes() {
    byte[] bytes = {1, 2, 3};
    String base64 = Base64.getEncoder().encodeToString(bytes);
    String id = ImageIds.ofUri("data:image/png;base64," + base64);
    assertThat(id).isEqualTo("data:039058c6f2c0cb49"); // sha256sum of the three bytes
    assertThat(ImageIds.ofUri("DATA:;base64," + base64)).isEqualTo(id);
    assertThat(ImageIds.ofUri("data:;base64,*")).startsWith("data:").isNotEqualTo(id);
    assertThat(ImageIds.ofUri("data:" + "x".repeat(1_000_000))).hasSize(21);
  }

  @Test
  void refusesTwoAddressesUnderOneIdAndSaysWhatWasGivenTwice() throws Exception {
    GivenImages images = new GivenImages(ImageIds::ofPhoto);
    images.add("https://h/1.jpg?sig=a&se=1");
    images.add("https://h/1.jpg?sig=a&se=1");
    assertThat(images.uris()).hasSize(1);
    assertThat(images.notes()).singleElement().asString().contains("given twice");
    assertThatThrownBy(() -> images.add("https://u:SECRET@h/1.jpg?sig=b&se=1"))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("https://h/1.jpg")
        .hasMessageNotContaining("SECRET");
    assertThatThrownBy(() -> images.add("" + folder.resolve("none.jpg")))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("No such image or folder");
  }
}
