#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Known values are searched for wherever they must not be: no byte of an imported key in a client's or the parent's
# memory, in a core file, a log or any file; no reading on disk. Each search is first shown to find what is there.
# With SIGNERD_TEST_PIN=1 the daemon demands a PIN of its clients.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
load helper

# In every process that knows the rules.
mark=a-label-of-just-thirty-two-bytes

setup_file() {
  export pin_file='' values
  # Not below $home, all of which is searched.
  values=$(mktemp -d)
  chmod 711 "$values"
  if [[ ${SIGNERD_TEST_PIN-} ]]; then
    pin_file=$(mktemp)
    echo 'right-pin 42' >"$pin_file"
    chmod 644 "$pin_file" # the sandbox's user reads it; the daemon has a copy of its own
  fi
  cat >"$values/policy" <<TEXT
[deny forbidden]
device = demo
key = pkcs11:object=forbidden
operations = import
[allow all]
device = demo
user = @UID@
operations = all
[allow mark]
device = demo
user = @UID@
key = pkcs11:object=$mark
operations = all
TEXT
  sandbox_up --policy "$values/policy" ${pin_file:+--client-pin-file "$pin_file"}
  install -m 755 "$build/tests/clients/secret-client" "$home"
}

teardown_file() {
  sandbox_down
  rm -rf "${values-}" "${pin_file-}"
}

teardown() {
  local name
  for name in keeper importer user broker publisher crashing; do stop "$name"; done
}

ctl() { as_client "$sandbox/prefix/bin/signerctl" "$@" ${pin_file:+--pin-file "$pin_file"}; }
secret_client() { as_client "$home/secret-client" ${pin_file:+--pin-file "$pin_file"} "$@"; }
# start_client NAME OPTION…: one that stays when it has used its key.
start_client() {
  local name=$1
  shift
  start "$name" "$home/secret-client" ${pin_file:+--pin-file "$pin_file"} "$@"
  wait_for 20 grep -q 'at work' "$home/$name.log" || { cat "$home/$name.log"; return 1; }
}
pid_of() { cat "$home/$1.pid"; }
parent_pid() { cat "$sandbox/signerd.pid"; }
worker_pid() { children_of "$(parent_pid)"; }

# new_value NAME: 32 random bytes in $values/NAME; halves_of NAME: its halves beside it.
new_value() {
  openssl rand 32 >"$values/$1"
  halves_of "$1"
}
halves_of() {
  head -c 16 "$values/$1" >"$values/$1.first"
  tail -c 16 "$values/$1" >"$values/$1.last"
  chmod 644 "$values/$1" "$values/$1".*
}

# is_at NAME PLACE…: the whole value is there. is_not_at NAME PLACE…: not even a half of it (of a copy that was freed
# and not wiped the allocator overwrites the first bytes), and each place could be read.
is_at() {
  run -1 "$build/tests/tools/scan" --value "$values/$1" "${@:2}"
}
is_not_at() {
  local half
  for half in first last; do
    run -0 "$build/tests/tools/scan" --value "$values/$1.$half" "${@:2}"
    contains "$output" " 0 not readable"
  done
}
need_root() { ((EUID == 0)) || skip "needs root: the daemon's memory is closed to its own user"; }

@test "the search finds a key in a file, and in the memory of a client that keeps it" {
  new_value kept
  start_client keeper --label kept --value "$values/kept" --keep
  is_at kept --pid "$(pid_of keeper)"
  is_at kept "$values/kept"
  is_not_at kept "$home"
}

@test "the search finds in the memory of parent and worker what is there, the text of a rule" {
  need_root
  printf %s "$mark" >"$values/mark"
  is_at mark --pid "$(parent_pid)"
  is_at mark --pid "$(worker_pid)"
}

@test "no byte of a key that a client brought in is in its memory or that of one that uses it, nor in any file" {
  local type option
  for type in aes mac; do
    option=''
    [[ $type == aes ]] || option=--mac
    new_value "$type"
    start_client importer $option --label "by-client-$type" --value "$values/$type"
    start_client user $option --label "by-client-$type"
    is_not_at "$type" --pid "$(pid_of importer)" --pid "$(pid_of user)" "$home"
    stop importer
    stop user
    is_not_at "$type" "$home"
  done
}

# RSA: each of the six private parts is the value.
@test "no byte of a private key that a client brought in is in its memory or that of one that uses it, nor in any file" {
  local type
  for type in ec rsa; do
    new_value "private-$type"
    start_client importer "--$type" --label "by-client-$type" --value "$values/private-$type"
    [[ $type == rsa ]] || start_client user --ec --label "by-client-$type"
    is_not_at "private-$type" --pid "$(pid_of importer)" "$home"
    [[ $type == rsa ]] || is_not_at "private-$type" --pid "$(pid_of user)"
    ((EUID != 0)) || is_not_at "private-$type" --pid "$(worker_pid)" --pid "$(parent_pid)"
    stop importer
    stop user
    is_not_at "private-$type" "$home"
  done
}

# What signerctl itself has in memory is in signerctl.bats.
@test "no byte of a key that signerctl brought in is in the memory of one that uses it, nor in any file" {
  import() { ctl keys import "pkcs11:token=demo;object=by-ctl-$1" --type "$1" --raw --file "$values/$1" --use "$2"; }
  new_value aes
  import aes encrypt,wrap
  start_client user --label by-ctl-aes
  is_not_at aes --pid "$(pid_of user)" "$home"
  stop user
  new_value generic
  import generic sign
  start_client user --mac --label by-ctl-generic
  is_not_at generic --pid "$(pid_of user)" "$home"
}

# No answer overwrites the message that brought it.
@test "no byte of a key that was refused is in the client's memory, the worker's, or any file" {
  new_value refused
  start_client importer --label forbidden --value "$values/refused" --refused
  is_not_at refused --pid "$(pid_of importer)" "$home"
  ((EUID != 0)) || is_not_at refused --pid "$(worker_pid)"
}

@test "no byte of an imported key is in the parent's memory" {
  need_root
  new_value parent
  start_client importer --label parent --value "$values/parent"
  is_not_at parent --pid "$(parent_pid)"
}

# SoftHSM takes a key out of its store for one use, and wipes it; what is ours has wiped its copy before.
@test "between uses the worker's memory holds no byte of an imported key, and none when the key is destroyed" {
  need_root
  local type option
  for type in aes mac; do
    option=''
    [[ $type == aes ]] || option=--mac
    new_value "worker-$type"
    start_client importer $option --label "worker-$type" --value "$values/worker-$type"
    is_not_at "worker-$type" --pid "$(worker_pid)"
    secret_client $option --label "worker-$type" --destroy
    is_not_at "worker-$type" --pid "$(worker_pid)" "$home"
    stop importer
  done
}

# may_leave_no_core PID: neither a core file, nor a look into it by its own user.
may_leave_no_core() {
  local path
  equals "0 0" "$(awk '/^Max core file size/ { print $5, $6 }' "/proc/$1/limits")"
  # What the kernel would not dump belongs to root (PR_SET_DUMPABLE).
  for path in mem maps environ fd; do
    equals 0 "$(stat -c %u "/proc/$1/$path")"
    run ! as_client cat "/proc/$1/$path"
  done
}

@test "the worker may leave no core file, and its memory is closed to its own user" {
  may_leave_no_core "$(worker_pid)"
  start keeper sleep 60
  wait_for 5 belongs_to_user "/proc/$(pid_of keeper)/mem" # as of any other process
}
belongs_to_user() { [[ $(stat -c %u "$1") == "$(stat -c %u "$sandbox")" ]]; }

# In a directory where a core file can be left, with no limit to it.
@test "parent and worker that crash leave no byte of an imported key in a core file" {
  local place=$work/cores pid
  [[ $(</proc/sys/kernel/core_pattern) != [\|/]* ]] || skip "this machine keeps core files elsewhere"
  as_client mkdir "$place"
  cores() { find "$place" -type f -name 'core*' | wc -l; }
  as_client sh -c 'cd "$1" && ulimit -c unlimited && kill -ABRT $$' sh "$place" || :
  equals 1 "$(cores)" || skip "this machine leaves no core files"
  rm "$place"/core*

  "$root/scripts/sandbox" down "$sandbox"
  start crashing sh -c 'cd "$1" && ulimit -c unlimited && shift && exec "$@"' sh "$place" \
    "$sandbox/prefix/sbin/signerd" --config "$sandbox/signerd.conf" --runtime-dir "$sandbox/run" \
    --pid-file "$sandbox/signerd.pid"
  wait_for 20 test -s "$sandbox/signerd.pid"
  new_value crashed
  start_client importer --label crashed --value "$values/crashed"
  local signal
  for signal in ABRT SEGV; do
    pid=$(worker_pid)
    equals "$place" "$(readlink "/proc/$pid/cwd")"
    as_client kill "-$signal" "$pid"
    wait_for 10 process_gone "$pid"
    wait_for 10 worker_pid_is_not "$pid"
  done
  equals 0 "$(cores)"
  start_client user --label crashed
  pid=$(parent_pid)
  as_client kill -ABRT "$pid"
  wait_for 10 process_gone "$pid"
  is_not_at crashed --pid "$(pid_of importer)" --pid "$(pid_of user)" "$home"
  stop crashing
  as_client rm -f "$sandbox/signerd.pid"
  sandbox_start --policy "$values/policy" ${pin_file:+--client-pin-file "$pin_file"}
}
worker_pid_is_not() { [[ $(worker_pid) && $(worker_pid) != "$1" ]]; }

# ---- readings ----

# The device's key and certificate, a broker, and what is no part of the search: the owner's key, and a probe that says
# 101.937 degrees.
publisher_up() {
  probe=28-000005e2fdc3
  make_key device 01
  make_ca
  as_client openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=device-1 \
    -keyout "$work/unused.key" -out "$work/unused.csr"
  as_client openssl x509 -req -in "$work/unused.csr" -force_pubkey "$work/device.pub" -CA "$work/ca.crt" \
    -CAkey "$work/ca.key" -CAcreateserial -days 2 -out "$work/device.crt"
  jose jwk gen -i '{"kty":"EC","crv":"P-256"}' -o "$values/owner"
  jose jwk pub -i "$values/owner" | as_client tee "$work/owner.pub" >/dev/null
  mkdir "$values/sensors" "$values/sensors/$probe"
  printf '5f 06 4b 46 7f ff 01 10 28 : crc=28 YES\n5f 06 4b 46 7f ff 01 10 28 t=101937\n' \
    >"$values/sensors/$probe/w1_slave"
  chmod 644 "$values/sensors/$probe/w1_slave"
  port=$(free_port)
  printf '%s\n' "listener $port 127.0.0.1" "cafile $work/ca.crt" "certfile $work/server.crt" \
    "keyfile $work/server.key" 'require_certificate true' 'allow_anonymous true' |
    as_client tee "$work/broker.conf" >/dev/null
}

publisher_start() {
  local pin_part=''
  if [[ $pin_file ]]; then
    as_client sh -c 'umask 077; cat >"$1"' sh "$work/pin" <"$pin_file"
    pin_part="?pin-source=$work/pin"
  fi
  as_client mkdir "$work/publisher"
  start publisher "$build/publisher/signerd-publisher" run --key "$device$pin_part" --cert "$work/device.crt" \
    --ca "$work/ca.crt" --owner-key "$work/owner.pub" --sensors "$values/sensors" --spool "$work/publisher/spool" \
    --interval 1 --mqtt "localhost:$port"
}
publisher_log() { cat "$home/publisher.log"; }
has_sealed() { (($(publisher_log | grep -c accepted) >= $1)); }
has_delivered() { (($(publisher_log | grep -c delivered) >= $1)); }

hex() { od -An -v -tx1 | tr -d ' \n'; }
unhex() { tr a-f A-F | basenc --base16 -d; }
base64url() { printf %s "$1" | jose b64 dec -i -; }
# field JSON FILTER: what is there in base64url, in hexadecimal.
field() { base64url "$(jq -j "$2" <<<"$1")" | hex; }
# counted HEX: its length as four bytes, and it (RFC 7518, 4.6.2).
counted() { printf '%08x%s' $((${#1} / 2)) "$1"; }

# open_envelope: what is on stdin, as the owner would: $values/opened; and, with OpenSSL, the key of its content:
# $values/content-key.
open_envelope() {
  local jwe header info z kek owner p256=06082a8648ce3d030107
  jwe=$(base64url "$(cut -d . -f 2)")
  printf %s "$jwe" | jose jwe dec -i - -k "$values/owner" -O "$values/opened"
  header=$(base64url "${jwe%%.*}") owner=$(<"$values/owner")
  printf '30310201010420%sa00a%s' "$(field "$owner" .d)" $p256 | unhex | openssl ec -inform DER -out "$values/owner.pem"
  printf '3059301306072a8648ce3d0201%s03420004%s%s' $p256 "$(field "$header" .epk.x)" "$(field "$header" .epk.y)" |
    unhex | openssl pkey -pubin -inform DER -out "$values/ephemeral"
  z=$(openssl pkeyutl -derive -inkey "$values/owner.pem" -peerkey "$values/ephemeral" | hex)
  info=$(counted "$(printf ECDH-ES+A256KW | hex)")$(counted "$(field "$header" .apu)")$(
    counted "$(field "$header" .apv)")00000100
  kek=$(openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt "hexkey:$z" -kdfopt "hexinfo:$info" SSKDF | tr -d :)
  base64url "$(cut -d . -f 2 <<<"$jwe")" |
    openssl enc -d -id-aes256-wrap -K "$kek" -iv a6a6a6a6a6a6a6a6 -out "$values/content-key"
  equals 32 "$(stat -c %s "$values/content-key")"
}

# readings_are_not_at PLACE…: neither the value, nor the claim in which the probe is named, nor a key of content.
readings_are_not_at() {
  local name
  for name in reading claim; do
    run -0 "$build/tests/tools/scan" --value "$values/$name" "$@"
    contains "$output" " 0 not readable"
  done
  is_not_at content-key "$@"
}

@test "readings that wait for the line: none is in a file or a log, nor, sealed, in the publisher's memory" {
  publisher_up
  printf 101937 >"$values/reading"
  printf '"sensor":"%s"' "$probe" >"$values/claim"
  publisher_start
  wait_for 20 has_sealed 3
  as_client sqlite3 "file:$work/publisher/spool?mode=ro" 'SELECT body FROM envelope LIMIT 1' | open_envelope
  halves_of content-key
  local name
  for name in reading claim; do
    is_at $name "$values/opened"
  done
  is_at content-key "$values/content-key"
  readings_are_not_at "$home"
  contains "$(<"$home/publisher.log")" "$probe: seq 1 accepted" # what the log does say

  start broker env PATH="$PATH:/usr/sbin" mosquitto -c "$work/broker.conf"
  wait_for 30 has_delivered 3
  readings_are_not_at "$home"
  local pid
  for pid in "$(pid_of publisher)" "$(children_of "$(pid_of publisher)")"; do
    may_leave_no_core "$pid"
  done
  ((EUID != 0)) || readings_are_not_at --pid "$(children_of "$(pid_of publisher)")" --pid "$(pid_of publisher)"
}
