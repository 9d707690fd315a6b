#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# {secrets} and --build-secret, up to the client's arguments; real builds are in tests/e2e.
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; out, err, status and rung come from the helpers

bats_require_minimum_version 1.5.0
load lib
load run-lib

setup() {
	run_home
	put tok https://npm.example --scope @corp --kind bearer --username '' --name corp
	put pass https://git.example --username u --name git
}

teardown() {
	run_end
}

# A client that shows its arguments and the files they name, twice.
client='for a; do printf "[%s]\n" "$a"; f=${a##*src=}; [ "$f" = "$a" ] || { cat "$f" "$f"; stat -L -c "%F %a" "$f"; }; done'

@test "recipes, references and credentials become --secret options in place" {
	printf 'from-file\n' >f
	echo 'prefix=/home/u' >"$HOME/.npmrc"
	options() {
		split env A=from-env "${V[@]}" run "${rung[@]}" --build-secret npmrc --build-secret n=netrc --build-secret git \
			--build-secret e=env:A --build-secret "f=file:$PWD/f" -- sh -c "$client" sh build "{secrets}" -t x .
		[ "$status" = 0 ]
		sed -E 's/src=.*\]/src=PATH]/' "$T/out" >got
		diff got - <<-'G'
			[build]
			[--secret]
			[id=npmrc,type=file,src=PATH]
			@corp:registry=https://npm.example/
			//npm.example/:_authToken=tok
			@corp:registry=https://npm.example/
			//npm.example/:_authToken=tok
			regular file 400
			[--secret]
			[id=n,type=file,src=PATH]
			machine git.example login u password pass
			machine git.example login u password pass
			regular file 400
			[--secret]
			[id=git,type=file,src=PATH]
			passpassregular file 400
			[--secret]
			[id=e,type=file,src=PATH]
			from-envfrom-envregular file 400
			[--secret]
			[id=f,type=file,src=PATH]
			from-filefrom-fileregular file 400
			[-t]
			[x]
			[.]
		G
	}
	on_rungs options
}

@test "within a shell's command line" {
	line() {
		split "${V[@]}" run "${rung[@]}" --build-secret git --build-secret npmrc -- sh -c 'for a in x{secrets} y; do echo "$a"; done; cat $(echo {secrets} | sed "s/.*id=git[^ ]*src=\([^ ]*\).*/\1/")'
		[ "$status" = 0 ]
		[ "$(grep -c -e '^x--secret$' -e '^--secret$' -e '^y$' "$T/out")" = 3 ]
		[[ $out == *pass ]]
	}
	on_rungs line
}

@test "{secrets} and --build-secret need each other; ids are checked; nothing starts" {
	refused() {
		split "${V[@]}" run "$@"
		[ "$status" = 125 ] && [ ! -e started ] || { echo "not refused: $*"; return 1; }
	}
	refused --build-secret npmrc -- touch started
	refused -- touch started "{secrets}"
	refused --build-secret 'a,b=git' -- touch started "{secrets}"
	refused --build-secret '../a=npm' -- touch started "{secrets}"
	refused --build-secret '=npm' -- touch started "{secrets}"
	refused --build-secret npmrc --build-secret npmrc=npm -- touch started "{secrets}"
	refused --build-secret x=maven -- touch started "{secrets}"
	refused --build-secret x=git -- touch started "{secrets}"
	refused --build-secret x=env:NOT_SET -- touch started "{secrets}"
	refused --build-secret no-such-credential -- touch started "{secrets}"
	refused --credential git --build-secret npmrc -- touch started "{secrets}"
}
