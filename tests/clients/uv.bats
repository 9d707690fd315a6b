#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# uv, by "keyring" that "valetkey setup uv" or a run leads to; it asks for whom it has a user name.
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
	before=()
}

teardown() {
	rm -rf "$T"
}

# fetch PACKAGE [ARGUMENT...]: into an empty environment, without a cache
fetch() {
	rm -rf got "$T/uv"
	"${before[@]}" "$PY/bin/uv" pip install -q --target got --python "$PY/bin/python" "$@"
}

fetched() {
	[ -f "got/$1.py" ]
}

# project [LINE]: one whose index corp is the server's
project() {
	mkdir -p project
	printf '[project]\nname = "app"\nversion = "0"\nrequires-python = ">=3.8"\ndependencies = ["greeting"]\n
[[tool.uv.index]]\nname = "corp"\nurl = "%s/a/simple/"\ndefault = true\n%s\n' "$SERVER" "${1-}" >project/pyproject.toml
	rm -rf project/.venv project/uv.lock "$T/uv"
}

sync() {
	(cd project && "${before[@]}" "$PY/bin/uv" sync -q) && ls project/.venv/lib/python*/site-packages/greeting.py >/dev/null
}

@test "setup uv: private packages, and nobody else is sent anything" {
	split fetch greeting --default-index "$SERVER/a/simple/"
	[ "$status" != 0 ]
	mkdir -p "$HOME/.local/bin" "$HOME/.config/uv"
	PATH=$HOME/.local/bin:$PATH
	printf 'offline = false\n\n[pip]\nstrict = true\n' >"$HOME/.config/uv/uv.toml"
	cp "$HOME/.config/uv/uv.toml" conf
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	e2e_add t0ken-of-b "$SERVER/b" --username deploy
	split valetkey setup uv
	[ "$status" = 0 ]
	[[ $err == *'authenticate = "always"'* ]]
	fetch greeting --default-index "${SERVER/\/\////ci@}/a/simple/"
	fetched greeting
	fetch parting --default-index "${SERVER/\/\////ci@}/a/simple/" --index "${SERVER/\/\////deploy@}/b/simple/"
	fetched parting
	project 'authenticate = "always"'
	sync
	at=$(log_lines)
	split fetch greeting --default-index "https://ci@localhost:${SERVER##*:}/a/simple/"
	[ "$status" != 0 ]
	split fetch greeting --default-index "${SERVER/\/\////ci@}/moved/simple/"
	[ "$status" != 0 ]
	# A user name alone is no credential; the password went nowhere.
	[ "$(tail -n +$((at + 1)) "$E/index.log" | grep -c ' 200 with$')" = 0 ]
	valetkey setup uv
	valetkey setup uv --undo
	cmp "$HOME/.config/uv/uv.toml" conf
	[ ! -e "$HOME/.local/bin/keyring" ]
}

@test "setup uv: files of every shape come back byte for byte; what uv would choke on is refused" {
	export UV_CONFIG_FILE=$PWD/uv.toml
	mkdir -p "$HOME/bin"
	PATH=$HOME/bin:$PATH
	for text in '' '[pip]' $'# x\n[pip]\nkeyring-provider = "disabled"' $'keyring-provider = "subprocess"\n' $'offline = false'; do
		printf %s "$text" >uv.toml
		cp uv.toml conf
		valetkey setup uv --host a.example 2>/dev/null
		grep -qx 'keyring-provider = "subprocess"' uv.toml
		"$PY/bin/uv" cache dir >/dev/null
		run ! cmp -s uv.toml conf
		valetkey setup uv --undo
		cmp uv.toml conf
	done
	printf 'keyring-provider = "disabled"\n' >uv.toml
	split valetkey setup uv --host a.example
	[ "$status" = 2 ]
	[[ $err == *'keyring-provider already'* ]]
	rm uv.toml
	split env UV_KEYRING_PROVIDER=disabled valetkey setup uv --host a.example
	[[ $err == *'the variable UV_KEYRING_PROVIDER is set'* ]]
	valetkey setup uv --undo
	[ ! -e uv.toml ]
}

by_run() {
	before=(valetkey run --with uv "$rung" --)
	UV_DEFAULT_INDEX=$SERVER/a/simple/ fetch greeting
	fetched greeting
	UV_DEFAULT_INDEX=$SERVER/a/simple/ UV_INDEX="x=$SERVER/b/simple/" fetch parting
	fetched parting
	# By the index's name, in which case the URL decides who is given what.
	fetch greeting --default-index "corp=$SERVER/a/simple/"
	fetched greeting
	project
	sync
	split "${before[@]}" sh -c 'env; cat /proc/self/environ'
	[[ $out == *UV_KEYRING_PROVIDER=subprocess* ]]
	[[ $out == *UV_INDEX_CORP_USERNAME=ci* ]]
	[[ $out != *_PASSWORD* ]]
	[[ $out != *"$AWKWARD"* ]]
}

@test "run --with uv: the broker answers, the environment says only for whom" {
	e2e_add "$AWKWARD" "$SERVER/a" --username ci --name corp
	e2e_add t0ken-of-b "$SERVER/b" --username deploy --name b-index
	on_rungs by_run
	at=$(log_lines)
	split fetch greeting --default-index "corp=https://localhost:${SERVER##*:}/a/simple/"
	[ "$status" != 0 ]
	before=(valetkey run --with git --)
	UV_DEFAULT_INDEX=$SERVER/a/simple/ split fetch greeting
	[ "$status" != 0 ]
	[ "$(tail -n +$((at + 1)) "$E/index.log" | grep -c ' 200 with$')" = 0 ]
	split env UV_INDEX_CORP_USERNAME=me valetkey run --with uv -- sh -c 'echo $UV_INDEX_CORP_USERNAME $UV_INDEX_B_INDEX_USERNAME'
	[ "$out" = $'me deploy\n' ]
	e2e_nothing_left "$AWKWARD"
}

by_parts() {
	before=(valetkey run --two-phase --with uv "$rung" --)
	project
	split sync
	[ "$status" = 0 ]
	[[ $out$err != *"$AWKWARD"* ]]
	[[ $err == *': without'* ]]
}

@test "run --two-phase --with uv" {
	e2e_add "$AWKWARD" "$SERVER/a" --username ci --name corp
	on_rungs by_parts
}

@test "run --with uv: where nothing can be called keyring, passwords of named indexes are in the environment, if the project agrees" {
	export VALETKEY_LIBEXEC=$T/none
	e2e_add "$AWKWARD" "$SERVER/a" --username ci --name corp
	before=(valetkey run --with uv --rung R1 --)
	UV_DEFAULT_INDEX=$SERVER/a/simple/ fetch greeting
	fetched greeting
	before=(valetkey run --with uv --rung R2 --)
	UV_DEFAULT_INDEX=$SERVER/a/simple/ fetch greeting
	fetched greeting
	project
	split sync
	[ "$status" = 0 ]
	[[ $err == *'gets its passwords in the environment'* ]]
	# Another index of that name would get it.
	sed -i 's/127.0.0.1/localhost/' project/pyproject.toml
	split sync
	[ "$status" = 125 ]
	[[ $err == *"this project's index corp is at another place"* ]]
	e2e_add other https://b.example --username u --name corp.b
	e2e_add other https://c.example --username u --name corp-b
	split valetkey run --with uv -- true
	[ "$status" = 125 ]
	[[ $err == *'have one variable, UV_INDEX_'* ]]
}

@test "other versions of uv" {
	[ -n "${VK_NIGHTLY-}" ] || skip "nightly: it installs them"
	e2e_add "$AWKWARD" "$SERVER/a" --username ci --name corp
	before=(valetkey run --with uv --)
	for version in 0.6.17 0.8.0 0.11.0; do
		python3 -m venv --clear "$T/venv"
		(
			unset SSL_CERT_FILE REQUESTS_CA_BUNDLE PIP_CERT
			"$T/venv/bin/pip" install -q "uv==$version"
		)
		rm -rf got "$T/uv"
		UV_DEFAULT_INDEX=$SERVER/a/simple/ "${before[@]}" "$T/venv/bin/uv" pip install -q --target got --python "$PY/bin/python" greeting
		fetched greeting
	done
}
