#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Faults: whatever dies, hangs or goes away, clients get an error code at most for the calls in flight, and go on.
# With SIGNERD_TEST_PIN=1 the daemon demands a PIN of its clients: they stay logged in.
# shellcheck disable=SC2030,SC2031,SC2154
load helper

setup_file() {
  export pin_file='' fault
  if [[ ${SIGNERD_TEST_PIN-} ]]; then
    pin_file=$(mktemp)
    echo 'right-pin 42' >"$pin_file"
    chmod 644 "$pin_file"
    sandbox_up --client-pin-file "$pin_file" --no-start
  else
    sandbox_up --no-start
  fi
  install -m 755 "$build"/tests/clients/{p11-client,faulty-module.so} "$home"
  # The same sandbox with SoftHSM behind a module that has faults on demand.
  fault=$work/fault
  local softhsm
  softhsm=$(sed -n 's/^module = //p' "$sandbox/signerd.conf")
  as_client sed -i -e "s|^module = .*|module = $home/faulty-module.so\nenvironment = FAULTY_MODULE=$softhsm|" \
    -e "s|^token = .*|&\nenvironment = FAULTY_FILE=$fault\ncall-timeout = 2|" "$sandbox/signerd.conf"
  daemon_start
  as_client "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} --make-key
}

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

worker_pid_is_there() { [[ $(worker_pid) ]]; }
worker_pid() { children_of "$(<"$sandbox/signerd.pid")"; }
fault() { echo "$1" | as_client tee "$fault" >/dev/null; }
failures() { awk '/^failed/ { n += $3 } END { print n + 0 }' "$1"; }

# sign_on THREADS: a client that signs on through failures, in the background, until signer_went_on.
sign_on() {
  rm -f "$home/signer.log" "$home/enough"
  start signer "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} --keep-going --until "$home/enough" --threads "$1"
  signed_after
}

# signer_went_on MAX: it can be ended, no process died, only CKR_DEVICE_ERROR was seen, and at most MAX times.
signer_went_on() {
  touch "$home/enough"
  wait_for 60 grep -q signatures "$home/signer.log"
  sleep 0.2
  cat "$home/signer.log"
  grep -q 'bad 0 died 0' "$home/signer.log"
  run ! grep -v -e '^signatures' -e '^failed 0x00000030' "$home/signer.log"
  (($(failures "$home/signer.log") <= $1))
}

results() { grep -c ' result of=[0-9]* OK' "$sandbox/state/demo/audit"; }
more_results() { (($(results) > $1)); }

# signed_after: from now on more is signed.
signed_after() { wait_for 30 more_results "$(results)"; }

@test "SIGKILL of the worker while a client signs: only calls in flight fail, the client goes on" {
  sign_on 2
  for _ in 1 2 3; do
    kill -KILL "$(worker_pid)"
    wait_for 30 worker_pid_is_there
    signed_after
  done
  signer_went_on 6
}

@test "SIGKILL of the parent and a new start: only calls in flight fail, the client goes on" {
  sign_on 2
  local worker
  worker=$(worker_pid)
  kill -KILL "$(<"$sandbox/signerd.pid")"
  wait_for 5 process_gone "$worker" # a device never has two owners
  daemon_start
  signed_after
  signer_went_on 2
}

@test "a device library that crashes takes down its worker only, and the client goes on" {
  local parent
  parent=$(<"$sandbox/signerd.pid")
  sign_on 1
  fault crash
  sleep 0.5
  fault none
  signed_after
  signer_went_on 20
  equals "$parent" "$(<"$sandbox/signerd.pid")"
  contains "$(<"$home/daemon.log")" "ended by signal 6"
}

@test "a device library that hangs is ended after call-timeout, and the client goes on" {
  sign_on 1
  fault hang
  sleep 0.5
  fault none
  wait_for 20 grep -q 'takes longer than call-timeout' "$home/daemon.log"
  signed_after
  signer_went_on 2
}

@test "a device that is unplugged and comes back is found again" {
  sign_on 1
  fault gone
  sleep 0.5
  fault none
  signed_after
  touch "$home/enough"
  wait_for 60 grep -q signatures "$home/signer.log"
  grep -q 'bad 0 died 0' "$home/signer.log"
  contains "$(<"$home/daemon.log")" "the device is gone"
}

@test "a token that is missing at the start is found when it comes; until then it is said to be absent" {
  stop daemon
  as_client mv "$sandbox/tokens" "$sandbox/tokens.away"
  as_client mkdir "$sandbox/tokens"
  daemon_start
  contains "$(<"$home/daemon.log")" "device is not there"
  run -1 as_client "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} --count 1
  contains "$output" "setup failed at token: 0x000000e0" # CKR_TOKEN_NOT_PRESENT
  as_client rmdir "$sandbox/tokens"
  as_client mv "$sandbox/tokens.away" "$sandbox/tokens"
  wait_for 15 as_client "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} --count 1
}

@test "a device PIN that is refused is tried once, not again and again" {
  stop daemon
  as_client cp -p "$sandbox/pin" "$sandbox/pin.right"
  echo 0000wrong | as_client tee "$sandbox/pin" >/dev/null
  daemon_start
  sleep 5
  equals 1 "$(grep -c 'device refuses the PIN' "$home/daemon.log")"
  run ! grep -F 0000wrong "$home/daemon.log"
  stop daemon
  as_client mv "$sandbox/pin.right" "$sandbox/pin"
  daemon_start
  as_client "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} --count 1
}

@test "a PIN file that others can read is refused with its name" {
  stop daemon
  as_client chmod 644 "$sandbox/pin"
  start daemon "$sandbox/prefix/sbin/signerd" --config "$sandbox/signerd.conf" --runtime-dir "$sandbox/run"
  wait_for 5 grep -q 'must be a file that only its owner can read' "$home/daemon.log"
  stop daemon
  as_client chmod 600 "$sandbox/pin"
  daemon_start
}

@test "a second daemon for the same sockets is refused" {
  run -75 as_client timeout 30 "$sandbox/prefix/sbin/signerd" --config "$sandbox/signerd.conf" --runtime-dir "$sandbox/run"
  contains "$output" "another signerd owns"
}

@test "a broken configuration ends with EX_CONFIG and names file and line" {
  local line
  as_client cp "$sandbox/signerd.conf" "$work/broken.conf"
  echo 'colour = blue' | as_client tee -a "$work/broken.conf" >/dev/null
  line=$(wc -l <"$work/broken.conf")
  run -78 as_client "$sandbox/prefix/sbin/signerd" --config "$work/broken.conf" --check
  contains "$output" "broken.conf:$line: 'colour' is no key of [allow]"
  run -78 as_client "$sandbox/prefix/sbin/signerd" --config "$work/nowhere.conf" --check
  contains "$output" "cannot be opened"
  # A directory of drop-ins that cannot be read must not be taken for an empty one.
  as_client cp "$sandbox/signerd.conf" "$work/lone.conf"
  as_client touch "$work/lone.conf.d"
  run -78 as_client "$sandbox/prefix/sbin/signerd" --config "$work/lone.conf" --check
  contains "$output" "lone.conf.d:0: cannot be read"
}

@test "without a daemon a client is told that the token is not there, at once" {
  stop daemon
  local began=$SECONDS
  run -1 as_client "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} --count 1
  contains "$output" "setup failed at token: 0x000000e0"
  ((SECONDS - began < 5))
  daemon_start
}
