#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Ends runs at random moments, with every signal, on each rung, as root and as another user: then nothing may be left.
# DRILLS is how many runs a test ends; 200 by SIGKILL and 40 otherwise.

bats_require_minimum_version 1.5.0
load ../cli/lib
load ../cli/run-lib

src=$BATS_TEST_DIRNAME/../..

setup_file() {
	SPOOL=$(mktemp -d "${TMPDIR:-/tmp}/valetkey-drills.XXXXXX")
	touch "$SPOOL/began"
	sleep 0.01
	export SPOOL
}

teardown_file() {
	rm -rf "$SPOOL"
}

teardown() {
	run_end
}

# Every mounted file system that can be written, once.
places() {
	awk '{ print $2, $3, $4 }' /proc/self/mounts | while read -r where kind options; do
		case $kind in proc | sysfs | cgroup* | devpts | mqueue | debugfs | tracefs | securityfs | bpf | pstore) continue ;; esac
		case ,$options, in *,ro,*) continue ;; esac
		[ ! -d "$where" ] || echo "$where"
	done
}

# drill RUNG SIGNALS [UID]
drill() {
	local token count=40

	[ "$2" != KILL ] || count=200
	run_home "${3-}"
	token=$(secret)
	if [ -n "${DRILL_SOURCE-}" ]; then
		export DRILL_SOURCE=$T/source VALETKEY_CONFIG=$T/config.ini
		printf '[corp]\nurl = https://npm.example\nkind = bearer\nscope = @corp\nsecret = file:%s\n' "$DRILL_SOURCE" >"$VALETKEY_CONFIG"
		chmod 600 "$VALETKEY_CONFIG"
		chown --reference="$HOME" "$VALETKEY_CONFIG"
		printf %s "$token" >"$DRILL_SOURCE"
		chown --reference="$HOME" "$DRILL_SOURCE"
		count=8
	else
		put "$token" https://npm.example --scope @corp --kind bearer --username '' --name corp
	fi
	if [ "$1" = R1 ]; then
		"${V[@]}" run --require-rung R1 -- true || { [ "${CI-}" = true ] && return 1 || skip "R1 cannot be reached here"; }
	fi
	printf %s "$token" | timeout 280 python3 "$src/tests/e2e/drills.py" "$1" "$2" "${DRILLS:-$count}" "${V[@]}"
	[ -z "$(ls)" ]
	rm -f "$T/source"
	printf '%s\n' "$token" >"$SPOOL/token"
	"$src/packaging/quickstart.d/search.py" --newer "$SPOOL/began" --skip "$SPOOL/token" --skip /proc --skip /sys $(places) <"$SPOOL/token"
}

@test "SIGKILL on R1: no descendant, no file, no name" {
	drill R1 KILL
}

@test "SIGKILL on R1, another user" {
	drill R1 KILL "$run_uid"
}

@test "SIGKILL on R2: no holder, no file, no name" {
	drill R2 KILL
}

@test "SIGKILL on R2, another user" {
	drill R2 KILL "$run_uid"
}

@test "SIGKILL on R3: no guard, no file, no name" {
	drill R3 KILL
}

@test "SIGKILL on R3, another user" {
	drill R3 KILL "$run_uid"
}

@test "TERM INT HUP QUIT PIPE on R1" {
	drill R1 TERM,INT,HUP,QUIT,PIPE
}

@test "TERM INT HUP QUIT PIPE on R1, another user" {
	drill R1 TERM,INT,HUP,QUIT,PIPE "$run_uid"
}

@test "TERM INT HUP QUIT PIPE on R2" {
	drill R2 TERM,INT,HUP,QUIT,PIPE
}

@test "TERM INT HUP QUIT PIPE on R2, another user" {
	drill R2 TERM,INT,HUP,QUIT,PIPE "$run_uid"
}

@test "TERM INT HUP QUIT PIPE on R3" {
	drill R3 TERM,INT,HUP,QUIT,PIPE
}

@test "SIGKILL of every process of ours but the first, on R1: the command ends and so do we" {
	run_home
	"${V[@]}" run --require-rung R1 -- true || skip "R1 cannot be reached here"
	"${V[@]}" run --require-rung R1 -- sh -c 'echo ready >ready; sleep 96.5' &
	pid=$!
	while [ ! -s ready ]; do sleep 0.02; done
	init=$(pgrep -P "$pid" valetkey-init)
	kill -KILL "$init"
	status=0
	wait "$pid" || status=$?
	[ "$status" = 137 ]
	refute pgrep -f 'sleep 96[.]5'
}

@test "the search would find a token" {
	run_home
	token=$(secret)
	echo "$token" | base64 >/dev/shm/valetkey-drill-check
	touch "$SPOOL/began"
	echo "$token" | base64 >/dev/shm/valetkey-drill-check
	run "$src/packaging/quickstart.d/search.py" --newer "$SPOOL/began" --skip /proc --skip /sys /dev/shm <<<"$token"
	rm /dev/shm/valetkey-drill-check
	[ "$status" = 1 ]
	[[ $output == *valetkey-drill-check* ]]
	# and so would the drill
	cat >"$T/leaky" <<-L # a run that shows it
		#!/bin/sh
		shift 4
		exec env LEAK=$token "\$@"
	L
	chmod 755 "$T/leaky"
	run python3 "$src/tests/e2e/drills.py" R2 TERM 3 "$T/leaky" <<<"$token"
	[ "$status" != 0 ]
	[[ $output == *"TERM: "*"process "* ]]
}

@test "SIGKILL while a file follows its source, on each rung" {
	for rung in R1 R2 R3; do
		DRILL_SOURCE=1 drill "$rung" KILL
		run_end
	done
}

@test "SIGKILL while a file follows its source, another user" {
	for rung in R1 R2 R3; do
		DRILL_SOURCE=1 drill "$rung" KILL "$run_uid"
		run_end
	done
}
