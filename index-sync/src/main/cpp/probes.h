#pragma once

#include <faiss/Index.h>

#include <algorithm>
#include <vector>

#include "compare.h"

namespace shelfstream {

/// Calls scan(list, queries) for the lists of an inverted file whose centres are nearest to each
/// query. Queries that look at the same list look together, so that it comes from memory once; a
/// single one looks at the nearest list first.
///
/// @param probes lists for each query (nprobe)
template <typename Scan>
void scan_nearest_lists(const faiss::Index& centres, int64_t probes, const Best& best, Scan scan) {
  struct Probe {
    int64_t list;
    int64_t query;
  };
  std::vector<int64_t> nearest(best.n * probes);
  std::vector<float> scores(best.n * probes);
  centres.search(best.n, best.x, probes, scores.data(), nearest.data());
  in_slices(best, [&](int64_t from, int64_t to) {
    std::vector<Probe> wanted;
    for (int64_t i = from * probes; i < to * probes; i++) {
      if (nearest[i] >= 0) wanted.push_back({nearest[i], i / probes});
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
