# SPDX-License-Identifier: ISC
# What the command line's tests share.  VALETKEY is the absolute path of the program under test,
# VALETKEY_BIN a directory that holds it and its links.

: "${VALETKEY:?set VALETKEY to the absolute path of the built valetkey}"
VALETKEY_BIN=${VALETKEY_BIN:-$(dirname "$VALETKEY")}

# A home of its own for each test, and nothing of ours in the environment.
vk_home() {
	local name

	T=$BATS_TEST_TMPDIR
	for name in $(compgen -e VALETKEY_) $(compgen -e GIT_) $(compgen -e XDG_); do
		[ "$name" = VALETKEY_BIN ] || unset "$name"
	done
	unset TF_CLI_CONFIG_FILE CARGO_HOME PIP_CONFIG_FILE UV_CONFIG_FILE GOENV CI GITHUB_ACTIONS GITHUB_TOKEN GITLAB_CI CI_JOB_TOKEN NPM_TOKEN NODE_AUTH_TOKEN
	export HOME=$T/home PATH=$VALETKEY_BIN:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	export VALETKEY_KEYSTORE=$T/keystore VALETKEY_KEY_FILE=$T/key LC_ALL=C
	mkdir -p "$HOME"
	cd "$T" || return
}

# An empty keystore that every call can open.
vk_keystore() {
	vk_home
	"$VALETKEY" init --key-file "$VALETKEY_KEY_FILE" >/dev/null
}

# vk_add URL USER SECRET [OPTION...]
vk_add() {
	local url=$1 user=$2 secret=$3

	shift 3
	printf %s "$secret" | "$VALETKEY" add "$url" --username "$user" "$@" >/dev/null
}

# split COMMAND...: run it; $out, $err, $status, and $err_lines, the number of lines in $err
split() {
	status=0
	"$@" >"$T/out" 2>"$T/err" || status=$?
	out=$(cat "$T/out"; printf x) && out=${out%x}
	err=$(cat "$T/err")
	err_lines=$(grep -c '' "$T/err" || true)
}

# keystore_sum: changes exactly when the keystore's bytes or inode do
keystore_sum() {
	sha256sum <"$VALETKEY_KEYSTORE"
	stat -c '%i %a' "$VALETKEY_KEYSTORE"
}

# await FILE: until it is there, 20 seconds at most; "$await" is the same for the scripts of commands
# shellcheck disable=SC2016 # for the shell of a command
await='await() { i=0; until [ -e "$1" ]; do i=$((i + 1)); if [ $i = 400 ]; then echo "$1 did not come" >&2; return 1; fi; sleep 0.05; done; };'
eval "$await"
