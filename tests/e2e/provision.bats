#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# signerd-provision, from nothing to a device with a certificate; its work is judged by openssl, p11tool, curl and nginx.
# CTest runs this with signerd's token, without and with a PIN, and with SoftHSM's own.
# shellcheck disable=SC2030,SC2031,SC2046,SC2154
load helper

setup_file() {
  token_up
  install -m 755 "$build/provision/signerd-provision" "$home"
  make_ca
  provision ca create --key "pkcs11:token=demo;object=ca$pin" --subject "/O=Example/CN=Example CA" --days 100 --out own-ca.crt
  provider_conf "$home/provider.cnf"
  # nginx trusts it beside its own.
  as_client tee -a ca.crt <own-ca.crt >/dev/null
  nginx_start
}

teardown_file() {
  nginx_stop
  [[ ! -d $home/p ]] || "$root/scripts/sandbox" down "$home/p"
  token_down
}

# Each test has a directory of its own, and may name its objects by its number.
setup() {
  n=$BATS_TEST_NUMBER
  ca=$work/own-ca.crt ca_key="pkcs11:token=demo;object=ca$pin" key="pkcs11:token=demo;object=key$n$pin"
  as_client mkdir -p "$work/$n"
  cd "$work/$n" || return
}

provision() { as_client "$home/signerd-provision" "$@"; }

# request: a key, and dev.csr for it.
request() {
  provision key create "$key" >/dev/null
  provision csr --key "$key" --subject "/CN=device $n" --out dev.csr >/dev/null
}

sign() { provision cert sign --ca "$ca" --ca-key "$ca_key" --csr dev.csr --days 30 --out dev.crt "$@"; }
text() { as_client openssl x509 -in "$1" -noout "${@:2}"; }

# objects LABEL [TYPE]: how many objects the token has of that name.
objects() {
  as_client p11tool --batch $(p11_login) --list-all "pkcs11:token=demo;object=$1${2:+;type=$2}" 2>/dev/null | grep -c URL: || :
}

# ---- the whole way ----

@test "from nothing to a device that nginx lets in: CA, key, request and certificate, all in the token" {
  provision key create "$key" >key.out
  contains "$(<key.out)" "uri: pkcs11:token=demo;id=%"
  as_client openssl pkey -pubin -noout <key.out
  provision csr --key "$key" --subject "/O=Example/CN=gate 7" --san DNS:gate-7.example --san URI:urn:gate:7 --san IP:192.0.2.7 \
    --san IP:2001:db8::7 --san email:gate@example.org --out dev.csr
  run -0 as_client openssl req -in dev.csr -noout -verify -text
  contains "$output" "verify OK"
  contains "$output" "DNS:gate-7.example, URI:urn:gate:7, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7, email:gate@example.org"
  equals "$(openssl req -in dev.csr -noout -pubkey)" "$(sed -n '/BEGIN/,/END/p' key.out)"

  sign
  run -0 as_client openssl verify -x509_strict -purpose sslclient -CAfile "$ca" dev.crt
  run ! as_client openssl verify -x509_strict -purpose sslserver -CAfile "$ca" dev.crt
  equals "issuer=O = Example, CN = Example CA" "$(text dev.crt -issuer)"
  equals "subject=O = Example, CN = gate 7" "$(text dev.crt -subject)"
  equals "$(sed -n '/BEGIN/,/END/p' key.out)" "$(text dev.crt -pubkey)"
  equals "$(as_client openssl req -in dev.csr -noout -text | grep DNS: | tr -d ' ')" "$(text dev.crt -text | grep DNS: | tr -d ' ')"

  provision cert store --key "$key" --cert dev.crt
  run -0 as_client p11tool --batch $(p11_login) --list-all "pkcs11:token=demo;object=key$n"
  equals 3 "$(grep -c "Label: key$n" <<<"$output")"
  equals 3 "$(grep -c 'ID: ' <<<"$output")"
  equals 1 "$(grep 'ID: ' <<<"$output" | sort -u | wc -l)"
  run -0 as_client p11tool --batch $(p11_login) --export "pkcs11:token=demo;object=key$n;type=cert"
  equals "$(openssl x509 -in dev.crt)" "$output"
  cd "$work"
  local url="pkcs11:token=demo;object=key$n" version
  [[ ! ${SIGNERD_PIN-} ]] || url="$url?pin-value=${SIGNERD_PIN// /%20}"
  for version in 1.2 1.3; do
    run -0 https "$version" --engine pkcs11 --key-type ENG --key "$url" --cert-type ENG --cert "$url"
    contains "$output" "TLSv$version CN=gate 7,O=Example"
    equals 200 "${lines[-1]}"
  done
}

@test "the same where OpenSSL has pkcs11-provider loaded" {
  provider "$home/signerd-provision"
  provision ca create --key "pkcs11:token=demo;object=ca$n$pin" --subject "/CN=CA" --out ca.crt
  request
  provision cert sign --ca ca.crt --ca-key "pkcs11:token=demo;object=ca$n$pin" --csr dev.csr --days 9 --out dev.crt
  run -0 as_client env -u OPENSSL_CONF openssl verify -x509_strict -purpose sslclient -CAfile ca.crt dev.crt
  provision cert store --key "$key" --cert dev.crt
}

@test "a CA's certificate has the extensions of a CA that signs no other CA" {
  run -0 text "$ca" -text
  contains "$output" "X509v3 Basic Constraints: critical
                CA:TRUE, pathlen:0"
  contains "$output" "X509v3 Key Usage: critical
                Certificate Sign, CRL Sign"
  contains "$output" "ASN1 OID: prime256v1"
  contains "$output" "Signature Algorithm: ecdsa-with-SHA256"
  equals "$(grep -A1 'Subject Key Id' <<<"$output" | tail -1)" "$(grep -A1 'Authority Key Id' <<<"$output" | tail -1)"
  [[ $(text "$ca" -serial) =~ ^serial=[4-7][0-9A-F]{39}$ ]]
  equals "issuer=O = Example, CN = Example CA" "$(text "$ca" -issuer)"
  run -0 as_client openssl verify -x509_strict -check_ss_sig -CAfile "$ca" "$ca"
}

@test "a client's certificate has those of a client, and of its request nothing but subject and names" {
  provision key create "$key" >/dev/null
  as_client openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=greedy -keyout greedy.key -out dev.csr \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign -addext subjectAltName=DNS:greedy.example \
    -addext extendedKeyUsage=codeSigning 2>/dev/null
  sign >/dev/null
  run -0 text dev.crt -text
  contains "$output" "X509v3 Basic Constraints: critical
                CA:FALSE"
  contains "$output" "X509v3 Key Usage: critical
                Digital Signature
"
  contains "$output" "X509v3 Extended Key Usage: 
                TLS Web Client Authentication
"
  contains "$output" "DNS:greedy.example"
  equals 6 "$(grep -c 'X509v3 .*:' <<<"$(grep -v 'X509v3 extensions' <<<"$output")")"
  equals "$(text "$ca" -text | grep -A1 'Subject Key Id' | tail -1)" "$(grep -A1 'Authority Key Id' <<<"$output" | tail -1)"
  [[ $(text dev.crt -serial) =~ ^serial=[4-7][0-9A-F]{39}$ ]]
}

@test "--profile server is for servers; another profile does not exist" {
  request
  sign --profile server >/dev/null
  run -0 as_client openssl verify -x509_strict -purpose sslserver -CAfile "$ca" dev.crt
  run ! as_client openssl verify -x509_strict -purpose sslclient -CAfile "$ca" dev.crt
  run -64 sign --force --profile root
  contains "$output" "there are client and server"
}

@test "a certificate is valid from ten minutes ago, for the days asked for" {
  request
  sign >/dev/null
  local begin end now
  begin=$(date -d "$(text dev.crt -startdate | cut -d= -f2)" +%s) end=$(date -d "$(text dev.crt -enddate | cut -d= -f2)" +%s)
  now=$(date +%s)
  ((begin <= now - 600 && begin > now - 660))
  ((end <= now + 30 * 86400 && end > now + 30 * 86400 - 60))
}

@test "a CA's key may be in a file: PKCS#8, mode 0600, with a passphrase where one is wanted" {
  provision ca create --key-file plain.key --subject "CN=Plain,O=Example" --out plain.crt >/dev/null
  equals 600 "$(stat -c %a plain.key)"
  grep -q 'BEGIN PRIVATE KEY' plain.key
  as_client tee phrase <<<'a long phrase' >/dev/null
  provision ca create --key-file secret.key --passphrase-file phrase --subject "/CN=Secret" --out secret.crt >/dev/null
  equals 600 "$(stat -c %a secret.key)"
  grep -q 'BEGIN ENCRYPTED PRIVATE KEY' secret.key
  contains "$(as_client openssl asn1parse -in secret.key)" "INTEGER           :0927C0" # 600000 rounds
  equals "$(text secret.crt -pubkey)" "$(as_client openssl pkey -in secret.key -passin file:phrase -pubout)"
  request
  provision cert sign --ca plain.crt --ca-key-file plain.key --csr dev.csr --days 30 --out plain-dev.crt >/dev/null
  as_client openssl verify -x509_strict -purpose sslclient -CAfile plain.crt plain-dev.crt
  provision cert sign --ca secret.crt --ca-key-file secret.key --passphrase-file phrase --csr dev.csr --days 30 --out dev.crt >/dev/null
  as_client openssl verify -x509_strict -purpose sslclient -CAfile secret.crt dev.crt
  as_client tee wrong <<<'another phrase' >/dev/null
  run -77 provision cert sign --ca secret.crt --ca-key-file secret.key --passphrase-file wrong --csr dev.csr --days 30 --out no.crt
  contains "$output" "is the passphrase right?"
  [[ $output != *'another phrase'* && ! -e no.crt ]]
  run -77 setsid -w ${SIGNERD_AS-} "$home/signerd-provision" cert sign --ca secret.crt --ca-key-file secret.key --csr dev.csr --days 30 --out no.crt
  contains "$output" "--passphrase-file FILE"
  # Asked for on the terminal, twice, and not shown.
  (sleep 1; echo 'typed phrase'; sleep 1; echo 'typed phrase'; sleep 2) | as_client script -qec \
    "$home/signerd-provision ca create --key-file typed.key --encrypt --subject /CN=Typed --out typed.crt" typescript >/dev/null
  as_client openssl pkey -in typed.key -passin 'pass:typed phrase' -noout
  contains "$(<typescript)" "Passphrase of typed.key: "
  [[ $(<typescript) != *'typed phrase'* ]]
}

@test "ca create takes a key that is there only with --existing, and makes one only without" {
  provision key create "$key" >key.out
  run -73 provision ca create --key "$key" --subject /CN=again --out again.crt
  contains "$output" "exists already"
  provision ca create --key "$key" --existing --subject /CN=again --out again.crt
  equals "$(sed -n '/BEGIN/,/END/p' key.out)" "$(text again.crt -pubkey)"
  run -66 provision ca create --key "${key/key$n/nobody$n}" --existing --subject /CN=again --out other.crt
  [[ ! -e other.crt ]]
}

@test "both forms of a subject give the same name; what is no subject is refused" {
  request
  provision csr --key "$key" --subject 'CN=a\, b ,OU=x,O=\C3\A9' --out rfc.csr >/dev/null
  provision csr --key "$key" --subject '/O=é/OU=x/CN=a, b' --out slash.csr >/dev/null
  equals "$(openssl req -in rfc.csr -noout -subject)" "$(openssl req -in slash.csr -noout -subject)"
  local subject
  for subject in "" "/" "CN" "/CN=" "/CN=a/O" "/XX=a" "/C=Germany" "CN=a+O=b" "CN=#1234" '/CN=a\' $'/CN=\xff'; do
    run -64 provision csr --key "$key" --subject "$subject" --out bad.csr
    [[ ! -e bad.csr ]]
  done
  for name in "" "DNS:" "x" "DNS:a b" "IP:1.2.3" "IP:1.2.3.4/8" "dirName:x" "DNS:é"; do
    run -64 provision csr --key "$key" --subject /CN=a --san "$name" --out bad.csr
    contains "$output" "--san '$name'"
  done
}

# ---- requests that are refused ----

@test "a request whose own signature is wrong is refused" {
  request
  as_client openssl req -in dev.csr -outform DER -out dev.der
  # The last byte of the signature, changed.
  local size last
  size=$(stat -c %s dev.der)
  last=$(tail -c 1 dev.der | od -An -tu1)
  # shellcheck disable=SC2059
  { head -c $((size - 1)) dev.der; printf "\\x$(printf %02x $((last ^ 1)))"; } | as_client tee broken.der >/dev/null
  as_client openssl req -inform DER -in broken.der -out dev.csr
  run -65 sign
  contains "$output" "its own signature is wrong"
  [[ ! -e dev.crt ]]
}

@test "a request for another kind of key, without a subject, or for names of other types is refused" {
  as_client openssl req -new -newkey rsa:2048 -nodes -subj /CN=rsa -keyout rsa.key -out dev.csr 2>/dev/null
  run -65 sign
  contains "$output" "is no P-256 key"
  as_client openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -subj /CN=p384 -keyout p384.key -out dev.csr 2>/dev/null
  run -65 sign
  as_client openssl ecparam -name prime256v1 -param_enc explicit -genkey -noout -out explicit.key
  as_client openssl req -new -key explicit.key -subj /CN=explicit -out dev.csr
  run -65 sign
  contains "$output" "does not name its curve"
  as_client openssl ecparam -name prime256v1 -genkey -noout -out soft.key
  as_client openssl req -new -key soft.key -subj / -out dev.csr
  run -65 sign
  contains "$output" "has no subject"
  as_client openssl req -new -key soft.key -subj /CN=a -addext subjectAltName=RID:1.2.3 -out dev.csr
  run -65 sign
  contains "$output" "other than DNS, URI, IP and email"
  as_client openssl rand -out dev.csr 500
  run -65 sign
  contains "$output" "has no certificate request in PEM"
  as_client rm dev.csr
  run -66 sign
  [[ ! -e dev.crt ]]
}

@test "no certificate outlives its CA" {
  request
  run -65 provision cert sign --ca "$ca" --ca-key "$ca_key" --csr dev.csr --days 101 --out dev.crt
  contains "$output" "the CA's certificate ends before that; 99 is the most"
  [[ ! -e dev.crt ]]
  provision cert sign --ca "$ca" --ca-key "$ca_key" --csr dev.csr --days 99 --out dev.crt
  for days in 0 -1 x 1x "" 40000; do
    run -64 provision cert sign --ca "$ca" --ca-key "$ca_key" --csr dev.csr --days "$days" --out no.crt
  done
}

@test "the CA's certificate and key must fit, and it must be a CA's" {
  request
  run -65 provision cert sign --ca "$work/server.crt" --ca-key "$ca_key" --csr dev.csr --days 9 --out dev.crt
  contains "$output" "is no CA's certificate"
  provision ca create --key-file other.key --subject /CN=other --out other.crt >/dev/null
  run -65 provision cert sign --ca other.crt --ca-key "$ca_key" --csr dev.csr --days 9 --out dev.crt
  contains "$output" "is not of the key pkcs11:"
  run -65 provision cert sign --ca "$ca" --ca-key-file other.key --csr dev.csr --days 9 --out dev.crt
  [[ ! -e dev.crt ]]
}

# ---- keys and certificates in the token ----

@test "key create makes a key that signs and never leaves, with the id of its URI or a random one" {
  provision key create "$key" >/dev/null
  provision key create "pkcs11:token=demo;object=other$n;id=%AB%CD$pin" | grep -q "id=%AB%CD;object=other$n"
  run -0 as_client p11tool --batch $(p11_login) --list-all "pkcs11:token=demo;object=key$n;type=private"
  contains "$output" "CKA_NEVER_EXTRACTABLE; CKA_SENSITIVE"
  [[ $(sed -n 's/.*ID: //p' <<<"$output") =~ ^([0-9a-f]{2}:){15}[0-9a-f]{2}$ ]]
}

@test "key create refuses a name or id that a key has, or no name" {
  provision key create "$key" >/dev/null
  run -73 provision key create "$key"
  contains "$output" "a key with this name exists already"
  provision key create "pkcs11:token=demo;object=b$n;id=%bb%01$pin" >/dev/null
  run -73 provision key create "pkcs11:token=demo;object=c$n;id=%bb%01$pin"
  contains "$output" "a key with this id exists already"
  run -64 provision key create "pkcs11:token=demo$pin"
  contains "$output" "add object=LABEL"
  equals 2 "$(objects "key$n")"
  equals 0 "$(objects "c$n")"
}

@test "cert store: once is enough; another certificate needs --replace; that of another key is refused" {
  request
  sign >/dev/null
  run -0 provision cert store --key "$key" --cert dev.crt
  contains "$output" "stored: new"
  run -0 provision cert store --key "$key" --cert dev.crt
  contains "$output" "stored: same"
  equals 1 "$(objects "key$n" cert)"
  provision cert sign --ca "$ca" --ca-key "$ca_key" --csr dev.csr --days 31 --out second.crt >/dev/null
  run -73 provision cert store --key "$key" --cert second.crt
  contains "$output" "replace it with --replace"
  equals "$(openssl x509 -in dev.crt)" "$(as_client p11tool --batch $(p11_login) --export "pkcs11:token=demo;object=key$n;type=cert")"
  run -0 provision cert store --key "$key" --cert second.crt --replace
  contains "$output" "stored: replaced"
  equals 1 "$(objects "key$n" cert)"
  equals "$(openssl x509 -in second.crt)" "$(as_client p11tool --batch $(p11_login) --export "pkcs11:token=demo;object=key$n;type=cert")"
  run -65 provision cert store --key "$key" --cert "$ca"
  contains "$output" "the certificate is of another key"
  run -65 provision cert store --key "$key" --cert dev.csr
  contains "$output" "has no certificate in PEM"
  equals 1 "$(objects "key$n" cert)"
}

# ---- files ----

@test "a file that exists is overwritten with --force alone, and a key's never" {
  request
  as_client tee kept <<<precious >/dev/null
  run -73 provision csr --key "$key" --subject /CN=a --out kept
  contains "$output" "kept: exists already"
  run -73 provision cert sign --ca "$ca" --ca-key "$ca_key" --csr dev.csr --days 9 --out kept
  run -73 provision ca create --key-file new.key --subject /CN=a --out kept
  run -73 provision ca create --key-file kept --subject /CN=a --out new.crt --force
  equals precious "$(<kept)"
  [[ ! -e new.key && ! -e new.crt ]]
  provision csr --key "$key" --subject /CN=a --out kept --force
  grep -q 'BEGIN CERTIFICATE REQUEST' kept
}

@test "what fails leaves no key, no certificate and no temporary file" {
  run -71 provision ca create --key-file lone.key --subject /CN=a --out no/such/dir/ca.crt
  run -71 provision ca create --key "$key" --subject /CN=a --out no/such/dir/ca.crt
  contains "$output" "no/such/dir/ca.crt: cannot write it: No such file or directory"
  equals 0 "$(objects "key$n")"
  equals "" "$(ls -A)"
}

# A second signerd, whose rules allow less.
@test "what the policy does not allow is told, and leaves nothing in the token" {
  [[ ! ${SIGNERD_TEST_TOKEN-} && ! ${SIGNERD_PIN-} ]] || skip "needs signerd without a PIN"
  local rules=$BATS_TEST_TMPDIR/rules
  printf '%s\n' '[allow some]' 'device = demo' 'user = @UID@' 'operations = find sign generate' >"$rules"
  eval "$("$root/scripts/sandbox" up "$home/p" --build "$build/." --policy "$rules")"
  run -0 provision key create "pkcs11:token=demo;object=poor"
  run -0 provision csr --key "pkcs11:token=demo;object=poor" --subject /CN=poor --out poor.csr
  provision ca create --key-file lone.key --subject /CN=CA --out lone.crt >/dev/null
  provision cert sign --ca lone.crt --ca-key-file lone.key --csr poor.csr --days 3 --out poor.crt >/dev/null
  run -77 provision cert store --key "pkcs11:token=demo;object=poor" --cert poor.crt
  contains "$output" "cannot store the certificate: the key, or the policy of its device, does not allow this"
  equals 0 "$(objects poor cert)"
  "$root/scripts/sandbox" down "$home/p"
  sed -i 's/operations.*/operations = find sign/' "$rules"
  eval "$("$root/scripts/sandbox" up "$home/p" --build "$build/." --policy "$rules")"
  run -77 provision key create "pkcs11:token=demo;object=none"
  run -77 provision ca create --key "pkcs11:token=demo;object=none" --subject /CN=a --out none.crt
  equals 0 "$(objects none)"
  [[ ! -e none.crt ]]
  "$root/scripts/sandbox" down "$home/p"
}

# ---- tokens, PINs, the command line ----

@test "an unknown token, key or URI is told apart, for each command" {
  request
  local token="pkcs11:token=nowhere;object=x$pin" none="pkcs11:token=demo;object=nobody$pin" bad="pkcs11:token=%zz$pin"
  sign >/dev/null
  while read -r uri code; do
    [[ $uri == "$none" ]] || run -"$code" provision key create "$uri"
    run -"$code" provision csr --key "$uri" --subject /CN=a --out no
    run -"$code" provision cert sign --ca "$ca" --ca-key "$uri" --csr dev.csr --days 9 --out no
    run -"$code" provision cert store --key "$uri" --cert dev.crt
    run -"$code" provision ca create --existing --key "$uri" --subject /CN=a --out no
    contains "$output" "signerd-provision: error: "
    [[ ! -e no ]]
  done <<<"$token 69
$none 66
$bad 64"
}

@test "a wrong PIN is told, no PIN is shown, and a pin-value brings a warning" {
  provision key create "$key" >/dev/null
  run provision csr --key "pkcs11:token=demo;object=key$n?pin-value=wrong-pin" --subject /CN=a --out dev.csr
  contains "$output" "a pin-value can be seen in the list of processes"
  [[ $output != *wrong-pin* ]]
  if [[ ${SIGNERD_PIN-} ]]; then
    equals 77 "$status"
    contains "$output" "PIN is wrong"
    run -77 setsid -w ${SIGNERD_AS-} "$home/signerd-provision" csr --key "pkcs11:token=demo;object=key$n" --subject /CN=a --out dev.csr
    contains "$output" "the token needs a PIN"
    run -0 provision csr --key "pkcs11:token=demo;object=key$n?pin-value=${SIGNERD_PIN// /%20}" --subject /CN=a --out dev.csr
    [[ $output != *"$SIGNERD_PIN"* && $output != *"${SIGNERD_PIN// /%20}"* ]]
  else
    equals 0 "$status"
  fi
}

@test "one PIN is asked for once, also where a command works with the token twice" {
  [[ ${SIGNERD_PIN-} ]] || skip "this token needs no PIN"
  (sleep 1; printf '%s\n' "$SIGNERD_PIN"; sleep 3) | as_client script -qec \
    "$home/signerd-provision ca create --key 'pkcs11:token=demo;object=key$n' --subject /CN=Typed --out typed.crt" typescript >/dev/null
  equals 1 "$(grep -c 'PIN of token demo: ' typescript)"
  as_client openssl verify -CAfile typed.crt typed.crt
}

@test "each command prints its result as JSON" {
  provision key create "$key" --json | jq -e '.uri and (.public_key | startswith("-----BEGIN PUBLIC KEY"))'
  provision csr --key "$key" --subject /CN=a --out dev.csr --json | jq -e '.request == "dev.csr" and .subject == "CN=a"'
  sign --json | jq -e '.certificate == "dev.crt" and .issuer == "CN=Example CA,O=Example" and (.not_after | test("Z$"))'
  provision cert store --key "$key" --cert dev.crt --json | jq -e '.stored == "new"'
  provision ca create --key-file a.key --subject /CN=a --out a.crt --json | jq -e '.key == "a.key" and (.sha256 | length == 64)'
}

@test "a result that cannot be written is an error" {
  run -74 sh -c "${SIGNERD_AS-} '$home/signerd-provision' key create '$key' >/dev/full"
}

@test "--help, --version, and what is wrong on the command line" {
  run -0 provision --help
  local name command
  while read -r name; do
    contains "$output" "$name"
    read -ra command <<<"$name"
    run -0 provision "${command[@]}" --help
    contains "$output" "Usage: signerd-provision $name"
    run -0 provision --help
  done <<<$'ca create\nkey create\ncsr\ncert sign\ncert store'
  run -0 provision --version
  run -64 provision
  run -64 provision nonsense
  run -64 provision ca
  run -64 provision csr --key "$key" --subject /CN=a
  contains "$output" "missing: --out"
  run -64 provision csr --key "$key" --subject /CN=a --subject /CN=b --out x
  run -64 provision csr --key "$key" --subject /CN=a --out x --days 3
  run -64 provision csr --key "$key" --subject /CN=a --out x word
  run -64 provision ca create --key "$key" --key-file f --subject /CN=a --out x
  run -64 provision key create
}
