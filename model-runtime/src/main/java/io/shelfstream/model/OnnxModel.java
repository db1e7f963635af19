package io.shelfstream.model;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtUtil;
import ai.onnxruntime.TensorInfo;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

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
  private final Set<String> floatOutputs;
  private final TensorBuffers outputBuffers = new TensorBuffers();

  private OnnxModel(Path file, OrtSession session, String provider) throws OrtException {
    this.file = file;
    this.session = session;
    this.provider = provider;
    this.inputs = shapes(session.getInputInfo());
    this.outputs = shapes(session.getOutputInfo());
    this.floatOutputs = floats(session.getOutputInfo());
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

  private static Set<String> floats(Map<String, NodeInfo> nodes) {
    return nodes.entrySet().stream()
        .filter(n -> n.getValue().getInfo() instanceof TensorInfo t && t.type == OnnxJavaType.FLOAT)
        .map(Map.Entry::getKey)
        .collect(Collectors.toUnmodifiableSet());
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

  /** As {@link #run}, of a model whose outputs have a row for each image. */
  public <T> T runByImage(Map<String, Input> values, Function<List<Output>, T> read) {
    return run(values, values.values().iterator().next().shape()[0], read);
  }

  /**
   * Runs the model.
   *
   * @param read takes what it needs from the output tensors, in the model's order; they are freed
   *     afterwards
   * @throws ModelException when the run fails
   */
  public <T> T run(Map<String, Input> values, Function<List<Output>, T> read) {
    return run(values, 0, read);
  }

  /**
   * Outputs whose size is known beforehand go to memory that is used again.
   *
   * @param images rows of each output; 0: only the run will tell
   */
  private <T> T run(Map<String, Input> values, long images, Function<List<Output>, T> read) {
    Map<String, OnnxTensor> tensors = new HashMap<>();
    Map<String, OnnxTensor> reused = new HashMap<>();
    Map<String, FloatBuffer> buffers = new HashMap<>();
    try {
      for (Map.Entry<String, Input> value : values.entrySet()) {
        tensors.put(value.getKey(), tensor(value.getValue().values(), value.getValue().shape()));
      }
      for (Map.Entry<String, long[]> output : outputs.entrySet()) {
        long[] shape = shapeFor(images, output.getValue());
        if (shape.length > 0 && floatOutputs.contains(output.getKey())) {
          FloatBuffer buffer = outputBuffers.take(Math.toIntExact(OrtUtil.elementCount(shape)));
          buffers.put(output.getKey(), buffer);
          reused.put(output.getKey(), tensor(buffer, shape));
        }
      }
      Set<String> others = new HashSet<>(outputs.keySet());
      others.removeAll(reused.keySet());
      try (OrtSession.Result result = session.run(tensors, others, reused)) {
        List<Output> inOrder = new ArrayList<>(outputs.size());
        for (String name : outputs.keySet()) {
          OnnxTensor tensor = (OnnxTensor) result.get(name).orElseThrow();
          inOrder.add(new Output(tensor, buffers.get(name)));
        }
        return read.apply(inOrder);
      }
    } catch (OrtException e) {
      throw new ModelException(
          ModelException.Code.RUN, "Model " + file + " failed: " + e.getMessage(), e);
    } finally {
      tensors.values().forEach(OnnxTensor::close);
      reused.values().forEach(OnnxTensor::close);
      buffers.values().forEach(outputBuffers::give);
    }
  }

  private static OnnxTensor tensor(FloatBuffer values, long[] shape) throws OrtException {
    return OnnxTensor.createTensor(OrtEnvironment.getEnvironment(), values, shape);
  }

  /** The shape of an output for so many images; empty when only the run will tell. */
  private static long[] shapeFor(long images, long[] declared) {
    long[] shape = declared.clone();
    if (shape.length > 0 && shape[0] == -1) {
      shape[0] = images;
    }
    boolean known = shape.length > 0 && shape[0] == images;
    return known && Arrays.stream(shape).allMatch(d -> d > 0) ? shape : new long[0];
  }

  /** An output tensor, valid only while it is read. */
  public static final class Output {
    private final OnnxTensor tensor;
    private final @Nullable FloatBuffer values;

    private Output(OnnxTensor tensor, @Nullable FloatBuffer values) {
      this.tensor = tensor;
      this.values = values;
    }

    public long[] shape() {
      return tensor.getInfo().getShape();
    }

    /** Float values, row-major, from 0 on; not to be kept. */
    public FloatBuffer floats() {
      return values == null ? tensor.getFloatBuffer() : values;
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
