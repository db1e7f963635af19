#include "index.h"

#include <faiss/IndexBinaryFlat.h>
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIDMap.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/IndexLSH.h>
#include <faiss/impl/IDSelector.h>
#include <faiss/index_io.h>
#include <faiss/utils/distances.h>
#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <memory>
#include <numeric>
#include <random>
#include <thread>

#include "binary_codes.h"
#include "check.h"
#include "handles.h"
#include "limits.h"
#include "runtime.h"
#include "segment_test.h"

namespace {

using shelfstream::Failure;
using shelfstream::Handles;
using shelfstream::Index;
using shelfstream::Metric;
using Floats = std::vector<float>;
using Ids = std::vector<int64_t>;

constexpr int64_t kDimension = 16;
const float kNan = std::numeric_limits<float>::quiet_NaN();
const float kInfinity = std::numeric_limits<float>::infinity();
const char* const kTypes[] = {"Flat",   "SQ4",       "SQ6",          "SQ8",
                              "SQfp16", "PQ4",       "HNSW8",        "HNSW8,SQ8",
                              "IVF8,Flat", "IVF8,SQ8", "IVF8,SQfp16", "IVF8,PQ4",
                              "IVF8_HNSW8,Flat"};

Floats unit_vectors(int64_t n, unsigned seed, int64_t dimension = kDimension) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Floats x(n * dimension);
  for (int64_t row = 0; row < n; row++) {
    float sum = 0;
    for (int64_t i = 0; i < dimension; i++) {
      float& value = x[row * dimension + i];
      value = normal(random);
      sum += value * value;
    }
    for (int64_t i = 0; i < dimension; i++) x[row * dimension + i] /= std::sqrt(sum);
  }
  return x;
}

Ids ids_from(int64_t first, int64_t n) {
  Ids ids(n);
  std::iota(ids.begin(), ids.end(), first);
  return ids;
}

std::shared_ptr<Index> filled(const std::string& type, int64_t n, Metric metric = Metric::kInnerProduct,
                              int64_t first_id = 1000) {
  auto index = Index::create(type, kDimension, metric);
  const Floats training = unit_vectors(400, 7);
  if (!index->trained()) index->train(400, training.data());
  if (n > 0) index->add(n, ids_from(first_id, n).data(), unit_vectors(n, 1).data());
  return index;
}

Ids search(const Index& index, const Floats& queries, int64_t k) {
  const int64_t n = static_cast<int64_t>(queries.size()) / index.dimension();
  Ids ids(n * k);
  Floats scores(n * k);
  index.search(n, queries.data(), k, ids.data(), scores.data());
  return ids;
}

std::string scratch(const std::string& name) {
  const char* folder = std::getenv("TMPDIR");
  return std::string(folder == nullptr ? "/tmp" : folder) + "/shelfstream-" +
         std::to_string(getpid()) + "-" + name;
}

/// A file of the given bytes, gone with the object.
class File {
 public:
  explicit File(const std::string& name) : path_(scratch(name)) {}
  ~File() { std::remove(path_.c_str()); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::string& path() const { return path_; }

  std::string bytes() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  void write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }

 private:
  const std::string path_;
};

void finds_what_was_added(const std::string& type, Metric metric) {
  const auto index = filled(type, 200, metric);
  const Ids found = search(*index, unit_vectors(200, 1), 10);
  int64_t first = 0;
  for (int64_t row = 0; row < 200; row++) {
    const auto begin = found.begin() + row * 10;
    first += std::find(begin, begin + 10, 1000 + row) != begin + 10 ? 1 : 0;
  }
  // Coarse codes of 4 bytes and one probed list may rank others first now and then.
  CHECK(first >= (type == "Flat" ? 200 : 150));
  CHECK(index->type() == type);
  CHECK(index->size() == 200);
  CHECK(index->metric() == metric);
}

void flat_agrees_with_plain_arithmetic() {
  for (const int64_t n : {1, 3, 8, 64}) {
    const auto index = filled("Flat", 500);
    const Floats rows = unit_vectors(500, 1);
    const Floats queries = unit_vectors(n, 99);

    Ids ids(n * 5);
    Floats scores(n * 5);
    index->search(n, queries.data(), 5, ids.data(), scores.data());

    for (int64_t q = 0; q < n; q++) {
      Floats all(500);
      for (int64_t row = 0; row < 500; row++) {
        all[row] = std::inner_product(queries.begin() + q * kDimension,
                                      queries.begin() + (q + 1) * kDimension,
                                      rows.begin() + row * kDimension, 0.0F);
      }
      for (int64_t i = 0; i < 5; i++) {
        CHECK(std::fabs(all[ids[q * 5 + i] - 1000] - scores[q * 5 + i]) < 1e-5);
      }
      std::sort(all.rbegin(), all.rend());
      for (int64_t i = 0; i < 5; i++) CHECK(std::fabs(all[i] - scores[q * 5 + i]) < 1e-5);
    }
  }
}

void refuses_types_and_dimensions() {
  for (const char* type :
       {"", "Flatt", "HNSW", "HNSW0", "HNSW1", "HNSW99999", "IVF0,Flat", "IVF8", "IVF99999999,Flat",
        "PQ0", "PQ5", "IVF8,PQ5", "PQ4x4fs", "IVF8,PQ4x4fs", "OPQ4,PQ4", "LSH", "PCA8,Flat", "RFlat",
        "NSG32", "IDMap2", "IDMap2,IDMap2,Flat", "Flat,Flat", "Flat\n"}) {
    CHECK_FAILS(Failure::kInvalidArgument, Index::create(type, kDimension, Metric::kL2));
  }
  for (const int64_t d : {int64_t{-1}, int64_t{0}, shelfstream::kMaxDimension + 1}) {
    CHECK_FAILS(Failure::kInvalidArgument, Index::create("Flat", d, Metric::kInnerProduct));
  }
  CHECK_FAILS(Failure::kInvalidArgument,
              Index::create(std::string(100000, 'F'), kDimension, Metric::kL2));
  CHECK(Index::create("IDMap2,HNSW32", kDimension, Metric::kL2)->type() == "HNSW32");
}

void refuses_bad_vectors() {
  for (const char* type : {"Flat", "HNSW8", "IVF8,Flat"}) {
    const auto index = filled(type, 20);
    const int64_t id = 5;
    for (const float bad : {kNan, kInfinity, -kInfinity, 1e30F, -1e16F}) {
      Floats x = unit_vectors(1, 3);
      x[kDimension - 1] = bad;
      CHECK_FAILS(Failure::kInvalidArgument, index->add(1, &id, x.data()));
      CHECK_FAILS(Failure::kInvalidArgument, search(*index, x, 3));
    }
    CHECK_FAILS(Failure::kInvalidArgument, search(*index, Floats(kDimension), 3));
    CHECK_FAILS(Failure::kInvalidArgument, index->add(1, &id, Floats(kDimension).data()));
    CHECK(index->size() == 20);
  }
  // A squared distance needs no direction.
  CHECK(search(*filled("Flat", 20, Metric::kL2), Floats(kDimension), 3)[2] >= 1000);
}

void refuses_bad_counts_and_memory() {
  const auto index = filled("HNSW8", 20);
  const Floats x = unit_vectors(2, 3);
  Ids ids(4, 7);
  Floats scores(4);
  const auto search_with = [&](int64_t n, const float* rows, int64_t k, int64_t* to, float* values) {
    index->search(n, rows, k, to, values);
  };
  CHECK_FAILS(Failure::kInvalidArgument, search_with(-1, x.data(), 2, ids.data(), scores.data()));
  CHECK_FAILS(Failure::kInvalidArgument,
              search_with(INT64_MAX, x.data(), 2, ids.data(), scores.data()));
  CHECK_FAILS(Failure::kInvalidArgument, search_with(1, nullptr, 2, ids.data(), scores.data()));
  CHECK_FAILS(Failure::kInvalidArgument, search_with(1, x.data(), 0, ids.data(), scores.data()));
  CHECK_FAILS(Failure::kInvalidArgument, search_with(1, x.data(), -3, ids.data(), scores.data()));
  CHECK_FAILS(Failure::kInvalidArgument,
              search_with(1, x.data(), INT64_MAX, ids.data(), scores.data()));
  CHECK_FAILS(Failure::kInvalidArgument,
              search_with(2, x.data(), shelfstream::kMaxResults, ids.data(), scores.data()));
  CHECK_FAILS(Failure::kInvalidArgument, search_with(1, x.data(), 2, nullptr, scores.data()));
  CHECK_FAILS(Failure::kInvalidArgument, search_with(1, x.data(), 2, ids.data(), nullptr));
  CHECK_FAILS(Failure::kInvalidArgument, index->add(-1, ids.data(), x.data()));
  CHECK_FAILS(Failure::kInvalidArgument, index->add(1, nullptr, x.data()));
  CHECK_FAILS(Failure::kInvalidArgument, index->add(1, ids.data(), nullptr));
  CHECK_FAILS(Failure::kInvalidArgument, index->remove(-1, ids.data()));
  search_with(0, x.data(), 2, ids.data(), scores.data());
  index->add(0, ids.data(), x.data());
  CHECK(ids == Ids(4, 7));
  CHECK(index->size() == 20);
}

void refuses_bad_ids_and_adds_nothing_then() {
  const auto index = filled("Flat", 20);
  const Floats x = unit_vectors(3, 3);
  CHECK_FAILS(Failure::kInvalidArgument, index->add(3, Ids{1, 2, -1}.data(), x.data()));
  CHECK_FAILS(Failure::kInvalidArgument, index->add(3, Ids{1, 2, 1}.data(), x.data()));
  CHECK_FAILS(Failure::kInvalidArgument, index->add(3, Ids{1, 2, 1005}.data(), x.data()));
  CHECK(index->size() == 20);
  index->add(3, Ids{1, 2, 3}.data(), x.data());
  CHECK(index->size() == 23);
}

void removes_and_ignores_unknown_ids() {
  for (const char* type : {"Flat", "SQ8", "PQ4", "IVF8,Flat", "IVF8,PQ4"}) {
    const auto index = filled(type, 50);
    CHECK(index->remove(0, nullptr) == 0);
    CHECK(index->remove(4, Ids{1003, 1003, 5, -1}.data()) == 1);
    CHECK(index->remove(1, Ids{1003}.data()) == 0);
    CHECK(index->size() == 49);
    const Ids found = search(*index, unit_vectors(50, 1), 50);
    CHECK(std::find(found.begin(), found.end(), 1003) == found.end());
    index->add(1, Ids{1003}.data(), unit_vectors(1, 1).data());
    CHECK(index->size() == 50);
  }
  const auto graph = filled("HNSW8", 50);
  CHECK_FAILS(Failure::kUnsupported, graph->remove(1, Ids{1003}.data()));
  CHECK(graph->size() == 50);
}

void forgets_all_on_reset() {
  for (const char* type : kTypes) {
    const auto index = filled(type, 50);
    index->reset();
    CHECK(index->size() == 0);
    CHECK(index->trained());
    CHECK(search(*index, unit_vectors(1, 1), 3) == Ids(3, -1));
    index->add(50, ids_from(1000, 50).data(), unit_vectors(50, 1).data());
    CHECK(index->size() == 50);
    CHECK(search(*index, unit_vectors(1, 1), 1)[0] >= 1000);
  }
}

void answers_with_less_than_k() {
  CHECK(search(*Index::create("HNSW8", kDimension, Metric::kInnerProduct), unit_vectors(2, 1), 3) ==
        Ids(6, -1));
  const Ids found = search(*filled("Flat", 2), unit_vectors(2, 1), 4);
  CHECK(found == (Ids{1000, 1001, -1, -1, 1001, 1000, -1, -1}));
}

void wants_training_first() {
  for (const char* type : {"SQ8", "PQ4", "HNSW8,SQ8", "IVF8,Flat", "IVF8,PQ4"}) {
    const auto index = Index::create(type, kDimension, Metric::kInnerProduct);
    const Floats x = unit_vectors(400, 3);
    CHECK(!index->trained());
    CHECK_FAILS(Failure::kNotTrained, index->add(1, Ids{1}.data(), x.data()));
    CHECK(search(*index, unit_vectors(1, 1), 3) == Ids(3, -1));
    CHECK_FAILS(Failure::kInvalidArgument, index->train(0, x.data()));
    index->train(400, x.data());
    index->add(1, Ids{1}.data(), x.data());
    CHECK_FAILS(Failure::kInvalidArgument, index->train(400, x.data()));
  }
}

void reads_what_it_wrote() {
  for (const Metric metric : {Metric::kInnerProduct, Metric::kL2}) {
    for (const char* type : kTypes) {
      for (const int64_t n : {0, 1, 120}) {
        const File file("written");
        const auto index = filled(type, n, metric);
        index->write(file.path());
        const auto again = Index::read(file.path());
        CHECK(again->type() == type);
        CHECK(again->size() == n);
        CHECK(again->metric() == metric);
        CHECK(again->dimension() == kDimension);
        CHECK(search(*again, unit_vectors(9, 5), 7) == search(*index, unit_vectors(9, 5), 7));
        CHECK_FAILS(Failure::kInvalidArgument,
                    again->add(2, Ids{1000, 1000}.data(), unit_vectors(2, 3).data()));
        again->add(1, Ids{1}.data(), unit_vectors(1, 3).data());
      }
    }
  }
  const File file("untrained");
  Index::create("IVF8,Flat", kDimension, Metric::kL2)->write(file.path());
  CHECK(!Index::read(file.path())->trained());
}

/// As Faiss's factory makes them, without the code that keeps ids of ours.
std::unique_ptr<faiss::Index> theirs_of(const std::string& type) {
  constexpr auto kMetric = faiss::METRIC_INNER_PRODUCT;
  if (type == "Flat") return std::make_unique<faiss::IndexFlatIP>(kDimension);
  if (type == "HNSW8") return std::make_unique<faiss::IndexHNSWFlat>(kDimension, 8, kMetric);
  if (type == "IVF8,Flat") {
    auto lists = std::make_unique<faiss::IndexIVFFlat>(new faiss::IndexFlatIP(kDimension),
                                                       kDimension, 8, kMetric);
    lists->own_fields = true;
    lists->cp.spherical = true;
    return lists;
  }
  std::unique_ptr<faiss::IndexIDMap> map;
  if (type == "IDMap,Flat") {
    map = std::make_unique<faiss::IndexIDMap>(theirs_of("Flat").release());
  } else {
    CHECK(type == "IDMap2,HNSW8");
    map = std::make_unique<faiss::IndexIDMap2>(theirs_of("HNSW8").release());
  }
  map->own_fields = true;
  return map;
}

void reads_indexes_that_others_wrote() {
  const Floats x = unit_vectors(400, 1);
  for (const char* type : {"Flat", "HNSW8", "IVF8,Flat", "IDMap,Flat", "IDMap2,HNSW8"}) {
    const auto theirs = theirs_of(type);
    theirs->train(400, x.data());
    if (std::string(type).find("IDMap") == 0) {
      theirs->add_with_ids(400, x.data(), ids_from(0, 400).data());
    } else {
      theirs->add(400, x.data());
    }
    const File file("theirs");
    faiss::write_index(theirs.get(), file.path().c_str());

    const auto index = Index::read(file.path());

    CHECK(search(*index, Floats(x.begin(), x.begin() + kDimension), 1) == Ids{0});
    CHECK_FAILS(Failure::kInvalidArgument, index->add(1, Ids{399}.data(), x.data()));
  }
}

void keeps_outer_ids_of_inverted_lists_under_a_map() {
  const Floats x = unit_vectors(400, 1);
  const auto inner = theirs_of("IVF8,Flat");
  faiss::IndexIDMap2 theirs(inner.get());
  theirs.train(400, x.data());
  theirs.add_with_ids(400, x.data(), ids_from(5000, 400).data());
  const File file("map-of-lists");
  faiss::write_index(&theirs, file.path().c_str());

  const auto index = Index::read(file.path());

  CHECK(index->type() == "IVF8,Flat");
  CHECK(index->remove(200, ids_from(5000, 200).data()) == 200);
  for (int64_t row = 200; row < 400; row++) {
    const Floats query(x.begin() + row * kDimension, x.begin() + (row + 1) * kDimension);
    CHECK(search(*index, query, 1) == Ids{5000 + row});
  }
}

void refuses_files_it_does_not_know() {
  const File file("unknown");
  CHECK_FAILS(Failure::kFile, Index::read(file.path()));
  CHECK_FAILS(Failure::kFile, Index::read("/"));
  file.write("");
  CHECK_FAILS(Failure::kFile, Index::read(file.path()));
  file.write("this is no index at all, though it is long enough");
  CHECK_FAILS(Failure::kUnsupported, Index::read(file.path()));
  const faiss::IndexLSH lsh(kDimension, kDimension);
  faiss::write_index(&lsh, file.path().c_str());
  CHECK_FAILS(Failure::kUnsupported, Index::read(file.path()));
  CHECK_FAILS(Failure::kFile, filled("Flat", 1)->write("/nowhere/at/all"));
}

void refuses_files_with_doubled_ids() {
  faiss::IndexFlatL2 flat(kDimension);
  faiss::IndexIDMap2 theirs(&flat);
  theirs.add_with_ids(2, unit_vectors(2, 1).data(), Ids{7, 7}.data());
  const File file("doubled");
  faiss::write_index(&theirs, file.path().c_str());
  CHECK_FAILS(Failure::kFile, Index::read(file.path()));
}

void refuses_files_cut_short_or_too_long() {
  for (const char* type : kTypes) {
    const File file("cut");
    filled(type, 12)->write(file.path());
    const std::string whole = file.bytes();
    const size_t step = whole.size() / 150 + 1;
    for (size_t length = 0; length < whole.size(); length += step) {
      file.write(whole.substr(0, length));
      CHECK_FAILS(Failure::kFile, Index::read(file.path()));
    }
    file.write(whole + "x");
    CHECK_FAILS(Failure::kFile, Index::read(file.path()));
  }
}

/// Whatever one turned bit does to a file, the process lives on: the file is refused, or the index
/// answers searches and takes changes.
void survives_files_with_a_turned_bit() {
  int refused = 0;
  int taken = 0;
  for (const char* type : kTypes) {
    const File file("turned");
    filled(type, 40)->write(file.path());
    const std::string whole = file.bytes();
    std::mt19937 random(4711);
    for (int i = 0; i < 400; i++) {
      // Half of them at the front, where the sizes are.
      const size_t range = i % 2 == 0 ? std::min<size_t>(whole.size(), 200) : whole.size();
      const size_t position = random() % range;
      const int bit = static_cast<int>(random() % 8);
      std::string bytes = whole;
      bytes[position] = static_cast<char>(bytes[position] ^ (1 << bit));
      file.write(bytes);
      try {
        const auto index = Index::read(file.path());
        search(*index, unit_vectors(3, 5, index->dimension()), 50);
        if (index->trained()) {
          index->add(1, Ids{1}.data(), unit_vectors(1, 3, index->dimension()).data());
          if (index->type().find("HNSW8") != 0) index->remove(2, Ids{1, 1001}.data());
        }
        search(*index, unit_vectors(3, 5, index->dimension()), 50);
        taken++;
      } catch (const shelfstream::Error& e) {
        CHECK(e.failure() == Failure::kFile || e.failure() == Failure::kUnsupported ||
              e.failure() == Failure::kInvalidArgument);
        refused++;
      }
    }
  }
  std::cout << "        turned bits: " << refused << " refused, " << taken
            << " taken as other numbers" << std::endl;
  CHECK(refused > 1000);
}

shelfstream::BinaryCodes binary_codes(const std::string& type, int64_t n) {
  std::mt19937 random(3);
  shelfstream::BinaryCodes codes;
  codes.type = type;
  codes.bits = 32;
  codes.ids = ids_from(500, n);
  for (int64_t i = 0; i < n * 4; i++) codes.codes.push_back(static_cast<uint8_t>(random()));
  return codes;
}

const char* const kBinaryTypes[] = {"BFlat", "BHNSW8", "BIVF4"};

void reads_the_binary_codes_it_wrote() {
  for (const char* type : kBinaryTypes) {
    const File file("binary");
    const auto written = binary_codes(type, 60);
    write_binary(file.path(), written);
    const auto read = shelfstream::read_binary(file.path());
    CHECK(read.type == type);
    CHECK(read.bits == 32);
    CHECK(read.ids.size() == 60);
    for (size_t i = 0; i < 60; i++) {
      const auto row = static_cast<size_t>(read.ids[i] - 500);
      CHECK(row < 60);
      CHECK(std::equal(read.codes.begin() + 4 * i, read.codes.begin() + 4 * i + 4,
                       written.codes.begin() + 4 * row));
    }
  }
}

/// The order of bits, and codes without ids, as the reference writes them.
void reads_binary_codes_that_faiss_wrote() {
  const auto codes = binary_codes("BFlat", 20);
  faiss::IndexBinaryFlat theirs(32);
  theirs.add(20, codes.codes.data());
  const File file("binary-flat");
  faiss::write_index_binary(&theirs, file.path().c_str());
  const auto read = shelfstream::read_binary(file.path());
  CHECK(read.type == "BFlat");
  CHECK(read.ids == ids_from(0, 20));
  CHECK(read.codes == codes.codes);
  CHECK_FAILS(Failure::kUnsupported, Index::read(file.path()));
  filled("Flat", 3)->write(file.path());
  CHECK_FAILS(Failure::kUnsupported, shelfstream::read_binary(file.path()));
}

void refuses_binary_codes_that_cannot_be() {
  const File file("binary-refused");
  auto codes = binary_codes("BFlat", 3);
  codes.ids[2] = codes.ids[0];
  CHECK_FAILS(Failure::kInvalidArgument, write_binary(file.path(), codes));
  codes.ids = {1, 2};
  CHECK_FAILS(Failure::kInvalidArgument, write_binary(file.path(), codes));
  for (const char* type : {"", "Flat", "BHNSW", "BHNSW1", "BHNSW9999", "BHNSW8x", "BIVF0", "BIVF4"}) {
    CHECK_FAILS(Failure::kInvalidArgument, write_binary(file.path(), binary_codes(type, 3)));
  }
  for (const int64_t bits : {0, 12, -8, 1 << 20}) {
    codes = binary_codes("BFlat", 0);
    codes.bits = bits;
    CHECK_FAILS(Failure::kInvalidArgument, write_binary(file.path(), codes));
  }
}

void survives_binary_files_with_a_turned_bit() {
  int refused = 0;
  for (const char* type : kBinaryTypes) {
    const File file("binary-turned");
    write_binary(file.path(), binary_codes(type, 60));
    const std::string whole = file.bytes();
    for (size_t length = 0; length < whole.size(); length += whole.size() / 100) {
      file.write(whole.substr(0, length));
      CHECK_FAILS(Failure::kFile, shelfstream::read_binary(file.path()));
    }
    std::mt19937 random(4712);
    for (int i = 0; i < 800; i++) {
      const size_t range = i % 2 == 0 ? std::min<size_t>(whole.size(), 200) : whole.size();
      std::string bytes = whole;
      bytes[random() % range] ^= static_cast<char>(1 << random() % 8);
      file.write(bytes);
      try {
        CHECK(shelfstream::read_binary(file.path()).codes.size() <= whole.size());
      } catch (const shelfstream::Error& e) {
        CHECK(e.failure() == Failure::kFile || e.failure() == Failure::kUnsupported);
        refused++;
      }
    }
  }
  CHECK(refused > 300);
}

/// Faiss leaves the inner ids as they were and moves the outer ones up.
void refuses_lists_under_a_map_that_faiss_removed_from() {
  const Floats x = unit_vectors(400, 1);
  const auto inner = theirs_of("IVF8,Flat");
  faiss::IndexIDMap2 theirs(inner.get());
  theirs.train(400, x.data());
  theirs.add_with_ids(400, x.data(), ids_from(0, 400).data());
  const Ids gone{3, 4};
  theirs.remove_ids(faiss::IDSelectorBatch(gone.size(), gone.data()));
  const File file("removed");
  faiss::write_index(&theirs, file.path().c_str());
  CHECK_FAILS(Failure::kFile, Index::read(file.path()));
}

void closes_under_running_searches() {
  Handles<Index> handles;
  for (int round = 0; round < 20; round++) {
    const int64_t handle = handles.add(filled("Flat", 2000));
    std::atomic<int> answered{0};
    std::atomic<int> closed{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++) {
      threads.emplace_back([&] {
        shelfstream::use_threads(1);
        const Floats queries = unit_vectors(4, 5);
        try {
          while (true) {
            CHECK(search(*handles.get(handle), queries, 3)[0] >= 1000);
            answered++;
          }
        } catch (const shelfstream::Error& e) {
          if (e.failure() == Failure::kClosed) closed++;
        }
      });
    }
    while (answered < 8) std::this_thread::yield();
    CHECK(handles.close(handle));
    for (std::thread& thread : threads) thread.join();
    CHECK(closed == 4);
    CHECK(!handles.close(handle));
  }
  CHECK_FAILS(Failure::kClosed, handles.get(0));
  CHECK_FAILS(Failure::kClosed, handles.get(-1));
  CHECK_FAILS(Failure::kClosed, handles.get(0x7fff12345678));
}

void sets_the_threads_of_the_caller() {
  shelfstream::use_threads(3);
  CHECK(omp_get_max_threads() == 3);
  std::thread([] {
    shelfstream::use_threads(0);
    CHECK(omp_get_max_threads() == 1);
  }).join();
  CHECK(omp_get_max_threads() == 3);
  shelfstream::use_threads(1);
}

void sets_the_batch_that_goes_through_blas() {
  CHECK(faiss::distance_compute_blas_threshold == (shelfstream::simd_level() == "generic" ? 1 : 4));
}

// Before all initialisers of Faiss: they are compiled for the variant and use what may be missing.
__attribute__((constructor(101))) void skip_unless_processor_fits() {
#if defined(__x86_64__)
  __builtin_cpu_init();
#endif
  if (!shelfstream::processor_fits()) {
    std::printf("skipped: this processor has no %s\n", shelfstream::simd_level().c_str());
    std::fflush(stdout);
    std::_Exit(77);
  }
}

}  // namespace

int main() {
  shelfstream::configure();
  shelfstream::use_threads(1);
  std::cout << "Faiss " << shelfstream::faiss_version() << ", " << shelfstream::simd_level() << ", "
            << shelfstream::blas() << std::endl;
  Tests tests;
  for (const Metric metric : {Metric::kInnerProduct, Metric::kL2}) {
    for (const char* type : kTypes) {
      tests.add(std::string(type) + (metric == Metric::kL2 ? " L2" : " inner product") +
                    " finds what was added",
                [=] { finds_what_was_added(type, metric); });
    }
  }
  tests.add("flat agrees with plain arithmetic", flat_agrees_with_plain_arithmetic);
  tests.add("refuses types and dimensions", refuses_types_and_dimensions);
  tests.add("refuses bad vectors", refuses_bad_vectors);
  tests.add("refuses bad counts and memory", refuses_bad_counts_and_memory);
  tests.add("refuses bad ids and adds nothing then", refuses_bad_ids_and_adds_nothing_then);
  tests.add("removes and ignores unknown ids", removes_and_ignores_unknown_ids);
  tests.add("forgets all on reset", forgets_all_on_reset);
  tests.add("answers with less than k", answers_with_less_than_k);
  tests.add("wants training first", wants_training_first);
  tests.add("reads what it wrote", reads_what_it_wrote);
  tests.add("reads indexes that others wrote", reads_indexes_that_others_wrote);
  tests.add("keeps outer ids of inverted lists under a map",
            keeps_outer_ids_of_inverted_lists_under_a_map);
  tests.add("refuses files it does not know", refuses_files_it_does_not_know);
  tests.add("refuses files with doubled ids", refuses_files_with_doubled_ids);
  tests.add("refuses files cut short or too long", refuses_files_cut_short_or_too_long);
  tests.add("survives files with a turned bit", survives_files_with_a_turned_bit);
  tests.add("reads the binary codes it wrote", reads_the_binary_codes_it_wrote);
  tests.add("reads binary codes that Faiss wrote", reads_binary_codes_that_faiss_wrote);
  tests.add("refuses binary codes that cannot be", refuses_binary_codes_that_cannot_be);
  tests.add("survives binary files with a turned bit", survives_binary_files_with_a_turned_bit);
  tests.add("refuses lists under a map that Faiss removed from",
            refuses_lists_under_a_map_that_faiss_removed_from);
  tests.add("closes under running searches", closes_under_running_searches);
  tests.add("sets the threads of the caller", sets_the_threads_of_the_caller);
  tests.add("sets the batch that goes through BLAS", sets_the_batch_that_goes_through_blas);
  add_segment_tests(tests);
  return tests.run();
}
