#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What lies in a file of a run follows its source while the command runs.
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; rung comes from on_rungs

bats_require_minimum_version 1.5.0
load lib
load run-lib

setup() {
	reader=$BATS_TEST_DIRNAME/refresh-read.py
	run_home
}

teardown() {
	run_end
}

# token N: a secret that no other is a part of; they differ in length
token() {
	printf 'token-%s-' "$1"
	head -c $((12 + 9 * $1)) /dev/zero | tr '\0' "$1"
}

# source_is N: the file that the config refers to has another secret, all at once and as if for long
source_is() {
	token "$1" >"$T/source.new"
	touch -d '1 hour ago' "$T/source.new"
	chown --reference="$T/home" "$T/source.new"
	mv "$T/source.new" "$T/source"
}

# from_file: a config with a credential for npm, from a file
from_file() {
	printf '[corp]\nurl = https://npm.example\nkind = bearer\nscope = @corp\nsecret = file:%s/source\n' "$T" >"$T/config.ini"
	chown --reference="$T/home" "$T/config.ini"
	chmod 600 "$T/config.ini"
	export VALETKEY_CONFIG=$T/config.ini
	source_is 0
}

# until_true COMMAND...: within 20 seconds
until_true() {
	for _ in $(seq 400); do
		! "$@" || return 0
		sleep 0.05
	done
	echo "never: $*"
	return 1
}

# renewed LAST CHANGE OPTION...: the command reads its file all the while, and CHANGE N makes the next secret
renewed() {
	local last=$1 change=$2

	shift 2
	rm -f seen-*
	for i in $(seq 0 "$last"); do
		token "$i"
		echo
	done >secrets
	timeout 100 "${V[@]}" run "$@" -- python3 -c 'import os, sys
os.execvp("python3", ["python3", sys.argv[1], "secrets", os.environ["NPM_CONFIG_USERCONFIG"], *sys.argv[2:]])' "$reader" \
		${usual:+"$usual"} 2>said 3>&- &
	for i in $(seq 0 "$last"); do
		until_true [ -e "seen-$i" ] || { cat said; return 1; }
		[ "$i" = "$last" ] || "$change" $((i + 1))
	done
	wait $! || { cat said; return 1; }
	if grep -v ': left out of ' said; then return 1; fi
}

@test "R1 and R2: each read is the old text or the new one, whole; the user's own settings stay" {
	as_both on_rungs whole
}

whole() {
	printf 'fund=false\n//other.example/:_authToken=kept-out\nloglevel=warn\n' >"$HOME/.npmrc"
	from_file
	usual=
	[ "$1" != R1 ] || usual=$HOME/.npmrc
	renewed 3 source_is "${rung[@]}" --with npm
	[ "$(grep -c . "$HOME/.npmrc")" = 3 ]
}

@test "R3: the same by a rename" {
	as_one on_r3
}

on_r3() {
	echo fund=false >"$HOME/.npmrc"
	from_file
	usual=
	renewed 3 source_is --rung R3 --with npm
}

@test "before Linux 6.5 the new one is bound above the old one" {
	as_one on_old_kernel
}

# move_mount(2) is number 429 everywhere.
on_old_kernel() {
	echo fund=false >"$HOME/.npmrc"
	from_file
	usual=$HOME/.npmrc
	V=(python3 -c 'import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
code = b"".join(struct.pack("HBBI", *i) for i in ((0x20, 0, 0, 0), (0x15, 0, 1, 429), (0x06, 0, 0, 0x50026), (0x06, 0, 0, 0x7fff0000)))
keep = ctypes.create_string_buffer(code)
prog = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(keep))
libc.prctl(38, 1, 0, 0, 0)
assert libc.prctl(22, 2, prog, 0, 0) == 0
os.execvp(sys.argv[1], sys.argv[1:])' "${V[@]}")
	"${V[@]}" run --require-rung R1 -- true || { [ "${CI-}" = true ] && return 1 || skip "R1 cannot be reached here"; }
	renewed 3 source_is --rung R1 --with npm
}

@test "behind the gate, for the command's own process and for all" {
	as_one on_rungs gated
}

gated() {
	echo fund=false >"$HOME/.npmrc"
	from_file
	usual=$HOME/.npmrc
	renewed 2 source_is "${rung[@]}" --gate own --with npm
	source_is 0
	renewed 2 source_is "${rung[@]}" --gate all --with npm
}

entry_is() {
	token "$1" | "${V[@]}" add https://npm.example --scope @corp --kind bearer --username "" --name corp --replace >/dev/null
}

@test "an entry of the keystore that is replaced" {
	as_one on_rungs stored
}

stored() {
	put "$(token 0)" https://npm.example --scope @corp --kind bearer --username '' --name corp
	usual=
	renewed 2 entry_is "${rung[@]}" --with npm
	"${V[@]}" remove corp >/dev/null
}

@test "build secrets: a recipe, a reference, a credential" {
	from_file
	printf '[web]\nurl = https://web.example\nusername = u\nsecret = file:%s/source\n' "$T" >>"$VALETKEY_CONFIG"
	built() {
		timeout 60 "${V[@]}" run "${rung[@]}" --build-secret npmrc --build-secret netrc --build-secret corp --build-secret "x=file:$T/source" \
			--build-secret e=env:HOME -- sh -c 'touch started; for a; do f=${a##*src=}; case $a in *=e,*) ;; *) [ "$f" = "$a" ] || until grep -q token-1 "$f"; do sleep 0.05; done ;; esac; done; touch seen' sh '{secrets}' 3>&- &
		until_true [ -e started ]
		source_is 1
		wait $!
		[ -e seen ]
		rm started seen
		source_is 0
	}
	on_rungs built
}

@test "netrc, with the user's own machines as they were at the start" {
	printf 'machine own.example login me password mine\n' >"$HOME/.netrc"
	printf '[web]\nurl = https://web.example\nusername = u\nsecret = file:%s/source\n' "$T" >"$T/config.ini"
	chmod 600 "$T/config.ini"
	export VALETKEY_CONFIG=$T/config.ini
	source_is 0
	usual=
	netrc() {
		timeout 60 "${V[@]}" run "${rung[@]}" --with netrc --keep-own-credentials -- sh -c "$checks"'
			touch started
			until grep -q token-1 "$NETRC"; do sleep 0.05; done
			grep -q "^machine own.example login me password mine" "$NETRC"
			not grep -q gone "$NETRC"' 3>&- &
		until_true [ -e started ]
		echo 'machine gone.example login x password y' >>"$HOME/.netrc"
		source_is 1
		wait $!
		sed -i /gone/d "$HOME/.netrc"
		rm started
		source_is 0
	}
	on_rungs netrc
}

@test "a template, as it was at the start" {
	from_file
	echo 'first ${valetkey:corp} end' >t.in
	template() {
		timeout 60 "${V[@]}" run "${rung[@]}" --template "CONF=t.in" -- sh -c "$checks"'
			touch started
			until grep -q token-1 "$CONF"; do sleep 0.05; done
			grep -q "^first token-1-1* end" "$CONF"' 3>&- &
		until_true [ -e started ]
		echo other >t.in
		source_is 1
		wait $!
		echo 'first ${valetkey:corp} end' >t.in
		rm started
		source_is 0
	}
	on_rungs template
}

@test "half a token is not taken for one: who still writes is waited for" {
	from_file
	whole=$(token 1)
	timeout 60 "${V[@]}" run --with npm -- sh -c 'touch started; while text=$(grep -m 1 -o "token-.*" "$NPM_CONFIG_USERCONFIG"); do
		case $text in token-0-*) ;; "$1") exit 0 ;; *) echo "$text"; exit 1 ;; esac; done; exit 1' sh "$whole" 3>&- &
	until_true [ -e started ]
	: >"$T/source"
	for at in 0 3 6 9 12 15 18; do
		printf %s "${whole:$at:3}" >>"$T/source"
		sleep 0.2
	done
	printf %s "${whole:21}" >>"$T/source"
	wait $!
}

@test "what the source has no more, or has expired, stays, which is said once, until it is there again" {
	from_file
	timeout 60 "${V[@]}" run --with npm -- sh -c 'touch started; until [ -e said-so ]; do sleep 0.05; done
		grep -q token-0 "$NPM_CONFIG_USERCONFIG" || exit 1
		touch kept; until grep -q token-1 "$NPM_CONFIG_USERCONFIG"; do sleep 0.05; done' 2>said 3>&- &
	until_true [ -e started ]
	rm "$T/source"
	until_true grep -q 'corp stays as it was' said
	touch said-so
	until_true [ -e kept ]
	source_is 1
	wait $!
	[ "$(grep -c . said)" = 1 ]
	rm -f end started
	unset VALETKEY_CONFIG
	put "$(token 0)" https://npm.example --scope @corp --kind bearer --username '' --name corp --expires "$(($(date +%s) + 3))"
	timeout 60 "${V[@]}" run --with npm -- sh -c 'until [ -e end ]; do sleep 0.05; done; grep -q token-0 "$NPM_CONFIG_USERCONFIG"' 2>said 3>&- &
	until_true grep -q 'corp has expired, and its source has nothing newer' said
	touch end
	wait $!
	[ "$(grep -c . said)" = 1 ]
}

@test "--once: who came first has been served, whatever comes later; nobody yet is served what is new" {
	from_file
	once() {
		timeout 60 "${V[@]}" run --verbose "${rung[@]}" --once --with npm -- sh -c "$checks"'
			grep -q token-0 "$NPM_CONFIG_USERCONFIG"
			touch started
			until [ -e go ]; do sleep 0.05; done
			test -z "$(cat "$NPM_CONFIG_USERCONFIG")"' 2>said 3>&- &
		until_true [ -e started ]
		source_is 1
		until_true grep -q 'npmrc has what its source has now' said
		touch go
		wait $!
		rm go started
		timeout 60 "${V[@]}" run --verbose "${rung[@]}" --once --with npm -- sh -c "$checks"'
			touch started
			until [ -e go ]; do sleep 0.05; done
			grep -q token-2 "$NPM_CONFIG_USERCONFIG"
			test -z "$(cat "$NPM_CONFIG_USERCONFIG")"' 2>said 3>&- &
		until_true [ -e started ]
		source_is 2
		until_true grep -q 'npmrc has what its source has now' said
		touch go
		wait $!
		rm go started
		source_is 0
	}
	on_rungs once
}

@test "after --ttl nothing is rewritten, and what was is empty too" {
	from_file
	withdrawn() {
		timeout 60 "${V[@]}" run "${rung[@]}" --ttl 4s --with npm -- sh -c "$checks"'
			exec 5<"$NPM_CONFIG_USERCONFIG"
			touch started
			until grep -q token-1 "$NPM_CONFIG_USERCONFIG"; do sleep 0.05; done
			until ! grep -q token "$NPM_CONFIG_USERCONFIG"; do sleep 0.05; done
			touch over
			not grep -q token- <&5
			until [ -e end ]; do sleep 0.05; not grep -q token "$NPM_CONFIG_USERCONFIG"; done' 2>said 3>&- &
		run=$!
		until_true [ -e started ]
		source_is 1
		until_true [ -e over ]
		source_is 2
		[ -z "$(pgrep -x valetkey-look -P "$(pgrep -x valetkey -P $run)")" ]
		touch end
		wait $run
		rm started over end
		source_is 0
	}
	on_rungs withdrawn
}

@test "--mask: the new secret is hidden before anybody can read it, as it is and encoded" {
	from_file
	masked() {
		timeout 60 "${V[@]}" run "${rung[@]}" --mask --with npm -- sh -c 'touch started
			until grep -q token-1 "$NPM_CONFIG_USERCONFIG"; do cat "$NPM_CONFIG_USERCONFIG"; base64 -w0 "$NPM_CONFIG_USERCONFIG"; echo; done
			cat "$NPM_CONFIG_USERCONFIG" "$NPM_CONFIG_USERCONFIG" >&2
			cat "$NPM_CONFIG_USERCONFIG"; od -An -v -t x1 "$NPM_CONFIG_USERCONFIG" | tr -d " \n"; echo; grep -o token-1.* "$NPM_CONFIG_USERCONFIG" | sed s/1/2/g | head -1' >out 2>err 3>&- &
		until_true [ -e started ]
		source_is 1
		wait $!
		if grep -q "$(token 0)\|token-1\|$(token 1 | od -An -v -t x1 | tr -d ' \n')" out err; then return 1; fi
		grep -q '_authToken=\*\*\*$' err
		# not everything: what only looks like one
		tail -1 out | grep -q token-2-2
		rm started
		source_is 0
	}
	on_rungs masked
}

@test "--mask: while the output is not read no file changes, and the command is not held up" {
	from_file
	mkfifo pipe
	timeout 60 "${V[@]}" run --mask --with npm -- sh -c 'head -c 3000000 /dev/zero | tr "\0" x & touch started
		until [ -e changed ]; do sleep 0.05; done; sleep 3; grep -c token-0 "$NPM_CONFIG_USERCONFIG" >while; touch slow
		until grep -q token-1 "$NPM_CONFIG_USERCONFIG"; do sleep 0.05; done; wait; cat "$NPM_CONFIG_USERCONFIG"' >pipe 2>said 3>&- &
	run=$!
	exec 6<pipe
	until_true [ -e started ]
	source_is 1
	touch changed
	until_true [ -e slow ]
	cat <&6 >out
	exec 6<&-
	wait $run
	[ "$(cat while)" = 2 ]
	[ ! -s said ]
	if grep -q token-1 out; then return 1; fi
	grep -q '_authToken=\*\*\*$' out
}

@test "the log has a line for each credential that was put into a file anew; without one it is not" {
	from_file
	sed -i "1i [valetkey]\nlog = $T/log\nlog-required = yes" "$VALETKEY_CONFIG"
	timeout 60 "${V[@]}" run --with npm -- sh -c 'touch started; until grep -q token-1 "$NPM_CONFIG_USERCONFIG"; do sleep 0.05; done
		touch seen; until [ -e end ]; do sleep 0.05; done; grep -q token-1 "$NPM_CONFIG_USERCONFIG"' 2>said 3>&- &
	until_true [ -e started ]
	source_is 1
	until_true [ -e seen ]
	[ "$(jq -r 'select(.event == "inject") | .credential + " " + .to' "$T/log" | sort | uniq -c | tr -s ' ')" = " 2 corp npm" ]
	[ "$(jq -r .pid "$T/log" | uniq | grep -c .)" = 1 ]
	chmod 666 "$T/log"
	source_is 2
	until_true grep -q 'the file npmrc of this run stays as it was' said
	touch end
	wait $!
	[ "$(grep -c 'stays as it was' said)" = 1 ]
	rm started end
	sed -i '/log-required/d' "$VALETKEY_CONFIG"
	source_is 0
	timeout 60 "${V[@]}" run --with npm -- sh -c 'touch started; until grep -q token-1 "$NPM_CONFIG_USERCONFIG"; do sleep 0.05; done' 2>said 3>&- &
	until_true [ -e started ]
	source_is 1
	wait $!
	[ "$(grep -c 'could be logged' said)" = 1 ]
}

@test "what cannot change has no process that looks; who kills it is told, and the run goes on" {
	NPM_TOKEN=x printf '[corp]\nurl = https://npm.example\nkind = bearer\nscope = @corp\nsecret = env:SECRET\n' >"$T/config.ini"
	chmod 600 "$T/config.ini"
	export VALETKEY_CONFIG=$T/config.ini
	SECRET=$(token 0) "${V[@]}" run --rung R2 --with npm -- sh -c "$checks"'
		grep -q token-0 "$NPM_CONFIG_USERCONFIG"
		not pgrep -x valetkey-look -P $PPID'
	from_file
	split "${V[@]}" run --rung R2 --with npm -- sh -c 'pkill -KILL -x valetkey-look -P $PPID && grep -q token-0 "$NPM_CONFIG_USERCONFIG"; exit 7'
	[ "$status" = 7 ]
	[[ "$err" == *"looks at the sources"*"died"* ]]
}
