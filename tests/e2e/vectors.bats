# SPDX-License-Identifier: MIT
# Published vectors through module, daemon and SoftHSM: tests/clients/vectors.py. What it prints, vectors that pass and
# those that are skipped with the reason, must be what stands beside it: so nothing is skipped in silence.
load helper

setup_file() {
  local policy
  policy=$(mktemp)
  printf '%s\n' '[allow the-caller]' 'device = demo' 'user = @UID@' 'operations = all derive-export' >"$policy"
  sandbox_up --policy "$policy"
  rm -f "$policy"
  install -d -m 755 "$home/vectors"
  install -m 644 "$root"/tests/clients/{vectors,vector_files,cryptoki}.py "$root/pkcs11-module/functions.def" "$home/vectors"
}

teardown_file() { sandbox_down; }

# vectors ORIGIN: all suites of that origin.
vectors() {
  as_client env PYTHONDONTWRITEBYTECODE=1 "FUNCTIONS=$home/vectors/functions.def" "WYCHEPROOF=$home/files" \
    /usr/bin/python3 "$home/vectors/vectors.py" "$1" >"$home/$1" ||
    { cat "$home/$1"; return 1; }
  diff -u "$root/tests/clients/vectors.$1" "$home/$1"
}

@test "the vectors of NIST, RSA Laboratories and RFC 4231" { vectors nist; }

@test "the vectors of Wycheproof" {
  local from=$root/../shared/vectors/wycheproof
  [[ -d $from ]] || skip "../shared/vectors/wycheproof is not there"
  cp -r "$from" "$home/files"
  chmod -R u+w,a+rX "$home/files"
  vectors wycheproof
}
