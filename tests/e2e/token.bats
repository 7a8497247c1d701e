#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Our programs use a key by its URI, by libp11 and by pkcs11-provider. CTest runs this with signerd's token, without and
# with a PIN, and with SoftHSM's own.
# shellcheck disable=SC2030,SC2031,SC2046,SC2154
load helper

setup_file() {
  token_up
  install -m 755 "$build/tests/clients/token_client" "$build/provision/signerd-provision" "$home"
  local key="pkcs11:token=demo;object=device"
  as_client "$home/signerd-provision" key create "$key;id=%01$pin" >/dev/null
  as_client "$home/signerd-provision" key create "pkcs11:token=demo;object=other;id=%02$pin" >/dev/null
  as_client "$home/signerd-provision" csr --key "$key$pin" --subject /CN=device --out device.csr
  as_client openssl req -in device.csr -noout -pubkey | as_client tee device.pub >/dev/null
  make_ca
  certify device
  nginx_start
  provider_conf "$home/provider.cnf"
}

teardown_file() {
  nginx_stop
  token_down
}

setup() {
  cd "$work" || return
  key=$device$pin
}

client() { as_client "$home/token_client" "$@"; }

# signs WAY: some texts, and OpenSSL without the token verifies each.
signs() {
  run -0 client --way "$1" sign "$key" device.pub <<<$'one\n\na longer text'
  equals $'verified\nverified\nverified' "$output"
}

@test "token_sign by libp11 gives raw ES256 signatures that verify" { signs libp11; }

@test "token_sign by the provider gives the same" {
  provider "$home/token_client"
  signs store
}

@test "any way: the provider where it is loaded, else libp11" {
  signs any
  run -69 client --way store sign "$key" device.pub <<<text
  contains "$output" "has no pkcs11-provider loaded"
  provider "$home/token_client"
  # libp11 is never loaded then.
  run -0 as_client strace -f -e trace=openat -o trace "$home/token_client" --way any sign "$key" device.pub <<<text
  equals verified "$output"
  grep -q 'ossl-modules/pkcs11.so' trace
}

# tls_by WAY: TLS with a certificate of a file, and refusals.
tls_by() {
  run -0 client --way "$1" tls "$key" "$port" ca.crt device.crt
  equals 2 "$(grep -c "TLSv1.3 CN=device" <<<"$output")"
}

@test "mutual TLS with the key in the token, by libp11" { tls_by libp11; }

@test "mutual TLS with the key in the token, by the provider" {
  provider "$home/token_client"
  tls_by store
}

@test "a server is refused whose CA is another, and a certificate of another key is no use" {
  as_client openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=Other \
    -keyout other.key -out other.crt 2>/dev/null
  run -0 client tls "$key" "$port" other.crt device.crt
  contains "$output" "no connection: "
  run -78 client tls "$key" "$port" ca.crt other.crt
  contains "$output" "is the certificate of this key?"
  run -78 client tls "$key" "$port" nowhere.crt device.crt
  contains "$output" "nowhere.crt"
}

@test "the certificate beside the key is found, in the token alone" {
  run -66 client certificate "$key"
  contains "$output" "no certificate of this key is in the token"
  as_client "$home/signerd-provision" cert store --key "$key" --cert device.crt
  client certificate "$key" >found.crt
  equals "$(openssl x509 -in device.crt)" "$(<found.crt)"
  run -0 client tls "$key" "$port" ca.crt
  contains "$output" "TLSv1.3 CN=device"
  run -66 client certificate "pkcs11:token=demo;object=other$pin"
}

# goes_on WANTED ARGUMENT…: a process that holds a key gives what is wanted, and goes on when the daemon was away.
goes_on() {
  local line wanted=$1
  shift
  # shellcheck disable=SC2086
  coproc CLIENT { exec ${SIGNERD_AS-} "$home/token_client" "$@" 2>"$home/client.log" 3>&-; }
  local to=${CLIENT[1]} from=${CLIENT[0]} pid=$CLIENT_PID
  echo one >&"$to"
  read -rt 20 line <&"$from"
  equals "$wanted" "$line"
  "$root/scripts/sandbox" down "$sandbox"
  echo two >&"$to"
  read -rt 20 line <&"$from"
  [[ $line =~ ^[A-Z_]+$ ]] # the name of an error
  sandbox_start ${pin_file:+--client-pin-file "$pin_file"} 3>&-
  for word in three four; do
    echo "$word" >&"$to"
    read -rt 20 line <&"$from"
    equals "$wanted" "$line"
  done
  exec {to}>&-
  wait "$pid" || :
}

@test "by libp11, a program that holds the key goes on when the daemon was restarted" {
  [[ ! ${SIGNERD_TEST_TOKEN-} ]] || skip "SoftHSM itself has no daemon"
  goes_on verified --way libp11 sign "$key" "$work/device.pub"
}

@test "by the provider, a program that holds the key goes on when the daemon was restarted" {
  [[ ! ${SIGNERD_TEST_TOKEN-} ]] || skip "SoftHSM itself has no daemon"
  provider "$home/token_client"
  goes_on verified --way store sign "$key" "$work/device.pub"
}

# ---- PINs ----

@test "a PIN comes from pin-value, from pin-source as path or file: URI, or from the terminal" {
  [[ ${SIGNERD_PIN-} ]] || skip "this token needs no PIN"
  local uri
  for uri in "$device?pin-value=${SIGNERD_PIN// /%20}" "$device?pin-source=$work/pin" "$device?pin-source=file:$work/pin" \
    "$device?pin-source=file://$work/pin"; do
    run -0 client sign "$uri" device.pub <<<text
    equals verified "$output"
  done
  (sleep 1; printf '%s\n' "$SIGNERD_PIN"; sleep 3) |
    as_client script -qec "$home/token_client --ask certificate '$device'" "$work/typescript" >/dev/null || :
  contains "$(<typescript)" "PIN of token demo: "
  ! grep -qF "$SIGNERD_PIN" typescript
  grep -qE 'BEGIN CERTIFICATE|OBJECT_GONE' typescript
}

@test "a wrong PIN, none, and a pin-source that cannot be read are told apart, and no PIN is shown" {
  [[ ${SIGNERD_PIN-} ]] || skip "this token needs no PIN"
  run -77 client sign "$device?pin-value=wrong-pin" device.pub <<<text
  contains "$output" "$device: cannot log in: PIN is wrong"
  [[ $output != *wrong-pin* ]]
  run -77 client sign "$device" device.pub <<<text
  contains "$output" "pin-source="
  run -78 client sign "$device?pin-source=$work/no-such-file" device.pub <<<text
  contains "$output" "No such file"
  as_client touch empty
  run -78 client sign "$device?pin-source=$work/empty" device.pub <<<text
  run -64 client sign "$device?pin-source=%7Ccat%20pin" device.pub <<<text
  contains "$output" "absolute path"
  as_client cp pin loose
  as_client chmod 640 loose
  run -0 client sign "$device?pin-source=$work/loose" device.pub <<<text
  contains "$output" "others may use the file of its pin-source"
  # Nothing is locked by this.
  signs libp11
}

@test "where no PIN is needed none is asked for, and one that is given does no harm" {
  [[ ! ${SIGNERD_PIN-} ]] || skip "this token needs a PIN"
  run -0 client sign "$device?pin-value=whatever" device.pub <<<text
  run -0 client sign "$device" device.pub <<<text
}

# ---- URIs ----

@test "a URI that names no token, no key, or several, is an error which says so" {
  run -69 client sign "pkcs11:token=nowhere;object=device$pin" device.pub <<<text
  contains "$output" "there is no such token"
  run -66 client sign "pkcs11:token=demo;object=nobody$pin" device.pub <<<text
  contains "$output" "there is no such private key"
  run -65 client sign "pkcs11:token=demo$pin" device.pub <<<text
  contains "$output" "more than one private key fits"
  run -64 client sign "pkcs11:token=demo;object=device;type=cert$pin" device.pub <<<text
  contains "$output" "its type is not that of a private key"
  run -64 client sign "http://example.org/" device.pub <<<text
  contains "$output" "is no PKCS#11 URI"
}

# ---- secret keys ----

has_gcm() { as_client p11tool --batch --list-mechanisms "pkcs11:token=demo" | grep -q AES_GCM || skip "this token has no AES-GCM"; }

@test "a program that holds a secret key goes on when the daemon was restarted" {
  [[ ! ${SIGNERD_TEST_TOKEN-} ]] || skip "SoftHSM itself has no daemon"
  has_gcm
  write_key held 0000000000000000000000000000000000000000000000000000000000000000 23
  goes_on cea7403d4d606b6e074ec5d3baf39d18 wrap "pkcs11:token=demo;object=held$pin"
}

# The tests of the specification of GCM (McGrew and Viega), 14 and 16, of AES-256.
@test "token_encrypt_gcm gives what the standard's examples give" {
  has_gcm
  local long=feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308
  write_key zero 0000000000000000000000000000000000000000000000000000000000000000 21
  write_key long "$long" 22
  run -0 client gcm "pkcs11:token=demo;object=zero$pin" 000000000000000000000000 "" 00000000000000000000000000000000
  equals cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919 "$output"
  run -0 client gcm "pkcs11:token=demo;object=long;type=secret-key$pin" cafebabefacedbaddecaf888 \
    feedfacedeadbeeffeedfacedeadbeefabaddad2 d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39
  equals 522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b "$output"
  run -66 client gcm "pkcs11:token=demo;object=device$pin" 000000000000000000000000 "" 00
  contains "$output" "there is no such secret key"
}
