# SPDX-License-Identifier: ISC
# What the tests of sessions share: processes in keyring settings of their own.
# shellcheck disable=SC2154  # out, err, status come from split

session_setup_file() {
	cc -o "$BATS_FILE_TMPDIR/keyring" "$BATS_TEST_DIRNAME/keyring.c"
	chmod 755 "$BATS_FILE_TMPDIR/keyring"
}

# One entry, and a raw key that must be named to be used.
session_setup() {
	vk_keystore
	unset VALETKEY_KEY_FILE
	vk_runtime=$(mktemp -d /dev/shm/vk-session-XXXXXX)
	export V=$VALETKEY KEY=$T/key XDG_RUNTIME_DIR=$vk_runtime KEYRING=$BATS_FILE_TMPDIR/keyring
	export -f not key_line store_id
	VALETKEY_KEY_FILE=$KEY vk_add https://git.example alice s3cret
}

session_teardown() {
	rm -rf "$vk_runtime"
}

# not COMMAND...: for scripts under "set -e", which takes no notice of a "!"
not() {
	! "$@"
}

# in_session HOW SCRIPT: run SCRIPT (with set -e) in a keyring setting of its own.  Whatever comes, it ends.
in_session() {
	split timeout --foreground -k 5 60 "$KEYRING" "$1" bash -ec "$2"
	if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then show_run; fi
}

works() {
	if [ "$status" -ne 0 ]; then show_run; fi
}

# key_line KIND: what /proc/keys says of the key of this keystore that is alive: number, timeout, permissions
key_line() {
	awk -v name="$1:$(store_id):" '$2 !~ /[RD]/ && $8 == "user" && $9 == name { print $1, $4, $5 }' /proc/keys
}

# store_id: from whichever header slot is in use
store_id() {
	od -An -v -tx1 -w16 -j16 -N4112 "$VALETKEY_KEYSTORE" | tr -d ' ' | sed -n '1p; $p' | grep -m 1 '[^0]'
}
