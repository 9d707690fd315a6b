#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# pip, by "keyring" that "valetkey setup pip" or a run leads to: today's, and one before 26.2, which has to know a user name.
# shellcheck disable=SC2154 # out, err and status come from split

bats_require_minimum_version 1.5.0
load lib
load python

setup_file() {
	python_begin
}

teardown_file() {
	e2e_end
}

setup() {
	python_home
	export VALETKEY_LIBEXEC=$E/libexec
}

teardown() {
	rm -rf "$T"
}

# fetch PIP PACKAGE [ARGUMENT...]: into an empty directory
fetch() {
	local pip=$1 package=$2

	shift 2
	rm -rf got
	"${before[@]}" "$pip" download -q --no-cache-dir --no-deps -d got "$@" "$package"
}

fetched() {
	[ -f "got/$1-1.0-py3-none-any.whl" ]
}

@test "setup pip: private packages by today's pip and an old one, and nobody else is sent anything" {
	before=()
	split fetch "$PY/bin/pip" greeting --index-url "$SERVER/a/simple/"
	[ "$status" = 1 ]
	mkdir -p "$HOME/.local/bin" "$HOME/.config/pip"
	PATH=$HOME/.local/bin:$PATH
	printf '[install]\nno-compile = true\n\n[global]\ntimeout = 20' >"$HOME/.config/pip/pip.conf"
	cp "$HOME/.config/pip/pip.conf" conf
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	e2e_add t0ken-of-b "$SERVER/b" --username deploy
	split valetkey setup pip
	[ "$status" = 0 ]
	[[ $err == *'https://USER@HOST/simple/'* ]]
	[ "$(readlink "$HOME/.local/bin/keyring")" = "$E/programs/valetkey" ]
	fetch "$PY/bin/pip" greeting --index-url "$SERVER/a/simple/"
	fetched greeting
	fetch "$PY/bin/pip" parting --index-url "$SERVER/a/simple/" --extra-index-url "$SERVER/b/simple/"
	fetched parting
	# The old one reads no keyring-provider; it asks when it knows whom for.
	fetch pip3 greeting --index-url "${SERVER/\/\////ci@}/a/simple/"
	fetched greeting
	# Another name of the same server is another host, and so is where a redirect leads.
	at=$(log_lines)
	split fetch "$PY/bin/pip" greeting --index-url "https://localhost:${SERVER##*:}/a/simple/"
	[ "$status" = 1 ]
	split fetch "$PY/bin/pip" greeting --index-url "$SERVER/moved/simple/"
	[ "$status" = 1 ]
	[ "$(given "$at")" = 0 ]
	run ! fetched greeting
	valetkey setup pip
	valetkey setup pip --undo
	cmp "$HOME/.config/pip/pip.conf" conf
	[ ! -e "$HOME/.local/bin/keyring" ]
}

@test "setup pip: files of every shape come back byte for byte; what pip would choke on is refused" {
	mkdir -p "$HOME/bin"
	PATH=$HOME/bin:$PATH
	export PIP_CONFIG_FILE=$PWD/pip.conf
	for text in '' '[global]' $'[global]\n' $'# x\n[install]\nuser = no' $'[install]\nx = 1\n  [global]\n[global] ; mine\nextra-index-url =\n  https://a.example/\n\n  https://b.example/\n' $'[global]\nkeyring_provider: subprocess\n'; do
		printf %s "$text" >pip.conf
		cp pip.conf conf
		valetkey setup pip --host a.example 2>/dev/null
		[ "$("$PY/bin/pip" config get global.keyring-provider)" = subprocess ]
		run ! cmp -s pip.conf conf
		valetkey setup pip --undo
		cmp pip.conf conf
	done
	rm pip.conf
	valetkey setup pip --host a.example
	[ -f pip.conf ]
	valetkey setup pip --undo
	[ ! -e pip.conf ]
	printf '[global]\nkeyring-provider = import\n' >pip.conf
	split valetkey setup pip --host a.example
	[ "$status" = 2 ]
	[[ $err == *'keyring-provider = import already'* ]]
	[ ! -e "$HOME/bin/keyring" ]
	split env PIP_CONFIG_FILE=/dev/null valetkey setup pip --host a.example
	[ "$status" = 2 ]
	split env PIP_KEYRING_PROVIDER=disabled PIP_CONFIG_FILE="$T/other" valetkey setup pip --host a.example
	[[ $err == *'the variable PIP_KEYRING_PROVIDER is set'* ]]
}

@test "setup: the link is not put over or behind another keyring, is shared, and needs a directory of one's own" {
	mkdir -p "$HOME/bin" "$HOME/first" "$T/theirs"
	printf '#!/bin/sh\nexit 1\n' >"$T/theirs/keyring"
	chmod +x "$T/theirs/keyring"
	split valetkey setup pip --host a.example
	[ "$status" = 0 ]
	[ "$(readlink "$E/programs/keyring")" = "$E/programs/valetkey" ]
	valetkey setup pip --undo
	[ ! -e "$E/programs/keyring" ]
	PATH=$T/theirs:$HOME/bin:$PATH
	split valetkey setup pip --host a.example
	[ "$status" = 2 ]
	[[ $err == *"would start another keyring: $T/theirs/keyring"* ]]
	# Behind it would be of no use.
	split valetkey setup pip --host a.example --force
	[ "$status" = 2 ]
	[[ $err == *"no directory of yours on PATH"* ]]
	PATH=$HOME/first:$PATH
	valetkey setup pip uv --host a.example --force
	[ -L "$HOME/first/keyring" ]
	[ "$(cat "$T/theirs/keyring")" = $'#!/bin/sh\nexit 1' ]
	valetkey setup pip --undo
	[ -L "$HOME/first/keyring" ]
	valetkey setup uv --undo
	[ ! -e "$HOME/first/keyring" ]
	# What is somebody else's by then stays.
	valetkey setup pip --host a.example --force
	ln -sf /bin/true "$HOME/first/keyring"
	valetkey setup pip --undo
	[ "$(readlink "$HOME/first/keyring")" = /bin/true ]
	# Nothing of ours stays that was there before us.
	rm "$HOME/first/keyring"
	ln -s "$E/programs/valetkey" "$HOME/first/keyring"
	valetkey setup pip --host a.example
	valetkey setup pip --undo
	[ -L "$HOME/first/keyring" ]
}

by_run() {
	before=(valetkey run --with pip "$rung" --)
	PIP_INDEX_URL=$SERVER/a/simple/ PIP_EXTRA_INDEX_URL="$SERVER/b/simple/ $SERVER/none/" fetch "$pip" parting
	fetched parting
	mkdir -p "$HOME/.config/pip"
	printf '[global]\nindex_url: %s/a/simple/\nextra-index-url =\n  # two\n  %s/none\n  %s/b/simple/\n' "$SERVER" "$SERVER" "$SERVER" >"$HOME/.config/pip/pip.conf"
	rm -rf got
	"${before[@]}" "$pip" download -q --no-cache-dir --no-deps -d got greeting parting
	fetched greeting
	fetched parting
	rm "$HOME/.config/pip/pip.conf"
	split valetkey run --with pip "$rung" -- sh -c 'env; cat /proc/self/environ; ls -l "${PATH%%:*}"'
	[[ $out == *PIP_KEYRING_PROVIDER=subprocess* ]]
	[[ $out == *"keyring -> "* ]]
	[[ $out != *"$AWKWARD"* ]]
	[[ $out != *PIP_INDEX_URL* ]]
}

@test "run --with pip: the broker answers, with the user name put into the indexes that are known" {
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	e2e_add t0ken-of-b "$SERVER/b" --username deploy
	pip=$PY/bin/pip
	on_rungs by_run
	pip=pip3 rung=--rung=R1
	by_run
	# Of today's pip the command line's is enough.
	fetch "$PY/bin/pip" greeting --index-url "$SERVER/a/simple/"
	fetched greeting
	# Not for another host, nor without the recipe.
	before=(valetkey run --with pip --)
	at=$(log_lines)
	split env PIP_INDEX_URL="https://localhost:${SERVER##*:}/a/simple/" valetkey run --with pip -- "$PY/bin/pip" download --no-cache-dir -d got greeting
	[ "$status" = 1 ]
	before=(valetkey run --with git --)
	split fetch "$PY/bin/pip" greeting --index-url "$SERVER/a/simple/"
	[ "$status" = 1 ]
	[ "$(given "$at")" = 0 ]
	e2e_nothing_left "$AWKWARD"
}

@test "run --with pip: without an installed link R1 has its own; elsewhere the indexes that are known have the password" {
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	mkdir -p "$T/other/bin"
	cp "$VALETKEY" "$T/other/bin/keyring"
	for dir in "$T/none" "$T/other"; do
		export VALETKEY_LIBEXEC=$dir
		before=(valetkey run --with pip --rung R1 --)
		fetch "$PY/bin/pip" greeting --index-url "$SERVER/a/simple/"
		fetched greeting
		split valetkey run --with pip --rung R2 -- true
		[ "$status" = 0 ]
		[[ $err == *'in the environment'*'bin/keyring leads to this program'* ]]
		[[ $err == *'pip gets nothing'* ]]
		before=(valetkey run --with pip --rung R2 --)
		for pip in "$PY/bin/pip" pip3; do
			PIP_INDEX_URL=$SERVER/a/simple/ split fetch "$pip" greeting
			[ "$status" = 0 ]
			fetched greeting
			[[ $err != *'pip gets nothing'* ]]
			[[ $out$err != *"$AWKWARD"* ]]
		done
	done
	e2e_add 'schön' https://umlaut.example --username u --name umlaut
	split valetkey run --with pip --rung R2 -- true
	[ "$status" = 125 ]
	[[ $err == *'pip cannot be told umlaut as it is'* ]]
	valetkey remove umlaut
	# A user name of any letters; an account of several is not guessed; what pip is told already stays.
	e2e_add s3cret https://h.example --username 'a@b/c d%'
	e2e_add s3cret https://two.example --username u1
	e2e_add s3cret https://two.example --username u2
	e2e_add s3cret https://two.example/deep --username u3
	split env PIP_EXTRA_INDEX_URL='https://h.example/x/ https://me@h.example/ http://h.example/ https://two.example/simple https://two.example/deep/simple file:///x y' \
		valetkey run --with pip --rung R1 -- sh -c 'echo "$PIP_EXTRA_INDEX_URL"'
	[ "$out" = $'https://a%40b%2Fc%20d%25@h.example/x/ https://me@h.example/ http://h.example/ https://u1@two.example/simple https://u3@two.example/deep/simple file:///x y\n' ]
	# Two of which neither is the default.
	mkdir -p "$HOME/.config/valetkey"
	printf '[%s]\nurl = https://three.example\nusername = %s\nsecret = env:SOURCE\n' one a two b >"$HOME/.config/valetkey/config.ini"
	split env SOURCE=s3cret PIP_INDEX_URL=https://three.example/simple valetkey run --with pip --rung R1 -- sh -c 'echo "$PIP_INDEX_URL"'
	[ "$out" = $'https://three.example/simple\n' ]
	printf '[tool pip]\npip-index-url = https://h.example/x/\n' >"$HOME/.config/valetkey/config.ini"
	split valetkey run --with pip --rung R1 -- sh -c 'echo "$PIP_INDEX_URL"'
	[ "$out" = $'https://a%40b%2Fc%20d%25@h.example/x/\n' ]
	rm "$HOME/.config/valetkey/config.ini"
	# A part of pip that has an index of its own keeps it.
	mkdir -p "$HOME/.config/pip"
	printf '[global]\nindex-url = https://h.example/\n[download]\nindex-url = https://h.example/d\n' >"$HOME/.config/pip/pip.conf"
	split valetkey run --with pip --rung R1 -- sh -c 'echo ".$PIP_INDEX_URL."'
	[ "$out" = $'..\n' ]
}

by_parts() {
	rm -rf "$T/venv"
	python3 -m venv "$T/venv"
	PIP_INDEX_URL=$SERVER/a/simple/ split valetkey run --two-phase --with pip "$rung" -- "$T/venv/bin/pip" install --no-cache-dir greeting
	[ "$status" = 0 ]
	[[ $out$err != *"$AWKWARD"* ]]
	ls "$T"/venv/lib/python*/site-packages/greeting.py
	PIP_INDEX_URL=$SERVER/a/simple/ split valetkey run --two-phase --with pip "$rung" -- "$T/venv/bin/pip" install --no-cache-dir parting
	[ "$status" != 0 ]
}

@test "run --two-phase --with pip: it can start no keyring while it fetches, so the known indexes have the password until then" {
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	on_rungs by_parts
	e2e_nothing_left "$AWKWARD"
}

@test "the helper: every form of the command, wrong services, several at once" {
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	e2e_add t0ken https://b.example --username deploy
	e2e_add s3cret http://plain.example --username u
	e2e_add bear3r https://c.example --kind bearer
	url=$SERVER/a/simple/
	split valetkey helper keyring get "$url" ci
	[ "$out.$err" = "$AWKWARD"$'\n.' ]
	for words in "--mode=creds --output=json get $url" "get $url --mode creds --output json" "--mode creds get --output=json -- $url ci"; do
		# shellcheck disable=SC2086
		split valetkey helper keyring $words
		[ "$status" = 0 ]
		[ "$(jq -r .username <<<"$out")" = ci ]
		[ "$(jq -r .password <<<"$out")" = "$AWKWARD" ]
	done
	split valetkey helper keyring get "$url" --mode creds
	[ "$out" = $'ci\n'"$AWKWARD"$'\n' ]
	split valetkey helper keyring --output=json get "$url" ci
	[ "$(jq -c keys <<<"$out")" = '["password"]' ]
	split valetkey helper keyring get https://b.example/simple/ deploy
	[ "$out" = $'t0ken\n' ]
	# A host alone does not say by which scheme it is reached.
	for service in b.example b.example:443 b.example/x "${SERVER#https://}" plain.example plain.example:80 b.example:80 b.example:444 poetry-repository-b.example https://b.example:444/ http://b.example/ \
		"$SERVER" "$SERVER/ab" "https://localhost:${SERVER##*:}/a/simple/" https://someone@b.example/; do
		split valetkey helper keyring --mode=creds --output=json get "$service"
		[ "$status.$out.$err" = 1.. ]
	done
	split valetkey helper keyring get "$url" somebody
	[ "$status.$out.$err" = 1.. ]
	for service in "$SERVER/a/../a" "$SERVER/a/%2e%2e/a" https://u:p@b.example/ https://c.example; do
		split valetkey helper keyring get "$service" --mode creds
		[ "$status" != 0 ]
		[ "$status" != 1 ]
		[ -z "$out" ]
		[ "$err_lines" = 1 ]
		[[ $err != *"u:p"* ]]
	done
	for words in '' get "get $url" "--mode=x get $url" "--mode get $url u" "get $url ci more" "--no-such get $url ci" diagnose "--list-backends"; do
		# shellcheck disable=SC2086
		split valetkey helper keyring $words
		[ "$status" = 2 ]
		[ -z "$out" ]
	done
	for verb in set del; do
		split valetkey helper keyring "$verb" "$url" ci <<<secret
		[ "$status" = 4 ]
		[[ $err == *'changes nothing for its clients'* ]]
	done
	# What one form can say the other cannot.
	e2e_add ' blank' https://e.example --username u
	e2e_add 'schön' https://f.example --username u
	split valetkey helper keyring get https://e.example u
	[ "$status" = 4 ]
	[ -z "$out" ]
	[[ $err == *'begins or ends with a blank'* ]]
	split valetkey helper keyring --mode=creds --output=json get https://e.example
	[ "$(jq -r .password <<<"$out")" = ' blank' ]
	split valetkey helper keyring get https://f.example u
	[ "$out" = $'schön\n' ]
	split valetkey helper keyring --mode=creds --output=json get https://f.example
	[ "$status" = 4 ]
	[[ $err == *'beyond ASCII'* ]]
	ln -s "$E/programs/valetkey" "$T/keyring"
	for i in $(seq 64); do
		"$T/keyring" get "$url" ci >"$T/storm.$i" &
	done
	wait
	[ "$(cat "$T"/storm.* | grep -cxF -- "$AWKWARD")" = 64 ]
}

@test "an expired credential and a locked keystore: pip is told nothing" {
	printf %s "$AWKWARD" | valetkey add "$SERVER/a" --username ci --expires "$(date -u -d '2 seconds' +%Y-%m-%dT%H:%M:%SZ)" >/dev/null
	for _ in $(seq 100); do
		valetkey get "$SERVER/a" >/dev/null 2>&1 || break
		sleep 0.1
	done
	split valetkey helper keyring get "$SERVER/a/simple/" ci
	[ "$status.$out" = 1. ]
	unset VALETKEY_KEY_FILE
	split valetkey helper keyring get "$SERVER/a/simple/" ci
	[ "$status" = 3 ]
	[ -z "$out" ]
	[[ $err == *locked* ]]
	before=()
	mkdir -p "$HOME/bin"
	PATH=$HOME/bin:$PATH
	valetkey setup pip --host "$SERVER" 2>/dev/null
	split fetch "$PY/bin/pip" greeting --index-url "$SERVER/a/simple/"
	[ "$status" = 1 ]
}

@test "other versions of pip" {
	[ -n "${VK_NIGHTLY-}" ] || skip "nightly: it installs them"
	# 25 cannot verify an address.
	SERVER=https://localhost:${SERVER##*:}
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	for version in 23.1 24.0 25.3 26.1; do
		python3 -m venv --clear "$T/venv"
		(
			unset SSL_CERT_FILE REQUESTS_CA_BUNDLE PIP_CERT
			"$T/venv/bin/pip" install -q "pip==$version"
		)
		before=(valetkey run --with pip --)
		PIP_INDEX_URL=$SERVER/a/simple/ fetch "$T/venv/bin/pip" greeting
		fetched greeting
	done
}
