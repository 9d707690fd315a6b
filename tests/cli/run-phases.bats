#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# --two-phase: what each tool is told, word for word, and which of its parts have the credentials.
# shellcheck disable=SC2154  # out, err and status come from split

bats_require_minimum_version 1.5.0
load lib
load run-lib

setup() {
	run_home
	put npm-token https://npm.example --scope @corp --kind bearer --username '' --name corp
	put git-password https://git.example --username u
	# Under every name: its words, one line a call, and whether it has a credential, or can ask for one.
	cat >"$T/bin/tool" <<-'END'
		#!/bin/sh
		printf '%s %s' "${0##*/}" "$*" >>"$HOME/calls"
		if [ -n "$SECRET$VALETKEY_BROKER" ]; then printf ' | with' >>"$HOME/calls"; fi
		printf '%s' "${GOPROXY:+ | GOPROXY=$GOPROXY}${YARN_ENABLE_NETWORK:+ | network=$YARN_ENABLE_NETWORK}" >>"$HOME/calls"
		echo >>"$HOME/calls"
		case "$*" in *"$FAILS"*) exit 7 ;; esac
	END
	chmod 755 "$T/bin/tool"
	for name in npm pnpm yarn cargo go; do
		ln -s tool "$T/bin/$name"
	done
	export PATH=$T/bin:$PATH FAILS=nothing-does
}

teardown() {
	run_end
}

# two COMMAND...: in two phases
two() {
	rm -f "$HOME/calls"
	split "${V[@]}" run --two-phase --env SECRET=keystore:corp -- "$@"
}

# calls LINE...: these, in this order, and none else
calls() {
	[ "$status" = 0 ]
	printf '%s\n' "$@" | diff - "$HOME/calls"
}
@test "npm: without scripts whatever stands before or after; then what it fetched, and the project's own" {
	echo '{}' >package.json
	two npm ci --omit=dev --loglevel
	calls 'npm ci --ignore-scripts --omit=dev --loglevel --ignore-scripts | with' 'npm rebuild --omit=dev --loglevel'
	echo '{"scripts": {"prepublish": "x", "postprepare": "x"}}' >package.json
	two npm install
	calls 'npm install --ignore-scripts --ignore-scripts | with' 'npm rebuild' 'npm run --if-present prepublish' \
		'npm run --if-present postprepare'
	echo '{"scripts": {"preprepare": "x", "prepare": "x", "postprepare": "x"}}' >package.json
	two npm i
	calls 'npm i --ignore-scripts --ignore-scripts | with' 'npm rebuild' 'npm run --if-present prepare'
}

@test "pnpm and yarn, both generations" {
	two pnpm i -C sub --prod --filter=a
	calls 'pnpm i --ignore-scripts -C sub --prod --filter=a --ignore-scripts | with' 'pnpm -C sub --filter=a rebuild --pending'
	# Without a command it installs too.
	two yarn --check-files
	calls 'yarn install --ignore-scripts --check-files --ignore-scripts | with' \
		'yarn install --check-files --offline --force | network=0'
	echo '__metadata:' >yarn.lock
	two yarn install --immutable
	calls 'yarn install --mode=skip-build --immutable | with' 'yarn install --immutable | network=0'
	rm yarn.lock
	touch .yarnrc.yml
	two yarn
	calls 'yarn install --mode=skip-build | with' 'yarn install | network=0'
}

@test "cargo and go: what fetches knows only some of the options" {
	two cargo test --frozen --config a=b --release -v -- --config x
	calls 'cargo fetch --config a=b -v --locked | with' 'cargo test --offline --frozen --config a=b --release -v -- --config x'
	two go build -C sub -modfile=x.mod -v ./...
	calls 'go mod download -C sub -modfile=x.mod | with' 'go build -C sub -modfile=x.mod -v ./... | GOPROXY=off'
}

@test "the first part that fails is the last, with its status" {
	FAILS=ci two npm ci
	[ "$status" = 7 ]
	[ "$(cat "$HOME/calls")" = 'npm ci --ignore-scripts --ignore-scripts | with' ]
	FAILS=rebuild two npm ci
	[ "$status" = 7 ]
	[ "$(tail -n 1 "$HOME/calls")" = 'npm rebuild' ]
}

@test "R1: what the first part left running has ended before the second begins" {
	"${V[@]}" run --require-rung R1 -- true 2>/dev/null || { [ "${CI-}" = true ] && return 1 || skip "R1 cannot be reached here"; }
	rm "$T/bin/npm"
	cat >"$T/bin/npm" <<-'END'
		#!/bin/sh
		case $1 in
		ci)
			setsid sleep 1000 >/dev/null 2>&1 3>&- &
			echo $! >left
			;;
		rebuild)
			if kill -0 "$(cat left)"; then echo lives; else echo ended; fi 2>/dev/null
			;;
		esac
	END
	chmod 755 "$T/bin/npm"
	split timeout -s KILL 40 "${V[@]}" run --require-rung R1 --two-phase -- npm ci
	[ "$status" = 0 ]
	[ "$out" = $'ended\n' ]
}

@test "what cannot be taken apart is refused, and nothing starts" {
	echo 'configDependencies:' >"$T/work/pnpm-workspace.yaml"
	mkdir -p sub
	while read -r command; do
		# shellcheck disable=SC2086
		two $command
		[ "$status" = 125 ] || { echo "$command: $status"; false; }
		[[ $err == *"--two-phase"* ]]
		[ ! -e "$HOME/calls" ]
	done <<-'END'
		npm publish
		npm install left-pad
		npm ci --omit dev x
		npm ci --
		npm ci --no-ignore-scripts
		npm ci --ignore-s=false
		yarn add x
		yarn install --mode=x
		pnpm install
		pnpm install -C sub
		cargo publish
		go run x@latest
		make
	END
}
