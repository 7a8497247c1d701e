#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A second real token behind signerd: a TPM (swtpm, in software) with Debian's tpm2-pkcs11, used by openssl and curl.
# The settings are those of docs/tokens.md.
# shellcheck disable=SC2030,SC2031,SC2154
load helper

library=$(echo "$aside"/lib/*/libtpm2_pkcs11.so.1)

setup_file() {
  export why_not='' tpm
  [[ -e $library ]] || why_not="libtpm2-pkcs11-1 is not there (scripts/deps test)"
  command -v swtpm >/dev/null || why_not="swtpm is not installed (scripts/deps test)"
  [[ ! $why_not ]] || return 0
  sandbox_up --no-start
  tpm=$home/s/tpm
  as_client mkdir -p "$tpm/state" "$tpm/store"
  swtpm_start
  tpm_tool --slot-index 0 --init-token --label tpm --so-pin 12345678
  tpm_tool --token-label tpm --login --login-type so --so-pin 12345678 --init-pin --pin 8765
  as_client sh -c 'umask 077; printf 8765 >"$1"' sh "$tpm/pin"
  cat >"$home/policy" <<TEXT
[device tpm]
driver = pkcs11
module = $library
token = tpm
pin-file = $tpm/pin
environment = TPM2_PKCS11_STORE=$tpm/store
environment = TPM2_PKCS11_TCTI=swtpm:path=$tpm/sock
lock-memory = try
[allow the-caller]
user = 0 @UID@
operations = all
TEXT
  sandbox_start --policy "$home/policy"
  make_ca
  nginx_start
  wait_for 20 tpm_there
}

teardown_file() {
  [[ ! $why_not ]] || return 0
  nginx_stop
  "$root/scripts/sandbox" down "$sandbox"
  stop swtpm
  sandbox_down
}

setup() {
  [[ ! $why_not ]] || skip "$why_not"
  cd "$work" || return
}

swtpm_start() {
  start swtpm swtpm socket --tpm2 --tpmstate "dir=$tpm/state" --server "type=unixio,path=$tpm/sock" \
    --ctrl "type=unixio,path=$tpm/sock.ctrl" --flags not-need-init,startup-clear
  wait_for 10 test -S "$tpm/sock"
}

# tpm_tool OPTION…: pkcs11-tool, without signerd.
tpm_tool() {
  as_client env "TPM2_PKCS11_STORE=$tpm/store" "TPM2_PKCS11_TCTI=swtpm:path=$tpm/sock" pkcs11-tool --module "$library" "$@"
}

tpm_there() { as_client p11tool --batch --list-token-urls | grep -q token=tpm; }

# tpm_key LABEL ID OPTION…: made in the TPM, by way of signerd; $work/LABEL.pub and a certificate.
tpm_key() {
  local label=$1 id=$2
  shift 2
  as_client p11tool --batch --generate-privkey="$1" "${@:2}" "--label=$label" "--id=$id" "--outfile=$label.pub" \
    pkcs11:token=tpm </dev/null
  as_client openssl req -new -engine pkcs11 -keyform engine -key "pkcs11:token=tpm;object=$label" -subj "/CN=$label" \
    -out "$label.csr"
  certify "$label"
}

sign() {
  as_client openssl rand -out message 1000
  as_client openssl dgst -sha256 -engine pkcs11 -keyform engine -sign "pkcs11:token=tpm;object=$1" -out signature message
}
verify() { as_client openssl dgst -sha256 -verify "$1.pub" -signature signature message; }

# use LABEL: a signature, and mutual TLS.
use() {
  local version
  sign "$1"
  verify "$1"
  as_client openssl rand -out message 1000
  run ! verify "$1"
  for version in 1.2 1.3; do
    run -0 https "$version" --key "pkcs11:token=tpm;object=$1" --cert "$1.crt"
    contains "$output" "TLSv$version CN=$1"
  done
}

@test "an EC key of the TPM: made, listed, used by openssl and curl" {
  tpm_key ec 21 ecc --curve=secp256r1
  run -0 as_client pkcs11-tool --module "$SIGNERD_MODULE" --token-label tpm --list-objects
  contains "$output" "Private Key Object; EC"
  contains "$output" "sensitive, always sensitive, never extractable, local"
  use ec
}

# A TPM has room for three objects at a time, and no resource manager is between it and swtpm's clients: so with a
# worker that has used no other key yet.
@test "an RSA key of the TPM: made, listed, used by openssl and curl" {
  "$root/scripts/sandbox" down "$sandbox"
  sandbox_start --policy "$home/policy"
  wait_for 20 tpm_there
  tpm_key rsa 22 rsa --bits=2048
  use rsa
}

@test "openssl with the provider uses keys of the TPM" {
  provider_conf "$home/provider.cnf"
  provider "$SIGNERD_MODULE"
  for label in ec rsa; do
    "$root/scripts/sandbox" down "$sandbox"
    OPENSSL_CONF='' sandbox_start --policy "$home/policy"
    export OPENSSL_CONF=$home/provider.cnf
    wait_for 20 tpm_there
    as_client openssl rand -out message 1000
    as_client openssl dgst -sha256 -sign "pkcs11:token=tpm;object=$label" -out signature message
    verify $label
  done
}

@test "the other device goes on without the TPM, and the TPM's keys are back with it" {
  make_key device 01
  stop swtpm
  run ! sign ec
  as_client openssl dgst -sha256 -engine pkcs11 -keyform engine -sign "$device" -out signature message
  verify device
  swtpm_start
  wait_for 30 sign ec
  verify ec
}
