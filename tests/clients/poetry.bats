#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Poetry and twine, which read their credential from the environment.
# shellcheck disable=SC2154 # out, err and status come from split

bats_require_minimum_version 1.5.0
load lib
load python

setup_file() {
	e2e_begin
	python_install || return
	files_server index
	python_index index a greeting
	python_index index b parting
	files_rule index basic /a/ ci "$AWKWARD"
	files_rule index basic /b/ deploy t0ken-of-b
	files_rule index basic /upload/ __token__ "$AWKWARD"
	mkdir -p "$E/programs"
	cp "$VALETKEY" "$E/programs/valetkey"
}

teardown_file() {
	e2e_end
}

setup() {
	python_home
	before=()
}

teardown() {
	rm -rf "$T"
}

# project HOST: that takes greeting from the source corp-index and parting from other
project() {
	rm -rf project "$T/poetry"
	mkdir -p project
	cat >project/pyproject.toml <<-P
		[project]
		name = "app"
		version = "0.1.0"
		requires-python = ">=3.8"
		dependencies = ["greeting==1.0", "parting==1.0"]

		[tool.poetry]
		package-mode = false

		[tool.poetry.dependencies]
		greeting = { source = "corp-index" }
		parting = { source = "other" }

		[[tool.poetry.source]]
		name = "corp-index"
		url = "$1/a/simple/"
		priority = "primary"

		[[tool.poetry.source]]
		url = '$1/b/simple' # the other way round
		name = 'other'
		priority = "explicit"
	P
}

install() {
	(cd project && "${before[@]}" "$PY/bin/poetry" install -n -q) && ls project/.venv/lib/python*/site-packages/{greeting,parting}.py >/dev/null
}

by_run() {
	before=(valetkey run --with poetry "$rung" --)
	project "$SERVER"
	install
}

@test "run --with poetry: two sources of one host, by name" {
	project "$SERVER"
	split install
	[ "$status" != 0 ]
	e2e_add "$AWKWARD" "$SERVER/a" --username ci --name corp-index
	e2e_add t0ken-of-b "$SERVER/b" --username deploy --name other
	on_rungs by_run
	e2e_nothing_left "$AWKWARD"
}

@test "run --with poetry: a source of that name at another place is refused, and what it cannot be told" {
	e2e_add "$AWKWARD" "$SERVER/a" --username ci --name corp-index
	project "https://localhost:${SERVER##*:}"
	before=(valetkey run --with poetry --)
	split install
	[ "$status" = 125 ]
	[[ $err == *"this project's index corp-index is at another place than $SERVER/a"* ]]
	split valetkey run --with poetry -- true --project=project
	[ "$status" = 125 ]
	valetkey run --with poetry -- true
	e2e_add t0ken https://pypi.example --kind bearer --name pypi
	split valetkey run --with poetry -- sh -c 'env | grep POETRY | cut -d= -f1 | sort'
	[[ $out == *$'POETRY_HTTP_BASIC_CORP_INDEX_PASSWORD\nPOETRY_HTTP_BASIC_CORP_INDEX_USERNAME\nPOETRY_PYPI_TOKEN_PYPI\n'* ]]
	e2e_add schön https://umlaut.example --username u --name umlaut
	split valetkey run --with poetry -- true
	[ "$status" = 125 ]
	[[ $err == *'poetry cannot be told umlaut as it is'* ]]
	valetkey remove umlaut
	e2e_add t0ken https://x.example --username u --name CORP_index
	split valetkey run --with poetry -- true
	[ "$status" = 125 ]
	[[ $err == *'have one variable, POETRY_'* ]]
}

by_twine() {
	rm -rf "$E/index/upload"
	valetkey run --with twine "$rung" -- "$PY/bin/twine" upload --non-interactive --disable-progress-bar "$E/index/a/files/greeting-1.0-py3-none-any.whl" >log 2>&1
	cat log
	grep -q greeting "$E/index/upload"
}

@test "run --with twine: one account, sent to its own place and no other" {
	e2e_add "$AWKWARD" "$SERVER/upload" --username __token__ --name up
	on_rungs by_twine
	split valetkey run --with twine -- sh -c 'echo $TWINE_USERNAME $TWINE_REPOSITORY_URL'
	[ "$out" = "__token__ $SERVER/upload/"$'\n' ]
	# The name of a repository that is elsewhere does not lead there.
	printf '[distutils]\nindex-servers = evil\n[evil]\nrepository = https://localhost:%s/upload/\n' "${SERVER##*:}" >"$HOME/.pypirc"
	at=$(log_lines)
	valetkey run --with twine -- "$PY/bin/twine" upload --non-interactive --disable-progress-bar -r evil "$E/index/a/files/greeting-1.0-py3-none-any.whl"
	[ "$(given "$at")" = 1 ]
	split env TWINE_REPOSITORY_URL="https://localhost:${SERVER##*:}/upload/" valetkey run --with twine -- true
	[ "$status" = 125 ]
	[[ $err == *'leads elsewhere'* ]]
	split env TWINE_REPOSITORY_URL="$SERVER/upload/legacy" valetkey run --with twine -- sh -c 'echo $TWINE_REPOSITORY_URL'
	[ "$out" = "$SERVER/upload/legacy"$'\n' ]
	e2e_add t0ken https://b.example --username u
	split valetkey run --with twine -- true
	[ "$status" = 125 ]
	[[ $err == *'twine has one account, and this run has 2'* ]]
	valetkey run --with twine --credential up -- true
	e2e_nothing_left "$AWKWARD"
}
