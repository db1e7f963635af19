#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "pages.h"
#include "segment.h"

namespace shelfstream {

class Compared;

/// Plain rows by position, compared one by one.
class Block : public Segment {
 public:
  Block(int64_t dimension, int64_t capacity);

  std::shared_ptr<Segment> make_like(int64_t capacity) const override;
  void train(int64_t n, const float* x) override;

 protected:
  bool trained() const override { return true; }
  void append_rows(int64_t n, const float* x) override;
  void copy_row(int64_t position, float* out) const override;
  void set_search_parameter(int64_t value) override;
  int64_t groups() const override { return 1; }
  void lay_out(const int32_t* rows_of_groups) override;
  std::pair<float*, int64_t> run_from(int64_t position) const override;
  void offer(const Sight& sight, int64_t label, Best& best) const override;

  const float* row(int64_t position) const { return pages_.at(position * dimension()); }

 private:
  // Where a filter leaves fewer than one row in so many, the others are not compared at all.
  static constexpr int64_t kFewAllowed = 8;

  const Pages pages_;

  void compare(const Compared& queries, int64_t first, int64_t rows, const Sight& sight,
               int64_t label, Best& best) const;
  void each_allowed(const Compared& queries, const Sight& sight, int64_t label, Best& best) const;
};

}  // namespace shelfstream
