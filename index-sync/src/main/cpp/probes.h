#pragma once

#include <faiss/Index.h>

#include <algorithm>
#include <vector>

#include "compare.h"

namespace shelfstream {

/// The lists whose centres are nearest to each query, and their scores; -1 where there is none.
struct NearestLists {
  int64_t each;
  std::vector<int64_t> lists;
  std::vector<float> scores;
};

/// @param probes lists for each query (nprobe); more where these hold fewer rows than wanted: what
///     is asked for far beyond the nearest would else be made up from other segments
/// @param length gives the rows of a list
template <typename Length>
NearestLists nearest_lists(const faiss::Index& centres, int64_t probes, int64_t wanted, int64_t n,
                           const float* x, Length length) {
  const int64_t all = centres.ntotal;
  for (int64_t each = std::min(probes, all);; each = std::min(2 * each, all)) {
    NearestLists nearest{each, std::vector<int64_t>(n * each), std::vector<float>(n * each)};
    centres.search(n, x, each, nearest.scores.data(), nearest.lists.data());
    bool enough = true;
    for (int64_t q = 0; q < n; q++) {
      int64_t rows = 0;
      for (int64_t i = 0; i < each; i++) {
        int64_t& list = nearest.lists[q * each + i];
        if (i >= probes && rows >= wanted) list = -1;
        if (list >= 0) rows += length(list);
      }
      enough = enough && rows >= wanted;
    }
    if (enough || each == all) return nearest;
  }
}

/// Calls scan(list, queries) for lists of an inverted file. Queries that look at the same list look
/// together, so that it comes from memory once; a single one looks at the nearest list first.
template <typename Scan>
void scan_lists(const faiss::Index& centres, const NearestLists& nearest, const Best& best,
                Scan scan) {
  struct Probe {
    int64_t list;
    int64_t query;
  };
  in_slices(best, [&](int64_t from, int64_t to) {
    std::vector<Probe> wanted;
    for (int64_t i = from * nearest.each; i < to * nearest.each; i++) {
      if (nearest.lists[i] >= 0) wanted.push_back({nearest.lists[i], i / nearest.each});
    }
    if (to - from > 1) {
      std::stable_sort(wanted.begin(), wanted.end(),
                       [](const Probe& a, const Probe& b) { return a.list < b.list; });
    }
    Compared queries(centres.d);
    for (auto probe = wanted.begin(); probe < wanted.end();) {
      const int64_t list = probe->list;
      queries.clear();
      for (; probe < wanted.end() && probe->list == list; probe++) queries.add(probe->query, best);
      scan(list, queries);
    }
  });
}

}  // namespace shelfstream
