#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# scripts/demo shows its claims, and leaves nothing behind but its report.
# shellcheck disable=SC2154
load helper

setup_file() {
  export demo_tmp demo_out SIGNERD_BUILD=$build
  demo_tmp=$(mktemp -d)
  chmod 711 "$demo_tmp"
  demo_out=$demo_tmp.out
  mkdir "$demo_tmp.wd"
}

teardown_file() { rm -rf "$demo_tmp" "$demo_out" "$demo_tmp.wd"; }

demo() { (cd "$demo_tmp.wd" && env TMPDIR="$demo_tmp" "$root/scripts/demo" "$@"); }

# ours: the processes whose command line names the directory of this test.
ours() {
  local path
  for path in /proc/[0-9]*; do
    grep -qsaF "$demo_tmp/" "$path/cmdline" && echo "${path#/proc/} $(tr "\0" " " <"$path/cmdline")"
  done
  return 0
}

# nothing_left: no process, no file.
nothing_left() { equals "" "$(ours; ls -A "$demo_tmp")"; }

# take_port PORT: something else listens there. (Who may not take it leaves it free.)
take_port() {
  openssl s_server -quiet -nocert -accept "127.0.0.1:$1" </dev/null >/dev/null 2>&1 3>&- &
  taken+=("$!")
}

@test "the demo shows its claims, each with its proof, whatever listens on the usual ports, and leaves nothing but its report" {
  local taken=()
  for port in 80 1883 8883; do take_port "$port"; done
  demo >"$demo_out"
  kill "${taken[@]}" || :
  cat "$demo_out"
  run -0 grep -E '^(ok|no) ' "$demo_out"
  equals 13 "${#lines[@]}"
  equals 'ok  key made in the token        pkcs11:token=demo;object=device' "${lines[0]}"
  equals 'ok  certificate beside it        CN=demo-device, openssl verify: OK' "${lines[1]}"
  equals 'ok  openssl signs with it        Verified OK' "${lines[2]}"
  equals 'ok  curl, mutual TLS 1.3         200, CN=demo-device' "${lines[3]}"
  equals 'no  read the key                 CKR_ATTRIBUTE_SENSITIVE' "${lines[4]}"
  equals 'no  sign outside the policy      signerd.conf:12' "${lines[5]}"
  equals 'ok  30 readings by MQTT          30 of 30 verified, decrypted, in order' "${lines[6]}"
  equals 'ok  30 readings by HTTPS         30 of 30 verified, decrypted, in order' "${lines[7]}"
  [[ ${lines[8]} =~ ^"ok  line cut for 5 s             "1[0-9]" waited, then all 24 arrived, in order"$ ]]
  equals "no  one byte changed             the signature is not the device's" "${lines[9]}"
  contains "${lines[10]}" 'no  a broker of another name'
  equals 'ok  key searched for             0 hits in files, clients, logs (plain key file: 3)' "${lines[11]}"
  equals 'ok  readings searched for        0 hits in spool, broker, logs (an opened one: 1)' "${lines[12]}"
  nothing_left
}

@test "the readings that the demo shows have sensor, time and value" {
  run -0 grep -cE '^ +28-[0-9a-f]{12}  20..-..-..T..:..:..\....Z  [0-9.]+ °C  verified$' "$demo_out"
  equals 9 "$output"
}

@test "the demo's report is one page which needs nothing else, with the readings and the evidence" {
  report=$demo_tmp.wd/demo-report.html
  run ! grep -E 'src=|href=|@import|url\(' "$report"
  run -0 grep -c '<td>verified$' "$report"
  equals 84 "$output"
  run -0 grep -cE '^<tr><td>(ok|no)<td>' "$report"
  equals 13 "$output"
  run -0 grep -cE '<(circle|rect) class="[abc]" (cx|x)=' "$report"
  contains "$(<"$report")" '<polyline class="c"'
}

@test "a demo that is interrupted leaves no process and no file" {
  TMPDIR=$demo_tmp "$root/scripts/demo" --report "$demo_tmp.wd/report" >"$demo_out" 2>&1 3>&- &
  wait_for 60 grep -q 'openssl signs' "$demo_out"
  kill -TERM $!
  wait_for 20 nothing_left
}

@test "a demo that is killed leaves no process and no file, at whatever moment that was" {
  for moment in 'A private key' 'openssl signs' 'outside the policy' 'by HTTPS'; do
    : >"$demo_out"
    TMPDIR=$demo_tmp setsid "$root/scripts/demo" --report "$demo_tmp.wd/report" >"$demo_out" 2>&1 3>&- &
    pid=$!
    wait_for 90 grep -q "$moment" "$demo_out"
    kill -KILL -- "-$pid"
    wait_for 20 nothing_left
  done
}

@test "a report that cannot be written is told before anything is done" {
  run -73 demo --report /proc/nowhere/report.html
  contains "$output" "cannot write /proc/nowhere/report.html; --report FILE takes another"
}

@test "a claim that does not hold makes the demo fail" {
  broken=$BATS_TEST_TMPDIR/broken
  mkdir "$broken"
  cp -r "$root/scripts" "$root/softhsm-config" "$root/examples" "$broken/"
  # The rule that forbids the key `spare` is taken away.
  sed -i 's/^operations = find$/operations = find sign/' "$broken/scripts/demo"
  run ! env TMPDIR="$demo_tmp" "$broken/scripts/demo" --report "$demo_tmp.wd/report"
  contains "$output" "sign outside the policy      NOT SHOWN (CKR_OK)"
  run -0 ls -A "$demo_tmp"
  equals "" "$output"
}
