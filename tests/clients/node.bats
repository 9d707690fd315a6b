#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# pnpm: tokenHelper, by "valetkey setup pnpm", and the file of a run. Other relatives of npm are in node-run.bats.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # what is in single quotes is for another shell; out, err and status come from split

bats_require_minimum_version 1.5.0
load lib
load node

setup_file() {
	e2e_begin
	node_client pnpm pnpm@10
	node_program pnpm node "$CLIENT/node_modules/pnpm/bin/pnpm.cjs"
	for version in ${VK_NIGHTLY:+7 8 9 11}; do
		node_version pnpm "$version"
	done
	node_registry
	cp "$VALETKEY" "$E/programs/valetkey"
}

teardown_file() {
	e2e_end
}

setup() {
	node_home
	RC=$HOME/.npmrc
	OURS=$HOME/.local/share/valetkey/pnpm
}

teardown() {
	rm -rf "$T"
}

install() {
	rm -rf node_modules "$T/store" "$HOME/.cache"
	timeout 120 "${1-pnpm}" install --no-frozen-lockfile --store-dir "$T/store" --config.fetch-retries=0
}

@test "setup pnpm: pnpm fetches private packages, by path, and sends nobody else anything" {
	node_project @corp/greeting @other/parting plain-greeting
	split install
	[ "$status" != 0 ]
	[[ $out$err == *401* ]]
	e2e_add "$AWKWARD" "$SERVER/a" --username ci --scope @corp
	e2e_add "$AWKWARD.b" "$SERVER/b"
	valetkey setup pnpm
	install
	node_has @corp/greeting
	node_has @other/parting
	node_has plain-greeting
	# Nor does the token of /a reach /ab, or another name of the same server.
	before=$(node_given)
	node_project plain-greeting
	for registry in "$SERVER/ab" "https://localhost:${SERVER##*:}/a"; do
		printf 'registry=%s/\n' "$registry" >.npmrc
		split install
		[ "$status" != 0 ]
	done
	[ "$(node_given)" = "$before" ]
	# Where a redirect leads to another name, what is for the first is left behind.
	e2e_add m0ved-t0ken "$SERVER/moved"
	printf 'registry=%s/moved/\n' "$SERVER" >.npmrc
	split install
	[ "$status" != 0 ]
	[ "$(tail -n 2 "$E/node.log")" = $'GET /moved/plain-greeting 302 with\nGET /a/plain-greeting 401 without' ]
	e2e_nothing_left "$AWKWARD"
}

@test "setup pnpm: other versions, of both protocols" {
	[ -n "${VK_NIGHTLY-}" ] || skip "the nightly run does it"
	e2e_add "$AWKWARD" "$SERVER/a" --username ci --scope @corp
	e2e_add "$AWKWARD.b" "$SERVER/b"
	for version in 7 8 9 11; do
		for how in setup run; do
			node_project @corp/greeting @other/parting plain-greeting
			if [ $how = setup ]; then
				valetkey setup pnpm
				install "pnpm$version"
				valetkey setup pnpm --undo
			else
				rm -rf "$T/store" "$HOME/.cache"
				valetkey run --with pnpm -- "pnpm$version" install --no-frozen-lockfile --store-dir "$T/store"
			fi
			node_has @corp/greeting
			node_has @other/parting
			node_has plain-greeting
		done
	done
}

@test "setup pnpm --undo: byte for byte, whatever the file was, and no file of ours is left" {
	e2e_add "$AWKWARD" "$SERVER/a" --username ci --scope @corp
	for text in '' 'save-exact=true' $'save-exact=true\n' $'a=b\n\n[section]\nregistry=x\n' $'[section]\nx=y' $'\xef\xbb\xbf; bom\r\na=b\r\n'; do
		printf %s "$text" >"$RC"
		chmod 640 "$RC"
		cp -p "$RC" before
		valetkey setup pnpm
		grep -q "^//${SERVER#https://}/a/:tokenHelper=$OURS/" "$RC"
		cp "$RC" once
		valetkey setup pnpm
		cmp once "$RC"
		valetkey setup pnpm --undo
		cmp before "$RC"
		[ "$(stat -c %a "$RC")" = 640 ]
		[ ! -e "$OURS" ]
	done
	rm "$RC"
	valetkey setup pnpm --print >printed
	grep -q tokenHelper= printed
	[ ! -e "$RC" ]
	[ ! -e "$OURS" ]
	valetkey setup pnpm
	# Even when the place of ours is another one by then.
	XDG_DATA_HOME=$T/elsewhere valetkey setup pnpm --undo
	[ ! -e "$RC" ]
	[ ! -e "$OURS" ]
}

@test "setup pnpm: what comes and goes, what cannot be" {
	split valetkey setup pnpm
	[ "$status" = 2 ]
	e2e_add "$AWKWARD" "$SERVER/a" --username ci --scope @corp --name a
	valetkey setup pnpm
	e2e_add "$AWKWARD.b" "$SERVER/b/deep" --name b
	[ "$(grep -c tokenHelper= "$RC")" = 2 ]
	# What a header of its own presents is not for pnpm.
	e2e_add k3y "$SERVER/c" --kind header --header X-Api-Key
	[ "$(grep -c tokenHelper= "$RC")" = 2 ]
	valetkey remove a >/dev/null
	valetkey setup pnpm
	[ "$(grep -c tokenHelper= "$RC")" = 1 ]
	[ "$(find "$OURS" -type f | wc -l)" = 1 ]
	valetkey setup pnpm --host https://more.example/npm
	grep -qx "//more.example/npm/:tokenHelper=$OURS/more.example_2fnpm" "$RC"
	split "$OURS/more.example_2fnpm"
	[ "$status.$out" = 1. ]
	[[ $err == *'no credential for https://more.example/npm'* ]]
	# One name for two.
	split valetkey setup pnpm --host http://more.example:443/npm
	[ "$status" = 0 ]
	split valetkey setup pnpm --host http://twice.example:8080 --host https://twice.example:8080
	[ "$status" = 4 ]
	[[ $err == *'by http and by https'* ]]
	valetkey setup pnpm --undo
	# A path that a shell or pnpm takes for more than a path.
	for odd in 'a b' 'a$b' "a'b" 'a%b' 'a;b'; do
		split env XDG_DATA_HOME="$T/$odd" valetkey setup pnpm
		[ "$status" = 4 ]
		[[ $err == *XDG_DATA_HOME* ]]
		[ ! -e "$RC" ]
		[ ! -e "$T/$odd" ]
	done
	split env PNPM_CONFIG_NPMRC_AUTH_FILE="$T/other" valetkey setup pnpm
	[[ $err == *'PNPM_CONFIG_NPMRC_AUTH_FILE is set'* ]]
}

@test "the helper: every kind, other places, expired, locked, many at once" {
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	e2e_add t0ken https://b.example
	e2e_add k3y https://c.example --kind header --header X-Api-Key
	split valetkey helper pnpm-token "$SERVER/a"
	[ "$out" = "Basic $(printf 'ci:%s' "$AWKWARD" | base64 -w0)"$'\n' ]
	split valetkey helper pnpm-token https://b.example/x
	[ "$out" = $'Bearer t0ken\n' ]
	split valetkey helper pnpm-token https://c.example
	[ "$status.$out" = 4. ]
	[[ $err == *'header of its own'* ]]
	for url in "http://${SERVER#https://}/a" "https://localhost:${SERVER##*:}/a" "$SERVER/ab" "$SERVER" https://b.example:444 x https://u:p@b.example; do
		split valetkey helper pnpm-token "$url"
		[ "$status" != 0 ]
		[ -z "$out" ]
		[ "$err_lines" -le 2 ]
		[[ $err != *u:p* ]]
	done
	split valetkey helper pnpm-token
	[ "$status" = 2 ]
	for i in $(seq 64); do
		valetkey helper pnpm-token "$SERVER/a" >"$T/storm.$i" &
	done
	wait
	[ "$(cat "$T"/storm.* | grep -c '^Basic ')" = 64 ]
	printf %s old | valetkey add https://d.example --expires 2020-01-01 >/dev/null 2>&1 || printf %s old | valetkey add https://d.example --expires "$(date -u -d '1 second' +%Y-%m-%dT%H:%M:%SZ)" >/dev/null
	for _ in $(seq 100); do
		valetkey get https://d.example >/dev/null 2>&1 || break
		sleep 0.1
	done
	split valetkey helper pnpm-token https://d.example
	[ "$status.$out" = 1. ]
	[[ $err == *expired* ]]
	# pnpm says that its helper failed.
	valetkey setup pnpm --host "$SERVER/a"
	node_project plain-greeting
	unset VALETKEY_KEY_FILE
	split valetkey helper pnpm-token "$SERVER/a"
	[ "$status.$out" = 3. ]
	split install
	[ "$status" != 0 ]
	[[ $out$err == *'token helper'* ]]
}

run_pnpm() {
	node_project @corp/greeting @other/parting plain-greeting
	rm -rf "$T/store"
	printf 'save-exact=true\n//elsewhere.example/:_authToken=its-own\n' >"$RC"
	cp "$RC" "$T/before"
	split valetkey run --with pnpm "$rung" -- pnpm install --no-frozen-lockfile --store-dir "$T/store"
	[ "$status" = 0 ]
	node_has @corp/greeting
	node_has @other/parting
	node_has plain-greeting
	[ "$(valetkey run --with pnpm "$rung" -- pnpm config get save-exact)" = true ]
	cmp "$RC" "$T/before"
	# The user's own settings are kept, other tokens are not handed out, and none of it is in the environment.
	split valetkey run --with pnpm "$rung" -- sh -c 'cat "$PNPM_CONFIG_NPMRC_AUTH_FILE"; env | cut -c 1-1000'
	[[ $out == *save-exact*"PNPM_CONFIG_NPMRC_AUTH_FILE="* ]]
	[[ $out != *its-own* ]]
	[ "$(grep -cF "$AWKWARD.b" <<<"${out%%PATH=*}")" = 0 ]
}

@test "run --with pnpm: the run's file, on both rungs; nothing is left" {
	e2e_add "$AWKWARD" "$SERVER/a" --username ci --scope @corp
	e2e_add "$AWKWARD.b" "$SERVER/b"
	on_rungs run_pnpm
	# Together with npm: one file.
	valetkey run --with npm,pnpm -- sh -c 'cmp "$NPM_CONFIG_USERCONFIG" "$PNPM_CONFIG_NPMRC_AUTH_FILE"'
	rm -rf "$T/store"
	node_project plain-greeting
	split valetkey run --with git -- pnpm install --store-dir "$T/store"
	[ "$status" != 0 ]
	# The helpers of a run that does not serve pnpm are told nothing.
	split valetkey run --with git -- valetkey helper pnpm-token "$SERVER/a"
	[ "$status" != 0 ]
	[ -z "$out" ]
	e2e_nothing_left "$AWKWARD"
}
