#include "runtime.h"

#include <faiss/Index.h>
#include <faiss/utils/distances.h>
#include <omp.h>

extern "C" const char* openblas_get_config();
extern "C" const char* openblas_get_corename();

namespace shelfstream {

void configure() {
  // Queries from which a flat search goes through BLAS. Measured crossover: with Faiss's AVX loops
  // batch 3 is 0.94 times as fast through BLAS, 4 is 1.18, 8 is 1.8, 64 is 3.3. The SSE loops lose
  // from batch 1 on. Faiss's own 20 costs a factor of 2 to 4 between.
  faiss::distance_compute_blas_threshold = simd_level() == "generic" ? 1 : 4;
}

void use_threads(int threads) { omp_set_num_threads(threads < 1 ? 1 : threads); }

int threads_in_use() { return omp_get_max_threads(); }

std::string faiss_version() {
  return std::to_string(FAISS_VERSION_MAJOR) + "." + std::to_string(FAISS_VERSION_MINOR) + "." +
         std::to_string(FAISS_VERSION_PATCH);
}

std::string simd_level() { return SHELFSTREAM_SIMD; }

bool processor_fits() {
#if defined(__x86_64__)
  const std::string level = simd_level();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (level == "avx2") return avx2;
  if (level == "avx512") {
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw");
  }
#endif
  return true;
}

std::string blas() {
  return std::string(openblas_get_config()) + " on " + openblas_get_corename();
}

}  // namespace shelfstream
