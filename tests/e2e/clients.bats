#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The clients of a stock Debian 12 use a key of signerd, by its URI, as they would any other token's.
# With SIGNERD_TEST_PIN=1 the daemon demands a PIN of its clients: CTest runs both.
# shellcheck disable=SC2030,SC2031,SC2046,SC2154
load helper

setup_file() {
  if [[ ${SIGNERD_TEST_PIN-} ]]; then
    export pin_file
    pin_file=$(mktemp)
    echo 'right-pin 42' >"$pin_file"
    sandbox_up --client-pin-file "$pin_file"
  else
    sandbox_up
  fi
  install -m 755 "$build/tests/tools/p11probe" "$root/tests/clients/known_answers.py" "$home"
  make_key device 01
  make_ca
  nginx_start
}

teardown_file() {
  nginx_stop
  sandbox_down
  rm -f "${pin_file-}"
}

setup() {
  cd "$work" || return
  key=$device
  login=()
  if [[ ${SIGNERD_PIN-} ]]; then
    equals 'right-pin 42' "$SIGNERD_PIN"
    key="$device?pin-value=right-pin%2042"
    export GNUTLS_PIN=$SIGNERD_PIN
    login=(--login --pin env:SIGNERD_PIN)
  fi
  as_client openssl rand -out message 1000
}

openssl_sign() {
  as_client openssl dgst -sha256 -engine pkcs11 -keyform engine -sign "$1" -out signature message
}
verify() { as_client openssl dgst -sha256 -verify device.pub -signature signature message; }
pkcs11_tool() { as_client pkcs11-tool --module "$SIGNERD_MODULE" --token-label demo "$@"; }

@test "openssl req makes a request for a key of the token" {
  as_client openssl req -new -engine pkcs11 -keyform engine -key "$key" -subj /CN=me -out me.csr
  run -0 as_client openssl req -in me.csr -noout -verify -subject
  contains "$output" "verify OK"
  contains "$output" "CN = me"
  run -0 as_client openssl req -in me.csr -noout -pubkey
  equals "$(as_client openssl pkey -pubin -in device.pub)" "$output"
}

@test "openssl dgst signs so that the public key verifies it, and a changed message does not" {
  openssl_sign "$key"
  verify
  as_client openssl rand -out message 1000
  run ! verify
}

@test "openssl finds the key through p11-kit, without the path of any module" {
  unset PKCS11_MODULE_PATH
  openssl_sign "$key"
  verify
}

@test "p11tool lists the objects, by p11-kit and by --provider" {
  run -0 as_client p11tool --batch $(p11_login) --list-all "pkcs11:token=demo"
  contains "$output" "object=device;type=private"
  contains "$output" "object=device;type=public"
  run -0 as_client p11tool --batch --provider "$SIGNERD_MODULE" $(p11_login) --list-all "pkcs11:token=demo"
  contains "$output" "object=device;type=private"
}

@test "p11tool sees the token of the sandbox and no other" {
  run -0 as_client p11tool --batch --list-token-urls
  equals 1 "$(grep -c ^pkcs11: <<<"$output")"
  contains "$output" "token=demo"
}

@test "p11tool --test-sign signs and verifies" {
  run -0 as_client p11tool --batch $(p11_login) --test-sign "$device;type=private"
  contains "$output" "Verifying against public key in the token... ok"
}

@test "pkcs11-tool lists the key" {
  run -0 pkcs11_tool "${login[@]}" --list-objects
  contains "$output" "Private Key Object; EC"
  contains "$output" "label:      device"
}

@test "pkcs11-tool --sign with ECDSA-SHA256 verifies" {
  pkcs11_tool "${login[@]}" --sign --label device --mechanism ECDSA-SHA256 --signature-format openssl \
    --input-file message --output-file signature
  verify
}

@test "pkcs11-tool --sign with ECDSA of a digest verifies" {
  as_client openssl dgst -sha256 -binary -out digest message
  pkcs11_tool "${login[@]}" --sign --label device --mechanism ECDSA --signature-format openssl \
    --input-file digest --output-file signature
  verify
}

# ---- secret keys ----

iv=000102030405060708090a0b0c0d0e0f

# known_key: 32 random bytes in the file known, and in hexadecimal in $known.
known_key() {
  as_client openssl rand -out known 32
  known=$(od -An -v -tx1 known | tr -d ' \n')
}

# encrypt ID FROM TO, decrypt ID FROM TO
encrypt() {
  pkcs11_tool "${login[@]}" --encrypt --mechanism AES-CBC-PAD --iv "$iv" --id "$1" --input-file "$2" --output-file "$3"
}
decrypt() {
  pkcs11_tool "${login[@]}" --decrypt --mechanism AES-CBC-PAD --iv "$iv" --id "$1" --input-file "$2" --output-file "$3"
}

# 200 kB are more than a message holds.
@test "pkcs11-tool encrypts with an imported AES key as openssl does, and decrypts" {
  known_key
  pkcs11_tool "${login[@]}" --write-object known --type secrkey --key-type AES:32 --label known --id 31
  for size in 1 16 1000 200000; do
    as_client openssl rand -out plain "$size"
    as_client openssl enc -aes-256-cbc -K "$known" -iv "$iv" -in plain -out wanted
    encrypt 31 plain encrypted
    cmp encrypted wanted
    decrypt 31 wanted decrypted
    cmp decrypted plain
  done
}

@test "pkcs11-tool generates an AES key, lists it without its value, and uses it" {
  run -0 pkcs11_tool "${login[@]}" --keygen --key-type AES:32 --label made --id 32
  contains "$output" "AES length 32"
  contains "$output" "sensitive, always sensitive, never extractable, local"
  run -0 pkcs11_tool "${login[@]}" --list-objects
  contains "$output" "label:      made"
  encrypt 32 message encrypted
  run ! cmp encrypted message
  decrypt 32 encrypted decrypted
  cmp decrypted message
}

@test "a secret key is never readable, whatever pkcs11-tool asks for" {
  pkcs11_tool "${login[@]}" --keygen --key-type AES:32 --extractable --label readable --id 33
  run ! pkcs11_tool "${login[@]}" --read-object --type secrkey --id 33 --output-file value
  contains "$output" CKR_ATTRIBUTE_SENSITIVE
  [[ ! -s value ]]
}

# p11tool gives a secret key an id of its own making.
@test "pkcs11-tool makes and verifies the HMAC that openssl makes, with a key that p11tool imported" {
  known_key
  as_client p11tool --batch $(p11_login) --write "--secret-key=$known" --label=mac pkcs11:token=demo
  run -0 as_client p11tool --batch $(p11_login) --only-urls --list-all "pkcs11:token=demo;object=mac"
  [[ $output =~ \;id=([%0-9A-F]+) ]]
  id=${BASH_REMATCH[1]//%/}
  pkcs11_tool "${login[@]}" --sign --mechanism SHA256-HMAC --id "$id" --input-file message --output-file mac
  equals "$(as_client openssl dgst -sha256 -mac HMAC -macopt "hexkey:$known" -r message | cut -d ' ' -f 1)" \
    "$(od -An -v -tx1 mac | tr -d ' \n')"
  run -0 pkcs11_tool "${login[@]}" --verify --mechanism SHA256-HMAC --id "$id" --input-file message --signature-file mac
  contains "$output" "Signature is valid"
  as_client openssl rand -out message 1000
  run pkcs11_tool "${login[@]}" --verify --mechanism SHA256-HMAC --id "$id" --input-file message --signature-file mac
  contains "$output" "Invalid signature"
}

@test "PyKCS11 gets the known answers of AES-GCM, AES-CBC-PAD, AES-KEY-WRAP and HMAC" {
  run -0 as_client /usr/bin/python3 "$home/known_answers.py"
  equals 9 "$(grep -c ' ok$' <<<"$output")"
}

@test "curl does mutual TLS 1.2 and 1.3 with nginx" {
  as_client openssl req -new -engine pkcs11 -keyform engine -key "$key" -subj /CN=curl -out curl.csr
  certify curl
  for version in 1.2 1.3; do
    run -0 https "$version" --engine pkcs11 --key-type ENG --key "$key" --cert curl.crt
    contains "$output" "TLSv$version CN=curl"
    equals 200 "${lines[-1]}"
  done
}

@test "that nginx refuses who has no certificate, or one of another authority" {
  run -0 https 1.3
  contains "$output" "No required SSL certificate was sent"
  equals 400 "${lines[-1]}"
  as_client openssl req -x509 -engine pkcs11 -keyform engine -key "$key" -subj /CN=curl -out own.crt
  run -0 https 1.3 --engine pkcs11 --key-type ENG --key "$key" --cert own.crt
  contains "$output" "The SSL certificate error"
  equals 400 "${lines[-1]}"
}

@test "a wrong PIN is CKR_PIN_INCORRECT where one is needed, and the right one works afterwards" {
  [[ ${SIGNERD_PIN-} ]] || skip "needs SIGNERD_TEST_PIN=1"
  run ! openssl_sign "$device?pin-value=wrong-pin"
  SIGNERD_PIN=wrong-pin run ! pkcs11_tool "${login[@]}" --list-objects
  contains "$output" CKR_PIN_INCORRECT
  GNUTLS_PIN=wrong-pin run ! as_client p11tool --batch --login --test-sign "$device;type=private"
  openssl_sign "$key"
  verify
}

@test "without a PIN the key cannot be used where one is needed" {
  [[ ${SIGNERD_PIN-} ]] || skip "needs SIGNERD_TEST_PIN=1"
  unset SIGNERD_PIN GNUTLS_PIN
  run ! as_client "$home/p11probe" sign "$device"
  run ! pkcs11_tool --sign --label device --mechanism ECDSA-SHA256 --input-file message \
    --output-file signature
}

@test "any PIN is accepted where none is needed" {
  [[ ! ${SIGNERD_PIN-} ]] || skip "needs no SIGNERD_TEST_PIN"
  export SIGNERD_PIN=anything
  run -0 pkcs11_tool --login --pin env:SIGNERD_PIN --list-objects
  contains "$output" "label:      device"
  GNUTLS_PIN=anything run -0 as_client p11tool --batch --login --test-sign "$device;type=private"
  openssl_sign "$device?pin-value=anything"
  verify
}

@test "a URI that names no key is an error which says so" {
  run ! openssl_sign "${key/device/nobody}"
  contains "$output" "Could not read"
  run -2 as_client "$home/p11probe" sign "pkcs11:token=demo;object=nobody"
  contains "$output" "no such key"
  run -2 as_client "$home/p11probe" sign "pkcs11:token=nowhere;object=device"
  contains "$output" "no such key"
  run ! as_client p11tool --batch $(p11_login) --test-sign "pkcs11:token=demo;object=nobody;type=private"
  contains "$output" "not available"
}

@test "without the daemon clients fail with an error, and work again when it is back" {
  "$root/scripts/sandbox" down "$sandbox"
  run ! openssl_sign "$key"
  run ! as_client p11tool --batch $(p11_login) --test-sign "$device;type=private"
  run ! pkcs11_tool "${login[@]}" --sign --label device --mechanism ECDSA-SHA256 \
    --input-file message --output-file signature
  run -2 as_client "$home/p11probe" sign "$device"
  contains "$output" "no such key"
  # Other work of the same programs goes on.
  as_client openssl rand -engine pkcs11 -hex 8
  sandbox_start ${pin_file:+--client-pin-file "$pin_file"}
  openssl_sign "$key"
  verify
}
