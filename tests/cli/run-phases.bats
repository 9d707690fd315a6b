#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# --two-phase, --once and --ttl: real tools, a registry on loopback, and packages that steal what they can find.
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; out, err, status and rung come from the helpers

bats_require_minimum_version 1.5.0
load lib
load run-lib

setup() {
	run_home
}

teardown() {
	[ -z "${server-}" ] || kill "$server" 2>/dev/null || true
	run_end
}
