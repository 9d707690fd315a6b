#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load lib
load helpers

setup() {
	vk_keystore
}

store() { # store SERVER USER SECRET
	ask_docker store "$(jq -nc --arg s "$1" --arg u "$2" --arg p "$3" '{ServerURL: $s, Username: $u, Secret: $p}')"
}

gets() { # gets SERVER USER SECRET [SERVER IN THE ANSWER]
	ask_docker get "$1"
	[[ $status -eq 0 && -z $err ]] || show_run || return
	[ "$(jq -r '[.ServerURL, .Username, .Secret] | join(" ")' <<<"$out")" = "${4:-$1} $2 $3" ] || show_run
}

@test "docker: store, get, list, erase" {
	store localhost:5055 u 'p w'
	silent
	ask_docker get localhost:5055
	[ "$out" = '{"ServerURL":"localhost:5055","Username":"u","Secret":"p w"}'$'\n' ]
	ask_docker list unused
	[ "$out" = '{"localhost:5055":"u"}'$'\n' ]
	ask_docker erase localhost:5055
	silent
	ask_docker get localhost:5055
	not_found
}

@test "docker: version and help" {
	for a in version --version -v; do
		split "$VALETKEY" helper docker-credential "$a"
		[ "$status" -eq 0 ]
		[[ $out =~ ^docker-credential-valetkey\ \(valetkey\)\ [0-9]+\.[0-9]+\.[0-9]+$'\n'$ ]]
	done
	for a in --help -h; do
		split "$VALETKEY" helper docker-credential "$a"
		[ "$status" -eq 0 ]
		[[ $out == usage:* ]]
	done
}

@test "docker: the installed name answers as the subcommand does" {
	mkdir bin
	ln -s "$VALETKEY" bin/docker-credential-valetkey
	[ "$(bin/docker-credential-valetkey list)" = '{}' ]
}

@test "docker: a person's entry is served, and not listed" {
	vk_add https://ghcr.io alice s3cret
	gets ghcr.io alice s3cret
	ask_docker list ''
	said '{}' 0
}

@test "docker: a stranger's registry gets the sentence that clients know" {
	vk_add https://ghcr.io alice s3cret
	ask_docker get quay.io
	not_found
}

@test "docker: without a keystore all is not found, empty or already erased, and store says what to do" {
	rm "$VALETKEY_KEYSTORE"
	ask_docker get ghcr.io
	not_found
	ask_docker list ''
	said '{}' 0
	ask_docker erase ghcr.io
	silent
	store ghcr.io u p
	complained
	[[ $out == *"valetkey init"* ]]
}

@test "docker: a locked keystore has words of its own" {
	local sum

	store ghcr.io u p
	sum=$(keystore_sum)
	for a in get erase; do
		without_key ask_docker "$a" ghcr.io
		complained
		[[ $out == *locked*"valetkey unlock"* ]]
	done
	without_key ask_docker list ''
	complained
	without_key ask_docker store '{"ServerURL":"ghcr.io","Username":"u","Secret":"q"}'
	complained
	unchanged "$sum"
}

@test "docker: a config can make a locked keystore a miss" {
	printf '[valetkey]\nwhen-locked = miss\n' >config.ini
	VALETKEY_CONFIG=$T/config.ini without_key ask_docker get ghcr.io
	not_found
}

@test "docker: a damaged keystore is neither a miss nor an empty list" {
	store ghcr.io u p
	truncate -s 5000 "$VALETKEY_KEYSTORE"
	ask_docker get ghcr.io
	complained
	ask_docker list ''
	complained
}

@test "docker: one account per server: a new login replaces docker's previous one" {
	store ghcr.io one p1
	store ghcr.io two p2
	silent
	gets ghcr.io two p2
	ask_docker list ''
	said '{"ghcr.io":"two"}' 0
	[ "$("$VALETKEY" list --json | jq length)" -eq 1 ]
}

@test "docker: the new login is the one that is served, whoever else has an account there" {
	store ghcr.io one p1
	vk_add https://ghcr.io alice s3cret
	store ghcr.io two p2
	silent
	gets ghcr.io two p2
}

@test "docker: a login cannot take the place of a person's account, and says so" {
	local sum

	vk_add https://ghcr.io alice s3cret
	sum=$(keystore_sum)
	store ghcr.io alice other
	silent
	store ghcr.io bob p
	complained
	[[ $out == *alice* ]]
	ask_docker erase ghcr.io
	silent
	unchanged "$sum"
	gets ghcr.io alice s3cret
}

@test "docker: git's entry is served, and not docker's to change" {
	local sum

	ask_git store 'protocol=https\nhost=ghcr.io\nusername=g\npassword=s\n'
	sum=$(keystore_sum)
	gets ghcr.io g s
	store ghcr.io g other
	silent
	ask_docker erase ghcr.io
	silent
	unchanged "$sum"
}

@test "docker: an identity token" {
	store https://index.docker.io/v1/ '<token>' idt
	gets https://index.docker.io/v1/ '<token>' idt
}

@test "docker: what this protocol cannot say is not found" {
	printf tok | "$VALETKEY" add https://bearer.example --kind bearer >/dev/null
	ask_docker get bearer.example
	not_found
	ask_git store 'capability[]=authtype\nprotocol=https\nhost=named.example\nusername=u\nauthtype=Bearer\ncredential=tok\n'
	ask_docker get named.example
	not_found
}

@test "docker: only what get can serve is listed" {
	store ghcr.io u p
	printf '%s\n' '[a]' 'url = https://a.example' 'username = a' 'secret = env:A' '[profile one]' 'credentials = a' >config.ini
	A=1 VALETKEY_CONFIG=$T/config.ini VALETKEY_PROFILE=one ask_docker list ''
	said '{}' 0
	A=1 VALETKEY_CONFIG=$T/config.ini VALETKEY_PROFILE=one ask_docker get ghcr.io
	not_found
	printf '%s\n' '[a]' 'url = https://ghcr.io' 'username = a' 'secret = env:A' >config.ini
	A=1 VALETKEY_CONFIG=$T/config.ini ask_docker list ''
	said '{"ghcr.io":"a"}' 0
}

@test "docker: logout, as docker calls it, leaves nothing" {
	store localhost:5055 u p
	for s in localhost:5055 localhost:5055 http://localhost:5055 https://localhost:5055; do
		ask_docker erase "$s"
		silent
	done
	[ "$("$VALETKEY" list --json | jq length)" -eq 0 ]
}
