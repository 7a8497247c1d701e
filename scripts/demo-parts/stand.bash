# SPDX-License-Identifier: MIT
# What the demo stands on: its directories, the commands it runs and their logs, the claims, and its end. To be sourced.
# shellcheck shell=bash disable=SC2034,SC2154

# What needs an end, whatever ends the demo.
home='' plain='' guard_pid='' mark=''
evidence=() # of the claims, for the report: WORD, TEXT, PROOF

# SIGNERD_AS holds words, not one name.
# shellcheck disable=SC2086
client() { ${SIGNERD_AS-} "$@"; }

# run NAME COMMAND…: as a client; the output goes to logs/NAME.log, and then how it ended.
run() {
  local log=$home/logs/$1.log status=0
  shift
  client "$@" >>"$log" 2>&1 </dev/null || status=$?
  echo "[$status] $*" >>"$log"
  return "$status"
}

# keep_running NAME COMMAND…: as a client, until stop NAME or the end of the demo.
keep_running() {
  local name=$1
  shift
  # shellcheck disable=SC2086
  (close_other_files; exec ${SIGNERD_AS-} "$@") >>"$home/logs/$name.log" 2>&1 </dev/null &
  pid_of[$name]=$!
  echo "$! $(process_start $!)" >>"$home/pids"
}
declare -A pid_of=()

stop() {
  kill "${pid_of[$1]}" 2>/dev/null || :
  wait "${pid_of[$1]}" 2>/dev/null || :
}

# claim WORD TEXT FUNCTION: the function proves it and sets proof, or fails.
claim() {
  local log line
  proof='' shown=()
  progress "$2…"
  if "$3"; then
    progress ""
    printf '%s%s%s  %-28s %s\n' "$bold" "$1" "$normal" "$2" "$proof"
    for line in ${shown[@]+"${shown[@]}"}; do printf '      %s\n' "$line"; done
    evidence+=("$1" "$2" "$proof")
    return
  fi
  progress ""
  printf '%s  %-28s %s\n' "??" "$2" "NOT SHOWN ${proof:+($proof)}"
  say "the demo failed at: $2; the logs of all commands so far:"
  for log in "$home"/logs/*.log "$home/sandbox/log"; do
    [[ ! -s $log ]] || { echo "--- ${log##*/}"; tail -n 30 "$log"; } | sed 's/^/    /' >&2
  done
  exit 1
}

progress() { [[ ! -t 2 ]] || printf '\r\033[K%s' "$*" >&2; }

# begin_stand: a directory for all files; and a guard, which clears up after a demo that is killed.
begin_stand() {
  home=$(mktemp -d)
  plain=$(mktemp -d)
  chmod 711 "$home"
  mkdir -m 700 "$home/logs"
  mkdir -m 755 "$home/tools"
  mkdir -m 1777 "$home/tmp"
  export TMPDIR=$home/tmp
  mark=$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
  export SIGNERD_DEMO=$mark
  (
    close_other_files
    exec env -u SIGNERD_DEMO -u TMPDIR setsid "$BASH" "$root/scripts/demo-parts/guard"
  ) <<<"$$ $(process_start $$) $mark $home $plain" >/dev/null 2>&1 &
  guard_pid=$!
  trap end_stand EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

end_stand() {
  local status=$? name
  trap - EXIT
  trap '' INT TERM HUP
  cd /
  for name in "${!pid_of[@]}"; do stop "$name"; done
  "$root/scripts/sandbox" down "$home/sandbox" || :
  if [[ $keep ]]; then
    say "kept: $home"
  else
    rm -rf "$home"
  fi
  rm -rf "$plain"
  kill -KILL "$guard_pid" 2>/dev/null || :
  wait "$guard_pid" 2>/dev/null || :
  exit "$status"
}
