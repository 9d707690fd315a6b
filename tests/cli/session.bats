#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# unlock, lock and status: in kernel keyrings, and where the kernel refuses them.
# shellcheck disable=SC2154,SC2016  # out, err, status come from split; $V belongs to the inner shell

load lib
load helpers
load session-lib

setup_file() {
	session_setup_file
}

setup() {
	session_setup
}

teardown() {
	session_teardown
}

@test "unlock, use, lock" {
	in_session new '
		not $V get https://git.example
		$V unlock --key-file "$KEY"
		[ "$($V get https://git.example)" = s3cret ]
		$V status
		$V lock
		not $V get https://git.example
		$V status || [ $? -eq 3 ]
	'
	works
	[[ $out == *"unlocked until "*": session keyring"* ]]
	[[ $out == *"unlocked by the session key in the kernel keyring, 1 entry"* ]]
	[[ $out == *"session   session keyring, ends in 1"*" hours"* ]]
	[ -z "$(ls "$XDG_RUNTIME_DIR")" ]
}

@test "status: its three exit codes, as text and as JSON" {
	in_session new '$V status --json'
	[ "$status" -eq 3 ]
	[ "$(jq -r '[.exists, .unlocked, .format, .slots[0].type, .session.kind, .keyring_refused] | join(" ")' <<<"$out")" = \
		"true false VKSTORE1 raw none false" ]
	in_session new '$V unlock --key-file "$KEY" >/dev/null; $V status --json'
	works
	[ "$(jq -r '[.unlocked, .how, .entries, .session.kind, .session.user_scope] | join(" ")' <<<"$out")" = \
		"true keyring 1 keyring false" ]
	left=$(($(jq .session.expires <<<"$out") - $(date +%s)))
	[ "$left" -gt 43100 ]
	[ "$left" -le 43200 ]
	VALETKEY_KEYSTORE=$T/none split "$V" status --json
	[ "$status" -eq 1 ]
	[ "$(jq -r '[.exists, .unlocked, .keystore] | join(" ")' <<<"$out")" = "false false $T/none" ]
	VALETKEY_KEYSTORE=$T/none split "$V" status
	[ "$status" -eq 1 ]
	[[ $out == *"valetkey init"* ]]
	VALETKEY_KEY=$(head -c32 /dev/zero | base64) split "$V" status
	[ "$status" -eq 3 ]
	[[ $out == *"VALETKEY_KEY does not open"* ]]
}

@test "status --json: an object whatever is the matter, and a reason only where something is" {
	VALETKEY_KEY_FILE=$KEY split "$V" status --json
	[ "$status" -eq 0 ] && [ "$(jq -c '[.state, .entries, has("reason"), has("hint")]' <<<"$out")" = '["unlocked",1,false,false]' ] || show_run
	in_session eperm 'unset XDG_RUNTIME_DIR; $V unlock --key-file "$KEY" >/dev/null && $V status --json; $V lock >/dev/null'
	[ "$(jq -c '[.state, .how, has("reason")]' <<<"$out")" = '["unlocked","session-file",false]' ] || show_run
	VALETKEY_KEYSTORE=$T/none split "$V" status --json
	[ "$status" -eq 1 ] && [ "$(jq -c '[.state, .exists, has("entries")]' <<<"$out")" = '["none",false,false]' ] || show_run
	split "$V" status --json
	[ "$status" -eq 3 ] && [ "$(jq -c '[.state, has("entries"), (.reason != "")]' <<<"$out")" = '["locked",false,true]' ] || show_run
	cp "$VALETKEY_KEYSTORE" "$T/whole"
	for row in '4|refused|not a regular file|rm "$K"; mkdir "$K"' '5|damaged|damaged|truncate -s 5000 "$K"' \
		'5|unknown-version|VKSTORE9|for at in 7 4103; do printf 9 | dd of="$K" bs=1 seek=$at conv=notrunc 2>/dev/null; done'; do
		IFS='|' read -r code state text how <<<"$row"
		rm -rf "$T/k"
		cp "$T/whole" "$T/k"
		K=$T/k bash -c "$how"
		VALETKEY_KEYSTORE=$T/k split "$V" status --json
		[ "$status" -eq "$code" ] && [[ $err == *"$text"* ]] || show_run
		[ "$(jq -c --arg text "$text" '[.keystore, .state, .exists, .unlocked, (.reason | contains($text)), has("hint")]' <<<"$out")" = \
			"[\"$T/k\",\"$state\",true,false,true,true]" ] || show_run
	done
}

@test "unlock: --for, and the end of it" {
	in_session new '
		$V unlock --key-file "$KEY" --for 2s
		$V get https://git.example
		sleep 3
		$V get https://git.example || [ $? -eq 3 ]
		$V unlock --key-file "$KEY" --for 2d
		$V unlock --key-file "$KEY" --for 1s
		sleep 2
		$V get https://git.example || exit $?
	'
	[ "$status" -eq 3 ]
	for bad in 0s 31d 8 1y -1h '' 99999999999999999999s; do
		split "$V" unlock --key-file "$KEY" --for "$bad"
		[ "$status" -eq 2 ] || show_run
	done
}

@test "unlock: a passphrase, right and wrong" {
	export VALETKEY_KEYSTORE=$T/pass
	printf 'correct horse' | "$V" init --passphrase-stdin --kdf interactive
	in_session new '
		printf "correct horse\n" | $V unlock --passphrase-stdin
		$V list --json
	'
	works
	sum=$(keystore_sum)
	in_session new 'printf wrong | $V unlock --passphrase-stdin'
	[ "$status" -eq 3 ]
	[[ $err == *"does not open"* && $err != *wrong* ]]
	in_session new 'printf "" | $V unlock --passphrase-stdin'
	[ "$status" -eq 2 ]
	in_session new '$V unlock </dev/null'
	[ "$status" -eq 3 ]
	[[ $err == *"--passphrase-stdin"* ]]
	in_session new '$V unlock --key-file "$KEY"'
	[ "$status" -eq 3 ]
	[[ $err == *"does not open"* ]]
	unchanged "$sum"
}

@test "unlock: a keystore without a passphrase does not ask for one" {
	in_session new '$V unlock </dev/null'
	[ "$status" -eq 3 ]
	[[ $err == *"no passphrase"* && $err == *"--key-file"* ]]
}

@test "unlock: key files that are none" {
	head -c32 /dev/zero | base64 >"$T/wrong"
	echo hello >"$T/text"
	for file in wrong text; do
		in_session new "\$V unlock --key-file $T/$file"
		[ "$status" -eq 3 ] || show_run
	done
	in_session new "\$V unlock --key-file $T/none"
	[ "$status" -eq 6 ]
	[[ $err == *"$T/none"* ]]
	chmod 666 "$T/wrong"
	in_session new "\$V unlock --key-file $T/wrong"
	[ "$status" -eq 4 ]
	[[ $err == *"others can write"* ]]
}

@test "unlock: VALETKEY_KEY and VALETKEY_KEY_FILE open it too" {
	in_session new 'VALETKEY_KEY_FILE=$KEY $V unlock; $V get https://git.example; $V lock
		VALETKEY_KEY=$(cat "$KEY") $V unlock; $V get https://git.example'
	works
}

@test "a session is its own: another cannot use it, says where it is, and can end it" {
	in_session new '
		$V unlock --key-file "$KEY"
		$KEYRING new $V get https://git.example || [ $? -eq 3 ]
		$KEYRING new $V status || [ $? -eq 3 ]
		$V get https://git.example
		$KEYRING new $V lock
		$V get https://git.example || exit $?
	'
	[ "$status" -eq 3 ] || show_run
	[[ $err == *"locked here, and unlocked in another session"*"--scope user"* ]]
	[[ $out == *"unlocked in another session, which this one cannot use"* ]]
	[[ $out == *"next      run \"valetkey unlock\" here too, or \"valetkey unlock --scope user\""* ]]
	[[ $out == *$'\ns3cret\nlocked: 1 session ended\n' ]] || show_run
}

@test "--scope user: every session of this user, until any of them locks" {
	in_session new '
		$V unlock --key-file "$KEY" --scope user
		'"$BATS_FILE_TMPDIR"'/keyring new $V get https://git.example
		'"$BATS_FILE_TMPDIR"'/keyring new $V lock
		not $V get https://git.example
	'
	works
	[[ $out == *"user keyring"*"s3cret"* ]]
}

# The session keys that are alive, of whichever keystore.
live_keys() {
	awk '$2 !~ /R/ && /user +valetkey:/ { print $1 }' /proc/keys
}

@test "lock: every session of this user, in both scopes and without a login; of no other keystore" {
	before=$(live_keys)
	VALETKEY_KEYSTORE=$T/other "$V" init --key-file "$KEY"
	in_session new '
		VALETKEY_KEYSTORE=$PWD/other $V unlock --key-file "$KEY"
		$V unlock --key-file "$KEY" --scope user
		$V unlock --key-file "$KEY"
		$KEYRING new bash -ec "
			\$V unlock --key-file \"\$KEY\"
			\$KEYRING default \$V unlock --key-file \"\$KEY\"
			\$KEYRING new bash -ec \"\\\$V unlock --key-file \\\"\\\$KEY\\\"; \\\$KEYRING new \\\$V lock\"
			not \$V list
		"
		not $KEYRING default $V list
		VALETKEY_KEYSTORE=$PWD/other $V list
		VALETKEY_KEYSTORE=$PWD/other $V lock
		$V status || exit $?
	'
	[ "$status" -eq 3 ] && [[ $out == *"locked: 4 sessions ended"*"locked: 1 session ended"*"session   none"* ]] || show_run
	[[ $out != *"another session"* ]]
	[ "$(live_keys)" = "$before" ]
}

@test "a session is bound to its keystore" {
	VALETKEY_KEYSTORE=$T/other "$V" init --key-file "$KEY"
	in_session new '
		$V unlock --key-file "$KEY"
		VALETKEY_KEYSTORE=$PWD/other $V list || [ $? -eq 3 ]
		rm keystore
		$V init --key-file "$KEY"
		$V list || exit $?
	'
	[ "$status" -eq 3 ]
}

@test "where key calls are refused: a file in memory, said loudly" {
	for how in eperm enosys noadd; do
		in_session "$how" '
			$V unlock --key-file "$KEY"
			$V get https://git.example
			$V status
		'
		works
		[[ $err == *"warning: the kernel refuses key calls here"* ]]
		[[ $out == *"unlocked until "*": $XDG_RUNTIME_DIR/valetkey/session-"* ]]
		[[ $out == *"keyring   refused by the kernel here"* ]]
		file=$(echo "$XDG_RUNTIME_DIR"/valetkey/session-*)
		[ "$(stat -c %a "$file" "$XDG_RUNTIME_DIR/valetkey" | tr '\n' ' ')" = "600 700 " ]
		truncate -s 100 "$file"
		in_session "$how" '$V get https://git.example'
		[ "$status" -eq 3 ]
		[[ $err == *"not usable"* ]]
		in_session "$how" '$V status'
		[ "$status" -eq 3 ]
		in_session "$how" '$V unlock --key-file "$KEY" --for 1s; sleep 2; $V get https://git.example'
		[ "$status" -eq 3 ]
		[ -z "$(ls "$XDG_RUNTIME_DIR/valetkey")" ]
		in_session "$how" '$V unlock --key-file "$KEY"; $V lock; $V get https://git.example'
		[ "$status" -eq 3 ]
		[ -z "$(ls "$XDG_RUNTIME_DIR/valetkey")" ]
	done
}

@test "where key calls are refused: never a disk, never somebody else's directory" {
	mkdir -p "$T/run"
	chmod 700 "$T/run"
	XDG_RUNTIME_DIR=$T/run in_session eperm '$V unlock --key-file "$KEY"; $V lock'
	works
	[ ! -e "$T/run/valetkey" ]
	[[ $out != *"$T/run"* ]]
	chmod 777 "$XDG_RUNTIME_DIR"
	in_session eperm '$V unlock --key-file "$KEY"; $V lock'
	works
	[[ $out != *"$XDG_RUNTIME_DIR"* ]]
	chmod 700 "$XDG_RUNTIME_DIR"
	mkdir -m 700 "$XDG_RUNTIME_DIR/elsewhere"
	ln -s elsewhere "$XDG_RUNTIME_DIR/valetkey"
	in_session eperm '$V unlock --key-file "$KEY"; $V lock'
	works
	[[ $out != *"$XDG_RUNTIME_DIR"* ]]
}

@test "where nothing can hold a session, unlock fails and says what to do" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to hide /dev/shm"
	export XDG_RUNTIME_DIR=$T
	mkdir -p "$T/disk"
	in_session eperm 'unshare -m bash -ec "mount --bind disk /dev/shm; mount --bind disk /run; \$V unlock --key-file \$KEY"'
	[ "$status" -eq 6 ]
	[[ $err == *"no memory file system"* && $err == *"VALETKEY_KEY"* ]]
	[ -z "$(find "$T/disk" -name 'session-*')" ]
}

@test "init on a terminal: asks twice without echo, and leaves it unlocked" {
	export VALETKEY_KEYSTORE=$T/tty
	cat >"$T/ask.exp" <<-'END'
		set timeout 30
		spawn $env(V) init --kdf interactive
		expect "New passphrase: "
		send "correct horse\r"
		expect "once more: "
		send "correct horse\r"
		expect eof
		exit [lindex [wait] 3]
	END
	in_session new 'expect ask.exp; $V list --json; $V lock; printf "correct horse" | $V unlock --passphrase-stdin'
	works
	[[ $out != *horse* && $out == *"unlocked until"*"[]"*"locked"*"unlocked until"* ]]
}

@test "unlock on a terminal: three tries; add asks without echo" {
	export VALETKEY_KEYSTORE=$T/tty
	printf 'correct horse' | "$V" init --passphrase-stdin --kdf interactive
	cat >"$T/ask.exp" <<-'END'
		set timeout 30
		spawn $env(V) unlock
		expect "Passphrase: "
		send "wrong one\r"
		expect "try again"
		expect "Passphrase: "
		send "correct horse\r"
		expect eof
		if {[lindex [wait] 3] != 0} { exit 1 }
		spawn $env(V) add https://git.example --username alice
		expect "Secret for https://git.example as alice: "
		send "typed\r"
		expect eof
		if {[lindex [wait] 3] != 0} { exit 2 }
	END
	in_session new 'expect ask.exp; $V get https://git.example'
	works
	[[ $out == *"typed"$'\n' && $out != *"alice: typed"* && $out != *horse* && $out != *wrong\ one* ]]
	cat >"$T/fail.exp" <<-'END'
		set timeout 30
		spawn $env(V) unlock
		foreach i {1 2 3} { expect "Passphrase: "; send "wrong\r" }
		expect eof
		exit [lindex [wait] 3]
	END
	in_session new 'expect fail.exp'
	[ "$status" -eq 3 ]
}
