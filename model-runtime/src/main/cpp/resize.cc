#include "resize.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Compiled with -ffp-contract=off: a product and a sum are rounded once only where fma says so.

namespace shelfstream {

#if defined(__x86_64__)
#define SIMD __attribute__((target("avx2,fma")))

namespace {

constexpr int LANES = 8;

int clamp(int value, int end) { return value < 0 ? 0 : value >= end ? end - 1 : value; }

void border(const uint8_t* row, int width, const Taps& taps, int x, float* target) {
  const float* w = taps.weights + TAPS * x;
  const uint8_t* p[TAPS];
  for (int k = 0; k < TAPS; k++) {
    p[k] = row + CHANNELS * clamp(taps.firsts[x] + k, width);
  }
  for (int c = 0; c < CHANNELS; c++) {
    const float even = p[0][c] * w[0] + p[2][c] * w[2];
    const float odd = p[1][c] * w[1] + p[3][c] * w[3];
    target[CHANNELS * x + c] = even + odd;
  }
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

// Writes one float beyond the last of its row.
SIMD void resize_across(const uint8_t* row, int width, const Taps& taps, int size, float* target) {
  int x = 0;
  for (; x < size && taps.firsts[x] < 0; x++) {
    border(row, width, taps, x, target);
  }
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
  for (; x < size; x++) {
    border(row, width, taps, x, target);
  }
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

template <typename Value>
void write_row(const Value* row, int y, const Planes& planes) {
  const int size = planes.size;
  for (int p = 0; p < CHANNELS; p++) {
    const float* table = planes.tables + LEVELS * p;
    const Value* value = row + planes.channel[p];
    float* target = planes.target + (static_cast<ptrdiff_t>(p) * size + y) * size;
    for (int x = 0; x < size; x++) {
      target[x] = table[value[CHANNELS * x]];
    }
  }
}

// Room for the values that vectors write beyond a row.
size_t row_floats(int size) { return CHANNELS * static_cast<size_t>(size) + LANES; }

}  // namespace

bool runs_here() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

size_t cubic_memory(int size) { return (TAPS + 1) * row_floats(size); }

void resize_cubic(const Pixels& image, const Taps& across, const Taps& down, const Planes& planes,
                  float* memory) {
  const int size = planes.size;
  float* recent[TAPS];  // rows resized across, by row modulo 4
  int held[TAPS];
  for (int k = 0; k < TAPS; k++) {
    recent[k] = memory + k * row_floats(size);
    held[k] = -1;
    for (size_t i = CHANNELS * static_cast<size_t>(size); i < row_floats(size); i++) {
      recent[k][i] = 0;
    }
  }
  int32_t* levels = reinterpret_cast<int32_t*>(memory + TAPS * row_floats(size));
  for (int y = 0; y < size; y++) {
    float* rows[TAPS];
    for (int k = 0; k < TAPS; k++) {
      const int row = clamp(down.firsts[y] + k, image.height);
      rows[k] = recent[row % TAPS];
      if (held[row % TAPS] != row) {
        resize_across(image.data + row * image.step, image.width, across, size, rows[k]);
        held[row % TAPS] = row;
      }
    }
    resize_down(rows, down.weights + TAPS * y, CHANNELS * size, levels);
    write_row(levels, y, planes);
  }
}

void lay_out(const Pixels& image, const Planes& planes) {
  for (int y = 0; y < planes.size; y++) {
    write_row(image.data + y * image.step, y, planes);
  }
}

#else  // Other processors keep to the Java code.

bool runs_here() { return false; }
size_t cubic_memory(int) { return 0; }
void resize_cubic(const Pixels&, const Taps&, const Taps&, const Planes&, float*) {}
void lay_out(const Pixels&, const Planes&) {}

#endif

}  // namespace shelfstream
