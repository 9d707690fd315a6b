#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# run --mask on a terminal: the command has one of its own, and whoever sits at ours does not notice.

bats_require_minimum_version 1.5.0
load lib
load run-lib

setup() {
	run_home
	token=$(secret)
	put "$token" https://host.example --username u --name entry
}

teardown() {
	run_end
}

# at_terminal CASE: on both rungs
at_terminal() {
	timeout 120 python3 "$BATS_TEST_DIRNAME/at-terminal.py" "$1" "$T/bin/valetkey" "$token" --rung R2
	if "$T/bin/valetkey" run --rung R1 -- true 2>/dev/null; then
		timeout 120 python3 "$BATS_TEST_DIRNAME/at-terminal.py" "$1" "$T/bin/valetkey" "$token" --rung R1
	fi
}

@test "on a terminal: secrets are hidden on both streams, which are one" {
	at_terminal hidden
}

@test "on a terminal: a secret that comes byte by byte" {
	at_terminal slowly
}

@test "on a terminal: what is typed appears at once" {
	at_terminal echo
}

@test "on a terminal: a prompt for a password" {
	at_terminal password
}

@test "on a terminal: interrupts, and keys that are no interrupts" {
	at_terminal keys
}

@test "on a terminal: stop, background, foreground; a shell inside" {
	at_terminal jobs
}

@test "on a terminal: its size" {
	at_terminal size
}

@test "on a terminal: as it was, however the run ends" {
	at_terminal restored
}

@test "on a terminal: a pager and an editor" {
	command -v less >/dev/null && command -v vi >/dev/null || skip "no less or vi here"
	at_terminal editor
}

@test "on a terminal: its end is the command's" {
	at_terminal hangup
}
