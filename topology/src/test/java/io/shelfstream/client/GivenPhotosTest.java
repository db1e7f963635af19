package io.shelfstream.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GivenPhotosTest {
  @TempDir Path folder;

  @Test
  void readsAFolderOfProductsInItsPlace() throws Exception {
    Files.createDirectories(folder.resolve("products/Oat Drink/front"));
    Path first = Files.writeString(folder.resolve("products/Oat Drink/1.jpg"), "x");
    Path second = Files.writeString(folder.resolve("products/Oat Drink/front/1.jpg"), "x");

    assertThat(GivenPhotos.read(List.of(folder.resolve("products")), null, null).photos())
        .containsExactly(
            new GivenPhoto("Oat Drink/1.jpg", first, "Oat Drink"),
            new GivenPhoto("Oat Drink/front/1.jpg", second, "Oat Drink"));
  }

  @Test
  void namesTheFilesThatAreMissing() throws Exception {
    Path list = Files.writeString(folder.resolve("g.tsv"), "here.jpg\tA\nnot.jpg\tB\n");
    Files.writeString(folder.resolve("here.jpg"), "x");
    GivenPhotos photos = GivenPhotos.read(List.of(list), null, null);

    assertThatThrownBy(() -> photos.withItsPhotos(list))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("not.jpg does not exist")
        .hasMessageNotContaining("here.jpg");
  }
}
