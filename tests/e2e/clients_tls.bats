#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# TLS with a key of the token, as client and as server: openssl by its engine and by the provider, curl, GnuTLS, nginx,
# stunnel, mosquitto. CTest runs it without and with a PIN; SIGNERD_TEST_TOKEN=softhsm shows that the command lines are right.
# shellcheck disable=SC2030,SC2031,SC2154
load helper

setup_file() {
  token_up
  make_ca
  make_key web 01
  make_key client 02
  certificate web localhost
  certificate client client
  make_rsa_key web-rsa 03
  make_rsa_key client-rsa 04
  certificate web-rsa localhost
  certificate client-rsa client
  provider_conf "$home/provider.cnf"
  nginx_start
}

teardown_file() {
  nginx_stop
  token_down
}

setup() { cd "$work" || return; }

teardown() {
  local name
  for name in server broker subscriber; do stop "$name"; done
}

# handshakes SUFFIX OPTION…: openssl s_server and s_client, both with such a key; the page says who the client is.
handshakes() {
  local suffix=$1 version port
  shift
  port=$(free_port)
  start server openssl s_server -accept "$port" -key "$(uri "web$suffix")" "$@" -cert "web$suffix.crt" \
    -CAfile ca.crt -Verify 1 -verify_return_error -www
  wait_for 10 port_open "$port"
  for version in 2 3; do
    run -0 as_client openssl s_client -connect "localhost:$port" "-tls1_$version" -key "$(uri "client$suffix")" "$@" \
      -cert "client$suffix.crt" -CAfile ca.crt -verify_return_error -verify_hostname localhost -ign_eof \
      <<<$'GET / HTTP/1.0\r\n\r'
    contains "$output" "Verification: OK"
    contains "$output" "New, TLSv1.$version"
    contains "$output" "Subject: CN=client"
  done
  stop server
}

@test "openssl s_server and s_client: TLS 1.2 and 1.3 with the engine, EC" {
  handshakes "" -engine pkcs11 -keyform engine
}

@test "openssl s_server and s_client: TLS 1.2 and 1.3 with the engine, RSA" {
  handshakes -rsa -engine pkcs11 -keyform engine
}

@test "openssl s_server and s_client: TLS 1.2 and 1.3 with the provider, EC" {
  provider "$SIGNERD_MODULE"
  handshakes ""
}

@test "openssl s_server and s_client: TLS 1.2 and 1.3 with the provider, RSA" {
  provider "$SIGNERD_MODULE"
  handshakes -rsa
}

@test "openssl with the provider: request, signature, and a changed message" {
  provider "$SIGNERD_MODULE"
  for suffix in "" -rsa; do
    as_client openssl rand -out message 1000
    as_client openssl req -new -key "$(uri "web$suffix")" -subj /CN=me -out me.csr
    OPENSSL_CONF=$sandbox/openssl.cnf run -0 as_client openssl req -in me.csr -noout -verify -pubkey
    contains "$output" "verify OK"
    contains "$output" "$(as_client openssl pkey -pubin -in "web$suffix.pub")"
    as_client openssl dgst -sha256 -sign "$(uri "web$suffix")" -out signature message
    as_client openssl dgst -sha256 -verify "web$suffix.pub" -signature signature message
    as_client openssl rand -out message 1000
    run ! as_client openssl dgst -sha256 -verify "web$suffix.pub" -signature signature message
  done
}

@test "curl needs no more than the URI: mutual TLS 1.2 and 1.3" {
  for suffix in "" -rsa; do
    for version in 1.2 1.3; do
      run -0 https "$version" --key "$(uri "client$suffix")" --cert "client$suffix.crt"
      contains "$output" "TLSv$version CN=client"
    done
  done
}

# 8.14.1 finds no engine at all, with any token: "SSL crypto engine not found".
@test "curl of backports, with the provider: mutual TLS 1.2 and 1.3" {
  [[ -x $aside/bin/curl ]] || skip "curl of bookworm-backports is not there (scripts/deps test)"
  provider "$SIGNERD_MODULE"
  for suffix in "" -rsa; do
    for version in 1.2 1.3; do
      run -0 https_aside "$version" --key-type PROV --key "$(uri "client$suffix")" --cert "client$suffix.crt"
      contains "$output" "TLSv$version CN=client"
    done
  done
}

@test "gnutls-cli and gnutls-serv: TLS 1.2 and 1.3, both keys in the token" {
  local port suffix version
  for suffix in "" -rsa; do
    port=$(free_port)
    start server gnutls-serv --port "$port" --echo --require-client-cert --verify-client-cert --x509cafile ca.crt \
      --x509keyfile "$(uri "web$suffix" type=private)" --x509certfile "web$suffix.crt"
    wait_for 10 port_open "$port"
    for version in 1.2 1.3; do
      run -0 as_client gnutls-cli --port "$port" --x509cafile ca.crt --x509keyfile "$(uri "client$suffix" type=private)" \
        --x509certfile "client$suffix.crt" --priority "NORMAL:-VERS-ALL:+VERS-TLS$version" localhost <<<hallo
      contains "$output" "(TLS$version"
      contains "$output" "The certificate is trusted"
      equals hallo "$(grep -x hallo <<<"$output")"
    done
    stop server
  done
}

# nginx loads the key before its workers are forked. It hides the environment from them, hence "env": a sandbox's sockets
# are not where an installed daemon has them.
@test "nginx serves TLS 1.2 and 1.3 with keys of the token, in workers that it forks" {
  needs nginx
  local port suffix version
  as_client mkdir -p nginx
  for suffix in "" -rsa; do
    port=$(free_port)
    file 600 serving.conf <<TEXT
daemon off;
worker_processes 2;
pid $work/serving.pid;
error_log stderr;
env SIGNERD_RUNTIME_DIR;
env SOFTHSM2_CONF;
ssl_engine pkcs11;
events {}
http {
  access_log off;
  client_body_temp_path nginx/body;
  proxy_temp_path nginx/proxy;
  fastcgi_temp_path nginx/fastcgi;
  uwsgi_temp_path nginx/uwsgi;
  scgi_temp_path nginx/scgi;
  server {
    listen 127.0.0.1:$port ssl;
    ssl_certificate $work/web$suffix.crt;
    ssl_certificate_key "engine:pkcs11:$(uri "web$suffix")";
    ssl_protocols TLSv1.2 TLSv1.3;
    location / { return 200 "\$ssl_protocol \$pid\n"; }
  }
}
TEXT
    start server env PATH="$PATH:/usr/sbin" nginx -p "$work" -e stderr -c "$work/serving.conf"
    wait_for 10 port_open "$port"
    for version in 1.2 1.3; do
      run -0 https "$version"
      contains "$output" "TLSv$version "
      [[ ${lines[0]} != *" $(<serving.pid)" ]]
    done
    stop server
  done
}

@test "stunnel, as server and as client: both keys in the token" {
  needs stunnel4
  local port inner answer suffix
  for suffix in "" -rsa; do
    inner=$(free_port) port=$(free_port)
    file 600 stunnel.conf <<TEXT
foreground = yes
pid =
syslog = no
engine = pkcs11
[server]
accept = 127.0.0.1:$inner
exec = /bin/cat
execArgs = cat
cert = $work/web$suffix.crt
engineId = pkcs11
key = $(uri "web$suffix")
CAfile = $work/ca.crt
verifyChain = yes
requireCert = yes
[client]
client = yes
accept = 127.0.0.1:$port
connect = 127.0.0.1:$inner
cert = $work/client$suffix.crt
engineId = pkcs11
key = $(uri "client$suffix")
CAfile = $work/ca.crt
verifyChain = yes
checkHost = localhost
TEXT
    start server stunnel4 "$work/stunnel.conf"
    wait_for 10 port_open "$port"
    exec 5<>"/dev/tcp/127.0.0.1/$port"
    echo hallo >&5
    read -r -t 10 answer <&5
    exec 5>&-
    equals hallo "$answer"
    contains "$(<"$home/server.log")" "Certificate accepted at depth=0: CN=client"
    stop server
  done
}

# mosquitto_pub 2.0.11 opens what --key says as a file before it looks at --keyform: an empty one of that name.
@test "mosquitto_pub and mosquitto_sub show the broker a certificate with a key of the token" {
  needs mosquitto
  needs mosquitto_pub
  local port suffix key
  port=$(free_port)
  file 600 broker.conf <<TEXT
listener $port 127.0.0.1
cafile $work/ca.crt
certfile $work/server.crt
keyfile $work/server.key
require_certificate true
use_identity_as_username true
allow_anonymous false
TEXT
  start broker env PATH="$PATH:/usr/sbin" mosquitto -v -c "$work/broker.conf"
  wait_for 10 port_open "$port"
  for suffix in "" -rsa; do
    key=$(uri "client$suffix")
    as_client touch "$key"
    local options=(-h localhost -p "$port" -t t --cafile ca.crt --cert "client$suffix.crt" --key "$key"
      --keyform engine --tls-engine pkcs11)
    start subscriber mosquitto_sub "${options[@]}" -C 1 -W 20
    wait_for 10 grep -q 'Sending SUBACK' "$home/broker.log"
    as_client mosquitto_pub "${options[@]}" -m "hallo$suffix"
    wait_for 10 grep -qx "hallo$suffix" "$home/subscriber.log"
    stop subscriber
    : >"$home/broker.log"
  done
}
