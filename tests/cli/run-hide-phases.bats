#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# run --two-phase on R2 and R3: what the part without credentials does not find.
# shellcheck disable=SC2016,SC2154,SC2030,SC2031  # the scripts are the command's; variables come from run-lib

load lib
load run-lib
load hide-lib

@test "--two-phase brings the gate along, for the part that has no credentials" {
	as_each two_phases
}

two_phases() {
	# A stand-in for npm: what it does is not the point.
	cat >"$T/bin/npm" <<-'END'
		#!/bin/sh
		case $* in *rebuild*) cat "$@" "$VK_KEY" "$VK_STORE" "$HOME/.netrc" >"$HOME/loot" 2>/dev/null; echo new >"$HOME/new"; cat "$HOME/new" ;; esac
	END
	chmod 755 "$T/bin/npm"
	export VK_KEY=$VALETKEY_KEY_FILE VK_STORE=$VALETKEY_KEYSTORE
	split "${V[@]}" run --rung "$1" --two-phase -- "$T/bin/npm" ci
	[ "$status" = 0 ]
	[[ $out == *new* ]]
	[ ! -s "$HOME/loot" ]
	# As much as the command could read else, and can with --no-confine.
	split "${V[@]}" run --rung "$1" --two-phase --no-confine -- "$T/bin/npm" ci
	grep -aq hush "$HOME/loot"
	[ "$(wc -c <"$HOME/loot")" -gt 4096 ]
	rm -f "$HOME/loot" "$HOME/new" "$T/bin/npm"
}
