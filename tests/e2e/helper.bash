# SPDX-License-Identifier: MIT
# What the end-to-end tests share. A file that needs a signerd calls sandbox_up in setup_file and
# sandbox_down in teardown_file; its tests run clients by as_client, in $work, and may sign with $device.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0

root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
# shellcheck source=scripts/lib.bash
source "$root/scripts/lib.bash"
build=${SIGNERD_BUILD:-$root/build/release}
# shellcheck disable=SC2034
device="pkcs11:token=demo;object=device"
# What scripts/deps unpacks there is not installed (see its own "aside").
# shellcheck disable=SC2034
aside=/usr/local/lib/signerd-tests/usr

# sandbox_up [OPTION…]: a sandbox in $sandbox, a directory in $work, both the client's; exports what it prints.
sandbox_up() {
  export sandbox work home
  # Sockets have short addresses, so not in bats' own directory.
  home=$(mktemp -d)
  chmod 711 "$home"
  sandbox=$home/s work=$home/s/work
  sandbox_start "$@"
  as_client mkdir "$work"
  cd "$work" || return
}

# sandbox_start [OPTION…]: the daemon of $sandbox, again.
sandbox_start() {
  local lines
  lines=$("$root/scripts/sandbox" up "$sandbox" --build "$build/." "$@") || return
  eval "$lines"
}

sandbox_down() {
  [[ -n ${home-} ]] || return 0
  cd /
  "$root/scripts/sandbox" down "$sandbox"
  rm -rf "$home"
}

# token_up: the token of a test of our programs, and of its kinds the one that CTest asks for: signerd's, without a PIN
# or with one (SIGNERD_TEST_PIN=1), or SoftHSM's own, which always needs one (SIGNERD_TEST_TOKEN=softhsm). Sets pin, to
# be put behind a URI.
token_up() {
  export pin='' pin_file=''
  if [[ ${SIGNERD_TEST_PIN-} ]]; then
    pin_file=$(mktemp)
    echo 'right-pin 42' >"$pin_file"
  fi
  sandbox_up ${pin_file:+--client-pin-file "$pin_file"} ${SIGNERD_TEST_TOKEN:+--no-start}
  [[ ! ${SIGNERD_TEST_TOKEN-} ]] || softhsm_instead
  if [[ ${SIGNERD_PIN-} ]]; then
    as_client sh -c 'umask 077; cat >"$1"' sh "$work/pin" <<<"$SIGNERD_PIN"
    pin="?pin-source=$work/pin"
    export GNUTLS_PIN=$SIGNERD_PIN
  fi
}

token_down() {
  sandbox_down
  rm -f "${pin_file-}"
}

# softhsm_instead: in a sandbox whose daemon was not started, clients reach the token by SoftHSM itself.
softhsm_instead() {
  local path modules=$sandbox/config/pkcs11/modules
  for path in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do
    [[ ! -e $path ]] || SIGNERD_MODULE=$path
  done
  as_client rm "$modules/signerd.module"
  as_client tee "$modules/softhsm.module" <<<"module: $SIGNERD_MODULE" >/dev/null
  SIGNERD_PIN=$(<"$sandbox/pin")
  export SIGNERD_MODULE SIGNERD_PIN PKCS11_MODULE_PATH=$SIGNERD_MODULE SOFTHSM2_CONF=$sandbox/softhsm2.conf
}

# provider_conf FILE: an OpenSSL configuration that loads pkcs11-provider, over p11-kit's proxy: for one test, never for
# the machine.
# SoftHSM crashes where it is unloaded at the end of a program, hence no-deinit.
provider_conf() {
  cat >"$1" <<TEXT
openssl_conf = init
[init]
providers = providers
[providers]
default = default_sect
pkcs11 = pkcs11_sect
[default_sect]
activate = 1
[pkcs11_sect]
pkcs11-module-path = $(pkg-config --variable=proxy_module p11-kit-1)
${SIGNERD_TEST_TOKEN:+pkcs11-module-quirks = no-deinit}
activate = 1
TEXT
}

# provider PROGRAM: switches it on in this test of PROGRAM, or skips it. provider_conf has written $home/provider.cnf.
provider() {
  local modules
  modules=$(openssl version -m | sed 's/.*"\(.*\)"/\1/')
  [[ -e $modules/pkcs11.so ]] || skip "pkcs11-provider is not installed (bookworm-backports has it: scripts/deps test)"
  ! grep -q __asan_init "$1" || skip "the provider opens modules with RTLD_DEEPBIND, which sanitizers refuse"
  export OPENSSL_CONF=$home/provider.cnf
  run -0 as_client openssl list -providers
  contains "$output" "PKCS#11 Provider"
}

# as_client COMMAND…: as the user of the sandbox (a root's p11-kit reads no configuration of users).
# shellcheck disable=SC2086
as_client() { ${SIGNERD_AS-} "$@"; }

# start NAME COMMAND…: a client in the background; its output is $home/NAME.log, its pid $home/NAME.pid. The log is emptied
# here and not in the background: else who waits for a word in it could find that of the one before.
start() {
  local name=$1
  shift
  rm -f "$home/$name.log"
  : >"$home/$name.log"
  # shellcheck disable=SC2086
  (close_other_files; exec ${SIGNERD_AS-} "$@") >"$home/$name.log" 2>&1 </dev/null &
  echo $! >"$home/$name.pid"
}

# stop NAME: ends what start began. It was started by another process (bats), so there is no wait for it.
stop() {
  [[ -n ${home-} && -e $home/$1.pid ]] || return 0
  local pid
  pid=$(<"$home/$1.pid")
  kill "$pid" 2>/dev/null || :
  wait_for 5 process_gone "$pid" || kill -KILL "$pid"
  rm -f "$home/$1.pid"
}

process_gone() { ! process_start "$1"; }

# p11_login: the option with which p11tool logs in; where no PIN is needed it must not even ask for one.
p11_login() { [[ ! ${SIGNERD_PIN-} ]] || echo --login; }

# make_key LABEL ID: a P-256 key in the token; its public key is $work/LABEL.pub.
make_key() {
  # shellcheck disable=SC2046
  GNUTLS_PIN=${SIGNERD_PIN-} as_client p11tool --batch $(p11_login) --generate-privkey=ecc --curve=secp256r1 \
    "--label=$1" "--id=$2" "--outfile=$work/$1.pub" pkcs11:token=demo </dev/null
}

# make_rsa_key LABEL ID: so, too, of 2048 bits.
make_rsa_key() {
  # shellcheck disable=SC2046
  GNUTLS_PIN=${SIGNERD_PIN-} as_client p11tool --batch $(p11_login) --generate-privkey=rsa --bits=2048 \
    "--label=$1" "--id=$2" "--outfile=$work/$1.pub" pkcs11:token=demo </dev/null
}

# uri LABEL [ATTRIBUTE…]: of a key of the token, with the PIN where clients need one.
uri() {
  local IFS=\;
  echo "pkcs11:token=demo;object=$*${SIGNERD_PIN:+?pin-value=${SIGNERD_PIN// /%20}}"
}

# needs PROGRAM: skips the test of a program that is not installed.
needs() {
  PATH=$PATH:/usr/sbin command -v "$1" >/dev/null || skip "$1 is not installed (scripts/deps test)"
}

# certificate LABEL NAME: $work/LABEL.crt, of our CA, for NAME and localhost, of that key of the token.
certificate() {
  as_client openssl req -new -engine pkcs11 -keyform engine -key "$(uri "$1")" -subj "/CN=$2" \
    -addext subjectAltName=DNS:localhost -out "$work/$1.csr"
  certify "$1"
}

# store_certificate LABEL ID: $work/LABEL.crt into the token, beside its key.
store_certificate() {
  as_client openssl x509 -in "$work/$1.crt" -outform der -out "$work/$1.der"
  as_client pkcs11-tool --module "$SIGNERD_MODULE" --token-label demo ${SIGNERD_PIN:+--login --pin env:SIGNERD_PIN} \
    --write-object "$work/$1.der" --type cert --label "$1" --id "$2"
}

# write_key LABEL HEX ID: an AES key, of that value, in the token.
write_key() {
  # shellcheck disable=SC2059
  printf "$(sed 's/../\\x&/g' <<<"$2")" | as_client tee "$1.bin" >/dev/null
  as_client pkcs11-tool --module "$SIGNERD_MODULE" --token-label demo ${SIGNERD_PIN:+--login --pin env:SIGNERD_PIN} \
    --write-object "$1.bin" --type secrkey --key-type AES:32 --sensitive --label "$1" --id "$3"
}

# file MODE NAME: stdin, as a file of the client.
file() { as_client sh -c 'umask 077; cat >"$2" && chmod "$1" "$2"' sh "$1" "$work/$2"; }

# make_ca: a throw-away CA in $work, and a certificate "server" for localhost.
make_ca() {
  as_client openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=CA \
    -addext basicConstraints=critical,CA:TRUE -keyout "$work/ca.key" -out "$work/ca.crt"
  as_client openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$work/server.key" -out "$work/server.csr"
  certify server
}

# certify NAME: $work/NAME.crt for $work/NAME.csr.
certify() {
  as_client openssl x509 -req -in "$work/$1.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" -CAcreateserial \
    -days 2 -copy_extensions copy -out "$work/$1.crt"
}

# nginx_start: one that demands client certificates of our CA, and answers with version and name; sets port.
nginx_start() {
  export port
  port=$(free_port)
  as_client tee "$work/nginx.conf" >/dev/null <<TEXT
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path $work/body;
  proxy_temp_path $work/proxy;
  fastcgi_temp_path $work/fastcgi;
  uwsgi_temp_path $work/uwsgi;
  scgi_temp_path $work/scgi;
  server {
    listen 127.0.0.1:$port ssl;
    ssl_certificate $work/server.crt;
    ssl_certificate_key $work/server.key;
    ssl_client_certificate $work/ca.crt;
    ssl_verify_client on;
    ssl_protocols TLSv1.2 TLSv1.3;
    location / { return 200 "\$ssl_protocol \$ssl_client_s_dn\n"; }
  }
}
TEXT
  start nginx env PATH="$PATH:/usr/sbin" nginx -p "$work" -e stderr -c "$work/nginx.conf"
  wait_for 10 port_open "$port"
}

nginx_stop() { stop nginx; }

# https VERSION OPTION…: asks that nginx; prints the body and then the status.
https() {
  local version=$1
  shift
  as_client curl --silent --show-error --max-time 20 --noproxy '*' --cacert "$work/ca.crt" \
    "--tlsv$version" --tls-max "$version" --write-out '%{http_code}\n' "$@" "https://localhost:$port/"
}

# https_aside VERSION OPTION…: so, with the curl that scripts/deps has unpacked in $aside.
https_aside() {
  local as=${SIGNERD_AS-}
  SIGNERD_AS="$as env LD_LIBRARY_PATH=$(dirname "$aside"/lib/*/libcurl.so.4) PATH=$aside/bin:$PATH" https "$@"
}

# equals WANTED GOT and contains TEXT PART: say what differs.
equals() { [[ $1 == "$2" ]] || { printf 'wanted: %s\ngot:    %s\n' "$1" "$2"; return 1; }; }
contains() { [[ $1 == *"$2"* ]] || { printf 'not found: %s\nin:        %s\n' "$2" "$1"; return 1; }; }
