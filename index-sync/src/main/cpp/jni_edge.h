#pragma once

#include <jni.h>

#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "failure.h"
#include "limits.h"

/// What every edge to Java needs: check, call, convert. Nothing thrown leaves it, and no Java array
/// or buffer is pinned during a search.
namespace shelfstream::jni {

/// Has the static method `RuntimeException failure(int, byte[])`.
inline jclass thrower = nullptr;
inline jmethodID failure_method = nullptr;

inline jbyteArray bytes(JNIEnv* env, const std::string& text) {
  const auto length = static_cast<jsize>(text.size());
  jbyteArray array = env->NewByteArray(length);
  if (array != nullptr) {
    env->SetByteArrayRegion(array, 0, length, reinterpret_cast<const jbyte*>(text.data()));
  }
  return array;
}

inline void raise(JNIEnv* env, Failure failure, const char* message) noexcept {
  if (env->ExceptionCheck()) return;
  jbyteArray text = nullptr;
  try {
    text = bytes(env, message);
  } catch (...) {
    // Reported without words: there is no memory for them.
  }
  if (env->ExceptionCheck()) return;
  auto* thrown = static_cast<jthrowable>(env->CallStaticObjectMethod(
      thrower, failure_method, static_cast<jint>(failure), text));
  if (!env->ExceptionCheck()) env->Throw(thrown);
}

template <typename Call>
auto guarded(JNIEnv* env, Call call) noexcept -> decltype(call()) {
  try {
    return call();
  } catch (const Error& e) {
    raise(env, e.failure(), e.what());
  } catch (const std::bad_alloc&) {
    raise(env, Failure::kOutOfMemory, "not enough memory outside the Java heap");
  } catch (const std::exception& e) {
    raise(env, Failure::kFaiss, e.what());
  } catch (...) {
    raise(env, Failure::kFaiss, "unknown native error");
  }
  return decltype(call())();
}

[[noreturn]] inline void refuse(const std::string& message) {
  throw Error(Failure::kInvalidArgument, message);
}

inline std::string text_of(JNIEnv* env, jbyteArray array, const char* what) {
  if (array == nullptr) refuse(std::string(what) + " is null");
  std::string text(env->GetArrayLength(array), '\0');
  env->GetByteArrayRegion(array, 0, static_cast<jsize>(text.size()),
                          reinterpret_cast<jbyte*>(&text[0]));
  return text;
}

inline std::vector<int64_t> longs_of(JNIEnv* env, jlongArray array) {
  if (array == nullptr) refuse("ids are null");
  std::vector<int64_t> longs(env->GetArrayLength(array));
  env->GetLongArrayRegion(array, 0, static_cast<jsize>(longs.size()),
                          reinterpret_cast<jlong*>(longs.data()));
  return longs;
}

inline std::vector<int32_t> ints_of(JNIEnv* env, jintArray array, const char* what) {
  if (array == nullptr) refuse(std::string(what) + " are null");
  std::vector<int32_t> ints(env->GetArrayLength(array));
  env->GetIntArrayRegion(array, 0, static_cast<jsize>(ints.size()),
                         reinterpret_cast<jint*>(ints.data()));
  return ints;
}

/// The first of n rows in a direct FloatBuffer, whose capacity JNI counts in floats.
inline const float* rows_of(JNIEnv* env, jobject buffer, jint offset, int64_t n, int64_t dimension) {
  if (n < 0 || n > kMaxVectors) {
    refuse("number of vectors " + std::to_string(n) + " is outside 0 to " +
           std::to_string(kMaxVectors));
  }
  if (buffer == nullptr) refuse("vectors are null");
  const auto* address = static_cast<const float*>(env->GetDirectBufferAddress(buffer));
  if (address == nullptr) refuse("vectors are not in a direct buffer");
  const int64_t capacity = env->GetDirectBufferCapacity(buffer);
  const int64_t needed = offset + n * dimension;
  if (offset < 0 || capacity < needed) {
    refuse("vectors need " + std::to_string(needed) + " floats, the buffer has " +
           std::to_string(capacity) + " and starts at " + std::to_string(offset));
  }
  return address + offset;
}

/// Gives n × k.
inline jsize require_results(JNIEnv* env, jint n, jint k, jlongArray ids, jfloatArray scores) {
  if (k < 1 || int64_t{n} * k > kMaxResults) {
    refuse(std::to_string(n) + " queries of " + std::to_string(k) + " neighbours refused");
  }
  const jsize results = n * k;
  if (ids == nullptr || scores == nullptr || env->GetArrayLength(ids) < results ||
      env->GetArrayLength(scores) < results) {
    refuse("result arrays are null or shorter than " + std::to_string(results));
  }
  return results;
}

template <typename Function>
JNINativeMethod method(const char* name, const char* signature, Function* function) {
  return {const_cast<char*>(name), const_cast<char*>(signature),
          reinterpret_cast<void*>(function)};
}

/// Finds the class that makes exceptions.
inline bool find_thrower(JNIEnv* env) {
  jclass found = env->FindClass("io/shelfstream/index/NativeFaiss");
  if (found == nullptr) return false;
  thrower = static_cast<jclass>(env->NewGlobalRef(found));
  failure_method = env->GetStaticMethodID(found, "failure", "(I[B)Ljava/lang/RuntimeException;");
  return thrower != nullptr && failure_method != nullptr;
}

}  // namespace shelfstream::jni
