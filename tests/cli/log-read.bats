#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Reading the log, and being told about it.

bats_require_minimum_version 1.5.0
load lib
load helpers
load run-lib
load log-lib

setup() {
	log_setup
}

@test "log: hostile bytes are escaped in the file and on the terminal" {
	printf 'protocol=https\nhost=git.example\npath=a\302\2331;31mb"c\\\\d\377e\n' >in
	split "$VALETKEY" helper git-credential get <in
	printf 'protocol=https\nhost=git.example\npath=a"b\302\2331;31m\377e {}[]:,\n' >in
	split "$VALETKEY" helper git-credential get <in
	[ "$(wc -l <"$L")" -eq 2 ]
	jq -e . "$L" >/dev/null
	[ "$(last .path)" = $'a"b\302\2331;31m\357\277\275e {}[]:,' ]
	refute env LC_ALL=C grep -q $'\302\233\|\377\|\033' "$L"
	# a file of somebody else's making
	printf '{"time":"2030-01-01T00:00:00.000Z","event":"an\302\233swer\177","host":"\\u001b[31m","result":"ok"}\n' >"$T/other"
	split "$VALETKEY" log "$T/other"
	[[ $status -eq 0 && $out != *$'\033'* && $out != *$'\302\233'* && $out != *$'\177'* ]]
	split "$VALETKEY" log --json "$T/other"
	[[ $status -eq 0 && $out == *'an\u009bswer\u007f'* && $out == *'\u001b[31m'* ]]
}

@test "log: the table, and what it can be narrowed to" {
	run -1 "$VALETKEY" log
	[[ $output == *"no log"* ]]
	vk_add https://two.example:8443 u2 p2 --name second
	ask_git get "$H"
	ask_git get 'protocol=https\nhost=two.example:8443\n'
	ask_git get 'protocol=https\nhost=none.example\n'
	"$VALETKEY" run --credential work --with netrc -- true
	split "$VALETKEY" log
	[[ $status -eq 0 && $out == "TIME "*RESULT$'\n'* && $(grep -c '' <<<"$out") -eq 7 ]]
	[[ $out == *"answer  git     bash "*"https://two.example:8443"*" second "*ok$'\n'* ]]
	[[ $out == *"end     run     true "*"status 0"*ok$'\n'* ]]
	count() {
		local n=$1

		shift
		split "$VALETKEY" log --json "$@"
		[[ $(grep -c . <<<"$out") -eq $n && $status -eq $((n == 0)) ]] || show_run
	}
	count 5
	"$VALETKEY" log --json | cmp - "$L"
	count 1 --host two.example
	count 1 --host TWO.example:8443
	count 0 --host two.example:443
	count 2 --host git.example
	count 2 --credential work
	count 1 --credential work --event answer
	count 1 --event refuse
	count 1 --event end
	count 2 --last 2
	[ "$(jq -r .event <<<"$out" | tr '\n' ' ')" = "inject end " ]
	count 1 --last 1 --host git.example
	[ "$(jq -r .event <<<"$out")" = inject ]
	count 5 --last 100000
	count 5 --since 10m
	count 5 --since 1970-01-02
	count 5 --since 0
	count 0 --since 2999-01-01
	count 0 --since "$(date -u -d '+1 hour' +%FT%TZ)"
	count 5 --since "$(date -u -d '-1 hour' +%s)"
	printf '{"time":"2020-05-05T05:05:05.005Z","event":"answer","host":"git.example","result":"ok"}\n' >old
	count 1 --since 2020-05-05T05:05:05Z old
	count 1 --since 2020-05-05 old
	count 0 --since 2020-05-05T05:05:06Z old
	for bad in '--since soon' '--event answers' '--last 0' '--last x'; do
		# shellcheck disable=SC2086
		run -2 "$VALETKEY" log $bad
	done
	config 'when-locked = error'
	unset VALETKEY_LOG
	run -2 "$VALETKEY" log
	[[ $output == *"nothing is logged"* ]]
	run -2 "$VALETKEY" log "$T"
	VALETKEY_LOG=journal run -2 "$VALETKEY" log
	[[ $output == *"journalctl -t valetkey"* ]]
}

@test "log: damaged lines are counted and left out, whole ones found behind them" {
	for i in 1 2 3 4 5 6; do ask_git get "${H}path=$i\n"; done
	# cut, glued to the next, noise, a NUL, an array, half an object at the end
	{
		sed -n 1p "$L"
		sed -n 2p "$L" | head -c 50
		sed -n 3p "$L"
		head -c 300 /dev/zero
		echo
		echo '[1,2]'
		echo '{"time":"x"}'
		echo
		head -c 200000 /dev/zero | tr '\0' x
		sed -n 4p "$L"
		sed -n 5p "$L"
		sed -n 6p "$L" | head -c 60
	} >damaged
	split "$VALETKEY" log --json damaged
	[[ $status -eq 5 && $err == *"lines are damaged"* ]]
	[ "$(jq -r .path <<<"$out" | tr -d '\n')" = 1345 ]
	# a last line without its LF is whole all the same
	sed -n 1p "$L" | head -c -1 >whole
	split "$VALETKEY" log --json whole
	[[ $status -eq 0 && $out == *'"result":"ok"}'$'\n' ]]
	# any byte of it changed: never a crash, and the others are shown
	for i in $(seq 0 23 450); do
		{ sed -n 1p "$L"; sed -n 2p "$L"; sed -n 3p "$L"; } >flipped
		printf '\377' | dd of=flipped bs=1 seek=$((i + 200)) conv=notrunc 2>/dev/null
		split "$VALETKEY" log --json flipped
		[[ $status -eq 0 || $status -eq 5 ]] || show_run
		[ "$(grep -c . <<<"$out")" -ge 1 ]
	done
}

@test "log: status and doctor say where it goes, and whether it can" {
	split "$VALETKEY" status
	[[ $out == *"log       $L, can be written"* ]]
	[ ! -e "$L" ]
	[ "$("$VALETKEY" status --json | jq -c .log)" = "{\"writable\":true,\"required\":false,\"to\":\"$L\",\"reason\":\"\"}" ]
	run "$VALETKEY" doctor
	[[ $output == *"ok  log         $L can be written"* ]]
	ln -s /nowhere "$L"
	split "$VALETKEY" status
	[[ $status -eq 0 && $out == *"log       $L: the log $L is a symbolic link"* ]]
	[ "$("$VALETKEY" status --json | jq -c .log.writable)" = false ]
	run "$VALETKEY" doctor
	[[ $output == *"!!  log         the log $L is a symbolic link"* ]]
	rm "$L"
	VALETKEY_LOG=/no/such/dir/log run "$VALETKEY" doctor
	[[ $output == *"!!  log         the log cannot be made in /no/such/dir"* ]]
	unset VALETKEY_LOG
	split "$VALETKEY" status
	[[ $out == *"log       none"* ]]
	[ "$("$VALETKEY" status --json | jq -c .log)" = null ]
	config "log = $L" 'log-required = yes'
	split "$VALETKEY" status
	[[ $out == *"log       $L, can be written; nothing is given without"* ]]
}
