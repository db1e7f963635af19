#pragma once

#include <cstdint>
#include <vector>

namespace shelfstream {

/// Inner products of m queries with n rows that lie one after the other: out[q * n + row].
///
/// A pair's values are summed in an order that depends on the dimension alone: the same two vectors
/// give the same bits, whatever they are compared beside.
///
/// @param x m queries
/// @param y n rows of d values
/// @param end of the rows that will be asked for next; up to there memory is fetched ahead
using Products = void (*)(int64_t m, const float* const* x, int64_t n, const float* y, int64_t d,
                          const float* end, float* out);

/// The fastest one that this processor runs. Whatever Faiss was compiled for: Debian's Faiss, which
/// has no AVX loops, is not used for what goes through here.
extern const Products inner_products;

/// All that this processor runs, fastest first: for tests.
std::vector<Products> all_inner_products();

}  // namespace shelfstream
