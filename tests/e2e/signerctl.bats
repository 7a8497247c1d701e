#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The administrator's tool against a real daemon: what it shows is so, what it makes can be used, and it never
# lets go of a value or a PIN.
# With SIGNERD_TEST_PIN=1 the daemon demands a PIN of its clients.
# shellcheck disable=SC2030,SC2031,SC2154
load helper

setup_file() {
  export pin_file=''
  if [[ ${SIGNERD_TEST_PIN-} ]]; then
    pin_file=$(mktemp)
    echo 'right-pin 42' >"$pin_file"
    chmod 644 "$pin_file" # the sandbox's user reads it; the daemon has a copy of its own
    sandbox_up --client-pin-file "$pin_file"
  else
    sandbox_up
  fi
  install -m 755 "$build/tests/clients/p11-client" "$home"
  ctl keys generate 'pkcs11:token=demo;object=device;id=%01' --type ec:P-256
}

teardown_file() {
  stop signer
  sandbox_down
  rm -f "${pin_file-}"
}

# bare WORD…: signerctl, as the sandbox's user; ctl: with the PIN where one is wanted (behind the command's name).
bare() { as_client "$sandbox/prefix/bin/signerctl" "$@"; }
ctl() {
  case ${pin_file:+$1} in
    keys | policy) bare "$@" --pin-file "$pin_file" ;;
    *) bare "$@" ;;
  esac
}
# on_terminal ANSWER COMMAND…: on a terminal where somebody types ANSWER.
on_terminal() {
  local answer=$1 word line=''
  shift
  for word; do line+=" $(printf %q "$word")"; done
  (sleep 0.5; printf '%s\n' "$answer"; sleep 0.5) |
    as_client script -qec "$sandbox/prefix/bin/signerctl$line" /dev/null
}
field() { jq -r "$1" <<<"$output"; }

configure() {
  as_client sed -i '/^\[allow/,$d' "$sandbox/signerd.conf"
  printf '%s\n' "$1" | as_client tee -a "$sandbox/signerd.conf" >/dev/null
  local before
  before=$(grep -c 'read again' "$sandbox/log" || :)
  as_client kill -HUP "$(<"$sandbox/signerd.pid")"
  wait_for 5 reloaded "$before"
}
reloaded() { (($(grep -c 'read again' "$sandbox/log") > $1)); }
allow_all() {
  configure "[allow all]
device = demo
user = $(stat -c %u "$sandbox")
operations = all"
}

# ---- status ----

@test "status shows the device, its worker, and a client with user, pid and program" {
  start signer "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} --seconds 60
  wait_for 10 client_is_shown
  run -0 ctl status --json
  equals demo "$(field '.[0].device')"
  equals ready "$(field '.[0].state')"
  equals demo "$(field '.[0].label')"
  equals pkcs11 "$(field '.[0].driver')"
  equals "$(children_of "$(<"$sandbox/signerd.pid")")" "$(field '.[0].worker')"
  (($(field '.[0].requests') > 0))
  equals "$(stat -c %u "$sandbox") p11-client $([[ $pin_file ]] && echo true || echo false)" \
    "$(field ".[0].clients[] | select(.pid == $(children_of "$(<"$home/signer.pid")")) | \"\(.uid) \(.program) \(.logged_in)\"")"
  run -0 ctl status demo
  contains "$output" "demo: ready"
  contains "$output" "p11-client"
  stop signer
}
client_is_shown() { ctl status --json | jq -e ".[0].clients[] | select(.program == \"p11-client\")"; }

@test "status of a daemon that is down is 69 and says so, and so do other commands" {
  "$root/scripts/sandbox" down "$sandbox"
  run -69 ctl status
  contains "$output" "demo: unreachable: daemon is not reachable"
  run -69 ctl status --json
  equals "unreachable false" "$(field '.[0] | "\(.state) \(.reachable)"')"
  run -69 ctl keys list
  contains "$output" "daemon is not reachable"
  sandbox_start ${pin_file:+--client-pin-file "$pin_file"}
  run -0 ctl status
}

@test "a device whose token is gone is absent, and that is 69" {
  as_client sed -i 's/^token = demo/token = nowhere/' "$sandbox/signerd.conf"
  as_client kill -HUP "$(<"$sandbox/signerd.pid")"
  wait_for 10 state_is absent
  run -69 ctl status --json
  contains "$(field '.[0].why')" "device is not there"
  equals "null false" "$(field '.[0] | "\(.label) \(.present)"')"
  run -69 ctl keys list
  contains "$output" "device demo: device is not there"
  as_client sed -i 's/^token = nowhere/token = demo/' "$sandbox/signerd.conf"
  as_client kill -HUP "$(<"$sandbox/signerd.pid")"
  wait_for 10 state_is ready
}
state_is() { [[ $(ctl status --json | jq -r '.[0].state') == "$1" ]]; }

@test "a device that is not there is named" {
  run -69 ctl status nowhere
  contains "$output" "has no device 'nowhere'"
  SIGNERD_RUNTIME_DIR=$home/none run -69 ctl status
  contains "$output" "$home/none has no device"
  run -69 ctl keys list pkcs11:token=other
  contains "$output" "no device has the token"
}

# ---- keys ----

@test "keys of each type are made, listed with type, uses and id, and the pair has a fingerprint as openssl says" {
  run -0 ctl keys list --json pkcs11:object=device
  equals "private ec:P-256 256 01 sign false false" \
    "$(field '.[0] | "\(.class) \(.type) \(.bits) \(.id) \(.uses | join(",")) \(.extractable) \(.certificate)"')"
  local fingerprint
  fingerprint=$(field '.[0].fingerprint')
  [[ $fingerprint =~ ^[0-9a-f]{64}$ ]]
  if [[ $build != *asan* ]]; then
    # shellcheck disable=SC2046
    GNUTLS_PIN=${SIGNERD_PIN-} as_client p11tool --batch $(p11_login) --outfile "$work/device.pub" \
      --export-pubkey 'pkcs11:token=demo;object=device;type=private'
    equals "$fingerprint" "$(openssl pkey -pubin -in "$work/device.pub" -outform DER | sha256sum | cut -d ' ' -f 1)"
  fi
  local type
  for type in aes:128 aes:192 aes:256 generic:512 hmac:256; do
    run -0 ctl keys generate "pkcs11:token=demo;object=made-${type/:/-}" --type "$type"
    contains "$output" "made pkcs11:token=demo;"
  done
  run -0 ctl keys list --json
  equals "aes:192 encrypt,decrypt" "$(field '.[] | select(.label == "made-aes-192") | "\(.type) \(.uses | join(","))"')"
  equals "generic:256 sign,verify" "$(field '.[] | select(.label == "made-hmac-256") | "\(.type) \(.uses | join(","))"')"
  run -0 ctl keys generate pkcs11:object=wrapper --type aes:256 --use wrap --extractable --json
  equals "wrap,unwrap true" "$(field '"\(.uses | join(",")) \(.extractable)"')"
}

@test "the key that was made signs" {
  run -0 as_client "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} --count 3
  contains "$output" "signatures 3 bad 0"
}

@test "a second key of the same label or id is refused" {
  run -65 ctl keys generate 'pkcs11:token=demo;object=device;id=%77' --type ec:P-256
  contains "$output" "has this label or id already"
  run -65 ctl keys generate 'pkcs11:token=demo;object=other;id=%01' --type ec:P-256
}

@test "what cannot be a key is refused before the device is asked" {
  local before
  before=$(grep -c . "$sandbox/state/demo/audit")
  run -64 ctl keys generate pkcs11:object=x --type rsa:2048
  run -64 ctl keys generate pkcs11:object=x --type aes:100
  run -64 ctl keys generate pkcs11:object=x --type ec:P-256 --extractable
  run -64 ctl keys generate pkcs11:token=demo --type aes:128
  run -64 ctl keys generate pkcs11:object=x
  run -64 ctl keys import pkcs11:object=x --type ec </dev/null
  run -64 ctl keys list 'pkcs11:object=x?pin-value=1234'
  [[ $output != *1234* ]]
  equals "$before" "$(grep -c . "$sandbox/state/demo/audit")"
}

@test "an imported AES key encrypts as openssl does with that key, from hexadecimal, base64, raw, pipe or file" {
  [[ $build != *asan* ]] || skip "pkcs11-tool cannot load a module that needs a sanitizer"
  local key iv=000102030405060708090a0b0c0d0e0f form n=0
  printf 'sixteen bytes and a few more' | as_client tee "$work/plain" >/dev/null
  for form in hex base64 raw; do
    for from in pipe file; do
      n=$((n + 1))
      as_client openssl rand -out "$work/key" 32
      key=$(od -An -v -tx1 "$work/key" | tr -d ' \n')
      case $form in
        hex) printf '%s\n' "$key" ;;
        base64) base64 "$work/key" ;;
        raw) cat "$work/key" ;;
      esac | as_client tee "$work/value" >/dev/null
      if [[ $from == pipe ]]; then
        ctl keys import "pkcs11:token=demo;object=imported-$n;id=%60%0$n" --type aes:256 --$form <"$work/value"
      else
        ctl keys import "pkcs11:token=demo;object=imported-$n;id=%60%0$n" --type aes:256 --$form --file "$work/value"
      fi
      as_client openssl enc -aes-256-cbc -K "$key" -iv $iv -in "$work/plain" -out "$work/wanted"
      # shellcheck disable=SC2086
      as_client pkcs11-tool --module "$SIGNERD_MODULE" ${SIGNERD_PIN:+--login --pin "$SIGNERD_PIN"} --encrypt \
        --id "600$n" --mechanism AES-CBC-PAD --iv $iv --input-file "$work/plain" --output-file "$work/got"
      cmp "$work/wanted" "$work/got"
    done
  done
}

@test "a value of a wrong size or form is refused, and nothing of it is shown" {
  printf %s 00112233445566778899aabbccddee | {
    run -65 ctl keys import pkcs11:object=bad --type aes --hex
    contains "$output" "120 bits"
    [[ $output != *778899* ]]
  }
  printf %s 'secret!value?' | {
    run -65 ctl keys import pkcs11:object=bad --type aes --hex
    contains "$output" "not written in hexadecimal"
    [[ $output != *secret!* ]]
  }
  printf %s 00112233445566778899aabbccddeeff | {
    run -65 ctl keys import pkcs11:object=bad --type aes:256 --hex
    contains "$output" "128 bits, and not the 256"
  }
  run -65 ctl keys import pkcs11:object=bad --type aes --hex </dev/null
  run -66 ctl keys import pkcs11:object=bad --type aes --file /nonexistent/value
  run -0 ctl keys list --json
  equals 0 "$(field '[.[] | select(.label == "bad")] | length')"
}

@test "a value can be typed, and is not shown" {
  run -0 on_terminal 00112233445566778899aabbccddeeff keys import pkcs11:object=typed --type aes --hex \
    ${pin_file:+--pin-file "$pin_file"}
  contains "$output" "value of the key: "
  contains "$output" "imported pkcs11:"
  [[ $output != *8899aabb* ]]
}

@test "a prompt that is interrupted ends the program and leaves the terminal with its echo" {
  as_client tee "$work/interrupted" >/dev/null <<TEXT
trap : INT
"$sandbox/prefix/bin/signerctl" keys import pkcs11:object=never --type aes ${pin_file:+--pin-file "$pin_file"}
echo "status \$?"
stty -a
TEXT
  run -0 bash -c '(sleep 1; printf "\003"; sleep 1) | "$@"' bash \
    ${SIGNERD_AS-} script -qec "exec sh $work/interrupted" /dev/null
  contains "$output" "status 130"
  contains "$output" " echo "
  run -0 ctl keys list --json pkcs11:object=never
  equals 0 "$(field length)"
}

@test "after an import no byte of the key is left in signerctl's memory, nor in the client's files" {
  ((EUID == 0)) || skip "needs root: signerctl lets no other process of its user read its memory"
  [[ $build != *asan* ]] || skip "a sanitizer reserves more memory than can be read"
  local form value
  for form in hex base64 raw; do
    openssl rand 32 >"$home/secret"
    value=$(od -An -v -tx1 "$home/secret" | tr -d ' \n')
    # It stays at its last step, the printing, as long as nobody reads: the pipe is full.
    rm -f "$home/full"
    mkfifo -m 666 "$home/full"
    exec 7<>"$home/full"
    dd if=/dev/zero bs=65536 count=1 of="$home/full" oflag=nonblock 2>/dev/null
    case $form in
      hex) printf %s "$value" ;;
      base64) base64 <"$home/secret" ;;
      raw) cat "$home/secret" ;;
    esac >"$home/value"
    # shellcheck disable=SC2086
    ${SIGNERD_AS-} "$sandbox/prefix/bin/signerctl" keys import "pkcs11:object=wiped-$form" --type aes --$form \
      ${pin_file:+--pin-file "$pin_file"} <"$home/value" >"$home/full" 2>"$home/wiped.log" 7>&- 3>&- &
    pid=$!
    wait_for 10 imported "wiped-$form"
    sleep 0.2
    process_start "$pid" >/dev/null # it still stands there
    # Its memory can be read: something that must be there is found.
    grep -qaF "wiped-$form" "/proc/$pid/mem" 2>/dev/null || memory_has "$pid" "wiped-$form"
    run -0 "$build/tests/tools/scan" "$home/secret" --pid "$pid" "$work" "$home/wiped.log" "$sandbox/log" \
      "$sandbox/state"
    contains "$output" "0 not readable"
    exec 7>&-
    kill "$pid" 2>/dev/null || :
    wait "$pid" || :
  done
}
imported() { ctl keys list --json "pkcs11:object=$1" | jq -e '.[0].label'; }
# memory_has PID TEXT: the heap or stack of a process holds the text.
memory_has() {
  local range rest from to
  while read -r range rest; do
    [[ $rest == *'[heap]' || $rest == *'[stack]' ]] || continue
    from=$((16#${range%-*})) to=$((16#${range#*-}))
    ! dd if="/proc/$1/mem" bs=4096 skip=$((from / 4096)) count=$(((to - from) / 4096)) 2>/dev/null | grep -qaF "$2" ||
      return 0
  done <"/proc/$1/maps"
  return 1
}

@test "a URI that fits several keys is refused, and they are listed" {
  ctl keys generate pkcs11:object=twin-a --type aes:128
  ctl keys generate pkcs11:object=twin-b --type aes:128
  run -64 ctl keys delete --yes 'pkcs11:token=demo;type=secret-key'
  contains "$output" "several keys fit"
  contains "$output" "object=twin-a"
  contains "$output" "object=twin-b"
  run -66 ctl keys delete --yes 'pkcs11:token=demo;object=nobody'
  run -0 ctl keys list --json
  equals 2 "$(field '[.[] | select(.label | startswith("twin-"))] | length')"
}

@test "delete asks on a terminal, needs --yes elsewhere, and takes the public half along" {
  ctl keys generate 'pkcs11:object=victim;id=%55' --type ec:P-256
  run -64 ctl keys delete pkcs11:object=victim </dev/null
  contains "$output" "give --yes"
  run -77 on_terminal n keys delete pkcs11:object=victim ${pin_file:+--pin-file "$pin_file"}
  contains "$output" "nothing was deleted"
  run -0 ctl keys list --json 'pkcs11:object=victim;type=public'
  equals 1 "$(field length)"
  run -0 on_terminal y keys delete pkcs11:object=victim ${pin_file:+--pin-file "$pin_file"}
  contains "$output" "deleted pkcs11:token=demo;id=%55;object=victim;type=private"
  contains "$output" "deleted pkcs11:token=demo;id=%55;object=victim;type=public"
  run -66 ctl keys delete --yes pkcs11:object=victim
}

@test "a key has its certificate: it is listed, is renamed with it, and stays unless --with-certificate" {
  [[ $build != *asan* ]] || skip "openssl and p11tool cannot load a module that needs a sanitizer"
  ctl keys generate 'pkcs11:token=demo;object=tls;id=%56' --type ec:P-256
  as_client openssl req -x509 -new -engine pkcs11 -keyform engine -subj /CN=tls -days 2 -out "$work/tls.crt" \
    -key "pkcs11:token=demo;object=tls;type=private${SIGNERD_PIN:+?pin-value=$(jq -rn --arg pin "$SIGNERD_PIN" '$pin | @uri')}"
  # shellcheck disable=SC2046
  GNUTLS_PIN=${SIGNERD_PIN-} as_client p11tool --batch $(p11_login) --write --load-certificate "$work/tls.crt" \
    --label tls --id 56 pkcs11:token=demo
  run -0 ctl keys list --json pkcs11:object=tls
  equals "1 true" "$(field '"\(length) \(.[0].certificate)"')"
  run -0 ctl keys label pkcs11:object=tls renamed --json
  equals 3 "$(field '.changed | length')"
  run -0 ctl keys id pkcs11:object=renamed 5657
  run -0 ctl keys list --json 'pkcs11:object=renamed;id=%56%57'
  equals "1 true" "$(field '"\(length) \(.[0].certificate)"')"
  run -0 ctl keys delete --yes pkcs11:object=renamed
  contains "$output" "its certificate stays"
  run -0 ctl keys list --json
  equals "certificate" "$(field '.[] | select(.label == "renamed") | .class')"
  run -0 ctl keys delete --yes 'pkcs11:object=renamed;type=cert'
}

@test "delete --with-certificate leaves nothing of the key" {
  [[ $build != *asan* ]] || skip "openssl and p11tool cannot load a module that needs a sanitizer"
  ctl keys generate 'pkcs11:token=demo;object=gone;id=%58' --type ec:P-256
  as_client openssl req -x509 -new -engine pkcs11 -keyform engine -subj /CN=gone -days 2 -out "$work/gone.crt" \
    -key "pkcs11:token=demo;object=gone;type=private${SIGNERD_PIN:+?pin-value=$(jq -rn --arg pin "$SIGNERD_PIN" '$pin | @uri')}"
  # shellcheck disable=SC2046
  GNUTLS_PIN=${SIGNERD_PIN-} as_client p11tool --batch $(p11_login) --write --load-certificate "$work/gone.crt" \
    --label gone --id 58 pkcs11:token=demo
  run -0 ctl keys delete --yes --with-certificate pkcs11:object=gone --json
  equals 3 "$(field '.deleted | length')"
  local type
  for type in private public cert; do
    run -0 ctl keys list --json "pkcs11:object=gone;type=$type"
    equals 0 "$(field length)"
  done
}

@test "what the rules forbid is 77 and changes nothing" {
  ctl keys generate 'pkcs11:object=kept;id=%59' --type ec:P-256
  configure "[allow look]
device = demo
user = $(stat -c %u "$sandbox")
operations = find"
  run -77 ctl keys delete --yes pkcs11:object=kept
  contains "$output" "the rules of signerd.conf do not allow this"
  contains "$output" "type=public: stays as it was"
  run -77 ctl keys label pkcs11:object=kept other
  run -77 ctl keys generate pkcs11:object=new --type aes:128
  printf %032d 0 >"$home/value"
  run -77 ctl keys import pkcs11:object=new --type aes --hex <"$home/value"
  allow_all
  run -0 ctl keys list --json pkcs11:object=kept
  equals 1 "$(field length)"
}

@test "where several devices fit, one must be named" {
  as_client cp "$sandbox/signerd.conf" "$sandbox/signerd.conf.one"
  # The same token behind another door: nothing is written through it.
  awk '/^\[/ { on = /device demo/ } on { sub(/device demo/, "device second"); print }' "$sandbox/signerd.conf.one" |
    as_client tee -a "$sandbox/signerd.conf" >/dev/null
  as_client tee -a "$sandbox/signerd.conf" >/dev/null <<TEXT
[allow second]
device = second
user = $(stat -c %u "$sandbox")
operations = find
TEXT
  as_client kill -HUP "$(<"$sandbox/signerd.pid")"
  wait_for 20 two_ready
  run -64 bare keys generate pkcs11:token=demo --type aes:128
  contains "$output" "several devices fit"
  contains "$output" "--device demo"
  contains "$output" "--device second"
  run -64 bare keys list demo --device second
  run -0 ctl keys list --device second --json pkcs11:object=device
  equals "1 second" "$(field '"\(length) \(.[0].device)"')"
  if [[ $pin_file ]]; then
    run -64 ctl keys list
    contains "$output" "--pin-file is for one device, and 2 want a PIN"
  else
    run -64 ctl keys delete --yes pkcs11:object=device
    contains "$output" "(--device second)"
  fi
  as_client cp "$sandbox/signerd.conf.one" "$sandbox/signerd.conf"
  as_client kill -HUP "$(<"$sandbox/signerd.pid")"
  wait_for 20 one_ready
  as_client rm -f "$SIGNERD_RUNTIME_DIR/second.sock" # a socket stays, and would be a device that is not well
}
two_ready() { [[ $(ctl status --json | jq -r 'map(.state) | join(" ")') == "ready ready" ]]; }
one_ready() { [[ $(ctl status --json | jq -r 'map(select(.state == "ready") | .device) | join(" ")') == demo ]]; }

# ---- rules ----

@test "policy explain tells answer, rule and reason; 0 is allowed, 77 denied" {
  configure "[allow look]
device = demo
user = $(stat -c %u "$sandbox")
key = pkcs11:object=device
operations = find sign"
  local line
  line=$(grep -n '^\[allow look' "$sandbox/signerd.conf" | cut -d: -f1)
  run -0 ctl policy explain --operation sign --key pkcs11:object=device
  contains "$output" "allowed: "
  contains "$output" "signerd.conf:$line"
  run -77 ctl policy explain --operation destroy --key pkcs11:object=device --json
  equals "false signerd.conf:$line" "$(field '.answers[0] | "\(.allow) \(.rule)"')"
  run -77 ctl policy explain --operation sign --key pkcs11:object=other
  contains "$output" "no rule names this user and key"
  run -0 ctl policy explain --key pkcs11:object=device --json
  equals "find sign" "$(field '[.answers[] | select(.allow) | .operation] | join(" ")')"
  run -77 ctl policy explain --operation random
  run -64 ctl policy explain --operation sign
  run -64 ctl policy explain --operation fly --key pkcs11:object=device
  allow_all
}

@test "policy explain for another user needs the right admin" {
  configure "[allow self]
device = demo
user = $(stat -c %u "$sandbox")
operations = find sign
[allow other]
device = demo
user = 4711
operations = sign"
  run -69 ctl policy explain --user 4711 --operation sign --key pkcs11:object=device
  contains "$output" "needs the right admin"
  run -64 ctl policy explain --group 5000 --operation sign --key pkcs11:object=device
  contains "$output" "--group"
  configure "[allow admin]
device = demo
user = $(stat -c %u "$sandbox")
operations = all admin
[allow others]
device = demo
group = 5000
operations = sign"
  run -77 ctl policy explain --user 4711 --operation sign --key pkcs11:object=device
  run -0 ctl policy explain --user 4711 --group 5000 --operation sign --key pkcs11:object=device
  allow_all
}

# ---- the audit log ----

@test "audit verify accepts a real log, live, and the chain value that was kept" {
  run -0 ctl audit verify --state-dir "$sandbox/state"
  contains "$output" "demo: whole"
  run -0 ctl audit verify --device demo --state-dir "$sandbox/state" --json
  equals "true 1 0" "$(field '.[0] | "\(.ok) \(.first.number) \(.breaks)"')"
  local kept
  kept=$(field '.[0].last.chain')
  ctl keys generate pkcs11:object=later --type aes:128
  run -0 ctl audit verify --device demo --state-dir "$sandbox/state" --expect-last "$kept"
  contains "$output" "the log has grown by"
}

@test "audit verify names each kind of damage with file and line, and ends with 65" {
  cp "$sandbox/state/demo/audit" "$work/log"
  chmod 644 "$work/log"
  cd "$work" || return
  damage() {
    local kind=$1 line=$2
    run -65 ctl audit verify damaged
    contains "$output" "damaged:$line: $kind: "
    run -65 ctl audit verify damaged --json
    equals true "$(field ".[0].findings | any(.kind == \"$kind\" and .line == $line and .breaks)")"
  }
  sed '5s/uid=[0-9]*/uid=1/' log >damaged
  damage changed 5
  sed 5d log >damaged
  damage left-out 5
  sed -n '5h;6G;5!p' log >damaged
  damage moved 6
  head -n 6 log | head -c -20 >damaged
  damage cut 6
  { head -n 4 log; sed -n 4p log; } >damaged
  damage moved 5
  { head -n 4 log; head -n 4 log; } >damaged
  damage restarted 5
  sed '5s/.*/nonsense/' log >damaged
  damage cut 5
  local n
  n=$(wc -l <log)
  head -n $((n - 2)) log >damaged
  run -0 ctl audit verify damaged
  run -65 ctl audit verify damaged --expect-last "$(tail -n 1 log | sed 's/.*chain=//')"
  contains "$output" "the end of the log was cut off"
}

@test "audit verify reads older files first, by name or by device" {
  as_client mkdir -p "$work/state/old"
  head -n 4 "$sandbox/state/demo/audit" >"$work/state/old/audit.2"
  sed -n '5,7p' "$sandbox/state/demo/audit" >"$work/state/old/audit.1"
  tail -n +8 "$sandbox/state/demo/audit" >"$work/state/old/audit"
  chmod -R a+rX "$work/state"
  run -0 ctl audit verify --device old --state-dir "$work/state" --json
  equals "3 1" "$(field '.[0] | "\(.files | length) \(.first.number)"')"
  run -65 ctl audit verify "$work/state/old/audit" "$work/state/old/audit.1"
  run -66 ctl audit verify --device nobody --state-dir "$work/state"
  run -66 ctl audit verify /nonexistent/audit
}

# ---- the client PIN ----

@test "the client PIN comes from a file or a prompt, and where neither is there this is said" {
  [[ $pin_file ]] || skip "no client PIN is wanted here"
  run -77 setsid -w ${SIGNERD_AS-} "$sandbox/prefix/bin/signerctl" keys list </dev/null
  contains "$output" "give --pin-file"
  run -0 on_terminal 'right-pin 42' keys list
  contains "$output" "PIN of device demo: "
  contains "$output" "device"
  [[ $output != *right-pin* ]]
  echo wrong >"$home/wrong"
  chmod 644 "$home/wrong"
  run -77 bare keys list --pin-file "$home/wrong"
  contains "$output" "the client PIN is wrong"
  run -66 bare keys list --pin-file /nonexistent/pin
}

# ---- the command line ----

@test "each command has --help, and a mistake is 64" {
  local name
  run -0 bare --help
  while read -r name; do
    # shellcheck disable=SC2086
    run -0 bare $name --help
    contains "$output" "Usage: signerctl $name"
  done < <(bare --help | sed -nE 's/^  ([a-z]+( [a-z]+)?)  .*/\1/p')
  run -64 bare
  run -64 bare fly
  contains "$output" "there is no command 'fly'"
  run -64 bare keys
  contains "$output" "keys generate"
  run -64 bare keys list --unknown
  contains "$output" "signerctl: unrecognized option '--unknown'"
  run -0 bare --version
}

@test "output that cannot be written is 74" {
  run -74 sh -c '"$@" >/dev/full' sh ${SIGNERD_AS-} "$sandbox/prefix/bin/signerctl" --help
}

@test "tables have no colour where no terminal is, nor with NO_COLOR" {
  run -0 ctl keys list
  [[ $output != *$'\e'* ]]
  run -0 on_terminal '' keys list ${pin_file:+--pin-file "$pin_file"}
  contains "$output" $'\e[1m'
  NO_COLOR=1 run -0 on_terminal '' keys list ${pin_file:+--pin-file "$pin_file"}
  [[ $output != *$'\e'* ]]
}
