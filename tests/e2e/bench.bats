#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# scripts/bench: what it prints and what it leaves behind. How fast anything is, is not tested: that depends on the
# machine and on what else it does.
# shellcheck disable=SC2154
load helper

bench() { "$root/scripts/bench" --build "$build/." "$@"; }

@test "bench prints each figure of each kind, as NAME VALUE UNIT" {
  run -0 --separate-stderr bench --quick
  local kind clients way what figures
  figures=$(grep -E '^[a-z]+\.[0-9]' <<<"$output")
  run -1 grep -vE '^[a-z]+\.[12]\.((signerd|direct|p11kit)\.(ops ([0-9.]+|n/a) 1/s|p(50|95|99) ([0-9.]+|n/a) us)|ratio-(direct|p11kit) ([0-9.]+|n/a) x)$' \
    <<<"$figures"
  for kind in ecdsa hmac gcm find findid findclass findall; do
    for clients in 1 2; do
      for way in signerd direct p11kit; do
        for what in ops p50 p95 p99; do
          grep -q "^$kind\.$clients\.$way\.$what " <<<"$figures" || { echo "no $kind.$clients.$way.$what"; return 1; }
        done
      done
    done
  done
  equals "$((7 * 2 * 14))" "$(wc -l <<<"$figures")"
  # Only p11-kit server lacks something: it passes no AES mechanism on.
  run -1 grep -E ' n/a ' < <(grep -vE '^gcm\.[12]\.(p11kit|ratio-p11kit)' <<<"$figures")
  run -1 grep -E '^[a-z.0-9-]+ 0(\.0+)? ' <<<"$figures"
}

@test "bench measures what was asked for, and nothing else" {
  run -0 --separate-stderr bench --rounds 1 --clients 3 --objects 20 ecdsa
  contains "$output" "20 objects in the token"
  equals 14 "$(grep -cE '^ecdsa\.3\.' <<<"$output")"
  equals 14 "$(grep -cE '^[a-z]+\.[0-9]' <<<"$output")"
}

@test "what cannot be measured is a fault of its caller" {
  run -64 bench rsa
  contains "$output" "nothing is called 'rsa'"
  run -64 bench --rounds
  run -64 bench --clients 1,x ecdsa
  run -0 bench --help
}

@test "bench leaves no process and no file behind" {
  local dir
  place=$(mktemp -d)
  chmod 711 "$place"
  TMPDIR=$place run -0 bench --quick find
  equals "" "$(ls -A "$place")"
  rmdir "$place"
  for dir in /proc/[0-9]*; do
    ! tr '\0' ' ' <"$dir/cmdline" 2>/dev/null | grep -F "$place/"
  done
}
