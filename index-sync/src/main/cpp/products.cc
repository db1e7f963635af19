#include "products.h"

namespace shelfstream {

#define SHELFSTREAM_DECLARE(name)                                                           \
  void products_##name(int64_t m, const float* const* x, int64_t n, const float* y, int64_t d, \
                       const float* end, float* out)

SHELFSTREAM_DECLARE(generic);
#if defined(__x86_64__)
SHELFSTREAM_DECLARE(avx2);
SHELFSTREAM_DECLARE(avx512);
#endif

std::vector<Products> all_inner_products() {
  std::vector<Products> all;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) all.push_back(products_avx512);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back(products_avx2);
#endif
  all.push_back(products_generic);
  return all;
}

const Products inner_products = all_inner_products().front();

}  // namespace shelfstream
