#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The search on which the demo relies finds a key in whatever form it lies about, and names what it cannot read.
# shellcheck disable=SC2154
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  mkdir places
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem
  openssl ec -in key.pem -outform DER | tail -c +8 | head -c 32 >scalar
}

scan() { "$build/tests/tools/scan" "$@"; }
hex() { od -An -v -tx1 scalar | tr -d ' \n'; }

# found FORM: exactly one hit, of that form.
found() {
  run -1 scan scalar places
  contains "$output" "1 $1"
  equals 1 "$(awk '/^total:/ { print $2 + $4 + $6 }' <<<"$output")"
}

@test "nothing is found where there is nothing" {
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out places/other.pem
  run -0 scan scalar places
  contains "$output" "1 places read, 0 not readable"
}

@test "found as bytes, across the border of two reads" {
  { head -c $((262144 - 7)) /dev/zero; cat scalar; echo end; } >places/file
  found raw
}

@test "found reversed, as big numbers lie in memory" {
  hex | sed 's/../\\x&\n/g' | tac | tr -d '\n' >escaped
  printf %b "$(<escaped)" >places/file
  found raw
}

@test "found in hexadecimal, upper case, with colons and line ends" {
  openssl pkey -in key.pem -noout -text >places/file
  found hex
  hex | tr a-f A-F | fold -w 10 >places/file
  found hex
}

@test "found in base64 at each alignment, broken into lines, and in its form for URLs" {
  for before in '' x xy; do
    { printf %s "$before"; cat scalar; echo more; } | base64 -w 20 >places/file
    found base64
    { printf %s "$before"; cat scalar; echo more; } | base64 | tr '+/' '-_' >places/file
    found base64
  done
  cp key.pem places/file
  found base64
}

@test "found in the memory of a process that uses the key" {
  openssl req -x509 -new -key key.pem -subj /CN=x -config "$root/softhsm-config/sandbox-openssl.cnf" -out crt
  port=$(free_port)
  (close_other_files; exec openssl s_server -key key.pem -cert crt -accept "127.0.0.1:$port" -www) \
    >log 2>&1 </dev/null &
  pid=$!
  wait_for 10 port_open "$port"
  run scan scalar --pid "$pid"
  kill "$pid"
  equals 1 "$status"
  contains "$output" "memory of process $pid"
}

@test "what cannot be read is named, and is not counted as clean" {
  run -2 scan scalar --pid 999999999 places/missing
  contains "$output" "memory of process 999999999: not readable"
  contains "$output" "places/missing: not readable"
}

@test "a value of any length is found in each form" {
  local count before
  for count in 6 7 8 16 33 64; do
    openssl rand "$count" >value
    { echo x; cat value; echo; od -An -v -tx1 value; } >places/file
    run -1 scan --value value places
    contains "$output" "1 raw, 1 hex, 0 base64"
    for before in '' x xy; do
      { printf %s "$before"; cat value; echo more; } | base64 >places/file
      run -1 scan --value value places
      contains "$output" "0 raw, 0 hex, 1 base64"
    done
  done
  head -c 5 scalar >short
  run -64 scan --value short places
}

@test "a key of a wrong length is refused" {
  head -c 31 scalar >short
  run -64 scan short places
}
