# SPDX-License-Identifier: MIT
# What the scripts share: messages, logged commands, ports and processes. To be sourced.
# shellcheck shell=bash

# say TEXT…: to a person, so on stderr; stdout belongs to the result of a script.
say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
  say "$@"
  exit 1
}

# logged LOG COMMAND…: runs it with all output in LOG; shows the log only when it fails.
logged() {
  local log=$1 status=0
  shift
  "$@" >"$log" 2>&1 || status=$?
  if ((status != 0)); then
    say "failed with status $status: $*"
    sed 's/^/    /' "$log" >&2
  fi
  return "$status"
}

# wait_for SECONDS COMMAND…: until the command succeeds; fails when the time is over.
wait_for() {
  local tries=$(($1 * 20))
  shift
  until "$@" >/dev/null 2>&1; do
    ((--tries > 0)) || return 1
    sleep 0.05
  done
}

# port_open PORT: something accepts connections there, on loopback.
port_open() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port: a port of loopback that nothing listens on now.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    port_open "$port" || break
  done
  echo "$port"
}

# process_start PID: when it started, in ticks since boot: with the pid, a name that is never used twice.
# (Not $(<FILE): when the file is missing, bash 5.2 with -e ends at once, whatever is around it.)
process_start() {
  local stat
  [[ $1 ]] || return 1
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  read -ra stat <<<"${stat##*) }"
  [[ ${stat[0]} != Z ]] || return 1
  echo "${stat[19]}"
}

# process_is PID START: that very process still runs.
process_is() { [[ $(process_start "$1") == "$2" ]]; }

# children_of PID: the pids of its children.
children_of() {
  local dir stat
  for dir in /proc/[0-9]*; do
    { read -r stat <"$dir/stat"; } 2>/dev/null || continue
    [[ ${stat##*) } != ?" $1 "* ]] || echo "${dir#/proc/}"
  done
}

# close_other_files: for a process that stays: it must hold none of its caller's pipes.
close_other_files() {
  local path fd
  for path in /proc/self/fd/*; do
    fd=${path##*/}
    ((fd <= 2)) || eval "exec $fd>&-" 2>/dev/null || :
  done
}
