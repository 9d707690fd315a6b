#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Who can open a keystore: "slot", the variables of identities, the pin, and programs that keep a key.
# shellcheck disable=SC2154,SC2016  # out, err, status come from split; $V belongs to the inner shell

load lib
load helpers

setup_file() {
	cc -o "$BATS_FILE_TMPDIR/keyring" "$BATS_TEST_DIRNAME/keyring.c"
}

setup() {
	vk_keystore
	vk_add https://git.example alice s3cret
	unset VALETKEY_KEY_FILE
	vk_runtime=$(mktemp -d /dev/shm/vk-slot-XXXXXX)
	export V=$VALETKEY KEY=$T/key XDG_RUNTIME_DIR=$vk_runtime VALETKEY_LIBEXEC=$T/libexec
	# A copy: others may be able to write the tree that the tests lie in.
	mkdir -m 755 "$VALETKEY_LIBEXEC"
	install -m 755 "$BATS_TEST_DIRNAME/valetkey-fake-keyring" "$VALETKEY_LIBEXEC"
}

teardown() {
	rm -rf "$vk_runtime"
}

in_session() {
	split "$BATS_FILE_TMPDIR/keyring" new bash -ec "$1"
}

works() {
	split "$@"
	if [ "$status" -ne 0 ]; then show_run; fi
}

# fails STATUS PATTERN COMMAND...: it fails so, one error line matches, and stdout stays empty
fails() {
	local want=$1 pattern=$2

	shift 2
	split "$@"
	if ! { [ "$status" -eq "$want" ] && [ -z "$out" ] && [[ $err == *$pattern* ]]; }; then show_run; fi
}

# With TEXT (escapes understood) as standard input.
with() {
	printf %b "$1" >"$T/in"
	shift
	"$@" <"$T/in"
}

slots() {
	"$V" slot list --json --current-key-file "$KEY"
}

# opens VARIABLE VALUE: does it?
opens() {
	[ "$(env "$1=$2" "$V" get https://git.example)" = s3cret ]
}

# opens_with PASSPHRASE
opens_with() {
	with "$1" works "$BATS_FILE_TMPDIR/keyring" new "$V" unlock --passphrase-stdin
}

behave() {
	mkdir -p "$HOME/.fake-keyring"
	echo "$1" >"$HOME/.fake-keyring/behave"
}

@test "keygen: an identity in a private file, its recipient on stdout" {
	works "$V" slot keygen me
	[[ $out =~ ^vkr1-[A-Za-z0-9_-]{48}$'\n'$ && -z $err ]]
	[ "$(stat -c %a me)" = 600 ]
	[[ "$(cat me)" == "#"*"${out%$'\n'}"$'\n'vki1-* ]]
	sum=$(sha256sum me)
	fails 2 "me already exists" "$V" slot keygen me
	[ "$sum" = "$(sha256sum me)" ]
	fails 6 "none/me" "$V" slot keygen none/me
	[ -z "$(ls | grep new-)" ]
}

@test "add --recipient: its identity opens the keystore, by all four ways, and no other does" {
	recipient=$("$V" slot keygen me) && other=$("$V" slot keygen other)
	works "$V" slot add --recipient "$recipient" --label 'build machine' --current-key-file "$KEY"
	[[ $out =~ ^added\ slot\ [0-9a-f]{16}$'\n'$ ]]
	opens VALETKEY_IDENTITY_FILE "$T/me"
	opens VALETKEY_IDENTITY "$(tail -n 1 me)"
	opens VALETKEY_IDENTITY "$(tail -n 1 me)"$'\n'
	in_session '$V unlock --identity me && $V get https://git.example && $V lock'
	[[ $status -eq 0 && $out == *s3cret* ]] || show_run
	fails 3 "does not open" env VALETKEY_IDENTITY_FILE="$T/other" "$V" get https://git.example
	[[ $err == *"slot add"* ]]
	fails 3 "recipient" env VALETKEY_IDENTITY="$recipient" "$V" get https://git.example
	fails 3 "a slip" env VALETKEY_IDENTITY="$(tail -n 1 me | tr '[:lower:]' '[:upper:]')" "$V" get https://git.example
	fails 2 "is a secret" "$V" slot add --recipient "$(tail -n 1 me)" --current-key-file "$KEY"
	fails 2 "a slip" "$V" slot add --recipient "${recipient%?}" --current-key-file "$KEY"
	[ "$(slots | jq -r '.[1] | .type + " " + .label + " " + .recipient')" = "recipient build machine $recipient" ]
	[ -n "$other" ]
}

@test "the ladder: the raw key before the identity, both before a session; what is wrong is not passed over" {
	"$V" slot add --recipient "$("$V" slot keygen me)" --current-key-file "$KEY"
	export VALETKEY_KEY_FILE=$KEY VALETKEY_IDENTITY_FILE=$T/me
	"$V" status | grep -q "unlocked by the raw key in VALETKEY_KEY_FILE"
	unset VALETKEY_KEY_FILE
	"$V" status | grep -q "unlocked by the identity in VALETKEY_IDENTITY_FILE"
	[ "$(VALETKEY_IDENTITY=$(tail -n 1 me) "$V" status --json | jq -r .how)" = identity-variable ]
	VALETKEY_IDENTITY_FILE=$T/none fails 6 "identity file" "$V" get https://git.example
	VALETKEY_IDENTITY=nonsense fails 3 "VALETKEY_IDENTITY" "$V" get https://git.example
	chmod 666 me
	fails 4 "others can write the identity file" "$V" get https://git.example
	# neither is for the commands that run starts
	chmod 600 me
	VALETKEY_IDENTITY=$(tail -n 1 me) works "$V" run -- env
	[[ $out != *VALETKEY_IDENTITY* && $out == *HOME=* ]]
}

@test "add: a passphrase, a raw key, and what does not go together" {
	with 'correct horse\n' works "$V" slot add --passphrase-stdin --kdf interactive --current-key-file "$KEY"
	opens_with 'correct horse'
	works "$V" slot add --key-file second --current-key-file "$KEY"
	[[ $out == *"made the raw key second"* ]]
	[ "$(stat -c %a second)" = 600 ]
	opens VALETKEY_KEY_FILE "$T/second"
	[ "$(slots | jq -r '[.[].type] | join(" ")')" = "raw passphrase raw" ]
	fails 2 "one of --passphrase" "$V" slot add --current-key-file "$KEY"
	fails 2 "one of --passphrase" "$V" slot add --key-file x --passphrase --current-key-file "$KEY"
	fails 2 "about a passphrase" "$V" slot add --key-file x --kdf moderate --current-key-file "$KEY"
	fails 2 "opened by one of" "$V" slot add --key-file x --current-key-file "$KEY" --current-identity y
	fails 2 "no such cost" "$V" slot add --passphrase --kdf cheap --current-key-file "$KEY"
	fails 2 "no such option: --label" "$V" slot list --label x
	fails 2 "no such verb" "$V" slot bless
	fails 2 "too many" "$V" slot rotate now
	fails 2 "something is missing" "$V" slot remove
	fails 2 "something is missing" "$V" slot
	fails 2 "at most 40 bytes" "$V" slot add --key-file x --current-key-file "$KEY" --label "$(printf %041d 0)"
	fails 2 "not UTF-8" "$V" slot add --key-file x --current-key-file "$KEY" --label $'\xff'
	with '' fails 2 "empty" "$V" slot add --passphrase-stdin --current-key-file "$KEY"
	fails 3 "not a terminal" "$V" slot add --passphrase --current-key-file "$KEY" </dev/null
	[ ! -e x ]
}

@test "a slot is needed, not a session" {
	in_session '$V unlock --key-file $KEY >/dev/null; $V get https://git.example; $V slot rotate </dev/null'
	[[ $status -eq 3 && $out == s3cret$'\n' && $err == *"--current-key-file"* ]] || show_run
	with wrong fails 3 "this passphrase does not open" "$V" slot rotate --current-passphrase-stdin
	"$V" slot keygen me >/dev/null
	fails 3 "does not open" "$V" slot rotate --current-identity me
	fails 6 "none" "$V" slot rotate --current-key-file none
	VALETKEY_KEYSTORE=$T/none fails 1 "valetkey init" "$V" slot list
}

@test "list: without a key no labels and no recipients" {
	recipient=$("$V" slot keygen me)
	"$V" slot add --recipient "$recipient" --label 'build machine' --current-key-file "$KEY"
	works "$V" slot list
	[[ $out == *"raw key, made 20"*"recipient, made 20"* && $out != *vkr1* && $out != *machine* ]] || show_run
	[ "$("$V" slot list --json | jq -c '.[1] | [.type, .label, .recipient]')" = '["recipient",null,null]' ]
	VALETKEY_IDENTITY_FILE=$T/me works "$V" slot list
	[[ $out == *", $recipient: build machine"$'\n' ]] || show_run
	[ "$("$V" status --json | jq -r '[.slots[].type] | join(" ")')" = "raw recipient" ]
	[ "$(LC_ALL=C grep -c 'build machine' "$VALETKEY_KEYSTORE")" -eq 0 ]
}

@test "change: the new passphrase opens, the old one does not; the label stays" {
	with old works "$V" slot add --passphrase-stdin --kdf interactive --label mine --current-key-file "$KEY"
	with 'old\nnew\n' works "$V" slot change mine --current-passphrase-stdin --passphrase-stdin --kdf interactive
	[[ $err == *"slot rotate"* ]]
	opens_with new
	with old fails 3 "does not open" "$V" unlock --passphrase-stdin
	VALETKEY_KEY_FILE=$KEY with newer works "$V" slot change mine --passphrase-stdin --kdf interactive --label ours
	opens_with newer
	[ "$(slots | jq -r '.[1].label')" = ours ]
	VALETKEY_KEY_FILE=$KEY fails 1 "no key slot mine" "$V" slot change mine --passphrase-stdin <in
	raw=$(slots | jq -r '.[0].id')
	VALETKEY_KEY_FILE=$KEY fails 2 "no passphrase" "$V" slot change "$raw" --passphrase-stdin <in
	with only-one fails 2 "two lines" "$V" slot change ours --current-passphrase-stdin --passphrase-stdin
	with 'newer\n\n' fails 2 "empty" "$V" slot change ours --current-passphrase-stdin --passphrase-stdin
	opens_with newer
}

@test "remove: new keys, and what was removed opens no copy of the new file" {
	"$V" slot add --key-file gone --label gone --current-key-file "$KEY"
	cp "$VALETKEY_KEYSTORE" before
	works "$V" slot remove gone --current-key-file "$KEY"
	[[ $out == *"new keys"* && $err == *"copies"* ]]
	fails 3 "does not open" env VALETKEY_KEY_FILE="$T/gone" "$V" get https://git.example
	opens VALETKEY_KEY_FILE "$KEY"
	# ... but of the old one
	[ "$(VALETKEY_KEYSTORE=$T/before VALETKEY_KEY_FILE=$T/gone "$V" get https://git.example)" = s3cret ]
	fails 4 "last key slot" "$V" slot remove "$(slots | jq -r '.[0].id')" --current-key-file "$KEY"
	VALETKEY_KEY_FILE=$KEY works "$V" verify
}

@test "remove --keep-key: sessions go on, and it is said what that means" {
	"$V" slot add --key-file gone --label gone --current-key-file "$KEY"
	in_session '$V unlock --key-file gone >/dev/null; $V slot remove gone --keep-key --current-key-file "$KEY"
		$V get https://git.example'
	[[ $status -eq 0 && $out == removed$'\n's3cret$'\n' && $err == *"warning"*"can still open"* ]] || show_run
	fails 3 "does not open" env VALETKEY_KEY_FILE="$T/gone" "$V" get https://git.example
}

@test "slots are named by the beginning of an id or label, which must be enough" {
	for label in anna annabel bob; do
		"$V" slot add --key-file "$label" --label "$label" --current-key-file "$KEY"
	done
	export VALETKEY_KEY_FILE=$KEY
	fails 2 "more than one" "$V" slot remove ann --keep-key
	works "$V" slot remove anna --keep-key # is one of them in full
	works "$V" slot remove ann --keep-key
	fails 1 "no key slot ann" "$V" slot remove ann --keep-key
	fails 1 "no key slot" "$V" slot remove '' --keep-key
	id=$(slots | jq -r '.[1].id')
	works "$V" slot remove "${id%??}" --keep-key
	[ "$(slots | jq length)" -eq 1 ]
}

@test "rotate: everybody still opens it; this session goes on, another has to unlock again" {
	"$V" slot add --recipient "$("$V" slot keygen me)" --current-key-file "$KEY"
	with pass works "$V" slot add --passphrase-stdin --kdf interactive --current-key-file "$KEY"
	in_session '
		$V unlock --key-file $KEY --for 1h >/dev/null
		"'"$BATS_FILE_TMPDIR"'/keyring" new bash -c "\$V unlock --key-file \$KEY >/dev/null; touch ready
			until [ -e rotated ]; do sleep 0.05; done; \$V get https://git.example; echo \$? >other" 2>other-err &
		until [ -e ready ]; do sleep 0.05; done
		$V slot rotate --current-identity me
		touch rotated
		wait
		$V get https://git.example
		$V status --json'
	[ "$status" -eq 0 ] || show_run
	[[ $out == "the keystore has new keys"$'\n's3cret* ]]
	left=$(($(tail -n 1 <<<"${out%$'\n'}" | jq .session.expires) - $(date +%s)))
	[ "$left" -gt 3500 ]
	[ "$left" -le 3600 ]
	[ "$(cat other)" = 3 ]
	grep -q "new keys since it was unlocked" other-err
	opens VALETKEY_KEY_FILE "$KEY"
	opens VALETKEY_IDENTITY_FILE "$T/me"
	opens_with pass
}

@test "rotate: a session for the whole user stays one" {
	in_session '
		keyctl link @u @s 2>/dev/null || true
		$V unlock --scope user --key-file $KEY >/dev/null
		$V slot rotate --current-key-file $KEY
		'"$BATS_FILE_TMPDIR"'/keyring new $V status
		$V lock'
	[[ $status -eq 0 && $out == *"user keyring"* ]] || show_run
}

@test "init: for a team, and for the identity of a variable" {
	recipient=$("$V" slot keygen me) && second=$("$V" slot keygen two)
	export VALETKEY_KEYSTORE=$T/team
	works "$V" init --recipient "$recipient" --recipient "$second" </dev/null
	[[ $out == *"unlock --identity"* ]]
	[ "$("$V" slot list --json | jq -r '[.[].type] | join(" ")')" = "recipient recipient" ]
	VALETKEY_IDENTITY_FILE=$T/two works "$V" list
	fails 3 "no passphrase" "$V" unlock </dev/null
	export VALETKEY_KEYSTORE=$T/mine VALETKEY_IDENTITY_FILE=$T/me
	works "$V" init </dev/null
	works "$V" list
	[ "$("$V" slot list --json | jq -r '.[].recipient')" = "$recipient" ]
	unset VALETKEY_IDENTITY_FILE
	VALETKEY_KEYSTORE=$T/bad fails 2 "a slip" "$V" init --recipient "${recipient}x" --key-file new
	[ ! -e new ]
	[ ! -e bad ]
	VALETKEY_KEYSTORE=$T/bad fails 2 "--kdf" "$V" init --recipient "$recipient" --kdf moderate
}

@test "kdf: what is chosen is recorded" {
	for cost in interactive moderate; do
		with pass works "$V" slot add --passphrase-stdin --kdf $cost --current-key-file "$KEY"
	done
	with pass works "$V" slot add --passphrase-stdin --current-key-file "$KEY"
	[ "$(slots | jq -c '[.[1:3][] | [.kdf_mib, .kdf_passes]]')" = "[[64,2],[256,3]]" ]
	slots | jq -e '.[3] | .kdf_mib >= 19 and .kdf_mib <= 256 and .kdf_passes >= 2 and .kdf_passes <= 16'
}

@test "kdf: memory that cannot be had" {
	with pass works "$V" slot add --passphrase-stdin --kdf moderate --current-key-file "$KEY"
	with pass split bash -c 'ulimit -v 200000; exec "$V" unlock --passphrase-stdin'
	if grep -q __asan_init "$VALETKEY"; then skip "needs a build without sanitizers"; fi
	[[ $status -eq 6 && $err == *"256 MiB"* ]] || show_run
}

@test "too few descriptors: what could not be done is said" {
	failed=0
	for n in 4 5 6 7 8; do
		split bash -c "exec 3>&- 4>&- 5>&-; ulimit -n $n; exec \"\$V\" slot rotate --current-key-file \"\$KEY\""
		[ "$status" -ne 0 ] || continue
		failed=$((failed + 1))
		[ "$status" -eq 6 ] && [[ $err == "valetkey: error: cannot "*": Too many open files" ]] || show_run
	done
	[ "$failed" -ge 2 ]
	opens VALETKEY_KEY_FILE "$KEY"
}

@test "VALETKEY_STORE_ID: this keystore and no other, or these keys and no other" {
	export VALETKEY_KEY_FILE=$KEY
	id=$("$V" status --json | jq -r .id) pin=$("$V" status --json | jq -r .pin)
	[[ $id =~ ^[0-9a-f]{32}$ && $pin =~ ^$id:[0-9a-f]{32}$ ]]
	[[ "$("$V" status)" == *"id        $id"$'\n'"pin       $pin"$'\n'* ]]
	for good in "$id" "$pin" "$(tr '[:lower:]' '[:upper:]' <<<"$pin")"; do
		VALETKEY_STORE_ID=$good works "$V" get https://git.example
	done
	for bad in '' x "$id:" "$id:$id:" ":$id" "${id}0" "$pin "; do
		VALETKEY_STORE_ID=$bad fails 2 "VALETKEY_STORE_ID" "$V" get https://git.example
	done
	# somebody who knows nothing but the key's public half makes another keystore
	other=$T/other
	VALETKEY_KEYSTORE=$other "$V" init >/dev/null
	export VALETKEY_STORE_ID=$id
	VALETKEY_KEYSTORE=$other fails 4 "is not the one" "$V" get https://git.example
	VALETKEY_KEYSTORE=$other fails 4 "is not the one" "$V" unlock
	VALETKEY_KEYSTORE=$other fails 4 "is not the one" "$V" slot rotate
	VALETKEY_KEYSTORE=$other split "$V" status
	[[ $status -eq 4 && $out == *"is not the one"* ]] || show_run
	[[ $out == *"next      set VALETKEY_KEYSTORE"*" to its id, "* && $out != *'see "valetkey status"'* ]] || show_run
	VALETKEY_KEYSTORE=$other ask_git get 'protocol=https\nhost=git.example\n\n'
	[[ $status -ne 0 && $out != *password* ]] || show_run
	VALETKEY_KEYSTORE=$T/new fails 2 "another id" "$V" init --key-file "$T/newkey"
	# with new keys the long form has to follow
	works "$V" slot rotate
	works "$V" get https://git.example
	export VALETKEY_STORE_ID=$pin
	fails 4 "other keys" "$V" get https://git.example
	[[ $err == *"rotated"* ]]
}

@test "external: a program keeps the key; unlock asks it first, and nobody for a passphrase" {
	works "$V" slot add --external fake-keyring --label 'my desktop' --current-key-file "$KEY"
	[ "$(cat "$HOME/.fake-keyring/label")" = "my desktop" ]
	[ "$(slots | jq -r '.[1] | .type + " " + .program')" = "external valetkey-fake-keyring" ]
	in_session '$V unlock </dev/null; $V get https://git.example; $V lock'
	[[ $status -eq 0 && $out == *s3cret* && -z $err ]] || show_run
	# also to change slots, after a rotation, and for nothing else
	works "$V" slot rotate </dev/null
	works "$V" slot add --key-file second </dev/null
	: >"$HOME/.fake-keyring/log"
	fails 3 locked "$V" get https://git.example
	ask_git get 'protocol=https\nhost=git.example\n\n'
	works "$V" slot list
	[ ! -s "$HOME/.fake-keyring/log" ]
	# and it forgets the key with the slot
	works "$V" slot remove 'my desktop' </dev/null
	[ "$(ls "$HOME/.fake-keyring")" = $'label\nlog' ]
}

@test "external: a program that does not" {
	"$V" slot add --external fake-keyring --current-key-file "$KEY"
	with pass works "$V" slot add --passphrase-stdin --kdf interactive --current-key-file "$KEY"
	for row in 'locked|3|unlocked first: by the file' 'denied|4|refuses' 'garbage|6|not understood' \
		'huge|6|more than 4096' 'wrong|3|keeps does not open'; do
		IFS='|' read -r how code text <<<"$row"
		behave "$how"
		fails "$code" "$text" "$V" unlock </dev/null
		[[ $err == *"--passphrase-stdin"* ]] || show_run
	done
	behave ok
	rm "$HOME"/.fake-keyring/*-*
	fails 3 "keeps no key" "$V" unlock </dev/null
	chmod 775 "$VALETKEY_LIBEXEC/valetkey-fake-keyring"
	fails 4 "others can write" "$V" unlock </dev/null
	chmod 755 "$VALETKEY_LIBEXEC/valetkey-fake-keyring"
	chmod 777 "$VALETKEY_LIBEXEC"
	fails 4 "others can write the directory" "$V" unlock </dev/null
	chmod 755 "$VALETKEY_LIBEXEC"
	rm "$VALETKEY_LIBEXEC/valetkey-fake-keyring"
	fails 6 "valetkey-fake-keyring: No such file" "$V" unlock </dev/null
	opens_with pass
}

@test "external: one that hangs is stopped, and then the passphrase is asked for on the terminal" {
	"$V" slot add --external fake-keyring --current-key-file "$KEY"
	with pass works "$V" slot add --passphrase-stdin --kdf interactive --current-key-file "$KEY"
	behave hang
	cat >"$T/ask.exp" <<-'END'
		set timeout 30
		spawn $env(V) unlock
		expect {
			"valetkey-fake-keyring did not answer within 10 seconds" {}
			timeout { exit 9 }
		}
		expect "Passphrase: "
		send "pass\r"
		expect eof
		exit [lindex [wait] 3]
	END
	in_session 'expect ask.exp; $V get https://git.example'
	[[ $status -eq 0 && $out == *s3cret$'\n' ]] || show_run
	[ -z "$(pgrep -f "$VALETKEY_LIBEXEC/valetkey-fake-keyring")" ]
}

# alive SESSION: how many processes it has, without those that only wait to be reaped
alive() {
	ps -o stat= -s "$1" | grep -vc '^Z' || true
}

@test "external: however valetkey dies, the program's whole group does too" {
	"$V" slot add --external fake-keyring --current-key-file "$KEY"
	cat >"$VALETKEY_LIBEXEC/valetkey-fake-keyring" <<-END
		#!/bin/sh
		(trap "" TERM HUP INT; echo \$\$ >$T/group; exec sleep 77) &
		exec sleep 77
	END
	for signal in TERM HUP KILL; do
		rm -f "$T/group"
		"$V" unlock </dev/null >"$T/log" 2>&1 3>&- &
		pid=$!
		until [ -s "$T/group" ]; do sleep 0.05; done
		group=$(cat "$T/group")
		[ "$(alive "$group")" -eq 2 ]
		kill -"$signal" $pid
		wait $pid || true
		for _ in $(seq 100); do
			[ "$(alive "$group")" -gt 0 ] || break
			sleep 0.05
		done
		[ "$(alive "$group")" -eq 0 ]
	done
}

@test "external: what cannot be kept makes no slot" {
	for row in 'denied|4|refuses' 'forgetful|6|does not keep' 'wrong|6|does not keep' 'garbage|6|not understood'; do
		IFS='|' read -r how code text <<<"$row"
		behave "$how"
		fails "$code" "$text" "$V" slot add --external fake-keyring --current-key-file "$KEY"
		[ -z "$(find "$HOME/.fake-keyring" -type f -name '*-*')" ]
	done
	fails 6 "valetkey-none: No such file" "$V" slot add --external none --current-key-file "$KEY"
	fails 2 "a-z, 0-9" "$V" slot add --external ../x --current-key-file "$KEY"
	VALETKEY_LIBEXEC=libexec fails 2 "absolute" "$V" slot add --external fake-keyring --current-key-file "$KEY"
	[ "$(slots | jq length)" -eq 1 ]
}

@test "on a terminal: the current passphrase, then the new one twice" {
	with old works "$V" slot add --passphrase-stdin --kdf interactive --label mine --current-key-file "$KEY"
	cat >"$T/ask.exp" <<-'END'
		set timeout 30
		spawn $env(V) slot change mine --kdf interactive
		expect "Current passphrase: "
		send "wrong\r"
		expect "try again"
		expect "Current passphrase: "
		send "old\r"
		expect "New passphrase: "
		send "next\r"
		expect "once more: "
		send "next\r"
		expect eof
		exit [lindex [wait] 3]
	END
	split expect ask.exp
	[[ $status -eq 0 && $out != *next* ]] || show_run
	opens_with next
}

# meanwhile_rotated COMMAND...: its input comes once the keys have been rotated
meanwhile_rotated() {
	mkfifo "$T/later"
	"$@" <"$T/later" >"$T/log" 2>&1 &
	exec {later}>"$T/later"
	sleep 0.5 # until it has opened the keystore and waits
	env -u VALETKEY_IDENTITY_FILE VALETKEY_KEY_FILE="$KEY" "$V" slot rotate 2>/dev/null >&2
	cat >&"$later"
	exec {later}>&-
	rm "$T/later"
	wait $! || { cat "$T/log" >&2; return 1; }
}

@test "who holds a slot goes on over a rotation in the middle of a command" {
	export VALETKEY_KEY_FILE=$KEY
	printf new | meanwhile_rotated "$V" add https://new.example --username u
	echo 'machine b.example login u password p' | meanwhile_rotated "$V" import netrc -
	echo 'a passphrase of ours' | meanwhile_rotated "$V" slot add --passphrase-stdin
	unset VALETKEY_KEY_FILE
	echo 'a passphrase of ours' | "$V" unlock --passphrase-stdin --scope user >/dev/null 2>&1
	[ "$("$V" get https://new.example)$("$V" get https://b.example)" = newp ]
	"$V" lock >/dev/null
}
