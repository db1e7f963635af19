# Sourced by the commands of deploy/: finds what the build needs and installs what is missing.
# Silent when everything is there.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { echo "shelfstream: $*" >&2; }

# Is $1 at least version $2?
at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]; }

java_fits() {
  command -v javac >/dev/null && at_least "$(javac -version 2>&1 | grep -oE '[0-9]+(\.[0-9]+)*' | head -n 1)" 17
}

maven_fits() {
  command -v mvn >/dev/null && at_least "$(mvn -v 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)" 3.8
}

cmake_fits() {
  command -v cmake >/dev/null && at_least "$(cmake --version | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1)" 3.24
}

# The OpenMP flavour: the pthread one makes threads times threads under Faiss.
openblas_fits() { compgen -G '/usr/lib/*/openblas-openmp/libopenblas.a' >/dev/null; }

missing_packages() {
  java_fits || echo openjdk-17-jdk-headless
  maven_fits || echo maven
  cmake_fits || echo cmake
  command -v g++ >/dev/null || echo g++
  command -v make >/dev/null || command -v ninja >/dev/null || echo make
  command -v git >/dev/null || echo git
  openblas_fits || echo libopenblas-openmp-dev
  # Faiss is built from the Rust package that carries its source; without cargo the system's serves.
  command -v cargo >/dev/null || [[ -e /usr/include/faiss/Index.h ]] || echo libfaiss-dev
}

set_up() {
  local packages
  mapfile -t packages < <(missing_packages)
  [[ ${#packages[@]} -eq 0 ]] && return
  local install="apt-get update && apt-get install -y --no-install-recommends ${packages[*]}"
  if ! command -v apt-get >/dev/null; then
    say "this machine lacks ${packages[*]} (Debian's names); install them and try again"
    exit 2
  fi
  local sudo=()
  if [[ $EUID -ne 0 ]]; then
    if ! sudo -n true 2>/dev/null; then
      say "this machine lacks ${packages[*]}; type:  sudo sh -c '$install'"
      exit 2
    fi
    sudo=(sudo -n)
  fi
  say "installing ${packages[*]}"
  "${sudo[@]}" apt-get update -qq >&2
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2
}

distribution=$root/topology/target/shelfstream

# Builds the distribution when it is missing, or when SHELFSTREAM_REBUILD=1.
build_distribution() {
  [[ ${SHELFSTREAM_REBUILD:-0} != 1 && -d $distribution/lib ]] && return
  set_up
  say "building (the first time also Faiss: some minutes)"
  (cd "$root" && mvn -B -q -ntp -DskipTests package) >&2
}
