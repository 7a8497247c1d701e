#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Each family of mechanisms, by pkcs11-tool through daemon and SoftHSM, against openssl: one makes what the other
# checks, both ways. With SIGNERD_TEST_PIN=1 the daemon demands a PIN of its clients: CTest runs both.
# shellcheck disable=SC2030,SC2031,SC2154
load helper

setup_file() {
  local policy
  policy=$(mktemp)
  # What is derived from one key may be read, from others not.
  printf '%s\n' '[allow export]' 'device = demo' 'user = @UID@' 'key = pkcs11:object=exported' \
    'operations = derive-export' '[allow the-caller]' 'device = demo' 'user = @UID@' 'operations = all' >"$policy"
  if [[ ${SIGNERD_TEST_PIN-} ]]; then
    export pin_file
    pin_file=$(mktemp)
    echo 'right-pin 42' >"$pin_file"
    sandbox_up --policy "$policy" --client-pin-file "$pin_file"
  else
    sandbox_up --policy "$policy"
  fi
  rm -f "$policy"
  install -d -m 755 "$home/check"
  install -m 644 "$root"/tests/clients/{openssl_check,cryptoki}.py "$root/pkcs11-module/functions.def" "$home/check"
}

teardown_file() {
  sandbox_down
  rm -f "${pin_file-}"
}

setup() {
  cd "$work" || return
  login=()
  [[ ! ${SIGNERD_PIN-} ]] || login=(--login --pin env:SIGNERD_PIN)
  as_client openssl rand -out message 1000
  as_client openssl rand -out digest 32
}

pkcs11_tool() { as_client pkcs11-tool --module "$SIGNERD_MODULE" --token-label demo "${login[@]}" "$@"; }

# make_pair LABEL ID TYPE USAGE…: its public key is LABEL.pem. (pkcs11-tool 0.23 makes no file of an EC key but of P-256,
# "cannot create EVP_PKEY", also where SoftHSM is used directly.)
make_pair() {
  local label=$1 id=$2 type=$3
  shift 3
  pkcs11_tool --keypairgen --key-type "$type" --label "$label" --id "$id" "$@"
  # shellcheck disable=SC2046
  GNUTLS_PIN=${SIGNERD_PIN-} as_client p11tool --batch $(p11_login) --export-pubkey "--outfile=$label.pem" \
    "pkcs11:token=demo;object=$label;type=private" </dev/null
}

# both_ways ID MECHANISM INPUT [TOOL OPTION…] -- OPENSSL COMMAND…: what the token signs openssl verifies, and the module,
# too; and no longer when a byte was added.
both_ways() {
  local id=$1 mechanism=$2 input=$3 options=()
  shift 3
  while [[ $1 != -- ]]; do
    options+=("$1")
    shift
  done
  shift
  pkcs11_tool --sign --id "$id" --mechanism "$mechanism" "${options[@]}" --input-file "$input" --output-file signature
  "$@"
  pkcs11_tool --verify --id "$id" --mechanism "$mechanism" "${options[@]}" --input-file "$input" \
    --signature-file signature
  head -c -1 "$input" | as_client tee changed >/dev/null
  printf x | as_client tee -a changed >/dev/null
  cmp -s "$input" changed || {
    run pkcs11_tool --verify --id "$id" --mechanism "$mechanism" "${options[@]}" --input-file changed \
      --signature-file signature
    contains "$output" "Invalid signature"
  }
}

@test "RSA signs with every hash, PKCS#1 and PSS, as openssl does" {
  make_pair rsa 01 rsa:2048 --usage-sign
  local bits
  for bits in 1 224 256 384 512; do
    both_ways 01 "SHA$bits-RSA-PKCS" message -- \
      as_client openssl dgst "-sha$bits" -verify rsa.pem -signature signature message
  done
  for bits in 1 224 256 384 512; do
    both_ways 01 "SHA$bits-RSA-PKCS-PSS" message -- \
      as_client openssl dgst "-sha$bits" -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest \
      -verify rsa.pem -signature signature message
  done
  both_ways 01 RSA-PKCS digest -- \
    as_client openssl pkeyutl -verify -pubin -inkey rsa.pem -in digest -sigfile signature
  both_ways 01 RSA-PKCS-PSS digest --hash-algorithm SHA256 --mgf MGF1-SHA256 --salt-len 20 -- \
    as_client openssl pkeyutl -verify -pubin -inkey rsa.pem -in digest -sigfile signature -pkeyopt digest:sha256 \
    -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:20
}

@test "RSA decrypts what openssl has encrypted, PKCS#1 and OAEP" {
  make_pair crypt 02 rsa:2048 --usage-decrypt
  as_client openssl pkeyutl -encrypt -pubin -inkey crypt.pem -in digest -out encrypted
  pkcs11_tool --decrypt --id 02 --mechanism RSA-PKCS --input-file encrypted --output-file plain
  cmp digest plain
  as_client openssl pkeyutl -encrypt -pubin -inkey crypt.pem -in digest -out encrypted \
    -pkeyopt rsa_padding_mode:oaep
  pkcs11_tool --decrypt --id 02 --mechanism RSA-PKCS-OAEP --hash-algorithm SHA-1 --mgf MGF1-SHA1 \
    --input-file encrypted --output-file plain
  cmp digest plain
  head -c 255 encrypted | as_client tee short >/dev/null
  run pkcs11_tool --decrypt --id 02 --mechanism RSA-PKCS --input-file short --output-file plain
  contains "$output" CKR_ENCRYPTED_DATA_LEN_RANGE
}

@test "ECDSA signs with every curve and hash as openssl does" {
  local curve bits id=10
  for curve in prime256v1 secp384r1 secp521r1; do
    make_pair "$curve" $id "EC:$curve" --usage-sign
    for bits in 1 224 256 384 512; do
      both_ways $id "ECDSA-SHA$bits" message --signature-format openssl -- \
        as_client openssl dgst "-sha$bits" -verify "$curve.pem" -signature signature message
    done
    both_ways $id ECDSA digest --signature-format openssl -- \
      as_client openssl pkeyutl -verify -pubin -inkey "$curve.pem" -in digest -sigfile signature
    id=$((id + 1))
  done
}

@test "Ed25519 signs as openssl does" {
  run -0 pkcs11_tool --list-mechanisms
  [[ $output == *EDDSA* ]] || skip "SoftHSM of this system has no Ed25519"
  run -0 pkcs11_tool --keypairgen --key-type EC:edwards25519 --label ed --id 20 --usage-sign
  local point
  point=$(sed -nE 's/^ *EC_POINT: *(0420)?([0-9a-f]{64})$/\2/p' <<<"$output")
  # RFC 8410, 4: what stands before the point of each such key
# shellcheck disable=SC2001,SC2059
  printf "$(sed 's/../\\x&/g' <<<"302a300506032b6570032100$point")" | as_client tee ed.der >/dev/null
  both_ways 20 EDDSA message -- \
    as_client openssl pkeyutl -verify -pubin -inkey ed.der -keyform der -rawin -in message -sigfile signature
}

# derive LABEL ID CURVE: the token's secret and openssl's, of that key and another one's.
derive() {
  make_pair "$1" "$2" "EC:$3" --usage-derive
  as_client openssl genpkey -algorithm ec -pkeyopt "ec_paramgen_curve:$3" -out peer.key
  as_client openssl pkey -in peer.key -pubout -outform der -out peer.der
  as_client openssl pkeyutl -derive -inkey peer.key -peerkey "$1.pem" -out wanted
  rm -f got
  run pkcs11_tool --derive --id "$2" --mechanism ECDH1-DERIVE --input-file peer.der --output-file got
}

@test "ECDH derives what openssl does, and gives it to whom a rule gives derive-export" {
  derive exported 21 prime256v1
  equals 0 "$status"
  cmp wanted got
  derive kept 22 prime256v1
  contains "$output" CKR_ATTRIBUTE_SENSITIVE
  [[ ! -s got ]]
}

@test "AES encrypts and decrypts as openssl does, by block and by counter" {
  local hex=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f iv=f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff
  write_key aes "$hex" 30
  head -c 992 message | as_client tee blocks >/dev/null
  local mode options
  for mode in ecb cbc; do
    options=()
    [[ $mode == ecb ]] || options=(--iv "$iv")
    as_client openssl enc "-aes-256-$mode" -K "$hex" ${options:+-iv "$iv"} -nopad -in blocks -out wanted
    pkcs11_tool --encrypt --id 30 --mechanism "AES-${mode^^}" "${options[@]}" --input-file blocks --output-file got
    cmp wanted got
    pkcs11_tool --decrypt --id 30 --mechanism "AES-${mode^^}" "${options[@]}" --input-file got --output-file plain
    cmp blocks plain
  done
  as_client openssl enc -aes-256-cbc -K "$hex" -iv "$iv" -in message -out wanted
  pkcs11_tool --encrypt --id 30 --mechanism AES-CBC-PAD --iv "$iv" --input-file message --output-file got
  cmp wanted got
  run pkcs11_tool --encrypt --id 30 --mechanism AES-CBC --iv "$iv" --input-file message --output-file got
  contains "$output" CKR_DATA_LEN_RANGE
}

@test "counters, MACs, wrapped keys and RSA encryption: what one has made openssl opens, and the other way" {
  run -0 as_client env PYTHONDONTWRITEBYTECODE=1 SIGNERD_TOKEN=demo /usr/bin/python3 "$home/check/openssl_check.py" \
    "$home/check/functions.def" "$work"
  equals 42 "$(grep -c ' ok$' <<<"$output")"
}
