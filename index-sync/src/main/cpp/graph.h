#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "block.h"
#include "index_type.h"

namespace shelfstream {

class Walk;

/// A graph of plain vectors (HNSW) that is appended to while it is searched: a new row is linked with
/// its neighbours at once, so there is no part beside the graph that a search would have to compare
/// with row by row, which takes longer than the whole walk.
///
/// Everything has its place for all rows from the start, and never moves. A link is one atomic
/// number that is written when the row it leads to is whole, and a link that stays is never
/// rewritten: a search beside an append follows old and new links, each of them right. It may be led
/// to rows that came after its view, or that are marked deleted; it walks on through them.
///
/// Beyond what HNSW does, each row has one link to it that is kept for good, from one of its nearest:
/// whatever comes later, there is a way to every row.
class Graph : public Block {
 public:
  /// @param type one that is a graph of plain vectors
  Graph(IndexType type, int64_t dimension, int64_t capacity);

  std::shared_ptr<Segment> make_like(int64_t capacity) const override;

 protected:
  void append_rows(int64_t n, const float* x) override;
  void set_search_parameter(int64_t ef_search) override { ef_search_ = ef_search; }
  // Its rows come with append: nothing else links them.
  int64_t groups() const override { return 0; }
  void lay_out(const int32_t* rows_of_groups) override { Segment::lay_out(rows_of_groups); }
  void offer(const Sight& sight, int64_t label, Best& best) const override;

 private:
  // The number of a row + 1, and whether the link is kept for good. 0: no link.
  using Link = std::atomic<uint32_t>;

  struct Links {
    Link* first;
    int64_t most;
  };

  struct Node {
    float score;
    int32_t row;
  };

  struct Rival {
    float score;
    uint32_t link;
    Link* place;
  };

  friend class Walk;

  Links links_of(int32_t row, int level) const;
  template <typename Offer>
  void walk(const float* query, Node from, int level, int64_t ef_search, Walk& walk,
            Offer offer) const;
  Node descend(const float* query, int to, Walk& walk) const;
  void compare(const float* query, Walk& walk) const;
  void insert(int32_t row, Walk& walk);
  bool link(int32_t from, int32_t to, float score, int level, bool keep, Walk& walk);
  void select(std::vector<Rival>& rivals, size_t most, Walk& walk) const;
  bool is_hidden(const Rival& rival, Walk& walk) const;
  void raise_entry(int32_t row);

  const IndexType type_;
  const int64_t most_links_;
  int64_t ef_search_ = 16;
  std::vector<uint8_t> level_;
  // Where the links of its upper levels begin, counted in levels.
  std::vector<int32_t> upper_of_row_;
  std::unique_ptr<Link[]> ground_;
  std::unique_ptr<Link[]> upper_;
  std::atomic<int32_t> entry_{-1};
  // Of the links of a row, by its number: several threads append together.
  std::array<std::mutex, 64> locks_;
};

}  // namespace shelfstream
