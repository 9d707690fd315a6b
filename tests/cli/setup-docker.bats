#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Registering valetkey with docker and with Terraform, and what is remembered of it.

bats_require_minimum_version 1.5.0
load lib
load setup-lib

@test "setup docker: credHelpers, the rest byte for byte" {
	mkdir "$HOME/.docker"
	for text in '{}' '{ }' '{\n}\n' '' ' \n' \
		'{"auths":{"r.example":{"auth":"dTpw"}}}' \
		'{\n\t"auths": {\n\t\t"r.example": {}\n\t},\n\t"credsStore": "pass"\n}' \
		'{"credHelpers":{}}' '{"credHelpers": { } , "a": [1,{"b":"}"},"\\"{"]}\n\n' \
		'  {"credHelpers":{"o.example":"other"},"x":1.5e3}' \
		'{"a":"credHelpers","credHelpers":{"o.example":"other","p.example":"pass"}}\n'; do
		printf "$text" >"$D"
		chmod 644 "$D"
		cp "$D" before
		run -0 "$V" setup docker
		[ "$(jq -r '.credHelpers["git.example"]' "$D")" = valetkey ]
		[ "$(jq -r '.credHelpers["deep.example:8443"]' "$D")" = valetkey ]
		if [ -s before ] && [ "$text" != ' \n' ]; then
			[ "$(jq -S 'del(.credHelpers["git.example","deep.example:8443"]) | del(.credHelpers | select(. == {}))' "$D")" = \
				"$(jq -S 'del(.credHelpers | select(. == {}))' before)" ]
		fi
		[ "$(stat -c %a "$D")" = 644 ]
		run -0 "$V" setup docker
		[[ $output == *already* ]]
		run -0 "$V" setup docker --undo
		undone "$D" before
	done
}

@test "setup docker: docker's own place, and a file that was not there" {
	export DOCKER_CONFIG=$T/dc
	"$V" setup docker
	[ "$(stat -c %a "$T/dc/config.json")" = 600 ]
	"$V" setup docker --undo
	[ ! -e "$T/dc/config.json" ]
	export DOCKER_CONFIG=relative
	run -2 "$V" setup docker
}

@test "setup docker: the Hub's key is docker's" {
	vk_add https://index.docker.io/v1/ u hub
	"$V" setup docker
	[ "$(jq -r '.credHelpers["https://index.docker.io/v1/"]' "$D")" = valetkey ]
}

@test "setup docker: another program's entry is left alone, or replaced and given back" {
	mkdir "$HOME/.docker"
	printf '{"credHelpers": {"git.example": "pass", "z.example": "z"}}' >"$D"
	cp "$D" before
	run -2 "$V" setup docker
	[[ $output == *git.example*pass*--force* ]]
	cmp "$D" before
	[ -z "$(state)" ]
	"$V" setup docker --force
	[ "$(jq -r '.credHelpers["git.example"]' "$D")" = valetkey ]
	[ "$(jq -r '.credHelpers["z.example"]' "$D")" = z ]
	# agreed once is agreed for later calls
	run -0 "$V" setup docker
	[[ $output == *already* ]]
	vk_add https://third.example u x
	[ "$(jq -r '.credHelpers["third.example"]' "$D")" = valetkey ]
	"$V" setup docker --undo
	undone "$D" before
}

@test "setup docker --undo: after docker has written the file anew" {
	mkdir "$HOME/.docker"
	printf '{"auths":{"r.example":{"auth":"dTpw"}},"credHelpers":{"z.example":"z"}}' >"$D"
	"$V" setup docker
	jq -c . "$D" >"$D.new" && mv "$D.new" "$D"
	run -0 "$V" setup docker --undo
	[[ $output == *"what others changed"* ]]
	[ "$(jq -cS . "$D")" = '{"auths":{"r.example":{"auth":"dTpw"}},"credHelpers":{"z.example":"z"}}' ]
	# credHelpers was ours alone
	printf '{"auths":{}}' >"$D"
	"$V" setup docker
	jq --tab -S '. + {"HttpHeaders": {"a": "b"}}' "$D" >"$D.new" && mv "$D.new" "$D"
	"$V" setup docker --undo
	[ "$(jq -cS . "$D")" = '{"HttpHeaders":{"a":"b"},"auths":{}}' ]
}

@test "setup docker --undo: a member that somebody gave to another program stays his" {
	"$V" setup docker
	jq --tab '.credHelpers["git.example"] = "pass"' "$D" >"$D.new" && mv "$D.new" "$D"
	"$V" setup docker --undo
	[ "$(jq -c . "$D")" = '{"credHelpers":{"git.example":"pass"}}' ]
}

@test "setup docker: a file that is not understood is not touched" {
	mkdir "$HOME/.docker"
	for text in '{' '[]' 'null' '{"credHelpers": "x"}' '{"credHelpers": null}' '{"credHelpers": []}' \
		'{"CredHelpers": {}}' '{"a":1,"a":2}' '{"credHelpers":{},"credHelpers":{}}' '{} {}' \
		'{"credHelpers":{"git.\u0065xample":"pass"}}' '{"credHelper\u0073":{"git.example":"pass"}}' '{"a":1,}' \
		'\xef\xbb\xbf{}' '{"auths":{"h":{"auth":"c2VjcmV0"}}'; do
		printf '%b' "${text//\\u/\\\\u}" >"$D"
		cp "$D" before
		split "$V" setup docker
		[ "$status" -eq 2 ] || { echo "$text: $status $out $err"; return 1; }
		[[ $err == *"$D"* && $err != *c2VjcmV0* ]]
		undone "$D" before
	done
}

@test "setup docker: warns when docker will not find the helper, or finds another" {
	PATH=/usr/bin:/bin split "$V" setup docker
	[ "$status" -eq 0 ]
	[[ $err == *"PATH"* ]]
	mkdir first
	printf '#!/bin/sh\n' >first/docker-credential-valetkey
	chmod +x first/docker-credential-valetkey
	PATH=$T/first:$PATH split "$V" setup docker
	[[ $err == *"$T/first/docker-credential-valetkey"* ]]
	split "$V" setup docker
	[ -z "$err" ]
}

@test "setup: what is remembered holds no secret and nobody else can read it" {
	mkdir "$HOME/.docker"
	printf '{"auths":{"git.example":{"auth":"c2VjcmV0"}},"credHelpers":{"git.example":"pass"}}' >"$D"
	printf '[http]\n\textraHeader = Authorization: c2VjcmV0\n' >"$G"
	"$V" setup git docker --force
	run ! grep -r c2VjcmV0 "$HOME/.local"
	[ "$(stat -c %a "$HOME"/.local/state/valetkey/setup-*.json | sort -u)" = 600 ]
}

@test "setup: a damaged memory is an error that says what to do" {
	"$V" setup git
	cp "$G" before
	for text in '' '{}' '[1]' 'x' '{"version":2,"file":"/x","text":"","hosts":[]}' \
		'{"version":1,"file":"/x","text":"","hosts":[{"url":1}]}'; do
		printf %s "$text" >"$HOME/.local/state/valetkey/setup-git.json"
		run -2 "$V" setup git --undo
		[[ $output == *damaged* ]]
		run -2 "$V" setup git
		cmp "$G" before
	done
}

@test "setup: a full disk changes nothing" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	mkdir full
	mount -t tmpfs -o size=16k tmpfs full || skip "no mount here"
	printf '[user]\n\tname = x\n' >full/gitconfig
	cp full/gitconfig before
	dd if=/dev/zero of=full/fill bs=1k 2>/dev/null || :
	GIT_CONFIG_GLOBAL=$T/full/gitconfig run "$V" setup git
	umounted=$(cmp full/gitconfig before && ls full; umount full)
	[ "$status" -eq 6 ]
	[ "$umounted" = $'fill\ngitconfig' ]
}

# terraform_file: a file of the user's with a block of its own, in $F
terraform_file() {
	unset TF_CLI_CONFIG_FILE
	ln -s valetkey "$T/bin/terraform-credentials-valetkey"
	F=$HOME/.terraformrc
	printf '%s {\n  services = {\n}\n}\n' 'host "x.example"' >"$F"
	cp "$F" "$T/own"
}

@test "setup terraform --undo: marks taken out by hand, and the lines of the user's own blocks" {
	terraform_file
	for mark in begin end .; do
		"$V" setup terraform
		sed -i "/^# $mark.*valetkey/d" "$F"
		"$V" setup terraform --undo
		undone "$F" "$T/own"
	done
}

@test "setup terraform: our block taken out by hand, again and undone" {
	terraform_file
	"$V" setup terraform
	cp "$T/own" "$F"
	"$V" setup terraform
	cp "$F" "$T/with"
	head -n 4 "$F" | cmp - "$T/own"
	cp "$T/own" "$F"
	"$V" setup terraform --undo
	undone "$F" "$T/own"
}

@test "setup terraform --undo: a block that somebody changed is not taken apart" {
	terraform_file
	"$V" setup terraform
	sed -i 's/args = .*/args = ["--profile", "x"]/' "$F"
	cp "$F" "$T/changed"
	run -4 "$V" setup terraform --undo
	[[ $output == *"by hand"* ]]
	cmp "$F" "$T/changed"
	[ -n "$(state)" ]
}
