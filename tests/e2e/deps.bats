#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# scripts/deps: it installs, and changes no system service.
# shellcheck disable=SC2016,SC2154
load helper

groups=(build run demo test fuzz)

# listening: the addresses on which something listens.
listening() { awk '$4 == "0A" { print $2 }' /proc/net/tcp /proc/net/tcp6 | sort; }

# boot: what starts by itself, below a root directory.
boot() { find "$1"/etc/systemd "$1"/etc/rc?.d \( -path '*.wants/*' -o -name 'S*' \) 2>/dev/null | sort; }

# services: the processes of the servers among our packages.
services() {
  local path
  for path in /proc/[0-9]*/comm; do
    { read -r name <"$path"; } 2>/dev/null || continue
    [[ $name != @(nginx|mosquitto|pcscd|sshd|stunnel4) ]] || echo "$path $name"
  done
}

# with_stub NAME: a command of that name which only notes its arguments, before all others.
stubs() {
  mkdir -p "$BATS_TEST_TMPDIR/bin"
  printf '#!/bin/bash\n%s\n' 'echo "$(basename "$0") $*" >>"$BATS_TEST_TMPDIR/calls"' "${2-}" \
    >"$BATS_TEST_TMPDIR/bin/$1"
  chmod 755 "$BATS_TEST_TMPDIR/bin/$1"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

@test "when nothing is missing it says nothing, asks nobody and installs nothing" {
  [[ -z $("$root/scripts/deps" -n "${groups[@]}") ]] || skip "packages are missing"
  stubs apt-get
  stubs sudo
  run -0 "$root/scripts/deps" "${groups[@]}"
  equals "" "$output"
  [[ ! -e $BATS_TEST_TMPDIR/calls ]]
}

@test "what is missing is listed, and services are forbidden while it is installed" {
  ((EUID == 0)) || skip "needs root"
  stubs dpkg-query 'exit 1'
  stubs apt-get '/usr/sbin/policy-rc.d nginx start; echo "policy $?" >>"$BATS_TEST_TMPDIR/calls"'
  had_policy=$(ls /usr/sbin/policy-rc.d 2>/dev/null || :)
  run -0 "$root/scripts/deps" run
  contains "$output" "to be installed"
  contains "$output" "softhsm2"
  calls=$(<"$BATS_TEST_TMPDIR/calls")
  contains "$calls" "install -y --no-install-recommends"
  contains "$calls" "policy 101"
  equals "" "$(grep '^policy' <<<"$calls" | grep -v 101 || :)"
  equals "$had_policy" "$(ls /usr/sbin/policy-rc.d 2>/dev/null || :)"
}

@test "without root and sudo it names the command to run" {
  ((EUID == 0)) || skip "starts as root to become somebody else"
  copy=$(mktemp -d)
  chmod 755 "$copy"
  cp -r "$root/scripts" "$copy/"
  mkdir "$copy/bin"
  for tool in bash dirname readlink apt-get sort cat; do ln -s "$(command -v "$tool")" "$copy/bin/"; done
  printf '#!/bin/sh\nexit 1\n' >"$copy/bin/dpkg-query"
  chmod 755 "$copy/bin/dpkg-query"
  run -1 setpriv --reuid=65534 --regid=65534 --clear-groups env PATH="$copy/bin" "$copy/scripts/deps" run
  rm -rf "$copy"
  contains "$output" "as root: apt-get install --no-install-recommends"
}

# without_provider: all packages are installed but those of backports and those unpacked aside (in a directory of this test
# alone: deps is the copy to be run); apt-get is real where it only tells.
without_provider() {
  cp -r "$root/scripts" "$BATS_TEST_TMPDIR/scripts"
  deps=$BATS_TEST_TMPDIR/scripts/deps
  sed -i "s|^readonly aside=.*|readonly aside=$BATS_TEST_TMPDIR/aside|" "$deps"
  stubs dpkg-deb "mkdir -p \"\$3/usr/share/doc/\$(basename \"\$2\" .deb | cut -d _ -f 1)\""
  stubs dpkg-query 'case $* in *pkcs11-provider*) exit 1 ;; *) printf installed ;; esac'
  stubs apt-get "[[ \$1 != indextargets ]] || exec $(command -v apt-get) \"\$@\"; ${1-}"
}

# sources: what this machine's apt reads and has read.
sources() { find /etc/apt /var/lib/apt/lists -type f -not -name lock | sort; }

@test "a package of backports comes alone, from lists of its own, and leaves no source behind" {
  ((EUID == 0)) || skip "needs root"
  [[ $(apt-get indextargets 'Codename: bookworm') ]] || skip "this machine's apt has no lists of Debian 12"
  without_provider 'for option; do [[ $option != Dir::Etc::sourcelist=* ]] || cat "${option#*=}" >>"$BATS_TEST_TMPDIR/list"; done
    [[ $* != *" download "* ]] || : >"${!#}_1_all.deb"'
  before=$(sources)
  TMPDIR=$BATS_TEST_TMPDIR run -0 "$deps" test
  contains "$output" "to be installed, with what they depend on: curl libcurl4 libtpm2-pkcs11-1 pkcs11-provider"
  equals 8 "$(grep -c Dir::Etc::sourceparts=/dev/null "$BATS_TEST_TMPDIR/calls")"
  equals 8 "$(grep -c "Dir::State::lists=$BATS_TEST_TMPDIR/.* -o Dir::Cache=$BATS_TEST_TMPDIR/" "$BATS_TEST_TMPDIR/calls")"
  equals 0 "$(grep -vcE 'indextargets|Dir::State::lists=' <(grep ^apt-get "$BATS_TEST_TMPDIR/calls"))"
  grep -q "install -y --no-install-recommends --no-upgrade --no-remove pkcs11-provider\$" "$BATS_TEST_TMPDIR/calls"
  equals 1 "$(grep -c " install " <(grep ^apt-get "$BATS_TEST_TMPDIR/calls"))"
  equals 6 "$(grep -cx "Suites: bookworm-backports" "$BATS_TEST_TMPDIR/list")"
  equals 2 "$(grep -cx "Suites: bookworm" "$BATS_TEST_TMPDIR/list")"
  equals 0 "$(grep -cvE '^(Types: deb|URIs: |Suites: bookworm(-backports)?$|Components: main|Signed-By:|[ \t])' "$BATS_TEST_TMPDIR/list")"
  equals "$before" "$(sources)"
  equals "" "$(find "$BATS_TEST_TMPDIR" -name debian.sources)"
  equals $'curl\nlibcurl4\nlibtpm2-pkcs11-1' "$(ls "$BATS_TEST_TMPDIR/aside/usr/share/doc")"
}

@test "what backports do not give is said, and is no failure" {
  ((EUID == 0)) || skip "needs root"
  without_provider 'echo "E: no such host"; exit 100'
  run -0 "$deps" test
  for package in pkcs11-provider curl libcurl4 libtpm2-pkcs11-1; do
    contains "$output" "$package cannot be had, and the tests that need it are skipped"
  done
  [[ ! -e $BATS_TEST_TMPDIR/aside ]]
  ! grep -q ' install ' "$BATS_TEST_TMPDIR/calls"
}

@test "a group that does not exist is refused with the names of those that do" {
  run -64 "$root/scripts/deps" nonsense
  contains "$output" "build run demo test fuzz"
}

# The real thing, on a bare Debian 12 in a directory. It downloads some hundred megabytes: only with SOAK=1.
@test "on a bare Debian, with ports 80 and 1883 taken, it installs all and starts and enables nothing" {
  [[ ${SOAK-} ]] || skip "only with SOAK=1"
  ((EUID == 0)) && command -v debootstrap || skip "needs root and debootstrap"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' | head -n 1)
  bare=$(mktemp -d)
  holders=()
  for port in 80 1883; do
    port_open "$port" || {
      openssl s_server -nocert -accept "$port" >/dev/null 2>&1 3>&- </dev/null &
      holders+=($!)
    }
  done
  debootstrap --variant=minbase bookworm "$bare" "$mirror" >"$BATS_TEST_TMPDIR/log"
  cp -r /etc/apt/sources.list.d /etc/apt/apt.conf.d "$bare/etc/apt/"
  cp -r "$root/scripts" "$bare/scripts"
  mount -t proc proc "$bare/proc"
  # A systemd is there, as on most machines: it is what enables services.
  chroot "$bare" apt-get -qq update
  chroot "$bare" env DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends \
    systemd-sysv >>"$BATS_TEST_TMPDIR/log" 2>&1
  before=$(listening; services; boot "$bare")

  chroot "$bare" /scripts/deps -y "${groups[@]}" && failed='' || failed=1
  after=$(listening; services; boot "$bare")
  rest=$(chroot "$bare" /scripts/deps -n "${groups[@]}")
  policy=$(ls "$bare/usr/sbin/policy-rc.d" 2>/dev/null || :)

  umount "$bare/proc"
  rm -rf --one-file-system "$bare"
  kill "${holders[@]}" || :
  equals "" "$failed"
  equals "$before" "$after"
  equals "" "$rest"
  equals "" "$policy"
}
