#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What a program has fetched, while a run lasts: once for all who ask, and anew when that is called for.
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; out, err and status come from split

bats_require_minimum_version 1.5.0
load lib
load run-lib

setup() {
	vk_keystore
	export VALETKEY_CONFIG=$HOME/config.ini VALETKEY_LIBEXEC=$HOME/libexec
	mkdir -p "$VALETKEY_LIBEXEC"
	old=$(secret) new=$(secret)
	export old new
	# ~/answer is a secret, a blank, and when it ends.
	cat >"$VALETKEY_LIBEXEC/valetkey-notes" <<-'EOF'
		#!/bin/sh
		cat >/dev/null
		echo asked >>~/asked
		read -r secret ends <~/answer
		[ "$secret" != down ] || { printf 'error unavailable it is down\n\n'; exit; }
		printf 'ok\nsecret=%s\n%s\n' "$(printf %s "$secret" | base64 -w0)" "${ends:+expires=$ends
		}"
	EOF
	chmod 755 "$VALETKEY_LIBEXEC/valetkey-notes"
	printf '[corp]\nurl = https://git.example/team\nusername = me\nsecret = helper@notes:corp/token\n' >"$VALETKEY_CONFIG"
	chmod 600 "$VALETKEY_CONFIG"
	answer "$old"
	# As git tells its helpers, and a line for each time that the program was asked.
	cat >~/say <<-'EOF'
		ask() { printf 'protocol=https\nhost=git.example\npath=team\n\n' | git credential fill | sed -n 's/^password=//p'; }
		refuse() { printf 'protocol=https\nhost=git.example\npath=team\nusername=me\npassword=%s\n\n' "$1" | git credential reject; }
		asked() { [ "$(wc -l <~/asked)" = "$1" ] || { cat ~/asked; exit 1; }; }
		answer() { echo "$*" >~/answer.new && mv ~/answer.new ~/answer; }
		is() { [ "$1" = "$2" ] || { echo "$1, and not $2"; exit 1; }; }
	EOF
}

answer() {
	echo "$*" >~/answer
}

# in_a_run TEXT [OPTION...]: the commands, with what ~/say has
in_a_run() {
	local text=$1

	shift
	"$VALETKEY" run --no-mask --with git --with nuget "$@" -- sh -eu -c ". ~/say; $text"
}

@test "it is fetched once, however many ask" {
	for rung in --rung=R1 --rung=R2; do
		rm -f ~/asked
		in_a_run 'for i in $(seq 64); do ask >~/got.$i & done; wait; is "$(cat ~/got.* | sort | uniq -c | tr -s " ")" " 64 $old"; asked 1' "$rung"
	done
}

@test "what git says a server refused is fetched anew, before the next answer and not by all who say so" {
	for rung in --rung=R1 --rung=R2; do
		rm -f ~/asked
		answer "$old"
		in_a_run 'is "$(ask)" "$old"; answer "$new"; is "$(ask)" "$old"; asked 1
			refuse "$old"; is "$(ask)" "$new"; asked 2
			for i in $(seq 16); do refuse "$old" & done; wait; is "$(ask)" "$new"; asked 2
			sleep 2.1; is "$(ask)" "$new"; asked 3
			sleep 2.1; is "$(ask)" "$new"; asked 3' "$rung"
	done
	# Of what is not of the run nothing is said, and nothing erased.
	rm ~/asked
	in_a_run 'printf "protocol=https\nhost=other.example\nusername=x\npassword=y\n\n" | git credential reject; is "$(ask)" "$new"; asked 1'
}

@test "a source that is down takes nothing away, and is not asked by everybody" {
	in_a_run 'is "$(ask)" "$old"; answer down; refuse "$old"; is "$(ask)" "$old"; refuse "$old"; is "$(ask)" "$old"; asked 2'
}

@test "what ends soon is fetched anew, once" {
	answer "$old" $(($(date +%s) + 20))
	in_a_run 'answer "$new" $(($(date +%s) + 3600)); is "$(ask)" "$new"; is "$(ask)" "$new"; asked 2'
	# The source has nothing better: it is given as long as it lasts.
	rm ~/asked
	answer "$old" $(($(date +%s) + 3))
	in_a_run 'answer down; is "$(ask)" "$old"; is "$(ask)" "$old"; asked 2; sleep 4; is "$(ask 2>/dev/null)" ""'
}

@test "files follow what ends" {
	printf 'scope = @corp\n' >>"$VALETKEY_CONFIG"
	sed -i '/^username/d' "$VALETKEY_CONFIG"
	for rung in --rung=R1 --rung=R2 --rung=R3; do
		rm -f ~/asked
		answer "$old" $(($(date +%s) + 20))
		"$VALETKEY" run --no-mask --with npm "$rung" -- sh -eu -c '. ~/say; rc=${NPM_CONFIG_USERCONFIG-$HOME/.npmrc}
			answer "$new" $(($(date +%s) + 3600))
			for i in $(seq 100); do ! grep -qF "$new" "$rc" || break; sleep 0.1; done
			grep -qF "$new" "$rc"; ! grep -qF "$old" "$rc"; sleep 1.5; asked 2'
	done
	# A source that is down leaves what is there, and is not asked every second.
	rm -f ~/asked
	answer "$old" $(($(date +%s) + 20))
	"$VALETKEY" run --no-mask --with npm -- sh -eu -c '. ~/say; answer down; sleep 3.5; asked 2; grep -qF "$old" "${NPM_CONFIG_USERCONFIG-$HOME/.npmrc}"'
}

@test "NuGet says that it tries again" {
	ln -s "$VALETKEY" ~/nuget-plugin-valetkey
	in_a_run 'is "$("'"$VALETKEY"'" get https://git.example/team/index.json --field secret)" "$old"; answer "$new"
		python3 - <<-P
			import json, subprocess
			p = subprocess.Popen(["'"$HOME"'/nuget-plugin-valetkey", "-Plugin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
			p.stdout.readline()
			for retry, wanted in (False, "$old"), (True, "$new"):
			    p.stdin.write(json.dumps({"RequestId": "1", "Type": "Request", "Method": "GetAuthenticationCredentials",
			        "Payload": {"Uri": "https://git.example/team/index.json", "IsRetry": retry}}) + "\n")
			    p.stdin.flush()
			    assert json.loads(p.stdout.readline())["Payload"]["Password"] == wanted
		P
		asked 2' --with get
}
