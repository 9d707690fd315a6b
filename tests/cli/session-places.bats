#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Sessions as ssh, cron, IDEs, services, su and containers start them: what is unlocked there, and what is said.
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
	[ -z "${vk_public-}" ] || rm -rf "$vk_public"
}

# said_elsewhere: what a session says that has it locked while another has it unlocked
said_elsewhere() {
	[[ $status -eq 3 && "$out$err" == *"unlocked in another session"*"here too, or "*"--scope user"* ]] || show_run
}

# a_user: another user of this machine, with a copy of everything that he may have; U runs a command as him
a_user() {
	[ "$(id -u)" -eq 0 ] || skip "needs root to be another user"
	vk_public=$(mktemp -d /dev/shm/vk-public-XXXXXX)
	cp "$VALETKEY" "$KEYRING" "$vk_public"
	export V=$vk_public/valetkey KEYRING=$vk_public/keyring KEY=$vk_public/key VALETKEY_KEYSTORE=$vk_public/keystore
	export XDG_RUNTIME_DIR=$vk_public/run U="setpriv --reuid 12345 --regid 12345 --clear-groups"
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	chown 12345:12345 "$vk_public" "$XDG_RUNTIME_DIR"
	cd "$vk_public"
}

@test "possessor only, with an end that no write takes away" {
	in_session new '
		$V unlock --key-file "$KEY" --for 8h
		key_line valetkey; key_line valetkey-anchor
		printf x | $V add https://b.example --username bob >/dev/null
		printf "protocol=https\nhost=c.example\nusername=c\npassword=p\n\n" | $V helper git-credential store
		printf "protocol=https\nhost=c.example\nusername=c\npassword=p\n\n" | $V helper git-credential erase
		echo stored
		key_line valetkey; key_line valetkey-anchor
		not keyctl search @u user "valetkey:$(store_id)"
		$V lock >/dev/null
	'
	works
	# The same two keys before and after, with their permissions and no new end.
	sed 's/ [78]h / hours /' <<<"$out" >"$T/said"
	[ "$(sed -n 2,3p "$T/said")" = "$(sed -n 5,6p "$T/said")" ] || show_run
	[[ "$(sed -n 2,3p "$T/said")" =~ ^[0-9a-f]+\ hours\ 3b050000$'\n'[0-9a-f]+\ hours\ 3f010000$ ]] || show_run
}

@test "an older copy of the keystore is noticed, by every command and helper" {
	cp "$VALETKEY_KEYSTORE" "$T/older"
	in_session new '
		$V unlock --key-file "$KEY"
		printf x | $V add https://b.example --username bob
		$V status | grep "^rollback  an older copy of the keystore would be noticed"
		cp older "$VALETKEY_KEYSTORE"
		not $V list
		printf "protocol=https\nhost=git.example\n\n" | $V helper git-credential get && exit 1
		printf x | $V add https://b.example --username bob && exit 1
		cmp older "$VALETKEY_KEYSTORE"
		not $V unlock --key-file "$KEY"
		$V status --json || exit $?
	'
	[ "$status" -eq 5 ] || show_run
	[ "$(grep -c "an older copy of the keystore was put back" <<<"$err")" -eq 4 ]
	[[ $err == *'"valetkey lock", then "valetkey unlock" again'* && $out != *s3cret* ]]
	[ "$(printf %s "$out" | tail -n 1 | jq -r '[.unlocked, .rollback_noticed, (.reason | contains("older copy")), (.hint != "")] | join(" ")')" = \
		"false false true true" ]
	cp older "$VALETKEY_KEYSTORE"
	in_session new '
		$V unlock --key-file "$KEY"
		printf "protocol=https\nhost=c.example\nusername=c\npassword=p\n\n" | $V helper git-credential store
		cp older "$VALETKEY_KEYSTORE"
		not $V list
		$V lock
		$V unlock --key-file "$KEY"
		$V get https://git.example
		$V status | grep "^rollback  an older"
		$V lock
		VALETKEY_KEY_FILE=$KEY $V status | grep "^rollback  not noticed"
	'
	works
}

@test "an older copy is noticed where the session is a file, too" {
	cp "$VALETKEY_KEYSTORE" "$T/older"
	in_session eperm '
		$V unlock --key-file "$KEY"
		printf x | $V add https://b.example --username bob
		VALETKEY_KEY_FILE=$KEY $V remove https://b.example
		$V status | grep "^rollback  an older copy of the keystore would be noticed"
		cp older "$VALETKEY_KEYSTORE"
		$V get https://git.example || exit $?
	'
	[ "$status" -eq 5 ] && [[ $err == *"an older copy"* ]] || show_run
	in_session eperm '$V lock; $V unlock --key-file "$KEY"; $V get https://git.example; $V lock'
	works
}

@test "ssh, or a service with a keyring of its own: locked, with a hint, in the helpers too" {
	for json in '' --json; do
		in_session new '$V unlock --key-file "$KEY"; exec $KEYRING new $V status '$json
		said_elsewhere
	done
	[ "$(printf %s "$out" | tail -n 1 | jq -r '[.session.kind, .session.elsewhere] | join(" ")')" = "none true" ]
	in_session new '$V unlock --key-file "$KEY" >/dev/null
		printf "protocol=https\nhost=git.example\n\n" | $KEYRING new $V helper git-credential get'
	told_to_quit && [[ $err == *"unlocked in another session"*"here too, or"*"--scope user"* ]]
	in_session new '$V unlock --key-file "$KEY" >/dev/null
		printf git.example | $KEYRING new $V helper docker-credential get'
	[[ $status -eq 1 && -z $err && $out == *"unlocked in another session"*"here too, or"*"--scope user"* ]] || show_run
	in_session new '$V unlock --key-file "$KEY"; $KEYRING new bash -ec "\$V unlock --key-file $KEY; \$V list"; $V list; $V lock'
	works
}

@test "an IDE that was started from the session, detached or not, has it" {
	in_session new '
		$V unlock --key-file "$KEY"
		setsid -w $V get https://git.example
		(setsid sh -c "sleep 0.2; \$V get https://git.example" >later &) </dev/null
		sleep 1; cat later; $V lock
	'
	works
	[ "$(grep -c '^s3cret$' <<<"$out")" -eq 2 ]
}

@test "cron, without a keyring of its own: not the login's session, but the user's, or one that all can use" {
	in_session new '$V unlock --key-file "$KEY"; $KEYRING default $V status'
	said_elsewhere
	in_session new '
		$V unlock --key-file "$KEY" --scope user
		$KEYRING default $V get https://git.example
		$KEYRING new $V lock'
	works
	in_session default '$V unlock --key-file "$KEY"; $V status; $KEYRING default $V get https://git.example; $V lock'
	works
	[[ $out == *"unlocked until"*": user session keyring (every process of this user: no login session here)"* ]]
	[[ $err == "valetkey: every process of this user can use this session" ]]
}

@test "su: the other user has neither the session nor a sight of it, unless su leaves him the keyring" {
	a_user
	$U "$V" init --key-file "$KEY" >/dev/null
	# Of root, in a keyring of its own; the other user's shell has another, as login and "su -" give it.
	cp "$VALETKEY_KEYSTORE" roots && cp "$KEY" rootkey && chmod 644 roots
	in_session new '
		VALETKEY_KEYSTORE=$PWD/roots $V unlock --key-file rootkey --scope user
		VALETKEY_KEYSTORE=$PWD/roots $V unlock --key-file rootkey
		$U $KEYRING new bash -ec "not \$V list; not grep valetkey: /proc/keys; \$V lock" 2>&1
		export VALETKEY_KEYSTORE=$PWD/roots
		$U $KEYRING new bash -ec "not \$V list"
		# Without one he has the session keyring of who ran su, as the kernel gives it to him.
		$U $V status
		$V lock
		not $U $V list'
	works
	[[ $out == *"unlocked by the session key"* && $out == *"is locked"$'\n'* && $out == *"locked (it was not unlocked)"* && $out != *another* ]] || show_run
}

@test "a login session that has ended: said, and what helps" {
	for how in revoked expired; do
		in_session $how '$V unlock --key-file "$KEY"'
		[ "$status" -eq 6 ] && [[ $err == *"login session has ended"*"--scope user"* ]] || show_run
		in_session $how '$V status'
		[[ $status -eq 3 && $out == *"keyring has ended"*'next      run "valetkey unlock --scope user"'* ]] || show_run
		in_session $how '$V unlock --key-file "$KEY" --scope user; $V get https://git.example; $V lock'
		works
	done
}

@test "no key left of the quota: unlock fails and says so, status and lock go on" {
	a_user
	$U "$V" init --key-file "$KEY" >/dev/null
	split timeout 60 $U "$KEYRING" full bash -c '$V unlock --key-file "$KEY" && exit 99; $V lock || exit 98; $V status'
	[[ $status -eq 3 && $err == *"quota of kernel keys is used up"*"maxkeys"* && $out == *"session   none"* ]] || show_run
}

@test "without /proc, or with /proc/keys hidden: the session works, and lock does not promise what it cannot see" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to hide /proc"
	local hide hides=("mount --bind /dev/null /proc/keys")
	# A sanitized build does not start without it.
	grep -q __asan_init "$VALETKEY" || hides+=("mount -t tmpfs none /proc")
	for hide in "${hides[@]}"; do
		in_session new 'unshare -m --propagation private bash -ec "'"$hide"'
			\$V unlock --key-file \$KEY
			\$V get https://git.example
			\$V status
			\$V status --json | tail -n 1
			\$V lock && exit 99
			\$V status || exit \$?"'
		[ "$status" -eq 3 ] && [[ $err == *"another session has the keystore unlocked cannot be seen"* ]] || show_run
		[[ $out == *"other sessions cannot be seen"*'"elsewhere": null'*"session   none"* ]] || show_run
	done
	# Where the kernel refuses key calls as well there is nothing more to see.
	in_session eperm 'unshare -m --propagation private bash -ec "mount --bind /dev/null /proc/keys
		\$V unlock --key-file \$KEY; \$V lock; \$V status || exit \$?"'
	[ "$status" -eq 3 ] && [[ $out == *"locked: 1 session ended"*"session   none"* && $out != *"cannot be seen"* ]] || show_run
}

@test "a container in a session: what it cannot use it names, and lock says that it cannot end it" {
	for how in eperm enosys; do
		in_session new '$V unlock --key-file "$KEY"; $KEYRING '$how' $V status'
		[[ $status -eq 3 && $out == *"unlocked in another session"*"kernel refuses its keyring here"* ]] || show_run
		in_session new '$V unlock --key-file "$KEY"; $KEYRING '$how' bash -c "\$V lock; exit \$?"'
		[[ $status -eq 6 && $err == *"cannot be ended from here"*"that session"* && $out != *locked:* ]] || show_run
		in_session new '$V unlock --key-file "$KEY" >/dev/null
			$KEYRING '$how' bash -ec "\$V unlock --key-file \$KEY; \$V get https://git.example; not \$V lock"; $V lock'
		works
		[ -z "$(ls "$XDG_RUNTIME_DIR/valetkey")" ]
	done
	# Only adding is refused: the session that came in with it is used.
	in_session new '$V unlock --key-file "$KEY"; $KEYRING noadd bash -ec "\$V get https://git.example; \$V lock"; $V status'
	[ "$status" -eq 3 ] && [[ $out == *s3cret*"locked: 1 session ended"* ]] || show_run
	in_session new '$V unlock --key-file "$KEY"; unshare -Ur $V get https://git.example
		unshare -Ur $KEYRING new $V lock; $V status'
	[ "$status" -eq 3 ] && [[ $out == *s3cret*"locked: 1 session ended"* ]] || show_run
}

@test "lock: a key that it may not revoke is an error, not a success" {
	in_session new '
		$V unlock --key-file "$KEY"
		key=$(key_line valetkey); keyctl setperm $((16#${key%% *})) 0x3b010000
		$KEYRING new $V lock && exit 99
		$V get https://git.example
		$V lock
	'
	works
	[[ $err == *"another session still has the keystore unlocked, and cannot be ended from here"* ]]
	[[ $out == *s3cret$'\n'"locked: 1 session ended"$'\n' ]] || show_run
}

@test "other code of this user can end a session; that is said, and mended by unlock" {
	in_session new '
		$V unlock --key-file "$KEY"
		key=$(key_line valetkey); key=$((16#${key%% *}))
		not $KEYRING new keyctl print $key
		$KEYRING new keyctl update $key junk
		$V get https://git.example && exit 99
		$V status && exit 99
		printf "protocol=https\nhost=git.example\n\n" | $V helper git-credential get && exit 99
		$V unlock --key-file "$KEY"
		$V get https://git.example
		$V lock
	'
	works
	[ "$(grep -c 'the session is damaged' <<<"$err")" -eq 2 ]
	[[ $out == *"session   damaged"*"quit=1"*s3cret*"locked: 1 session ended"* ]] || show_run
}

@test "nothing hangs: FIFOs for the key, the keystore and the session" {
	mkfifo "$T/fifo"
	in_session new '$V unlock --key-file fifo'
	[ "$status" -eq 4 ] || show_run
	in_session new 'VALETKEY_KEY_FILE=fifo $V unlock'
	[ "$status" -eq 4 ] || show_run
	in_session new 'VALETKEY_KEYSTORE=$PWD/fifo $V unlock --key-file "$KEY"'
	[ "$status" -eq 4 ] || show_run
	for command in 'status' 'get https://git.example' 'lock' 'unlock --key-file "$KEY"'; do
		in_session eperm '$V unlock --key-file "$KEY" >/dev/null
			cd "$XDG_RUNTIME_DIR/valetkey"; name=$(ls); rm "$name"; mkfifo -m 600 "$name" "$name.new"; cd "$OLDPWD"
			$V '"$command"
		case $command in
		status | get*) [ "$status" -eq 3 ] && [[ "$out$err" == *"not a private file"* ]] || show_run ;;
		*) works ;;
		esac
		in_session eperm '$V lock; $V status || [ $? -eq 3 ]'
		works
		[ -z "$(ls "$XDG_RUNTIME_DIR/valetkey")" ]
	done
	rmdir "$XDG_RUNTIME_DIR/valetkey"
	mkfifo "$XDG_RUNTIME_DIR/valetkey"
	in_session eperm '$V unlock --key-file "$KEY"; $V list; $V lock'
	works
	in_session eperm 'XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR/valetkey $V unlock --key-file "$KEY"; $V lock'
	works
}
