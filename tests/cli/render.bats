#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# valetkey render: the file of a recipe, for a pipe.

bats_require_minimum_version 1.5.0
load lib
load run-lib

setup() {
	run_home
	put tok https://npm.example --scope @corp --kind bearer --username '' --name corp
	put pass https://git.example --username u --name git
}

teardown() {
	run_end
}

@test "npm and netrc, to a pipe and to a file; git has none" {
	echo 'color=false' >"$HOME/.npmrc"
	split "${V[@]}" render npm
	[ "$out" = $'@corp:registry=https://npm.example/\n//npm.example/:_authToken=tok\ncolor=false\n' ]
	split "${V[@]}" render netrc
	[ "$out" = $'machine git.example login u password pass\n' ]
	split "${V[@]}" render git
	[ "$status" = 2 ]
	[ -z "$out" ]
	[[ $err == *"git asks for credentials: there is no file"* ]]
	"${V[@]}" render netrc >file
	grep -q machine file
}

@test "choosing, and what there is not" {
	split "${V[@]}" render --credential git npm
	[ "$status" = 1 ]
	[ -z "$out" ]
	split "${V[@]}" render ant
	[ "$status" = 2 ]
	[[ $err == *"git, npm, netrc, docker, "*"maven"* ]]
	split "${V[@]}" render
	[ "$status" = 2 ]
	split env VALETKEY_KEY_FILE= "${V[@]}" render npm
	[ "$status" = 3 ]
	[ -z "$out" ]
}

@test "to a terminal only with --reveal" {
	command -v script >/dev/null || skip "needs script"
	split script -qec "'$T/bin/valetkey' render netrc" /dev/null </dev/null
	[ "$status" = 4 ]
	[[ $out != *pass* ]]
	split script -qec "'$T/bin/valetkey' render --reveal netrc" /dev/null </dev/null
	[[ $out == *"password pass"* ]]
}
