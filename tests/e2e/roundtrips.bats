#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# How often the daemon is asked, by its own count (STATUS): what a signature costs, a listing of 1,000 objects, and a
# handshake of openssl s_client. With SIGNERD_TEST_PIN=1 the daemon demands a PIN of its clients, which adds a LOGIN and
# the LIST after it. A LIST is one round trip for some 250 objects.
# shellcheck disable=SC2030,SC2031,SC2154
load helper

readonly pairs=100 certificates=800 # with "device", "mac" and "aes" 1,004 objects

setup_file() {
  export pin_file=''
  if [[ ${SIGNERD_TEST_PIN-} ]]; then
    pin_file=$(mktemp)
    echo 'right-pin 42' >"$pin_file"
  fi
  sandbox_up --no-start ${pin_file:+--client-pin-file "$pin_file"}
  install -m 755 "$build/tests/tools/p11trips" "$home"
  fill keys 0 0
  sandbox_start ${pin_file:+--client-pin-file "$pin_file"}
  make_ca
  provider_conf "$home/provider.cnf"
  nginx_start
}

# fill WHAT PAIRS CERTIFICATES: into SoftHSM itself, while no daemon has it: a thousand objects are made sooner so.
fill() {
  local module
  for module in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do
    [[ ! -e $module ]] || break
  done
  SIGNERD_PIN=$(<"$sandbox/pin") SOFTHSM2_CONF=$sandbox/softhsm2.conf \
    as_client "$home/p11trips" "$module" "fill-$1" "$2" "$3"
}

teardown_file() {
  nginx_stop
  sandbox_down
  rm -f "${pin_file-}"
}

setup() {
  cd "$work" || return
  key=$device
  login=0
  if [[ ${SIGNERD_PIN-} ]]; then
    key="$device?pin-value=right-pin%2042"
    login=2
  fi
}

requests() {
  as_client "$sandbox/prefix/bin/signerctl" status --json |
    /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["requests"])'
}

# trips COMMAND…: runs it and sets trips, how many requests the daemon had of it. Asking adds HELLO and STATUS.
trips() {
  local before
  before=$(requests)
  run -0 as_client "$@"
  trips=$(($(requests) - before - 2))
}

at_most() { ((trips <= $1)) || { echo "$trips round trips, and not at most $1"; return 1; }; }

# Many calls around each, in a session of its own; a second run has so many more of them.
one_each() {
  local once
  trips "$home/p11trips" "$SIGNERD_MODULE" "$1" 10
  once=$trips
  trips "$home/p11trips" "$SIGNERD_MODULE" "$1" 60
  equals "$2" "$((trips - once))"
  at_most "$((60 * $2 / 50 + 3 + login + ${3:-0}))"
}

# handshake VERSION OPTION…: with a certificate of the key.
handshake() {
  local version=$1
  shift
  trips sh -c 'exec openssl s_client -brief -verify_return_error "$@" </dev/null' sh \
    -connect "localhost:$port" -CAfile ca.crt "-tls${version/./_}" -cert client.crt -key "$key" "$@"
  contains "$output" "Protocol version: TLSv$version"
  contains "$output" "Verification: OK"
}

client_certificate() {
  [[ ! -e client.crt ]] || return 0
  as_client openssl req -new -engine pkcs11 -keyform engine -key "$key" -subj /CN=client -out client.csr
  certify client
}

@test "openssl s_client with the engine takes at most 6 round trips, start to handshake" {
  client_certificate
  for version in 1.2 1.3; do
    handshake "$version" -engine pkcs11 -keyform ENGINE
    at_most 6
  done
}

@test "openssl s_client with the provider takes at most 6 round trips, start to handshake" {
  client_certificate
  provider "$(command -v openssl)"
  for version in 1.2 1.3; do
    handshake "$version"
    at_most 6
  done
}

@test "a signature is one round trip, whatever calls are around it" { one_each sign 50; }
@test "a MAC of 60 KiB is one round trip, whatever calls are around it" { one_each mac 50; }
@test "an encryption of 60 KiB is one round trip, whatever calls are around it" { one_each encrypt 50; }
@test "finding, and asking about slot, token and objects, is no round trip while nothing changes" { one_each find 0; }


@test "listing 1,000 objects and reading all their attributes takes at most 10 round trips" {
  "$root/scripts/sandbox" down "$sandbox"
  fill objects "$pairs" "$certificates"
  sandbox_start ${pin_file:+--client-pin-file "$pin_file"}
  trips "$home/p11trips" "$SIGNERD_MODULE" read
  [[ $output =~ ^([0-9]+)\ objects,\ ([0-9]+)\ attributes$ ]]
  ((BASH_REMATCH[1] >= 1000 && BASH_REMATCH[2] >= 10 * BASH_REMATCH[1]))
  at_most 10
  one_each find 0 10
}
