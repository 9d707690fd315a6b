#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# git inside a run: answered from this run's file, through git's environment configuration.
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; out, err, status and rung come from the helpers

bats_require_minimum_version 1.5.0
load lib
load run-lib

setup() {
	run_home
}

teardown() {
	run_end
}

# fill TEXT [VARIABLE=VALUE...]: what git credential fill says in a run
fill() {
	local text=$1

	shift
	printf %b "$text" >"$T/in"
	split env "$@" "${V[@]}" run "${rung[@]}" -- git credential fill <"$T/in"
}

@test "git is answered, without keystore, key or config" {
	put pass-one https://git.example --username u --name one
	put pass-two https://git.example:8443 --username v --name two
	answers() {
		fill 'protocol=https\nhost=git.example\n\n'
		[ "$out" = $'protocol=https\nhost=git.example\nusername=u\npassword=pass-one\n' ]
		fill 'protocol=https\nhost=git.example:8443\n\n'
		[[ $out == *pass-two* ]]
		for other in 'protocol=http\nhost=git.example' 'protocol=https\nhost=git.example:444' 'protocol=https\nhost=example' 'protocol=https\nhost=xgit.example'; do
			fill "$other\n\n"
			[ "$status" != 0 ]
			[[ $out != *pass-* ]]
		done
		# The helper has no use for what only valetkey knew.
		split "${V[@]}" run "${rung[@]}" -- sh -c 'unset VALETKEY_KEYSTORE VALETKEY_KEY_FILE HOME; printf "protocol=https\nhost=git.example\n\n" | git credential fill'
		[[ $out == *pass-one* ]]
	}
	on_rungs answers
}

@test "the user's helpers are not asked for these hosts, and still are for others" {
	put pass-one https://git.example --username u --name one
	printf '[credential]\n\thelper = "!f() { echo called >>%s/called; echo username=x; echo password=y; }; f"\n' "$T" >"$HOME/.gitconfig"
	reset() {
		fill 'protocol=https\nhost=git.example\n\n'
		[[ $out == *pass-one* ]]
		[ ! -e "$T/called" ]
		fill 'protocol=https\nhost=other.example\n\n'
		[[ $out == *password=y* ]]
		rm "$T/called"
		# approve and reject go nowhere
		split "${V[@]}" run "${rung[@]}" -- sh -c 'printf "protocol=https\nhost=git.example\nusername=u\npassword=new\n\n" | git credential approve && printf "protocol=https\nhost=git.example\nusername=u\npassword=pass-one\n\n" | git credential reject'
		[ "$status" = 0 ]
		[ ! -e "$T/called" ]
	}
	on_rungs reset
	split "${V[@]}" get https://git.example
	[ "$out" = $'pass-one\n' ]
}

@test "paths are told apart, each with its account" {
	put pass-a https://git.example/team-a --username a --name a
	put pass-b https://git.example/team-b --username b --name b
	paths() {
		for team in a b; do
			fill "protocol=https\nhost=git.example\npath=team-$team/x.git\n\n"
			[[ $out == *"password=pass-$team"* ]]
		done
		fill 'protocol=https\nhost=git.example\npath=team-ab/x.git\n\n'
		[[ $out != *pass-* ]]
	}
	on_rungs paths
}

@test "what was in GIT_CONFIG_COUNT stays, in order, except what bears a credential" {
	put pass-one https://git.example --username u --name one
	counted() {
		split env GIT_CONFIG_COUNT=5 GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0='A B' \
			GIT_CONFIG_KEY_1=http.https://h/.extraHeader GIT_CONFIG_VALUE_1='Authorization: basic c2VjcmV0' \
			GIT_CONFIG_KEY_2=url.https://tok@h/.insteadOf GIT_CONFIG_VALUE_2=https://h/ \
			GIT_CONFIG_KEY_3=Credential.helper GIT_CONFIG_VALUE_3='!f() { echo password=h3lper; }; f' \
			GIT_CONFIG_KEY_4=user.email GIT_CONFIG_VALUE_4=a@b \
			"${V[@]}" run "${rung[@]}" -- sh -c 'git config user.name; git config user.email; git config --list; env'
		[[ $out == $'A B\na@b\n'* ]]
		[[ $out != *c2VjcmV0* && $out != *tok@h* && $out != *h3lper* ]]
		fill 'protocol=https\nhost=git.example\n\n' GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=x
		[[ $out == *pass-one* ]]
	}
	on_rungs counted
	split env GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=a.b GIT_CONFIG_VALUE_0=c "${V[@]}" run -- touch started
	[ "$status" = 125 ]
	[ ! -e started ]
	split env GIT_CONFIG_COUNT=x "${V[@]}" run -- touch started
	[ "$status" = 125 ]
	[ ! -e started ]
}

@test "a program file with blanks and quotes in its name" {
	put pass-one https://git.example --username u --name one
	mkdir "$T/a 'b\" c"
	cp "$T/bin/valetkey" "$T/a 'b\" c/"
	V=("$T/a 'b\" c/valetkey")
	odd() {
		fill 'protocol=https\nhost=git.example\n\n'
		[[ $out == *pass-one* ]]
	}
	on_rungs odd
}

@test "entries with an npm scope are not git's" {
	put pass-one https://npm.example --scope @corp --username u --name one
	split "${V[@]}" run -- sh -c 'test -z "${GIT_CONFIG_COUNT+x}"'
	[ "$status" = 0 ]
}
