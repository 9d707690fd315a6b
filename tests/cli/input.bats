#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Bad input and bad surroundings: a clear error, the documented exit code, and the keystore as it was.
# shellcheck disable=SC2154  # out, err, status come from split

load lib
load helpers

setup() {
	vk_keystore
	vk_add https://git.example alice s3cret
	sum=$(keystore_sum)
	export V=$VALETKEY
}

# every_command_fails STATUS PATTERN: each command that reads the keystore does
every_command_fails() {
	for command in "add https://new.example" list "show git.example" "remove git.example" \
		"get https://git.example"; do
		# shellcheck disable=SC2086
		split "$V" $command <<<x
		if ! { [ "$status" -eq "$1" ] && [ -z "$out" ] && [[ $err == *$2* ]]; }; then
			echo "$command"
			show_run
		fi
	done
}

@test "no keystore" {
	export VALETKEY_KEYSTORE=$T/none
	every_command_fails 1 ""
	split "$V" unlock
	[ "$status" -eq 1 ]
	[[ $err == *"valetkey init"* ]]
	split "$V" lock
	[ "$status" -eq 1 ]
	[ ! -e "$T/none" ]
}

@test "locked" {
	export VALETKEY_KEY_FILE=
	every_command_fails 3 "locked"
	unchanged "$sum"
}

@test "the wrong key, in a file and in the variable" {
	head -c32 /dev/zero | base64 >"$T/wrong"
	VALETKEY_KEY_FILE=$T/wrong every_command_fails 3 "does not open"
	VALETKEY_KEY=$(cat "$T/wrong") every_command_fails 3 "VALETKEY_KEY does not open"
	VALETKEY_KEY=x every_command_fails 3 "VALETKEY_KEY"
	VALETKEY_KEY_FILE=$T/none every_command_fails 6 "$T/none"
	chmod 620 "$T/wrong"
	VALETKEY_KEY_FILE=$T/wrong every_command_fails 4 "others can write"
	unchanged "$sum"
}

@test "a keystore that others can write" {
	chmod 666 "$VALETKEY_KEYSTORE"
	every_command_fails 4 "write"
	split "$V" status
	[ "$status" -eq 4 ]
	chmod 600 "$VALETKEY_KEYSTORE"
	unchanged "$sum"
}

@test "a keystore that cannot be read" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to become somebody else"
	chmod 755 "$T" "$HOME"
	chmod 644 "$T/key"
	cp "$V" "$T/valetkey"
	V=$T/nobody
	printf '#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups %s/valetkey "$@"\n' "$T" >"$V"
	chmod 755 "$V" "$T/valetkey"
	for dir in "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test"; do chmod 755 "$dir"; done
	every_command_fails 6 "Permission denied"
	unchanged "$sum"
}

@test "a keystore that is cut short, anywhere" {
	cp "$VALETKEY_KEYSTORE" "$T/whole"
	size=$(stat -c %s "$T/whole")
	for n in 1 8 511 512 4095 4096 8192 $((size - 1)) $((size - 4096)); do
		cp "$T/whole" "$VALETKEY_KEYSTORE"
		truncate -s "$n" "$VALETKEY_KEYSTORE"
		before=$(sha256sum <"$VALETKEY_KEYSTORE")
		every_command_fails 5 ""
		[ "$before" = "$(sha256sum <"$VALETKEY_KEYSTORE")" ]
	done
	: >"$VALETKEY_KEYSTORE"
	every_command_fails 5 ""
	split "$V" init --key-file "$T/key"
	[ "$status" -eq 2 ] # an unreadable keystore is never replaced by an empty one
	[ "$(stat -c %s "$VALETKEY_KEYSTORE")" -eq 0 ]
}

@test "a keystore that is something else" {
	mv "$VALETKEY_KEYSTORE" "$T/whole"
	mkdir "$VALETKEY_KEYSTORE"
	every_command_fails 4 "regular file"
	rmdir "$VALETKEY_KEYSTORE"
	mkfifo "$VALETKEY_KEYSTORE"
	every_command_fails 4 "regular file"
	rm "$VALETKEY_KEYSTORE"
	head -c 100000 /dev/urandom >"$VALETKEY_KEYSTORE"
	every_command_fails 5 ""
}

@test "no HOME, and paths that are relative" {
	unset VALETKEY_KEYSTORE
	for home in '' relative/home; do
		split env HOME="$home" "$V" status
		[ "$status" -eq 2 ]
		[[ $err == *HOME* ]]
	done
	split env -u HOME "$V" status
	[ "$status" -eq 2 ]
	[[ $err == *HOME* ]]
	split env -u HOME VALETKEY_KEYSTORE=keystore "$V" status
	[ "$status" -eq 2 ]
	[[ $err == *"absolute path"* ]]
	split env -u HOME VALETKEY_KEYSTORE="$T/keystore" "$V" status
	[ "$status" -eq 0 ] # HOME is not needed for what it is not needed for
	split env -u HOME XDG_DATA_HOME=relative "$V" status
	[ "$status" -eq 2 ]
}

@test "a relative key file is taken from here" {
	cd "$T"
	VALETKEY_KEY_FILE=key split "$V" get https://git.example
	[ "$status" -eq 0 ]
	VALETKEY_KEYSTORE=$T/second split "$V" init --key-file second.key
	[ "$status" -eq 0 ]
	[ -f second.key ]
}

@test "standard descriptors that are closed" {
	split "$V" add https://new.example <&-
	[ "$status" -eq 2 ]
	[[ $err == *empty* ]]
	unchanged "$sum"
	status=0
	"$V" get https://git.example >&- 2>"$T/err" || status=$?
	[ "$status" -eq 0 ] || [ "$status" -eq 6 ]
	unchanged "$sum"
	status=0
	printf x | "$V" add https://new.example >&- 2>&- || status=$?
	[ "$("$V" get https://new.example)" = x ]
	"$V" list >/dev/null
}

@test "no /proc" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to hide /proc"
	# A sanitized build reads its own options from there, and then looks for leaks there.
	! grep -q __asan_init "$VALETKEY" || skip "needs a build without sanitizers"
	cc -o "$T/keyring" "$BATS_TEST_DIRNAME/keyring.c"
	split "$T/keyring" new unshare -m bash -ec '
		mount -t tmpfs none /proc
		printf new | $V add https://new.example --username u
		$V get https://new.example
		export VALETKEY_KEYSTORE=$PWD/k2
		$V init --key-file k2.key
		VALETKEY_KEY_FILE= $V unlock --key-file k2.key
		VALETKEY_KEY_FILE= $V status
		VALETKEY_KEY_FILE= $V lock || echo "lock: $?"
		VALETKEY_KEY_FILE= $V status | grep "^state"'
	[ "$status" -eq 0 ] || show_run
	# Other sessions cannot be seen without it, so that is not promised.
	[[ $out == *new$'\n'*"kernel keyring"*"lock: 6"*"state     locked"* && $err == *"cannot be seen"* ]] || show_run
}

@test "a full disk" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount"
	mkdir "$T/disk"
	split unshare -m bash -c '
		mount -t tmpfs -o size=64k none disk
		cp keystore disk/ks
		export VALETKEY_KEYSTORE=$PWD/disk/ks
		for i in $(seq 200); do
			head -c 3000 /dev/urandom | base64 -w0 | $V add "https://h$i.example" --username u >/dev/null 2>err || {
				status=$?
				$V verify >/dev/null || exit 101
				[ "$(ls disk)" = ks ] || exit 102
				$V get https://git.example || exit 103
				$V get https://h1.example >/dev/null || exit 104
				$V get "https://h$i.example" && exit 105
				cat err >&2
				dd if=/dev/zero of=disk/fill bs=1 count=60000 2>/dev/null
				dd if=/dev/zero of=disk/fill2 2>/dev/null
				VALETKEY_KEYSTORE=$PWD/disk/new $V init --key-file disk/newkey
				[ -e disk/new ] || [ -e disk/newkey ] || ls disk | grep -q new && exit 106
				exit $status
			}
		done'
	[ "$status" -eq 6 ] || show_run
	[[ $err == *"No space left on device"* ]]
}

@test "a read-only directory" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount"
	split unshare -m bash -c 'mount --bind . . && mount -o remount,ro,bind . && cd . &&
		echo x | $V add https://new.example; s=$?; $V get https://git.example; exit $s'
	[ "$status" -eq 6 ]
	[[ $err == *"Read-only"* && $out == *s3cret* ]]
	unchanged "$sum"
}

@test "a writer that is killed leaves the old or the new keystore" {
	for i in 1 2 3 4 5 6 7 8 9 10; do
		printf x | timeout -s KILL "0.00$i" "$V" add "https://k$i.example" --username u >/dev/null 2>&1 || true
		"$V" list --json >"$T/list"
		[ "$(jq '[.[] | select(.url == "https://git.example")] | length' "$T/list")" -eq 1 ]
	done
}

@test "many at once: no update is lost" {
	for i in $(seq 30); do
		printf %s "$i" | "$V" add "https://p$i.example" --username u >/dev/null &
	done
	wait
	[ "$("$V" list --json | jq length)" -eq 31 ]
}
