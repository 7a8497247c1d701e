#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Administration with pkcs11-tool: the token is initialised, the client PIN is set, by whom a rule gives "admin" and by
# nobody else. With SIGNERD_TEST_PIN=1 the daemon demands a PIN of its clients.
# shellcheck disable=SC2030,SC2031,SC2154
load helper

setup_file() {
  export pin_file='' so_pin
  if [[ ${SIGNERD_TEST_PIN-} ]]; then
    pin_file=$(mktemp)
    echo 'right-pin 42' >"$pin_file"
    chmod 644 "$pin_file"
  fi
  sandbox_up ${pin_file:+--client-pin-file "$pin_file"} --no-start
  so_pin=$(<"$sandbox/pin") # scripts/sandbox gives both PINs of the device the same value
  install -m 755 "$build"/tests/clients/{p11-client,init-token} "$build/tests/module/module-check" "$home"
  daemon_start
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

# First in a test, not in a function that run calls: there it would end no more than that.
need_tool() { ! grep -q __asan_init "$SIGNERD_MODULE" || skip "pkcs11-tool cannot load a sanitizer's module"; }
tool() {
  as_client timeout 60 pkcs11-tool --module "$SIGNERD_MODULE" "$@"
}
client() { as_client timeout 60 "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} "$@"; }
audited() { grep -c -E "$1" "$sandbox/state/demo/audit"; }
init_token() { tool --init-token --slot-index 0 --label "$1" --so-pin "$2"; }
# The same for an absent token, which pkcs11-tool does not try: prints the code.
init_absent() { as_client timeout 60 "$home/init-token" demo <<<"$1"; }

@test "an initialised token is empty, and works with the daemon that goes on" {
  need_tool
  client --make-key
  client --count 1
  local intents
  intents=$(audited ' intent INIT_TOKEN ' || :)
  run -0 init_token demo "$so_pin"
  run -1 client --count 1
  contains "$output" "setup failed at find: 0x00000082" # there is no such key
  client --make-key
  client --count 1
  equals $((intents + 1)) "$(audited ' intent INIT_TOKEN ')"
  contains "$(<"$home/daemon.log")" "has initialised the token 'demo'"
}

@test "a process that has sessions goes on after another has initialised the token" {
  need_tool
  client --make-key || :
  start signer "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} --keep-going --until "$home/enough"
  rm -f "$home/enough"
  sleep 1
  run -0 init_token demo "$so_pin"
  client --make-key
  sleep 1
  touch "$home/enough"
  wait_for 60 grep -q signatures "$home/signer.log"
  cat "$home/signer.log"
  grep -q 'died 0' "$home/signer.log"
}

@test "a wrong SO PIN is said so, and nothing is lost" {
  need_tool
  client --count 1
  run -1 init_token demo 0000wrong
  contains "$output" "CKR_PIN_INCORRECT"
  client --count 1
  run ! grep -F -e 0000wrong -e "$so_pin" "$home/daemon.log" "$sandbox/state/demo/audit"
  (($(audited ' result of=[0-9]* PIN_INCORRECT') > 0))
}

@test "another label than that of signerd.conf is refused, and the log says why" {
  need_tool
  run -1 init_token other "$so_pin"
  contains "$output" "CKR_ARGUMENTS_BAD"
  contains "$(<"$home/daemon.log")" "refused, since it would not be found again"
  client --count 1
}

@test "a device whose PIN is refused can be initialised, and then opens" {
  stop daemon
  as_client cp -p "$sandbox/pin" "$sandbox/pin.right"
  echo 0000new | as_client tee "$sandbox/pin" >/dev/null
  daemon_start
  wait_for 10 grep -q 'device refuses the PIN' "$home/daemon.log"
  run -1 init_absent 0000wrong
  contains "$output" "0x000000a0" # CKR_PIN_INCORRECT
  sleep 3
  equals 1 "$(grep -c 'device refuses the PIN' "$home/daemon.log")" # the user PIN was not tried again
  run -0 init_absent "$so_pin"
  client --make-key
  client --count 1
  # And back.
  stop daemon
  as_client mv "$sandbox/pin.right" "$sandbox/pin"
  daemon_start
  wait_for 10 grep -q 'device refuses the PIN' "$home/daemon.log"
  run -0 init_absent "$so_pin"
  client --make-key
}

@test "without a client PIN, none can be set" {
  need_tool
  [[ ! $pin_file ]] || skip "this daemon has one"
  run -1 tool --token-label demo --init-pin --login --login-type so --so-pin anything --new-pin 123456
  contains "$output" "CKR_TOKEN_WRITE_PROTECTED"
}

# set_pin OLD NEW
set_pin() { tool --token-label demo --login --pin "$1" --change-pin --new-pin "$2"; }
counts() { as_client sh -c 'umask 077; printf %s "$1" >"$2"' sh "$1" "$work/pin.now"; as_client "$home/p11-client" --pin-file "$work/pin.now" --count 1; }

@test "the client PIN is set, survives daemon and worker, and ends with a new one in its file" {
  need_tool
  [[ $pin_file ]] || skip "this daemon has no client PIN"
  counts 'right-pin 42'
  run -0 tool --token-label demo --init-pin --login --login-type so --so-pin any --new-pin by-init
  counts by-init
  run -1 counts 'right-pin 42'
  stop daemon
  daemon_start
  counts by-init
  run -0 set_pin by-init by-set
  kill -KILL "$(children_of "$(<"$sandbox/signerd.pid")")"
  counts by-set
  run -1 set_pin wrong-old by-nobody
  contains "$output" "CKR_PIN_INCORRECT"
  # The administrator writes another PIN into the file.
  stop daemon
  echo 'from-file' | as_client tee "$sandbox/client-pin" >/dev/null
  daemon_start
  counts from-file
  run -1 counts by-set
  stop daemon
  as_client cp "$pin_file" "$sandbox/client-pin" 2>/dev/null || as_client tee "$sandbox/client-pin" <"$pin_file" >/dev/null
  daemon_start
  counts 'right-pin 42'
  run ! grep -F -r -e by-init -e by-set "$home/daemon.log" "$sandbox/state/demo"
  (($(audited ' intent INIT_PIN ') == 1 && $(audited ' intent SET_PIN ') == 1))
}

@test "who is no admin can do nothing of it" {
  as_client cp -p "$sandbox/signerd.conf" "$sandbox/signerd.conf.before"
  as_client sed -i 's/^operations = all admin/operations = all/' "$sandbox/signerd.conf"
  kill -HUP "$(<"$sandbox/signerd.pid")"
  wait_for 10 grep -q 'read again' "$home/daemon.log"
  as_client "$home/module-check" ${pin_file:+--pin-file "$pin_file"} no-admin
  as_client mv "$sandbox/signerd.conf.before" "$sandbox/signerd.conf"
  kill -HUP "$(<"$sandbox/signerd.pid")"
  (($(audited ' refused (INIT_TOKEN|SET_PIN|LOGIN) .* DENIED ') >= 3))
}
