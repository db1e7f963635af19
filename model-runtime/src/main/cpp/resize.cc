#include "resize.h"

#if defined(__x86_64__)
#include "resize_avx2.h"
#elif defined(__aarch64__)
#include "resize_neon.h"
#endif

// Compiled with -ffp-contract=off: a product and a sum are rounded once only where fma says so.

namespace shelfstream {

#if defined(__x86_64__) || defined(__aarch64__)

namespace {

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

// Writes one float beyond the last of its row.
void resize_across(const uint8_t* row, int width, const Taps& taps, int size, float* target) {
  int x = 0;
  for (; x < size && taps.firsts[x] < 0; x++) {
    border(row, width, taps, x, target);
  }
  for (x = resize_inner(row, width, taps, x, size, target); x < size; x++) {
    border(row, width, taps, x, target);
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

bool runs_here() { return processor_has_them(); }

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
