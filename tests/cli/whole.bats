#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Whatever ends a command that makes a file: the file is whole or not there, and nothing lies beside it.
# shellcheck disable=SC2154  # out, err, status come from split

load lib
load helpers

setup() {
	vk_keystore
	V=$VALETKEY
	vk_add https://git.example alice s3cret
	recipient=$("$V" slot keygen "$T/bob")
	mkdir "$T/to"
	out=
}

# ended SIGNAL ARGUMENT...: valetkey is ended when all is written and nothing is published
ended() {
	local signal=$1

	shift
	split strace -f -o "$T/trace" -e trace=fsync -e inject=fsync:signal="$signal":when=1 "$V" "$@"
	[ "$status" -ge 128 ] || show_run
}

# nothing_in DIRECTORY
nothing_in() {
	[ -z "$(ls -A "$1")" ] || { ls -lA "$1"; return 1; }
}

@test "a command that is ended leaves no part of its file, even by SIGKILL" {
	stat -f -c %T "$T" | grep -q 'tmpfs\|ext\|xfs\|btrfs\|overlay' || skip "this file system may have no files without a name"
	for signal in INT TERM HUP QUIT KILL; do
		ended $signal export --clear --output "$T/to/clear"
		nothing_in "$T/to"
		ended $signal backup "$T/to/copy"
		nothing_in "$T/to"
		VALETKEY_KEYSTORE=$T/to/ks VALETKEY_KEY_FILE='' ended $signal init --key-file "$T/to/key"
		nothing_in "$T/to"
		VALETKEY_KEYSTORE=$T/to/ks ended $signal init
		nothing_in "$T/to"
		[ $signal = KILL ] || ended $signal export --to-recipient "$recipient" --output "$T/to/for-bob"
		nothing_in "$T/to"
	done
}

@test "where a file has to have a name from the start, a signal takes it away" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to hide /proc"
	! grep -q __asan_init "$VALETKEY" || skip "needs a build without sanitizers"
	export V T recipient
	for signal in INT TERM HUP; do
		for what in "export --clear --output $T/to/clear" "backup $T/to/copy" "export --to-recipient $recipient --output $T/to/for-bob"; do
			split strace -f -o "$T/trace" -e trace=openat,fsync,unlink,rmdir -e inject=fsync:signal=$signal:when=1 \
				unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' - "$V" $what
			[ "$status" -ge 128 ] || show_run
			grep -q 'openat(.*\.new-' "$T/trace"
			nothing_in "$T/to"
		done
	done
	# and it works there
	unshare -m sh -c 'mount -t tmpfs none /proc && "$V" backup "$T/to/copy" && "$V" export --clear --output "$T/to/clear"' 2>"$T/err"
	[ "$(ls "$T/to")" = $'clear\ncopy' ]
	cmp "$T/to/copy" "$VALETKEY_KEYSTORE"
	[ "$(jq -r .secret "$T/to/clear")" = s3cret ]
}

@test "init removes what one that was killed left beside the keystore" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to hide /proc"
	! grep -q __asan_init "$VALETKEY" || skip "needs a build without sanitizers"
	export VALETKEY_KEYSTORE=$T/to/ks
	split strace -f -o "$T/trace" -e trace=fsync -e inject=fsync:signal=KILL:when=1 \
		unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' - "$V" init
	[[ $(ls "$T/to") == ks.new-* ]]
	echo mine >"$T/to/ks.new-mine"
	"$V" init >"$T/log"
	[ "$(ls "$T/to")" = $'ks\nks.new-mine' ]
}

@test "an answer to a standard output that is closed is an error" {
	for what in 'get https://git.example' 'export --clear' 'list' 'status' '--version' '--help' 'get --help'; do
		status=0
		# shellcheck disable=SC2086
		"$V" $what >&- 2>"$T/err" || status=$?
		[ "$status" -eq 6 ] && grep -q 'standard output is closed' "$T/err" || { echo "$what: $status"; cat "$T/err"; false; }
	done
	# a helper's store says nothing
	printf 'protocol=https\nhost=new.example\nusername=u\npassword=p\n\n' >"$T/in"
	"$V" helper git-credential store <"$T/in" >&- 2>"$T/err"
	[ ! -s "$T/err" ]
	[ "$("$V" get https://new.example)" = p ]
}
