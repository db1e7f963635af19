package io.shelfstream.model;

import ai.onnxruntime.OrtEnvironment;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What ONNX Runtime needs for a GPU, and what to do where it is not there. */
final class GpuLibraries {
  private static final String FOLDER = "/ai/onnxruntime/native/linux-x64/";

  /** As the dynamic linker says it: "libcublasLt.so.12: cannot open shared object file". */
  private static final Pattern MISSING = Pattern.compile("(lib[\\w.+-]+\\.so[\\w.]*): cannot open");

  private GpuLibraries() {}

  /** Whether this build holds the provider (profile gpu); looks into the jar and loads nothing. */
  static boolean areBuiltIn(Provider provider) {
    String library =
        provider == Provider.TENSORRT
            ? "libonnxruntime_providers_tensorrt.so"
            : "libonnxruntime_providers_cuda.so";
    return OrtEnvironment.class.getResource(FOLDER + library) != null;
  }

  /** The failure in short, with the missing library and the remedy where it tells. */
  static String explain(Provider provider, ModelException failure) {
    String message = String.valueOf(failure.getMessage());
    Matcher missing = MISSING.matcher(message);
    if (missing.find()) {
      return missing.group(1) + " is missing (" + source(missing.group(1)) + ")";
    }
    if (message.contains("providers_shared") || message.contains("Failed to load shared library")) {
      return message
          + " (ONNX Runtime needs a driver, CUDA 12 and cuDNN 9"
          + (provider == Provider.TENSORRT ? ", and TensorRT 10" : "")
          + ")";
    }
    return message;
  }

  private static String source(String library) {
    if (library.startsWith("libnvinfer") || library.startsWith("libnvonnxparser")) {
      return "part of TensorRT 10";
    }
    if (library.startsWith("libcudnn")) {
      return "part of cuDNN 9 for CUDA 12";
    }
    return library.startsWith("libcuda.so") ? "part of the NVIDIA driver" : "part of CUDA 12";
  }
}
