#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "index_type.h"
#include "pages.h"
#include "segment.h"

namespace shelfstream {

class Compared;

/// An inverted file of plain vectors that is appended to while it is searched: a new row goes to the
/// list of its nearest centre at once, so there is no part beside the index that a search would have
/// to compare with row by row. Faiss trains the centres and looks them up.
///
/// A list is a chain of chunks of kChunkRows rows; a chunk is linked and filled before the row is
/// counted, and never moves.
class Lists : public Segment {
 public:
  /// @param type one that has lists of plain vectors
  Lists(IndexType type, int64_t dimension, int64_t capacity);
  ~Lists() override;

  std::shared_ptr<Segment> make_like(int64_t capacity) const override;
  void train(int64_t n, const float* x) override;
  int64_t lists() const override { return lists_; }
  void copy_centres(float* out) const override;
  void take_centres(int64_t n, const float* x) override;
  void copy_lists(int64_t from, int64_t n, int32_t* out) const override;

 protected:
  bool trained() const override { return centres_ != nullptr; }
  void append_rows(int64_t n, const float* x) override;
  void copy_row(int64_t position, float* out) const override;
  void set_search_parameter(int64_t nprobe) override { nprobe_ = nprobe; }
  int64_t groups() const override { return lists_; }
  void lay_out(const int32_t* rows_of_lists) override;
  std::pair<float*, int64_t> run_from(int64_t position) const override;
  void offer(const Sight& sight, int64_t label, Best& best) const override;

 private:
  // 64 KB of 512 values: some hundred rows of a list in a few runs, and it stays in the cache
  // while several queries are compared with it.
  static constexpr int64_t kChunkRows = 32;

  float* row(int64_t slot) const { return pages_.at(slot * dimension()); }
  int64_t next_slot(int64_t position, int64_t list);
  void show_one(int64_t list) { length_[list].fetch_add(1, std::memory_order_release); }
  void scan_list(int64_t list, const Compared& queries, const Sight& sight, int64_t label,
                 Best& best) const;
  void gather(const Sight& sight, int64_t label, Best& best) const;

  const IndexType type_;
  const int64_t lists_;
  const int64_t chunks_;
  std::shared_ptr<const faiss::Index> centres_;
  int64_t nprobe_ = 1;
  const Pages pages_;
  // Where a row lies, what lies there, and how chunks make a list.
  const std::unique_ptr<int32_t[]> slot_of_row_;
  const std::unique_ptr<int32_t[]> row_of_slot_;
  const std::unique_ptr<int32_t[]> list_of_chunk_;
  const std::unique_ptr<int32_t[]> next_chunk_;
  const std::unique_ptr<int32_t[]> first_chunk_;
  const std::unique_ptr<int32_t[]> last_chunk_;
  const std::unique_ptr<std::atomic<int32_t>[]> length_;
  int32_t chunks_used_ = 0;
};

}  // namespace shelfstream
