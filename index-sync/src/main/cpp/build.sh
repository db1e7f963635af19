#!/usr/bin/env bash
# Builds the Faiss binding; Maven calls it, and it does nothing when nothing changed.
#
#   build.sh build --build DIR --output DIR --java-home DIR --version V [--faiss-root DIR]
#                  [--faiss-variants native|all|LIST]
#                  [--gpu yes|no] [--faiss-gpu-root DIR] [--cuda-architectures LIST]
#                  [--machine x86_64|aarch64]
#   build.sh test  --build DIR
#   build.sh faiss [--faiss-variants ...]  only Faiss from the crate, to the folder below
#   build.sh source --build DIR            only the source of Faiss, to DIR/vendor/faiss-sys/faiss
#
# Faiss comes, in this order, from --faiss-root (a prefix with include/faiss and lib/libfaiss.a);
# from the crate faiss-sys, which carries the source of 1.12.0, where cargo is installed; from the
# system's libfaiss-dev. Of the crate's, what this project reaches is compiled, for the processor of
# this machine (native), or for each of generic, avx2 and avx512 (all), or for some of them
# (avx2,generic). It is kept for all checkouts under ${XDG_CACHE_HOME:-~/.cache}/shelfstream/faiss.
# Progress and times go to standard error.
#
# With --machine, everything is compiled for another kind of processor by a cross-compiler. OPENBLAS
# then names the libopenblas.a of that kind; its tests run under qemu where that is installed.
#
# With --gpu yes there is a library for GPUs beside the others: over the Faiss of --faiss-gpu-root, a
# prefix built with FAISS_ENABLE_GPU=ON; else over the crate's, compiled with CUDA where its compiler
# nvcc is (in CUDACXX, on PATH, or in /usr/local/cuda). Where neither is there, it is left out.
set -euo pipefail

readonly HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
readonly CRATE_VERSION=0.7.0
# The registry's SHA-256 of that crate.
readonly CRATE_SHA256=c4a8fa67f7070bb81f41dc71c98813b3e40a66bedab12d6c2ac2af50f0837a7e
readonly FAISS_VERSION=1.12.0
readonly PACKAGES="cmake ninja-build g++ libopenblas-openmp-dev"

say() { printf 'faiss: %s\n' "$*" >&2; }

die() {
  say "$1"
  [[ $# -lt 2 ]] || say "to do: $2"
  exit 1
}

generator() { if command -v ninja >/dev/null; then echo Ninja; else echo "Unix Makefiles"; fi; }

machine() { echo "${machine:-$(uname -m)}"; }

is_cross() { [[ $(machine) != "$(uname -m)" ]]; }

# g++ or gcc for the processor that is built for.
compiler() { if is_cross; then echo "$(machine)-linux-gnu-$1"; else echo "$1"; fi; }

# What CMake must know of another kind of processor, one argument a line.
cross_settings() {
  is_cross || return 0
  printf '%s\n' -DCMAKE_SYSTEM_NAME=Linux "-DCMAKE_SYSTEM_PROCESSOR=$(machine)" \
    "-DCMAKE_C_COMPILER=$(compiler gcc)" "-DCMAKE_CXX_COMPILER=$(compiler g++)"
  local qemu
  if qemu=$(command -v "qemu-$(machine)-static" || command -v "qemu-$(machine)"); then
    echo "-DCMAKE_CROSSCOMPILING_EMULATOR=$qemu;-L;/usr/$(machine)-linux-gnu"
  fi
}

# The static OpenBLAS of the OpenMP flavour. Reference BLAS is 8 times slower at batch 64, and the
# pthread flavour starts its own threads beside OpenMP's.
openblas() {
  if [[ -n ${OPENBLAS:-} ]]; then
    [[ -f $OPENBLAS ]] || die "OPENBLAS=$OPENBLAS is not a file" "name a libopenblas.a"
    echo "$OPENBLAS"
    return
  fi
  local found
  found=/usr/lib/$(machine)-linux-gnu/openblas-openmp/libopenblas.a
  [[ -f $found ]] && echo "$found" && return
  is_cross && die "there is no $found" \
    "name the libopenblas.a of Debian's libopenblas-openmp-dev for that processor in OPENBLAS"
  die "no static OpenBLAS of the OpenMP flavour: there is no $found" \
    "apt-get install -y --no-install-recommends $PACKAGES"
}

require_tools() {
  local tool
  for tool in cmake "$(compiler g++)"; do
    command -v "$tool" >/dev/null \
      || die "$tool is not installed" "apt-get install -y --no-install-recommends $PACKAGES"
  done
}

# ---- Faiss 1.12.0 from the crate -------------------------------------------------------------

# The best variant that this processor runs; it needs what io.shelfstream.index.Simd asks for.
native_variant() {
  is_cross && echo generic && return
  local flags
  flags=" $(grep -m 1 '^flags' /proc/cpuinfo 2>/dev/null) "
  has() {
    local flag
    for flag; do [[ $flags == *" $flag "* ]] || return 1; done
  }
  if ! has avx2 fma f16c; then
    echo generic
  elif has avx512f avx512cd avx512vl avx512dq avx512bw; then
    echo avx512
  else
    echo avx2
  fi
}

# Those that are to be built, one a line.
variants() {
  case $faiss_variants in
    native) native_variant ;;
    all) if [[ $(machine) == x86_64 ]]; then printf '%s\n' generic avx2 avx512; else echo generic; fi ;;
    *)
      local variant
      for variant in ${faiss_variants//,/ }; do
        case $(machine)/$variant in
          */generic | x86_64/avx2 | x86_64/avx512) echo "$variant" ;;
          *) die "-Dfaiss.variants=$faiss_variants: $variant is not known on $(machine)" \
            "native, all, or some of generic, avx2 and avx512 (these two on x86_64)" ;;
        esac
      done ;;
  esac
}

# What makes one build of the source differ from another.
crate_key() { # a variant, or gpu
  local made_by
  made_by="$CRATE_SHA256 $("$(compiler g++)" -dumpfullversion) $(sha256sum <"$HERE/faiss/CMakeLists.txt")"
  if [[ $1 == gpu ]]; then
    made_by="$CRATE_SHA256 $cuda_architectures $("$(nvcc)" --version) $(g++ -dumpfullversion)"
  fi
  echo "$FAISS_VERSION-$(machine)-$1-$(sha256sum <<<"$made_by" | cut -c1-12)"
}

fetch_crate() { # folder
  mkdir -p "$1/src"
  printf '[package]\nname = "faiss-source"\nversion = "0.0.0"\nedition = "2021"\n\n[dependencies]\nfaiss-sys = "=%s"\n' \
    "$CRATE_VERSION" >"$1/Cargo.toml"
  : >"$1/src/lib.rs"
  (cd "$1" && cargo vendor --quiet vendor >/dev/null) || return 1
  grep -q "\"package\":\"$CRATE_SHA256\"" "$1/vendor/faiss-sys/.cargo-checksum.json" \
    || die "the crate faiss-sys $CRATE_VERSION is not the one known here (SHA-256 $CRATE_SHA256)" \
      "check cargo's registry settings, or name another Faiss with -Dfaiss.root=DIR"
}

configure_gpu() { # source, build folder, prefix
  cmake -G "$(generator)" -S "$1" -B "$2" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_INSTALL_PREFIX="$3" -DCMAKE_INSTALL_LIBDIR=lib -DFAISS_OPT_LEVEL=generic \
    -DFAISS_ENABLE_GPU=ON -DFAISS_ENABLE_CUVS=OFF "-DCMAKE_CUDA_COMPILER=$(nvcc)" \
    "-DCUDAToolkit_ROOT=$(cuda_root)" "-DCMAKE_CUDA_ARCHITECTURES=$cuda_architectures" \
    -DCMAKE_CUDA_FLAGS=-Xcompiler=-fvisibility=hidden \
    -DFAISS_ENABLE_PYTHON=OFF -DFAISS_ENABLE_EXTRAS=OFF \
    -DFAISS_ENABLE_MKL=OFF -DBUILD_TESTING=OFF -DBUILD_SHARED_LIBS=OFF \
    -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
    -DCMAKE_CXX_FLAGS="-fvisibility=hidden -fvisibility-inlines-hidden -ffile-prefix-map=$1=faiss"
}

configure_cpu() { # source, build folder, prefix, variant
  local cross
  mapfile -t cross < <(cross_settings)
  cmake "${cross[@]}" -G "$(generator)" -S "$HERE/faiss" -B "$2" -DCMAKE_INSTALL_PREFIX="$3" \
    -DFAISS_SOURCE="$1" -DFAISS_VARIANT="$4"
}

compile_crate() { # folder, prefix, a variant or gpu; runs as an && chain, as its caller looks at the result
  local source=$1/vendor/faiss-sys/faiss targets=() what="$3, two to three minutes on two cores"
  if [[ $3 == gpu ]]; then
    targets=(--target faiss)
    what="for GPUs of $cuda_architectures, over an hour on two cores"
    configure_gpu "$source" "$1/build" "$2" >"$1/configure.log" 2>&1 || { tail -20 "$1/configure.log" >&2; return 1; }
  else
    configure_cpu "$source" "$1/build" "$2" "$3" >"$1/configure.log" 2>&1 || { tail -20 "$1/configure.log" >&2; return 1; }
  fi
  say "compiling Faiss $FAISS_VERSION ($what)"
  cmake --build "$1/build" --parallel "$(nproc)" "${targets[@]}" 2>&1 \
    | tee "$1/compile.log" | awk '{
        match($0, /^\[[^]]*\]/); step = substr($0, RSTART, RLENGTH)
        if (RLENGTH > 0 && ++n % 20 == 0) { print "faiss: " step; fflush() } }' >&2
  if [[ ${PIPESTATUS[0]} -ne 0 ]]; then tail -30 "$1/compile.log" >&2; return 1; fi
  cmake --install "$1/build" >"$1/install.log" 2>&1 || { tail -20 "$1/install.log" >&2; return 1; }
}

# Prints the prefix. Built beside its final place and renamed, under a lock: an interrupted build
# leaves nothing that looks whole, and two builds at a time do the work once.
faiss_from_crate() { # a variant, or gpu
  local root=${XDG_CACHE_HOME:-$HOME/.cache}/shelfstream/faiss
  local prefix start=$SECONDS
  prefix=$root/$(crate_key "$1")
  if [[ ! -d $prefix ]]; then
    mkdir -p "$root"
    exec 9>"$root/lock"
    flock -n 9 || { say "waiting for another build of Faiss"; flock 9; }
    if [[ ! -d $prefix ]]; then
      local work
      # Holding the lock, whatever lies here was left by a build that was cut off.
      rm -rf "$root"/.building.*
      work=$(mktemp -d "$root/.building.XXXXXX")
      say "getting the source of Faiss $FAISS_VERSION (crate faiss-sys $CRATE_VERSION)"
      if ! { fetch_crate "$work" && compile_crate "$work" "$work/prefix" "$1"; }; then
        rm -rf "$work"
        exec 9>&-
        return 1
      fi
      mv -T "$work/prefix" "$prefix" || return 1
      rm -rf "$work"
      say "Faiss $FAISS_VERSION ($1) took $((SECONDS - start)) s; it is in $prefix"
    fi
    exec 9>&-
  fi
  echo "$prefix"
}

# ---- which Faiss -----------------------------------------------------------------------------


# Prints the prefixes, with ; between them.
find_faiss() { # --faiss-root or nothing
  if [[ -n $1 ]]; then
    has_faiss_at "$1" || die "-Dfaiss.root=$1 has no include/faiss/Index.h with lib/libfaiss.a" \
      "name a prefix that Faiss was installed to as a static library (-DBUILD_SHARED_LIBS=OFF)"
    echo "$1"
    return
  fi
  if command -v cargo >/dev/null; then
    local variant prefix prefixes=''
    for variant in $(variants); do
      prefix=$(faiss_from_crate "$variant") || { prefixes=''; break; }
      prefixes+=${prefixes:+;}$prefix
    done
    [[ -z $prefixes ]] || { echo "$prefixes"; return; }
    say "Faiss $FAISS_VERSION could not be had from the crate"
  fi
  if has_faiss_at /usr; then
    say "using the system's Faiss; it has no AVX loops and is 2 to 3 times slower than 1.12.0"
    echo /usr
    return
  fi
  die "no Faiss found" "install cargo (apt-get install -y --no-install-recommends cargo), or \
apt-get install -y --no-install-recommends libfaiss-dev $PACKAGES, or name one with -Dfaiss.root=DIR"
}

# ---- which Faiss for GPUs --------------------------------------------------------------------

nvcc() {
  local found
  for found in "${CUDACXX:-}" "$(command -v nvcc)" /usr/local/cuda/bin/nvcc; do
    [[ -n $found && -x $found ]] && readlink -f "$found" && return
  done
  return 1
}

cuda_root() { dirname "$(dirname "$(nvcc)")"; }

# Prints the prefix; nothing where there is to be no library for GPUs.
find_gpu_faiss() {
  if [[ -n $faiss_gpu_root ]]; then
    [[ -f $faiss_gpu_root/include/faiss/gpu/GpuIndexFlat.h && -f $faiss_gpu_root/lib/libfaiss.a ]] \
      || die "-Dfaiss.gpu.root=$faiss_gpu_root has no include/faiss/gpu/GpuIndexFlat.h with lib/libfaiss.a" \
        "name a prefix that Faiss was installed to with FAISS_ENABLE_GPU=ON, as a static library"
    nvcc >/dev/null || die "-Dfaiss.gpu.root needs CUDA's toolkit, and there is no nvcc" \
      "put nvcc on PATH, or name it in CUDACXX"
    echo "$faiss_gpu_root"
  elif [[ $gpu == yes ]]; then
    if ! nvcc >/dev/null || ! command -v cargo >/dev/null; then
      say "no library for GPUs: it takes CUDA's toolkit (nvcc, cuBLAS; 12 or 13) and cargo, or" \
        "-Dfaiss.gpu.root=DIR with a Faiss built with FAISS_ENABLE_GPU=ON"
      return
    fi
    faiss_from_crate gpu
  fi
}

has_faiss_at() {
  [[ -f $1/include/faiss/Index.h ]] || return 1
  local library
  for library in "$1"/lib/libfaiss.a "$1"/lib/*/libfaiss.a; do
    [[ -f $library ]] && return
  done
  return 1
}

# ---- our libraries ---------------------------------------------------------------------------

# Copies what changed and takes away what is no longer built.
publish() { # build folder, output folder
  local library target
  mkdir -p "$2"
  for target in "$2"/libshelfstream_faiss*.so; do
    [[ -f $1/$(basename "$target") ]] || rm -f "$target" "$target.needs"
  done
  for library in "$1"/libshelfstream_faiss*.so; do
    target=$2/$(basename "$library")
    cmp -s "$library" "$target" || cp "$library" "$target"
  done
  # What CudaLibrary looks for before it loads it; the driver is loaded by CUDA's own library.
  library=$2/libshelfstream_faiss_cuda.so
  if [[ -f $library ]]; then
    { echo libcuda.so.1; objdump -p "$library" | awk '$1 == "NEEDED" && $2 ~ /^lib(cu|nv)/ {print $2}'; } \
      >"$library.needs"
  fi
}

build() {
  variants >/dev/null
  local start=$SECONDS faiss faiss_gpu cuda='' blas settings cross
  require_tools
  [[ -f $java_home/include/jni.h ]] || die "$java_home has no include/jni.h" "run Maven with a JDK"
  faiss=$(find_faiss "$faiss_root")
  faiss_gpu=$(find_gpu_faiss)
  [[ -z $faiss_gpu ]] || cuda=$(cuda_root)
  blas=$(openblas)
  mapfile -t cross < <(cross_settings)
  settings="$faiss|$faiss_gpu|$cuda|$blas|$java_home|$version|$(generator)|${cross[*]}"
  if [[ ! -f $build/settings || $(<"$build/settings") != "$settings" ]]; then
    rm -rf "$build"
    mkdir -p "$build"
    say "configuring with Faiss of $faiss"
    cmake "${cross[@]}" -G "$(generator)" -S "$HERE" -B "$build" -DFAISS_ROOTS="$faiss" -DOPENBLAS="$blas" \
      -DFAISS_GPU_ROOT="$faiss_gpu" -DCUDAToolkit_ROOT="$cuda" \
      -DJNI_HOME="$java_home" -DSHELFSTREAM_VERSION="$version" >"$build/configure.log" 2>&1 \
      || { cat "$build/configure.log" >&2; die "cmake failed"; }
    printf '%s' "$settings" >"$build/settings"
  fi
  cmake --build "$build" --parallel "$(nproc)" --target libraries >"$build/compile.log" 2>&1 \
    || { cat "$build/compile.log" >&2; die "compiling the binding failed"; }
  publish "$build" "$output/linux-$(machine)"
  [[ $((SECONDS - start)) -lt 2 ]] || say "libraries are there after $((SECONDS - start)) s"
}

run_tests() {
  cmake --build "$build" --parallel "$(nproc)" --target tests >"$build/compile-tests.log" 2>&1 \
    || { cat "$build/compile-tests.log" >&2; die "compiling the C++ tests failed"; }
  (cd "$build" && ctest --output-on-failure >"$build/test.log" 2>&1) \
    || { cat "$build/test.log" >&2; die "the C++ tests failed"; }
  say "$(grep 'tests passed' "$build/test.log")"
}

verb=${1:-}
[[ $# -gt 0 ]] && shift
build='' output='' java_home='' version='' faiss_root='' faiss_variants=native gpu=no faiss_gpu_root='' machine=''
# From Turing to Hopper: what CUDA 12 and 13 both compile for.
cuda_architectures='75;80;86;89;90'
while [[ $# -gt 1 ]]; do
  case $1 in
    --build) build=$2 ;;
    --output) output=$2 ;;
    --java-home) java_home=$2 ;;
    --version) version=$2 ;;
    --faiss-root) faiss_root=$2 ;;
    --faiss-variants) faiss_variants=${2:-native} ;;
    --gpu) gpu=$2 ;;
    --faiss-gpu-root) faiss_gpu_root=$2 ;;
    --machine) machine=$2 ;;
    --cuda-architectures) cuda_architectures=${2:-$cuda_architectures} ;;
    *) die "unknown option $1" "see the head of $0" ;;
  esac
  shift 2
done
[[ -n $build || $verb == faiss ]] || die "--build is missing" "see the head of $0"
case $verb in
  build) build ;;
  test) run_tests ;;
  faiss) require_tools; if command -v cargo >/dev/null; then find_faiss '' >/dev/null; fi ;;
  source) [[ -d $build/vendor ]] || fetch_crate "$build" || die "the crate faiss-sys cannot be had" ;;
  *) die "unknown verb '$verb'" "build, test, faiss or source" ;;
esac
