# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the end-to-end tests share: servers that demand credentials, users, and the search for what was left.

# shellcheck source=tests/cli/lib.bash
source "$BATS_TEST_DIRNAME/../cli/lib.bash"
e2e_src=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
registry_d=$e2e_src/packaging/quickstart.d
# shellcheck source=packaging/quickstart.d/tls.sh
source "$registry_d/tls.sh"
# shellcheck source=packaging/quickstart.d/registry.sh
source "$registry_d/registry.sh"

# Programs that live where vk_home's PATH does not look.
e2e_path=$PATH
# Somebody who is not root and has no entry in passwd, as in many a container.
e2e_uid=12321

# e2e_begin: for setup_file.  $E is this file's directory; other users can pass through it.
e2e_begin() {
	E=$(mktemp -d "${TMPDIR:-/tmp}/valetkey-e2e.XXXXXX")
	chmod 755 "$E"
	mkdir "$E/tls"
	tls_make "$E/tls" "${1-}"
	touch "$E/began"
	E2E_PIDS=
	export E E2E_PIDS
}

e2e_end() {
	local pid

	for pid in $E2E_PIDS; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	[ -z "${E-}" ] || rm -rf "$E"
}

# e2e_random: a secret that is found nowhere by chance
e2e_random() {
	od -An -N 20 -t x1 /dev/urandom | tr -d ' \n'
}

e2e_wait_for() { # e2e_wait_for FILE
	local i

	for i in $(seq 100); do
		[ -s "$1" ] && return 0
		sleep 0.1
	done
	echo "$1 did not appear ($i tries)" >&2
	return 1
}

# e2e_git_server: reads accounts ("PREFIX USER TOKEN" lines); $REPOS, repositories in $E/repos, requests in $E/git.log
e2e_git_server() {
	mkdir -p "$E/repos"
	"$registry_d/git-server.py" --root "$E/repos" --ready "$E/git.port" --cert "$E/tls/cert.pem" --key "$E/tls/key.pem" \
		--log "$E/git.log" <&0 3>&- &
	E2E_PIDS="$E2E_PIDS $!"
	e2e_wait_for "$E/git.port"
	REPOS=https://127.0.0.1:$(cat "$E/git.port")
	export REPOS
}

# e2e_registry: $REGISTRY and $NPM_SECRET, the token of its user
e2e_registry() {
	local program=${VK_CACHE:-$E}/verdaccio

	registry_install "$program"
	registry_start "$E/registry" "$program" "$E/tls" 3>&-
	E2E_PIDS="$E2E_PIDS $registry_pid"
	REGISTRY=$registry_url
	NPM_SECRET=$(e2e_random | registry_user "$E/tls" dev)
	export REGISTRY NPM_SECRET
}

# e2e_greeting: in that registry a package whose install script reports all it can read; in $E/project, who needs it
e2e_greeting() {
	mkdir "$E/package" "$E/project"
	cp "$BATS_TEST_DIRNAME/report.js" "$E/package/"
	cat >"$E/package/package.json" <<-'J'
		{"name": "@corp/greeting", "version": "1.0.0", "main": "report.js", "scripts": {"install": "node report.js"}}
	J
	printf %s "$NPM_SECRET" | "$registry_d/publish.py" --ca "$E/tls/ca.pem" --registry "$REGISTRY" \
		--package "$E/package" --project "$E/project"
}

# e2e_home [UID]: a home, a keystore and a working directory for one test, for that user
e2e_home() {
	local uid=${1-0} name

	[ "$uid" = 0 ] || [ "$(id -u)" = 0 ] || skip "needs root to become another user"
	vk_home
	# How this machine reaches its own registry is not what the test is about.
	for name in $(compgen -e | grep -iE '^(npm_config_|node_)'); do
		unset "$name"
	done
	T=$(mktemp -d "$E/test.XXXXXX")
	export HOME=$T/home VALETKEY_KEYSTORE=$T/keystore VALETKEY_KEY_FILE=$T/key
	export GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 GIT_SSL_CAINFO=$E/tls/ca.pem
	export NPM_CONFIG_CAFILE=$E/tls/ca.pem NPM_CONFIG_UPDATE_NOTIFIER=false NPM_CONFIG_FUND=false NPM_CONFIG_AUDIT=false
	export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 TMPDIR=$T/tmp
	mkdir "$HOME" "$T/work" "$T/tmp"
	chmod 755 "$T"
	[ "$uid" = 0 ] || chown -R "$uid:$uid" "$T"
	as=()
	[ "$uid" = 0 ] || as=(setpriv --reuid "$uid" --regid "$uid" --clear-groups)
	cd "$T/work" || return
	"${as[@]}" "$VALETKEY" init --key-file "$VALETKEY_KEY_FILE" >/dev/null
}

# e2e_add SECRET URL [OPTION...]: as the user of this test
e2e_add() {
	local secret=$1

	shift
	printf %s "$secret" | "${as[@]}" "$VALETKEY" add "$@" >/dev/null
}

# e2e_nothing_left SECRET...: in whatever was written since this file's tests began
e2e_nothing_left() {
	printf '%s\n' "$@" | "$registry_d/search.py" --newer "$E/began" "$T" /tmp /var/tmp /dev/shm /run
}
