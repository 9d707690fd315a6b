# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the tests of clouds share: moto's server, the stand-ins of tests/servers, and a config of one section.

# moto_install: $MOTO/bin with moto's server and botocore, whose signer checks ours
moto_install() {
	MOTO=${VK_CACHE:-$BATS_FILE_TMPDIR}/moto-5.2.5
	export MOTO
	[ ! -e "$MOTO/installed" ] || return 0
	rm -rf "$MOTO"
	python3 -m venv "$MOTO" || return 1
	"$MOTO/bin/pip" install -q --disable-pip-version-check 'moto[server,secretsmanager]==5.2.5' >"$BATS_FILE_TMPDIR/pip.log" 2>&1 || {
		tail -n 10 "$BATS_FILE_TMPDIR/pip.log" >&2
		return 1
	}
	touch "$MOTO/installed"
}

# background COMMAND...: until cloud_end
background() {
	"$@" >>"$F/servers.out" 2>&1 3>&- </dev/null &
	echo $! >>"$F/pids"
}

cloud_begin() {
	F=$BATS_FILE_TMPDIR/servers
	export F
	mkdir -p "$F"
	moto_install || return
	openssl genrsa -traditional -out "$F/app.pem" 2048 2>"$F/openssl.log"
	openssl genrsa -out "$F/issuer.pem" 2048 2>>"$F/openssl.log"
	openssl genrsa -out "$F/account.pem" 2048 2>>"$F/openssl.log"
	for name in app issuer account; do
		openssl pkey -in "$F/$name.pem" -pubout -out "$F/$name.pub"
	done
	for name in aws gcp azure github; do
		background "$MOTO/bin/python" "$VK_SRC/tests/servers/fake-$name" "$F"
	done
	for name in aws gcp azure github; do
		await "$F/$name.port"
	done
}

cloud_end() {
	[ ! -f "$F/pids" ] || while read -r pid; do
		kill "$pid" 2>/dev/null || true
	done <"$F/pids"
}

# at NAME: the URL of a stand-in
at() {
	echo "http://127.0.0.1:$(cat "$F/$1.port")"
}

# No variables of a cloud's, and what the stand-ins were told is over.
cloud_home() {
	local name

	vk_keystore
	for name in $(compgen -e | grep -iE '^(AWS|GOOGLE|GCE|CLOUDSDK|AZURE|IDENTITY|ACTIONS|GITHUB|https?_proxy|all_proxy|no_proxy)'); do
		unset "$name"
	done
	rm -f "$F"/*.fault "$F"/*.log
	export VALETKEY_CONFIG=$HOME/config.ini
}

# config REFERENCE [LINE...]: a section that it answers, and further lines
config() {
	printf '[corp]\nurl = https://git.example/team\nusername = me\nsecret = %s\n' "$1" >"$VALETKEY_CONFIG"
	shift
	[ $# = 0 ] || printf '%s\n' "$@" >>"$VALETKEY_CONFIG"
	chmod 600 "$VALETKEY_CONFIG"
}

# gives SECRET, and not a word beside it
gives() {
	split "$VALETKEY" get https://git.example/team --field secret
	echo "status $status, out $out, err $err"
	[ "$status" = 0 ]
	[ "${out%$'\n'}" = "$1" ]
	[ -z "$err" ]
	! grep -h ^BAD "$F"/*.log
}

# fails STATUS PATTERN: with nothing on standard output, and with none of what is secret in these tests
fails() {
	split "$VALETKEY" get https://git.example/team --field secret
	echo "status $status, out $out, err $err"
	[ "$status" = "$1" ]
	[ -z "$out" ]
	# shellcheck disable=SC2053 # a pattern: "40?"
	[[ $err == *$2* ]]
	! grep -E 'eyJ|ya29|ghs_|secret.of|token-of|session-of' <<<"$err"
}

# identity AUDIENCE [SECONDS]: a token of the issuer that ends in so long
identity() {
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$VK_SRC/tests/servers python3 -c '
import sys, time, fakes
pem, audience, life = sys.argv[1:]
print(fakes.issue(pem, {"aud": audience, "sub": "me", "iat": int(time.time()) - 20, "exp": int(time.time()) + int(life)}), end="")' \
		"$F/issuer.pem" "$1" "${2:-300}"
}

# github_job: the variables of a job with the permission id-token: write
github_job() {
	ACTIONS_ID_TOKEN_REQUEST_URL="$(at github)/identity?run=7"
	ACTIONS_ID_TOKEN_REQUEST_TOKEN=token-of-the-job
	export ACTIONS_ID_TOKEN_REQUEST_URL ACTIONS_ID_TOKEN_REQUEST_TOKEN
}

asked() {
	cat "$F/$1.log"
}
