#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What a hostile URL, server, caller or machine can make git's helper see, second part: what is asked
# of it (G17 to G25) and where it runs (G26 to G35).

load lib
load helpers
load hostile-lib

setup() {
	hostile_setup
}

teardown() {
	hostile_teardown
}

@test "hostile git: G17 unknown keys, lists and capabilities are ignored" {
	ask_git get "capability[]=teleport\nunknown=1\nunknown=2\nmore[]=a\nmore[]=b\n${H}url=https://victim.example\nquit=1\n"
	answered 'username=alice\npassword=s3cret'
}

@test "hostile git: G17 an unknown action is silent and reads no keystore" {
	rm "$VALETKEY_KEYSTORE"
	mkfifo "$VALETKEY_KEYSTORE"
	split timeout 10 "$VALETKEY" helper git-credential frobnicate
	silent
	WRITES=1
}

@test "hostile git: G18 a bearer credential is never sent unless authtype was announced" {
	WRITES=1
	printf tok | "$VALETKEY" add https://bearer.example --kind bearer >/dev/null
	ask_git get 'protocol=https\nhost=bearer.example\n'
	silent
	ask_git get 'capability[]=state\nprotocol=https\nhost=bearer.example\n'
	silent
	ask_git get 'capability[]=authtype\ncapability[]=\nprotocol=https\nhost=bearer.example\n'
	silent
}

@test "hostile git: G19 a capability may come late, and goes first" {
	WRITES=1
	printf tok | "$VALETKEY" add https://bearer.example --kind bearer >/dev/null
	ask_git get 'protocol=https\nhost=bearer.example\ncapability[]=authtype\n'
	answered 'capability[]=authtype\nauthtype=Bearer\ncredential=tok'
}

@test "hostile git: G20 what is ephemeral is not stored" {
	local v

	for v in 1 true yes on TRUE; do
		ask_git store "protocol=https\nhost=brief.example\nusername=u\npassword=p\nephemeral=$v\n"
		silent
		ask_git store "capability[]=authtype\nprotocol=https\nhost=brief.example\nauthtype=Bearer\ncredential=t\nephemeral=$v\n"
		silent
	done
	ask_git store 'protocol=https\nhost=brief.example\nusername=u\npassword=p\nephemeral=maybe\n'
	refused
}

@test "hostile git: G21 what has expired is not stored" {
	local v

	for v in 0 1 1000000000; do
		ask_git store "protocol=https\nhost=old.example\nusername=u\npassword=p\npassword_expiry_utc=$v\n"
		silent
	done
}

@test "hostile git: G21 an expiry that is no time is refused" {
	local v

	for v in -5 abc 18446744073709551616 9223372036854775808 18446744073709551611 '' ' 9' 9e9 0x99; do
		ask_git store "protocol=https\nhost=old.example\nusername=u\npassword=p\npassword_expiry_utc=$v\n"
		refused
	done
}

@test "hostile git: G22 an empty user name and password are kept as they are" {
	WRITES=1
	ask_git store 'protocol=https\nhost=empty.example\nusername=\npassword=\n'
	silent
	ask_git get 'protocol=https\nhost=empty.example\n'
	answered 'username=\npassword='
}

@test "hostile git: G23 a store without a password, or without anything, does nothing" {
	ask_git store "${H}username=new\n"
	silent
	ask_git store "${H}password=p\n"
	silent
	ask_git store "$H"
	silent
	ask_git store "${H}authtype=Bearer\nusername=u\n"
	silent
	ask_git store "${H}credential=t\n"
	silent
}

@test "hostile git: G24 an erase with another password is not one" {
	local p

	for p in P pp '' 'p ' q; do
		ask_git erase "protocol=https\nhost=client.example\nusername=u\npassword=$p\n"
		silent
	done
	ask_git erase 'protocol=https\nhost=client.example\nusername=other\npassword=p\n'
	silent
	ask_git erase 'capability[]=authtype\nprotocol=https\nhost=client.example\nauthtype=Bearer\ncredential=p\n'
	silent
}

@test "hostile git: G24 an erase with the password is that one only" {
	WRITES=1
	ask_git store 'protocol=https\nhost=client.example\nusername=v\npassword=q\n'
	ask_git erase 'protocol=https\nhost=client.example\npassword=q\n'
	[ "$(password_of 'protocol=https\nhost=client.example\nusername=u\n')" = p ]
	ask_git get 'protocol=https\nhost=client.example\nusername=v\n'
	silent
}

@test "hostile git: G24 an erase without password is all users of the host" {
	WRITES=1
	ask_git store 'protocol=https\nhost=client.example\nusername=v\npassword=q\n'
	ask_git erase 'protocol=https\nhost=client.example\n'
	silent
	ask_git get 'protocol=https\nhost=client.example\n'
	silent
}

@test "hostile git: G25 an erase of what a variable gave is a silent nothing" {
	printf '[ci]\nurl = https://env.example\nusername = bot\nsecret = env:TOKEN\n' >config.ini
	TOKEN=t ask_git erase 'protocol=https\nhost=env.example\nusername=bot\npassword=t\n' --config "$T/config.ini"
	silent
	TOKEN=t ask_git get 'protocol=https\nhost=env.example\n' --config "$T/config.ini"
	answered 'username=bot\npassword=t'
}

@test "hostile git: G26 a locked keystore answers nothing but quit, and nothing is changed" {
	without_key ask_git get "$H"
	told_to_quit
	without_key ask_git erase 'protocol=https\nhost=client.example\n'
	refused 3
	without_key ask_git store 'protocol=https\nhost=client.example\nusername=u\npassword=new\n'
	refused 3
}

@test "hostile git: G26 a damaged keystore gives an error or the right answer, and is left as it is" {
	local at size damaged=0

	size=$(stat -c %s "$VALETKEY_KEYSTORE")
	for ((at = 17; at < size; at += size / 40)); do
		cp "$VALETKEY_KEYSTORE" whole
		printf '\377' | dd of="$VALETKEY_KEYSTORE" bs=1 seek="$at" conv=notrunc status=none
		ask_git get 'protocol=https\nhost=client.example\n'
		if [ "$status" -eq 0 ]; then
			answered 'username=u\npassword=p' # a byte that this answer does not hang on
		else
			failed
			damaged=$((damaged + 1))
		fi
		cat whole >"$VALETKEY_KEYSTORE"
	done
	[ "$damaged" -ge 5 ]
}

@test "hostile git: G26 a keystore that was cut short is damaged, whatever is asked" {
	truncate -s 5000 "$VALETKEY_KEYSTORE"
	SUM=$(keystore_sum)
	for action in get erase store; do
		ask_git "$action" 'protocol=https\nhost=client.example\nusername=u\npassword=q\n'
		refused 5
	done
}

@test "hostile git: G26 a source that fails is an error, not a miss" {
	printf '[ci]\nurl = https://env.example\nusername = bot\nsecret = env:NOT_SET\n' >config.ini
	ask_git get 'protocol=https\nhost=env.example\n' --config "$T/config.ini"
	told_to_quit 6
	[[ $err == *NOT_SET* ]]
}

@test "hostile git: G27 one line end after a secret is dropped, one inside it is refused" {
	printf '[ci]\nurl = https://env.example\nusername = bot\nsecret = file:%s\n' "$T/secret" >config.ini
	for s in 'tok\n' 'tok\r\n' tok; do
		printf %b "$s" >secret
		ask_git get 'protocol=https\nhost=env.example\n' --config "$T/config.ini"
		answered 'username=bot\npassword=tok'
	done
	for s in 'tok\nhost=evil' 'tok\n\n' 'to\rk' 'to\0000k'; do
		printf %b "$s" >secret
		ask_git get 'protocol=https\nhost=env.example\n' --config "$T/config.ini"
		told_to_quit 6
		[[ $err != *tok* ]]
	done
}

@test "hostile git: G28 other helpers' state and an absurd one of ours are ignored" {
	local long

	long=$(head -c 60000 /dev/zero | tr '\0' x)
	ask_git get "capability[]=state\nstate[]=other:1\nstate[]=valetkey:$long\nstate[]=\n$H"
	[[ $status -eq 0 && -z $err ]]
	[[ $out != *other* && $out != *xxx* ]]
	WRITES=1
	ask_git store "capability[]=state\nstate[]=valetkey:1:0000\nprotocol=https\nhost=client.example\nusername=u\npassword=new\n"
	silent
	[ "$(password_of 'protocol=https\nhost=client.example\n')" = new ]
}

@test "hostile git: G29 a closed standard input is an empty request" {
	split "$VALETKEY" helper git-credential get <&-
	silent
	split "$VALETKEY" helper git-credential erase <&-
	refused
}

@test "hostile git: G29 endless input is refused" {
	split timeout 20 "$VALETKEY" helper git-credential get </dev/zero
	refused
	yes 'wwwauth[]=x' >in & # no blank line, well-formed lines
	sleep 0.2
	kill $!
	wait $! || true
	head -c 3M in >in.3M
	split "$VALETKEY" helper git-credential get <in.3M
	refused
}

@test "hostile git: G29 a directory as standard input is refused" {
	split "$VALETKEY" helper git-credential get </
	refused
}

@test "hostile git: G29 a terminal is read like anything else" {
	printf 'protocol=https\nhost=github.com\n\n' >typed
	run script -qec "'$VALETKEY' helper git-credential get" /dev/null <typed
	[[ $output == *'password=s3cret'* ]]
}

@test "hostile git: G30 a reader that has gone is an error without a secret in it" {
	bash -c '"$1" helper git-credential get <"$2" 2>err; echo $? >code' - "$VALETKEY" <(printf %b "$H") | true
	printf %b "$H" >in
	"$VALETKEY" helper git-credential get <in 2>err >/dev/full || code=$?
	[ "${code:-0}" -ne 0 ]
	[ "$(grep -c '' err)" -eq 1 ]
	[ "$(grep -c s3cret err)" -eq 0 ]
	split "$VALETKEY" helper git-credential get <in >&-
}

@test "hostile git: G31 readers see the old or the new password while writers run" {
	local i w r

	WRITES=1
	(for i in $(seq 40); do
		printf 'protocol=https\nhost=client.example\nusername=u\npassword=w1-%d\n' "$i" | "$VALETKEY" helper git-credential store
	done) & w=$!
	(for i in $(seq 40); do
		printf 'protocol=https\nhost=second.example\nusername=u\npassword=w2-%d\n' "$i" | "$VALETKEY" helper git-credential store
	done) & r=$!
	for i in $(seq 60); do
		[[ $(password_of 'protocol=https\nhost=client.example\n') =~ ^(p|w1-[0-9]+)$ ]]
	done
	wait $w
	wait $r
	[ "$(password_of 'protocol=https\nhost=client.example\n')" = w1-40 ]
	[ "$(password_of 'protocol=https\nhost=second.example\n')" = w2-40 ]
	[ "$(password_of "$H")" = s3cret ]
}

@test "hostile git: G31 a writer killed at any moment leaves the old or the new state" {
	local i pid

	WRITES=1
	for i in $(seq 40); do
		printf 'protocol=https\nhost=client.example\nusername=u\npassword=k-%d\n' "$i" >in
		"$VALETKEY" helper git-credential store <in & pid=$!
		sleep "0.00$((i % 10))"
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
		[[ $(password_of 'protocol=https\nhost=client.example\n') =~ ^(p|k-[0-9]+)$ ]]
	done
	ask_git store 'protocol=https\nhost=client.example\nusername=u\npassword=last\n'
	silent
	[ "$(password_of 'protocol=https\nhost=client.example\n')" = last ]
}

@test "hostile git: G32 HOME unset or relative is said, where it matters" {
	local home

	for home in '' relative; do
		split env -u VALETKEY_KEYSTORE -u XDG_DATA_HOME HOME="$home" "$VALETKEY" helper git-credential get <<<$'protocol=https\nhost=h'
		failed
		[[ $err == *HOME* ]]
	done
	printf %b "$H" >in
	split env -u HOME "$VALETKEY" helper git-credential get <in
	answered 'username=alice\npassword=s3cret'
}

@test "hostile git: G32 a relative XDG directory is not used" {
	mkdir -p valetkey
	cp "$VALETKEY_KEYSTORE" valetkey/keystore
	printf %b "$H" >in
	split env -u VALETKEY_KEYSTORE XDG_DATA_HOME=. XDG_CONFIG_HOME=. "$VALETKEY" helper git-credential get <in
	silent
}

@test "hostile git: G32 a written keystore is private whatever the umask" {
	WRITES=1
	umask 000
	ask_git store 'protocol=https\nhost=mask.example\nusername=u\npassword=p\n'
	[ "$(stat -c %a "$VALETKEY_KEYSTORE")" = 600 ]
}

@test "hostile git: G32 a keystore that others can write is refused" {
	chmod 666 "$VALETKEY_KEYSTORE"
	SUM=$(keystore_sum)
	ask_git get "$H"
	refused 4
	ask_git erase 'protocol=https\nhost=client.example\n'
	refused 4
}

@test "hostile git: G32 a keystore of somebody else is refused" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to give a file away"
	chown 65534 "$VALETKEY_KEYSTORE"
	ask_git get "$H"
	refused 4
}

@test "hostile git: G32 a keystore that is no file is refused" {
	mv "$VALETKEY_KEYSTORE" aside
	mkdir "$VALETKEY_KEYSTORE"
	ask_git get "$H"
	failed
	rmdir "$VALETKEY_KEYSTORE"
	mkfifo "$VALETKEY_KEYSTORE"
	split timeout 10 "$VALETKEY" helper git-credential get < <(printf %b "$H")
	failed
	rm "$VALETKEY_KEYSTORE"
	mv aside "$VALETKEY_KEYSTORE"
}

@test "hostile git: G33 nothing is run, whatever lies in the directory or on PATH" {
	local name

	mkdir trap
	for name in git secret-tool pinentry pass gpg sh dbus-launch keyctl; do
		printf '#!/bin/sh\ntouch %s/ran\n' "$T" >"trap/$name"
		chmod +x "trap/$name"
	done
	cd trap
	printf %b "$H" >"$T/in"
	PATH=.:$PATH split strace -f -e trace=execve,execveat,fork,vfork,clone,clone3 -o "$T/trace" "$VALETKEY" helper git-credential get <"$T/in"
	answered 'username=alice\npassword=s3cret'
	[ ! -e "$T/ran" ]
	[ "$(grep -cE 'execve|fork|clone' "$T/trace")" -eq 1 ]
}

@test "hostile git: G35 no secret reaches standard error, whatever is traced" {
	printf %b "protocol=https\nhost=client.example\nusername=u\npassword=hunter2\nexpiry\n" >in
	GIT_TRACE=1 GIT_TRACE2=1 GIT_TRACE_CURL=1 VALETKEY_DEBUG=1 split "$VALETKEY" helper git-credential store <in
	refused
	[[ $err != *hunter2* ]]
	printf %b "$H" >in
	GIT_TRACE=1 GIT_TRACE2=1 split "$VALETKEY" helper git-credential get <in
	answered 'username=alice\npassword=s3cret'
}

@test "hostile git: G35 control bytes from outside do not reach the terminal" {
	ask_git get 'protocol=https\nhost=evil\0033]0;owned\0007.example\n'
	refused
	split "$VALETKEY" helper git-credential --$'\033[31m' get
	refused 2
	without_key split env VALETKEY_KEYSTORE="$T/"$'no\033[2Jwhere' "$VALETKEY" helper git-credential store \
	    <<<$'protocol=https\nhost=h\nusername=u\npassword=p'
	refused
}
