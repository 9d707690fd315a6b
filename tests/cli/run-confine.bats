#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What the command of a run does not see, and a run within a run.
# shellcheck disable=SC2016,SC2154  # the scripts are the command's; rung comes from on_rungs

load lib
load run-lib

setup_file() {
	cc -o "$BATS_FILE_TMPDIR/keyring" "$BATS_TEST_DIRNAME/keyring.c"
}

teardown() {
	# A session in the user's keyring outlives a test that failed.
	[ -z "${V-}" ] || "${V[@]}" lock >/dev/null 2>&1 || true
	run_end
}

r1() {
	"${V[@]}" run --require-rung R1 "$@"
}

need_r1() {
	r1 -- true 2>/dev/null || { [ "${CI-}" = true ] && return 1 || skip "R1 cannot be reached here"; }
}

# own TEXT FILE...: files of the user with that text
own() {
	local text=$1 f

	shift
	for f; do
		mkdir -p "$(dirname "$f")"
		echo "$text" >"$f"
	done
	[ "$(id -u)" != 0 ] || chown -R --reference="$T/work" "$HOME"
}

@test "keystore, keys and credential files are empty for the command, and as they were outside" {
	as_both hidden
}

hidden() {
	need_r1
	files=("$HOME/.netrc" "$HOME/.git-credentials" "$HOME/.pypirc" "$HOME/.config/gh/hosts.yml" "$HOME/.config/git/credentials")
	own mine "${files[@]}"
	before=$(cat "$VALETKEY_KEYSTORE" "$VALETKEY_KEY_FILE" "${files[@]}" | sha256sum)
	r1 -- sh -c "$checks"'for f; do test -e "$f"; test -z "$(cat "$f" 2>/dev/null)"; done' sh \
		"$VALETKEY_KEYSTORE" "$VALETKEY_KEY_FILE" "${files[@]}"
	r1 --no-confine -- sh -c "$checks"'for f; do test -s "$f"; done' sh "$VALETKEY_KEYSTORE" "$VALETKEY_KEY_FILE" "${files[@]}"
	r1 --keep-own-credentials -- sh -c "$checks"'test -z "$(cat "$1" 2>/dev/null)"; shift; for f; do grep -q mine "$f"; done' sh \
		"$VALETKEY_KEY_FILE" "${files[@]}"
	[ "$before" = "$(cat "$VALETKEY_KEYSTORE" "$VALETKEY_KEY_FILE" "${files[@]}" | sha256sum)" ]
}

@test "what a recipe places is not hidden" {
	as_both placed
}

placed() {
	need_r1
	own 'machine other.example login me password mine' "$HOME/.netrc"
	token=$(secret)
	put "$token" https://host.example --username u
	r1 --with netrc -- sh -c "$checks"'grep -q "$1" ~/.netrc; not grep -q mine ~/.netrc' sh "$token"
}

@test "a file that a reference names is hidden" {
	as_both referenced
}

referenced() {
	need_r1
	own hush "$HOME/token"
	r1 --env "TOKEN=file:$HOME/token" -- sh -c "$checks"'test "$TOKEN" = hush; test -z "$(cat ~/token 2>/dev/null)"'
	printf '[a]\nurl = https://a.example\nkind = bearer\nsecret = file:%s\n' "$HOME/token" >"$T/config"
	chmod 644 "$T/config"
	VALETKEY_CONFIG=$T/config r1 -- sh -c "$checks"'test -z "$(cat ~/token 2>/dev/null)"'
}

@test "sessions that are files are hidden" {
	# Nobody else's, whose sessions would be there.
	uid=12399
	run_home "$uid"
	need_r1
	place=/dev/shm/valetkey-$uid
	mkdir "$place"
	echo mine >"$place/session"
	chown -R "$uid" "$place"
	split r1 -- sh -c "$checks"'not cat "$1"/session; not ls -A "$1"/' sh "$place"
	rm -r "$place"
	[ "$status" = 0 ] || { echo "$err"; return 1; }
}

@test "through a symbolic link, what it leads to is hidden" {
	run_home
	need_r1
	own mine "$T/real"
	ln -s "$T/real" "$HOME/.netrc"
	r1 -- sh -c "$checks"'test -z "$(cat ~/.netrc "$1" 2>/dev/null)"' sh "$T/real"
}

@test "sockets of D-Bus, the keyring and gpg-agent lead nowhere" {
	as_both sockets
}

sockets() {
	need_r1
	run=$(mktemp -d "$T/work/run.XXXXXX")
	mkdir "$run/gnupg" "$run/keyring"
	python3 - "$run" <<-'END' &
		import socket, sys, time
		ears = [socket.socket(socket.AF_UNIX) for _ in range(4)]
		for s, name in zip(ears, ("bus", "elsewhere", "gnupg/S.gpg-agent", "keyring/control")):
		    s.bind(f"{sys.argv[1]}/{name}")
		    s.listen()
		time.sleep(60)
	END
	ears=$!
	until [ -S "$run/keyring/control" ]; do sleep 0.02; done
	[ "$(id -u)" != 0 ] || chown -R --reference="$T/work" "$run"
	try='import socket, sys
for name in ("bus", "elsewhere", "gnupg/S.gpg-agent", "keyring/control"):
    try:
        socket.socket(socket.AF_UNIX).connect(f"{sys.argv[1]}/{name}")
        print("in", end="")
    except OSError:
        print("out", end="")'
	# A bus may be anywhere, and more than its path be said of it.
	export DBUS_SESSION_BUS_ADDRESS=unix:path=$run/elsewhere,guid=0123456789abcdef
	XDG_RUNTIME_DIR=$run r1 -- python3 -c "$try" "$run" >"$T/out"
	XDG_RUNTIME_DIR=$run r1 --no-confine -- python3 -c "$try" "$run" >"$T/open"
	kill "$ears"
	[[ $(<"$T/out") == outoutoutout && $(<"$T/open") == inininin ]] || { cat "$T/out" "$T/open" >&2; return 1; }
}

@test "a session of --scope user is out of the command's reach, on both rungs" {
	run_home
	"$BATS_FILE_TMPDIR/keyring" new true || skip "no key calls here"
	on_rungs user_session
}

# Straight to the kernel, by every number that these calls have.
user_session() {
	"${V[@]}" unlock --scope user >/dev/null 2>&1
	try='import ctypes, platform, sys
call = ctypes.CDLL(None, use_errno=True).syscall
base = {"x86_64": 248, "aarch64": 217}[platform.machine()]
numbers = [base + 2] + ([0x40000000 + base + 2] if base == 248 else [])
for n in numbers:
    print("got" if call(n, 0, -4, 0) > 0 or ctypes.get_errno() != 38 else "none", end="")
print("", call(39 if base == 248 else 172) > 0)'
	"${V[@]}" run "${rung[@]}" -- python3 -c "$try" >"$T/out"
	[[ $(<"$T/out") =~ ^(none)+\ True$ ]] || { cat "$T/out" >&2; return 1; }
	# by the gate of 32-bit programs, where the kernel has that
	if [ "$(uname -m)" = x86_64 ]; then
		cat >"$T/old.c" <<-'END'
			#include <stdio.h>
			int main(void) {
				long r = 288; /* keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING) */
				__asm__ volatile("int $0x80" : "+a"(r) : "b"(0L), "c"(-4L), "d"(0L) : "memory", "r8", "r9", "r10", "r11");
				puts((int)r == -38 ? "none" : "got");
			}
		END
		cc -o "$T/old" "$T/old.c"
		if [ "$("$T/old")" = got ]; then
			[ "$("${V[@]}" run "${rung[@]}" -- "$T/old")" = none ]
			[ "$("${V[@]}" run "${rung[@]}" --no-confine -- "$T/old")" = got ]
		fi
	fi
	"${V[@]}" run "${rung[@]}" --no-confine -- python3 -c "$try" >"$T/out"
	[[ $(<"$T/out") == got* ]] || { cat "$T/out" >&2; return 1; }
	"${V[@]}" lock >/dev/null 2>&1
	"${V[@]}" run "${rung[@]}" -- python3 -c "$try" >"$T/out"
	[[ $(<"$T/out") == got* ]] || { cat "$T/out" >&2; return 1; }
}

@test "a run within a run has the files of the outer one, also where its keystore is in its usual place" {
	as_both on_rungs within
}

within() {
	token=$(secret)
	unset VALETKEY_KEYSTORE
	[ -e "$HOME/.local" ] || "${V[@]}" init --key-file "$VALETKEY_KEY_FILE" >/dev/null
	put "$token" https://npm.example --scope @corp --kind bearer --username '' --name corp
	v=$T/bin/valetkey
	"${V[@]}" run "${rung[@]}" -- "$v" run "${rung[@]}" -- sh -c 'grep -q "$1" "$NPM_CONFIG_USERCONFIG"; exit 7' sh "$token" || status=$?
	[ "$status" = 7 ]
	status=0
	"${V[@]}" run "${rung[@]}" -- "$v" run --credential corp -- true 2>"$T/err" || status=$?
	[ "$status" = 125 ]
	"${V[@]}" remove corp >/dev/null
	export VALETKEY_KEYSTORE=$T/keystore
}

@test "a run within a run: --require-rung, a command that is not there, and a key of its own" {
	run_home
	v=$T/bin/valetkey
	status=0
	"${V[@]}" run --max-rung R2 -- "$v" run --require-rung R1 -- true 2>"$T/err" || status=$?
	[[ $status -eq 125 && $(<"$T/err") == *"the run around this one has R2"* ]]
	status=0
	"${V[@]}" run -- "$v" run -- no-such-command 2>"$T/err" || status=$?
	[ "$status" -eq 127 ]
	token=$(secret)
	put "$token" https://npm.example --scope @corp --kind bearer --username ''
	"${V[@]}" run --no-confine -- env VALETKEY_KEYSTORE="$VALETKEY_KEYSTORE" VALETKEY_KEY_FILE="$VALETKEY_KEY_FILE" \
		"$v" run -- sh -c 'grep -q "$1" "$NPM_CONFIG_USERCONFIG"' sh "$token"
}
