#include <dlfcn.h>
#include <jni.h>

#include <string>
#include <vector>

#include "binary_codes.h"
#include "candidates.h"
#include "failure.h"
#include "handles.h"
#include "index.h"
#include "jni_edge.h"
#include "limits.h"
#include "rows.h"
#include "runtime.h"
#include "segment.h"

// The edge to io.shelfstream.index.NativeFaiss: check, call, convert; nothing else.

namespace {

using namespace shelfstream::jni;
using shelfstream::Error;
using shelfstream::Failure;
using shelfstream::Index;
using shelfstream::Segment;

shelfstream::Handles<Index> handles;
shelfstream::Handles<Segment> segments;

// Named apart from libc's read, write, close and remove.
namespace edge {

jlong create(JNIEnv* env, jclass, jbyteArray factory, jint dimension, jint metric) {
  return guarded(env, [&]() -> jlong {
    if (metric != 0 && metric != 1) refuse("metric " + std::to_string(metric) + " is unknown");
    shelfstream::use_threads(1);
    return handles.add(Index::create(text_of(env, factory, "index type"), dimension,
                                     static_cast<shelfstream::Metric>(metric)));
  });
}

jlong read(JNIEnv* env, jclass, jbyteArray path) {
  return guarded(env, [&]() -> jlong {
    shelfstream::use_threads(1);
    return handles.add(Index::read(text_of(env, path, "path")));
  });
}

void close(JNIEnv* env, jclass, jlong handle) {
  guarded(env, [&] { return handles.close(handle); });
}

jint dimension(JNIEnv* env, jclass, jlong handle) {
  return guarded(env,
                 [&] { return static_cast<jint>(handles.get(handle)->dimension()); });
}

jlong size(JNIEnv* env, jclass, jlong handle) {
  return guarded(env, [&] { return static_cast<jlong>(handles.get(handle)->size()); });
}

jboolean trained(JNIEnv* env, jclass, jlong handle) {
  return guarded(env, [&] { return static_cast<jboolean>(handles.get(handle)->trained()); });
}

jint metric(JNIEnv* env, jclass, jlong handle) {
  return guarded(env, [&] { return static_cast<jint>(handles.get(handle)->metric()); });
}

jbyteArray type(JNIEnv* env, jclass, jlong handle) {
  return guarded(env, [&] { return bytes(env, handles.get(handle)->type()); });
}

jlongArray ids(JNIEnv* env, jclass, jlong handle) {
  return guarded(env, [&]() -> jlongArray {
    const auto index = handles.get(handle);
    if (index->size() > INT32_MAX) refuse("too many ids for one array");
    std::vector<int64_t> all(index->size());
    index->ids(static_cast<int64_t>(all.size()), all.data());
    jlongArray array = env->NewLongArray(static_cast<jsize>(all.size()));
    if (array != nullptr) {
      env->SetLongArrayRegion(array, 0, static_cast<jsize>(all.size()),
                              reinterpret_cast<const jlong*>(all.data()));
    }
    return array;
  });
}

void train(JNIEnv* env, jclass, jlong handle, jobject vectors, jint offset, jint n, jint threads) {
  guarded(env, [&] {
    const auto index = handles.get(handle);
    const float* rows = rows_of(env, vectors, offset, n, index->dimension());
    shelfstream::use_threads(threads);
    index->train(n, rows);
    return true;
  });
}

void add(JNIEnv* env, jclass, jlong handle, jlongArray ids, jobject vectors, jint offset,
         jint threads) {
  guarded(env, [&] {
    const auto index = handles.get(handle);
    const std::vector<int64_t> numbers = longs_of(env, ids);
    const auto n = static_cast<int64_t>(numbers.size());
    const float* rows = rows_of(env, vectors, offset, n, index->dimension());
    shelfstream::use_threads(threads);
    index->add(n, numbers.data(), rows);
    return true;
  });
}

jint remove(JNIEnv* env, jclass, jlong handle, jlongArray ids, jint threads) {
  return guarded(env, [&] {
    const auto index = handles.get(handle);
    const std::vector<int64_t> numbers = longs_of(env, ids);
    shelfstream::use_threads(threads);
    return static_cast<jint>(
        index->remove(static_cast<int64_t>(numbers.size()), numbers.data()));
  });
}

void search(JNIEnv* env, jclass, jlong handle, jobject queries, jint offset, jint n, jint k,
            jint threads, jlongArray ids, jfloatArray scores) {
  guarded(env, [&] {
    const auto index = handles.get(handle);
    const float* rows = rows_of(env, queries, offset, n, index->dimension());
    const jsize results = require_results(env, n, k, ids, scores);
    std::vector<int64_t> found(results);
    std::vector<float> values(results);
    shelfstream::use_threads(threads);
    index->search(n, rows, k, found.data(), values.data());
    env->SetLongArrayRegion(ids, 0, results, reinterpret_cast<const jlong*>(found.data()));
    env->SetFloatArrayRegion(scores, 0, results, values.data());
    return true;
  });
}

void copy_rows(JNIEnv* env, jclass, jlong handle, jlong from, jlongArray ids, jobject vectors,
               jint offset) {
  guarded(env, [&] {
    const auto index = handles.get(handle);
    std::vector<int64_t> numbers(longs_of(env, ids).size());
    const auto n = static_cast<int64_t>(numbers.size());
    const float* x = rows_of(env, vectors, offset, n, index->dimension());
    index->rows(from, n, numbers.data(), const_cast<float*>(x));
    env->SetLongArrayRegion(ids, 0, static_cast<jsize>(n),
                            reinterpret_cast<const jlong*>(numbers.data()));
    return true;
  });
}

void reset(JNIEnv* env, jclass, jlong handle) {
  guarded(env, [&] {
    handles.get(handle)->reset();
    return true;
  });
}

void write(JNIEnv* env, jclass, jlong handle, jbyteArray path) {
  guarded(env, [&] {
    shelfstream::use_threads(1);
    handles.get(handle)->write(text_of(env, path, "path"));
    return true;
  });
}

/// A file of codes as {type, {bits}, ids, codes}.
jobjectArray read_binary(JNIEnv* env, jclass, jbyteArray path) {
  return guarded(env, [&]() -> jobjectArray {
    shelfstream::use_threads(1);
    const shelfstream::BinaryCodes read = shelfstream::read_binary(text_of(env, path, "path"));
    if (read.codes.size() > INT32_MAX) {
      throw Error(Failure::kUnsupported, "the codes of this index take " +
                                             std::to_string(read.codes.size()) +
                                             " bytes, more than a Java array");
    }
    jclass object = env->FindClass("java/lang/Object");
    if (object == nullptr) return nullptr;
    jobjectArray parts = env->NewObjectArray(4, object, nullptr);
    const auto rows = static_cast<jsize>(read.ids.size());
    const auto size = static_cast<jsize>(read.codes.size());
    jbyteArray type = bytes(env, read.type);
    jlongArray bits = env->NewLongArray(1);
    jlongArray ids = env->NewLongArray(rows);
    jbyteArray codes = env->NewByteArray(size);
    if (env->ExceptionCheck()) return nullptr;
    const jlong number = read.bits;
    env->SetLongArrayRegion(bits, 0, 1, &number);
    env->SetLongArrayRegion(ids, 0, rows, reinterpret_cast<const jlong*>(read.ids.data()));
    env->SetByteArrayRegion(codes, 0, size, reinterpret_cast<const jbyte*>(read.codes.data()));
    const jobject all[] = {type, bits, ids, codes};
    for (jsize i = 0; i < 4; i++) env->SetObjectArrayElement(parts, i, all[i]);
    return parts;
  });
}

void write_binary(JNIEnv* env, jclass, jbyteArray path, jbyteArray type, jint bits, jlongArray ids,
                  jbyteArray codes) {
  guarded(env, [&] {
    if (codes == nullptr) refuse("codes are null");
    shelfstream::BinaryCodes written;
    written.type = text_of(env, type, "index type");
    written.bits = bits;
    written.ids = longs_of(env, ids);
    written.codes.resize(env->GetArrayLength(codes));
    env->GetByteArrayRegion(codes, 0, static_cast<jsize>(written.codes.size()),
                            reinterpret_cast<jbyte*>(written.codes.data()));
    shelfstream::use_threads(1);
    shelfstream::write_binary(text_of(env, path, "path"), written);
    return true;
  });
}

jlong make_block(JNIEnv* env, jclass, jint dimension, jint capacity) {
  return guarded(env, [&]() -> jlong { return segments.add(Segment::make_block(dimension, capacity)); });
}

jlong make_index(JNIEnv* env, jclass, jbyteArray type, jint dimension, jint capacity) {
  return guarded(env, [&]() -> jlong {
    shelfstream::use_threads(1);
    return segments.add(Segment::make_index(text_of(env, type, "index type"), dimension, capacity));
  });
}

jlong make_like(JNIEnv* env, jclass, jlong handle, jint capacity) {
  return guarded(env, [&]() -> jlong {
    shelfstream::use_threads(1);
    return segments.add(segments.get(handle)->make_like(capacity));
  });
}

void close_segment(JNIEnv* env, jclass, jlong handle) {
  guarded(env, [&] { return segments.close(handle); });
}

jlong open_segments(JNIEnv* env, jclass) {
  return guarded(env, [&]() -> jlong { return segments.open(); });
}

void train_segment(JNIEnv* env, jclass, jlong handle, jlong source) {
  guarded(env, [&] {
    shelfstream::use_threads(1);
    segments.get(handle)->train_from(*segments.get(source));
    return true;
  });
}

void append_from(JNIEnv* env, jclass, jlong handle, jlong source, jintArray positions) {
  guarded(env, [&] {
    const std::vector<int32_t> chosen = ints_of(env, positions, "positions");
    shelfstream::use_threads(1);
    segments.get(handle)->append_from(*segments.get(source), static_cast<int64_t>(chosen.size()),
                                      chosen.data());
    return true;
  });
}

void append(JNIEnv* env, jclass, jlong handle, jobject vectors, jint offset, jint n) {
  guarded(env, [&] {
    const auto segment = segments.get(handle);
    shelfstream::use_threads(1);
    segment->append(n, rows_of(env, vectors, offset, n, segment->dimension()));
    return true;
  });
}

void mark_deleted(JNIEnv* env, jclass, jlong handle, jint position, jlong sequence) {
  guarded(env, [&] {
    segments.get(handle)->mark_deleted(position, sequence);
    return true;
  });
}

void copy(JNIEnv* env, jclass, jlong handle, jintArray positions, jobject out, jint offset) {
  guarded(env, [&] {
    const auto segment = segments.get(handle);
    const std::vector<int32_t> chosen = ints_of(env, positions, "positions");
    const auto n = static_cast<int64_t>(chosen.size());
    const float* rows = rows_of(env, out, offset, n, segment->dimension());
    segment->copy(n, chosen.data(), const_cast<float*>(rows));
    return true;
  });
}

void search_parameter(JNIEnv* env, jclass, jlong handle, jint value) {
  guarded(env, [&] {
    segments.get(handle)->search_parameter(value);
    return true;
  });
}

void require_unit_length(JNIEnv* env, jclass, jobject vectors, jint n, jint dimension,
                         jfloat tolerance) {
  guarded(env, [&] {
    if (dimension < 1 || dimension > shelfstream::kMaxDimension) refuse("wrong dimension");
    shelfstream::require_unit_length(n, rows_of(env, vectors, 0, n, dimension), dimension,
                                     tolerance);
    return true;
  });
}

jint lists(JNIEnv* env, jclass, jlong handle) {
  return guarded(env, [&] { return static_cast<jint>(segments.get(handle)->lists()); });
}

void copy_centres(JNIEnv* env, jclass, jlong handle, jobject out) {
  guarded(env, [&] {
    const auto segment = segments.get(handle);
    const float* rows = rows_of(env, out, 0, segment->lists(), segment->dimension());
    segment->copy_centres(const_cast<float*>(rows));
    return true;
  });
}

void take_centres(JNIEnv* env, jclass, jlong handle, jobject centres, jint n) {
  guarded(env, [&] {
    const auto segment = segments.get(handle);
    shelfstream::use_threads(1);
    segment->take_centres(n, rows_of(env, centres, 0, n, segment->dimension()));
    return true;
  });
}

void copy_lists(JNIEnv* env, jclass, jlong handle, jint from, jintArray out) {
  guarded(env, [&] {
    if (out == nullptr) refuse("lists are null");
    std::vector<int32_t> lists(env->GetArrayLength(out));
    segments.get(handle)->copy_lists(from, static_cast<int64_t>(lists.size()), lists.data());
    env->SetIntArrayRegion(out, 0, static_cast<jsize>(lists.size()),
                           reinterpret_cast<const jint*>(lists.data()));
    return true;
  });
}

void begin_filling(JNIEnv* env, jclass, jlong handle, jintArray rows_of_groups) {
  guarded(env, [&] {
    const std::vector<int32_t> rows = ints_of(env, rows_of_groups, "rows of groups");
    segments.get(handle)->begin_filling(static_cast<int64_t>(rows.size()), rows.data());
    return true;
  });
}

/// The memory of some rows from a position on, as many as lie one after the other, to be written to
/// until end_filling.
jobject place(JNIEnv* env, jclass, jlong handle, jint position, jint n) {
  return guarded(env, [&]() -> jobject {
    const auto segment = segments.get(handle);
    const auto [rows, run] = segment->place(position, n);
    return env->NewDirectByteBuffer(
        rows, run * segment->dimension() * static_cast<int64_t>(sizeof(float)));
  });
}

void end_filling(JNIEnv* env, jclass, jlong handle) {
  guarded(env, [&] {
    segments.get(handle)->end_filling();
    return true;
  });
}

/// Which of n rows are marked deleted at a sequence number, one bit a row.
void copy_deleted(JNIEnv* env, jclass, jlong handle, jlong sequence, jlongArray out, jint n) {
  guarded(env, [&] {
    const auto segment = segments.get(handle);
    if (out == nullptr || n < 0 || env->GetArrayLength(out) < (n + int64_t{63}) / 64) {
      refuse("bits are null or too few for " + std::to_string(n) + " rows");
    }
    std::vector<int64_t> bits(env->GetArrayLength(out));
    for (int64_t i = 0; i < n; i++) {
      if (segment->is_deleted(i, sequence)) bits[i / 64] |= static_cast<int64_t>(uint64_t{1} << (i % 64));
    }
    env->SetLongArrayRegion(out, 0, static_cast<jsize>(bits.size()),
                            reinterpret_cast<const jlong*>(bits.data()));
    return true;
  });
}

/// The bits of a view's rows, null where all may be found.
const uint64_t* filter_of(JNIEnv* env, jobject buffer, int64_t rows) {
  if (buffer == nullptr) return nullptr;
  const auto* bits = static_cast<const uint64_t*>(env->GetDirectBufferAddress(buffer));
  // In longs of 64 rows.
  if (bits == nullptr || env->GetDirectBufferCapacity(buffer) < (rows + int64_t{63}) / 64) {
    refuse("filter refused: a direct buffer of a bit for each of " + std::to_string(rows) +
           " rows expected");
  }
  return bits;
}

/// The same for each of several views.
std::vector<const uint64_t*> filters_of(JNIEnv* env, jobjectArray buffers,
                                        const std::vector<int32_t>& rows) {
  std::vector<const uint64_t*> filters(rows.size(), nullptr);
  if (buffers == nullptr) return filters;
  if (env->GetArrayLength(buffers) != static_cast<jsize>(rows.size())) {
    refuse("segments and filters do not fit");
  }
  for (size_t i = 0; i < rows.size(); i++) {
    jobject buffer = env->GetObjectArrayElement(buffers, static_cast<jsize>(i));
    filters[i] = filter_of(env, buffer, rows[i]);
    env->DeleteLocalRef(buffer);
  }
  return filters;
}

void search_segments(JNIEnv* env, jclass, jlongArray handles_of_views, jintArray rows_of_views,
                     jobjectArray filters_of_views, jlong sequence, jboolean exact, jobject queries,
                     jint offset, jint n, jint k, jint threads, jlongArray labels,
                     jfloatArray scores) {
  guarded(env, [&] {
    const std::vector<int64_t> numbers = longs_of(env, handles_of_views);
    const std::vector<int32_t> rows = ints_of(env, rows_of_views, "rows");
    if (numbers.empty() || numbers.size() != rows.size()) refuse("segments and rows do not fit");
    const auto filters = filters_of(env, filters_of_views, rows);
    std::vector<shelfstream::View> views;
    for (size_t i = 0; i < numbers.size(); i++) {
      views.push_back({segments.get(numbers[i]), rows[i], filters[i]});
    }
    const float* x = rows_of(env, queries, offset, n, views.front().segment->dimension());
    const jsize results = require_results(env, n, k, labels, scores);
    std::vector<int64_t> found(results);
    std::vector<float> values(results);
    shelfstream::use_threads(threads);
    shelfstream::search_segments(views, sequence, exact == JNI_TRUE, n, x, k, threads, found.data(),
                                 values.data());
    env->SetLongArrayRegion(labels, 0, results, reinterpret_cast<const jlong*>(found.data()));
    env->SetFloatArrayRegion(scores, 0, results, values.data());
    return true;
  });
}

jbyteArray version(JNIEnv* env, jclass) {
  return guarded(env, [&] { return bytes(env, SHELFSTREAM_VERSION); });
}

jbyteArray faiss_version(JNIEnv* env, jclass) {
  return guarded(env, [&] { return bytes(env, shelfstream::faiss_version()); });
}

jbyteArray simd_level(JNIEnv* env, jclass) {
  return guarded(env, [&] { return bytes(env, shelfstream::simd_level()); });
}

jbyteArray blas(JNIEnv* env, jclass) {
  return guarded(env, [&] { return bytes(env, shelfstream::blas()); });
}

/// Strikes out what a view does not show, see candidates.h.
void mask(JNIEnv* env, jclass, jlong handle, jint rows, jobject allowed, jlong sequence, jint first,
          jlongArray positions) {
  guarded(env, [&] {
    std::vector<int64_t> numbers = longs_of(env, positions);
    const shelfstream::View view{segments.get(handle), rows, filter_of(env, allowed, rows)};
    shelfstream::mask(view, sequence, first, static_cast<int64_t>(numbers.size()), numbers.data());
    env->SetLongArrayRegion(positions, 0, static_cast<jsize>(numbers.size()),
                            reinterpret_cast<const jlong*>(numbers.data()));
    return true;
  });
}

void score(JNIEnv* env, jclass, jlongArray handles_of_views, jobject queries, jint offset, jint n,
           jint m, jlongArray labels, jfloatArray scores) {
  guarded(env, [&] {
    std::vector<std::shared_ptr<Segment>> views;
    for (const int64_t handle : longs_of(env, handles_of_views)) views.push_back(segments.get(handle));
    if (views.empty()) refuse("no segments given");
    const float* x = rows_of(env, queries, offset, n, views.front()->dimension());
    const jsize results = require_results(env, n, m, labels, scores);
    std::vector<int64_t> numbers(results);
    env->GetLongArrayRegion(labels, 0, results, reinterpret_cast<jlong*>(numbers.data()));
    std::vector<float> values(results);
    shelfstream::score(views, n, x, m, numbers.data(), values.data());
    env->SetFloatArrayRegion(scores, 0, results, values.data());
    return true;
  });
}

/// Why the dynamic linker cannot load a library, or null.
jbyteArray cannot_load(JNIEnv* env, jclass, jbyteArray name) {
  return guarded(env, [&]() -> jbyteArray {
    void* library = dlopen(text_of(env, name, "library").c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (library != nullptr) {
      dlclose(library);
      return nullptr;
    }
    const char* why = dlerror();
    return bytes(env, why == nullptr ? "unknown" : why);
  });
}

}  // namespace edge

}  // namespace

extern "C" JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM* vm, void*) {
  JNIEnv* env = nullptr;
  if (vm->GetEnv(reinterpret_cast<void**>(&env), JNI_VERSION_1_8) != JNI_OK) return JNI_ERR;
  if (!find_thrower(env)) return JNI_ERR;
  // Registered by name and signature: a class that does not fit fails here and not at first use.
  const JNINativeMethod methods[] = {
      method("version0", "()[B", edge::version),
      method("faissVersion0", "()[B", edge::faiss_version),
      method("simdLevel0", "()[B", edge::simd_level),
      method("blas0", "()[B", edge::blas),
      method("cannotLoad0", "([B)[B", edge::cannot_load),
      method("create0", "([BII)J", edge::create),
      method("read0", "([B)J", edge::read),
      method("close0", "(J)V", edge::close),
      method("dimension0", "(J)I", edge::dimension),
      method("size0", "(J)J", edge::size),
      method("trained0", "(J)Z", edge::trained),
      method("metric0", "(J)I", edge::metric),
      method("type0", "(J)[B", edge::type),
      method("ids0", "(J)[J", edge::ids),
      method("train0", "(JLjava/nio/FloatBuffer;III)V", edge::train),
      method("add0", "(J[JLjava/nio/FloatBuffer;II)V", edge::add),
      method("remove0", "(J[JI)I", edge::remove),
      method("search0", "(JLjava/nio/FloatBuffer;IIII[J[F)V", edge::search),
      method("copyRows0", "(JJ[JLjava/nio/FloatBuffer;I)V", edge::copy_rows),
      method("reset0", "(J)V", edge::reset),
      method("write0", "(J[B)V", edge::write),
      method("readBinary0", "([B)[Ljava/lang/Object;", edge::read_binary),
      method("writeBinary0", "([B[BI[J[B)V", edge::write_binary),
      method("makeBlock0", "(II)J", edge::make_block),
      method("makeIndex0", "([BII)J", edge::make_index),
      method("makeLike0", "(JI)J", edge::make_like),
      method("closeSegment0", "(J)V", edge::close_segment),
      method("openSegments0", "()J", edge::open_segments),
      method("trainSegment0", "(JJ)V", edge::train_segment),
      method("appendFrom0", "(JJ[I)V", edge::append_from),
      method("append0", "(JLjava/nio/FloatBuffer;II)V", edge::append),
      method("markDeleted0", "(JIJ)V", edge::mark_deleted),
      method("copy0", "(J[ILjava/nio/FloatBuffer;I)V", edge::copy),
      method("searchParameter0", "(JI)V", edge::search_parameter),
      method("requireUnitLength0", "(Ljava/nio/FloatBuffer;IIF)V", edge::require_unit_length),
      method("lists0", "(J)I", edge::lists),
      method("copyCentres0", "(JLjava/nio/FloatBuffer;)V", edge::copy_centres),
      method("takeCentres0", "(JLjava/nio/FloatBuffer;I)V", edge::take_centres),
      method("copyLists0", "(JI[I)V", edge::copy_lists),
      method("beginFilling0", "(J[I)V", edge::begin_filling),
      method("place0", "(JII)Ljava/nio/ByteBuffer;", edge::place),
      method("endFilling0", "(J)V", edge::end_filling),
      method("copyDeleted0", "(JJ[JI)V", edge::copy_deleted),
      method("mask0", "(JILjava/nio/LongBuffer;JI[J)V", edge::mask),
      method("score0", "([JLjava/nio/FloatBuffer;III[J[F)V", edge::score),
      method("searchSegments0",
             "([J[I[Ljava/nio/LongBuffer;JZLjava/nio/FloatBuffer;IIII[J[F)V",
             edge::search_segments),
  };
  if (env->RegisterNatives(thrower, methods, sizeof methods / sizeof methods[0]) != JNI_OK) {
    return JNI_ERR;
  }
  try {
    shelfstream::configure();
  } catch (...) {
    return JNI_ERR;
  }
  return JNI_VERSION_1_8;
}
