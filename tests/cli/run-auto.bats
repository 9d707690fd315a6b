#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# --with auto: which tools a project and a command call for.
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; out, err, status and rung come from the helpers

bats_require_minimum_version 1.5.0
load lib
load run-lib

setup() {
	run_home
	put t0ken https://h.example --username u --name one
	mkdir project
	cd project || return
}

teardown() {
	run_end
}

# chosen [COMMAND...]: what auto says for the files that are here
chosen() {
	[ $# -gt 0 ] || set -- true
	split "${V[@]}" run --with auto -- "$@"
	sed -n 's/^valetkey: auto: //p' <<<"$err"
}

@test "files of the project, each family once, with the reason" {
	touch go.mod package.json package-lock.json Gemfile
	[ "$(chosen)" = 'npm (package-lock.json), go (go.mod), bundler (Gemfile)' ]
	rm package-lock.json go.mod
	[ "$(chosen)" = 'npm (package.json), bundler (Gemfile)' ]
	touch main.tf b.tf Dockerfile
	[ "$(chosen)" = 'npm (package.json), bundler (Gemfile), terraform (b.tf), docker (Dockerfile)' ]
	# A name that begins with a dot, and one that only looks like another.
	rm -f ./*
	touch .x.tf Gemfile.lock go.mod.bak Xcomposer.json
	split "${V[@]}" run --with auto -- true
	[ "$status" = 125 ]
	[[ $err == *'nothing here tells which tools'*'--with'* ]]
}

@test "npm's relatives by their lock files and settings" {
	for pair in pnpm-lock.yaml=pnpm pnpm-workspace.yaml=pnpm bun.lock=bun yarn.lock=yarn .yarnrc.yml=yarn-berry package-lock.json=npm deno.json=deno; do
		touch package.json "${pair%=*}"
		[ "$(chosen)" = "${pair#*=} (${pair%=*})" ]
		rm "${pair%=*}"
	done
	printf '__metadata:\n  version: 8\n' >yarn.lock
	[ "$(chosen)" = 'yarn-berry (yarn.lock)' ]
	rm yarn.lock
	echo '{"version": "5", "remote": {"https://h.example/mod.ts": "0"}}' >deno.lock
	[ "$(chosen)" = 'deno (deno.lock), deno-modules (deno.lock)' ]
	touch package-lock.json
	rm deno.lock
	cp /bin/true "$T/pnpm"
	[ "$(chosen "$T/pnpm")" = 'pnpm (the command)' ]
}

@test "conda by its files; swift where something comes from a registry or as an archive" {
	touch environment.yaml
	[ "$(chosen)" = 'conda (environment.yaml)' ]
	touch requirements.txt
	[ "$(chosen)" = 'pip (requirements.txt)' ]
	touch conda-lock.yml
	[ "$(chosen)" = 'conda (conda-lock.yml)' ]
	rm ./*
	touch go.mod
	printf '.package(url: "https://git.example/x.git", from: "1.0.0")\n' >Package.swift
	printf '{"pins": [{"kind" : "remoteSourceControl"}], "version" : 2}\n' >Package.resolved
	[ "$(chosen)" = 'go (go.mod)' ]
	touch "$HOME/.netrc"
	printf '.package(id: "corp.greeting", from: "1.0.0")\n' >Package.swift
	[ "$(chosen)" = 'go (go.mod), swift (Package.swift)' ]
	printf '.binaryTarget(name: "x", url: "https://h.example/x.zip", checksum: "0")\n' >Package.swift
	[ "$(chosen)" = 'go (go.mod), swift (Package.swift)' ]
	printf '{"pins": [{"kind" : "registry"}], "version" : 2}\n' >Package.resolved
	[ "$(chosen)" = 'go (go.mod), swift (Package.resolved)' ]
}

@test "the command's own name counts more than any file" {
	cp /bin/true "$T/go"
	touch package.json
	[ "$(chosen "$T/go")" = 'go (the command), npm (package.json)' ]
}

@test "directories above count within a repository, and no further" {
	mkdir -p repo/a/b
	touch go.mod repo/composer.json repo/a/Gemfile
	cd repo/a/b
	split "${V[@]}" run --with auto -- true
	[ "$status" = 125 ]
	mkdir ../../.git
	[ "$(chosen)" = 'bundler (Gemfile), composer (composer.json), git (.git)' ]
}

@test "auto beside names, and in a profile; each recipe once" {
	touch go.mod
	split "${V[@]}" run --with auto,git --with go --verbose -- true
	[ "$status" = 0 ]
	[ "$(grep -c 'recipe go:' <<<"$err")" = 1 ]
	[ "$(grep -c 'recipe git:' <<<"$err")" = 1 ]
	mkdir -p "$HOME/.config/valetkey"
	printf '[profile ci]\ncredentials = one\nwith = auto\n' >"$HOME/.config/valetkey/config.ini"
	split "${V[@]}" run --profile ci -- sh -c 'echo "$GOAUTH"'
	[[ $out == *'helper goauth'* ]]
}

@test "what auto chose and has nothing for is no reason to warn; what was named is" {
	put k3y https://k.example --kind header --header X-Key --name two
	touch go.mod Gemfile
	split "${V[@]}" run --with auto --credential two -- true
	[ "$status" = 0 ]
	[[ $err != *'takes none'* ]]
	split "${V[@]}" run --with auto,bundler --credential two -- true
	[[ $err == *'recipe bundler takes none'* ]]
}

@test "names of files with control characters reach no terminal, and what cannot be read says nothing" {
	touch "$(printf 'a\033]0;x\a.tf')"
	chosen >"$T/said"
	grep -q 'terraform (a' "$T/said"
	run ! grep -q "$(printf '\033')" "$T/err"
	rm -f ./*
	touch go.mod
	ln -s /nowhere composer.json
	mkfifo requirements.txt
	[ "$(chosen)" = 'pip (requirements.txt), go (go.mod), composer (composer.json)' ]
}
