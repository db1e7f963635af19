#pragma once

#include <cstdint>
#include <string>

namespace shelfstream {

/// Checks what Faiss would take on trust: the number of rows, the memory, every value; and a
/// direction where vectors are compared by it. Throws Error(kInvalidArgument).
void require_rows(int64_t n, const float* x, int64_t dimension, bool needs_direction,
                  const char* what);

/// Refuses rows whose length is not 1, give or take the tolerance.
void require_unit_length(int64_t n, const float* x, int64_t dimension, float tolerance);

/// The same for the numbers of a search.
void require_results(int64_t n, int64_t k, const int64_t* ids, const float* scores);

}  // namespace shelfstream
