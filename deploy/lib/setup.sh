# shellcheck shell=bash
# Sourced by the commands of deploy/: finds what the build needs and installs what is missing.
# Silent when everything is there.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=deploy/lib/launch.sh
source "$root/deploy/lib/launch.sh"

say() { echo "shelfstream: $*" >&2; }

# Is $1 at least version $2?
at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]; }

# Not from standard error: the JVM echoes JAVA_TOOL_OPTIONS there, numbers included.
java_fits() {
  command -v "${java}c" >/dev/null && at_least "$("${java}c" -version 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)*' | head -n 1)" 17
}

# Debian 13 no longer has 17; its default is newer.
java_package() {
  if ! apt-cache show openjdk-17-jdk-headless &>/dev/null && apt-cache show default-jdk-headless &>/dev/null; then
    echo default-jdk-headless
  else
    echo openjdk-17-jdk-headless
  fi
}

maven_fits() {
  command -v mvn >/dev/null && at_least "$(mvn -v 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)" 3.8
}

cmake_fits() { # version
  command -v cmake >/dev/null && at_least "$(cmake --version | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1)" "$1"
}

# Faiss 1.12.0 comes as source in a Rust package.
faiss_from_source() { command -v cargo >/dev/null; }

# The OpenMP flavour: the pthread one makes threads times threads under Faiss.
openblas_fits() { compgen -G '/usr/lib/*/openblas-openmp/libopenblas.a' >/dev/null; }

missing_packages() {
  java_fits || java_package
  maven_fits || echo maven
  cmake_fits 3.18 || echo cmake
  command -v g++ >/dev/null || echo g++
  command -v make >/dev/null || command -v ninja >/dev/null || echo make
  command -v git >/dev/null || echo git
  openblas_fits || echo libopenblas-openmp-dev
  faiss_from_source || [[ -e /usr/include/faiss/Index.h ]] || echo libfaiss-dev
}

set_up() {
  if [[ -n ${JAVA_HOME:-} ]] && ! java_fits; then
    say "JAVA_HOME=$JAVA_HOME is no JDK of version 17 or later; unset it, or name one"
    exit 2
  fi
  local packages
  mapfile -t packages < <(missing_packages)
  [[ ${#packages[@]} -eq 0 ]] && return
  if ! command -v apt-get >/dev/null; then
    say "this machine lacks ${packages[*]} (Debian's names); install them and try again"
    exit 2
  fi
  local sudo=() type
  if [[ $EUID -ne 0 ]]; then sudo=(sudo -n); fi
  type="apt-get update && apt-get install -y --no-install-recommends ${packages[*]}"
  [[ $EUID -eq 0 ]] || type="sudo sh -c '$type'"
  if [[ $EUID -ne 0 ]] && ! sudo -n true 2>/dev/null; then
    say "this machine lacks ${packages[*]}; type:  $type"
    exit 2
  fi
  say "installing ${packages[*]}"
  "${sudo[@]}" apt-get update -qq >&2 || say "apt-get update failed; trying with the lists that are here"
  mapfile -t packages < <(missing_packages)
  if ! "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2; then
    say "installing ${packages[*]} failed; type:  $type"
    exit 2
  fi
  mapfile -t packages < <(missing_packages)
  if [[ ${#packages[@]} -gt 0 ]]; then
    say "installed, yet these are still missing or too old: ${packages[*]} (needed: JDK 17, Maven 3.8," \
      "cmake 3.18); put newer ones first on PATH and try again"
    exit 2
  fi
}

# Runs a command alone in this checkout: two builds would write the same files.
one_at_a_time() {
  (
    flock -n 8 || { say "waiting for another build in $root"; flock 8; }
    "$@" 8<&-
  ) 8<"$root/topology"
}

distribution=$root/topology/target/shelfstream

# Written last: a build that was cut off leaves a lib/ that only looks whole.
distribution_is_wanted() { [[ ${SHELFSTREAM_REBUILD:-0} == 1 || ! -f $distribution/complete ]]; }

# Faiss is compiled while Maven still downloads and compiles what comes before it; Maven's own step
# waits for it, and says why where it fails.
begin_with_faiss() {
  "$root/index-sync/src/main/cpp/build.sh" faiss &
}

# The programs of Prometheus, with which tests check the alert rules and the dashboard; the tests that need them are
# skipped without. Only the two programs are taken out of Debian's package: installing it would need root, and start a
# service.
fetch_prometheus() {
  local into=${XDG_CACHE_HOME:-$HOME/.cache}/shelfstream/prometheus work
  if command -v promtool >/dev/null && command -v prometheus >/dev/null; then return; fi
  if [[ -x $into/promtool && -x $into/prometheus ]]; then return; fi
  if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    say "there is no prometheus here, and no Debian package of it: its tests are skipped"
    return
  fi
  work=$(mktemp -d)
  if download_prometheus "$work" && dpkg-deb -x "$work"/prometheus_*.deb "$work/content"; then
    mkdir -p "$into"
    mv "$work"/content/usr/bin/{prometheus,promtool} "$into/"
  else
    say "Debian's package prometheus cannot be downloaded: its tests are skipped"
  fi
  rm -rf "$work"
}

download_prometheus() { # FOLDER
  (cd "$1" && apt-get download -qq prometheus 2>/dev/null) && return
  # There may be no lists yet, which only root can get.
  [[ $EUID -eq 0 ]] && apt-get update -qq >&2 && (cd "$1" && apt-get download -qq prometheus 2>/dev/null)
}

# Chromium and its driver, with which tests use the page; they are skipped without. The driver must be of the same
# version, so it comes from the same lists; only its program is taken out of Debian's package. Chromium itself needs
# libraries, so it is installed, where this is root's machine.
fetch_chromium() {
  local into=${XDG_CACHE_HOME:-$HOME/.cache}/shelfstream/chromium work
  if ! command -v chromium >/dev/null; then
    if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
      say "there is no chromium here (Debian's packages chromium and chromium-driver): the tests of the page are skipped"
      return
    fi
    say "installing chromium for the tests of the page"
    apt-get update -qq >&2 || true
    if ! DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends chromium chromium-driver fonts-dejavu-core >&2; then
      say "Debian's package chromium cannot be installed: the tests of the page are skipped"
      return
    fi
  fi
  if command -v chromedriver >/dev/null; then return; fi
  if [[ -x $into/chromedriver ]] && same_version chromium "$into/chromedriver"; then return; fi
  work=$(mktemp -d)
  if (cd "$work" && apt-get download -qq "chromium-driver$(version_of_package chromium)" 2>/dev/null) \
    && dpkg-deb -x "$work"/chromium-driver_*.deb "$work/content"; then
    mkdir -p "$into"
    mv "$work/content/usr/bin/chromedriver" "$into/"
  else
    say "Debian's package chromium-driver cannot be downloaded: the tests of the page are skipped"
  fi
  rm -rf "$work"
}

# The same first number, which is what the driver asks for.
same_version() { # PROGRAM PROGRAM
  [[ $("$1" --version 2>/dev/null | grep -o '[0-9]*' | head -n 1) == $("$2" --version 2>/dev/null | grep -o '[0-9]*' | head -n 1) ]]
}

version_of_package() { # PACKAGE; nothing where it is not one of Debian's
  dpkg-query -W -f '=${Version}' "$1" 2>/dev/null || true
}

# The programs that check the Helm chart and compose.yaml, built from their modules where Go is, once for all checkouts; the
# tests that need them are skipped without.
fetch_chart_tools() {
  local into=${XDG_CACHE_HOME:-$HOME/.cache}/shelfstream/chart-tools
  go_program "$into" helm helm.sh/helm/v3/cmd/helm@v3.19.0
  # What docker compose reads its files with.
  go_program "$into" compose-go github.com/compose-spec/compose-go/v2/cmd@v2.9.0
  # The schemas of Kubernetes; needs Python.
  (
    # shellcheck source=deploy/lib/python.sh
    source "$root/deploy/lib/python.sh"
    python_with "deploy/test" chart "$root/deploy/helm/requirements.txt" >/dev/null
  ) || say "kubernetes-validate cannot be had: its test is skipped"
}

go_program() { # FOLDER NAME MODULE
  command -v "$2" >/dev/null && return
  [[ -x $1/$2 ]] && return
  if ! command -v go >/dev/null; then
    say "there is no $2 here, and no Go to build it with: its tests are skipped"
    return
  fi
  say "building $3 (minutes, the first time)"
  local work
  work=$(mktemp -d)
  if GOBIN=$work GOFLAGS=-modcacherw go install "$3" >&2; then
    mkdir -p "$1"
    mv "$work"/* "$1/$2"
  else
    say "$3 cannot be built: its tests are skipped"
  fi
  rm -rf "$work"
}

package_distribution() {
  # Another one may have built it while this one waited.
  distribution_is_wanted || return 0
  local start=$SECONDS
  say "building (the first time also Faiss: two to three minutes on two cores)"
  begin_with_faiss
  # Jars of earlier dependencies would stay on the class path.
  rm -rf "$distribution"
  (cd "$root" && mvn -B -q -ntp -DskipTests package) >&2
  touch "$distribution/complete"
  say "built in $((SECONDS - start)) s"
}

# Builds the distribution when it is missing, or when SHELFSTREAM_REBUILD=1.
build_distribution() {
  if distribution_is_wanted; then
    set_up
    one_at_a_time package_distribution
  else
    command -v "$java" >/dev/null || set_up
  fi
}

# The folder of the benchmarks, which are compiled together with the tests.
benchmark_classes() { # CLASS that is started
  local classes=$root/topology/target/test-classes
  if [[ ! -f $classes/io/shelfstream/bench/$1.class ]]; then
    echo "bench: $classes has no $1; build again with SHELFSTREAM_REBUILD=1" >&2
    return 1
  fi
  echo "$classes"
}
