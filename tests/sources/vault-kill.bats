#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What was given for a time is given back whoever is killed when, and nothing is made twice: a server that is none.
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; out, err and status come from split

bats_require_minimum_version 1.5.0
load ../cli/lib
load ../cli/run-lib
load vault-lib

setup_file() {
	export E=$BATS_FILE_TMPDIR
	certificates
}

setup() {
	vault_home
	token=$(secret)
	printf %s "$token" >~/token
}

teardown() {
	vault_end
}

# lends MODE [ARGUMENT]: the config has that server, which a login is made to
lends() {
	printf %s "$token" >~/password
	fake "$@"
	BAO_AT=$FAKE ref=vault:database/creds/app#password server "auth = userpass"$'\n'"username = me"$'\n'"password = file:$HOME/password"$'\n'"timeout = ${limit:-10}"
}

# asks PATH: until the server is asked that
asks() {
	for _ in $(seq 100); do
		! grep -q " /v1/$1 " "$asked" || return 0
		sleep 0.05
	done
	cat "$asked"
	return 1
}

# times PATH: how often it was
times() {
	grep -c " /v1/$1 " "$asked" || true
}

# begin_run: $run, and $helper, which holds or is about to
begin_run() {
	"$VALETKEY" run --env PASSWORD=vault:database/creds/app#password -- sh -c 'touch "$HOME/runs"; exec sleep 30' >/dev/null 2>&1 3>&- &
	run=$!
	fakes="$fakes $run"
	asks database/creds/app
	helper=$(pgrep -P $run -f valetkey-http)
}

# given_back: within 5 seconds, once and the lease first
given_back() {
	asks auth/token/revoke-self
	[ "$(tail -n 2 "$asked" | cut -d ' ' -f 2 | paste -s)" = $'/v1/sys/leases/revoke\t/v1/auth/token/revoke-self' ]
	[ "$(times database/creds/app)" = 1 ]
	for _ in $(seq 100); do
		kill -0 "$helper" 2>/dev/null || return 0
		sleep 0.05
	done
	return 1
}

@test "valetkey is killed before it has the answer" {
	for signal in KILL TERM; do
		lends lease 1
		begin_run
		kill -$signal $run
		wait $run || true
		[ "$(times sys/leases/revoke)" = 0 ]
		given_back
	done
}

@test "the program that holds is sent what ends programs" {
	for signal in TERM INT HUP; do
		lends lease 0
		begin_run
		await ~/runs
		rm ~/runs
		kill -$signal "$helper"
		given_back
		kill -9 $run
		wait $run || true
	done
	# While it is asked for what has to be given back, and valetkey too, as where a container is stopped.
	lends lease 1
	begin_run
	kill -TERM "$helper" $run
	wait $run || true
	given_back
}

@test "what makes something is asked for once, though the connection broke off" {
	for path in auth/userpass/login/me database/creds/app; do
		lends drop "$path"
		# And that is told, whatever became of the login.
		fails 6 "$FAKE"
		[ "$(times "$path")" = 1 ]
	done
	[ "$(times auth/token/revoke-self)" = 1 ]
	# What makes nothing is asked for again.
	limit=1 lends drop sys/internal/ui/mounts/database/creds/app
	fails 6 "$FAKE"
	[ "$(times sys/internal/ui/mounts/database/creds/app)" -gt 1 ]
}

@test "who was turned away asks again, also for what makes something" {
	for status in 429 503; do
		lends turn $status
		gets fake-secret
		for path in auth/userpass/login/me sys/internal/ui/mounts/database/creds/app database/creds/app; do
			[ "$(times $path)" = 2 ]
		done
	done
	# Of others nobody knows what was done.
	lends turn 500
	fails 6 500
	[ "$(times auth/userpass/login/me)" = 1 ]
}
