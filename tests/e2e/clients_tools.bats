#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Tools that make, import and test keys: pkcs11-tool with its own tests, p11tool, certtool. CTest runs it without and with a PIN.
# shellcheck disable=SC2030,SC2031,SC2046,SC2154
load helper

setup_file() {
  token_up
  make_key device 01
  # With an EC key alone, before there is one of RSA.
  export ec_test
  ec_test=$(tests_of_its_own 2>&1) || echo "$ec_test"
  make_rsa_key device-rsa 02
}

teardown_file() { token_down; }

setup() {
  cd "$work" || return
  login=()
  [[ ! ${SIGNERD_PIN-} ]] || login=(--login --pin env:SIGNERD_PIN)
}

pkcs11_tool() { as_client pkcs11-tool --module "$SIGNERD_MODULE" --token-label demo "$@"; }

tests_of_its_own() { pkcs11_tool --login --pin "${SIGNERD_PIN-any}" --allow-sw --test; }

@test "pkcs11-tool --test finds no error with an EC key" {
  contains "$ec_test" "all 4 digest functions seem to work"
  contains "$ec_test" "No errors"
}

# SoftHSM has no OAEP with SHA-256, nor with a label, where this ends.
@test "pkcs11-tool --test finds no error with an RSA key before it comes to OAEP with SHA-256" {
  run -1 tests_of_its_own
  contains "$output" "all 4 signature functions seem to work"
  equals 6 "$(grep -c '^ *\(SHA[0-9]*-\)\?RSA-PKCS: OK' <<<"$output")"
  equals 1 "$(grep -c '^error:' <<<"$output")"
  contains "$output" "OAEP parameters: hashAlg=SHA256, mgf=MGF1-SHA256, encoding parameter (Label) present, length 3"
}

@test "pkcs11-tool --test-ec makes a key, signs, and verifies" {
  run -0 pkcs11_tool --login --pin "${SIGNERD_PIN-any}" --session-rw --test-ec --id 09 --key-type EC:prime256v1
}

@test "pkcs11-tool --test-fork: the child initialises anew" {
  run -0 as_client pkcs11-tool --module "$SIGNERD_MODULE" --test-fork
  contains "$output" "Calling C_Initialize in forked child process"
}

@test "pkcs11-tool --test-threads: four threads, each with C_Initialize of its own" {
  run -0 pkcs11_tool --test-threads ILGISLT0 --test-threads ILSLT0GI --test-threads ILSLT0SL --test-threads ILSLGIT0
  contains "$output" "test_threads all threads have ended"
  equals 4 "$(grep -c 'Test thread [0-3] returning rv = 0' <<<"$output")"
  run ! grep -E 'some errors|Unknown test' <<<"$output"
}

@test "pkcs11-tool makes keys, uses and deletes them" {
  for type in EC:prime256v1 rsa:2048; do
    run -0 pkcs11_tool "${login[@]}" --keypairgen --key-type $type --label made --id 31
    contains "$output" "sensitive, always sensitive, never extractable, local"
    as_client openssl rand -out message 1000
    pkcs11_tool "${login[@]}" --read-object --type pubkey --id 31 --output-file made.der
    local mechanism=(SHA256-RSA-PKCS)
    [[ $type == rsa* ]] || mechanism=(ECDSA-SHA256 --signature-format openssl)
    pkcs11_tool "${login[@]}" --sign --id 31 --mechanism "${mechanism[@]}" --input-file message --output-file signature
    as_client openssl dgst -sha256 -verify made.der -keyform der -signature signature message
    pkcs11_tool "${login[@]}" --delete-object --type privkey --id 31
    pkcs11_tool "${login[@]}" --delete-object --type pubkey --id 31
    run ! pkcs11_tool "${login[@]}" --sign --id 31 --mechanism "${mechanism[@]}" --input-file message --output-file signature
  done
}

@test "pkcs11-tool and p11tool import private keys, which sign as before and are not readable" {
  for type in EC RSA; do
    case $type in
      EC) as_client openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem ;;
      RSA) as_client openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem ;;
    esac
    as_client openssl pkey -in key.pem -outform der -out key.der
    as_client openssl pkey -in key.pem -pubout -out key.pub
    pkcs11_tool "${login[@]}" --write-object key.der --type privkey --id 41 --label "by-tool-$type" --usage-sign
    as_client p11tool --batch $(p11_login) --write --load-privkey=key.pem --label="by-p11tool-$type" --id=42 pkcs11:token=demo
    for label in "by-tool-$type" "by-p11tool-$type"; do
      as_client openssl rand -out message 1000
      as_client openssl dgst -sha256 -engine pkcs11 -keyform engine -sign "$(uri "$label")" -out signature message
      as_client openssl dgst -sha256 -verify key.pub -signature signature message
    done
  done
}

@test "pkcs11-tool decrypts with RSA, PKCS #1 and OAEP, what openssl has encrypted" {
  as_client openssl rand -out secret 40
  as_client openssl pkeyutl -encrypt -pubin -inkey device-rsa.pub -in secret -out encrypted
  pkcs11_tool "${login[@]}" --decrypt --id 02 --mechanism RSA-PKCS --input-file encrypted --output-file decrypted
  cmp secret decrypted
  as_client openssl pkeyutl -encrypt -pubin -inkey device-rsa.pub -pkeyopt rsa_padding_mode:oaep -in secret -out encrypted
  pkcs11_tool "${login[@]}" --decrypt --id 02 --mechanism RSA-PKCS-OAEP --hash-algorithm SHA-1 --mgf MGF1-SHA1 \
    --input-file encrypted --output-file decrypted
  cmp secret decrypted
}

@test "certtool makes a request and a certificate of its own for keys of the token" {
  printf 'cn = me\nca\ncert_signing_key\n' | file 600 template
  for label in device device-rsa; do
    local key=(--load-privkey "$(uri $label type=private)" --load-pubkey "$(uri $label type=public)" --template template)
    as_client certtool --generate-request "${key[@]}" --outfile me.csr
    run -0 as_client openssl req -in me.csr -noout -verify -pubkey
    contains "$output" "verify OK"
    contains "$output" "$(as_client openssl pkey -pubin -in $label.pub)"
    as_client certtool --generate-self-signed "${key[@]}" --outfile me.crt
    run -0 as_client openssl verify -CAfile me.crt me.crt
  done
}

@test "p11tool --test-sign signs and verifies with EC and RSA" {
  for label in device device-rsa; do
    run -0 as_client p11tool --batch $(p11_login) --test-sign "pkcs11:token=demo;object=$label;type=private"
    contains "$output" "Verifying against public key in the token... ok"
  done
}
