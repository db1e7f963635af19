# shellcheck shell=bash
# Sourced after setup.sh by commands that try out a release.

# Prints its path: what SHELFSTREAM_RELEASE names, else the newest of target/, which is made where there is none.
release_tarball() {
  if [[ -n ${SHELFSTREAM_RELEASE:-} ]]; then
    if [[ ! -f $SHELFSTREAM_RELEASE ]]; then
      say "SHELFSTREAM_RELEASE=$SHELFSTREAM_RELEASE is not a file"
      return 2
    fi
    readlink -f "$SHELFSTREAM_RELEASE"
    return
  fi
  newest() { find "$root/target" -maxdepth 1 -name 'shelfstream-*-linux-x86_64.tar.gz' -printf '%T@ %p\n' 2>/dev/null | sort -n | tail -n 1 | cut -d' ' -f 2-; }
  if [[ -z $(newest) || ${SHELFSTREAM_REBUILD:-0} == 1 ]]; then
    "$root/deploy/release" >&2 || return
  fi
  newest
}
