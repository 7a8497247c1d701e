# SPDX-License-Identifier: MIT
# The demo's claims about readings: from three probes, encrypted and signed by the device, over mutual TLS to who may
# read them. To be sourced.
# shellcheck shell=bash disable=SC2034,SC2154

readonly topic=signerd/demo/readings
readonly probes=(28-000005e2fdc3 28-00000670a1b2 28-000801f2cd34)
readonly rounds=10
readonly each=$((rounds * ${#probes[@]})) # readings each way
readonly cut_seconds=5
cut_from='' cut_to=''
opened=() # "WAY SENSOR TIME VALUE" of each reading that was verified, for the report

# ---- the probes: a tree as the kernel makes it, Documentation/w1/slaves/w1_therm.rst ----

# crc8 BYTE…: Dallas/Maxim, x^8 + x^5 + x^4 + 1.
crc8() {
  local crc=0 byte bit
  for byte; do
    for bit in 0 1 2 3 4 5 6 7; do
      crc=$((((crc ^ byte >> bit) & 1) ? crc >> 1 ^ 0x8c : crc >> 1))
    done
  done
  echo "$crc"
}

# w1_slave SIXTEENTHS: the text of a DS18B20's file at so many sixteenths of a degree.
w1_slave() {
  local bytes text crc
  bytes=($(($1 & 255)) $(($1 >> 8 & 255)) 0x4b 0x46 0x7f 0xff 0x0c 0x10)
  crc=$(crc8 "${bytes[@]}")
  printf -v text '%02x ' "${bytes[@]}" "$crc"
  printf '%s: crc=%02x YES\n%st=%d\n' "$text" "$crc" "$text" $(($1 * 1000 / 16))
}

make_probes() {
  local probe
  client mkdir "$work/sensors"
  for probe in "${probes[@]}"; do client mkdir "$work/sensors/$probe"; done
  set_probes 0
}

# set_probes STEP: three temperatures that go their ways.
set_probes() {
  local at=(340 298 410) i probe
  for i in 0 1 2; do
    probe=${probes[i]}
    at[i]=$((at[i] + (i + 2) * ($1 % 7) - (3 - i) * ($1 % 4)))
    w1_slave "${at[i]}" | client sh -c 'cat >"$1.new" && mv "$1.new" "$1"' sh "$work/sensors/$probe/w1_slave"
  done
}

# feed_probes: the temperatures change for as long as the demo runs.
feed_probes() {
  local step
  for ((step = 1; ; step++)); do
    sleep 0.2
    set_probes "$step"
  done
}

# ---- the broker, and the owner who listens there ----

broker_config() {
  cat <<TEXT
listener $1 127.0.0.1
cafile $work/ca.crt
certfile $work/server.crt
keyfile $work/server.key
require_certificate true
use_identity_as_username true
persistence true
persistence_location $work/broker/
TEXT
}

start_broker() {
  keep_running broker mosquitto -c "$work/mosquitto.conf"
  wait_for 10 port_open "$broker_port"
}

# The owner's session at the broker is a lasting one: what comes while he is away waits for him there.
start_receiver() {
  keep_running receiver sh -c 'file=$1; shift; exec "$@" >"$file"' sh "$work/received-mqtt" \
    mosquitto_sub -V mqttv311 -h localhost -p "$broker_port" -q 1 -c -i owner -t "$topic" \
    --cafile "$work/ca.crt" --cert "$work/owner.crt" --key "$work/owner.key"
}

prepare_readings() {
  broker_port=$(free_port)
  client mkdir "$work/broker"
  broker_config "$broker_port" | client tee "$work/mosquitto.conf" >/dev/null
  make_probes
  feed_probes &
  pid_of[probes]=$!
  certify owner owner client && start_broker && start_receiver &&
    run owner-key jose jwk gen -i '{"kty":"EC","crv":"P-256"}' -o "$work/owner.jwk" &&
    run owner-key jose jwk pub -i "$work/owner.jwk" -o "$work/owner-public.jwk"
}

# ---- publishing and receiving ----

# publisher_options WAY: sets options, with a spool of its own for each way.
publisher_options() {
  options=(--key "$device" --ca "$work/ca.crt" --owner-key "$work/owner-public.jwk" --sensors "$work/sensors"
    --spool "$work/spool-$1" --topic "$topic" --device-id demo-device)
  case $1 in
    mqtt) options+=(--mqtt "localhost:$broker_port") ;;
    https) options+=(--https "localhost:$port") ;;
  esac
}

# publish WAY ROUNDS: in the background, a round of all probes each second.
publish() {
  publisher_options "$1"
  keep_running "publisher-$1" signerd-publisher run "${options[@]}" --interval 1 --count "$2"
}

# received WAY COUNT: so many envelopes are there.
received() { (($(wc -l <"$work/received-$1") >= $2)); }

# open_readings WAY FROM COUNT: envelopes FROM and later, which must be so many, are opened as their owner would.
# Adds them to opened; the last round is shown.
open_readings() {
  local lines
  mapfile -t lines < <(tail -n "+$2" "$work/received-$1" | client open-readings --ca "$work/ca.crt" \
    --certificate "$work/device.crt" --owner-key "$work/owner.jwk" 2>>"$home/logs/open-$1.log")
  opened+=("${lines[@]/#/${1^^} }")
  shown=("${lines[@]: -${#probes[@]}}")
  proof="${#lines[@]} of $3 verified, decrypted, in order"
  ((${#lines[@]} == $3))
}

readings_by_mqtt() {
  prepare_readings && publish mqtt "$rounds" && publish https "$rounds" && wait "${pid_of[publisher-mqtt]}" &&
    wait_for 10 received mqtt "$each" && open_readings mqtt 1 "$each"
}

readings_by_https() {
  wait "${pid_of[publisher-https]}" && wait_for 10 received https "$each" && open_readings https 1 "$each"
}

# The broker is stopped and started again; the owner's session there lasts.
readings_wait() {
  local waiting count=$((${#probes[@]} * (cut_seconds + 3)))
  publish mqtt $((cut_seconds + 3)) && wait_for 10 received mqtt $((each + ${#probes[@]})) || return
  stop broker
  cut_from=$(date +%s.%3N)
  sleep "$cut_seconds"
  publisher_options mqtt
  waiting=$(client signerd-publisher status --json "${options[@]:8:2}" 2>>"$home/logs/status.log" | jq .waiting) || return
  client cp "$work/spool-mqtt" "$work/spool-cut" && start_broker && cut_to=$(date +%s.%3N) &&
    wait "${pid_of[publisher-mqtt]}" && wait_for 20 received mqtt $((each + count)) && open_readings mqtt $((each + 1)) "$count" || return
  proof="$waiting waited, then all $count arrived, in order"
  ((waiting >= (cut_seconds - 1) * ${#probes[@]}))
}

change_is_noticed() {
  local envelope middle
  envelope=$(head -n 1 "$work/received-mqtt")
  middle=$((${#envelope} / 2))
  [[ ${envelope:middle:1} == A ]] && changed=B || changed=A
  proof=$(client open-readings --ca "$work/ca.crt" --certificate "$work/device.crt" --owner-key "$work/owner.jwk" \
    2>&1 <<<"${envelope:0:middle}$changed${envelope:middle+1}") && return 1
  proof=${proof#*rejected: }
  [[ $proof == "the signature is not the device's" ]]
}

# The broker's certificate is for localhost, not for its address.
wrong_name_is_refused() {
  publisher_options other
  ! run other-name signerd-publisher once "${options[@]}" --mqtt "127.0.0.1:$broker_port" --wait 1 || return
  proof=$(grep -o 'its certificate is for another [a-z]*' "$home/logs/other-name.log" | head -n 1)
  [[ $proof ]]
}

# What every reading says of itself must be nowhere but where it was opened.
readings_are_not_found() {
  local text='millidegree' control
  control=$(head -n 1 "$work/received-mqtt" | client open-readings --json --ca "$work/ca.crt" \
    --certificate "$work/device.crt" --owner-key "$work/owner.jwk" | grep -c "$text") || return
  proof=$(grep -rlaF "$text" "$work" "$home/logs" "$home/sandbox/log" "$home/sandbox/state" | wc -l)
  proof="$proof hits in spool, broker, logs (an opened one: $control)"
  [[ $proof == "0 hits"* && $control == 1 ]]
}
