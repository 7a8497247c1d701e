#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The module as programs see it, rule by rule: tests/module against a real daemon, group by group. Only our own clients
# are used, so the sanitizer builds run it too. With SIGNERD_TEST_PIN=1 the daemon demands a PIN of its clients.
# shellcheck disable=SC2030,SC2031,SC2154
load helper

setup_file() {
  export pin_file=''
  if [[ ${SIGNERD_TEST_PIN-} ]]; then
    pin_file=$(mktemp)
    echo 'right-pin 42' >"$pin_file"
    chmod 644 "$pin_file"
    sandbox_up --client-pin-file "$pin_file"
  else
    sandbox_up
  fi
  install -m 755 "$build/tests/clients/p11-client" "$build/tests/module/module-check" "$home"
  write_restart
  as_client "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} --make-key
}

teardown_file() {
  sandbox_down
  rm -f "${pin_file-}"
}

# write_restart: $home/restart worker|daemon, for the client's user: SIGKILL; a killed daemon is started again.
write_restart() {
  {
    echo '#!/bin/bash'
    declare -f wait_for process_start process_gone children_of close_other_files restart worker_runs
    # shellcheck disable=SC2016
    printf 'sandbox=%q\nrestart "$1"\n' "$sandbox"
  } >"$home/restart"
  chmod 755 "$home/restart"
}

worker_runs() { worker=$(children_of "$(<"$sandbox/signerd.pid")") && [[ $worker ]]; }

restart() {
  local worker
  wait_for 20 test -s "$sandbox/signerd.pid" && wait_for 20 worker_runs || return
  if [[ $1 == worker ]]; then
    kill -KILL "$worker"
    wait_for 5 process_gone "$worker"
    return
  fi
  kill -KILL "$(<"$sandbox/signerd.pid")"
  wait_for 5 process_gone "$worker" || return
  rm -f "$sandbox/signerd.pid"
  (
    close_other_files
    cd /
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin setsid "$sandbox/prefix/sbin/signerd" \
      --config "$sandbox/signerd.conf" --runtime-dir "$sandbox/run" --pid-file "$sandbox/signerd.pid"
  ) </dev/null >>"$sandbox/log" 2>&1 &
  echo "$! $(process_start $!)" >"$sandbox/daemon" # so that scripts/sandbox knows it
}

# check OPTION… GROUP: also the daemon has said nothing of a fault of its own.
check() {
  as_client "$home/module-check" ${pin_file:+--pin-file "$pin_file"} "$@"
  run ! grep -E 'ERROR: |runtime error|WARNING: ThreadSanitizer' "$sandbox/log"
}

@test "start and end, no daemon, fork, closed descriptors" { check process; }
@test "threads" { check thread; }

@test "threads of a client that signs" {
  as_client "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} --processes 2 --threads 8 --count 100
}

@test "slots, sessions, login, bad handles and pointers" { check session; }
@test "signatures and random bytes" { check sign; }
@test "keys, certificates, attributes, finding" { check object; }
@test "objects of every class: brought in, copied, changed, derived" { check change; }
@test "counts and lengths that no program means" { check limit; }
@test "secret keys: made, imported, wrapped" { check secret wrap; }
@test "MACs, of data short and long" { check mac; }
@test "encryption and decryption, at once and in parts" { check cipher parts; }

# The parent starts each next worker later, so not all of it.
@test "a restart of the worker" {
  check --restart "$home/restart worker" --filter '*session*' restart
}

@test "a restart of the daemon" { check --restart "$home/restart daemon" restart; }
