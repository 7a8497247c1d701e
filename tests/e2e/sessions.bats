#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Sessions, login states, slot events, fork and threads, and calls at the wrong time. With SIGNERD_TEST_PIN=1 the daemon
# demands a PIN of its clients.
# shellcheck disable=SC2030,SC2031,SC2154
load helper

setup_file() {
  export pin_file=''
  if [[ ${SIGNERD_TEST_PIN-} ]]; then
    pin_file=$(mktemp)
    echo 'right-pin 42' >"$pin_file"
    chmod 644 "$pin_file"
  fi
  sandbox_up ${pin_file:+--client-pin-file "$pin_file"} --no-start
  install -m 755 "$build"/tests/clients/{p11-client,slot-watch} "$build/tests/module/module-check" "$home"
  daemon_start
  as_client "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} --make-key
}

teardown() { stop watch; }

teardown_file() {
  stop daemon
  sandbox_down
  rm -f "${pin_file-}"
}

daemon_start() {
  as_client rm -f "$sandbox/signerd.pid"
  start daemon "$sandbox/prefix/sbin/signerd" --config "$sandbox/signerd.conf" \
    --runtime-dir "$sandbox/run" --pid-file "$sandbox/signerd.pid"
  wait_for 20 test -s "$sandbox/signerd.pid"
}

check() { as_client "$home/module-check" ${pin_file:+--pin-file "$pin_file"} "$@"; }

# watch [--poll]: slot-watch in the background; shows LINE…: it has printed these lines, and no other, by now or soon.
watch() {
  start watch "$home/slot-watch" "$@"
  shows "$first"
}
printed() { [[ $(<"$home/watch.log") == "$1" ]]; }
shows() {
  local wanted
  wanted=$(printf '%s\n' "$@")
  wait_for 20 printed "$wanted" || { equals "$wanted" "$(<"$home/watch.log")"; return 1; }
}
first='signerd: demo present'

worker_pid() { children_of "$(<"$sandbox/signerd.pid")"; }
worker_is_another() { [[ $(worker_pid) && $(worker_pid) != "$1" ]]; }

token_away() {
  as_client mv "$sandbox/tokens" "$sandbox/tokens.away"
  as_client mkdir "$sandbox/tokens"
}
token_back() {
  as_client rmdir "$sandbox/tokens"
  as_client mv "$sandbox/tokens.away" "$sandbox/tokens"
}

@test "login states, the security officer, PINs that are set" { check admin; }

@test "what each function says at the wrong time and to wrong arguments" { check calls; }
@test "slot events, and the end of waiting for one" { check event; }

@test "a device that goes and comes is told to who waits, at once; a worker that only dies is not" {
  watch
  local worker
  worker=$(worker_pid)
  kill -KILL "$worker"
  wait_for 20 worker_is_another "$worker"
  sleep 1
  shows "$first"
  token_away
  kill -KILL "$(worker_pid)"
  shows "$first" 'signerd: demo absent'
  token_back
  shows "$first" 'signerd: demo absent' 'signerd: demo present'
}

@test "a daemon that ends and starts is told to who waits" {
  watch
  stop daemon
  shows "$first" 'signerd: demo absent'
  daemon_start
  shows "$first" 'signerd: demo absent' 'signerd: demo present'
}

@test "who asks without waiting is told the same" {
  watch --poll
  stop daemon
  shows "$first" 'signerd: demo absent'
  daemon_start
  shows "$first" 'signerd: demo absent' 'signerd: demo present'
}

@test "a device that is configured later is a slot that comes, and one without its token is one that is absent" {
  watch
  as_client cp -p "$sandbox/signerd.conf" "$sandbox/signerd.conf.before"
  sed -n '/^\[device demo\]/,/^\[allow/p' "$sandbox/signerd.conf" | sed -e '/^\[allow/d' -e 's/demo\]/second]/' \
    -e 's/^token = .*/token = not-there/' | as_client tee -a "$sandbox/signerd.conf" >/dev/null
  kill -HUP "$(<"$sandbox/signerd.pid")"
  shows "$first" 'signerd: second absent'
  as_client mv "$sandbox/signerd.conf.before" "$sandbox/signerd.conf"
  kill -HUP "$(<"$sandbox/signerd.pid")"
  wait_for 10 grep -q 'read again.*' "$home/daemon.log"
  as_client rm -f "$sandbox/run/second.sock" # which stays: a slot that has no token
}

# utime + stime of a process, in clock ticks of 10 ms
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }

@test "who waits takes no processor time, with a daemon and without one" {
  watch
  local pid before
  pid=$(<"$home/watch.pid")
  before=$(ticks "$pid")
  sleep 3
  (($(ticks "$pid") - before <= 1))
  stop daemon
  shows "$first" 'signerd: demo absent'
  before=$(ticks "$pid")
  sleep 3
  (($(ticks "$pid") - before <= 1))
  daemon_start
}

@test "a program that is run by another inherits none of our descriptors" {
  run -0 as_client "$home/module-check" ${pin_file:+--pin-file "$pin_file"} --filter '*inherits*' process
  contains "$output" "PASSED"
}

# pkcs11-tool 0.23, which cannot load a sanitizer's module
# First in a test, not in a function that run calls: there it would end no more than that.
need_tool() { ! grep -q __asan_init "$SIGNERD_MODULE" || skip "pkcs11-tool cannot load a sanitizer's module"; }
tool() {
  as_client timeout 60 pkcs11-tool --module "$SIGNERD_MODULE" --token-label demo "$@"
}

@test "pkcs11-tool --test-fork" {
  need_tool
  run -0 tool ${SIGNERD_PIN:+--login --pin env:SIGNERD_PIN} --test-fork
  contains "$output" "Calling C_Initialize in forked child process"
}

@test "pkcs11-tool --test-threads" {
  need_tool
  for mode in IN IL ILGISLT0GISLT0; do
    run -0 tool --test-threads "$mode"
  done
}
