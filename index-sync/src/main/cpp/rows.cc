#include "rows.h"

#include <faiss/utils/distances.h>

#include <algorithm>
#include <cmath>

#include "failure.h"
#include "limits.h"

namespace shelfstream {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(Failure::kInvalidArgument, message);
}

/// Written so that NaN fails too.
bool is_usable(float value) { return std::fabs(value) <= kMaxMagnitude; }

[[noreturn]] void refuse_value(const float* row, int64_t dimension, int64_t number) {
  const int64_t i = std::find_if_not(row, row + dimension, is_usable) - row;
  refuse("vector " + std::to_string(number) + " refused: value " + std::to_string(i) + " is " +
         std::to_string(row[i]) + ", not a finite number up to 1.1e15");
}

void require_usable(const float* row, int64_t dimension, int64_t number, bool needs_direction) {
  // No branch and no order inside the loop, so that the compiler takes several values at a time.
  int unusable = 0;
  int direction = 0;
  for (int64_t i = 0; i < dimension; i++) {
    unusable |= static_cast<int>(!is_usable(row[i]));
    direction |= static_cast<int>(row[i] != 0);
  }
  if (unusable != 0) refuse_value(row, dimension, number);
  if (needs_direction && direction == 0) {
    refuse("vector " + std::to_string(number) +
           " refused: it is all zeros and has no direction to compare");
  }
}

}  // namespace

void require_rows(int64_t n, const float* x, int64_t dimension, bool needs_direction,
                  const char* what) {
  if (n < 0 || n > kMaxVectors) {
    refuse(std::string("number of ") + what + " " + std::to_string(n) + " is outside 0 to " +
           std::to_string(kMaxVectors));
  }
  if (n > 0 && x == nullptr) refuse(std::string(what) + " refused: no memory given");
  for (int64_t row = 0; row < n; row++) {
    require_usable(x + row * dimension, dimension, row, needs_direction);
  }
}

void require_unit_length(int64_t n, const float* x, int64_t dimension, float tolerance) {
  for (int64_t row = 0; row < n; row++) {
    const float* values = x + row * dimension;
    const float length = std::sqrt(faiss::fvec_norm_L2sqr(values, dimension));
    // Written so that NaN fails too.
    if (!(std::fabs(length - 1) <= tolerance)) {
      refuse("vector " + std::to_string(row) + " refused: its length is " + std::to_string(length) +
             ", not 1");
    }
  }
}

void require_results(int64_t n, int64_t k, const int64_t* ids, const float* scores) {
  if (k < 1 || k > kMaxNeighbors) {
    refuse("k " + std::to_string(k) + " is outside 1 to " + std::to_string(kMaxNeighbors));
  }
  if (n > kMaxResults / k) {
    refuse(std::to_string(n) + " queries of " + std::to_string(k) + " neighbours refused: at most " +
           std::to_string(kMaxResults) + " results at once");
  }
  if (n > 0 && (ids == nullptr || scores == nullptr)) {
    refuse("search refused: no memory given for results");
  }
}

}  // namespace shelfstream
