#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The documents tell the truth: their commands run as they stand, what they promise is printed, and their tables are
# those of the code.
# shellcheck disable=SC2154
load helper

setup_file() {
  export tree
  sandbox_up
  tree=$home/tree
}

teardown_file() {
  # What FIRST-STEPS has started, where it did not get to its end.
  local left
  for left in "${home-/nonexistent}"/tmp.*; do
    [[ ! -d $left ]] || "$root/scripts/sandbox" down "$left"
  done
  sandbox_down
}

# ---- documents ----

# blocks FILE DIR: its blocks of code, as DIR/1.sh, DIR/2.text, …
blocks() {
  mkdir -p "$2"
  awk -v dir="$2" '
    /^```/ { if (out) { close(out); out = "" } else { out = dir "/" ++n "." substr($0, 4); printf "" >out }; next }
    out { print >out }' "$1"
}

# block DIR N: the file of block N.
block() { echo "$1/$2".*; }

# script DIR: all sh blocks for one shell, with a mark and the status behind each.
script() {
  local n file
  for ((n = 1; ; n++)); do
    file=$(block "$1" "$n")
    [[ -e $file ]] || return 0
    [[ $file == *.sh ]] || continue
    cat "$file"
    printf "printf '\\\\n@@@ %%s %%s\\\\n' %s \"\$?\"\n" "$n"
  done
}

# pattern TEXT: as a glob in which … stands for anything.
pattern() {
  local text=${1//\\/\\\\}
  text=${text//\[/\\[} text=${text//\*/\\*} text=${text//\?/\\?}
  printf %s "${text//…/*}"
}

# follow FILE WHERE COMMAND…: runs the blocks of FILE with the shell COMMAND, in the directory WHERE. Each block must succeed, and
# print what a text block behind it says. $edit is a sed script for the commands (for INSTALL alone: see there).
follow() {
  local parts=$BATS_TEST_TMPDIR/parts file=$1 where=$2 n status=0 out want mark
  shift 2
  blocks "$file" "$parts"
  script "$parts" | sed "${edit-}" >"$parts/script"
  (cd "$where" && exec "$@" < <(cat "$parts/script") >"$parts/out" 2>&1 3>&-) || status=$?
  # (From a pipe: of a file, a shell within this shell would read more than its own commands.)
  awk -v dir="$parts" '/^@@@ / { print $3 >(dir "/" $2 ".status"); printf "%s", text >(dir "/" $2 ".out"); text = ""; next }
    { text = text $0 "\n" }' "$parts/out"
  for ((n = 1; ; n++)); do
    [[ -e $(block "$parts" "$n") || -e $parts/$n.sh ]] || break
    [[ -e $parts/$n.sh ]] || continue
    mark=$(cat "$parts/$n.status" 2>/dev/null) || mark=never
    [[ $mark == 0 ]] || { echo "status $mark of:"; cat "$parts/$n.sh"; echo "all output:"; cat "$parts/out"; return 1; }
    [[ -e $parts/$((n + 1)).text ]] || continue
    out=$(<"$parts/$n.out") want=$(<"$parts/$((n + 1)).text")
    # shellcheck disable=SC2053
    [[ $out == $(pattern "$want") ]] ||
      { printf 'of:\n%s\nwanted:\n%s\ngot:\n%s\n' "$(<"$parts/$n.sh")" "$want" "$out"; return 1; }
  done
  equals 0 "$status"
}

# copy_tree: the source in $tree, without what was built there.
copy_tree() {
  rm -rf "$tree"
  mkdir "$tree"
  tar -C "$root" --exclude=./build --exclude=./.git -cf - . | tar -C "$tree" --no-same-owner -xf -
  chmod -R a+rX "$tree"
}

# follow_outside_the_sandbox DOC: docs/DOC.md, which makes a sandbox of its own, in a copy of the source.
follow_outside_the_sandbox() {
  copy_tree
  # The programs of this build; there is nothing to build.
  printf '#!/bin/sh\n' >"$tree/scripts/build"
  mkdir -p "$tree/build"
  ln -s "$build" "$tree/build/release"
  follow "$root/docs/$1.md" "$tree" env -u SIGNERD_AS -u SIGNERD_RUNTIME_DIR -u XDG_CONFIG_HOME \
    -u OPENSSL_CONF -u PKCS11_MODULE_PATH TMPDIR="$home" timeout 180 bash
}

@test "FIRST-STEPS: each command does what is promised" {
  follow_outside_the_sandbox FIRST-STEPS
}

@test "ENVELOPE: the example verifies, opens and is rejected as promised" {
  mkdir "$BATS_TEST_TMPDIR/envelope"
  follow "$root/docs/ENVELOPE.md" "$BATS_TEST_TMPDIR/envelope" bash
}

@test "PROVISIONING: each command does what is promised" {
  follow_outside_the_sandbox PROVISIONING
}

@test "CLIENTS: each command does what is promised" {
  needs certutil
  needs keytool
  follow_outside_the_sandbox CLIENTS
}

@test "INSTALL: each command does what is promised, on a copy of the system's directories" {
  ((EUID == 0)) || skip "needs root"
  local over=$home/over
  mkdir "$over"
  # The namespace is gone with its last process; what was written is in memory.
  cat >"$home/on-a-copy" <<'TEXT'
mount -t tmpfs -o mode=755 over "$1" || exit 99
for dir in /etc /usr /var /root; do
  mkdir -p "$1$dir"/{upper,work}
  chmod --reference="$dir" "$1$dir/upper"
  mount -t overlay -o "lowerdir=$dir,upperdir=$1$dir/upper,workdir=$1$dir/work" over "$dir" || exit 99
done
mount -t tmpfs -o mode=755 run /run || exit 99
[[ ! $2 ]] || exit 0
exec timeout 300 bash
TEXT
  unshare --mount bash "$home/on-a-copy" "$over" try >/dev/null 2>&1 || skip "no overlay mounts here"
  copy_tree
  # Where even root cannot lock memory (most containers), the one setting that INSTALL names for this case.
  local edit=''
  [[ $(ulimit -l unlimited 2>/dev/null && ulimit -l) == unlimited ]] || edit='s/^user = signerd$/&\nlock-memory = try/'
  follow "$root/docs/INSTALL.md" "$tree" env -u SIGNERD_AS -u SIGNERD_RUNTIME_DIR -u XDG_CONFIG_HOME -u OPENSSL_CONF \
    -u PKCS11_MODULE_PATH unshare --mount --pid --fork --kill-child --mount-proc bash "$home/on-a-copy" "$over" ""
}

@test "INSTALL lists the files that are installed" {
  blocks "$root/docs/INSTALL.md" "$BATS_TEST_TMPDIR/parts"
  DESTDIR=$BATS_TEST_TMPDIR/dest cmake --install "$build" --prefix /usr >/dev/null
  # shellcheck disable=SC2016
  # The library directory is /usr/lib where cmake was configured for another prefix.
  run -0 sh -c 'cd "$1" && find . -type f | sed -e "s/^\.//" -e "s|^/usr/lib/[^/]*/pkcs11/|/usr/lib/pkcs11/|" | sort' sh \
    "$BATS_TEST_TMPDIR/dest"
  equals "$(sed 's|^/usr/lib/[^/]*/pkcs11/|/usr/lib/pkcs11/|' "$(grep -l signerd-worker "$BATS_TEST_TMPDIR"/parts/*.text)" | sort)" \
    "$output"
}

@test "the example signerd.conf is accepted by signerd --check" {
  local conf=$BATS_TEST_TMPDIR/signerd.conf me
  me=$(id -un)
  # Users of the example that this machine lacks are replaced.
  sed -E "s/^(#?user) = (signerd|alice|bob)/\1 = $me/" "$root/softhsm-config/signerd.conf.example" >"$conf"
  run -0 "$build/signerd/signerd" --check --config "$conf"
  contains "$output" ": ok"
  sed -i -E 's/^#(\[deny|device|user|operations)/\1/' "$conf"
  grep -q '^\[deny bob\]' "$conf"
  run -0 "$build/signerd/signerd" --check --config "$conf"
}

# ---- the audit log ----

audit_script() {
  blocks "$root/docs/AUDIT.md" "$BATS_TEST_TMPDIR/parts"
  check=$BATS_TEST_TMPDIR/check
  cat "$BATS_TEST_TMPDIR"/parts/*.sh >"$check"
}

@test "AUDIT: its script accepts its example and a real log, and notices a line that was changed, left out or moved" {
  audit_script
  run -0 sh "$check" "$BATS_TEST_TMPDIR"/parts/1.text
  equals "" "$output"
  make_key audited 07
  as_client openssl rand -out message 100
  local i log=$BATS_TEST_TMPDIR/audit
  # shellcheck disable=SC2034
  for i in 1 2 3 4; do
    as_client openssl dgst -sha256 -engine pkcs11 -keyform engine -sign "pkcs11:token=demo;object=audited" \
      -out signature message
  done
  cp "$sandbox/state/demo/audit" "$log"
  run -0 sh "$check" "$log"
  equals "" "$output"

  sed '5s/uid=[0-9]*/uid=1/' "$log" >"$log.changed"
  run -1 sh "$check" "$log.changed"
  equals 1 "${#lines[@]}"
  contains "$output" "line before: 5 "
  sed 5d "$log" >"$log.short"
  run -1 sh "$check" "$log.short"
  contains "$output" "line before: 6 "
  sed -n '5h;6G;5!p' "$log" >"$log.moved"
  run -1 sh "$check" "$log.moved"
  contains "$output" "line before: 6 "

  # In two files, as after a rotation.
  head -n 4 "$log" >"$log.1"
  tail -n +5 "$log" >"$log.0"
  run -0 sh "$check" "$log.1" "$log.0"
  run -1 sh "$check" "$log.0"

  # A line that was cut, as after a power cut.
  head -c -20 "$log" >"$log.cut"
  run -1 sh "$check" "$log.cut"
  equals 1 "${#lines[@]}"
}

@test "AUDIT: real lines look like its lines, and a signature is found by its file" {
  local who='uid=[0-9]+ pid=[0-9]+( key=pkcs11:object=[-._~A-Za-z0-9%]*(;id=[%0-9a-f]+)?;type=[a-z-]+)?( mechanism=[0-9]+)?( data-sha256=[0-9a-f]{64})?'
  local line='^[0-9]+ [0-9-]{10}T[0-9:]{8}\.[0-9]{6}Z '
  local kinds="(note [a-z ]+|intent [A-Z_]+ $who|result of=[0-9]+ [A-Z_]+|refused [A-Z_]+ $who [A-Z_]+ rule=[-._~A-Za-z0-9%]+|refused-more uid=[0-9]+ count=[0-9]+)"
  run -1 grep -vE "$line$kinds chain=[0-9a-f]{64}\$" "$sandbox/state/demo/audit"
  blocks "$root/docs/AUDIT.md" "$BATS_TEST_TMPDIR/parts"
  run -1 grep -vE "$line$kinds chain=[0-9a-f]{64}\$" "$BATS_TEST_TMPDIR/parts/1.text"
  grep -q "data-sha256=$(openssl dgst -sha256 -binary "$work/message" | sha256sum | cut -d ' ' -f 1)" "$sandbox/state/demo/audit"
}

# ---- manual pages ----

man=$root/docs/man

# conf_keys: "SECTION KEY" for each key of signerd.conf(5).
conf_keys() { awk '/^\.Ss / { s = $2; sub(/^\[/, "", s); sub(/\].*/, "", s) } /^\.It Ic / { print s, $3 }' "$man/signerd.conf.5" | sort; }

# code_keys: the same of the tables of settings.c.
code_keys() {
  awk '/^static const struct key_row [a-z]*_keys\[\]/ { s = $5; sub(/_keys.*/, "", s); if (s == "rule") s = "allow" }
    /^};/ { s = "" }
    s && /^ *\{"/ { split($0, part, "\""); print s, part[2] }' "$root/signerd/settings.c" | sort
}

# item KEY: what signerd.conf(5) says of it.
item() { awk -v key="$1" '/^\.It Ic / { on = $3 == key } /^\.El/ { on = 0 } on' "$man/signerd.conf.5"; }

@test "signerd.conf(5) has each key that the daemon knows, and no other" {
  code_keys >"$BATS_TEST_TMPDIR/keys"
  (($(wc -l <"$BATS_TEST_TMPDIR/keys") >= 20))
  diff "$BATS_TEST_TMPDIR/keys" <(conf_keys)
}

@test "signerd.conf(5) has ranges and defaults of numbers as the daemon has" {
  local key member least most count=0
  while read -r key member least most; do
    count=$((count + 1))
    default=$(sed -nE "s/^.*\.$member = ([0-9]+).*/\1/p" "$root/signerd/settings.c")
    contains "$(item "$key")" "$least to $most, default $default."
  done < <(sed -nE 's/^ *\{"([a-z-]+)", value_number, IN\([a-z_]+, ([a-z0-9_]+)\), ([0-9]+), ([0-9]+),.*/\1 \2 \3 \4/p' \
    "$root/signerd/settings.c")
  ((count >= 5))
}

@test "signerd.conf(5) has each operation, and no other" {
  diff <({ sed -nE 's/^ *\{VERB_[A-Z]+, "([a-z]+)".*/\1/p' "$root/signerd/policy.c"; echo all; } | sort) \
    <(sed -nE '/^\.It Ic operations/,$ s/^\.It Cm ([a-z]+)$/\1/p' "$man/signerd.conf.5" | sort)
}

@test "what signerd.conf(5) quotes as a fault is what the daemon says" {
  local quoted count=0
  while read -r quoted; do
    count=$((count + 1))
    quoted=${quoted% ,} quoted=${quoted% .} quoted=${quoted% ;}
    case $quoted in
      *'number from'*) quoted='must be a number from %u to %u' ;;
      *'NAME]'*) quoted='there is no [device %s]' ;;
      'knows only '*) quoted='knows only ' ;; # and each name of the table of operations
    esac
    grep -qF "$quoted" "$root"/signerd/settings*.c "$root/signerd/supervisor.c" || { echo "nobody says: $quoted"; return 1; }
  done < <(sed -n '/^\.Ss/,$ s/^\.Dq //p' "$man/signerd.conf.5")
  ((count > 20))
}

@test "signerd(8) has the options of signerd --help" {
  diff <("$build/signerd/signerd" --help | grep -oE -- '--[a-z-]+' | sort -u) \
    <(sed -nE 's/^\.It Fl Fl ([a-z-]+).*/--\1/p' "$man/signerd.8" | sort -u)
}

@test "signerd-publisher(1) has the options of signerd-publisher --help" {
  diff <("$build/publisher/signerd-publisher" --help | grep -oE -- '--[a-z-]+' | sort -u) \
    <(sed -nE 's/^\.It Fl Fl ([a-z-]+).*/--\1/p' "$man/signerd-publisher.1" | sort -u)
}

@test "signerd-provision(1) has the options of its commands' --help" {
  local command
  while read -ra command; do
    "$build/provision/signerd-provision" ${command[@]+"${command[@]}"} --help
  done <<<$'\nca create\nkey create\ncsr\ncert sign\ncert store' | grep -oE -- '--[a-z-]+' | sort -u >"$BATS_TEST_TMPDIR/options"
  (($(wc -l <"$BATS_TEST_TMPDIR/options") >= 20))
  diff "$BATS_TEST_TMPDIR/options" <(sed -nE 's/^\.It Fl Fl ([a-z-]+).*/--\1/p' "$man/signerd-provision.1" | sort -u)
}

# ctl WORD…: signerctl, as the sandbox's user.
ctl() { as_client "$sandbox/prefix/bin/signerctl" "$@"; }

@test "signerctl(1) has each command of signerctl --help with its options, and no other" {
  local page=$BATS_TEST_TMPDIR/page name commands=0
  awk '/^\.Ss / { print "\n@" substr($0, 5) } /^\.It Fl Fl/ { print }' "$man/signerctl.1" | sed -E 's/^@([a-z]+( [a-z]+)?).*/@\1/' >"$page"
  while read -r name; do
    commands=$((commands + 1))
    # shellcheck disable=SC2086
    ctl $name --help | grep -oE -- '^  --[a-z0-9-]+' | tr -d ' ' | sort >"$BATS_TEST_TMPDIR/help"
    # One list of options may be that of two commands.
    sed -nE "/^@$name\$/,/^@none\$/ p" "$page" | awk '/^@/ && seen { exit } /^\.It/ { seen = 1; print }' |
      grep -oE 'Fl Fl [a-z0-9-]+' | sed 's/Fl Fl /--/' | sort >"$BATS_TEST_TMPDIR/man"
    diff "$BATS_TEST_TMPDIR/help" "$BATS_TEST_TMPDIR/man" || { echo "of: $name"; return 1; }
  done < <(ctl --help | sed -nE 's/^  ([a-z]+( [a-z]+)?)  .*/\1/p')
  equals "$commands" "$(grep -c '^@' "$page")"
}

@test "signerctl(1) has each field that signerctl prints as JSON" {
  local name
  {
    ctl status --json
    ctl keys generate --type ec:P-256 --json 'pkcs11:object=fields;id=%77'
    ctl keys list --json
    ctl keys label --json pkcs11:object=fields fields-2
    ctl policy explain --json --key pkcs11:object=fields-2
    ctl keys delete --yes --json pkcs11:object=fields-2
    ctl audit verify --json --device demo --state-dir "$sandbox/state"
    printf 'half\n' >"$BATS_TEST_TMPDIR/half"
    ctl audit verify --json --expect-last "$(printf %064d 0)" "$BATS_TEST_TMPDIR/half" || :
  } >"$BATS_TEST_TMPDIR/json"
  jq -r 'paths | map(select(type == "string"))[]' "$BATS_TEST_TMPDIR/json" | sort -u >"$BATS_TEST_TMPDIR/fields"
  (($(wc -l <"$BATS_TEST_TMPDIR/fields") > 40))
  while read -r name; do
    grep -E '^(\.Cm|\.Pq)' "$man/signerctl.1" | grep -qw -- "$name" || { echo "not there: $name"; return 1; }
  done <"$BATS_TEST_TMPDIR/fields"
}

@test "signerd-pkcs11(7) has each mechanism of the module, and each code that errors become" {
  diff <(grep -oE 'CKM_[A-Z0-9_]+' "$root/pkcs11-module/mechanism.c" | sort -u) \
    <(sed -nE 's/^\.It Dv (CKM_[A-Z0-9_]+)$/\1/p' "$man/signerd-pkcs11.7" | sort -u)
  diff <(sed -nE '/CKR_OK/d; s/^ERR\(.*(CKR_[A-Z_]+),.*/\1/p' "$root/base/err.def" | sort -u) \
    <(sed -n '/^\.Sh RETURN/,/^\.Sh FILES/p' "$man/signerd-pkcs11.7" | grep '^\.It' | grep -oE 'CKR_[A-Z_]+' | grep -v KEY_HANDLE_INVALID | sort -u)
}

@test "the manual pages have no fault that groff knows" {
  command -v groff >/dev/null || skip "groff is not installed"
  run -0 groff -mdoc -ww -z "$man"/*.[1578]
  equals "" "$output"
}
