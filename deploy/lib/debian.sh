# shellcheck shell=bash
# Sourced by commands that run something on a bare Debian: makes trees of it, each once. Needs root.

# Prints the folder: debian_tree SUITE NAME [PACKAGE…], from the same mirror as this machine's packages.
debian_tree() {
  local suite=$1 tree=${XDG_CACHE_HOME:-$HOME/.cache}/shelfstream/debian/$1-$2 mirror packages
  shift 2
  packages=$(IFS=,; echo "$*")
  if [[ ! -f $tree/complete ]]; then
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep '/debian/$' | head -n 1)
    say "making a tree of Debian $suite in $tree (a minute or two)"
    rm -rf "$tree"
    mkdir -p "$tree"
    debootstrap --variant=minbase ${packages:+--include="$packages"} "$suite" "$tree" "$mirror" >"$tree.log" 2>&1 \
      || { tail -20 "$tree.log" >&2; return 1; }
    rm -rf "$tree"/var/cache/apt/*.bin "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/*
    touch "$tree/complete"
  fi
  echo "$tree"
}

# Installs Debian's packages that are missing, each named as COMMAND:PACKAGE.
need_commands() {
  local pair missing=()
  for pair; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  [[ ${#missing[@]} -eq 0 ]] && return
  if [[ $EUID -ne 0 ]]; then
    say "this machine lacks ${missing[*]}; type:  sudo apt-get install -y --no-install-recommends ${missing[*]}"
    return 2
  fi
  say "installing ${missing[*]}"
  apt-get update -qq >&2 || true
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# Runs a command in a tree as a user without rights, nothing of which can be written but /tmp and the volumes, as in a
# container with a read-only root: in_tree TREE [--volume FOLDER:PLACE]… [--pid FILE] COMMAND…
# The command keeps the process that FILE names, so signals reach it. It has the machine's network.
in_tree() {
  unshare --mount --fork bash -c '
    set -e
    tree=$1
    shift
    mount --make-rprivate /
    mount --bind "$tree" "$tree"
    mount -o remount,bind,ro "$tree"
    mount -t proc proc "$tree/proc"
    mount --rbind /sys "$tree/sys"
    mount --rbind /dev "$tree/dev"
    mount -t tmpfs -o mode=1777 tmpfs "$tree/tmp"
    while [[ $1 == --* ]]; do
      case $1 in
        --volume) mount --bind "${2%%:*}" "$tree${2#*:}" ;;
        --pid) echo "$BASHPID" >"$2" ;;
      esac
      shift 2
    done
    cd /
    exec chroot --userspec=10001:10001 "$tree" "$@"' bash "$@"
}
