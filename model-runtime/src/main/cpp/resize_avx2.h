// The vector loops of resize.cc for x86-64, in AVX2: two pixels, or eight values, at once.
#pragma once

#include <immintrin.h>

#include "resize.h"

#define SIMD __attribute__((target("avx2,fma")))

namespace shelfstream {
namespace {

constexpr int LANES = 8;

bool processor_has_them() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

// Four pixels, 12 bytes, and not a byte more: the last ones may end the image.
SIMD inline __m128i four_pixels(const uint8_t* p) {
  int32_t last;
  __builtin_memcpy(&last, p + 8, sizeof last);
  return _mm_insert_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)), last, 2);
}

// One tap of two pixels: blue, green, red and 0 of each as float32.
template <int K>
SIMD inline __m256 tap(__m256i pixels) {
  constexpr int i = CHANNELS * K;
  const __m256i spread =
      _mm256_setr_epi8(i, -1, -1, -1, i + 1, -1, -1, -1, i + 2, -1, -1, -1, -1, -1, -1, -1, i, -1,
                       -1, -1, i + 1, -1, -1, -1, i + 2, -1, -1, -1, -1, -1, -1, -1);
  return _mm256_cvtepi32_ps(_mm256_shuffle_epi8(pixels, spread));
}

// The weight of one tap, for both pixels in all their channels.
template <int K>
SIMD inline __m256 weight(__m256 weights) {
  return _mm256_permute_ps(weights, K * 0x55);
}

SIMD inline __m256 two_sums(__m128i first, __m128i second, const float* weights) {
  const __m256i pixels = _mm256_inserti128_si256(_mm256_castsi128_si256(first), second, 1);
  const __m256 w = _mm256_loadu_ps(weights);
  __m256 sum = _mm256_mul_ps(tap<0>(pixels), weight<0>(w));
  sum = _mm256_fmadd_ps(tap<1>(pixels), weight<1>(w), sum);
  sum = _mm256_fmadd_ps(tap<2>(pixels), weight<2>(w), sum);
  return _mm256_fmadd_ps(tap<3>(pixels), weight<3>(w), sum);
}

// Pixels of a row from x on whose four taps lie inside it; returns the first after them. Writes one
// float beyond the last.
SIMD int resize_inner(const uint8_t* row, int width, const Taps& taps, int x, int size,
                      float* target) {
  for (; x + 1 < size && taps.firsts[x + 1] + TAPS <= width; x += 2) {
    const __m256 sums = two_sums(four_pixels(row + CHANNELS * taps.firsts[x]),
                                 four_pixels(row + CHANNELS * taps.firsts[x + 1]),
                                 taps.weights + TAPS * x);
    _mm_storeu_ps(target + CHANNELS * x, _mm256_castps256_ps128(sums));
    _mm_storeu_ps(target + CHANNELS * (x + 1), _mm256_extractf128_ps(sums, 1));
  }
  if (x < size && taps.firsts[x] + TAPS <= width) {  // one is left over, and has no neighbour
    const float* w = taps.weights + TAPS * x;
    const float twice[2 * TAPS] = {w[0], w[1], w[2], w[3], w[0], w[1], w[2], w[3]};
    const __m128i pixels = four_pixels(row + CHANNELS * taps.firsts[x]);
    _mm_storeu_ps(target + CHANNELS * x, _mm256_castps256_ps128(two_sums(pixels, pixels, twice)));
    x++;
  }
  return x;
}

// A row of the result as integers 0 to 255; writes up to seven beyond the last.
SIMD void resize_down(float* const rows[TAPS], const float* weights, int values, int32_t* target) {
  const __m256 w0 = _mm256_set1_ps(weights[0]);
  const __m256 w1 = _mm256_set1_ps(weights[1]);
  const __m256 w2 = _mm256_set1_ps(weights[2]);
  const __m256 w3 = _mm256_set1_ps(weights[3]);
  const __m256i least = _mm256_setzero_si256();
  const __m256i most = _mm256_set1_epi32(LEVELS - 1);
  for (int x = 0; x < values; x += LANES) {
    const __m256 upper = _mm256_fmadd_ps(_mm256_loadu_ps(rows[0] + x), w0,
                                         _mm256_mul_ps(_mm256_loadu_ps(rows[1] + x), w1));
    const __m256 lower = _mm256_fmadd_ps(_mm256_loadu_ps(rows[2] + x), w2,
                                         _mm256_mul_ps(_mm256_loadu_ps(rows[3] + x), w3));
    const __m256i nearest = _mm256_cvtps_epi32(_mm256_add_ps(upper, lower));  // half to even
    const __m256i held = _mm256_min_epi32(most, _mm256_max_epi32(least, nearest));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(target + x), held);
  }
}

}  // namespace
}  // namespace shelfstream
