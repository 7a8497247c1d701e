#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# How often the daemon is asked, by its own count (STATUS): what a signature costs, a listing of 1,000 objects, and a
# handshake of openssl s_client. With SIGNERD_TEST_PIN=1 the daemon demands a PIN of its clients, which adds a LOGIN and
# the LIST after it. A LIST is one round trip for some 250 objects.
# shellcheck disable=SC2030,SC2031,SC2154
load helper

readonly certificates=1000 pairs=100 # besides "device", "mac" and "aes"

setup_file() {
  export pin_file=''
  if [[ ${SIGNERD_TEST_PIN-} ]]; then
    pin_file=$(mktemp)
    echo 'right-pin 42' >"$pin_file"
  fi
  sandbox_up --no-start ${pin_file:+--client-pin-file "$pin_file"}
  install -m 755 "$build/tests/tools/p11trips" "$build/tests/clients/hostile-client" "$home"
  fill keys 0 0
  sandbox_start ${pin_file:+--client-pin-file "$pin_file"}
  make_ca
  provider_conf "$home/provider.cnf"
  nginx_start
}

# fill WHAT PAIRS CERTIFICATES: into SoftHSM itself, while no daemon has it, and in memory: it syncs each file it writes.
# Sets filled, what p11trips says.
fill() {
  local module memory
  for module in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do
    [[ ! -e $module ]] || break
  done
  memory=$(as_client mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo "$work")")
  as_client cp -a "$sandbox/tokens" "$memory"
  sed "s|$sandbox/tokens|$memory/tokens|" "$sandbox/softhsm2.conf" | as_client tee "$memory/conf" >/dev/null
  filled=$(SIGNERD_PIN=$(<"$sandbox/pin") SOFTHSM2_CONF=$memory/conf \
    as_client "$home/p11trips" "$module" "fill-$1" "$2" "$3")
  as_client cp -a "$memory/tokens" "$sandbox"
  as_client rm -r "$memory"
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

say_trips() { echo "# $1: $trips round trips" >&3; }
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
    say_trips "engine, TLS $version"
    at_most 6
  done
}

@test "openssl s_client with the provider takes at most 6 round trips, start to handshake" {
  client_certificate
  provider "$(command -v openssl)"
  for version in 1.2 1.3; do
    handshake "$version"
    say_trips "provider, TLS $version"
    at_most 6
  done
}

@test "a signature is one round trip, whatever calls are around it" { one_each sign 50; }
@test "a MAC of 60 KiB is one round trip, whatever calls are around it" { one_each mac 50; }
@test "an encryption of 60 KiB is one round trip, whatever calls are around it" { one_each encrypt 50; }
@test "finding, and asking about slot, token and objects, is no round trip while nothing changes" { one_each find 0; }

worker_files() { find "/proc/$(children_of "$(<"$sandbox/signerd.pid")")/fd" -mindepth 1 | wc -l; }
has_files() { (($(worker_files) == $1)); }

@test "a flood of HELLOs leaves no descriptor behind, in the worker and in the client" {
  ((EUID == 0)) || skip "needs root, to see the worker's files"
  local before
  before=$(worker_files)
  as_client "$home/hostile-client" "$SIGNERD_RUNTIME_DIR/demo.sock" flood 400 </dev/null
  wait_for 10 has_files "$before"
  run -0 as_client "$home/p11trips" "$SIGNERD_MODULE" again 100
  [[ $output =~ ^files\ ([0-9]+)\ ([0-9]+)$ ]]
  equals "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
  wait_for 10 has_files "$before"
}

# finds COUNT: what the program in the background, which stays connected, finds now.
finds() {
  echo >&4
  sleep 0.1
  [[ $(tail -n 1 "$home/count.log") == "$1" ]]
}

@test "a program that asks nobody while nothing changes sees other rules at its next C_FindObjectsInit" {
  rm -f "$home/lines"
  mkfifo "$home/lines"
  # shellcheck disable=SC2086
  ${SIGNERD_AS-} "$home/p11trips" "$SIGNERD_MODULE" count <"$home/lines" >"$home/count.log" 3>&- &
  exec 4>"$home/lines"
  wait_for 10 finds 4
  as_client cp -p "$sandbox/signerd.conf" "$sandbox/signerd.conf.before"
  as_client sed -i 's/^operations = all admin/operations = find sign/' "$sandbox/signerd.conf"
  as_client tee -a "$sandbox/signerd.conf" <<<"key = pkcs11:object=mac" >/dev/null
  as_client kill -HUP "$(<"$sandbox/signerd.pid")"
  wait_for 10 finds 1
  as_client mv "$sandbox/signerd.conf.before" "$sandbox/signerd.conf"
  as_client kill -HUP "$(<"$sandbox/signerd.pid")"
  wait_for 10 finds 4
  exec 4>&-
  wait
}

# again_with WHAT PAIRS CERTIFICATES: the daemon, with so much more in its token.
again_with() {
  "$root/scripts/sandbox" down "$sandbox"
  fill "$@"
  sandbox_start ${pin_file:+--client-pin-file "$pin_file"}
}

# read_all AT_LEAST: that many objects, with all their attributes.
read_all() {
  trips "$home/p11trips" "$SIGNERD_MODULE" read
  [[ $output =~ ^([0-9]+)\ objects,\ ([0-9]+)\ attributes$ ]]
  ((BASH_REMATCH[1] >= $1 && BASH_REMATCH[2] >= 10 * BASH_REMATCH[1]))
  say_trips "$output"
  at_most 10
}

# The two that follow share one token, which is filled for them.
@test "listing 1,000 certificates and reading all their attributes takes at most 10 round trips" {
  again_with objects 0 "$certificates"
  [[ $filled =~ ^certificates\ of\ ([0-9]+)\ bytes$ ]]
  ((BASH_REMATCH[1] >= 580))
  read_all "$certificates"
}

@test "listing 1,200 keys and certificates and reading all their attributes takes at most 10 round trips" {
  again_with objects "$pairs" 0
  read_all $((certificates + 2 * pairs))
  one_each find 0 10
}

@test "a handshake among 1,200 objects takes no more round trips than the lists need" {
  client_certificate
  handshake 1.3 -engine pkcs11 -keyform ENGINE
  say_trips "engine, 1,200 objects"
  at_most $((login == 0 ? 7 : 13)) # the second list is the one behind the login
}
