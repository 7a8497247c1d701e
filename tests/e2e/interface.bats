#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What PKCS#11 3.0 has, and digests: tests/module by the interfaces that C_GetInterface gives, with a real daemon and SoftHSM;
# what comes out is compared with OpenSSL. With SIGNERD_TEST_PIN=1 the daemon demands a PIN of its clients.
# shellcheck disable=SC2030,SC2031,SC2154
load helper

setup_file() {
  export pin_file=''
  if [[ ${SIGNERD_TEST_PIN-} ]]; then
    pin_file=$(mktemp)
    echo 'right-pin 42' >"$pin_file"
    chmod 644 "$pin_file"
    sandbox_up --client-pin-file "$pin_file"
  else
    sandbox_up
  fi
  install -m 755 "$build/tests/clients/p11-client" "$build/tests/module/module-check" "$home"
  as_client "$home/p11-client" ${pin_file:+--pin-file "$pin_file"} --make-key
}

teardown_file() {
  sandbox_down
  rm -f "${pin_file-}"
}

# check OPTION… GROUP: also the daemon has said nothing of a fault of its own.
check() {
  as_client "$home/module-check" ${pin_file:+--pin-file "$pin_file"} "$@"
  run ! grep -E 'ERROR: |runtime error|WARNING: ThreadSanitizer' "$sandbox/log"
}

@test "interfaces of 2.40 and 3.0, C_LoginUser, C_SessionCancel" { check interface; }
@test "digests, combined calls, saved states" { check digest; }
@test "messages encrypted, decrypted, signed and verified" { check message; }

# The last: the daemon does not come back.
@test "digests without a daemon" {
  check --restart "kill -TERM $(<"$sandbox/signerd.pid"); while kill -0 $(<"$sandbox/signerd.pid") 2>/dev/null; do sleep 0.1; done" offline
}
