#pragma once

#include <memory>

#include "index_type.h"
#include "segment.h"

namespace shelfstream {

/// An index of Faiss's as a segment: filled, and then searched whole.
std::shared_ptr<Segment> make_faiss_segment(IndexType type, int64_t dimension, int64_t capacity);

}  // namespace shelfstream
