package io.shelfstream.model;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * An ONNX session with float inputs: names, shapes and runs whose tensors are always closed. Runs
 * may go side by side.
 */
public final class OnnxModel implements AutoCloseable {
  private final Path file;
  private final OrtSession session;
  private final String provider;
  private final Map<String, long[]> inputs;
  private final Map<String, long[]> outputs;

  private OnnxModel(Path file, OrtSession session, String provider) throws OrtException {
    this.file = file;
    this.session = session;
    this.provider = provider;
    this.inputs = shapes(session.getInputInfo());
    this.outputs = shapes(session.getOutputInfo());
  }

  /**
   * @throws ModelException when the file is no ONNX model or the provider cannot be had
   */
  public static OnnxModel open(Path file, RuntimeOptions options) {
    OnnxRuntime.Opened opened = OnnxRuntime.open(file, options);
    try {
      return new OnnxModel(file, opened.session(), opened.provider());
    } catch (OrtException e) {
      throw new ModelException(
          ModelException.Code.LOAD, "Model " + file + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static Map<String, long[]> shapes(Map<String, NodeInfo> nodes) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    nodes.forEach(
        (name, node) -> {
          if (node.getInfo() instanceof TensorInfo tensor) {
            shapes.put(name, tensor.getShape());
          }
        });
    return shapes;
  }

  /** One input: values from the buffer's position to its limit, direct, in native byte order. */
  public record Input(FloatBuffer values, long... shape) {}

  /** Names and shapes of the outputs in the model's order; -1 for a free dimension. */
  public Map<String, long[]> outputs() {
    return outputs;
  }

  /** cpu, cuda or tensorrt. */
  public String provider() {
    return provider;
  }

  public boolean isOnGpu() {
    return !provider.equals("cpu");
  }

  /**
   * Checks an input; a dimension of -1 in the model takes any size, one of -1 here asks nothing.
   *
   * @throws ModelException saying what the model has instead
   */
  public void requireInput(String name, long... expected) {
    long[] actual = inputs.get(name);
    if (actual == null || !fits(actual, expected)) {
      throw new ModelException(
          ModelException.Code.CONFIGURATION,
          "Model %s: expected an input '%s' of shape %s, it has %s"
              .formatted(file, name, Arrays.toString(expected), describe(inputs)));
    }
  }

  /**
   * Checks that the model asks for nothing that is never given.
   *
   * @throws ModelException naming its inputs
   */
  public void requireOnly(String... known) {
    if (!List.of(known).containsAll(inputs.keySet())) {
      throw new ModelException(
          ModelException.Code.CONFIGURATION,
          "Model %s: expected no inputs but %s, it has %s"
              .formatted(file, String.join(" and ", known), describe(inputs)));
    }
  }

  private static boolean fits(long[] actual, long[] expected) {
    boolean fits = actual.length == expected.length;
    for (int i = 0; fits && i < expected.length; i++) {
      fits = expected[i] == -1 || actual[i] == -1 || expected[i] == actual[i];
    }
    return fits;
  }

  public boolean hasInput(String name) {
    return inputs.containsKey(name);
  }

  /** True when the first dimension of an input is free, so that several images go in one run. */
  public boolean takesBatches(String input) {
    long[] shape = inputs.get(input);
    return shape != null && shape[0] == -1;
  }

  /** Names and shapes, for messages. */
  public static String describe(Map<String, long[]> nodes) {
    StringBuilder text = new StringBuilder();
    nodes.forEach(
        (name, shape) -> {
          text.append(text.length() == 0 ? "" : ", ").append(name);
          text.append(' ').append(Arrays.toString(shape));
        });
    return text.toString();
  }

  /**
   * Runs the model.
   *
   * @param read takes what it needs from the output tensors, in the model's order; they are freed
   *     afterwards
   * @throws ModelException when the run fails
   */
  public <T> T run(Map<String, Input> values, Function<List<Output>, T> read) {
    Map<String, OnnxTensor> tensors = new HashMap<>();
    try {
      for (Map.Entry<String, Input> value : values.entrySet()) {
        tensors.put(
            value.getKey(),
            OnnxTensor.createTensor(
                OrtEnvironment.getEnvironment(),
                value.getValue().values(),
                value.getValue().shape()));
      }
      try (OrtSession.Result result = session.run(tensors)) {
        List<Output> inOrder =
            outputs.keySet().stream()
                .map(name -> new Output((OnnxTensor) result.get(name).orElseThrow()))
                .toList();
        return read.apply(inOrder);
      }
    } catch (OrtException e) {
      throw new ModelException(
          ModelException.Code.RUN, "Model " + file + " failed: " + e.getMessage(), e);
    } finally {
      tensors.values().forEach(OnnxTensor::close);
    }
  }

  /** An output tensor, valid only while it is read. */
  public record Output(OnnxTensor tensor) {
    public long[] shape() {
      return tensor.getInfo().getShape();
    }

    /** A copy of float values, row-major. */
    public float[] floats() {
      FloatBuffer buffer = tensor.getFloatBuffer();
      float[] values = new float[buffer.remaining()];
      buffer.get(values);
      return values;
    }

    /** A copy of int32 or int64 values. */
    public int[] ints() {
      if (tensor.getInfo().type == OnnxJavaType.INT64) {
        var buffer = tensor.getLongBuffer();
        int[] values = new int[buffer.remaining()];
        Arrays.setAll(values, i -> Math.toIntExact(buffer.get(i)));
        return values;
      }
      var buffer = tensor.getIntBuffer();
      int[] values = new int[buffer.remaining()];
      buffer.get(values);
      return values;
    }
  }

  /** Idempotent; no run may be under way. */
  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new ModelException(
          ModelException.Code.RUN, "Model " + file + " cannot be closed: " + e.getMessage(), e);
    } catch (IllegalStateException e) {
      // Closed before.
    }
  }
}
