# shellcheck shell=bash
# Sourced by the commands that run Python: makes virtual environments, each once for all checkouts.

# Several versions of Python may be there; the pinned packages have wheels for these.
suitable_python() {
  local python
  for python in "${SHELFSTREAM_PYTHON:-python3}" python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11, 4) <= sys.version_info[:3] < (3, 14))' 2>/dev/null; then
      command -v "$python"
      return
    fi
  done
  echo "$1: needs Python 3.11.4 to 3.13 with venv; type:  apt-get install python3-venv  (or name one in SHELFSTREAM_PYTHON)" >&2
  return 2
}

# Prints the interpreter of the environment that holds these requirements:
# python_with COMMAND NAME REQUIREMENTS [REQUIREMENTS-WITHOUT-DEPENDENCIES]
python_with() {
  local command=$1 name=$2 requirements=$3 bare=${4:-} python venv wanted
  venv=${XDG_CACHE_HOME:-$HOME/.cache}/shelfstream/$name-venv
  wanted=$(cat "$(dirname "$requirements")"/requirements*.txt)
  mkdir -p "$venv"
  # Each step ends the subshell itself: where the caller looks at the result, set -e does not.
  (
    flock 7
    [[ -f $venv/installed.txt && $(<"$venv/installed.txt") == "$wanted" ]] && exit
    python=$(suitable_python "$command") || exit
    echo "$command: installing its Python packages into $venv" >&2
    "$python" -m venv --clear "$venv" >&2 || exit
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" >&2 || exit
    [[ -z $bare ]] || "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$bare" >&2 || exit
    # Written last: an installation that was cut off only looks whole.
    printf '%s\n' "$wanted" >"$venv/installed.txt"
  ) 7<"$venv" || return
  echo "$venv/bin/python"
}
