package io.shelfstream.model;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtProvider;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.providers.OrtCUDAProviderOptions;
import ai.onnxruntime.providers.OrtTensorRTProviderOptions;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens ONNX Runtime sessions on the provider that was asked for. */
public final class OnnxRuntime {
  private static final Logger log = LoggerFactory.getLogger(OnnxRuntime.class);
  private static final AtomicBoolean WARNED = new AtomicBoolean();

  private OnnxRuntime() {}

  /** Whether this is a build with CUDA (profile gpu); looks into the jar and loads nothing. */
  public static boolean holdsCuda() {
    return GpuLibraries.areBuiltIn(Provider.CUDA);
  }

  /** Version and providers of this build, for people. */
  public static String describe() {
    return OrtEnvironment.getEnvironment().getVersion()
        + ", providers "
        + OrtEnvironment.getAvailableProviders().stream()
            .map(OrtProvider::getName)
            .collect(Collectors.joining(", "));
  }

  /** An open session and where it runs: cpu, cuda or tensorrt. */
  record Opened(OrtSession session, String provider) {}

  static Opened open(Path model, RuntimeOptions options) {
    return switch (options.provider()) {
      case CPU -> on(Provider.CPU, model, options);
      case AUTO -> withFallback(model, options);
      case CUDA, TENSORRT -> insisting(model, options);
    };
  }

  private static Opened on(Provider provider, Path model, RuntimeOptions options) {
    return new Opened(session(model, options, provider), provider.name().toLowerCase(Locale.ROOT));
  }

  /** A build for the CPU is no reason to warn; a GPU build without a GPU it can use is. */
  private static Opened withFallback(Path model, RuntimeOptions options) {
    if (!GpuLibraries.areBuiltIn(Provider.CUDA)) {
      return on(Provider.CPU, model, options);
    }
    try {
      return on(Provider.CUDA, model, options);
    } catch (ModelException e) {
      if (WARNED.compareAndSet(false, true)) {
        log.atWarn()
            .addKeyValue("reason", GpuLibraries.explain(Provider.CUDA, e))
            .log("Models run on the CPU, as the GPU cannot be used; models.provider=cpu says so");
      }
      return on(Provider.CPU, model, options);
    }
  }

  private static Opened insisting(Path model, RuntimeOptions options) {
    Provider provider = options.provider();
    String name = provider.name().toLowerCase(Locale.ROOT);
    try {
      if (!GpuLibraries.areBuiltIn(provider)) {
        throw new ModelException(
            ModelException.Code.LOAD,
            "this build holds ONNX Runtime for the CPU only; build with -Pgpu");
      }
      return on(provider, model, options);
    } catch (ModelException e) {
      throw new ModelException(
          e.code(),
          "models.provider=%s cannot be had: %s. Install what is missing, or set models.provider=auto, which takes the CPU then"
              .formatted(name, GpuLibraries.explain(provider, e)),
          e);
    }
  }

  private static OrtSession session(Path model, RuntimeOptions options, Provider provider) {
    // Before anything else: without it, the libraries of a GPU fail to load for want of a logger.
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions session = new OrtSession.SessionOptions()) {
      session.setIntraOpNumThreads(options.threadBudget());
      session.setInterOpNumThreads(1);
      // The blocked layout of the highest level is worth 1.45x on the detector, 2.2x on the
      // extractor.
      session.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      // Idle threads of one model must not spin against those of the other.
      session.addConfigEntry("session.intra_op.allow_spinning", "0");
      session.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
      addProviders(session, options.gpu(), provider);
      return environment.createSession(model.toString(), session);
    } catch (OrtException e) {
      throw new ModelException(
          ModelException.Code.LOAD, "Model " + model + " cannot be opened: " + e.getMessage(), e);
    }
  }

  /** What comes first is asked first; the CPU takes the rest. */
  private static void addProviders(
      OrtSession.SessionOptions session, RuntimeOptions.Gpu gpu, Provider provider)
      throws OrtException {
    if (provider == Provider.TENSORRT) {
      try (OrtTensorRTProviderOptions tensorRt = new OrtTensorRTProviderOptions(gpu.device())) {
        if (gpu.engineCache().isPresent()) {
          String folder = gpu.engineCache().get().toString();
          tensorRt.add("trt_engine_cache_enable", "1");
          tensorRt.add("trt_engine_cache_path", folder);
          tensorRt.add("trt_timing_cache_enable", "1");
          tensorRt.add("trt_timing_cache_path", folder);
        }
        if (gpu.memoryLimit() > 0) {
          tensorRt.add("trt_max_workspace_size", Long.toString(gpu.memoryLimit()));
        }
        session.addTensorrt(tensorRt);
      }
    }
    if (provider == Provider.TENSORRT || provider == Provider.CUDA) {
      try (OrtCUDAProviderOptions cuda = new OrtCUDAProviderOptions(gpu.device())) {
        // The default tries every algorithm on every new shape.
        cuda.add("cudnn_conv_algo_search", "HEURISTIC");
        if (gpu.memoryLimit() > 0) {
          cuda.add("gpu_mem_limit", Long.toString(gpu.memoryLimit()));
          cuda.add("arena_extend_strategy", "kSameAsRequested");
        }
        session.addCUDA(cuda);
      }
    }
  }
}
