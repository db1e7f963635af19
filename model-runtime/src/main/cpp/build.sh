#!/usr/bin/env bash
# Builds the library of the hot loops; Maven calls it, and it does nothing when nothing changed.
#
#   build.sh OUTPUT JAVA_HOME [MACHINE]
#
# MACHINE is the processor it is for, x86_64 or aarch64; default: this machine's.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
machine=${3:-$(uname -m)}
output=$1/linux-$machine
library=$output/libshelfstream_resize.so
die() { printf 'resize: %s\n' "$*" >&2; exit 1; }
compiler=g++ package=g++
if [[ $machine != "$(uname -m)" ]]; then
  compiler=$machine-linux-gnu-g++ package=g++-${machine/_/-}-linux-gnu
fi
command -v "$compiler" >/dev/null || die "$compiler is not installed; to do: apt-get install -y --no-install-recommends $package"
[[ -f $2/include/jni.h ]] || die "$2 has no include/jni.h; to do: run Maven with a JDK"
if [[ -f $library && -z $(find "$here" -newer "$library" -type f) ]]; then
  exit 0
fi
mkdir -p "$output"
# No contraction: where a product and a sum are rounded together is part of the result.
"$compiler" -std=c++17 -O3 -ffp-contract=off -fno-exceptions -fno-rtti -fPIC -fvisibility=hidden -shared \
  -Wall -Wextra -Werror -Wl,-z,defs -Wl,-z,now -Wl,--strip-all -static-libgcc \
  "-ffile-prefix-map=$here=shelfstream" -I"$2/include" -I"$2/include/linux" \
  "$here/resize.cc" "$here/resize_jni.cc" -o "$library.new"
mv "$library.new" "$library"
