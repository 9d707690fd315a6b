# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the tests of "valetkey login" share: its servers, and a person who agrees.

# shellcheck source=tests/cli/lib.bash
source "$BATS_TEST_DIRNAME/../cli/lib.bash"

# The certified implementation of OpenID Connect for node.
ISSUER_VERSION=8.8.1

login_servers() {
	E=$BATS_FILE_TMPDIR
	export E
	local modules=${VK_CACHE:-$E}/oidc-provider-$ISSUER_VERSION

	if [ ! -e "$modules/installed" ]; then
		mkdir -p "$modules" && echo '{"private": true}' >"$modules/package.json" || return 1
		(cd "$modules" && npm install --ignore-scripts --no-audit --no-fund --no-progress --loglevel=error "oidc-provider@$ISSUER_VERSION") \
			>"$modules/npm.log" 2>&1 || {
			tail -n 10 "$modules/npm.log" >&2
			return 1
		}
		touch "$modules/installed"
	fi
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$E/tls.key" -out "$E/tls.pem" -days 2 \
		-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null || return 1
	echo 3600 >"$E/issuer.log.ttl"
	NODE_NO_WARNINGS=1 node "$BATS_TEST_DIRNAME/issuer.mjs" "$modules" "$E/issuer.port" "$E/tls.pem" "$E/tls.key" "$E/issuer.log" >"$E/issuer.out" 2>&1 3>&- &
	PIDS=$!
	await "$E/issuer.port" || return 1
	ISSUER=https://127.0.0.1:$(cat "$E/issuer.port")
	export ISSUER
	login_forge
}

# The fake one alone.
login_forge() {
	E=$BATS_FILE_TMPDIR
	mkdir "$E/forge"
	"$BATS_TEST_DIRNAME/fake-forge.py" "$E/forge" "$E/forge.port" 3>&- &
	PIDS="${PIDS-} $!"
	await "$E/forge.port" || return 1
	FORGE=http://127.0.0.1:$(cat "$E/forge.port")
	export E PIDS FORGE
}

login_servers_end() {
	# shellcheck disable=SC2086
	kill $PIDS 2>/dev/null || true
}

login_home() {
	vk_keystore
	unset SSL_CERT_FILE SSL_CERT_DIR
	export CURL_CA_BUNDLE=$E/tls.pem
	printf '[credential]\n\thelper = valetkey\n' >"$HOME/.gitconfig"
}

# agree NAME [deny]: the person does what $T/NAME.err, the output of a login, says
agree() {
	local page code

	for _ in $(seq 200); do
		grep -q waiting "$T/$1.err" 2>/dev/null && break
		sleep 0.05
	done
	page=$(sed -n 's/^valetkey: open \([^ ]*\) and enter the code .*/\1/p' "$T/$1.err")
	code=$(sed -n 's/.*and enter the code //p' "$T/$1.err")
	"$BATS_TEST_DIRNAME/agree.py" "$E/tls.pem" "$page" "$code" "${@:2}"
}

# forge CASE FILE TEXT: what the fake server answers from here on
forge() {
	mkdir -p "$E/forge/$1"
	printf '%s\n' "$3" >"$E/forge/$1/$2.new"
	mv "$E/forge/$1/$2.new" "$E/forge/$1/$2"
}

# forge_device CASE [INTERVAL]: a usual beginning
forge_device() {
	forge "$1" device "200 application/json; charset=utf-8
{\"device_code\": \"d3vic3-$1\", \"user_code\": \"WDJB-MJHT\", \"verification_uri\": \"https://forge.example/login/device\", \"expires_in\": 900, \"interval\": ${2:-1}}"
}

# forge_token CASE FILE ACCESS REFRESH [EXPIRES_IN]
forge_token() {
	forge "$1" "$2" "200 application/json; charset=utf-8
{\"access_token\": \"$3\", \"token_type\": \"bearer\", \"scope\": \"repo\", \"refresh_token\": \"$4\", \"expires_in\": ${5:-28800}}"
}

# forge_login CASE HOST [OPTION...]
forge_login() {
	"$VALETKEY" login "$2" --issuer "$FORGE/$1" --forge github --client-id Iv1.0123 "${@:3}"
}

# due CASE LIFE: an entry CASE.example that is good for LIFE seconds, less than what is enough
due() {
	forge_device "$1"
	forge_token "$1" token "old-$1" "ref-$1" "$2"
	forge_login "$1" "$1.example" >/dev/null 2>&1
	rm -f "$E/forge/$1/log"
}

# asked CASE END: how many requests for a path that ends so
asked() {
	grep -c " [^ ]*/$2 " "$E/forge/$1/log" 2>/dev/null || [ -e "$E/forge/$1/log" ] || echo 0
}

# get HOST
get() {
	"$VALETKEY" get "https://$1"
}
