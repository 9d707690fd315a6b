#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Registering valetkey with NuGet, which has no file for it: links, where nuget.exe and dotnet look.

bats_require_minimum_version 1.5.0
load lib
load setup-lib

# found_by URL: what the program that nuget.exe would start answers for it
found_by() {
	printf '{"RequestId":"1","Type":"Request","Method":"GetAuthenticationCredentials","Payload":{"Uri":"%s"}}\n' "$1" |
		"$N" -Plugin | jq -r 'select(.Type == "Response").Payload.Password'
}

prepare() {
	N=$HOME/.nuget/plugins/netfx/nuget-plugin-valetkey/nuget-plugin-valetkey.exe
}

@test "setup nuget: links for both clients, once, and undone" {
	prepare
	mkdir -p "$HOME/.nuget/plugins/netfx"
	find "$HOME" | sort >before
	run -0 --separate-stderr "$V" setup nuget
	# shellcheck disable=SC2154 # from run
	[[ $stderr == *"$N is a link"*"$T/bin/nuget-plugin-valetkey is a link"*'dotnet before SDK 9.0.200'* ]]
	[ "$output" = "nuget: valetkey is set up in $N" ]
	[ "$(readlink "$N")" = "$V" ]
	[ "$(readlink "$T/bin/nuget-plugin-valetkey")" = "$V" ]
	[ "$(found_by https://git.example/v3/index.json)" = s3cret ]
	[ "$(found_by https://deep.example:8443/team/a/index.json)" = p4th ]
	[ "$(found_by https://deep.example:8443/team/index.json)" = null ]
	inode=$(stat -c %i "$N" "$T/bin/nuget-plugin-valetkey")
	run -0 --separate-stderr "$V" setup nuget
	[[ $output == 'nuget: already set up'* ]]
	[ "$inode" = "$(stat -c %i "$N" "$T/bin/nuget-plugin-valetkey")" ]
	jq -e --arg a "$N" --arg b "$T/bin/nuget-plugin-valetkey" '.links == [$a, $b]' "$(state)"
	run -0 "$V" setup nuget --undo
	[ "$output" = "nuget: $N is gone again: setup had made it" ]
	[ ! -L "$T/bin/nuget-plugin-valetkey" ]
	[ -z "$(state)" ]
	rm -rf "$HOME/.local"
	find "$HOME" | sort | cmp - before
	run -0 "$V" setup nuget --undo
	[ "$output" = 'nuget: not set up' ]
}

@test "setup nuget: what an installation has on PATH is used, and stays" {
	prepare
	ln -s valetkey "$T/bin/nuget-plugin-valetkey"
	run -0 --separate-stderr env NUGET_PLUGIN_PATHS=/other "$V" setup nuget
	[[ $stderr != *"$T/bin/nuget-plugin-valetkey is a link"* ]]
	[[ $stderr == *'the variable NUGET_PLUGIN_PATHS is set'* ]]
	"$V" setup nuget --undo
	[ "$(readlink "$T/bin/nuget-plugin-valetkey")" = valetkey ]
	[ ! -e "$N" ]
}

@test "setup nuget --print: the links, and nothing is changed" {
	prepare
	find "$T" | sort >"$BATS_FILE_TMPDIR/before"
	run -0 "$V" setup nuget --print
	find "$T" | sort | cmp - "$BATS_FILE_TMPDIR/before"
	# They are for a shell, and can be given to it again.
	for _ in 1 2; do
		sh -ec "$output"
		[ "$(readlink "$N")" = "$V" ]
		[ "$(readlink "$T/bin/nuget-plugin-valetkey")" = "$V" ]
	done
	"$V" setup nuget
}

@test "setup nuget: with another PATH the first link is not forgotten" {
	prepare
	mkdir "$HOME/one" "$HOME/two"
	rest=$PATH
	PATH=$HOME/one:$rest "$V" setup nuget
	[ -L "$HOME/one/nuget-plugin-valetkey" ]
	PATH=$HOME/two:$rest "$V" setup nuget
	[ -L "$HOME/two/nuget-plugin-valetkey" ]
	jq -e --arg a "$HOME/one/nuget-plugin-valetkey" --arg b "$HOME/two/nuget-plugin-valetkey" '.links[1:] == [$b, $a]' "$(state)"
	# What somebody took away or replaced is no longer ours to mind.
	ln -sf /bin/true "$HOME/one/nuget-plugin-valetkey"
	PATH=$HOME/two:$rest "$V" setup nuget
	jq -e --arg b "$HOME/two/nuget-plugin-valetkey" '.links[1:] == [$b]' "$(state)"
	ln -sf "$V" "$HOME/one/nuget-plugin-valetkey"
	PATH=$HOME/one:$rest "$V" setup nuget
	"$V" setup nuget --undo
	[ ! -L "$HOME/two/nuget-plugin-valetkey" ]
	[ -L "$HOME/one/nuget-plugin-valetkey" ]
}

@test "setup pip: with another PATH the first link is not forgotten, and both go" {
	mkdir "$HOME/one" "$HOME/two"
	PATH=$HOME/one:$PATH "$V" setup pip
	PATH=$HOME/two:$PATH "$V" setup pip
	[ -L "$HOME/one/keyring" ]
	[ -L "$HOME/two/keyring" ]
	"$V" setup pip --undo
	[ ! -L "$HOME/one/keyring" ]
	[ ! -L "$HOME/two/keyring" ]
}

@test "setup nuget: after valetkey was moved, its own links are made anew" {
	prepare
	mkdir "$HOME/bin"
	PATH=$HOME/bin:$PATH
	"$V" setup nuget
	mkdir "$T/elsewhere"
	mv "$V" "$T/elsewhere/valetkey"
	run -0 "$T/elsewhere/valetkey" setup nuget
	[[ $output == *'valetkey is set up in'* ]]
	[ "$(readlink "$N")" = "$T/elsewhere/valetkey" ]
	[ "$(readlink "$HOME/bin/nuget-plugin-valetkey")" = "$T/elsewhere/valetkey" ]
	# One that is still where it was: the links lead to another valetkey.
	mkdir "$T/third"
	cp "$T/elsewhere/valetkey" "$T/third/valetkey"
	"$T/third/valetkey" setup nuget
	[ "$(readlink "$N")" = "$T/third/valetkey" ]
	[ "$(readlink "$HOME/bin/nuget-plugin-valetkey")" = "$T/third/valetkey" ]
	# What leads to another program by now is somebody else's.
	ln -sf /bin/true "$N"
	run -2 "$T/third/valetkey" setup nuget
	[ "$(readlink "$N")" = /bin/true ]
}

@test "setup nuget: what is somebody else's is neither replaced nor removed" {
	prepare
	mkdir -p "${N%/*}"
	echo other >"$N"
	run -2 --separate-stderr "$V" setup nuget
	[[ $stderr == *"$N is another program"* ]]
	[ ! -L "$T/bin/nuget-plugin-valetkey" ]
	[ -z "$(state)" ]
	rm "$N"
	printf '#!/bin/sh\n' >"$T/bin/nuget-plugin-valetkey"
	chmod +x "$T/bin/nuget-plugin-valetkey"
	run -2 --separate-stderr "$V" setup nuget
	[[ $stderr == *"would start another nuget-plugin-valetkey: $T/bin"* ]]
	[ ! -L "$N" ]
	rm "$T/bin/nuget-plugin-valetkey"
	"$V" setup nuget
	ln -sf /bin/true "$N"
	echo mine >"${N%/*}/file"
	run -0 "$V" setup nuget --undo
	[ "$output" = "nuget: $N held nothing of valetkey's any more" ]
	[ "$(readlink "$N")" = /bin/true ]
	[ "$(cat "${N%/*}/file")" = mine ]
	[ ! -L "$T/bin/nuget-plugin-valetkey" ]
	[ -z "$(state)" ]
}

@test "doctor: whether NuGet finds valetkey" {
	prepare
	run "$V" doctor
	[[ $output == *'nuget does not ask valetkey'* ]]
	"$V" setup nuget
	run "$V" doctor
	[[ $output == *"nuget asks valetkey ($N)"* ]]
	# A program that went elsewhere.
	mkdir "$T/elsewhere"
	mv "$V" "$T/elsewhere/valetkey"
	run "$T/elsewhere/valetkey" doctor
	[[ $output == *"nuget: what setup put at $N is gone"* ]]
	run -0 "$T/elsewhere/valetkey" setup nuget --undo
	[ "$output" = "nuget: $N is gone again: setup had made it" ]
	[ ! -L "$N" ]
	[ ! -L "$T/bin/nuget-plugin-valetkey" ]
}
