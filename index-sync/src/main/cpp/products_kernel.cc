// Compiled once for each instruction set (CMakeLists.txt), so nothing of the standard library may be
// instantiated here: the linker would keep one of the copies, for all processors.
#include <cstdint>

namespace shelfstream {
namespace {

constexpr int kLanes = SHELFSTREAM_LANES;

using Lanes = float __attribute__((vector_size(4 * kLanes)));
using Unaligned = float __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));
using Order = int32_t __attribute__((vector_size(4 * kLanes)));

#if SHELFSTREAM_LANES == 16
constexpr Order kEven = {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30};
constexpr Order kOdd = {1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31};
#elif SHELFSTREAM_LANES == 8
constexpr Order kEven = {0, 2, 4, 6, 8, 10, 12, 14};
constexpr Order kOdd = {1, 3, 5, 7, 9, 11, 13, 15};
#else
constexpr Order kEven = {0, 2, 4, 6};
constexpr Order kOdd = {1, 3, 5, 7};
#endif

// What is compared at once stays in registers: as many pairs as a register has lanes, so that their
// sums fill one.
constexpr int kRows = kLanes >= 8 ? 4 : 2;
constexpr int kQueries = kLanes / kRows;
constexpr int kFloatsOfLine = 16;

// How many blocks of rows are fetched before they are compared. Measured: with AVX2 two are 5 % faster
// than one on rows in memory, and a fifth slower on rows in the cache, which are soon compared anyway.
constexpr int kBlocksAhead = kLanes >= 16 ? 1 : 2;

inline Lanes load(const float* from) { return *reinterpret_cast<const Unaligned*>(from); }

inline Lanes load(const float* from, int64_t count) {
  Lanes lanes = {};
  for (int64_t i = 0; i < count; i++) lanes[i] = from[i];
  return lanes;
}

/// Sums of neighbouring lanes: those of a, then those of b.
inline Lanes halved(Lanes a, Lanes b) {
  return __builtin_shuffle(a, b, kEven) + __builtin_shuffle(a, b, kOdd);
}

/// The sum of each register's lanes, in the first N lanes.
template <int N>
inline Lanes totals(Lanes* sums) {
  for (int left = N; left > 1; left /= 2) {
    for (int i = 0; i < left / 2; i++) sums[i] = halved(sums[2 * i], sums[2 * i + 1]);
  }
  for (int width = kLanes / N; width > 1; width /= 2) sums[0] = halved(sums[0], sums[0]);
  return sums[0];
}

template <int R, int Q, bool kAhead>
inline void compare(const float* const* x, const float* y, int64_t d, int64_t n, float* out) {
  const float* queries[Q];
  for (int q = 0; q < Q; q++) queries[q] = x[q];
  Lanes sums[R * Q] = {};
  int64_t i = 0;
  for (; i + kLanes <= d; i += kLanes) {
    Lanes rows[R];
    for (int r = 0; r < R; r++) rows[r] = load(y + r * d + i);
    // Several rows at once are as many streams, half as fast as one: those to come are fetched as
    // one before.
    for (int line = 0; kAhead && line < R * kLanes; line += kFloatsOfLine) {
      __builtin_prefetch(y + kBlocksAhead * R * d + R * i + line);
    }
    for (int q = 0; q < Q; q++) {
      const Lanes query = load(queries[q] + i);
      for (int r = 0; r < R; r++) sums[q * R + r] += query * rows[r];
    }
  }
  if (i < d) {
    for (int q = 0; q < Q; q++) {
      const Lanes query = load(queries[q] + i, d - i);
      for (int r = 0; r < R; r++) sums[q * R + r] += query * load(y + r * d + i, d - i);
    }
  }
  const Lanes scores = totals<R * Q>(sums);
  for (int q = 0; q < Q; q++) {
    for (int r = 0; r < R; r++) out[q * n + r] = scores[q * R + r];
  }
}

template <int R, bool kAhead>
inline void with_all(int64_t m, const float* const* x, const float* y, int64_t d, int64_t n,
                     float* out) {
  int64_t q = 0;
  if (m >= kQueries) {
    compare<R, kQueries, kAhead>(x, y, d, n, out);
    for (q = kQueries; q + kQueries <= m; q += kQueries) {
      compare<R, kQueries, false>(x + q, y, d, n, out + q * n);
    }
  }
  if (q == 0) compare<R, 1, kAhead>(x, y, d, n, out);
  for (q = q == 0 ? 1 : q; q < m; q++) compare<R, 1, false>(x + q, y, d, n, out + q * n);
}

template <int R>
inline int64_t in_blocks(int64_t row, int64_t m, const float* const* x, int64_t n, const float* y,
                         int64_t d, const float* end, float* out) {
  for (; row + R <= n; row += R) {
    const float* block = y + row * d;
    if (block + (kBlocksAhead + 1) * R * d <= end) {
      with_all<R, true>(m, x, block, d, n, out + row);
    } else {
      with_all<R, false>(m, x, block, d, n, out + row);
    }
  }
  return row;
}

/// One row with many others that lie anywhere: as many sums side by side as it takes to have one
/// ready when the next step of it comes.
template <int Q>
inline int64_t apart(int64_t q, int64_t m, const float* const* x, const float* y, int64_t d,
                     float* out) {
  for (; q + Q <= m; q += Q) compare<1, Q, false>(x + q, y, d, 1, out + q);
  return q;
}

}  // namespace

void SHELFSTREAM_PRODUCTS(int64_t m, const float* const* x, int64_t n, const float* y, int64_t d,
                          const float* end, float* out) {
  if (m == 1 && kLanes >= 16) {
    // Waits for memory, which is fastest when read from one end to the other. With shorter registers
    // each addition waits for the one before instead, unless there are several sums side by side.
    for (int64_t row = 0; row < n; row++) compare<1, 1, false>(x, y + row * d, d, n, out + row);
    return;
  }
  if (n == 1) {
    int64_t q = apart<kLanes >= 8 ? 8 : 4>(0, m, x, y, d, out);
    q = apart<4>(q, m, x, y, d, out);
    q = apart<2>(q, m, x, y, d, out);
    apart<1>(q, m, x, y, d, out);
    return;
  }
  const int64_t row = in_blocks<kRows>(0, m, x, n, y, d, end, out);
  in_blocks<1>(row, m, x, n, y, d, end, out);
}

}  // namespace shelfstream
