#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What a server has given while something went wrong here: a login with refresh tokens of one use must not be lost with it.
# shellcheck disable=SC2154  # out, err and status come from split

bats_require_minimum_version 1.5.0
load login-lib

setup_file() { login_forge; }
teardown_file() { login_servers_end; }
setup() { login_home; }
teardown() {
	# shellcheck disable=SC2046
	kill $(jobs -p) 2>/dev/null || true
}

# slowly CASE SECONDS ACCESS REFRESH [EXPIRES_IN]: the answer to the next requests for a token, that late
slowly() {
	forge "$1" token "after $2 200 application/json
{\"access_token\": \"$3\", \"token_type\": \"bearer\", \"refresh_token\": \"$4\", \"expires_in\": ${5:-3600}}"
}

# interrupted SIGNAL CASE COMMAND...: sent while the server has been asked for a token and has not answered; status is how it ended
interrupted() {
	# What the shell starts in the background ignores SIGINT and SIGQUIT otherwise.
	python3 -c '
import os, signal, sys
for s in (signal.SIGINT, signal.SIGQUIT):
    signal.signal(s, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' "${@:3}" <"${IN:-/dev/null}" >"$2.out" 2>"$2.err" 3>&- &
	for _ in $(seq 100); do
		[ "$(asked "$2" access_token)" = 0 ] || break
		sleep 0.05
	done
	sleep 0.3
	kill -s "$1" $!
	status=0
	wait $! || status=$?
}

@test "a signal that comes while a renewal is under way ends us once what came is stored" {
	printf 'protocol=https\nhost=QUIT.example\n\n' >ask
	for signal in HUP INT QUIT TERM; do
		due $signal 1 &
	done
	wait
	sleep 1.2
	for signal in HUP INT QUIT TERM; do
		slowly $signal 2 fresh-$signal next-$signal
		if [ $signal = QUIT ]; then
			IN=ask interrupted $signal $signal git-credential-valetkey get
		else
			interrupted $signal $signal "$VALETKEY" get https://$signal.example
		fi
		echo "$signal: $status $(cat $signal.err)"
		[ "$status" = $((128 + $(kill -l $signal))) ]
		[ ! -s $signal.out ]
		[ "$(get $signal.example)" = fresh-$signal ]
		[ "$("$VALETKEY" export --clear | jq -r "select(.secret == \"fresh-$signal\") | .refresh")" = next-$signal ]
		[ "$(asked $signal access_token)" = 1 ]
	done
}

@test "so it is when a login has just been agreed to" {
	forge_device agreed
	slowly agreed 2 acc ref
	interrupted INT agreed "$VALETKEY" login agreed.example --issuer "$FORGE/agreed" --forge github --client-id Iv1.0123
	[ "$status" = 130 ]
	[ "$(get agreed.example)" = acc ]
}

@test "who waits for another's renewal can be interrupted at once" {
	due held 1
	sleep 1.2
	slowly held 3 fresh next
	get held.example >one 3>&- &
	one=$!
	for _ in $(seq 100); do
		[ "$(asked held access_token)" = 0 ] || break
		sleep 0.05
	done
	start=$(date +%s%N)
	interrupted TERM held "$VALETKEY" get https://held.example
	[ "$status" = 143 ]
	[ $((($(date +%s%N) - start) / 1000000)) -lt 1500 ]
	wait $one
	[ "$(cat one)" = fresh ]
}

@test "a token that has expired when it comes is the server's failure, and the one that is still good is given" {
	due brief 1 &
	due spare 40 &
	wait
	sleep 1.2
	for case in brief spare; do
		slowly $case 2.2 fresh-$case next-$case 1
	done
	split get brief.example
	[ "$status" = 6 ]
	[ -z "$out" ]
	[[ $err == *"$FORGE/brief does not renew it: the token that it gave had expired when it came"*"hint: valetkey login brief.example"* ]]
	split get spare.example
	[ "$status" = 0 ]
	[ "$out" = $'old-spare\n' ]
	[ -z "$err" ]
	# What it gave for the next time is kept.
	[ "$("$VALETKEY" export --clear | jq -r .refresh | sort)" = $'next-brief\nnext-spare' ]
	forge_token brief token fine last
	[ "$(get brief.example)" = fine ]
	grep -q refresh_token=next-brief "$E/forge/brief/log"
}

@test "what was renewed and cannot be stored is given, with a warning" {
	due full 1
	sleep 1.2
	forge_token full token fresh next
	before=$(keystore_sum)
	# shellcheck disable=SC2016
	split sh -c 'ulimit -f 1 && exec "$VALETKEY" get https://full.example'
	[ "$status" = 0 ]
	[ "$out" = $'fresh\n' ]
	[[ $err == "valetkey: warning: full.example was renewed, but cannot be stored, so that its login may have ended: cannot write"* ]]
	[[ $err != *fresh* ]]
	[[ $err != *next* ]]
	split sh -c 'ulimit -f 1 && printf "protocol=https\nhost=full.example\n\n" | git-credential-valetkey get'
	[[ $out == *$'\npassword=fresh\n'* ]]
	[[ $err == *"cannot be stored"* ]]
	# shellcheck disable=SC2016
	split sh -c 'ulimit -f 1 && exec "$VALETKEY" run --env TOKEN=keystore:full.example -- sh -c "[ \"\$TOKEN\" = fresh ]"'
	[ "$status" = 0 ]
	[[ $err == *"cannot be stored"* ]]
	[ "$before" = "$(keystore_sum)" ]
	split get full.example
	[ "$out" = $'fresh\n' ]
	[ -z "$err" ]
}
