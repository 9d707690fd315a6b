#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# conda's channels by NETRC, with the library of pixi and rattler-build; conda itself is no package of any index here. And what Swift's
# package manager would read: there is no package of it either.
# shellcheck disable=SC2154 # out, err and status come from split
# shellcheck disable=SC2016 # what is in single quotes is for the command's shell

bats_require_minimum_version 1.5.0
load lib

rattler=0.28.0

setup_file() {
	e2e_begin
	export RATTLER=${VK_CACHE:-$E}/py-rattler-$rattler
	[ -e "$RATTLER/installed" ] || {
		rm -rf "$RATTLER"
		python3 -m venv "$RATTLER" && "$RATTLER/bin/pip" install -q --disable-pip-version-check "py-rattler==$rattler" && touch "$RATTLER/installed"
	} >&2
	files_server channels
	mkdir -p "$E/channels/corp/noarch" "$E/programs"
	printf '{"info": {"subdir": "noarch"}, "packages": {"greeting-1.0-0.tar.bz2": {"name": "greeting", "version": "1.0", "build": "0",
		"build_number": 0, "depends": [], "subdir": "noarch", "md5": "%032d", "size": 1}}}\n' 0 >"$E/channels/corp/noarch/repodata.json"
	files_rule channels basic /corp/ ci "${AWKWARD//[\\\"]/}"
	cp "$VALETKEY" "$E/programs/valetkey"
}

teardown_file() {
	e2e_end
}

setup() {
	e2e_home
	unset NETRC RATTLER_AUTH_FILE SSL_CERT_DIR
	PATH=$E/programs:$e2e_path
	export SSL_CERT_FILE=$E/tls/ca.pem
	# A netrc has no ports, quotes and escapes.
	SECRET=${AWKWARD//[\\\"]/}
}

teardown() {
	rm -rf "$T"
}

# packages URL [COMMAND...]: in a run where there is a command
packages() {
	local url=$1

	shift
	rm -rf "$T/cache"
	split "$@" "$RATTLER/bin/python" "$BATS_TEST_DIRNAME/conda.py" "$url" "$T/cache"
}

run_conda() {
	packages "$SERVER/corp" valetkey run --with conda "$rung" --
	[ "$status.$out" = $'0.greeting\n' ]
}

@test "run --with conda: a private channel, and nothing for another host" {
	packages "$SERVER/corp"
	[ "$status" = 1 ]
	[[ $err == *401* ]]
	e2e_add "$SECRET" https://127.0.0.1 --username ci
	on_rungs run_conda
	touch environment.yml
	packages "$SERVER/corp" valetkey run --with auto --
	[ "$out" = $'greeting\n' ]
	[[ $err == *'auto: conda (environment.yml)'* ]]
	: >"$E/channels.log"
	packages "${SERVER/127.0.0.1/localhost}/corp" valetkey run --with conda --
	[ "$status" = 1 ]
	[[ $err == *401* ]]
	run ! grep -q ' with$' "$E/channels.log"
	e2e_nothing_left "$SECRET"
}

@test "run --with conda: what a netrc cannot say is refused" {
	e2e_add one https://h.example/channel --username u --name path
	e2e_add 'two "' https://h.example --username u --name quote
	e2e_add three https://default --username u --name anywhere
	e2e_add four https://k.example --name token
	for case in 'path=has no path' 'quote=holds a blank' 'anywhere=its host'; do
		split valetkey run --with conda --credential "${case%%=*}" -- true
		[ "$status" = 125 ]
		[[ $err == *"${case#*=}"*'choose others with --credential'* ]]
	done
	split valetkey run --with conda --credential token -- sh -c 'echo "[$NETRC]"'
	[ "$out" = $'[]\n' ]
	[[ $err == *'recipe conda takes none'* ]]
}

@test "run --with swift: only where ~/.netrc can be ours" {
	e2e_add t0ken https://packages.example --username token
	split valetkey run --with swift --rung=R2 -- true
	[ "$status" = 125 ]
	[[ $err == *'only R1 can hide'*'--gate all'* ]]
	split valetkey run --with swift --rung=R1 -- true
	[ "$status" = 125 ]
	[[ $err == *'does not exist'*'make an empty ~/.netrc'* ]]
	split valetkey run --with swift --rung=R2 --gate all -- cat "$HOME/.netrc"
	[ "$out" = $'machine packages.example login token password t0ken\n' ]
	echo 'machine other.example login o password o' >"$HOME/.netrc"
	split valetkey run --with swift,conda --keep-own-credentials --rung=R1 -- sh -c 'cat ~/.netrc; echo; cat "$NETRC"'
	own=$'machine packages.example login token password t0ken\nmachine other.example login o password o\n'
	[ "$out" = "$own"$'\n'"$own" ]
	[ "$(valetkey render swift)" = 'machine packages.example login token password t0ken' ]
}
