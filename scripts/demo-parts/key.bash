# SPDX-License-Identifier: MIT
# The demo's claims about one key: made, certified, used by programs that know nothing of us, and not to be had. To be sourced.
# shellcheck shell=bash disable=SC2016,SC2034,SC2154

readonly device="pkcs11:token=demo;object=device"
readonly known="pkcs11:token=demo;object=known"
readonly spare="pkcs11:token=demo;object=spare"

# Keys of known value, outside the directory that is searched later.
make_plain_keys() {
  local name
  for name in known spare; do
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$plain/$name.pem" 2>/dev/null
  done
  openssl req -x509 -new -key "$plain/known.pem" -subj /CN=localhost -days 2 -out "$plain/known.crt"
  # An EC private key (RFC 5915) has its 32 bytes at offset 7.
  openssl ec -in "$plain/known.pem" -outform DER 2>/dev/null | tail -c +8 | head -c 32 >"$plain/scalar"
  mkdir "$plain/forms"
  cp "$plain/known.pem" "$plain/forms/key.pem"
  openssl pkey -in "$plain/known.pem" -outform DER -out "$plain/forms/key.der"
  openssl pkey -in "$plain/known.pem" -noout -text >"$plain/forms/key.txt"
}

provision() { run "provision-$1" signerd-provision "$@"; }

# certify NAME CN PROFILE: $work/NAME.key, a key in a file, and its certificate.
certify() {
  run "request-$1" openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" \
    -addext subjectAltName=DNS:localhost -keyout "$work/$1.key" -out "$work/$1.csr" &&
    provision cert sign --ca "$work/ca.crt" --ca-key-file "$work/ca.key" --csr "$work/$1.csr" --days 2 \
      --profile "$3" --out "$work/$1.crt"
}

nginx_config() {
  cat <<TEXT
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log stderr;
events {}
http {
  access_log $work/nginx.access;
  log_format message escape=none '\$request_body';
  client_body_temp_path $work/body;
  proxy_temp_path $work/proxy;
  fastcgi_temp_path $work/fastcgi;
  uwsgi_temp_path $work/uwsgi;
  scgi_temp_path $work/scgi;
  server {
    listen 127.0.0.1:$1 ssl;
    ssl_certificate $work/server.crt;
    ssl_certificate_key $work/server.key;
    ssl_client_certificate $work/ca.crt;
    ssl_verify_client on;
    ssl_protocols TLSv1.2 TLSv1.3;
    location / { return 200 "\$ssl_protocol \$ssl_client_s_dn\n"; }
    # What AWS IoT has at this path: a published message. Here it goes into a file, one a line.
    location /topics/ {
      client_body_buffer_size 256k;
      access_log $work/received-https message;
      proxy_pass http://unix:$work/accept.sock:/;
    }
  }
  server {
    listen unix:$work/accept.sock;
    location / { return 200 '{"message":"OK"}'; }
  }
}
TEXT
}

start_nginx() {
  port=$(free_port)
  nginx_config "$port" | client tee "$work/nginx.conf" >/dev/null
  PATH=$PATH:/usr/sbin keep_running nginx nginx -p "$work" -e stderr -c "$work/nginx.conf"
  wait_for 10 port_open "$port"
}

# https VERSION OPTION…: prints "STATUS BODY".
https() {
  local version=$1
  shift
  client curl --silent --show-error --max-time 20 --noproxy '*' --cacert "$work/ca.crt" \
    "--tlsv$version" --tls-max "$version" --resolve "localhost:$port:127.0.0.1" \
    --write-out '%{stderr}%{http_code}\n' "$@" "https://localhost:$port/" 2>&1 </dev/null |
    tee -a "$home/logs/curl.log"
}

key_is_made() {
  proof=$device
  provision key create "$device;id=%01" && run p11tool p11tool --list-all "$device" &&
    grep -q "object=device;type=private" "$home/logs/p11tool.log" &&
    sed -n '/^-----BEGIN PUBLIC KEY/,/^-----END PUBLIC KEY/p' "$home/logs/provision-key.log" |
      client tee "$work/device.pub" >/dev/null
}

# An authority of the demo's own; the certificate goes into the token, beside the key.
key_is_certified() {
  provision ca create --key-file "$work/ca.key" --subject "/CN=demo CA" --days 30 --out "$work/ca.crt" &&
    provision csr --key "$device" --subject /CN=demo-device --out "$work/device.csr" &&
    provision cert sign --ca "$work/ca.crt" --ca-key-file "$work/ca.key" --csr "$work/device.csr" --days 2 \
      --out "$work/device.crt" &&
    provision cert store --key "$device" --cert "$work/device.crt" &&
    run p11tool-cert p11tool --list-all "$device;type=cert" && grep -q "type=cert" "$home/logs/p11tool-cert.log" &&
    proof=$(client openssl verify -purpose sslclient -CAfile "$work/ca.crt" "$work/device.crt" 2>&1) &&
    [[ $proof == *": OK" ]] && proof="CN=demo-device, openssl verify: OK"
}

openssl_signs() {
  client sh -c 'echo "to be signed" >"$1"' sh "$work/message"
  run openssl openssl dgst -sha256 -engine pkcs11 -keyform engine -sign "$device" \
    -out "$work/signature" "$work/message" || return
  proof=$(client openssl dgst -sha256 -verify "$work/device.pub" -signature "$work/signature" \
    "$work/message" 2>&1)
  [[ $proof == "Verified OK" ]]
}

curl_connects() {
  local version answer
  certify server localhost server && start_nginx || return
  answer=$(https 1.3) || :
  [[ $answer == *400* && $answer != *CN=* ]] ||
    { proof="the server lets in clients without certificate"; return 1; }
  for version in 1.2 1.3; do
    answer=$(https "$version" --engine pkcs11 --key-type ENG --key "$device" \
      --cert "$work/device.crt") || return
    grep -qx "TLSv$version CN=demo-device" <<<"$answer" && grep -qx 200 <<<"$answer" || return
  done
  proof="200, CN=demo-device"
}

# probe VERB URI: sets proof to the module's answer.
probe() {
  run probe "$home/tools/p11probe" "$1" "$2" || :
  proof=$(grep -E '^(CKR_|0x)' "$home/logs/probe.log" | tail -n 1)
}

key_is_not_readable() {
  probe read "$device"
  [[ $proof == CKR_ATTRIBUTE_SENSITIVE ]]
}

policy_is_kept() {
  probe sign "$spare"
  [[ $proof == CKR_KEY_FUNCTION_NOT_PERMITTED ]] || return
  proof=$(grep -o 'refused: .*object=spare.* signerd\.conf:[0-9]*' "$home/sandbox/log" | tail -n 1)
  proof=${proof##* }
  [[ $proof == signerd.conf:"$(grep -n 'to-see' "$home/sandbox/signerd.conf" | cut -d: -f1)" ]]
}

# Two programs that have signed with the key of known value stay alive while their memory is searched.
start_known_clients() {
  local server_port
  client tee "$work/known.crt" <"$plain/known.crt" >/dev/null
  server_port=$(free_port)
  keep_running server openssl s_server -engine pkcs11 -keyform engine -key "$known" -cert "$work/known.crt" \
    -accept "127.0.0.1:$server_port" -www
  wait_for 10 port_open "$server_port"
  client curl --silent --show-error --max-time 20 --noproxy '*' --cacert "$work/known.crt" \
    "https://localhost:$server_port/" >>"$home/logs/server.log" 2>&1 || return

  client mkfifo "$work/hold"
  keep_running holder sh -c 'exec "$@" <"$0"' "$work/hold" "$home/tools/p11probe" sign "$known" --hold
  # shellcheck disable=SC2034 # it is open as long as the demo runs
  exec {hold}>"$work/hold"
  wait_for 10 grep -q CKR_OK "$home/logs/holder.log"
}

# search NAME WHAT…: sets hits; fails when something could not be read.
search() {
  local log=$home/logs/search-$1.log status=0
  shift
  "$home/tools/scan" "$plain/scalar" "$@" >"$log" || status=$?
  hits=$(awk '/^total:/ { print $2 + $4 + $6 }' "$log")
  ((status != 2))
}

key_is_not_found() {
  local plain_hits signerd_pid all=0 workers pid
  signerd_pid=$(<"$home/sandbox/signerd.pid")
  search plain "$plain/forms" && plain_hits=$hits || return
  ((plain_hits == 3)) || { proof="the search finds $plain_hits of 3 plain keys"; return 1; }
  start_known_clients || return
  search files "$home" || { proof="some files cannot be read"; return 1; }
  all=$hits
  search clients --pid "${pid_of[server]}" --pid "${pid_of[holder]}" ||
    { proof="the kernel does not let this user read its programs' memory"; return 1; }
  all=$((all + hits))
  # The daemon closes its memory to everybody but root.
  note=''
  search daemon --pid "$signerd_pid" || note=", nor does its parent"
  all=$((all + hits))

  workers=$(children_of "$signerd_pid")
  [[ $workers ]] || { proof="signerd has no worker"; return 1; }
  for pid in $workers; do
    run worker-memory sh -c ': <"/proc/$0/mem"' "$pid" || :
    tail -n 2 "$home/logs/worker-memory.log" | grep -q "Permission denied" ||
      { proof="the worker's memory is open"; return 1; }
  done
  proof="$all hits in files, clients, logs (plain key file: $plain_hits)"
  ((all == 0))
}

