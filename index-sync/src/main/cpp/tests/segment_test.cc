#include "segment_test.h"

#include <faiss/IndexHNSW.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <thread>

#include "products.h"
#include "segment.h"

namespace {

using shelfstream::Failure;
using shelfstream::Segment;
using shelfstream::View;
using Floats = std::vector<float>;

constexpr int64_t kDimension = 16;
constexpr int64_t kNow = 1000;

Floats unit_vectors(int64_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Floats x(n * kDimension);
  for (int64_t row = 0; row < n; row++) {
    float sum = 0;
    for (int64_t i = 0; i < kDimension; i++) {
      float& value = x[row * kDimension + i];
      value = normal(random);
      sum += value * value;
    }
    for (int64_t i = 0; i < kDimension; i++) x[row * kDimension + i] /= std::sqrt(sum);
  }
  return x;
}

struct Hits {
  std::vector<int64_t> labels;
  Floats scores;
};

Hits nearest(const std::vector<View>& views, const Floats& queries, int64_t k, int64_t sequence = kNow,
            bool exact = false, int threads = 1) {
  const auto n = static_cast<int64_t>(queries.size()) / kDimension;
  Hits hits{std::vector<int64_t>(n * k), Floats(n * k)};
  shelfstream::search_segments(views, sequence, exact, n, queries.data(), k, threads,
                               hits.labels.data(), hits.scores.data());
  return hits;
}

std::shared_ptr<Segment> filled(const std::string& type, const Floats& x) {
  const auto n = static_cast<int64_t>(x.size()) / kDimension;
  auto segment = type == "block" ? Segment::make_block(kDimension, n)
                                 : Segment::make_index(type, kDimension, n);
  segment->train(n, x.data());
  segment->append(n, x.data());
  return segment;
}

/// Two blocks and an index, every third row marked deleted, against plain arithmetic.
void finds_the_best_live_rows_of_all_segments() {
  const Floats x = unit_vectors(3000, 1);
  const auto part = [&](int i) {
    return Floats(x.begin() + i * 1000 * kDimension, x.begin() + (i + 1) * 1000 * kDimension);
  };
  const std::vector<View> views = {{filled("block", part(0)), 1000},
                                   {filled("Flat", part(1)), 1000},
                                   {filled("block", part(2)), 700}};
  for (const View& view : views) {
    for (int64_t row = 0; row < 1000; row += 3) view.segment->mark_deleted(row, 5);
  }
  for (const int64_t n : {1, 3, 4, 9, 64}) {
    const Floats queries = unit_vectors(n, 99);
    const Hits hits = nearest(views, queries, 20, kNow, false, n > 8 ? 2 : 1);
    for (int64_t q = 0; q < n; q++) {
      Floats live;
      for (int64_t row = 0; row < 2700; row++) {
        if (row % 1000 % 3 == 0) continue;
        live.push_back(std::inner_product(queries.begin() + q * kDimension,
                                          queries.begin() + (q + 1) * kDimension,
                                          x.begin() + row * kDimension, 0.0F));
      }
      std::sort(live.rbegin(), live.rend());
      for (int64_t i = 0; i < 20; i++) {
        CHECK(std::fabs(hits.scores[q * 20 + i] - live[i]) < 1e-5);
        const int64_t label = hits.labels[q * 20 + i];
        CHECK((label & 0xffffffff) % 3 != 0);
        const int64_t row = (label >> 32) * 1000 + (label & 0xffffffff);
        CHECK(std::fabs(std::inner_product(queries.begin() + q * kDimension,
                                           queries.begin() + (q + 1) * kDimension,
                                           x.begin() + row * kDimension, 0.0F) -
                        hits.scores[q * 20 + i]) < 1e-5);
      }
    }
  }
}

void hides_a_row_from_the_moment_it_is_marked(const std::string& type) {
  const Floats x = unit_vectors(400, 1);
  const auto segment = filled(type, x);
  segment->search_parameter(64);
  const Floats query(x.begin(), x.begin() + kDimension);

  segment->mark_deleted(0, 10);

  for (const bool exact : {false, true}) {
    CHECK(nearest({{segment, 400}}, query, 5, 9, exact).labels[0] == 0);
    for (const int64_t label : nearest({{segment, 400}}, query, 5, 10, exact).labels) {
      CHECK(label > 0);
    }
  }
}

void gives_its_rows_back(const std::string& type) {
  const Floats x = unit_vectors(400, 1);
  const auto segment = filled(type, x);
  const std::vector<int32_t> positions = {399, 0, 17};
  Floats out(3 * kDimension);

  segment->copy(3, positions.data(), out.data());

  for (int64_t i = 0; i < 3; i++) {
    for (int64_t j = 0; j < kDimension; j++) {
      const float there = x[positions[i] * kDimension + j];
      CHECK(std::fabs(out[i * kDimension + j] - there) <=
            (type.find("fp16") == std::string::npos ? 0 : 1e-3));
    }
  }
}

void moves_rows_to_another_segment() {
  const Floats x = unit_vectors(2000, 1);
  const auto block = filled("block", x);
  std::vector<int32_t> positions(1500);
  std::iota(positions.begin(), positions.end(), 400);
  for (const char* type : {"Flat", "IVF8,Flat", "HNSW8"}) {
    const auto index = Segment::make_index(type, kDimension, 1500);
    index->train_from(*block);
    index->append_from(*block, 1500, positions.data());
    const int32_t last = 1499;
    Floats out(kDimension);

    index->copy(1, &last, out.data());

    CHECK(std::equal(out.begin(), out.end(), x.begin() + 1899 * kDimension));
    CHECK_FAILS(Failure::kInvalidArgument, index->append_from(*block, 1, &last));
  }
}

void makes_another_with_the_same_training() {
  const Floats x = unit_vectors(2000, 1);
  const Floats queries = unit_vectors(20, 7);
  for (const char* type : {"IVF32,Flat", "IVF32,SQfp16", "HNSW8", "Flat"}) {
    const auto index = Segment::make_index(type, kDimension, 2000);
    index->train(2000, x.data());
    index->search_parameter(4);
    const auto like = index->make_like(2000);
    CHECK(like->rows() == 0);

    // One by one: several threads would make graphs that differ a little.
    for (const auto& each : {index, like}) {
      for (int64_t row = 0; row < 2000; row++) each->append(1, x.data() + row * kDimension);
    }

    CHECK(nearest({{like, 2000}}, queries, 5).labels == nearest({{index, 2000}}, queries, 5).labels);
  }
  CHECK_FAILS(Failure::kNotTrained, Segment::make_index("IVF8,Flat", kDimension, 9)->make_like(9));
}

void compares_with_every_row_when_asked_to() {
  const Floats x = unit_vectors(2000, 1);
  const auto index = filled("IVF64,Flat", x);
  const auto block = filled("block", x);
  const Floats queries = unit_vectors(20, 7);
  const Hits expected = nearest({{block, 2000}}, queries, 10);

  CHECK(nearest({{index, 2000}}, queries, 10, kNow, true).labels == expected.labels);

  index->search_parameter(1);
  CHECK(nearest({{index, 2000}}, queries, 10).labels != expected.labels);
  index->search_parameter(64);
  CHECK(nearest({{index, 2000}}, queries, 10).labels == expected.labels);
}

void answers_with_less_than_k_rows() {
  const Floats x = unit_vectors(3, 1);
  const auto block = filled("block", x);
  block->mark_deleted(1, 1);

  const Hits hits = nearest({{block, 3}}, x, 5);

  for (int64_t q = 0; q < 3; q++) {
    CHECK(hits.labels[q * 5] == 0 || hits.labels[q * 5] == 2);
    CHECK(hits.labels[q * 5 + 1] == 0 || hits.labels[q * 5 + 1] == 2);
    for (int64_t i = 2; i < 5; i++) CHECK(hits.labels[q * 5 + i] == -1);
  }
  CHECK(nearest({}, x, 2).labels == std::vector<int64_t>(6, -1));
  CHECK(nearest({{block, 0}}, x, 1).labels == std::vector<int64_t>(3, -1));
}

void refuses_what_does_not_fit() {
  const Floats x = unit_vectors(10, 1);
  const auto block = Segment::make_block(kDimension, 10);
  block->append(9, x.data());
  CHECK_FAILS(Failure::kInvalidArgument, block->append(2, x.data()));
  CHECK_FAILS(Failure::kInvalidArgument, block->append(-1, x.data()));
  CHECK_FAILS(Failure::kInvalidArgument, block->append(1, nullptr));
  Floats bad(x.begin(), x.begin() + kDimension);
  bad[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK_FAILS(Failure::kInvalidArgument, block->append(1, bad.data()));
  CHECK_FAILS(Failure::kInvalidArgument, block->append(1, Floats(kDimension).data()));
  CHECK_FAILS(Failure::kInvalidArgument, block->mark_deleted(9, 1));
  CHECK_FAILS(Failure::kInvalidArgument, block->mark_deleted(-1, 1));
  CHECK_FAILS(Failure::kInvalidArgument, block->mark_deleted(0, 0));
  CHECK(block->rows() == 9);
  CHECK_FAILS(Failure::kInvalidArgument, nearest({{block, 10}}, x, 1));
  CHECK_FAILS(Failure::kInvalidArgument, nearest({{block, -1}}, x, 1));
  CHECK_FAILS(Failure::kInvalidArgument, nearest({{block, 9}}, bad, 1));
  CHECK_FAILS(Failure::kInvalidArgument, nearest({{block, 9}}, x, 0));
  const int32_t past = 9;
  CHECK_FAILS(Failure::kInvalidArgument, block->copy(1, &past, bad.data()));
  CHECK_FAILS(Failure::kInvalidArgument, block->search_parameter(0));
  const auto other = Segment::make_block(kDimension / 2, 10);
  CHECK_FAILS(Failure::kInvalidArgument, nearest({{block, 9}, {other, 0}}, x, 1));
}

void refuses_types_that_cannot_serve() {
  for (const char* type : {"SQ8", "PQ4", "IVF8,PQ4", "HNSW8,SQ8", "IVF8,SQ4", "LSH", ""}) {
    CHECK_FAILS(Failure::kInvalidArgument, Segment::make_index(type, kDimension, 10));
  }
  for (const int64_t capacity : {int64_t{0}, int64_t{-1}, int64_t{1} << 31}) {
    CHECK_FAILS(Failure::kInvalidArgument, Segment::make_block(kDimension, capacity));
    CHECK_FAILS(Failure::kInvalidArgument, Segment::make_index("Flat", kDimension, capacity));
  }
  const auto untrained = Segment::make_index("IVF8,Flat", kDimension, 10);
  const Floats x = unit_vectors(10, 1);
  CHECK_FAILS(Failure::kNotTrained, untrained->append(1, x.data()));
  CHECK_FAILS(Failure::kInvalidArgument, untrained->train(0, x.data()));
}

/// An index with another's centres and lists answers as that one does, whoever fills it in whatever
/// order.
void takes_what_was_learnt_before() {
  const Floats x = unit_vectors(3000, 1);
  for (const char* type : {"IVF32,Flat", "IVF32_HNSW8,Flat"}) {
    const auto index = filled(type, x);
    index->search_parameter(4);
    Floats centres(32 * kDimension);
    std::vector<int32_t> lists(3000);
    CHECK(index->lists() == 32);
    index->copy_centres(centres.data());
    index->copy_lists(0, 3000, lists.data());
    std::vector<int32_t> by_list(3000);
    std::iota(by_list.begin(), by_list.end(), 0);
    std::stable_sort(by_list.begin(), by_list.end(),
                     [&](int32_t a, int32_t b) { return lists[a] < lists[b]; });
    std::vector<int32_t> counts(32);
    for (const int32_t list : lists) counts[list]++;
    const auto other = Segment::make_index(type, kDimension, 3001);

    CHECK_FAILS(Failure::kNotTrained, other->begin_filling(32, counts.data()));
    other->take_centres(32, centres.data());
    other->search_parameter(4);
    CHECK_FAILS(Failure::kInvalidArgument, other->begin_filling(31, counts.data()));
    CHECK_FAILS(Failure::kInvalidArgument, other->place(0, 1));
    other->begin_filling(32, counts.data());
    CHECK_FAILS(Failure::kInvalidArgument, other->place(2999, 2));
    CHECK_FAILS(Failure::kInvalidArgument, other->place(-1, 1));
    CHECK_FAILS(Failure::kFaiss, other->append(1, x.data()));
    for (const auto& [from, to] : {std::pair{1234, 3000}, std::pair{0, 1234}}) {
      for (int64_t at = from; at < to;) {
        const auto [rows, run] = other->place(at, to - at);
        CHECK(run >= 1 && run <= to - at);
        for (int64_t i = 0; i < run; i++) {
          std::copy_n(x.begin() + by_list[at + i] * kDimension, kDimension, rows + i * kDimension);
        }
        at += run;
      }
    }
    CHECK(other->rows() == 0);
    other->end_filling();

    const Floats queries = unit_vectors(20, 7);
    Hits hits = nearest({{other, 3000}}, queries, 5);
    for (int64_t& label : hits.labels) label = by_list[label];
    CHECK(hits.labels == nearest({{index, 3000}}, queries, 5).labels);
    CHECK_FAILS(Failure::kInvalidArgument, other->take_centres(32, centres.data()));
    CHECK_FAILS(Failure::kInvalidArgument, other->copy_lists(2999, 2, lists.data()));
    CHECK_FAILS(Failure::kInvalidArgument, other->begin_filling(32, counts.data()));
    other->append(1, x.data());
    CHECK(other->rows() == 3001);
  }
  const int32_t negative[] = {-1};
  const int32_t many[] = {10};
  const auto block = Segment::make_block(kDimension, 9);
  CHECK(block->lists() == 0);
  CHECK_FAILS(Failure::kInvalidArgument, block->begin_filling(1, negative));
  CHECK_FAILS(Failure::kInvalidArgument, block->begin_filling(1, many));
  CHECK_FAILS(Failure::kInvalidArgument,
              Segment::make_index("HNSW8", kDimension, 9)->begin_filling(1, many));
  CHECK_FAILS(Failure::kInvalidArgument,
              Segment::make_index("IVF32,Flat", kDimension, 9)->take_centres(31, x.data()));
}

/// Whatever share of the rows a filter leaves, they are the nearest of these; nearly so from a graph.
void finds_only_what_a_filter_allows(const std::string& type) {
  const Floats x = unit_vectors(2000, 1);
  const auto segment = filled(type, x);
  segment->search_parameter(64);
  const bool is_graph = type.find("HNSW") == 0;
  int wanted = 0;
  int missed = 0;
  for (int64_t row = 0; row < 2000; row += 10) segment->mark_deleted(row, 5);
  for (const int64_t step : {1, 2, 7, 50, 3000}) {
    std::vector<uint64_t> allowed(2000 / 64 + 1);
    // The first one, dead, also stands for "none".
    for (int64_t row = 0; row < 2000; row += step) allowed[row / 64] |= uint64_t{1} << (row % 64);
    for (const int64_t n : {1, 9}) {
      const Floats queries = unit_vectors(n, 99);
      const Hits hits = nearest({{segment, 2000, allowed.data()}}, queries, 5, kNow, false, 2);
      for (int64_t q = 0; q < n; q++) {
        Floats live;
        for (int64_t row = 0; row < 2000; row += step) {
          if (row % 10 == 0) continue;
          live.push_back(std::inner_product(queries.begin() + q * kDimension,
                                            queries.begin() + (q + 1) * kDimension,
                                            x.begin() + row * kDimension, 0.0F));
        }
        std::sort(live.rbegin(), live.rend());
        for (int64_t i = 0; i < 5; i++) {
          const int64_t label = hits.labels[q * 5 + i];
          if (i >= static_cast<int64_t>(live.size())) {
            CHECK(label == -1);
            continue;
          }
          wanted++;
          if (label < 0 || std::fabs(hits.scores[q * 5 + i] - live[i]) >= 1e-3) missed++;
          CHECK(label < 0 || (label % step == 0 && label % 10 != 0));
        }
      }
    }
  }
  CHECK(is_graph ? missed * 10 <= wanted : missed == 0);
}

/// Rows come and go under running searches; each search must find exactly the live rows of its
/// sequence number: with `rows` rows there, the first half of them marked deleted.
void changes_under_running_searches(const std::string& type) {
  const int64_t most = 3000;
  const Floats x = unit_vectors(most, 1);
  const auto block = type == "block" ? Segment::make_block(kDimension, most)
                                     : Segment::make_index(type, kDimension, most);
  block->train(most, x.data());
  block->search_parameter(32);
  std::atomic<int64_t> sequence{0};
  std::atomic<int64_t> answered{0};
  std::atomic<bool> wrong{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; t++) {
    threads.emplace_back([&, t] {
      const Floats queries = unit_vectors(t == 0 ? 1 : 5, 5 + t);
      while (sequence < most && !wrong) {
        const int64_t rows = sequence;
        if (rows == 0) continue;
        const Hits hits = nearest({{block, rows}}, queries, 4000, rows);
        const auto found =
            std::count_if(hits.labels.begin(), hits.labels.begin() + 4000, [](int64_t label) {
              return label >= 0;
            });
        const auto least = *std::min_element(hits.labels.begin(), hits.labels.begin() + found);
        if (found != rows - rows / 2 || least != rows / 2) wrong = true;
        answered++;
      }
    });
  }
  for (int64_t row = 0; row < most; row++) {
    block->append(1, x.data() + row * kDimension);
    if (row % 2 == 1) block->mark_deleted(row / 2, row + 1);
    sequence = row + 1;
    while (answered < row / 10) std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(!wrong);
  CHECK(answered >= most / 10 - 1);
}

Floats row_of(const Floats& x, int64_t row) {
  return Floats(x.begin() + row * kDimension, x.begin() + (row + 1) * kDimension);
}

/// Groups of rows that are nearly alike, as photos of a product are.
Floats alike(int64_t n, int64_t groups, unsigned seed) {
  const Floats centres = unit_vectors(groups, seed);
  Floats x = unit_vectors(n, seed + 1);
  for (int64_t row = 0; row < n; row++) {
    float sum = 0;
    for (int64_t i = 0; i < kDimension; i++) {
      float& value = x[row * kDimension + i];
      value = centres[row % groups * kDimension + i] + 0.1F * value;
      sum += value * value;
    }
    for (int64_t i = 0; i < kDimension; i++) x[row * kDimension + i] /= std::sqrt(sum);
  }
  return x;
}

/// Half of the rows at once, the others one by one.
std::shared_ptr<Segment> grown(const std::string& type, const Floats& x, int64_t ef_search) {
  const auto n = static_cast<int64_t>(x.size()) / kDimension;
  auto segment = Segment::make_index(type, kDimension, n);
  segment->search_parameter(ef_search);
  segment->append(n / 2, x.data());
  for (int64_t row = n / 2; row < n; row++) segment->append(1, x.data() + row * kDimension);
  return segment;
}

int64_t in_both(const std::vector<int64_t>& found, const std::vector<int64_t>& nearest, int64_t k) {
  int64_t count = 0;
  for (size_t i = 0; i < found.size(); i += k) {
    for (int64_t j = 0; j < k; j++) {
      count += std::count(nearest.begin() + i, nearest.begin() + i + k, found[i + j]);
    }
  }
  return count;
}

/// With the same ef_search. Summed over some galleries: which rows are on the upper levels is chance, and
/// so is which ones several threads link first.
void a_graph_finds_as_much_as_one_of_faiss(const std::string& type, int links) {
  constexpr int64_t kRows = 3000;
  constexpr int64_t kQueries = 200;
  for (const int ef_search : {16, 48}) {
    int64_t wanted = 0;
    int64_t found = 0;
    for (const unsigned seed : {1, 3, 5, 7, 9}) {
      for (const Floats& x : {unit_vectors(kRows, seed), alike(kRows, 50, seed)}) {
        faiss::IndexHNSWFlat theirs(kDimension, links, faiss::METRIC_INNER_PRODUCT);
        theirs.add(kRows, x.data());
        const auto ours = grown(type, x, ef_search);
        Floats queries = unit_vectors(kQueries / 2, seed + 100);
        queries.insert(queries.end(), x.begin(), x.begin() + kQueries / 2 * kDimension);
        const auto best = nearest({{ours, kRows}}, queries, 10, kNow, true).labels;
        faiss::SearchParametersHNSW parameters;
        parameters.efSearch = ef_search;
        Hits hits{std::vector<int64_t>(kQueries * 10), Floats(kQueries * 10)};
        theirs.search(kQueries, queries.data(), 10, hits.scores.data(), hits.labels.data(),
                      &parameters);
        wanted += in_both(hits.labels, best, 10);
        found += in_both(nearest({{ours, kRows}}, queries, 10, kNow, false, 2).labels, best, 10);
      }
    }
    
    CHECK(found >= wanted - wanted / 100);
  }
}

/// At once, and still when all others have come.
void a_graph_finds_each_row_by_itself(const std::string& type) {
  constexpr int64_t kRows = 3000;
  for (const Floats& x : {unit_vectors(kRows, 1), alike(kRows, 30, 1)}) {
    const auto graph = Segment::make_index(type, kDimension, kRows);
    const auto misses = [&](int64_t rows, int64_t row) {
      return nearest({{graph, rows}}, row_of(x, row), 1).labels[0] == row ? 0 : 1;
    };
    graph->search_parameter(32);
    int64_t missed = 0;
    for (int64_t row = 0; row < kRows; row++) {
      graph->append(1, x.data() + row * kDimension);
      missed += misses(row + 1, row);
    }
    for (int64_t row = 0; row < kRows; row++) missed += misses(kRows, row);
    CHECK(missed * 1000 <= kRows);
    CHECK_FAILS(Failure::kInvalidArgument, graph->append(1, x.data()));
  }
}

/// Copies of one row have no links to spare: each would do without the one to a row beside them.
void a_graph_finds_what_lies_beside_many_copies() {
  constexpr int64_t kCopies = 600;
  constexpr int64_t kOthers = 60;
  const auto graph = Segment::make_index("HNSW8", kDimension, kCopies + kOthers);
  graph->search_parameter(32);
  const Floats copied = unit_vectors(1, 1);
  for (int64_t i = 0; i < kCopies; i++) graph->append(1, copied.data());
  const Floats beside = unit_vectors(kOthers, 2);
  for (int64_t i = 0; i < kOthers; i++) {
    Floats row(copied);
    for (int64_t j = 0; j < kDimension; j++) row[j] += 0.3F * beside[i * kDimension + j];
    const float length = std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0F));
    for (float& value : row) value /= length;
    graph->append(1, row.data());
    CHECK(nearest({{graph, graph->rows()}}, row, 1).labels[0] == kCopies + i);
  }
}

/// A search sees the rows of its view only, whatever the walk comes to, and each at most once.
void a_graph_grows_under_running_searches() {
  constexpr int64_t kRows = 4000;
  const Floats x = unit_vectors(kRows, 1);
  const auto graph = Segment::make_index("HNSW8", kDimension, kRows);
  graph->search_parameter(32);
  std::atomic<int64_t> sequence{0};
  std::atomic<int64_t> answered{0};
  std::atomic<int64_t> missed{0};
  std::atomic<bool> wrong{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; t++) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      while (sequence < kRows && !wrong) {
        const int64_t rows = sequence;
        if (rows == 0) continue;
        const int64_t wanted = rows / 2 + random() % (rows - rows / 2);
        const Floats query = row_of(x, wanted);
        const Hits hits = nearest({{graph, rows}}, query, 10, rows);
        std::vector<int64_t> labels(hits.labels);
        labels.erase(std::remove(labels.begin(), labels.end(), -1), labels.end());
        std::sort(labels.begin(), labels.end());
        if (labels.empty() || labels.front() < rows / 2 || labels.back() >= rows ||
            std::adjacent_find(labels.begin(), labels.end()) != labels.end()) {
          wrong = true;
        }
        for (size_t i = 0; i < labels.size(); i++) {
          const Floats row = row_of(x, hits.labels[i]);
          const float score = std::inner_product(row.begin(), row.end(), query.begin(), 0.0F);
          if (std::fabs(score - hits.scores[i]) > 1e-5) wrong = true;
        }
        if (hits.labels[0] != wanted) missed++;
        answered++;
      }
    });
  }
  for (int64_t row = 0; row < kRows; row++) {
    graph->append(1, x.data() + row * kDimension);
    if (row % 2 == 1) graph->mark_deleted(row / 2, row + 1);
    sequence = row + 1;
    while (answered < row / 4 && !wrong) std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(!wrong);
  CHECK(answered >= kRows / 4 - 1);
  CHECK(missed * 200 <= answered);
}

Floats plain_values(int64_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(-0.1F, 0.1F);
  Floats values(n);
  for (float& each : values) each = value(random);
  return values;
}

void sums_a_pair_alike_whatever_it_is_compared_beside() {
  for (const int64_t d : {1, 3, 4, 8, 15, 16, 17, 33, 512}) {
    constexpr int64_t kRows = 21;
    constexpr int64_t kQueries = 11;
    const Floats y = plain_values(kRows * d, 1);
    const Floats x = plain_values(kQueries * d, 2);
    std::vector<const float*> queries;
    for (int64_t q = 0; q < kQueries; q++) queries.push_back(x.data() + q * d);
    for (const shelfstream::Products products : shelfstream::all_inner_products()) {
      Floats one(kQueries * kRows);
      for (int64_t q = 0; q < kQueries; q++) {
        for (int64_t row = 0; row < kRows; row++) {
          const float* values = y.data() + row * d;
          products(1, &queries[q], 1, values, d, values, &one[q * kRows + row]);
          const double sum = std::inner_product(values, values + d, queries[q], 0.0);
          CHECK(std::fabs(one[q * kRows + row] - sum) < 1e-5);
        }
      }
      for (int64_t m = 1; m <= kQueries; m++) {
        for (int64_t n = 1; n <= kRows; n++) {
          Floats all(m * n);
          products(m, queries.data(), n, y.data(), d, y.data() + kRows * d, all.data());
          for (int64_t i = 0; i < m * n; i++) CHECK(all[i] == one[i / n * kRows + i % n]);
        }
      }
    }
  }
}

}  // namespace

void add_segment_tests(Tests& tests) {
  tests.add("products: the same bits whatever a pair is compared beside",
            sums_a_pair_alike_whatever_it_is_compared_beside);
  tests.add("segments: finds the best live rows of all", finds_the_best_live_rows_of_all_segments);
  for (const char* type : {"block", "Flat", "SQfp16", "HNSW8", "HNSW8,SQfp16", "IVF8,Flat", "IVF8,SQfp16"}) {
    tests.add(std::string("segments: hides deleted rows, ") + type,
              [=] { hides_a_row_from_the_moment_it_is_marked(type); });
    tests.add(std::string("segments: gives its rows back, ") + type,
              [=] { gives_its_rows_back(type); });
    tests.add(std::string("segments: finds only what a filter allows, ") + type,
              [=] { finds_only_what_a_filter_allows(type); });
  }
  tests.add("segments: moves rows to another", moves_rows_to_another_segment);
  tests.add("segments: makes another with the same training",
            makes_another_with_the_same_training);
  tests.add("segments: compares with every row when asked to",
            compares_with_every_row_when_asked_to);
  tests.add("segments: answers with less than k rows", answers_with_less_than_k_rows);
  tests.add("segments: refuses what does not fit", refuses_what_does_not_fit);
  tests.add("segments: refuses types that cannot serve", refuses_types_that_cannot_serve);
  tests.add("segments: takes what was learnt before", takes_what_was_learnt_before);
  for (const char* type : {"block", "IVF32,Flat"}) {
    tests.add(std::string("segments: changes under running searches, ") + type,
              [=] { changes_under_running_searches(type); });
  }
  tests.add("graph: finds as much as one of Faiss, HNSW8",
            [] { a_graph_finds_as_much_as_one_of_faiss("HNSW8", 8); });
  tests.add("graph: finds as much as one of Faiss, HNSW16,Flat",
            [] { a_graph_finds_as_much_as_one_of_faiss("HNSW16,Flat", 16); });
  for (const char* type : {"HNSW8", "HNSW32"}) {
    tests.add(std::string("graph: finds each row by itself, ") + type,
              [=] { a_graph_finds_each_row_by_itself(type); });
  }
  tests.add("graph: finds what lies beside many copies",
            a_graph_finds_what_lies_beside_many_copies);
  tests.add("graph: grows under running searches", a_graph_grows_under_running_searches);
}
