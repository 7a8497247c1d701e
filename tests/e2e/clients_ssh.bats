#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# OpenSSH with keys of the token: ssh-keygen, a real login to a sshd of our own, the agent, a signed file. CTest runs it
# without and with a PIN.
# shellcheck disable=SC2030,SC2031,SC2154
load helper

setup_file() {
  token_up
  make_key login 01
  make_rsa_key login-rsa 02
  # ssh asks for a PIN where there is a terminal, or by this program.
  file 700 askpass <<TEXT
#!/bin/sh
echo "\$1" >>$work/asked
echo '${SIGNERD_PIN-}'
TEXT
  export SSH_ASKPASS=$work/askpass SSH_ASKPASS_REQUIRE=force DISPLAY=none
  sshd_start
}

teardown_file() {
  stop sshd
  [[ ! ${made_run-} ]] || rmdir /run/sshd
  token_down
}

setup() {
  cd "$work" || return
  rm -f asked
}

teardown() { stop agent; }

# sshd_start: one on a free port of loopback, of whoever runs the tests, for that very user; all that a login
# does is to say who one is. Its one key is the token's. Sets ssh_port, and why_no_sshd where there cannot be one.
sshd_start() {
  export ssh_port why_no_sshd='' made_run=''
  [[ -x /usr/sbin/sshd ]] || { why_no_sshd="sshd is not installed (scripts/deps test)"; return 0; }
  ssh_port=$(free_port)
  as_client ssh-keygen -D "$SIGNERD_MODULE" 2>/dev/null | file 644 authorized_keys
  ssh-keygen -q -t ed25519 -N '' -f "$home/host_key"
  cat >"$home/sshd.conf" <<TEXT
ListenAddress 127.0.0.1
Port $ssh_port
HostKey $home/host_key
PidFile none
UsePAM no
StrictModes no
AuthorizedKeysFile $work/authorized_keys
AuthenticationMethods publickey
PermitRootLogin prohibit-password
ForceCommand echo "logged in as \$(id -un)"; cat "\$SSH_USER_AUTH"
ExposeAuthInfo yes
TEXT
  if ((EUID == 0)) && [[ ! -d /run/sshd ]]; then
    mkdir -m 755 /run/sshd
    made_run=1
  fi
  SIGNERD_AS='' start sshd /usr/sbin/sshd -D -e -f "$home/sshd.conf"
  wait_for 10 port_open "$ssh_port"
}

# log_in OPTION…
log_in() {
  [[ ! $why_no_sshd ]] || skip "$why_no_sshd"
  run as_client ssh -F none -o "UserKnownHostsFile=$work/known" -o StrictHostKeyChecking=accept-new -p "$ssh_port" \
    "$@" "$(id -un)@localhost"
  ! grep -q "not allowed because account is locked" "$home/sshd.log" || skip "the account $(id -un) is locked, says sshd"
}

# public TYPE: the line of authorized_keys of that key.
public() { grep "^$1 " "$work/authorized_keys" | cut -d ' ' -f 1,2; }

@test "ssh-keygen -D prints the public keys, with their labels" {
  run -0 --separate-stderr as_client ssh-keygen -D "$SIGNERD_MODULE"
  equals 2 "${#lines[@]}"
  for label in login login-rsa; do
    as_client openssl pkey -pubin -in $label.pub -out $label.pem
    contains "$output" "$(as_client ssh-keygen -i -m PKCS8 -f $label.pem) $label"
  done
}

@test "ssh logs in with an EC key and with an RSA key of the token" {
  for type in ecdsa-sha2-nistp256 ssh-rsa; do
    public $type | file 644 identity.pub
    log_in -I "$SIGNERD_MODULE" -o IdentitiesOnly=yes -o "IdentityFile=$work/identity.pub"
    equals 0 "$status"
    contains "$output" "logged in as $(id -un)"
    contains "$output" "publickey $(public $type)"
  done
}

@test "ssh without the token is refused" {
  log_in -o BatchMode=yes
  equals 255 "$status"
  contains "$output" "Permission denied"
}

@test "ssh-agent holds the keys: ssh-add, a login, a signed file; and not those of modules that it is not allowed" {
  start agent ssh-agent -D -a "$work/agent" -P "$SIGNERD_MODULE"
  wait_for 10 test -S agent
  export SSH_AUTH_SOCK=$work/agent
  as_client ssh-add -s "$SIGNERD_MODULE"
  run -0 as_client ssh-add -l
  contains "$output" "login (ECDSA)"
  contains "$output" "login-rsa (RSA)"
  for type in ecdsa-sha2-nistp256 ssh-rsa; do
    public $type | file 644 identity.pub
    as_client ssh-add -T identity.pub
    echo text | file 644 text
    as_client rm -f text.sig
    as_client ssh-keygen -Y sign -f identity.pub -n file text
    echo "me $(<identity.pub)" | file 644 signers
    run -0 as_client ssh-keygen -Y verify -f signers -I me -n file -s text.sig <text
    contains "$output" "Good \"file\" signature for me"
    run ! as_client ssh-keygen -Y verify -f signers -I me -n file -s text.sig <signers
    log_in -o IdentitiesOnly=yes -o "IdentityFile=$work/identity.pub"
    contains "$output" "publickey $(public $type)"
  done
  as_client ssh-add -e "$SIGNERD_MODULE"
  run -1 as_client ssh-add -l
  contains "$output" "no identities"
  stop agent

  start agent ssh-agent -D -a "$work/agent" -P /nowhere/*
  wait_for 10 test -S agent
  run -1 as_client ssh-add -s "$SIGNERD_MODULE"
}

@test "a PIN that is wrong lets nobody in" {
  [[ ${SIGNERD_PIN-} ]] || skip "needs SIGNERD_TEST_PIN=1"
  printf '#!/bin/sh\necho wrong-pin\n' | file 700 wrong
  SSH_ASKPASS=$work/wrong log_in -I "$SIGNERD_MODULE"
  equals 255 "$status"
  contains "$output" "Permission denied"
}
