#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The publisher from sensor to receiver: a real mosquitto and a real nginx that demand client certificates, the key in
# the sandbox's token (CTest runs this with and without a PIN, and with SoftHSM's own), and Debian's jose to verify and
# open what arrives.
# shellcheck disable=SC2030,SC2031,SC2154
load helper

probe=28-000005e2fdc3

setup_file() {
  token_up
  export key="$device$pin" no_proxy='*'
  export prepared=1
  install -m 755 "$build"/{publisher/signerd-publisher,provision/signerd-provision} "$home"
  as_client "$home/signerd-provision" key create "$device;id=%01$pin"
  as_client "$home/signerd-provision" csr --key "$key" --subject /CN=device-1 --out device.csr
  as_client openssl req -in device.csr -noout -pubkey | as_client tee device.pub >/dev/null
  make_ca
  device_certificate device-1 ca device.crt
  public_jwk device.pub device.jwk
  as_client jose jwk gen -i '{"kty":"EC","crv":"P-256"}' -o "$work/owner.jwk"
  as_client jose jwk pub -i "$work/owner.jwk" -o "$work/owner.pub.jwk"
  export port_mqtt
  broker_start broker
  port_mqtt=$port
}

teardown_file() {
  local file
  for file in "${home-/nonexistent}"/*.pid; do
    [[ ! -e $file ]] || { file=${file##*/}; stop "${file%.pid}"; }
  done
  token_down
}

setup() {
  [[ ${prepared-} ]] || return 1
  cd "$work" || return
  sensors=$work/sensors-$BATS_TEST_NUMBER spool=$work/spool-$BATS_TEST_NUMBER
  as_client mkdir "$sensors"
  sensor "$probe" 72 23125 57
}

teardown() {
  local name
  for name in publisher subscriber odd nginx; do stop "$name"; done
}

# device_certificate CN CA FILE: for the device's key, of that CA.
device_certificate() {
  as_client openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
    -keyout "$work/unused.key" -out "$work/unused.csr"
  as_client openssl x509 -req -in "$work/unused.csr" -force_pubkey "$work/device.pub" -CA "$work/$2.crt" \
    -CAkey "$work/$2.key" -CAcreateserial -days 2 -out "$work/$3"
}

# other_ca: a CA that nobody here trusts.
other_ca() {
  as_client openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=CA \
    -addext basicConstraints=critical,CA:TRUE -keyout "$work/other.key" -out "$work/other.crt"
}

# public_jwk PEM JWK: the last 64 bytes of a public P-256 key are its coordinates.
public_jwk() {
  local x y
  x=$(openssl pkey -pubin -in "$work/$1" -outform DER | tail -c 64 | head -c 32 | jose b64 enc -I -)
  y=$(openssl pkey -pubin -in "$work/$1" -outform DER | tail -c 32 | jose b64 enc -I -)
  printf '{"kty":"EC","crv":"P-256","x":"%s","y":"%s"}' "$x" "$y" | as_client tee "$work/$2" >/dev/null
}

# sensor NAME LOW VALUE CRC: a file as the kernel writes it, for the low byte of the temperature.
sensor() {
  as_client mkdir -p "$sensors/$1"
  content "$1" "$2 01 4b 46 7f ff 0e 10 $4 : crc=$4 YES" "$2 01 4b 46 7f ff 0e 10 $4 t=$3"
}

# content NAME LINE…: whatever stands there, all at once.
content() {
  local name=$1
  shift
  printf '%s\n' "$@" | as_client tee "$sensors/$name/new" >/dev/null
  as_client mv "$sensors/$name/new" "$sensors/$name/w1_slave"
}

# broker_start NAME [LINE…]: a mosquitto that demands certificates of our CA; sets port.
broker_start() {
  local name=$1
  port=${broker_port:-$(free_port)}
  shift
  {
    printf '%s\n' "listener $port 127.0.0.1" "cafile ${broker_ca:-$work/ca.crt}" "certfile ${broker_crt:-$work/server.crt}" \
      "keyfile ${broker_key:-$work/server.key}" 'require_certificate true' "$@"
    [[ "$*" == *anonymous* ]] || echo 'allow_anonymous true'
  } | as_client tee "$work/$name.conf" >/dev/null
  start "$name" env PATH="$PATH:/usr/sbin" mosquitto -c "$work/$name.conf"
  wait_for 10 port_open "$port"
}

# subscribe PORT: everything that is published there, one envelope a line in $home/subscriber.log.
subscribe() {
  : >"$home/subscriber.log"
  start subscriber stdbuf -oL mosquitto_sub -h localhost -p "$1" --cafile "$work/ca.crt" --cert "$work/server.crt" \
    --key "$work/server.key" -t '#' -q 1 -d -F '%p %t'
  wait_for 10 grep -q 'SUBACK' "$home/subscriber.log"
}

envelopes() { grep -a '^eyJ' "$home/subscriber.log" | cut -d ' ' -f 1; }
topics() { grep -a '^eyJ' "$home/subscriber.log" | cut -d ' ' -f 2-; }
arrived() { (($(envelopes | wc -l) >= $1)); }

publisher() { as_client "$home/signerd-publisher" "$@"; }
with_key() { local command=$1; shift; publisher "$command" --key "$key" --cert "$work/device.crt" --ca "$work/ca.crt" --spool "$spool" "$@"; }
reading() { local command=$1; shift; with_key "$command" --owner-key "$work/owner.pub.jwk" --sensors "$sensors" "$@"; }
start_run() {
  start publisher "$home/signerd-publisher" run --key "$key" --cert "$work/device.crt" --ca "$work/ca.crt" \
    --spool "$spool" --owner-key "$work/owner.pub.jwk" --sensors "$sensors" "$@"
}

# opened: the claims of the envelope on stdin; fails where it does not verify or decrypt.
opened() {
  (cd "$BATS_TEST_TMPDIR" && jose jws ver -i - -k "$work/device.jwk" -O jwe && jose jwe dec -i jwe -k "$work/owner.jwk")
}

# claims FILTER: one line for each envelope that arrived (or of stdin, one a line).
claims() {
  while read -r line; do printf %s "$line" | opened || echo '"broken"'; done | jq -rc "if type == \"string\" then . else ($1) end"
}

waiting() { publisher status --json --spool "$spool" | jq .waiting; }
accepted() { grep -ao 'seq [0-9]* accepted' "$1" | grep -o '[0-9]*' || :; }

# ---- MQTT ----

@test "MQTT: each reading arrives, verifies and decrypts with jose, and says what was measured" {
  sensor 28-0000000000aa 73 23187 14
  sensor 10-000000000001 72 0 57
  content 10-000000000001 '2d 00 4b 46 ff ff 08 10 fe : crc=fe YES' '2d 00 4b 46 ff ff 08 10 fe t=22250'
  subscribe "$port_mqtt"
  run -0 reading once --mqtt "localhost:$port_mqtt"
  wait_for 10 arrived 3
  equals $'10-000000000001 22250\n28-0000000000aa 23187\n28-000005e2fdc3 23125' \
    "$(envelopes | claims '"\(.reading.sensor) \(.reading.value)"')"
  equals $'1 1\n2 1\n3 1' "$(envelopes | claims '"\(.seq) \(.v)"')"
  local id
  id=$(openssl x509 -in device.crt -outform DER | sha256sum | cut -d ' ' -f 1)
  equals "device-1 $id $(</proc/sys/kernel/random/boot_id)" \
    "$(envelopes | head -n 1 | claims '"\(.device) \(.certificate) \(.boot)"')"
  (($(envelopes | head -n 1 | claims '.time') / 1000 - $(date +%s) < 60))
  equals 0 "$(waiting)"
}

@test "MQTT: the topic is that of the certificate, or the given one" {
  subscribe "$port_mqtt"
  run -0 reading once --mqtt "localhost:$port_mqtt"
  run -0 reading once --mqtt "localhost:$port_mqtt" --topic "a topic/ü"
  wait_for 10 arrived 2
  equals "signerd/v1/$(openssl x509 -in device.crt -outform DER | sha256sum | cut -d ' ' -f 1)/data
a topic/ü" "$(topics)"
}

@test "the certificate beside the key in the token is the default, and its common name the device id" {
  as_client "$home/signerd-provision" cert store --key "$key" --cert device.crt
  subscribe "$port_mqtt"
  run -0 publisher once --key "$key" --ca "$work/ca.crt" --spool "$spool" --owner-key "$work/owner.pub.jwk" \
    --sensors "$sensors" --mqtt "localhost:$port_mqtt"
  wait_for 10 arrived 1
  equals device-1 "$(envelopes | claims .device)"
}

@test "run: the line is down for some seconds; readings go on into the spool and arrive in order, each once" {
  local port_odd broker_port
  broker_start odd
  port_odd=$port broker_port=$port
  subscribe "$port_odd"
  start_run --mqtt "localhost:$port_odd" --interval 0 --count 1000000
  wait_for 10 arrived 5
  kill -STOP "$(<"$home/publisher.pid")"
  sleep 0.3
  kill -CONT "$(<"$home/publisher.pid")"
  stop odd
  stop subscriber
  local before
  before=$(accepted "$home/publisher.log" | tail -n 1)
  sleep 3
  local during
  during=$(accepted "$home/publisher.log" | tail -n 1)
  ((during > before + 5)) || { echo "accepted up to $before, then $during"; return 1; }
  cp "$home/subscriber.log" "$home/first.log"
  broker_start odd
  subscribe "$port_odd"
  wait_for 30 arrived 20
  stop publisher
  cat "$home/first.log" >>"$home/subscriber.log"
  contains "$(<"$home/publisher.log")" "delivers again"
  # What arrived in each half is in order.
  equals "" "$(grep -a '^eyJ' "$home/first.log" | cut -d ' ' -f 1 | claims .seq | sort -nc 2>&1)"
}

@test "readings that waited are delivered in order, and deleted once each is acknowledged" {
  local nobody i
  nobody=$(free_port)
  run -75 reading run --count 5 --interval 0 --wait 1 --mqtt "localhost:$nobody"
  contains "$output" "no connection: does a broker listen there?"
  contains "$output" "5 wait in the spool"
  equals 5 "$(waiting)"
  subscribe "$port_mqtt"
  run -0 with_key send --mqtt "localhost:$port_mqtt"
  wait_for 10 arrived 5
  equals $'1\n2\n3\n4\n5' "$(envelopes | claims .seq)"
  equals 0 "$(waiting)"
}

@test "MQTT: a broker with a certificate for another host name gets nothing" {
  run -77 reading once --wait 1 --mqtt "127.0.0.1:$port_mqtt"
  contains "$output" "its certificate is for another address"
  as_client openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=elsewhere \
    -addext subjectAltName=DNS:elsewhere.example -keyout "$work/elsewhere.key" -out "$work/elsewhere.csr"
  certify elsewhere
  broker_crt=$work/elsewhere.crt broker_key=$work/elsewhere.key broker_start odd
  run -77 reading once --wait 1 --mqtt "localhost:$port"
  contains "$output" "its certificate is for another host name"
  run ! grep -q 'New client connected' "$home/odd.log"
  equals 2 "$(waiting)"
}

@test "MQTT: a broker with a certificate of another CA gets nothing" {
  other_ca
  run -77 publisher once --key "$key" --cert "$work/device.crt" --ca "$work/other.crt" --spool "$spool" \
    --owner-key "$work/owner.pub.jwk" --sensors "$sensors" --wait 1 --mqtt "localhost:$port_mqtt"
  contains "$output" "of another CA than --ca"
  equals 1 "$(waiting)"
}

@test "MQTT: a broker that does not trust the device's certificate is reported, and nothing is lost" {
  other_ca
  broker_ca=$work/other.crt broker_start odd
  run -77 reading once --wait 1 --mqtt "localhost:$port"
  contains "$output" "does it trust the CA of this device's certificate?"
  equals 1 "$(waiting)"
}

@test "MQTT: a refusal in CONNACK is reported with its code" {
  broker_start odd 'allow_anonymous false'
  run -77 reading once --wait 1 --mqtt "localhost:$port"
  contains "$output" "CONNACK code 5: this device is not authorised to connect"
  equals 1 "$(waiting)"
}

@test "MQTT: an envelope that makes the broker drop the connection is parked, and comes back when asked for" {
  broker_start odd 'max_packet_size 500'
  run -77 reading once --wait 30 --mqtt "localhost:$port"
  contains "$output" "seq 1: parked, the others go on: the connection was lost before PUBACK"
  run -0 publisher status --spool "$spool"
  contains "$output" "parked:  1"
  contains "$output" "seq 1, to signerd/v1/"
  subscribe "$port_mqtt"
  run -0 with_key send --mqtt "localhost:$port_mqtt"
  run -0 with_key send --parked --mqtt "localhost:$port_mqtt"
  wait_for 10 arrived 1
  equals 1 "$(envelopes | claims .seq)"
}

@test "MQTT: the server name is in the TLS hello, and ALPN where it is asked for" {
  port=$(free_port)
  start odd openssl s_server -accept "$port" -cert "$work/server.crt" -key "$work/server.key" -CAfile "$work/ca.crt" \
    -Verify 1 -servername localhost -servername_fatal -cert2 "$work/server.crt" -key2 "$work/server.key" \
    -alpn x-amzn-mqtt-ca -tlsextdebug -www
  wait_for 10 port_open "$port"
  start_run --mqtt "localhost:$port" --alpn x-amzn-mqtt-ca
  wait_for 20 grep -aq 'CN = device-1' "$home/odd.log" # the handshake got that far
  grep -a -A 1 'extension "server name"' "$home/odd.log" | grep -q localhost
  grep -a -A 1 'extension "application layer protocol negotiation"' "$home/odd.log" | grep -q x-amzn-mqtt
}

# ---- HTTPS ----

# endpoint_start: nginx as an HTTPS endpoint with client certificates; what it took is in $work/bodies and $work/access.
endpoint_start() {
  port=$(free_port)
  local inner
  inner=$(free_port)
  as_client rm -rf "$work/bodies" "$work/access"
  as_client mkdir "$work/bodies"
  as_client tee "$work/endpoint.conf" >/dev/null <<TEXT
daemon off;
worker_processes 1;
pid $work/endpoint.pid;
error_log stderr;
events {}
http {
  log_format seen '\$connection \$ssl_client_s_dn \$request_method \$request_uri \$content_type \$status \$request_body_file';
  access_log $work/access seen;
  client_body_temp_path $work/bodies;
  client_body_in_file_only on;
  proxy_temp_path $work/proxy;
  fastcgi_temp_path $work/fastcgi;
  uwsgi_temp_path $work/uwsgi;
  scgi_temp_path $work/scgi;
  server { listen 127.0.0.1:$inner; access_log off; location / { return 200 '{"message":"OK"}'; } }
  server {
    listen 127.0.0.1:$port ssl;
    ssl_certificate $work/server.crt;
    ssl_certificate_key $work/server.key;
    ssl_client_certificate ${endpoint_ca:-$work/ca.crt};
    ssl_verify_client on;
    location / { proxy_pass http://127.0.0.1:$inner; }
    location /topics/denied { add_header x-amzn-ErrorType 'ForbiddenException:' always; return 403 '{}'; }
    location /topics/odd { add_header x-amzn-ErrorType 'Odd$(printf '\033')[31mException' always; return 403 '{}'; }
    location /topics/busy { return 503 '{}'; }
    location /topics/throttled { return 429 '{}'; }
  }
}
TEXT
  start nginx env PATH="$PATH:/usr/sbin" nginx -p "$work" -e stderr -c "$work/endpoint.conf"
  wait_for 10 port_open "$port"
}

@test "HTTPS: each reading arrives by POST on one connection, verifies and decrypts with jose" {
  endpoint_start
  run -75 reading run --count 3 --interval 0 --wait 1 --topic 'a/b c' --https "localhost:$(free_port)"
  run -0 with_key send --https "localhost:$port"
  equals "CN=device-1 POST /topics/a%2Fb%20c?qos=1 application/jose 200" "$(cut -d ' ' -f 2-6 "$work/access" | sort -u)"
  equals 1 "$(cut -d ' ' -f 1 "$work/access" | sort -u | wc -l)"
  equals $'1 23125\n2 23125\n3 23125' "$(cut -d ' ' -f 7 "$work/access" |
    while read -r file; do cat "$file"; echo; done | claims '"\(.seq) \(.reading.value)"')"
  equals 0 "$(waiting)"
}

@test "HTTPS: an envelope that is refused with a status of 4xx is parked, and the next is delivered" {
  endpoint_start
  run -77 reading once --wait 1 --topic denied --https "localhost:$port"
  contains "$output" "seq 1: parked, the others go on: HTTP status 403 ForbiddenException"
  run -0 reading once --wait 1 --https "localhost:$port"
  contains "$output" "seq 2: delivered"
  run -0 publisher status --json --spool "$spool"
  equals '1 denied 0' "$(jq -r '"\(.parked) \(.parked_envelopes[0].topic) \(.waiting)"' <<<"$output")"
}

@test "HTTPS: what an endpoint calls its error cannot move a terminal" {
  endpoint_start
  run -77 reading once --wait 1 --topic odd --https "localhost:$port"
  contains "$output" "seq 1: parked, the others go on: HTTP status 403 Odd"
  run -0 publisher status --spool "$spool"
  [[ $output != *$'\033'* ]]
}

@test "HTTPS: after 429, 503 or a closed connection the envelope waits and is tried again" {
  endpoint_start
  run -75 reading once --wait 1 --topic busy --https "localhost:$port"
  contains "$output" "HTTP status 503: it has a fault of its own; next try in"
  (($(grep -c 503 "$work/access") >= 2))
  equals 1 "$(waiting)"
  spool=$spool-2
  run -75 reading once --wait 1 --topic throttled --https "localhost:$port"
  contains "$output" "HTTP status 429"
  equals 1 "$(waiting)"
  spool=$spool-3
  run -75 reading once --wait 1 --https "localhost:$(free_port)"
  equals 1 "$(waiting)"
}

@test "HTTPS: an endpoint that does not know the device's certificate is reported, and nothing is lost" {
  other_ca
  endpoint_ca=$work/other.crt endpoint_start
  run -75 reading run --count 5 --interval 0 --wait 1 --https "localhost:$(free_port)"
  run -77 with_key send --wait 1 --https "localhost:$port"
  contains "$output" "HTTP status 400"
  run -0 publisher status --json --spool "$spool"
  equals '3 parked, 2 wait' "$(jq -r '"\(.parked) parked, \(.waiting) wait"' <<<"$output")"
}

@test "HTTPS: an endpoint with another host name or of another CA gets nothing" {
  endpoint_start
  run -77 reading once --wait 1 --https "127.0.0.1:$port"
  contains "$output" "its certificate is for another address"
  other_ca
  run -77 publisher send --key "$key" --cert "$work/device.crt" --ca "$work/other.crt" --spool "$spool" --wait 1 \
    --https "localhost:$port"
  contains "$output" "of another CA than --ca"
  equals 1 "$(waiting)"
  run ! grep -q . "$work/access"
}

# ---- the owner ----

@test "an owner's key in PEM does as a JWK does" {
  as_client openssl ecparam -name prime256v1 -genkey -noout -out "$work/pem.key"
  as_client openssl pkey -in "$work/pem.key" -pubout -out "$work/pem.pub"
  subscribe "$port_mqtt"
  run -0 with_key once --owner-key "$work/pem.pub" --sensors "$sensors" --mqtt "localhost:$port_mqtt"
  wait_for 10 arrived 1
  public_jwk pem.pub pem.pub.jwk
  local d
  d=$(openssl pkey -in "$work/pem.key" -outform DER | tail -c +8 | head -c 32 | jose b64 enc -I -)
  jq -c --arg d "$d" '. + {d: $d}' "$work/pem.pub.jwk" | as_client tee "$work/pem.jwk" >/dev/null
  printf %s "$(envelopes)" >"$BATS_TEST_TMPDIR/envelope"
  jose jws ver -i "$BATS_TEST_TMPDIR/envelope" -k "$work/device.jwk" -O "$BATS_TEST_TMPDIR/jwe"
  equals 23125 "$(jose jwe dec -i "$BATS_TEST_TMPDIR/jwe" -k "$work/pem.jwk" | jq .reading.value)"
}

@test "an owner's private key on the device is refused" {
  run -78 with_key once --owner-key "$work/owner.jwk" --sensors "$sensors" --mqtt "localhost:$port_mqtt"
  contains "$output" "it is a private key, which does not belong on this device"
}

@test "an AES key in the token does as owner's key (A256GCMKW)" {
  [[ $build != *asan* ]] || skip "pkcs11-tool cannot load a module that needs a sanitizer"
  as_client p11tool --batch --list-mechanisms "pkcs11:token=demo" | grep -q AES_GCM || skip "this token has no AES-GCM"
  local value=feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308
  write_key owner "$value" 31
  subscribe "$port_mqtt"
  run -0 with_key once --owner-key "pkcs11:token=demo;object=owner;type=secret-key$pin" --sensors "$sensors" \
    --mqtt "localhost:$port_mqtt"
  wait_for 10 arrived 1
  printf '{"kty":"oct","k":"%s"}' "$(jose b64 enc -I owner.bin)" >"$BATS_TEST_TMPDIR/aes.jwk"
  printf %s "$(envelopes)" >"$BATS_TEST_TMPDIR/envelope"
  jose jws ver -i "$BATS_TEST_TMPDIR/envelope" -k "$work/device.jwk" -O "$BATS_TEST_TMPDIR/jwe"
  equals A256GCMKW "$(cut -d . -f 1 "$BATS_TEST_TMPDIR/jwe" | tr -d '\n' | jose b64 dec -i - | jq -r .alg)"
  equals 23125 "$(jose jwe dec -i "$BATS_TEST_TMPDIR/jwe" -k "$BATS_TEST_TMPDIR/aes.jwk" | jq .reading.value)"
}

# ---- sensors ----

@test "a sensor that fails is reported with its reason, the others are delivered" {
  sensor 28-0000000000aa 73 23187 14
  subscribe "$port_mqtt"
  local zeros='00 00 00 00 00 00 00 00 00'
  content "$probe" '72 01 4b 46 7f ff 0e 10 56 : crc=57 NO' '72 01 4b 46 7f ff 0e 10 57 t=23125'
  run -74 reading once --mqtt "localhost:$port_mqtt"
  contains "$output" "sensor $probe: no reading: the kernel says CRC NO"
  content "$probe" "$zeros : crc=00 YES" "$zeros t=0"
  run -74 reading once --mqtt "localhost:$port_mqtt"
  contains "$output" "sensor $probe: no reading: all its bytes are zero"
  content "$probe" '50 05 4b 46 7f ff 0c 10 1c : crc=1c YES' '50 05 4b 46 7f ff 0c 10 1c t=85000'
  run -74 reading once --mqtt "localhost:$port_mqtt"
  contains "$output" "sensor $probe: no reading: it gives 85 degrees"
  as_client rm "$sensors/$probe/w1_slave"
  run -74 reading once --mqtt "localhost:$port_mqtt"
  contains "$output" "sensor $probe: its file w1_slave vanished"
  wait_for 10 arrived 4
  equals $'28-0000000000aa 23187\n28-0000000000aa 23187\n28-0000000000aa 23187\n28-0000000000aa 23187' \
    "$(envelopes | claims '"\(.reading.sensor) \(.reading.value)"')"
}

@test "run: a sensor that vanishes and comes back is reported, and read again" {
  sensor 28-0000000000aa 73 23187 14
  start_run --mqtt "localhost:$port_mqtt" --interval 0
  wait_for 10 grep -q "sensor 28-0000000000aa: seq" "$home/publisher.log"
  as_client mv "$sensors/28-0000000000aa" "$work/unplugged-$BATS_TEST_NUMBER"
  wait_for 10 grep -q "sensor 28-0000000000aa: .*vanished" "$home/publisher.log"
  wait_for 10 grep -q "sensor 28-0000000000aa: vanished from" "$home/publisher.log"
  : >"$home/publisher.log"
  as_client mv "$work/unplugged-$BATS_TEST_NUMBER" "$sensors/28-0000000000aa"
  wait_for 10 grep -q "sensor 28-0000000000aa: seq" "$home/publisher.log"
}

@test "a tree without a thermometer is reported" {
  as_client rm -r "$sensors/$probe"
  run -74 reading once --mqtt "localhost:$port_mqtt"
  contains "$output" "no thermometer there"
}

# ---- the spool ----

@test "a plaintext reading is neither in the spool nor in the log" {
  start_run --mqtt "localhost:$(free_port)" --interval 0
  wait_for 20 grep -q 'seq 30 accepted' "$home/publisher.log"
  grep -aq signerd/v1 "$spool"* # so grep would see it
  [[ -s $spool-wal ]]
  run ! grep -alE '23125|millidegree|28-000005e2fdc3|temperature' "$spool"*
  # base64 of "\"value\":23125" at each of its three alignments
  run ! grep -alE 'InZhbHVlIjoyMzEyN|J2YWx1ZSI6MjMxMj|idmFsdWUiOjIzMTI1' "$spool"*
  run ! grep -a 23125 "$home/publisher.log"
}

@test "the publisher makes no core file, and its memory is closed to its own user" {
  start_run --mqtt "localhost:$(free_port)"
  wait_for 20 grep -q 'accepted' "$home/publisher.log"
  local pid
  for pid in $(<"$home/publisher.pid") $(children_of "$(<"$home/publisher.pid")"); do
    equals 0 "$(awk '/^Max core file size/ { print $5 }' "/proc/$pid/limits")"
    run ! as_client dd "if=/proc/$pid/mem" bs=1 count=1
    contains "$output" "ermission denied"
  done
}

@test "a second publisher on the same spool is refused" {
  start_run --mqtt "localhost:$port_mqtt"
  wait_for 20 grep -q 'accepted' "$home/publisher.log"
  run -75 reading once --mqtt "localhost:$port_mqtt"
  contains "$output" "another signerd-publisher works with it"
}

@test "killed at any moment it loses nothing that it accepted, and gives no number twice" {
  subscribe "$port_mqtt"
  local i child
  : >"$home/all.log"
  for i in {1..5}; do
    start_run --mqtt "localhost:$port_mqtt" --interval 0
    wait_for 20 grep -q accepted "$home/publisher.log"
    sleep "0.0$((RANDOM % 90 + 10))"
    # every other time the sending process alone
    child=$(children_of "$(<"$home/publisher.pid")")
    ((i % 2)) || kill -KILL "$child"
    kill -KILL "$(<"$home/publisher.pid")"
    wait_for 5 process_gone "$(<"$home/publisher.pid")"
    wait_for 5 process_gone "$child"
    cat "$home/publisher.log" >>"$home/all.log"
  done
  run -0 with_key send --mqtt "localhost:$port_mqtt"
  equals 0 "$(waiting)"
  wait_for 20 arrived "$(accepted "$home/all.log" | wc -l)"
  local numbers
  numbers=$(envelopes | claims .seq)
  equals "$(accepted "$home/all.log" | sort -nu)" "$(accepted "$home/all.log")"
  equals "" "$(comm -23 <(accepted "$home/all.log" | sort) <(sort <<<"$numbers"))"
  # In order, but for one that was sent again because its acknowledgement was not yet noted.
  equals "$(sort -nu <<<"$numbers")" "$(uniq <<<"$numbers")"
}

@test "SIGTERM ends both processes soon and cleanly" {
  start_run --mqtt "localhost:$port_mqtt" --interval 1
  wait_for 20 grep -q 'delivered' "$home/publisher.log"
  local pid child
  pid=$(<"$home/publisher.pid")
  child=$(children_of "$pid")
  kill -TERM "$pid"
  wait_for 4 process_gone "$pid"
  wait_for 1 process_gone "$child"
  run ! grep -q ends: "$home/publisher.log"
}

@test "run goes on when signerd was away, and the broker too, and says so meanwhile" {
  [[ ! ${SIGNERD_TEST_TOKEN-} ]] || skip "there is no signerd"
  local broker_port
  broker_start odd
  broker_port=$port
  start_run --mqtt "localhost:$broker_port" --interval 1
  wait_for 20 grep -q 'delivered' "$home/publisher.log"
  "$root/scripts/sandbox" down "$sandbox"
  stop odd
  # The module waits 10 s for a daemon that is away.
  wait_for 30 grep -q 'cannot be sealed' "$home/publisher.log" || { cat "$home/publisher.log"; return 1; }
  "$root/scripts/sandbox" up "$sandbox" --build "$build/." ${pin_file:+--client-pin-file "$pin_file"} >/dev/null
  broker_start odd # so TLS begins anew, with the key in a daemon that is another
  : >"$home/publisher.log"
  wait_for 20 grep -q 'delivered' "$home/publisher.log"
}

@test "a full disk is reported, nothing accepted is lost, and with room again all is delivered" {
  ((EUID == 0)) || skip "needs root, to mount a small file system"
  unshare --mount true 2>/dev/null || skip "no mounts here"
  subscribe "$port_mqtt"
  as_client mkdir "$work/small"
  cat >"$home/scenario" <<'TEXT'
set -e
mount -t tmpfs -o "size=600k,uid=$(stat -c %u "$work")" small "$work/small" || exit 99
p() { ${SIGNERD_AS-} "$home/signerd-publisher" "$@" --spool "$work/small/spool"; }
read_it() { p "$@" --key "$key" --cert "$work/device.crt" --ca "$work/ca.crt" --owner-key "$work/owner.pub.jwk" --sensors "$sensors"; }
status=0
read_it run --count 250 --interval 0 --wait 1 --mqtt "localhost:$1" || status=$?
echo "status $status"
echo "waiting $(p status --json | jq .waiting)"
mount -o remount,size=8m "$work/small"
p send --key "$key" --cert "$work/device.crt" --ca "$work/ca.crt" --mqtt "localhost:$2"
echo "left $(p status --json | jq .waiting)"
read_it once --mqtt "localhost:$2"
TEXT
  local status=0
  export key work sensors
  unshare --mount bash "$home/scenario" "$(free_port)" "$port_mqtt" >"$home/full.log" 2>&1 || status=$?
  ((status != 99)) || skip "no tmpfs here"
  equals 0 "$status" || { grep -v delivered "$home/full.log"; return 1; }
  grep -qE 'cannot accept an envelope: (the disk is full|it cannot be written)|cannot count on: ' "$home/full.log" ||
    { grep -v delivered "$home/full.log"; return 1; }
  local count
  count=$(accepted "$home/full.log" | wc -l)
  contains "$(<"$home/full.log")" "waiting $((count - 1))"
  contains "$(<"$home/full.log")" "left 0"
  wait_for 10 arrived "$count"
  equals "$(accepted "$home/full.log")" "$(envelopes | claims .seq)"
}

@test "a damaged spool is set aside with a clear message, and numbers go on behind the old ones" {
  run -75 reading run --count 3 --interval 0 --wait 1 --mqtt "localhost:$(free_port)"
  printf 'garbage garbage garbage' | as_client dd "of=$spool" conv=notrunc status=none
  run -0 reading once --mqtt "localhost:$port_mqtt"
  contains "$output" "the database is damaged: set aside as $spool.damaged-"
  [[ -s $(echo "$spool".damaged-*) ]]
  (($(accepted <(echo "$output") | tail -n 1) > 3))
}

@test "run: a PIN that is given at the terminal once serves both processes" {
  [[ ${SIGNERD_TEST_PIN-} ]] || skip "without a client PIN nothing is asked for"
  command -v script >/dev/null || skip "script is not installed"
  as_client tee "$work/terminal.conf" >/dev/null <<TEXT
[publisher]
key = $device
cert = $work/device.crt
ca = $work/ca.crt
owner-key = $work/owner.pub.jwk
sensors = $sensors
spool = $spool
mqtt = localhost:$port_mqtt
TEXT
  { sleep 2; cat "$work/pin"; wait_for 20 publisher_delivered; } |
    script -qec "${SIGNERD_AS-} $home/signerd-publisher run --count 1 --config $work/terminal.conf" /dev/null >"$home/publisher.log"
  contains "$(<"$home/publisher.log")" "PIN of token demo"
  equals 1 "$(grep -c 'PIN of token' "$home/publisher.log")"
  contains "$(<"$home/publisher.log")" "seq 1: delivered"
  run ! grep -q 'right-pin' "$home/publisher.log"
}

publisher_delivered() { grep -q delivered "$home/publisher.log"; }

# ---- the command line ----

@test "what is wrong with the options is told, with the exit codes of sysexits.h" {
  run -64 publisher
  contains "$output" "which command"
  run -64 publisher run --key "$key" --owner-key x
  contains "$output" "where to?"
  run -64 publisher send --key 'pkcs11:object=device?pin-value=1' --mqtt localhost:1
  contains "$output" "every user could see in the process list"
  run -78 publisher send --config /nonexistent
  contains "$output" "No such file"
  run -74 publisher status --spool "$work/nothing"
  contains "$output" "does it exist"
  run -66 publisher send --key "pkcs11:token=demo;object=nothing$pin" --spool "$spool" --mqtt localhost:1
  run -78 with_key once --owner-key /nonexistent --sensors "$sensors" --mqtt localhost:1
  contains "$output" "--owner-key /nonexistent: No such file"
}

@test "a certificate of another key is refused at the start" {
  run -78 publisher send --key "$key" --cert "$work/server.crt" --spool "$spool" --mqtt localhost:1
  contains "$output" "is for another key than --key names"
}

@test "the options may stand in a file" {
  as_client tee "$work/publisher.conf" >/dev/null <<TEXT
[publisher]
key = $key
cert = $work/device.crt
ca = $work/ca.crt
owner-key = $work/owner.pub.jwk
sensors = $sensors
spool = $spool
mqtt = localhost:$port_mqtt
TEXT
  run -0 publisher once --config "$work/publisher.conf"
  contains "$output" "seq 1: delivered"
}

# ---- the owner's side ----

# open_readings OPTION…: the example, on the envelopes of stdin; with other options the later ones count.
open_readings() {
  as_client "$home/open-readings" --ca "$work/ca.crt" --certificate "$work/device.crt" --owner-key "$work/owner.jwk" "$@"
}

two_envelopes() {
  install -m 755 "$root/examples/open-readings" "$home"
  subscribe "$port_mqtt"
  reading once --mqtt "localhost:$port_mqtt"
  reading once --mqtt "localhost:$port_mqtt"
  wait_for 10 arrived 2
  envelopes >"$BATS_TEST_TMPDIR/two"
}

@test "examples/open-readings prints sensor, time and value of each envelope that verifies" {
  two_envelopes
  run -0 --separate-stderr open_readings <"$BATS_TEST_TMPDIR/two"
  equals 2 "${#lines[@]}"
  [[ ${lines[0]} =~ ^$probe\ \ 20..-..-..T..:..:..\....Z\ \ 23\.125\ °C\ \ verified$ ]]
  equals "" "$stderr"
  run -0 open_readings --json <"$BATS_TEST_TMPDIR/two"
  equals "[\"$probe\",23125]" "$(jq -c '[.reading.sensor, .reading.value]' <<<"${lines[1]}")"
}

@test "examples/open-readings rejects what comes again, is another's, was changed or is for another key, and says which" {
  two_envelopes
  run -1 open_readings < <(cat "$BATS_TEST_TMPDIR/two" "$BATS_TEST_TMPDIR/two")
  contains "$output" "envelope 3 rejected: sequence number"
  equals 2 "$(grep -c verified <<<"$output")"
  run -1 open_readings --certificate "$work/server.crt" <"$BATS_TEST_TMPDIR/two"
  contains "$output" "envelope 1 rejected: it names another certificate"
  as_client jose jwk gen -i '{"kty":"EC","crv":"P-256"}' -o "$work/stranger.jwk"
  run -1 open_readings --owner-key "$work/stranger.jwk" <"$BATS_TEST_TMPDIR/two"
  contains "$output" "envelope 2 rejected: it is not encrypted to this key"
  run -1 open_readings < <(sed 's/....$/AAAA/' "$BATS_TEST_TMPDIR/two")
  contains "$output" "envelope 1 rejected: the signature is not the device's"
  run -1 open_readings <<<'no envelope at all'
  contains "$output" "envelope 1 rejected: it is no JWS"
  other_ca
  run -65 open_readings --ca "$work/other.crt" <"$BATS_TEST_TMPDIR/two"
  contains "$output" "not a valid certificate of"
}
