// The edge to NativeResize.java, which has checked every argument.
#include <jni.h>

#include <cstdlib>

#include "resize.h"

using namespace shelfstream;

namespace {

Pixels pixels(jlong data, jlong step, jint width, jint height) {
  return {reinterpret_cast<const uint8_t*>(data), static_cast<ptrdiff_t>(step), width, height};
}

// Copies, as nothing may stop the collector for as long as an image takes.
struct Tables {
  float values[CHANNELS * LEVELS];

  Tables(JNIEnv* env, jfloatArray tables) {
    env->GetFloatArrayRegion(tables, 0, CHANNELS * LEVELS, values);
  }
};

Planes planes(JNIEnv* env, jobject target, jint at, jint size, const Tables& tables, jboolean rgb) {
  float* start = static_cast<float*>(env->GetDirectBufferAddress(target)) + at;
  return {start, size, tables.values, {rgb ? 2 : 0, 1, rgb ? 0 : 2}};
}

}  // namespace

extern "C" {

JNIEXPORT jboolean JNICALL Java_io_shelfstream_image_NativeResize_runsHere(JNIEnv*, jclass) {
  return runs_here();
}

JNIEXPORT void JNICALL Java_io_shelfstream_image_NativeResize_cubic(
    JNIEnv* env, jclass, jlong data, jlong step, jint width, jint height, jintArray firsts_across,
    jfloatArray weights_across, jintArray firsts_down, jfloatArray weights_down,
    jfloatArray table_values, jboolean rgb, jint size, jobject target, jint at) {
  const size_t floats = cubic_memory(size);
  float* memory =
      static_cast<float*>(std::malloc(sizeof(float) * (floats + 2 * (1 + TAPS) * size)));
  if (memory == nullptr) {
    env->ThrowNew(env->FindClass("java/lang/OutOfMemoryError"), "rows of a resized image");
    return;
  }
  float* weights = memory + floats;
  jint* firsts = reinterpret_cast<jint*>(weights + 2 * TAPS * size);
  env->GetFloatArrayRegion(weights_across, 0, TAPS * size, weights);
  env->GetFloatArrayRegion(weights_down, 0, TAPS * size, weights + TAPS * size);
  env->GetIntArrayRegion(firsts_across, 0, size, firsts);
  env->GetIntArrayRegion(firsts_down, 0, size, firsts + size);
  const Tables tables(env, table_values);
  resize_cubic(pixels(data, step, width, height), {firsts, weights},
               {firsts + size, weights + TAPS * size},
               planes(env, target, at, size, tables, rgb), memory);
  std::free(memory);
}

JNIEXPORT void JNICALL Java_io_shelfstream_image_NativeResize_layOut(
    JNIEnv* env, jclass, jlong data, jlong step, jfloatArray table_values, jboolean rgb, jint size,
    jobject target, jint at) {
  const Tables tables(env, table_values);
  lay_out(pixels(data, step, size, size), planes(env, target, at, size, tables, rgb));
}

}  // extern "C"
