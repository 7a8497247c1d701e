#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# scripts/sandbox: what `up` promises its callers, and that `down` ends what `up` started and nothing else.
# shellcheck disable=SC2154
load helper

setup_file() { sandbox_up; }
teardown_file() { sandbox_down; }

again() { "$root/scripts/sandbox" up "$sandbox" --build "$build/." "$@"; }
pid_of_daemon() { as_client cat "$sandbox/signerd.pid"; }

@test "up on a running sandbox prints the same lines and starts nothing" {
  before=$(pid_of_daemon)
  run -0 --separate-stderr again
  first=$output
  run -0 --separate-stderr again
  equals "$first" "$output"
  equals "$before" "$(pid_of_daemon)"
  contains "$output" "export SIGNERD_RUNTIME_DIR='$sandbox/run'"
  contains "$output" "export SIGNERD_TOKEN='demo'"
  contains "$output" "unset SIGNERD_PIN"
}

@test "the secrets of a sandbox are closed to others" {
  for file in pin signerd.conf softhsm2.conf; do
    equals 600 "$(stat -c %a "$sandbox/$file")"
  done
  equals 700 "$(stat -c %a "$sandbox")"
}

@test "clients do not get the configuration of SoftHSM" {
  [[ ! -v SOFTHSM2_CONF ]]
}

@test "down ends the daemon, keeps the files, and may be repeated; up goes on with the same keys" {
  make_key kept 05
  pid=$(pid_of_daemon)
  "$root/scripts/sandbox" down "$sandbox"
  process_gone "$pid"
  "$root/scripts/sandbox" down "$sandbox"
  sandbox_start
  run -0 as_client p11tool --batch --list-all "pkcs11:token=demo"
  contains "$output" "object=kept;type=private"
}

@test "down leaves a process alone that got the pid of a dead daemon" {
  dir=$(mktemp -d)
  "$root/scripts/sandbox" up "$dir" --build "$build/." --no-start >/dev/null
  sleep 100 3>&- &
  echo "$! 1" >"$dir/daemon"
  "$root/scripts/sandbox" down "$dir"
  kill -0 $!
  kill $!
  rm -rf "$dir"
}

@test "a daemon that cannot start is an error with its log, and evaluates to a failure" {
  dir=$(mktemp -d)
  echo '[allow nonsense' >"$BATS_TEST_TMPDIR/policy"
  run -1 --separate-stderr "$root/scripts/sandbox" up "$dir" --build "$build/." \
    --policy "$BATS_TEST_TMPDIR/policy"
  rm -rf "$dir"
  equals false "$output"
  contains "$stderr" "signerd did not start"
  contains "$stderr" "signerd.conf:"
}

@test "a path that is too long for a socket, or has odd characters, is refused before anything is made" {
  long=/tmp/$(printf 'x%.0s' {1..90})
  run -1 --separate-stderr "$root/scripts/sandbox" up "$long"
  contains "$stderr" "longer than"
  [[ ! -e $long ]]
  run -1 --separate-stderr "$root/scripts/sandbox" up "/tmp/a b"
  contains "$stderr" "only letters"
}

@test "a directory with the files of others is refused" {
  dir=$(mktemp -d)
  touch "$dir/theirs"
  ((EUID == 0)) || skip "the same user owns both"
  run -1 --separate-stderr "$root/scripts/sandbox" up "$dir" --build "$build/."
  contains "$stderr" "neither empty nor a sandbox"
  rm -rf "$dir"
}

@test "scripts/lib.bash: no number is no process" {
  run ! process_start ''
  run -0 process_start $$
}
