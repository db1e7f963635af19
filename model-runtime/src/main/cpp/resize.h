// Resizing, normalisation and layout of a model's input in one pass. Plain C++, no JNI, no memory
// of its own. Image: rows of blue, green, red, 8 bits each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shelfstream {

constexpr int CHANNELS = 3;
constexpr int TAPS = 4;
constexpr int LEVELS = 256;

struct Pixels {
  const uint8_t* data;
  ptrdiff_t step;  // bytes from one row to the next
  int width;
  int height;
};

// What CubicTaps.java computes: for each target position its first source position, which may lie
// outside, and four weights.
struct Taps {
  const int32_t* firsts;
  const float* weights;
};

// Three planes of size x size; plane p takes channel `channel[p]`, each value by way of a table.
struct Planes {
  float* target;
  int size;
  const float* tables;  // plane after plane, 256 values each
  int channel[CHANNELS];
};

// Whether this processor has what the functions below are compiled for.
bool runs_here();

// Floats that resize_cubic needs as `memory`.
size_t cubic_memory(int size);

// Cubic resizing to the bits of CubicResize.java; sides of the image are 4 or more.
void resize_cubic(const Pixels& image, const Taps& across, const Taps& down, const Planes& planes,
                  float* memory);

// Normalisation and layout alone, of an image of size x size.
void lay_out(const Pixels& image, const Planes& planes);

}  // namespace shelfstream
