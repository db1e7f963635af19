package io.shelfstream.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class EmbeddingsTest {

  @Test
  void writesLittleEndianFloats() {
    ByteBuffer bytes = Embeddings.encode(new float[] {1f, -2.5f});

    byte[] written = new byte[bytes.remaining()];
    bytes.get(written);
    assertThat(written).containsExactly(0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0);
  }

  @Test
  void readsWhatItWroteAndLeavesTheBufferAsItWas() {
    float[] embedding = {0.1f, Float.MIN_VALUE, -0f, 3e38f};
    ByteBuffer bytes = ByteBuffer.allocate(20).position(4);
    bytes.put(Embeddings.encode(embedding)).flip().position(4);

    assertThat(Embeddings.decode(bytes)).containsExactly(embedding);
    assertThat(Embeddings.decode(bytes.asReadOnlyBuffer())).containsExactly(embedding);
    assertThat(bytes.position()).isEqualTo(4);
  }

  @Test
  void refusesHalfAValue() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Embeddings.decode(ByteBuffer.allocate(7)))
        .withMessage("embedding of 7 bytes refused: 4 bytes a value expected");
  }
}
