#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# scripts/demo shows its six claims, and leaves nothing behind.
# shellcheck disable=SC2154
load helper

setup_file() {
  export demo_tmp demo_out SIGNERD_BUILD=$build
  demo_tmp=$(mktemp -d)
  chmod 711 "$demo_tmp"
  demo_out=$demo_tmp.out
}

teardown_file() { rm -rf "$demo_tmp" "$demo_out"; }

demo() { env TMPDIR="$demo_tmp" "$root/scripts/demo"; }

# ours: the processes whose command line names the directory of this test.
ours() {
  local path
  for path in /proc/[0-9]*; do
    grep -qsaF "$demo_tmp/" "$path/cmdline" && echo "${path#/proc/} $(tr "\0" " " <"$path/cmdline")"
  done
  return 0
}

@test "the demo shows six claims, each with its proof" {
  demo >"$demo_out"
  cat "$demo_out"
  run -0 grep -E '^(ok|no) ' "$demo_out"
  equals 6 "${#lines[@]}"
  equals 'ok  key made in the token        pkcs11:token=demo;object=device' "${lines[0]}"
  equals 'ok  openssl signs with it        Verified OK' "${lines[1]}"
  equals 'ok  curl, mutual TLS 1.3         200, CN=demo-device' "${lines[2]}"
  equals 'no  read the key                 CKR_ATTRIBUTE_SENSITIVE' "${lines[3]}"
  equals 'no  sign outside the policy      signerd.conf:12' "${lines[4]}"
  equals 'ok  key searched for             0 hits in files, clients, logs (plain key file: 3)' "${lines[5]}"
}

@test "the demo leaves no process and no file" {
  demo >"$demo_out"
  run -0 ours
  equals "" "$output"
  run -0 ls -A "$demo_tmp"
  equals "" "$output"
}

@test "a demo that is interrupted leaves no process and no file" {
  TMPDIR=$demo_tmp "$root/scripts/demo" >"$demo_out" 2>&1 3>&- &
  pid=$!
  wait_for 60 grep -q 'openssl signs' "$demo_out"
  kill -TERM "$pid"
  run wait "$pid"
  wait_for 10 process_gone "$pid"
  run -0 ours
  equals "" "$output"
  run -0 ls -A "$demo_tmp"
  equals "" "$output"
}

@test "a claim that does not hold makes the demo fail" {
  broken=$BATS_TEST_TMPDIR/broken
  mkdir "$broken"
  cp -r "$root/scripts" "$root/softhsm-config" "$broken/"
  # The rule that forbids the key `spare` is taken away.
  sed -i 's/^operations = find$/operations = find sign/' "$broken/scripts/demo"
  run ! env TMPDIR="$demo_tmp" "$broken/scripts/demo"
  contains "$output" "sign outside the policy      NOT SHOWN (CKR_OK)"
  run -0 ls -A "$demo_tmp"
  equals "" "$output"
}
