# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the tests of "valetkey run" share: a home that another user can reach, and both rungs.

# Somebody without an entry in passwd, as in many a container.
run_uid=12321

# run_home [UID]: home, keystore and working directory for that user; $T, and $V, how that user runs valetkey.
run_home() {
	local uid=${1:-$(id -u)}

	vk_home
	T=$(mktemp -d "${TMPDIR:-/tmp}/valetkey-run.XXXXXX")
	chmod 755 "$T"
	export HOME=$T/home VALETKEY_KEYSTORE=$T/keystore VALETKEY_KEY_FILE=$T/key
	export GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0
	mkdir "$HOME" "$T/work" "$T/bin"
	cp "$VALETKEY" "$T/bin/valetkey"
	V=("$T/bin/valetkey")
	if [ "$uid" != "$(id -u)" ]; then
		[ "$(id -u)" = 0 ] || skip "needs root to become another user"
		chown -R "$uid:$uid" "$T"
		V=(setpriv --reuid "$uid" --regid "$uid" --clear-groups "$T/bin/valetkey")
	fi
	cd "$T/work" || return
	"${V[@]}" init --key-file "$VALETKEY_KEY_FILE" >/dev/null
}

# For teardown.
run_end() {
	cd / || return
	[ -z "${T-}" ] || rm -rf "$T"
}

# put SECRET URL [OPTION...]: a credential
put() {
	local secret=$1

	shift
	printf %s "$secret" | "${V[@]}" add "$@" >/dev/null 2>&1
}

# secret: one that is found nowhere by chance
secret() {
	od -An -N 16 -t x1 /dev/urandom | tr -d ' \n'
}

# on_rungs FUNCTION: with "R1" and then "R2", the options for it in $rung; R1 only where it can be had
on_rungs() {
	if "${V[@]}" run --require-rung R1 -- true 2>/dev/null; then
		rung=(--require-rung R1)
		"$1" R1
	elif [ "${CI-}" = true ]; then
		echo "R1 cannot be reached here"
		return 1
	fi
	rung=(--max-rung R2)
	"$1" R2
}

# as_both FUNCTION ARGUMENT...: as ourselves and as another user
as_both() {
	run_home
	"$@"
	[ "$(id -u)" = 0 ] || return 0
	run_end
	run_home "$run_uid"
	"$@"
}

# as_one FUNCTION ARGUMENT...: as another user where that can be; as both every night
as_one() {
	if [ -n "${VK_NIGHTLY-}" ] || [ "$(id -u)" != 0 ]; then
		as_both "$@"
	else
		run_home "$run_uid"
		"$@"
	fi
}

# refute COMMAND...: it must fail.  (A "!" before a command does not stop a test.)
refute() {
	if "$@"; then
		echo "did not fail: $*"
		return 1
	fi
}

# For the scripts that a command runs: the first failure ends them, and "not" is refute.
# shellcheck disable=SC2034
checks='set -e; not() { if "$@" 2>/dev/null; then echo "did not fail: $*" >&2; exit 1; fi; };'
