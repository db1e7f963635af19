#include <jni.h>

#include <string>
#include <vector>

#include "cuda_rows.h"
#include "failure.h"
#include "handles.h"
#include "jni_edge.h"

// The edge to io.shelfstream.index.NativeCuda, a library of its own: it needs CUDA's libraries, and
// must not keep the other one from loading where they are missing.

namespace {

using namespace shelfstream::jni;
using shelfstream::CudaDevice;
using shelfstream::CudaRows;

shelfstream::Handles<CudaDevice> devices;
shelfstream::Handles<CudaRows> rows;

namespace edge {

jbyteArray version(JNIEnv* env, jclass) {
  return guarded(env, [&] { return bytes(env, SHELFSTREAM_VERSION); });
}

jint count(JNIEnv* env, jclass) {
  return guarded(env, [&] {
    std::string why;
    return static_cast<jint>(shelfstream::cuda_devices(&why));
  });
}

/// CUDA's reason for finding no GPU; empty where it finds one.
jbyteArray why_none(JNIEnv* env, jclass) {
  return guarded(env, [&] {
    std::string why;
    shelfstream::cuda_devices(&why);
    return bytes(env, why);
  });
}

jlong open_device(JNIEnv* env, jclass, jint number, jlong temporary_bytes) {
  return guarded(env, [&]() -> jlong {
    return devices.add(std::make_shared<CudaDevice>(number, temporary_bytes));
  });
}

jbyteArray device_name(JNIEnv* env, jclass, jlong device) {
  return guarded(env, [&] { return bytes(env, devices.get(device)->name()); });
}

void close_device(JNIEnv* env, jclass, jlong device) {
  guarded(env, [&] { return devices.close(device); });
}

jlong make_rows(JNIEnv* env, jclass, jlong device, jint dimension, jboolean half) {
  return guarded(env, [&]() -> jlong {
    if (dimension < 1 || dimension > shelfstream::kMaxDimension) refuse("wrong dimension");
    return rows.add(
        std::make_shared<CudaRows>(*devices.get(device), dimension, half == JNI_TRUE));
  });
}

void append(JNIEnv* env, jclass, jlong handle, jobject vectors, jint offset, jint n) {
  guarded(env, [&] {
    const auto to = rows.get(handle);
    to->append(n, rows_of(env, vectors, offset, n, to->dimension()));
    return true;
  });
}

void search(JNIEnv* env, jclass, jlong handle, jobject queries, jint offset, jint n, jint k,
            jlongArray positions, jfloatArray scores) {
  guarded(env, [&] {
    const auto in = rows.get(handle);
    const float* x = rows_of(env, queries, offset, n, in->dimension());
    const jsize results = require_results(env, n, k, positions, scores);
    std::vector<int64_t> found(results);
    std::vector<float> values(results);
    in->search(n, x, k, found.data(), values.data());
    env->SetLongArrayRegion(positions, 0, results, reinterpret_cast<const jlong*>(found.data()));
    env->SetFloatArrayRegion(scores, 0, results, values.data());
    return true;
  });
}

void close_rows(JNIEnv* env, jclass, jlong handle) {
  guarded(env, [&] { return rows.close(handle); });
}

}  // namespace edge

}  // namespace

extern "C" JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM* vm, void*) {
  JNIEnv* env = nullptr;
  if (vm->GetEnv(reinterpret_cast<void**>(&env), JNI_VERSION_1_8) != JNI_OK) return JNI_ERR;
  if (!find_thrower(env)) return JNI_ERR;
  jclass found = env->FindClass("io/shelfstream/index/NativeCuda");
  if (found == nullptr) return JNI_ERR;
  const JNINativeMethod methods[] = {
      method("version0", "()[B", edge::version),
      method("count0", "()I", edge::count),
      method("whyNone0", "()[B", edge::why_none),
      method("openDevice0", "(IJ)J", edge::open_device),
      method("deviceName0", "(J)[B", edge::device_name),
      method("closeDevice0", "(J)V", edge::close_device),
      method("makeRows0", "(JIZ)J", edge::make_rows),
      method("append0", "(JLjava/nio/FloatBuffer;II)V", edge::append),
      method("search0", "(JLjava/nio/FloatBuffer;III[J[F)V", edge::search),
      method("closeRows0", "(J)V", edge::close_rows),
  };
  if (env->RegisterNatives(found, methods, sizeof methods / sizeof methods[0]) != JNI_OK) {
    return JNI_ERR;
  }
  return JNI_VERSION_1_8;
}
