#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace faiss {
struct Index;
}

namespace shelfstream {

struct Best;

/// What a search sees of a segment.
struct Sight {
  /// The first so many rows.
  int64_t rows;
  /// Rows marked deleted at it or before are passed over.
  int64_t sequence;
  /// Compare with every row, whatever the type.
  bool exact;
  /// One bit a row, the first in the lowest: whether it may be found. Null: all may.
  const uint64_t* allowed;

  bool allows(int64_t row) const {
    return allowed == nullptr || (allowed[row / 64] >> (row % 64) & 1) != 0;
  }

  /// How many of the rows may be found.
  int64_t count() const;
};

/// Vectors by position, compared by inner product: part of a gallery that is searched while it
/// changes. Rows are only ever appended; a row that is replaced or removed is marked deleted, and
/// searches
/// pass over it.
///
/// One writer at a time. Any number of searches beside it, without a lock: a search names how many
/// rows it sees and up to which sequence number it sees deletions, and neither appending nor marking changes what lies before that.
/// Only a Faiss index (see make_index) must not be appended to while it is searched: fill it, then
/// show it.
class Segment {
 public:
  /// Plain rows, compared one by one. Address space is taken for all of them, memory as they come.
  static std::shared_ptr<Segment> make_block(int64_t dimension, int64_t capacity);

  /// An index of a type that gives its vectors back: see IndexType::parse, without SQ4, SQ6, SQ8 and
  /// PQ. Inverted files and graphs of plain vectors may be appended to while they are searched
  /// (lists.h, graph.h), all others are Faiss indexes.
  static std::shared_ptr<Segment> make_index(const std::string& type, int64_t dimension,
                                             int64_t capacity);

  /// An empty index like this one, trained as it is and with its search parameter.
  virtual std::shared_ptr<Segment> make_like(int64_t capacity) const = 0;

  virtual ~Segment() = default;
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  int64_t dimension() const { return dimension_; }
  int64_t capacity() const { return capacity_; }
  int64_t rows() const { return rows_.load(std::memory_order_acquire); }

  /// Learns the list centres of an inverted file; others need none.
  virtual void train(int64_t n, const float* x) = 0;

  /// The same from all rows of another segment.
  void train_from(const Segment& source);

  /// Appends n rows; nothing is appended when an argument is wrong or there is no room.
  void append(int64_t n, const float* x);

  /// The same with rows of another segment, a few at a time.
  void append_from(const Segment& source, int64_t n, const int32_t* positions);

  /// Hides a row from searches at a sequence number (1 or later) and after.
  void mark_deleted(int64_t position, int64_t sequence);

  /// Whether a search at a sequence number passes over a row.
  bool is_deleted(int64_t position, int64_t sequence) const;

  /// Copies the rows at these positions, in their order.
  void copy(int64_t n, const int32_t* positions, float* out) const;

  /// How much of an approximate index a search looks at: lists of an inverted file (nprobe), or
  /// candidates of a graph (efSearch). To be set before the segment is shown.
  void search_parameter(int64_t value);

  /// What a trained inverted file knows beside its rows, so that it need not be trained again:
  /// number of lists, their centres, and the list of each row. kUnsupported for other types.
  virtual int64_t lists() const;
  virtual void copy_centres(float* out) const;
  virtual void take_centres(int64_t n, const float* x);
  virtual void copy_lists(int64_t from, int64_t n, int32_t* out) const;

  /// Room for the first rows of an empty segment, which the caller fills where place() says, in any
  /// order and from several threads, and shows with end_filling(): nothing else may touch it until
  /// then. A block has one group of rows, an inverted file one for each list, in their order.
  void begin_filling(int64_t groups, const int32_t* rows_of_groups);

  /// Where a row belongs, and how many from it on, up to n, lie one after the other.
  std::pair<float*, int64_t> place(int64_t position, int64_t n) const;

  void end_filling();

 protected:
  Segment(int64_t dimension, int64_t capacity);

  bool is_seen(int64_t position, const Sight& sight) const {
    const int64_t at = deleted_[position].load(std::memory_order_relaxed);
    return (at == 0 || at > sight.sequence) && sight.allows(position);
  }
  bool any_deleted() const { return any_deleted_.load(std::memory_order_relaxed); }

  virtual bool trained() const = 0;
  virtual void append_rows(int64_t n, const float* x) = 0;
  virtual void copy_row(int64_t position, float* out) const = 0;
  virtual void set_search_parameter(int64_t value) = 0;
  virtual int64_t groups() const;
  virtual void lay_out(const int32_t* rows_of_groups);
  virtual std::pair<float*, int64_t> run_from(int64_t position) const;
  /// Offers the rows that are seen: the nearest, or all of them where exact is set.
  virtual void offer(const Sight& sight, int64_t label, Best& best) const = 0;

  /// Around what appends rows: checks them; shows them. Between the two nothing may be refused.
  void begin_appending(int64_t n, const float* x);
  void end_appending(int64_t n);

 private:
  friend void search_segments(const std::vector<struct View>& views, int64_t sequence, bool exact,
                              int64_t n, const float* x, int64_t k, int threads, int64_t* labels,
                              float* scores);

  const int64_t dimension_;
  const int64_t capacity_;
  std::atomic<int64_t> rows_{0};
  // The sequence number at which each row was marked deleted, 0 for a live one. Numbers rather than a bitmap: a search that
  // began before goes on to see the row.
  const std::unique_ptr<std::atomic<int64_t>[]> deleted_;
  std::atomic<bool> any_deleted_{false};
  bool damaged_ = false;
  int64_t filling_ = 0;
};

/// The first rows of a segment, or those of them that a filter allows (see Sight).
struct View {
  std::shared_ptr<Segment> segment;
  int64_t rows;
  const uint64_t* allowed = nullptr;
};

/// Searches segments together: writes n × k labels and scores, best first. A label is the number of
/// the view × 2^32 + the position; -1 stands for "no more".
///
/// @param sequence rows marked deleted at it or before are passed over
/// @param exact compare with every row, whatever the type: to measure recall
void search_segments(const std::vector<View>& views, int64_t sequence, bool exact, int64_t n,
                     const float* x, int64_t k, int threads, int64_t* labels, float* scores);

}  // namespace shelfstream
