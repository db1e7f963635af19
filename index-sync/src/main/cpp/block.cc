#include "block.h"

#include <algorithm>

#include "best.h"
#include "compare.h"

namespace shelfstream {

Block::Block(int64_t dimension, int64_t capacity)
    : Segment(dimension, capacity), pages_(static_cast<size_t>(dimension * capacity)) {}

std::shared_ptr<Segment> Block::make_like(int64_t capacity) const {
  return make_block(dimension(), capacity);
}

void Block::train(int64_t, const float*) {}

void Block::append_rows(int64_t n, const float* x) {
  std::copy_n(x, n * dimension(), pages_.at(rows() * dimension()));
}

void Block::copy_row(int64_t position, float* out) const {
  std::copy_n(row(position), dimension(), out);
}

void Block::set_search_parameter(int64_t) {}

void Block::lay_out(const int32_t*) {}

std::pair<float*, int64_t> Block::run_from(int64_t position) const {
  return {pages_.at(position * dimension()), capacity() - position};
}

void Block::offer(const Sight& sight, int64_t label, Best& best) const {
  const bool few = sight.allowed != nullptr && sight.count() * kFewAllowed < sight.rows;
  in_slices(best, [&](int64_t from, int64_t to) {
    Compared queries(dimension());
    for (int64_t q = from; q < to; q++) queries.add(q, best);
    few ? each_allowed(queries, sight, label, best)
        : compare(queries, 0, sight.rows, sight, label, best);
  });
}

// Whether a row is marked deleted is asked only of one that would be taken: marking costs searches nothing.
void Block::compare(const Compared& queries, int64_t first, int64_t rows, const Sight& sight,
                    int64_t label, Best& best) const {
  queries.with(rows, row(first), row(sight.rows), best, [&](int64_t q, float score, int64_t i) {
    if (is_seen(first + i, sight)) best.take(q, score, label + first + i);
  });
}

void Block::each_allowed(const Compared& queries, const Sight& sight, int64_t label,
                         Best& best) const {
  for (int64_t position = 0; position < sight.rows; position++) {
    if (sight.allows(position)) compare(queries, position, 1, sight, label, best);
  }
}

}  // namespace shelfstream
