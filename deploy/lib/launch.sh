# shellcheck shell=bash
# How the program is started: sourced by lib/setup.sh, and by bin/shelfstream of a release.

# Maven goes by JAVA_HOME too.
java=${JAVA_HOME:+$JAVA_HOME/bin/}java

# MiB that this process may use: of the machine, or of a control group that it is in, whichever is less.
usable_memory() {
  local least group path file bytes
  least=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB$/\1/p' /proc/meminfo) / 1024))
  # 0::/system.slice/x of version 2, 9:memory:/x of version 1; in a container /, or a path of the machine's.
  while IFS=: read -r _ group path; do
    [[ -z $group || $group == *memory* ]] || continue
    while :; do
      for file in "/sys/fs/cgroup$path/memory.max" "/sys/fs/cgroup/memory$path/memory.limit_in_bytes"; do
        bytes=$(cat "$file" 2>/dev/null) || continue
        # The word max, or a number near 2^63, where there is no limit.
        if [[ $bytes =~ ^[0-9]{1,15}$ ]] && ((bytes >> 20 < least)); then least=$((bytes >> 20)); fi
      done
      [[ -n $path ]] || break
      path=${path%/*}
    done
  done </proc/self/cgroup
  echo "$least"
}

# Two fifths of the memory, as models and vectors are outside the heap; a GiB is enough for all that was measured.
default_heap() {
  local heap=$(($(usable_memory) * 2 / 5))
  echo $((heap < 1024 ? heap : 1024))m
}

# Of the service. The optimising compiler is left out where processors are few: for minutes it takes up
# to a quarter of one away from the models, in bursts that hold up answers (docs/performance-history.md).
java_options=(-Xmx"${SHELFSTREAM_HEAP:-$(default_heap)}" -XX:+ExitOnOutOfMemoryError)
(($(nproc) >= 8)) || java_options+=(-XX:TieredStopAtLevel=1)

# Arguments, file names and output are UTF-8 whatever the locale, which is C in most containers, cron jobs and services.
java_options+=(-Dfile.encoding=UTF-8)

# The JVM decodes arguments and file names by the locale. One that is named but not installed counts as C.
speak_utf8() {
  local name
  [[ $(locale charmap 2>/dev/null) == UTF-8 ]] && return
  name=$(locale -a 2>/dev/null | grep -iE '\.utf-?8$' | sort | head -n 1) || true
  export LC_ALL=${name:-C.UTF-8}
}

# Becomes the program: launch HOME JARS ARGUMENT…; HOME has models and demo-data, JARS the jars.
launch() {
  local home=$1 jars=$2
  shift 2
  # Faiss's threads must not spin while they wait: they would take the cores from the models.
  export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-PASSIVE}
  # Should a newer ONNX Runtime be put in: no reports to its maker.
  export ORT_DISABLE_TELEMETRY=${ORT_DISABLE_TELEMETRY:-1}
  speak_utf8
  # shellcheck disable=SC2086  # JAVA_OPTS holds several words on purpose
  exec "$java" "${java_options[@]}" -Dshelfstream.home="$home" ${JAVA_OPTS:-} -cp "$jars/*" io.shelfstream.Main "$@"
}
