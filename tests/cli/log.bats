#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The log: what is written where, what never is, and the lines of many at once.

bats_require_minimum_version 1.5.0
load lib
load helpers
load run-lib
load log-lib

setup() {
	log_setup
}

# no_secret: neither the secret nor an encoding of it is in the log
no_secret() {
	local form

	for form in "$secret" "$(printf %s "$secret" | base64 -w 0)" "$(printf ci:%s "$secret" | base64 -w 0)"; do
		if grep -qF "${form%%=*}" "$L"; then
			echo "the secret is in the log"
			return 1
		fi
	done
}

@test "log: nothing is written and nothing opened when there is none" {
	command -v strace >/dev/null || skip "no strace"
	unset VALETKEY_LOG
	printf %b "$H" >in
	strace -f -o trace "$VALETKEY" helper git-credential get <in >/dev/null
	grep -q 'config.ini' trace
	refute grep -qE '/proc/[0-9]+/exe|O_APPEND|journal|getppid' trace
	[ ! -e "$L" ]
	# To the very call, the same as with a config that has no log.
	grep -c '(' trace >unset
	VALETKEY_LOG='' strace -f -o trace "$VALETKEY" helper git-credential get <in >/dev/null
	grep -c '(' trace | cmp - unset
}

@test "log: an answer, to git and docker and get" {
	ask_git get "${H}path=team/x\n"
	answered "username=ci\npassword=$secret"
	[ "$(stat -c %a "$L")" = 600 ]
	[ "$(last '[.event, .via, .scheme, .host, .port, .path, .credential, .username, .result] | @csv')" = \
		'"answer","git","https","git.example",443,"team/x","work",,"ok"' ]
	[ "$(last .program)" = "$(readlink -f /proc/$$/exe)" ]
	[ "$(last .ppid)" = "$BASHPID" ]
	[ "$(last .uid)" = "$(id -u)" ]
	[[ $(last .time) =~ ^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{3}Z$ ]]
	[ "$(date -u -d "$(last .time)" +%F)" = "$(date -u +%F)" ]
	ask_docker get git.example
	[ "$status" -eq 0 ]
	[ "$(last '.event + .via + .credential')" = answerdockerwork ]
	"$VALETKEY" get https://git.example >/dev/null
	[ "$(last '.event + .via + .credential')" = answergetwork ]
	[ "$(wc -l <"$L")" -eq 3 ]
	no_secret
}

@test "log: git is named, not the shell that it starts helpers with" {
	git config --global credential.helper "$VALETKEY_BIN/git-credential-valetkey"
	GIT_TERMINAL_PROMPT=0 git credential fill <<<$'protocol=https\nhost=git.example\n' | grep -q "password=$secret"
	[ "$(last .program)" = "$(readlink -f "$(type -P git)")" ]
}

@test "log: a refusal says why, and leaves the message as it is" {
	ask_git get 'protocol=https\nhost=other.example\n'
	silent
	[ "$(last '[.event, .host, .result] | join(" ")')" = "refuse other.example none" ]
	without_key ask_git get "$H"
	told_to_quit
	[ "$(last '[.event, .host, .result] | join(" ")')" = "refuse git.example locked" ]
	ask_git get 'protocol=https\nhost=git.ex\0033[31mample\n'
	refused
	[ "$(last '.event + .result + (.host // "")')" = refusemalformed ]
	ask_docker get other.example
	not_found
	[ "$(last '.via + .result')" = dockernone ]
	without_key ask_docker get git.example
	complained
	[ "$(last '.via + .result')" = dockerlocked ]
	run -1 "$VALETKEY" get https://other.example
	[ "$output" = "valetkey: error: no credential for https://other.example" ]
	[ "$(last '.via + .result')" = getnone ]
	# the password of a URL is refused with it, and not repeated
	run -2 "$VALETKEY" get "https://u:$secret@git.example"
	[ "$(last '.via + .result')" = getmalformed ]
	no_secret
}

@test "log: what clients store and erase, and what they may not" {
	ask_git store "protocol=https\nhost=new.example\nusername=u\npassword=$secret\n"
	silent
	[ "$(last '[.event, .via, .host, .username, .result] | join(" ")')" = "store git new.example u ok" ]
	ask_git erase "protocol=https\nhost=new.example\nusername=u\npassword=$secret\n"
	silent
	[ "$(last '[.event, .host, .result] | join(" ")')" = "erase new.example ok" ]
	n=$(wc -l <"$L")
	ask_git erase "protocol=https\nhost=new.example\nusername=u\npassword=$secret\n"
	silent
	[ "$(wc -l <"$L")" -eq "$n" ]
	ask_git store "${H}username=ci\npassword=other\n"
	silent
	[ "$(last '.event + .result')" = storeexists ]
	ask_git erase "${H}username=ci\npassword=$secret\n"
	silent
	[ "$(last '.event + .result')" = erasepolicy ]
	ask_docker store "{\"ServerURL\":\"reg.example\",\"Username\":\"u\",\"Secret\":\"$secret\"}"
	[ "$status" -eq 0 ]
	[ "$(last '[.event, .via, .host, .username, .result] | join(" ")')" = "store docker reg.example u ok" ]
	ask_docker erase reg.example
	[ "$status" -eq 0 ]
	[ "$(last '.event + .via + .result')" = erasedockerok ]
	without_key ask_docker erase reg.example
	[ "$(last '.event + .via + .result')" = refusedockerlocked ]
	no_secret
}

@test "log: a token that is a user name is not written" {
	ask_git store "protocol=https\nhost=new.example\nusername=$secret\npassword=x-oauth-basic\n"
	silent
	[ "$(last '.event + .result')" = storeok ]
	ask_git get "protocol=https\nhost=new.example\n"
	[ "$status" -eq 0 ]
	[ "$(last '.event + (.username // "-")')" = answer- ]
	no_secret
}

@test "log: a run: what is given in which way, and how it ends" {
	vk_add https://npm.example bob "$secret" --scope @corp --name pkg
	for rung in R2 R1; do
		rm -f "$L"
		TOKEN=$secret run -7 "$VALETKEY" run --max-rung $rung --env A=keystore:work --env B=env:TOKEN -- sh -c "exit 7"
		jq -e . "$L" >/dev/null
		[ "$(jq -r 'select(.event == "inject") | [.way, .to, .credential, .host] | join(" ")' "$L")" = \
			$'broker git work git.example\nbroker docker work git.example\nrecipe npm pkg npm.example\nenv A work \nenv B env:TOKEN ' ]
		[ "$(jq -r .command "$L" | sort -u)" = "$(type -P sh)" ]
		[ "$(jq -r .pid "$L" | sort -u | wc -l)" -eq 1 ]
		[ "$(jq -r .program "$L" | sort -u)" = "$(readlink -f /proc/$$/exe)" ]
		[ "$(last '[.event, .status, .signal, .result] | @csv')" = '"end",7,,"ok"' ]
		[ "$(last .rung)" = "$(jq -r .rung "$L" | sort -u)" ]
		[[ $rung = R1 || $(last .rung) = R2 ]]
		no_secret
	done
	run "$VALETKEY" run --profile '' -- sh -c 'kill -TERM $$'
	[ "$(last '.event + (.signal | tostring)')" = end15 ]
}

ask_inside() {
	rm -f "$L"
	export GIT_TERMINAL_PROMPT=0
	# The command has no log of its own, and could not keep the broker from writing.
	"$VALETKEY" run "${rung[@]}" -- env VALETKEY_LOG=/nonexistent/x sh -c '
		printf "protocol=https\nhost=git.example\npath=p\n\n" | git credential fill
		printf "protocol=https\nhost=no.example\n\n" | git-credential-valetkey get
		printf "git.example" | docker-credential-valetkey get; true' >"$T/out" 2>"$T/err"
	grep -q "password=$secret" "$T/out"
	[ ! -s "$T/err" ]
	[ "$(jq -r 'select(.event == "inject") | .way + " " + .to' "$L" | tr '\n' ,)" = "broker git,broker docker," ]
	[ "$(jq -r 'select(.rung == "'"$1"'" and (.event == "answer" or .event == "refuse")) | [.event, .via, .host, .credential // "-", .result] | join(" ")' "$L")" = \
		$'answer git git.example work ok\nrefuse git no.example - none\nanswer docker git.example work ok' ]
	[[ $(jq -r 'select(.event == "answer" and .via == "git") | .program' "$L") == */git ]]
	[ "$(jq -r 'select(.event == "answer" and .via == "docker") | .program' "$L")" = "$(readlink -f "$(type -P sh)")" ]
	[ "$(jq -r .pid "$L" | sort -u | wc -l)" -eq 1 ]
	[ "$(last .event)" = end ]
	no_secret
}

@test "log: the broker logs what helpers inside of a run are answered" {
	V=("$VALETKEY")
	on_rungs ask_inside
}

@test "log: a stranger at the broker is logged; what cannot be logged is not answered where that is required" {
	config "log = $L" 'log-required = yes'
	"$VALETKEY" run --max-rung R2 -- sh -c "$await"'env | grep ^VALETKEY_BROKER >broker; : >ready; await done' 3>&- &
	await ready
	# shellcheck disable=SC2046
	env $(cat broker) VALETKEY_KEY_FILE= "$VALETKEY" helper git-credential get <<<$'protocol=https\nhost=git.example\n' || true
	: >done
	wait
	[ "$(jq -r 'select(.event == "refuse") | .via + " " + .result' "$L")" = "broker policy" ]
	split "$VALETKEY" run --max-rung R2 -- sh -c "rm $L; mkdir $L; printf 'protocol=https\nhost=git.example\n' | git-credential-valetkey get"
	[[ -z $out && $err == *"not given, since it cannot be logged"* ]] || show_run
	rmdir "$L"
	config "log = $L"
	split "$VALETKEY" run --max-rung R2 -- sh -c "rm $L; mkdir $L; printf 'protocol=https\nhost=git.example\n' | git-credential-valetkey get"
	[[ $out == *"password=$secret"* && $err == *"not every answer"*"could be logged"* ]] || show_run
}

@test "log: a run: the gate's refusals, a build secret, a run that is refused" {
	"$VALETKEY" run --gate own --max-rung R2 --with netrc -- sh -c 'cat "$NETRC"; true' 2>/dev/null || skip "no gate here"
	[ "$(last '.event + (.unserved | tostring)')" = end1 ]
	"$VALETKEY" run --build-secret netrc --build-secret tok=keystore:work -- sh -c true {secrets}
	[ "$(jq -r 'select(.way == "build-secret") | .to + " " + .credential' "$L")" = $'netrc work\ntok work' ]
	without_key run -125 "$VALETKEY" run -- true
	[ "$(last '.event + .via + .result')" = refuserunlocked ]
	run -125 "$VALETKEY" run --credential nope -- true
	[ "$(last '.event + .via + .result')" = refuserunnone ]
	n=$(wc -l <"$L")
	run -127 "$VALETKEY" run -- /no/such/command
	[ "$(wc -l <"$L")" -eq "$n" ]
	no_secret
}

as_somebody() {
	"${V[@]}" run "$@" --with netrc -- true
	[ "$(jq -r '[.event, .credential // "-", .uid, .result] | join(" ")' "$VALETKEY_LOG")" = \
		"inject work $run_uid ok"$'\n'"end - $run_uid ok" ]
	[ "$(jq -r .program "$VALETKEY_LOG" | sort -u)" = "$(readlink -f /proc/$$/exe)" ] || [ "$(jq -r .program "$VALETKEY_LOG" | sort -u)" = null ]
	[ "$(stat -c '%a %u' "$VALETKEY_LOG")" = "600 $run_uid" ]
	rm "$VALETKEY_LOG"
}

@test "log: a run of somebody who is not root, on both rungs" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to become another user"
	run_home "$run_uid"
	export VALETKEY_LOG=$T/work/log
	put "$secret" https://git.example --username ci --name work
	as_somebody --max-rung R2
	as_somebody
	run_end
}

@test "log: export and render" {
	"$VALETKEY" export --clear >/dev/null
	[ "$(last '[.event, .via, .way, .host] | @csv')" = '"export","export","clear",' ]
	"$VALETKEY" export --clear --output "$T/o" https://git.example >/dev/null 2>&1
	[ "$(last '.way + .to + .host')" = "clear$T/ogit.example" ]
	"$VALETKEY" export --to-recipient "$("$VALETKEY" slot keygen "$T/id")" --output "$T/r" >/dev/null
	[[ $(last '.way + .to') == recipientvkr1-* ]]
	"$VALETKEY" render netrc >/dev/null
	[ "$(last '[.event, .via, .to, .credential] | join(" ")')" = "export render netrc work" ]
	no_secret
}

@test "log: the config says where; the environment can begin a log, and not move or stop one" {
	config "log = $T/mine"
	ask_git get "$H"
	[ "$(wc -l <"$T/mine")" -eq 1 ]
	[ ! -e "$L" ]
	VALETKEY_LOG='' ask_git get "$H"
	[ "$(wc -l <"$T/mine")" -eq 2 ]
	config 'when-locked = error'
	ask_git get "$H"
	[ "$(wc -l <"$L")" -eq 1 ]
	# a relative one is none
	VALETKEY_LOG=log ask_git get "$H"
	[[ $status -eq 0 && $out == *"password=$secret"* && $err == *"not logged"*"absolute path"* && $err_lines -eq 1 ]]
	[ "$(wc -l <"$L")" -eq 1 ]
}

@test "log: the profile is named" {
	config 'when-locked = error' '[profile ci]' 'credentials = work'
	ask_git get "$H" --profile ci
	[ "$(last .profile)" = ci ]
	"$VALETKEY" run --profile ci -- true
	[ "$(jq -r .profile "$L" | sort -u)" = ci ]
}

# unlogged WORD: the credential is given, with one warning that has WORD; and with log-required it is not
unlogged() {
	rm -rf "$HOME/.config"
	ask_git get "$H"
	[[ $status -eq 0 && $out == *"password=$secret"* && $err_lines -eq 1 && $err == "valetkey: warning: this is not logged: "*"$1"* ]] ||
		show_run || return
	split "$VALETKEY" run -- sh -c 'echo ran'
	[[ $status -eq 0 && $out == ran$'\n' && $err_lines -eq 1 && $err == *warning*"$1"* ]] || show_run || return
	config "log = $L" 'log-required = yes'
	ask_git get "$H"
	[[ $status -eq 4 && -z $out && $err_lines -eq 1 && $err == *"not given, since it cannot be logged"*"$1"* ]] || show_run || return
	ask_docker get git.example
	complained || return
	[[ $out == *"cannot be logged"*"$1"* ]] || show_run || return
	split "$VALETKEY" get https://git.example
	[[ $status -eq 4 && -z $out ]] || show_run || return
	split "$VALETKEY" export --clear
	[[ $status -eq 4 && -z $out ]] || show_run || return
	split "$VALETKEY" render netrc
	[[ $status -eq 4 && -z $out ]] || show_run || return
	split "$VALETKEY" run -- sh -c 'echo ran'
	[[ $status -eq 125 && -z $out && $err == *"$1"* ]] || show_run
}

@test "log: what is no file of our own is refused" {
	mkdir d
	ln -s "$T/elsewhere" "$L"
	unlogged "symbolic link"
	[ ! -e "$T/elsewhere" ]
	touch "$T/elsewhere"
	unlogged "symbolic link"
	rm "$L"
	mkfifo "$L"
	unlogged "not a regular file"
	rm "$L"
	mkdir "$L"
	unlogged "$L"
	rmdir "$L"
	touch "$L"
	chmod 622 "$L"
	unlogged "others can write"
	chmod 620 "$L"
	unlogged "others can write"
	printf 'alias ll=ls\n' >"$L"
	chmod 600 "$L"
	unlogged "begins with something else"
	[ "$(cat "$L")" = "alias ll=ls" ]
	L=/dev/full VALETKEY_LOG=/dev/full unlogged "not a regular file"
	L=/no/such/dir/log VALETKEY_LOG=/no/such/dir/log unlogged "No such file"
}

@test "log: somebody else's file is refused" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to give a file away"
	touch "$L"
	chown 12321 "$L"
	unlogged "another user"
	[ ! -s "$L" ]
}

@test "log: a full disk: no line is torn but the one it hits, and the next begins anew" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount"
	cat >script <<-'END'
		set -e
		mount -t tmpfs -o size=8k tmpfs "$T/small"
		export VALETKEY_LOG=$T/small/log
		ask() { printf 'protocol=https\nhost=git.example\npath=%0900d\n\n' 7 | "$VALETKEY" helper git-credential get; }
		n=0
		while ask >/dev/null 2>"$T/err" && [ ! -s "$T/err" ]; do n=$((n + 1)); [ $n -lt 100 ]; done
		cat "$T/err"
		cp "$VALETKEY_LOG" "$T/full"
		# room again, behind the piece
		mount -o remount,size=64k "$T/small"
		ask | grep -q password
		cp "$VALETKEY_LOG" "$T/after"
		echo "$n" >"$T/n"
	END
	mkdir small
	T=$T run -0 unshare -m sh script
	[[ $output == *warning*"not logged"* ]]
	n=$(cat n)
	[ "$n" -ge 3 ]
	head -n "$n" after | jq -e '.result == "ok"' >/dev/null
	tail -n 1 after | jq -e '.result == "ok"' >/dev/null
	[ "$(wc -c <full)" -eq 8192 ]
	split "$VALETKEY" log --json after
	[[ $status -eq 5 && $err == *"1 of $((n + 2)) lines are damaged"* ]]
	[ "$(wc -l <<<"${out%$'\n'}")" -eq $((n + 1)) ]
}

@test "log: a file size limit is told as a full disk is" {
	: >"$L"
	(ulimit -f 0; exec "$VALETKEY" get https://git.example) 2>&1 | cat >"$T/out"
	[ "$(wc -l <"$T/out")" -eq 2 ]
	grep -q "warning: this is not logged: cannot write the log $L: File too large" "$T/out"
	grep -qx "$secret" "$T/out"
	[ ! -s "$L" ]
}

@test "log: 64 at once tear no line" {
	seq 64 >hosts
	export VALETKEY secret
	xargs -P 64 -I {} sh -c 'for i in 1 2 3 4; do
		printf "protocol=https\nhost=git.example\npath=%s/%01000d\n\n" {} $i | "$VALETKEY" helper git-credential get >/dev/null || exit 255
	done' <hosts
	# An empty line may stand between two of them.
	[ "$(grep -c . "$L")" -eq 256 ]
	jq -e . "$L" >/dev/null
	"$VALETKEY" log --json | cmp - <(grep . "$L")
	[ "$(jq -r '.path | split("/")[0]' "$L" | sort | uniq -c | awk '$1 == 4' | wc -l)" -eq 64 ]
	[ "$(jq -r 'select(.result == "ok") | .pid' "$L" | sort -u | wc -l)" -eq 256 ]
}

@test "log: a log that was renamed is left alone" {
	ask_git get "$H"
	mv "$L" "$L.1"
	ask_git get "$H"
	[ "$(wc -l <"$L")" -eq 1 ]
	[ "$(wc -l <"$L.1")" -eq 1 ]
	# in the middle of a run, too
	"$VALETKEY" run -- mv "$L" "$L.2"
	[ "$(jq -r .event "$L")" = end ]
}
