// The vector loops of resize.cc for aarch64, in NEON, which every such processor has: one pixel, or
// four values, at once. Sums are rounded where those of resize_avx2.h are: the results are equal.
#pragma once

#include <arm_neon.h>

#include "resize.h"

namespace shelfstream {
namespace {

constexpr int LANES = 4;

bool processor_has_them() { return true; }

// Four pixels, 12 bytes, and not a byte more: the last ones may end the image.
inline uint8x16_t four_pixels(const uint8_t* p) {
  uint32_t last;
  __builtin_memcpy(&last, p + 8, sizeof last);
  return vcombine_u8(vld1_u8(p), vreinterpret_u8_u32(vset_lane_u32(last, vdup_n_u32(0), 0)));
}

// One tap: blue, green, red and 0 as float32.
template <int K>
inline float32x4_t tap(uint8x16_t pixels) {
  constexpr uint8_t i = CHANNELS * K;
  constexpr uint8_t none = 0xFF;  // outside the table: gives 0
  static constexpr uint8_t spread[16] = {i,     none, none, none, i + 1, none, none, none,
                                         i + 2, none, none, none, none,  none, none, none};
  return vcvtq_f32_u32(vreinterpretq_u32_u8(vqtbl1q_u8(pixels, vld1q_u8(spread))));
}

// Pixels of a row from x on whose four taps lie inside it; returns the first after them. Writes one
// float beyond the last.
int resize_inner(const uint8_t* row, int width, const Taps& taps, int x, int size, float* target) {
  for (; x < size && taps.firsts[x] + TAPS <= width; x++) {
    const uint8x16_t pixels = four_pixels(row + CHANNELS * taps.firsts[x]);
    const float32x4_t w = vld1q_f32(taps.weights + TAPS * x);
    float32x4_t sum = vmulq_laneq_f32(tap<0>(pixels), w, 0);
    sum = vfmaq_laneq_f32(sum, tap<1>(pixels), w, 1);
    sum = vfmaq_laneq_f32(sum, tap<2>(pixels), w, 2);
    sum = vfmaq_laneq_f32(sum, tap<3>(pixels), w, 3);
    vst1q_f32(target + CHANNELS * x, sum);
  }
  return x;
}

// A row of the result as integers 0 to 255; writes up to three beyond the last.
void resize_down(float* const rows[TAPS], const float* weights, int values, int32_t* target) {
  const int32x4_t least = vdupq_n_s32(0);
  const int32x4_t most = vdupq_n_s32(LEVELS - 1);
  for (int x = 0; x < values; x += LANES) {
    const float32x4_t upper = vfmaq_n_f32(vmulq_n_f32(vld1q_f32(rows[1] + x), weights[1]),
                                          vld1q_f32(rows[0] + x), weights[0]);
    const float32x4_t lower = vfmaq_n_f32(vmulq_n_f32(vld1q_f32(rows[3] + x), weights[3]),
                                          vld1q_f32(rows[2] + x), weights[2]);
    const int32x4_t nearest = vcvtnq_s32_f32(vaddq_f32(upper, lower));  // half to even
    vst1q_s32(target + x, vminq_s32(most, vmaxq_s32(least, nearest)));
  }
}

}  // namespace
}  // namespace shelfstream
