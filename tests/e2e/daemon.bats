#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the daemon promises: who may do what, that everything is accounted for, that many clients work at once and
# that none of them can harm another. Only our own clients are used, so the sanitizer builds run it too.
# With SIGNERD_TEST_PIN=1 the daemon demands a PIN of its clients.
# shellcheck disable=SC2030,SC2031,SC2154
load helper

setup_file() {
  export pin_file=''
  if [[ ${SIGNERD_TEST_PIN-} ]]; then
    pin_file=$(mktemp)
    echo 'right-pin 42' >"$pin_file"
    chmod 644 "$pin_file" # the sandbox's user reads it; the daemon has a copy of its own
    sandbox_up --client-pin-file "$pin_file"
  else
    sandbox_up
  fi
  install -m 755 "$build"/tests/clients/{p11,hostile,odd}-client "$home"
  client --make-key
}

teardown_file() {
  sandbox_down
  rm -f "${pin_file-}"
}

# client OPTION…: p11-client, as the sandbox's user.
client() { as_client "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} "$@"; }
hostile() { as_client "$home/hostile-client" "$SIGNERD_RUNTIME_DIR/demo.sock" "$@"; }
worker_pid() { children_of "$(<"$sandbox/signerd.pid")"; }
audit() { cat "$sandbox/state/demo/audit"; }
lines() { audit | grep -c "$1" || :; }

# configure TEXT: signerd.conf with these rules instead of its own, read again by the daemon.
configure() {
  as_client sed -i '/^\[allow/,$d' "$sandbox/signerd.conf"
  printf '%s\n' "$1" | as_client tee -a "$sandbox/signerd.conf" >/dev/null
  reload
}

reload() {
  local before
  before=$(grep -cE 'read again|nothing was changed' "$sandbox/log" || :)
  as_client kill -HUP "$(<"$sandbox/signerd.pid")"
  wait_for 5 reloaded "$before"
}
reloaded() { (($(grep -cE 'read again|nothing was changed' "$sandbox/log") > $1)); }

allow_all() {
  configure "[allow all]
device = demo
user = 0 $(stat -c %u "$sandbox")
operations = all"
}

@test "64 processes that start at one moment, open the module, log in and sign 100 times: all succeed" {
  run -0 client --processes 64 --count 100
  contains "$output" "signatures 6400 bad 0 died 0"
}

@test "threads of one process sign in parallel, each signature is right" {
  run -0 client --threads 16 --count 100
  contains "$output" "signatures 1600 bad 0 died 0"
}

@test "a signature is one round trip" {
  command -v strace >/dev/null || skip "strace is not installed"
  [[ $build != *asan* ]] || skip "LeakSanitizer does not work under strace"
  count() {
    client_trace=$work/trace
    as_client strace -f -c -o "$work/trace" -e trace=sendto "$home/p11-client" \
      ${pin_file:+--pin-file "$pin_file"} --count "$1" >/dev/null
    awk '$NF == "sendto" { print $4 }' "$work/trace"
  }
  equals 200 $(($(count 300) - $(count 100)))
}

@test "each signature has an intent and a result in the audit log" {
  local intents results
  intents=$(lines ' intent SIGN ') results=$(lines ' result of=[0-9]* OK ')
  client --count 25
  equals 25 $(($(lines ' intent SIGN ') - intents))
  equals 25 $(($(lines ' result of=[0-9]* OK ') - results))
  contains "$(audit | grep ' intent SIGN ' | tail -n 1)" "uid=$(stat -c %u "$sandbox") "
}

@test "a key that a rule lets be found and no more cannot sign, and log and audit name the rule's line" {
  configure "[allow look]
device = demo
user = $(stat -c %u "$sandbox")
key = pkcs11:object=device
operations = find"
  run -1 client --count 1
  contains "$output" "failed 0x00000068 1 times" # CKR_KEY_FUNCTION_NOT_PERMITTED
  local line
  line=$(grep -n '^\[allow look' "$sandbox/signerd.conf" | cut -d: -f1)
  contains "$(grep 'refused: ' "$sandbox/log" | tail -n 1)" "DENIED by signerd.conf:$line"
  contains "$(audit | grep ' refused SIGN ' | tail -n 1)" "rule=signerd.conf%3a$line"
  allow_all
  client --count 1
}

@test "a key that no rule names is not there for a client" {
  configure "[allow other]
device = demo
user = $(stat -c %u "$sandbox")
key = pkcs11:object=another
operations = all"
  run -1 client --count 1
  contains "$output" "setup failed at find: 0x00000082"
  allow_all
}

@test "a user whom no rule names sees no key" {
  ((EUID == 0)) || skip "needs root, to be another user"
  configure "[allow sandbox]
device = demo
user = 0
operations = all"
  run -1 client --count 1
  contains "$output" "setup failed at find: 0x00000082"
  allow_all
}

@test "a broken configuration changes nothing and is reported with its line" {
  echo 'operations = everything' | as_client tee -a "$sandbox/signerd.conf" >/dev/null
  reload
  local line
  line=$(wc -l <"$sandbox/signerd.conf")
  contains "$(tail -n 3 "$sandbox/log")" "signerd.conf:$line: operations = everything"
  contains "$(tail -n 3 "$sandbox/log")" "nothing was changed"
  client --count 1
  as_client sed -i '$d' "$sandbox/signerd.conf"
}

@test "garbage on the socket disturbs no other client, and not the worker" {
  local before
  before=$(worker_pid)
  start signer "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} --count 2000
  run -0 hostile garbage 3000
  contains "$output" "silent 0"
  wait_for 60 grep -q signatures "$home/signer.log"
  contains "$(<"$home/signer.log")" "signatures 2000 bad 0 died 0"
  equals "$before" "$(worker_pid)"
}

@test "odd lengths and parameters reach the device's library, and the worker goes on" {
  local before
  before=$(worker_pid)
  run -0 as_client "$home/odd-client" "$SIGNERD_RUNTIME_DIR/demo.sock" ${pin_file:+"$pin_file"}
  [[ $output =~ ^answered\ [0-9]+,\ of\ these\ done\ ([0-9]+)$ ]]
  ((BASH_REMATCH[1] > 1000))
  (($(grep -c 'warning: device: ' "$sandbox/log") < 200)) # what a client asks cannot fill the log
  equals "$before" "$(worker_pid)"
  client --count 1
}

@test "a client that never reads its answers is cut off" {
  local before
  before=$(worker_pid)
  run -0 hostile deaf 100000
  contains "$output" "cut off"
  equals "$before" "$(worker_pid)"
  client --count 1
}

@test "one user's connections have a limit, and another user still signs" {
  ((EUID == 0)) || skip "needs root, to be another user"
  mkfifo "$home/hold"
  # 600 are more than max-connections (512) and its slack; held open until the fifo's writer goes.
  # shellcheck disable=SC2086
  ${SIGNERD_AS-} "$home/hostile-client" "$SIGNERD_RUNTIME_DIR/demo.sock" flood 600 <"$home/hold" >"$home/flood.log" 3>&- &
  exec 4>"$home/hold"
  wait_for 20 grep -q flood "$home/flood.log"
  run -0 "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} --count 10
  contains "$output" "signatures 10 bad 0"
  contains "$(<"$sandbox/log")" "too many are open"
  exec 4>&-
  wait
}

@test "the worker's memory is closed to the client's own user, and it leaves no core file" {
  [[ $build != *asan* ]] || skip "built with sanitizers, the worker is not confined"
  local pid
  pid=$(worker_pid)
  run ! as_client dd "if=/proc/$pid/mem" bs=1 count=1
  contains "$output" "ermission denied"
  equals 0 "$(awk '/^Max core file size/ { print $5 }' "/proc/$pid/limits")"
  contains "$(<"/proc/$pid/status")" $'NoNewPrivs:\t1'
  contains "$(<"/proc/$pid/status")" $'Seccomp:\t2'
}

@test "an idle daemon sleeps" {
  cpu() { awk '{ print $14 + $15 }' "/proc/$(worker_pid)/stat"; }
  sleep 1
  local before
  before=$(cpu)
  sleep 2
  (($(cpu) - before <= 2)) # ticks of 10 ms
}

@test "a wrong PIN is CKR_PIN_INCORRECT, each further one waits longer, and the right one works afterwards" {
  [[ ${SIGNERD_TEST_PIN-} ]] || skip "without a client PIN any is right"
  local began=$SECONDS
  echo wrong >"$home/wrong"
  chmod 644 "$home/wrong"
  run -1 as_client "$home/p11-client" --pin-file "$home/wrong"
  contains "$output" "setup failed at C_Login: 0x000000a0"
  run -1 as_client "$home/p11-client" --pin-file "$home/wrong"
  client --count 1
  ((SECONDS - began >= 3)) # 1 s and 2 s
  contains "$(audit)" "PIN_INCORRECT"
  run ! grep -rF 'wrong' "$sandbox/log" "$sandbox/state"
}

@test "without the PIN a key of the token is not there" {
  [[ ${SIGNERD_TEST_PIN-} ]] || skip "without a client PIN keys are public"
  run -1 as_client "$home/p11-client" --count 1
  contains "$output" "setup failed at find: 0x00000082"
}

@test "started as root, the daemon gives its worker another user and no capability" {
  ((EUID == 0)) || skip "needs root"
  local user conf=$home/root.conf pid
  user=$(stat -c %U "$sandbox")
  cp -a "$sandbox/tokens" "$home/tokens" # a token has one owner: this daemon gets a copy
  sed "s|$sandbox/tokens|$home/tokens|" "$sandbox/softhsm2.conf" >"$home/softhsm2.conf"
  sed -e "s|$sandbox/softhsm2.conf|$home/softhsm2.conf|" -e "s|^state-dir = .*|state-dir = $home/state|" \
    "$sandbox/signerd.conf" >"$conf"
  run -78 timeout 20 "$sandbox/prefix/sbin/signerd" --config "$conf" --runtime-dir "$home/run"
  contains "$output" "lacks 'user'"
  sed -i "s|^token = .*|&\nuser = $user|" "$conf"
  SIGNERD_AS='' start root-daemon "$sandbox/prefix/sbin/signerd" --config "$conf" --runtime-dir "$home/run" \
    --pid-file "$home/root.pid"
  wait_for 20 test -s "$home/root.pid"
  pid=$(children_of "$(<"$home/root.pid")")
  equals "$(id -u "$user")" "$(awk '/^Uid/ { print $2 }' "/proc/$pid/status")"
  equals "0000000000000000 0000000000000000" "$(awk '/^Cap(Eff|Bnd)/ { printf "%s%s", s, $2; s = " " }' "/proc/$pid/status")"
  SIGNERD_RUNTIME_DIR=$home/run run -0 as_client "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} --count 1
  stop root-daemon
}
