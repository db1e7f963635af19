#pragma once

#include <string>

namespace shelfstream {

/// Faiss settings for the whole process; once, on load.
void configure();

/// OpenMP threads of the calling thread's next parallel regions. libgomp keeps the number for each
/// thread, so it is set again in every call.
void use_threads(int threads);
int threads_in_use();

/// Such as 1.12.0.
std::string faiss_version();

/// generic, avx2 or avx512: what this library's Faiss was compiled for.
std::string simd_level();

/// Whether this processor has what simd_level needs.
bool processor_fits();

/// OpenBLAS's own description: version, options, core type.
std::string blas();

}  // namespace shelfstream
