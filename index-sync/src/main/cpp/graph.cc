#include "graph.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <random>

#include "best.h"
#include "compare.h"
#include "failure.h"
#include "limits.h"

namespace shelfstream {
namespace {

// How many rows are looked at to find a new row's neighbours: as Faiss has it.
constexpr int64_t kBuildEffort = 40;
constexpr uint32_t kKept = uint32_t{1} << 31;
constexpr int kTopLevel = 30;

int32_t row_of(uint32_t link) { return static_cast<int32_t>(link & ~kKept) - 1; }

uint32_t link_to(int32_t row) { return static_cast<uint32_t>(row) + 1; }

bool is_kept(uint32_t link) { return (link & kKept) != 0; }

/// Rows that a walk has seen: marks of earlier walks are of other numbers.
class Visited {
 public:
  void begin(int64_t rows) {
    if (static_cast<int64_t>(marks_.size()) < rows) marks_.resize(rows);
    if (++walk_ == 0) {
      std::fill(marks_.begin(), marks_.end(), uint8_t{0});
      walk_ = 1;
    }
  }

  /// Returns whether it is the first time.
  bool add(int32_t row) {
    const bool first = marks_[row] != walk_;
    marks_[row] = walk_;
    return first;
  }

 private:
  std::vector<uint8_t> marks_;
  uint8_t walk_ = 0;
};

/// The best rows of a walk so far, best first. Each is left once, for its neighbours.
class Beam {
 public:
  void begin(int64_t most) {
    most_ = most;
    nodes_.resize(std::max<size_t>(nodes_.size(), most + 1));
    size_ = 0;
    next_ = 0;
  }

  bool admits(float score) const { return size_ < most_ || score > nodes_[size_ - 1].score; }

  void add(float score, int32_t row) {
    const auto first = nodes_.begin();
    const auto at = std::upper_bound(first, first + size_, score, [](float added, const Node& node) {
      return added > node.score;
    });
    std::move_backward(at, first + size_, first + size_ + 1);
    *at = {score, row, false};
    size_ = std::min(size_ + 1, most_);
    next_ = std::min<int64_t>(next_, at - first);
  }

  /// The best one that was not left yet; -1: none.
  int32_t leave() {
    while (next_ < size_ && nodes_[next_].left) next_++;
    if (next_ == size_) return -1;
    nodes_[next_].left = true;
    return nodes_[next_++].row;
  }

  int64_t size() const { return size_; }
  float score(int64_t i) const { return nodes_[i].score; }
  int32_t row(int64_t i) const { return nodes_[i].row; }

 private:
  struct Node {
    float score;
    int32_t row;
    bool left;
  };

  std::vector<Node> nodes_;
  int64_t most_ = 0;
  int64_t size_ = 0;
  int64_t next_ = 0;
};

}  // namespace

/// What one thread needs to walk, kept for its next walk.
class Walk {
 public:
  Walk() {
    // Nothing of what is below grows beyond, so that appending on several threads does not fail.
    chosen.reserve(kMost);
    rivals.reserve(kMost + 1);
  }

  static Walk& of_this_thread() {
    thread_local Walk walk;
    return walk;
  }

  static constexpr int64_t kMost = 2 * kMaxLinks;

  Visited visited;
  Beam beam;
  // What is to be compared with a query.
  int64_t count = 0;
  std::array<int32_t, kMost> numbers;
  std::array<const float*, kMost> rows;
  std::array<float, kMost> scores;
  std::vector<const float*> chosen;
  std::vector<Graph::Rival> rivals;
};

Graph::Graph(IndexType type, int64_t dimension, int64_t capacity)
    : Block(dimension, capacity),
      type_(std::move(type)),
      most_links_(type_.links),
      level_(capacity),
      upper_of_row_(capacity) {
  // Known from the start, lest the places of the links move. Always the same ones: a graph built
  // again is the same.
  std::mt19937 random(1);
  std::uniform_real_distribution<double> chance;
  int64_t levels = 0;
  for (int64_t i = 0; i < capacity; i++) {
    const double drawn = -std::log(1 - chance(random)) / std::log(static_cast<double>(most_links_));
    level_[i] = static_cast<uint8_t>(std::min<double>(drawn, kTopLevel));
    upper_of_row_[i] = static_cast<int32_t>(levels);
    levels += level_[i];
    if (levels > INT32_MAX) {
      throw Error(Failure::kInvalidArgument,
                  "room for " + std::to_string(capacity) + " rows in a graph refused: too many");
    }
  }
  ground_.reset(new Link[capacity * 2 * most_links_]());
  upper_.reset(new Link[levels * most_links_]());
}

std::shared_ptr<Segment> Graph::make_like(int64_t capacity) const {
  auto other = std::make_shared<Graph>(type_, dimension(), capacity);
  other->ef_search_ = ef_search_;
  return other;
}

Graph::Links Graph::links_of(int32_t row, int level) const {
  if (level == 0) return {&ground_[row * 2 * most_links_], 2 * most_links_};
  return {&upper_[(int64_t{upper_of_row_[row]} + level - 1) * most_links_], most_links_};
}

/// Compares the rows that are noted.
void Graph::compare(const float* query, Walk& walk) const {
  for (int64_t i = 0; i < walk.count; i++) walk.rows[i] = row(walk.numbers[i]);
  // Which is the query and which the rows does not matter to products: these lie anywhere.
  inner_products(walk.count, walk.rows.data(), 1, query, dimension(), query, walk.scores.data());
}

/// From the entry down to the nearest row that is found on the level above `to`.
Graph::Node Graph::descend(const float* query, int to, Walk& walk) const {
  const int32_t entry = entry_.load(std::memory_order_acquire);
  walk.numbers[0] = entry;
  walk.count = 1;
  compare(query, walk);
  Node nearest{walk.scores[0], entry};
  for (int level = level_[entry]; level > to; level--) {
    for (int32_t from = -1; from != nearest.row;) {
      from = nearest.row;
      const Links links = links_of(from, level);
      walk.count = 0;
      for (int64_t i = 0; i < links.most; i++) {
        const uint32_t link = links.first[i].load(std::memory_order_acquire);
        if (link != 0) walk.numbers[walk.count++] = row_of(link);
      }
      compare(query, walk);
      for (int64_t i = 0; i < walk.count; i++) {
        if (walk.scores[i] > nearest.score) nearest = {walk.scores[i], walk.numbers[i]};
      }
    }
  }
  return nearest;
}

/// Goes from row to row, always on from the best one that was not left yet, until none of the best
/// `ef_search` rows is left over. Offers every row that was compared.
template <typename Offer>
void Graph::walk(const float* query, Node from, int level, int64_t ef_search, Walk& walk,
                 Offer offer) const {
  walk.visited.begin(capacity());
  walk.beam.begin(ef_search);
  walk.visited.add(from.row);
  walk.beam.add(from.score, from.row);
  offer(from.score, from.row);
  for (int32_t at = walk.beam.leave(); at >= 0; at = walk.beam.leave()) {
    const Links links = links_of(at, level);
    walk.count = 0;
    for (int64_t i = 0; i < links.most; i++) {
      const uint32_t link = links.first[i].load(std::memory_order_acquire);
      if (link == 0 || !walk.visited.add(row_of(link))) continue;
      walk.numbers[walk.count++] = row_of(link);
      __builtin_prefetch(row(row_of(link)));
    }
    compare(query, walk);
    for (int64_t i = 0; i < walk.count; i++) {
      const float score = walk.scores[i];
      offer(score, walk.numbers[i]);
      if (walk.beam.admits(score)) walk.beam.add(score, walk.numbers[i]);
    }
  }
}

void Graph::append_rows(int64_t n, const float* x) {
  Block::append_rows(n, x);
  const auto first = static_cast<int32_t>(rows());
  int32_t from = first;
  const auto end = static_cast<int32_t>(first + n);
  if (entry_.load(std::memory_order_relaxed) < 0 && n > 0) {
    entry_.store(from++, std::memory_order_release);
  }
  std::exception_ptr failure;
#pragma omp parallel for schedule(dynamic, 8) if (end - from > 32)
  for (int32_t row = from; row < end; row++) {
    try {
      insert(row, Walk::of_this_thread());
    } catch (...) {
#pragma omp critical
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

/// Links a row with its neighbours: its own links first, so that whoever comes to it finds on.
void Graph::insert(int32_t row, Walk& walk) {
  const float* query = this->row(row);
  const int top = level_[entry_.load(std::memory_order_acquire)];
  const int highest = std::min<int>(level_[row], top);
  std::vector<std::vector<Node>> neighbours(highest + 1);
  Node nearest = descend(query, highest, walk);
  for (int level = highest; level >= 0; level--) {
    this->walk(query, nearest, level, kBuildEffort, walk, [](float, int32_t) {});
    nearest = {walk.beam.score(0), walk.beam.row(0)};
    walk.rivals.clear();
    for (int64_t i = 0; i < walk.beam.size(); i++) {
      walk.rivals.push_back({walk.beam.score(i), link_to(walk.beam.row(i)), nullptr});
    }
    const Links links = links_of(row, level);
    select(walk.rivals, links.most, walk);
    Link* next = links.first;
    for (const Rival& rival : walk.rivals) {
      neighbours[level].push_back({rival.score, row_of(rival.link)});
      (next++)->store(rival.link, std::memory_order_relaxed);
    }
  }
  std::vector<Node> found;
  for (int64_t i = 0; i < walk.beam.size(); i++) {
    found.push_back({walk.beam.score(i), walk.beam.row(i)});
  }
  int32_t keeper = -1;
  for (int level = highest; level >= 0; level--) {
    for (const Node& node : neighbours[level]) {
      const bool keep = level == 0 && keeper < 0;
      if (link(node.row, row, node.score, level, keep, walk)) keeper = node.row;
    }
  }
  // The nearest ones keep as many as they can: somebody else near by, then.
  for (size_t i = 0; i < found.size() && keeper < 0; i++) {
    if (link(found[i].row, row, found[i].score, 0, true, walk)) keeper = found[i].row;
  }
  // And back, so that there is a way from it, too.
  if (keeper >= 0) link(row, keeper, 0, 0, true, walk);
  raise_entry(row);
}

/// Adds a link where there is room, or where it is worth more than others.
///
/// @param keep for good, unless there are too many of these
/// @return whether it is kept for good
bool Graph::link(int32_t from, int32_t to, float score, int level, bool keep, Walk& walk) {
  const Links links = links_of(from, level);
  const std::lock_guard<std::mutex> lock(locks_[from % locks_.size()]);
  Link* free = nullptr;
  Link* same = nullptr;
  int64_t kept = 0;
  walk.rivals.clear();
  walk.count = 0;
  for (Link* place = links.first; place < links.first + links.most; place++) {
    const uint32_t link = place->load(std::memory_order_relaxed);
    if (link == 0) {
      free = place;
      continue;
    }
    if (row_of(link) == to) same = place;
    kept += is_kept(link) ? 1 : 0;
    walk.rivals.push_back({0, link, place});
    walk.numbers[walk.count++] = row_of(link);
  }
  const bool stays = keep && kept < links.most / 2;
  const uint32_t added = link_to(to) | (stays ? kKept : 0);
  if (same != nullptr) {
    if (stays) same->store(added, std::memory_order_relaxed);
    return stays;
  }
  if (free == nullptr) {
    compare(row(from), walk);
    for (int64_t i = 0; i < walk.count; i++) walk.rivals[i].score = walk.scores[i];
    walk.rivals.push_back({score, added, nullptr});
    const std::vector<Rival> all = walk.rivals;
    select(walk.rivals, links.most, walk);
    for (const Rival& rival : all) {
      const bool chosen = std::any_of(walk.rivals.begin(), walk.rivals.end(),
                                      [&](const Rival& r) { return r.link == rival.link; });
      if (chosen) continue;
      if (rival.place == nullptr) return false;
      if (free != nullptr) free->store(0, std::memory_order_relaxed);
      free = rival.place;
    }
  }
  free->store(added, std::memory_order_release);
  return stays;
}

/// Leaves of rows those in whose direction there is no nearer one, the nearest first, and all that
/// are kept for good.
void Graph::select(std::vector<Rival>& rivals, size_t most, Walk& walk) const {
  if (rivals.size() < most) return;
  std::sort(rivals.begin(), rivals.end(),
            [](const Rival& a, const Rival& b) { return a.score > b.score; });
  size_t reserved = std::count_if(rivals.begin(), rivals.end(),
                                  [](const Rival& rival) { return is_kept(rival.link); });
  walk.chosen.clear();
  size_t count = 0;
  for (const Rival& rival : rivals) {
    if (is_kept(rival.link)) {
      reserved--;
    } else if (count + reserved == most || is_hidden(rival, walk)) {
      continue;
    }
    walk.chosen.push_back(row(row_of(rival.link)));
    rivals[count++] = rival;
  }
  rivals.resize(count);
}

/// Whether one of the chosen is nearer to it than the row that they are chosen for.
bool Graph::is_hidden(const Rival& rival, Walk& walk) const {
  constexpr size_t kAtOnce = 4;
  const float* there = row(row_of(rival.link));
  float scores[kAtOnce];
  for (size_t i = 0; i < walk.chosen.size(); i += kAtOnce) {
    const size_t some = std::min(kAtOnce, walk.chosen.size() - i);
    inner_products(static_cast<int64_t>(some), walk.chosen.data() + i, 1, there, dimension(), there,
                   scores);
    if (std::any_of(scores, scores + some, [&](float s) { return s > rival.score; })) return true;
  }
  return false;
}

/// Walks begin at a row of the highest level.
void Graph::raise_entry(int32_t row) {
  int32_t entry = entry_.load(std::memory_order_relaxed);
  while (level_[row] > level_[entry] &&
         !entry_.compare_exchange_weak(entry, row, std::memory_order_release,
                                       std::memory_order_relaxed)) {
  }
}

void Graph::offer(const Sight& sight, int64_t label, Best& best) const {
  const int64_t allowed = sight.count();
  if (allowed == 0) return;
  // What a filter leaves is looked for longer.
  const int64_t ef_search = std::max(ef_search_ * (sight.rows / allowed), best.k);
  // Where a walk would come to as many rows, comparing with each costs less and is exact.
  if (sight.exact || ef_search * most_links_ >= allowed) return Block::offer(sight, label, best);
  in_slices(best, [&](int64_t first, int64_t end) {
    Walk& walk = Walk::of_this_thread();
    for (int64_t q = first; q < end; q++) {
      const float* query = best.x + q * dimension();
      this->walk(query, descend(query, 0, walk), 0, ef_search, walk, [&](float score, int32_t row) {
        if (score > best.worst(q) && row < sight.rows && is_seen(row, sight)) {
          best.take(q, score, label + row);
        }
      });
    }
  });
}

}  // namespace shelfstream
