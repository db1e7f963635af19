#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIDMap.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/IndexPQ.h>
#include <faiss/IndexScalarQuantizer.h>

#include <cmath>
#include <cstring>

#include "failure.h"
#include "index_file.h"
#include "limits.h"

namespace shelfstream {
namespace {

class Inspection {
 public:
  explicit Inspection(const std::string& path) : path_(path) {}

  void index(const faiss::Index& index, bool mapped) const {
    if (const auto* map = dynamic_cast<const faiss::IndexIDMap*>(&index)) {
      this->index(*map->index, true);
    } else if (const auto* graph = dynamic_cast<const faiss::IndexHNSW*>(&index)) {
      links(*graph);
      this->index(*graph->storage, mapped);
    } else if (const auto* lists = dynamic_cast<const faiss::IndexIVF*>(&index)) {
      inverted(*lists, mapped);
    } else if (const auto* pq = dynamic_cast<const faiss::IndexPQ*>(&index)) {
      values(pq->pq.centroids.data(), pq->pq.centroids.size(), "centroid");
    } else if (const auto* sq = dynamic_cast<const faiss::IndexScalarQuantizer*>(&index)) {
      scalar(sq->sq);
      codes(sq->sq, sq->codes.data(), sq->ntotal);
    } else if (const auto* flat = dynamic_cast<const faiss::IndexFlat*>(&index)) {
      values(flat->get_xb(), flat->ntotal * flat->d, "vector value");
    }
  }

 private:
  const std::string& path_;

  void expect(bool good, const std::string& what) const {
    if (!good) {
      throw Error(Failure::kFile, "index file " + path_ + " is damaged: " + what +
                                      "; copy or build it again");
    }
  }

  void values(const float* x, size_t n, const char* what) const {
    for (size_t i = 0; i < n; i++) {
      // Written so that NaN fails too. The words cost a thousand times the comparison.
      if (std::fabs(x[i]) <= kMaxMagnitude) continue;
      expect(false, std::string(what) + " " + std::to_string(i) + " is " + std::to_string(x[i]));
    }
  }

  void scalar(const faiss::ScalarQuantizer& sq) const {
    values(sq.trained.data(), sq.trained.size(), "quantizer range");
  }

  void codes(const faiss::ScalarQuantizer& sq, const uint8_t* bytes, size_t rows) const {
    if (sq.qtype != faiss::ScalarQuantizer::QT_fp16) return;
    for (size_t i = 0; i < rows * sq.d; i++) {
      uint16_t half;
      std::memcpy(&half, bytes + 2 * i, sizeof half);
      // All exponent bits set: infinity or NaN.
      if ((half & 0x7c00) == 0x7c00) expect(false, "half-precision value " + std::to_string(i));
    }
  }

  void links(const faiss::IndexHNSW& index) const {
    const faiss::HNSW& graph = index.hnsw;
    const int64_t rows = index.ntotal;
    const auto depth = static_cast<int64_t>(graph.assign_probas.size());
    int top = 0;
    expect(graph.offsets[0] == 0, "first offset");
    for (int64_t row = 0; row < rows; row++) {
      const int levels = graph.levels[row];
      expect(levels >= 1 && levels <= depth, "levels of row " + std::to_string(row));
      const auto length = static_cast<size_t>(graph.cum_nneighbor_per_level[levels]);
      expect(graph.offsets[row + 1] == graph.offsets[row] + length,
             "offset of row " + std::to_string(row));
      top = std::max(top, levels);
    }
    expect(graph.offsets[rows] == graph.neighbors.size(), "number of links");
    expect(graph.max_level == top - 1, "highest level " + std::to_string(graph.max_level));
    expect(rows == 0 ? graph.entry_point == -1
                     : graph.entry_point >= 0 && graph.entry_point < rows &&
                           graph.levels[graph.entry_point] == top,
           "entry point " + std::to_string(graph.entry_point));
    for (int64_t row = 0; row < rows; row++) row_links(graph, row, rows);
    for (const double share : graph.assign_probas) {
      expect(share >= 0 && share <= 1, "level probability " + std::to_string(share));
    }
  }

  void row_links(const faiss::HNSW& graph, int64_t row, int64_t rows) const {
    for (int level = 0; level < graph.levels[row]; level++) {
      const size_t begin = graph.offsets[row] + graph.cum_nneighbor_per_level[level];
      const size_t end = graph.offsets[row] + graph.cum_nneighbor_per_level[level + 1];
      for (size_t i = begin; i < end; i++) {
        const int64_t link = graph.neighbors[i];
        // A link on a level its target does not have would be followed past the target's links.
        const bool good = link == -1 || (link >= 0 && link < rows && graph.levels[link] > level);
        if (!good) expect(false, "link of row " + std::to_string(row));
      }
    }
  }

  void inverted(const faiss::IndexIVF& index, bool mapped) const {
    this->index(*index.quantizer, false);
    const auto* sq = dynamic_cast<const faiss::IndexIVFScalarQuantizer*>(&index);
    const auto* pq = dynamic_cast<const faiss::IndexIVFPQ*>(&index);
    if (sq != nullptr) scalar(sq->sq);
    if (pq != nullptr) values(pq->pq.centroids.data(), pq->pq.centroids.size(), "centroid");
    for (size_t list = 0; list < index.nlist; list++) {
      const size_t length = index.invlists->list_size(list);
      const int64_t* ids = index.invlists->get_ids(list);
      for (size_t i = 0; i < length; i++) {
        expect(ids[i] >= 0, "id " + std::to_string(ids[i]) + " in list " + std::to_string(list));
        expect(!mapped || ids[i] < index.ntotal,
               "the ids of its lists do not fit its id map, as Faiss leaves them when vectors are "
               "removed from an inverted file under an id map, and which name belongs to which "
               "vector is lost");
      }
      const uint8_t* bytes = index.invlists->get_codes(list);
      if (sq != nullptr) {
        codes(sq->sq, bytes, length);
      } else if (pq == nullptr) {
        values(reinterpret_cast<const float*>(bytes), length * index.d, "vector value");
      }
    }
  }
};

}  // namespace

void check_loaded(const std::string& path, const faiss::Index& index) {
  Inspection(path).index(index, false);
}

}  // namespace shelfstream
