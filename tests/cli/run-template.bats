#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# --template: a file of the run for what has no recipe.
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; out, err, status and rung come from the helpers

bats_require_minimum_version 1.5.0
load lib
load run-lib

setup() {
	run_home
	put 'p"&<s3cret' https://h.example --username me --name corp
}

teardown() {
	run_end
}

@test "references are filled in, on each rung, and nothing is left" {
	printf '<u>${valetkey:corp.username}</u><p>${valetkey:corp|xml}</p>\n' >settings.in
	filled() {
		split "${V[@]}" run --template SETTINGS=settings.in "${rung[@]}" -- sh -c 'cat "$SETTINGS"; stat -Lc %a "$SETTINGS"; echo "$SETTINGS" >place'
		[ "$out" = $'<u>me</u><p>p&quot;&amp;&lt;s3cret</p>\n400\n' ]
		[ ! -e "$(cat place)" ]
	}
	on_rungs filled
	[ "$(cat settings.in)" = '<u>${valetkey:corp.username}</u><p>${valetkey:corp|xml}</p>' ]
}

@test "what is wrong with a template starts nothing, and the reason names it" {
	printf '${valetkey:other}' >t.in
	split "${V[@]}" run --template T=t.in -- touch started
	[ "$status" = 125 ]
	[[ $err == *'t.in: this run has no credential other'* ]]
	split "${V[@]}" run --template T=nowhere.in -- touch started
	[ "$status" = 125 ]
	[[ $err == *nowhere.in* ]]
	for bad in T 1T=t.in =t.in T= 'A-B=t.in'; do
		split "${V[@]}" run --template "$bad" -- touch started
		[ "$status" = 125 ]
		[[ $err == *'--template: VAR=FILE'* ]]
	done
	for bad in PATH LD_PRELOAD LD_LIBRARY_PATH VALETKEY_BROKER VALETKEY_RUN; do
		split "${V[@]}" run --template "$bad=t.in" -- touch started
		[ "$status" = 125 ]
		[[ $err == *"--template: $bad is not for"* ]]
		split "${V[@]}" run --env "$bad=keystore:corp" -- touch started
		[ "$status" = 125 ]
		[[ $err == *"--env: $bad is not for"* ]]
	done
	split "${V[@]}" run --credential corp --env MY_PATH=keystore:corp --env OLD_LD_PRELOAD=keystore:corp -- true
	[ "$status" = 0 ]
	split "${V[@]}" run --template T=t.in --template T=t.in --credential corp -- touch started
	[ "$status" = 125 ]
	[ ! -e started ]
}

@test "only the run's credentials, hidden in the output, and withdrawn with the others" {
	put other-s3cret https://o.example --name other
	printf '${valetkey:other}' >t.in
	split "${V[@]}" run --credential corp --template T=t.in -- true
	[ "$status" = 125 ]
	split "${V[@]}" run --credential other --mask --template T=t.in -- sh -c 'cat "$T"'
	[ "$out" = '***' ]
	split "${V[@]}" run --credential other --ttl 1s --template T=t.in -- sh -c 'for i in $(seq 100); do grep -q other "$T" || exit 7; sleep 0.1; done'
	[ "$status" = 7 ]
}
