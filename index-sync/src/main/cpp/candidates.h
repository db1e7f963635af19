#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "segment.h"

namespace shelfstream {

/// What another device found in a copy of some rows is only a proposal: the device knows neither
/// which rows are marked deleted nor filters, and rounds in its own way. These two make an answer of it.

/// Turns positions in a copy that begins at row `first` into rows of the segment, and those that the
/// view does not show, at a sequence number, into -1.
void mask(const View& view, int64_t sequence, int64_t first, int64_t n, int64_t* positions);

/// Writes the inner product of each of n queries with the m rows that are named for it.
///
/// @param segments of one dimension
/// @param labels n × m: number of the segment × 2^32 + position, or -1, which scores 0
void score(const std::vector<std::shared_ptr<Segment>>& segments, int64_t n, const float* x,
           int64_t m, const int64_t* labels, float* scores);

}  // namespace shelfstream
