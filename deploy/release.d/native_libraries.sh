# shellcheck shell=bash
# shellcheck disable=SC2154  # work and java are those of deploy/release
# Sourced by deploy/release: native libraries that also start on Debian 11, and so on Ubuntu 20.04 and RHEL 9.

# The newest versions that a library may ask for: those of Debian 11 (glibc 2.31, GCC 10).
readonly NEWEST='GLIBC 2.31 GLIBCXX 3.4.28 CXXABI 1.3.12 GCC 7.0.0'

# Libraries of every Linux with a Java runtime.
readonly SYSTEM='ld-linux-x86-64.so.2 libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libgcc_s.so.1 libstdc++.so.6'

# What Bytedeco's OpenCV asks for in a newer version though Debian 11 has it in an older one that does the same. With glibc 2.34
# libdl and libpthread became part of libc, hypotf became faster with 2.35, and std::condition_variable::wait says since GCC 12
# that it throws nothing. What Debian 11 has in no version is in older_system.c.
readonly OLDER_DO='dladdr dlclose dlerror dlopen dlsym hypotf
  pthread_cond_clockwait pthread_create pthread_getaffinity_np pthread_getspecific pthread_join pthread_key_create
  pthread_key_delete pthread_mutexattr_destroy pthread_mutexattr_init pthread_mutexattr_settype pthread_once
  pthread_setaffinity_np pthread_setspecific sem_destroy sem_init sem_post sem_wait
  _ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE'

# Of OpenCV's and OpenBLAS's many libraries, those that the program loads. GCC's libraries, which are in their jars too,
# are Debian 11's or the system's.
readonly OF_OPENCV='libjnijavacpp.so libopenblas.so.0
  libopencv_core.so.* libopencv_imgproc.so.* libopencv_imgcodecs.so.*
  libjniopencv_core.so libjniopencv_imgproc.so libjniopencv_imgcodecs.so'

# Of lines NAME VERSION WHAT, those whose version is newer than NEWEST: NAME_VERSION WHAT.
newer() {
  awk -v newest="$NEWEST" '
    function newer(one, other,   x, y, i) {
      split(one, x, "."); split(other, y, ".")
      for (i = 1; i <= 3; i++) if (x[i] + 0 != y[i] + 0) return x[i] + 0 > y[i] + 0
      return 0
    }
    BEGIN { n = split(newest, word, " "); for (i = 1; i < n; i += 2) limit[word[i]] = word[i + 1] }
    newer($2, limit[$1]) { print $1 "_" $2, $3 }'
}

# Prints what a library asks for and Debian 11 does not have in that version, one VERSION SYMBOL a line.
newer_symbols() {
  objdump -T "$1" | sed -nE 's/^.*\*UND\*.*[ (](GLIBC|GLIBCXX|CXXABI|GCC)_([0-9.]+)\)? +(.*)$/\1 \2 \3/p' | newer
}

# The same by the list of versions, which the dynamic linker goes by, whether or not a symbol has them.
newer_versions() {
  objdump -p "$1" | sed -nE 's/^ +0x[0-9a-f]+ 0x[0-9a-f]+ [0-9]+ (GLIBC|GLIBCXX|CXXABI|GCC)_([0-9.]+)$/\1 \2 -/p' | newer
}

# Takes OpenCV's libraries out of their jars into lib/native, so that nothing of it is unpacked at a start, and makes
# them ask for nothing that Debian 11 does not have.
add_opencv() { # SOURCES JARS FOLDER
  local jar pattern library parts=$work/opencv older=$3/libshelfstream_older_system.so
  mkdir -p "$parts"
  for jar in "$2"/{javacpp,openblas,opencv}-*-linux-x86_64.jar; do
    (cd "$parts" && "${java%java}jar" -xf "$jar")
    rm "$jar"
  done
  gcc -O1 -o "$work/drop_unused_versions" "$1/drop_unused_versions.c"
  # In this order, none left out: libdl and libpthread are libraries of their own on Debian 11.
  gcc -O2 -fPIC -shared -Wl,--no-as-needed,-soname,"${older##*/}" -o "$older" "$1/older_system.c" \
    -lstdc++ -l:libdl.so.2 -l:libpthread.so.0
  for pattern in $OF_OPENCV; do
    library=$(find "$parts/org/bytedeco" -name "$pattern")
    cp "$library" "$3/"
    make_older "$3/${library##*/}" "$older"
  done
}

# One kind of change a call, since patchelf 0.14 mixes names up otherwise.
make_older() { # LIBRARY LIBRARY-OF-WHAT-IS-MISSING
  local version symbol defined clear=() needs_older=0
  defined=$(nm -D --defined-only "$2" | cut -d' ' -f3)
  while read -r version symbol; do
    if grep -qxF "$symbol" <<<"$defined"; then
      needs_older=1
    elif [[ " $(xargs <<<"$OLDER_DO") " != *" $symbol "* ]]; then
      say "${1##*/} asks for $symbol of $version, which is newer than Debian 11, and it is not known what to do about it:" \
        "write it in older_system.c or among OLDER_DO in native_libraries.sh"
      return 1
    fi
    clear+=(--clear-symbol-version "$symbol")
  done < <(newer_symbols "$1")
  # In place of the paths of the machine it was built on.
  # shellcheck disable=SC2016  # for the dynamic linker
  patchelf --set-rpath '$ORIGIN' "$1"
  [[ ${#clear[@]} -gt 0 ]] || return 0
  patchelf "${clear[@]}" "$1"
  "$work/drop_unused_versions" "$1"
  if [[ $needs_older == 1 ]]; then
    # After libstdc++, whose own functions come first where it has them: what calls them there would come back to itself.
    patchelf --remove-needed libstdc++.so.6 "$1"
    patchelf --add-needed "${2##*/}" "$1"
    patchelf --add-needed libstdc++.so.6 "$1"
  fi
}

# Every native library for this kind of machine that is shipped, in lib/native or in a jar, since a newer build of one may ask
# for more.
check_libraries() { # JARS FOLDER
  local jar library parts=$work/in-jars bad=0
  mkdir -p "$parts"
  for jar in "$1"/*.jar; do
    # Not 0 where there is none.
    unzip -q -o "$jar" '*.so' '*.so.*' -d "$parts/${jar##*/}" 2>/dev/null || [[ $? == 11 ]]
  done
  while read -r library; do
    objdump -f "$library" 2>/dev/null | grep -q 'i386:x86-64' || continue
    check_versions "$library" || bad=1
  done < <(find "$parts" "$2" -type f -name '*.so*')
  for library in "$2"/*.so*; do
    check_needed "$library" || bad=1
  done
  return "$bad"
}

check_versions() { # LIBRARY
  local found
  found=$(newer_symbols "$1" | paste -sd, | sed 's/,/, /g')
  found=${found:-$(newer_versions "$1" | xargs)}
  [[ -n $found ]] || return 0
  say "${1##*/} asks for what is newer than Debian 11: $found"
  case ${1##*/} in
    libshelfstream_faiss*) say "add these functions to index-sync/src/main/cpp/older_glibc.c, or build on Debian 12" ;;
    *) say "take an older build of it, or change it as add_opencv in deploy/release.d/native_libraries.sh does" ;;
  esac
  return 1
}

check_needed() { # LIBRARY
  local needed missing=()
  for needed in $(objdump -p "$1" | sed -nE 's/^ *NEEDED +//p'); do
    [[ " $SYSTEM " == *" $needed "* || -f ${1%/*}/$needed ]] || missing+=("$needed")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  say "${1##*/} needs ${missing[*]}: neither in lib/native nor on every system; add it to OF_OPENCV in" \
    "deploy/release.d/native_libraries.sh"
  return 1
}
