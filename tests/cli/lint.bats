#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# doctor with paths: what it finds in Dockerfiles and workspaces, and how it says it.

bats_require_minimum_version 1.5.0
load lib
load run-lib

setup() {
	vk_home
	mkdir work
	cd work || return
}

teardown() {
	run_end
}

lint() { split "$VALETKEY" doctor "$@"; }

@test "lint: the cases of lint.cases, and that the corrections silence them" {
	run python3 "$BATS_TEST_DIRNAME/lint.py" "$VALETKEY" "$BATS_TEST_DIRNAME/lint.cases" "$T"
	[ "$status" -eq 0 ] || { echo "$output"; return 1; }
	[[ $output == *" cases, 0 failed" ]]
}

@test "lint: file, line, reason, next step and the lines that would be right" {
	printf 'FROM node\nARG NPM_TOKEN\nCOPY package*.json ./\nRUN npm ci\n' >Dockerfile
	lint .
	[ "$status" -eq 1 ]
	[ -z "$err" ]
	[[ $out == *"!!  VK-D01      Dockerfile:2: ARG NPM_TOKEN "*"provenance"*"valetkey run --build-secret npmrc -- docker build {secrets} ."*"line 2 goes"* ]]
	[[ $out == *"line 4 becomes:"*"RUN --mount=type=secret,id=npmrc,target="*"/.npmrc,required=true"*"npm ci"*"1 to put in order"* ]]
	# the machine is another matter
	[[ $out != *keystore* ]]
	[ "$("$VALETKEY" doctor --json . | jq -c '.items[0] | [.level, .rule, .severity, .file, .line, .edits[0]]')" = \
		'["finding","VK-D01","high","Dockerfile",2,{"file":"Dockerfile","first":2,"last":2,"text":""}]' ]
}

@test "lint: every rule of the program is in the man page, and the other way round" {
	page=$(grep -oE 'VK-[DBW][0-9]{2}' "$VK_SRC/docs/man/valetkey-doctor.1" | sort -u)
	code=$(grep -ohE '"VK-[DBW][0-9]{2}"' "$VK_SRC"/src/cli/lint*.c | tr -d '"' | sort -u)
	[ "$page" = "$code" ]
	# and is tried by a case
	tried=$(sed -n 's/^expect //p' "$BATS_TEST_DIRNAME/lint.cases" | grep -oE 'VK-[DBW][0-9]{2}' | sort -u)
	[ "$tried" = "$code" ]
}

@test "lint: notes alone are exit 0, nothing found is said" {
	printf 'FROM node\nCOPY . .\nRUN npm ci\n' >Dockerfile
	lint Dockerfile
	[ "$status" -eq 0 ]
	[[ $out == *"--  VK-D10"*"nothing to put in order"* ]]
	echo 'FROM node' >Dockerfile
	lint Dockerfile
	[ "$status" -eq 0 ]
	[[ $out == *"ok  lint"*"Dockerfile: nothing found"* ]]
}

@test "lint: a file under any name, several paths, a path that is not there" {
	printf 'FROM node\nARG NPM_TOKEN\n' >image.txt
	mkdir a
	cp image.txt a/Containerfile
	lint image.txt a
	[ "$status" -eq 1 ]
	[[ $out == *" image.txt:2: "*" a/Containerfile:2: "* ]]
	lint image.txt nowhere
	[ "$status" -eq 2 ]
	[[ -z $out && $err == *"nowhere: No such file or directory"* ]]
	lint ""
	[ "$status" -eq 2 ]
}

@test "lint: one Dockerfile knows of what lies beside it, and says nothing else about it" {
	printf 'FROM node\nCOPY . .\n' >Dockerfile
	echo '//npm.example/:_authToken=l0ngsecretvalue' >.npmrc
	lint Dockerfile
	[ "$status" -eq 1 ]
	[[ $out == *"VK-D05"*"COPY . brings .npmrc"*".dockerignore, at its end"*"1 to put in order"* && $out != *VK-W01* ]]
}

@test "lint: a broken Dockerfile, and what is none" {
	printf 'FROM a\nRUN <<EOF\nx\n' >Dockerfile
	head -c 300000 /dev/urandom >Dockerfile.random
	head -c 5000000 /dev/zero >Dockerfile.large
	mkfifo Dockerfile.pipe
	ln -s /etc/passwd Dockerfile.link
	ln -s / outside
	: >Dockerfile.empty
	mkdir Dockerfile.dir
	split timeout 60 "$VALETKEY" doctor .
	[ "$status" -eq 0 ] || { echo "$out"; return 1; }
	[[ $out == *"Dockerfile cannot be read as a Dockerfile: line 2: a here-document"*"Dockerfile.large cannot be read (too large)"* ]]
	run ! grep -q '[[:cntrl:]]' <<<"$out"
	"$VALETKEY" doctor --json . | jq . >/dev/null
}

@test "lint: a file that cannot be read is said" {
	# Root reads everything.
	uid=$(id -u)
	[ "$uid" != 0 ] || uid=$run_uid
	run_home "$uid"
	echo 'FROM a' >Dockerfile
	chmod 0 Dockerfile
	split "${V[@]}" doctor .
	[[ $out == *"Dockerfile cannot be read"* ]]
}

@test "lint: names from files cannot speak to the terminal" {
	mkdir $'d\033[2J'
	printf 'FROM a\nCOPY \033]0;x\007.npmrc .npmrc /\nRUN true \033[1m && npm config set _auth "$X" && npm ci\n' >$'d\033[2J/Dockerfile'
	lint .
	[ "$status" -eq 1 ]
	[[ $out != *$'\033'* && $out != *$'\007'* ]]
	[[ $("$VALETKEY" doctor --json .) != *$'\033'* ]]
}

@test "lint: a variable of .env is named, exported or not" {
	printf 'A_TOKEN=hunter2horse\nexport B_TOKEN=hunter2horse\n' >.env
	lint .
	[[ $out == *".env:1: A_TOKEN in clear"*".env:2: B_TOKEN in clear"* ]]
}

@test "lint: changes nothing" {
	printf 'FROM node\nARG NPM_TOKEN\nCOPY . .\nRUN npm ci\n' >Dockerfile
	echo '//npm.example/:_authToken=l0ngsecretvalue' >.npmrc
	before=$(find . -printf '%p %T@ %i\n' | sort; sha256sum Dockerfile .npmrc)
	lint .
	[ "$before" = "$(find . -printf '%p %T@ %i\n' | sort; sha256sum Dockerfile .npmrc)" ]
}

@test "lint: a tree of 50,000 files is quick, and what others wrote is left alone" {
	for i in {1..100}; do mkdir -p "src/d$i"; done
	printf 'src/d%s/f%s.js\n' $(for i in {1..100}; do for k in {1..500}; do echo "$i $k"; done; done) | xargs touch
	mkdir -p node_modules/x vendor/y
	printf 'FROM node\nARG NPM_TOKEN\n' | tee node_modules/x/Dockerfile vendor/y/Dockerfile >/dev/null
	printf 'FROM node\nARG NPM_TOKEN\nCOPY . .\n' >Dockerfile
	split timeout 20 "$VALETKEY" doctor .
	[ "$status" -eq 1 ]
	[[ $out == *"1 to put in order"* ]]
}
