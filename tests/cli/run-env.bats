#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The environment of the command: what it must not have, and what --env gives it.
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

@test "sources and what bears credentials are removed; everything else stays" {
	cat >c.ini <<-'I'
		[a]
		url = https://a.example
		username = u
		secret = env:MY_SOURCE
	I
	removed() {
		env -i PATH="$PATH" HOME="$HOME" VALETKEY_KEYSTORE="$VALETKEY_KEYSTORE" VALETKEY_KEY_FILE="$VALETKEY_KEY_FILE" \
			MY_SOURCE=s0urce-value COPY_OF_IT='x s0urce-value y' VALETKEY_KEY= NPM_TOKEN=n NODE_AUTH_TOKEN=n GITHUB_TOKEN=g CI_JOB_TOKEN=c \
			VAULT_TOKEN=v DOCKER_AUTH_CONFIG='{}' ACTIONS_ID_TOKEN_REQUEST_TOKEN=a ACTIONS_ID_TOKEN_REQUEST_URL=b \
			'npm_config_//h/:_authToken=t' NPM_CONFIG__AUTH=t KEPT='a b' EMPTY= $'LINES=a\nb' 'odd-name=1' \
			"${V[@]}" run --config c.ini "${rung[@]}" -- env -0 | tr '\0\n' '\n ' | sort >got
		refute grep -E '^(MY_SOURCE|COPY_OF_IT|VALETKEY_KEY|NPM_TOKEN|NODE_AUTH_TOKEN|GITHUB_TOKEN|CI_JOB_TOKEN|VAULT_TOKEN|DOCKER_AUTH|ACTIONS_ID|npm_config_//|NPM_CONFIG__)' got
		refute grep s0urce-value got
		grep -qx 'KEPT=a b' got
		grep -qx 'EMPTY=' got
		grep -qx 'LINES=a b' got
		grep -qx 'odd-name=1' got
	}
	on_rungs removed
}

@test "while the command runs, our own process does not show the removed values either" {
	[ "$(id -u)" = 0 ] || skip "needs root to look"
	token=$(secret)
	printf '[a]\nurl = https://a.example\nusername = u\nsecret = env:MY_SOURCE\n' >c.ini
	own() {
		MY_SOURCE=$token OTHER=visible "${V[@]}" run --config c.ini --max-rung R2 -- sh -ec '
			tr "\0" "\n" <"/proc/$PPID/environ" | grep -q OTHER=visible
			if grep -q "$1" "/proc/$PPID/environ"; then exit 1; fi
			for pid in $(pgrep -P "$PPID" valetkey); do
				tr "\0" "\n" <"/proc/$pid/environ" | grep -q "^HOME=" || seen=$seen.
				if grep -q "$1" "/proc/$pid/environ"; then exit 1; fi
			done
			test "$seen" = .' sh "$token"
	}
	rung=()
	own
}

@test "--env gives a variable, and only to the command" {
	token=$(secret)
	put "$token" https://h.example --username u --name entry
	printf '%s\n' "$token" >file
	given() {
		SRC=$token split "${V[@]}" run "${rung[@]}" --env A=keystore:entry --env B=env:SRC --env "C=file:$PWD/file" --env HOME=keystore:entry -- \
			sh -c 'test "$A$B$C" = "$1$1$1" && test "$HOME" = "$1" && test -z "${SRC+x}"' sh "$token"
		[ "$status" = 0 ]
		[ -z "$out$err" ]
	}
	on_rungs given
}

@test "--env with a reference that fails starts nothing and does not repeat what it was given" {
	for ref in X=keystore:none X=env:NONE X=file:/none X=file:relative; do
		split "${V[@]}" run --env "$ref" -- touch started
		[ "$status" = 125 ]
		[ ! -e started ]
	done
	split "${V[@]}" run --env X=hunter2 -- touch started
	[ "$status" = 125 ]
	[[ $err != *hunter2* ]]
	[ ! -e started ]
}

# What an import has chosen is in it, and it is there to be copied into a shell.
@test "an expired entry refuses a run with the command that replaces it" {
	soon=$(($(date +%s) + 2))
	put old https://a.example --username "u'; touch started #" --name basic --expires "$soon"
	put old https://b.example --scope @corp --name npm --expires "$soon"
	put old https://c.example/x --kind header --header X-Key --name header --expires "$soon"
	put old https://d.example --username robot --kind bearer --name bearer --expires "$soon"
	while [ "$(date +%s)" -le "$soon" ]; do sleep 0.2; done
	"${V[@]}" list --json | jq -S 'sort_by(.name) | map(del(.created, .expires, .expired))' >before
	# One after the other is what the run trips over.
	for _ in 1 2 3 4; do
		split "${V[@]}" run -- touch started
		[ "$status" = 125 ]
		[[ $err == *expired*'hint: valetkey add --replace '*'; or name the credentials with --credential'* ]]
		hint=${err#*hint: valetkey }
		printf new | eval '"${V[@]}"' "${hint%%; or name*}"
	done
	[ ! -e started ]
	split "${V[@]}" run -- touch started
	[ "$status" = 0 ]
	"${V[@]}" list --json | jq -S 'sort_by(.name) | map(del(.created, .expires, .expired))' | diff before -
}

@test "without a keystore a run says that it has no credentials, unless it has them from elsewhere" {
	rm "$VALETKEY_KEYSTORE"
	for with in "" "--with npm"; do
		# shellcheck disable=SC2086 # words
		split "${V[@]}" run $with -- sh -c 'test -z "${NETRC+x}" && echo ran'
		[ "$status.$out" = $'0.ran\n' ]
		[[ $err == *"this run has no credentials: there is no keystore at $VALETKEY_KEYSTORE"*'valetkey init'* ]]
	done
	# Once, also where the command starts another.
	split "${V[@]}" run -- "${V[@]}" run -- true
	[ "$(grep -c 'no credentials' <<<"$err")" = 1 ]
	SRC=x split "${V[@]}" run --env A=env:SRC -- true
	[ "$status.$err" = 0. ]
	SRC=x split "${V[@]}" run --build-secret id=env:SRC -- echo {secrets}
	[ "$status.$err" = 0. ]
	printf '[a]\nurl = https://a.example\nusername = u\nsecret = env:SRC\n' >c.ini
	SRC=x split "${V[@]}" run --config c.ini -- true
	[ "$status.$err" = 0. ]
	"${V[@]}" init --key-file "$T/key2" >/dev/null
	VALETKEY_KEY_FILE=$T/key2 split "${V[@]}" run -- true
	[ "$status.$err" = 0. ]
}

@test "a profile narrows, and --credential narrows more" {
	put aaa https://a.example --username u --name a
	put bbb https://b.example --username u --name b
	cat >c.ini <<-'I'
		[profile p]
		credentials = a
		with = netrc
	I
	split "${V[@]}" run --config c.ini --profile p -- sh -c 'cat "$NETRC"'
	[ "$out" = $'machine a.example login u password aaa\n' ]
	split "${V[@]}" run --credential b --with netrc -- sh -c 'cat "$NETRC"'
	[ "$out" = $'machine b.example login u password bbb\n' ]
	split "${V[@]}" run --credential a,b --with netrc -- sh -c 'grep -c machine "$NETRC"'
	[ "$out" = $'2\n' ]
	split "${V[@]}" run --config c.ini --profile p --credential b -- touch started
	[ "$status" = 125 ]
	[ ! -e started ]
}

@test "netrc: hidden in R1 where there is one, other machines left out and named" {
	put aaa https://a.example --username u --name a
	printf 'machine x.example login y password zzz\n' >"$HOME/.netrc"
	chmod 600 "$HOME/.netrc"
	sum=$(sha256sum "$HOME/.netrc")
	with_netrc() {
		split "${V[@]}" run "${rung[@]}" --with netrc -- sh -c 'cat "$NETRC"; echo; cat "$HOME/.netrc"'
		if [ "$1" = R1 ]; then
			[ "$out" = $'machine a.example login u password aaa\n\nmachine a.example login u password aaa\n' ]
		else
			[ "$out" = $'machine a.example login u password aaa\n\nmachine x.example login y password zzz\n' ]
		fi
		[[ $err == *"left out of"*".netrc"*x.example* && $err != *zzz* ]]
		split "${V[@]}" run "${rung[@]}" --with netrc --keep-own-credentials -- sh -c 'grep -c machine "$NETRC"'
		[ "$out" = $'2\n' ]
		[ "$(sha256sum "$HOME/.netrc")" = "$sum" ]
	}
	on_rungs with_netrc
	rm "$HOME/.netrc"
	none() { "${V[@]}" run "${rung[@]}" --with netrc -- sh -c 'test ! -e "$HOME/.netrc"'; }
	on_rungs none
	put bbb https://b.example:8443 --username u --name port
	split "${V[@]}" run --with netrc -- touch started
	[ "$status" = 125 ]
	[ ! -e started ]
	[[ $err == *port* ]]
}

@test "curl, python and go read the netrc of a run" {
	put 'p%$w0rd~' https://127.0.0.1 --username user --name a
	put 'other' https://localhost --username v --name b
	readers() {
		if command -v python3 >/dev/null; then
			split "${V[@]}" run "${rung[@]}" --with netrc -- python3 -c 'import netrc, os; print(netrc.netrc(os.environ["NETRC"]).authenticators("127.0.0.1"))'
			[ "$out" = $'(\'user\', \'\', \'p%$w0rd~\')\n' ]
		fi
		if command -v curl >/dev/null; then
			split "${V[@]}" run "${rung[@]}" --with netrc -- sh -c 'curl -sv --max-time 5 --netrc-file "$NETRC" https://127.0.0.1:1/ 2>&1; true'
			[ "$status" = 0 ]
		fi
	}
	on_rungs readers
}
