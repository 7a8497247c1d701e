#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# NSS (modutil, certutil, tstclnt, selfserv) and Java 17 (keytool, SunPKCS11): clients that take key and certificate from the
# token together. CTest runs it without and with a PIN.
# shellcheck disable=SC2030,SC2031,SC2154
load helper

setup_file() {
  token_up
  make_ca
  make_key client 01
  certificate client client
  store_certificate client 01
  make_rsa_key client-rsa 02
  certificate client-rsa client
  store_certificate client-rsa 02
  nginx_start
}

teardown_file() {
  nginx_stop
  token_down
}

setup() {
  cd "$work" || return
  # NSS's own database has no password: the PIN is that of the token alone.
  echo "demo:${SIGNERD_PIN-}" | file 600 passwords
}

teardown() { stop server; }

# nss_db: an empty database in $work/nss, with our module.
nss_db() {
  needs certutil
  rm -rf nss
  as_client mkdir nss
  as_client certutil -N -d nss --empty-password
  as_client modutil -force -dbdir nss -add signerd -libfile "$SIGNERD_MODULE"
  as_client certutil -A -d nss -n CA -t CT,, -i ca.crt -f passwords
}

@test "modutil adds the module and lists the token" {
  nss_db
  run -0 as_client modutil -dbdir nss -list signerd
  contains "$output" "Token Name: demo"
  contains "$output" "Status: Enabled"
}

@test "certutil lists keys and certificates" {
  nss_db
  run -0 as_client certutil -K -d nss -h demo -f passwords
  contains "$output" "client"
  equals 2 "$(grep -c '^<' <<<"$output")"
  run -0 as_client certutil -L -d nss -h demo -f passwords
  contains "$output" "demo:client"
  contains "$output" "demo:client-rsa"
}

@test "tstclnt does mutual TLS 1.2 and 1.3" {
  nss_db
  needs tstclnt
  # A file: with a pipe as its input it never ends.
  printf 'GET / HTTP/1.0\r\n\r\n' | file 600 get
  for nickname in demo:client demo:client-rsa; do
    for version in 1.2 1.3; do
      run -0 as_client timeout 20 tstclnt -4 -h localhost -p "$port" -d nss -w "${SIGNERD_PIN-}" -n $nickname \
        -V "tls$version:tls$version" <get
      contains "$output" "TLSv$version CN=client"
    done
  done
}

@test "selfserv serves TLS with a key of the token" {
  nss_db
  needs selfserv
  local port
  port=$(free_port)
  for nickname in demo:client demo:client-rsa; do
    start server selfserv -d nss -w "${SIGNERD_PIN-}" -p "$port" -n $nickname -V tls1.2:tls1.3
    wait_for 10 port_open "$port"
    for version in 1.2 1.3; do
      run -0 https "$version"
      contains "$output" "HTTP"
    done
    stop server
  done
}

# keytool_ OPTION…: with the PIN where one is needed; -protected says that there is none.
keytool_() {
  local login=(-protected)
  [[ ! ${SIGNERD_PIN-} ]] || login=(-storepass:env SIGNERD_PIN)
  as_client keytool "$@" -keystore NONE -storetype PKCS11 -providerClass sun.security.pkcs11.SunPKCS11 -providerArg java.conf "${login[@]}"
}

java_conf() {
  needs java
  printf 'name = signerd\nlibrary = %s\n' "$SIGNERD_MODULE" | file 644 java.conf
}

@test "keytool lists the keys with their certificates" {
  java_conf
  run -0 keytool_ -list
  contains "$output" "Your keystore contains 2 entries"
  contains "$output" "client, PrivateKeyEntry"
  contains "$output" "client-rsa, PrivateKeyEntry"
}

@test "Java signs with SunPKCS11, verifies, and does mutual TLS 1.2 and 1.3" {
  java_conf
  file 644 Sign.java <"$root/tests/clients/Sign.java"
  run -0 as_client java -XX:TieredStopAtLevel=1 Sign.java java.conf "${SIGNERD_PIN-}" "$port" ca.crt \
    client=SHA256withECDSA client-rsa=SHA256withRSA
  equals "client verified true, of another message false
client TLSv1.2 CN=client
client TLSv1.3 CN=client
client-rsa verified true, of another message false
client-rsa TLSv1.2 CN=client
client-rsa TLSv1.3 CN=client" "$output"
}
