#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# "valetkey run" as the command and its parent see it: as if it were not there, except for what it brings.
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; out, err, status and rung come from the helpers

bats_require_minimum_version 1.5.0
load lib
load run-lib

teardown() {
	run_end
}

status_is() {
	local want=$1

	shift
	split "$@"
	[ "$status" = "$want" ] || { echo "status $status, not $want: $*; $err"; return 1; }
}

statuses() {
	status_is 0 "${V[@]}" run "${rung[@]}" -- true
	status_is 7 "${V[@]}" run "${rung[@]}" -- sh -c 'exit 7'
	status_is 255 "${V[@]}" run "${rung[@]}" -- sh -c 'exit 255'
	status_is 125 "${V[@]}" run "${rung[@]}" -- sh -c 'exit 125'
	status_is 127 "${V[@]}" run "${rung[@]}" -- no-such-command
	[[ $err == *"no-such-command"* ]]
	status_is 127 "${V[@]}" run "${rung[@]}" -- ./no-such-command
	status_is 126 "${V[@]}" run "${rung[@]}" -- /etc/passwd
	status_is 126 "${V[@]}" run "${rung[@]}" -- /tmp
	printf '#!/no/such/interpreter\n' >script
	chmod 755 script
	status_is 127 "${V[@]}" run "${rung[@]}" -- ./script
	printf 'exit 9\n' >script # no "#!": for sh, as in a shell
	status_is 9 "${V[@]}" run "${rung[@]}" -- ./script
}

@test "the command's status is ours; 126 and 127 as in a shell" {
	as_both on_rungs statuses
}

died_of() {
	for sig in TERM KILL SEGV INT PIPE USR1 HUP QUIT; do
		"${V[@]}" run "${rung[@]}" -- sh -c "kill -$sig \$\$" 2>/dev/null && return 1
		[ $? = $((128 + $(kill -l $sig))) ] || { echo "$sig $1"; return 1; }
	done
	[ -z "$(ls)" ] # no core of anybody
}

@test "a signal that ends the command ends us" {
	as_both on_rungs died_of
}

@test "our own failures are 125" {
	run_home
	status_is 125 "${V[@]}" run
	status_is 125 "${V[@]}" run --no-such-option -- true
	status_is 125 "${V[@]}" run --env '1X=env:A' -- true
	status_is 125 "${V[@]}" run --env 'X=plain' -- true
	status_is 125 "${V[@]}" run --require-rung R4 -- true
	status_is 125 "${V[@]}" run --require-rung R1 --max-rung R2 -- true
	status_is 125 "${V[@]}" run --with no-such-recipe -- true
	status_is 125 "${V[@]}" run --credential no-such-name -- touch started
	status_is 125 "${V[@]}" run --profile no-such-profile -- touch started
	status_is 125 "${V[@]}" run --env X=env:NOT_SET -- touch started
	status_is 125 env VALETKEY_KEY_FILE= "${V[@]}" run -- touch started
	[[ $err == *locked* ]]
	printf '[a]\nurl = https://h\nsecret = env:NOT_SET\n' >c.ini
	status_is 125 "${V[@]}" run --config c.ini -- touch started
	rm c.ini
	[ -z "$(ls)" ]
	status_is 0 "${V[@]}" run --help
	# From the first word on everything is the command's.
	split "${V[@]}" run echo --verbose -- --profile x
	[ "$out" = $'--verbose -- --profile x\n' ]
}

words() {
	split "${V[@]}" run "${rung[@]}" -- sh -c 'for a; do printf "[%s]" "$a"; done' x '' ' a  b ' '*' $'new\nline' '--' '$HOME'
	[ "$out" = $'[][ a  b ][*][new\nline][--][$HOME]' ]
}

@test "arguments go through unchanged" {
	as_both on_rungs words
}

@test "a command is found through absolute entries of PATH only" {
	run_home
	mkdir evil
	printf '#!/bin/sh\necho evil\n' >evil/frobnicate
	cp evil/frobnicate .
	chmod 755 frobnicate evil/frobnicate
	status_is 127 env "PATH=:evil:.:$PATH" "${V[@]}" run -- frobnicate
	split env "PATH=$T/work/evil:$PATH" "${V[@]}" run -- frobnicate
	[ "$out" = $'evil\n' ]
	status_is 127 env PATH= "${V[@]}" run -- true
}

streams() {
	printf input >in
	split "${V[@]}" run "${rung[@]}" -- sh -c 'cat; echo warning >&2; cat <&9' <in 9<<<nine
	[ "$out" = $'inputnine\n' ]
	[ "$err" = warning ]
	# Nothing of ours is among the command's descriptors, and nothing that was closed is open.
	ls -l /proc/self/fd 9</dev/null 2>&- <&- | awk '{print $9}' >before
	"${V[@]}" run "${rung[@]}" -- ls -l /proc/self/fd 9</dev/null 2>&- <&- | awk '{print $9}' >after
	cmp before after
	rm -f in before after
}

@test "standard streams and inherited descriptors pass through, and no others" {
	as_both on_rungs streams
}

@test "we hold no pipe open that the command has closed" {
	run_home
	held() {
		python3 - "${V[@]}" run "${rung[@]}" -- sh -c 'exec >&- 7>&-; sleep 4' <<-'P'
			import os, subprocess, sys, time
			r, w = os.pipe()
			p = subprocess.Popen(["sh", "-c", f'exec 7>&{w} {w}>&-; exec "$@"', "sh"] + sys.argv[1:], stdout=subprocess.PIPE, pass_fds=[w])
			os.close(w)
			began = time.time()
			p.stdout.read()
			os.read(r, 1)
			assert time.time() - began < 3, "a pipe stayed open"
			assert p.poll() is None
			assert p.wait() == 0
		P
	}
	on_rungs held
}

inherited() {
	split "${V[@]}" run "${rung[@]}" -- sh -c 'grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status; ulimit -c; umask; pwd; ps -o nice= -p $$ 2>/dev/null'
	with=$out
	split sh -c 'grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status; ulimit -c; umask; pwd; ps -o nice= -p $$ 2>/dev/null'
	[ "$with" = "$out" ] || { diff <(echo "$with") <(echo "$out"); return 1; }
}

@test "signal dispositions, core limit, umask and directory are as our parent left them" {
	run_home
	on_rungs inherited
	trap '' HUP USR1 CHLD
	umask 077
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:disable_coredump=0 # a sanitized build sets the limit itself
	ulimit -S -c 1000 2>/dev/null || true
	on_rungs inherited
	trap - HUP USR1 CHLD
	umask 022
	mkdir gone
	cd gone
	rmdir ../gone
	lost() { "${V[@]}" run "${rung[@]}" -- sh -c 'ls . >/dev/null'; }
	on_rungs lost
	cd ..
}

@test "a directory that only the group lets us enter" {
	[ "$(id -u)" = 0 ] || skip "needs root to be in a group"
	run_home "$run_uid"
	install -d -o 0 -g 4242 -m 0770 shared
	V=(setpriv --reuid "$run_uid" --regid "$run_uid" --groups 4242 "$T/bin/valetkey")
	cd shared
	enter() { "${V[@]}" run "${rung[@]}" -- sh -c 'touch file && rm file'; }
	on_rungs enter
	cd ..
}

@test "R1: a PID namespace with a /proc of its own, files read-only and for us alone" {
	as_both in_r1
}

in_r1() {
	token=$(secret)
	put "$token" https://npm.example --scope @corp --kind bearer --username ''
	"${V[@]}" run --require-rung R1 -- sh -c "$checks"'
		test "$$" = 2
		test "$(cut -d" " -f1 /proc/self/stat)" -lt 100
		dir=$(dirname "$NPM_CONFIG_USERCONFIG")
		grep -q "$1" "$NPM_CONFIG_USERCONFIG"
		test "$(stat -c "%a %u" "$NPM_CONFIG_USERCONFIG")" = "400 $(id -u)"
		test "$(stat -f -c %T "$dir")" = ramfs
		not touch "$dir/x"
		not sh -c "echo x >>$NPM_CONFIG_USERCONFIG"
		grep " $dir ramfs ro,nosuid,nodev,noexec" /proc/self/mounts >/dev/null
	' sh "$token"
	refute grep valetkey /proc/self/mounts
	if [ "${#V[@]}" -gt 1 ]; then # not root: it cannot be taken away either
		refute "${V[@]}" run --require-rung R1 -- sh -c 'umount "$(dirname "$NPM_CONFIG_USERCONFIG")"'
	fi
}

@test "R2: a sealed memory file, readable again and again, gone with us" {
	as_both in_r2
}

in_r2() {
	token=$(secret)
	put "$token" https://npm.example --scope @corp --kind bearer --username ''
	"${V[@]}" run --max-rung R2 -- sh -c "$checks"'
		echo "$NPM_CONFIG_USERCONFIG" >path
		grep -q "$1" "$NPM_CONFIG_USERCONFIG" && grep -q "$1" "$NPM_CONFIG_USERCONFIG"
		test "$(stat -L -c "%a %u %F" "$NPM_CONFIG_USERCONFIG")" = "400 $(id -u) regular file"
		chmod 600 "$NPM_CONFIG_USERCONFIG"
		not sh -c "echo x >>$NPM_CONFIG_USERCONFIG"
		not truncate -s 0 "$NPM_CONFIG_USERCONFIG"
		not sh -c "printf x | dd of=$NPM_CONFIG_USERCONFIG conv=notrunc"
	' sh "$token"
	[ ! -e "$(cat path)" ]
	rm path
}

@test "R2: the holder has no capability, no other descriptor and nothing of our environment" {
	as_both holder
}

holder() {
	put "$(secret)" https://npm.example --scope @corp --kind bearer --username ''
	TOKEN_OF_OURS=abc "${V[@]}" run --max-rung R2 -- sh -c "$checks"'
		pid=${NPM_CONFIG_USERCONFIG#/proc/}
		pid=${pid%%/*}
		grep -q "^CapPrm:	0*$" "/proc/$pid/status"
		grep -q "^CapEff:	0*$" "/proc/$pid/status"
		test "$(readlink "/proc/$pid/fd/"* | sed "s/:.*//; s/ .*//" | sort | tr "\n" " ")" = "/dev/null /dev/null /memfd socket "
		test -z "$(tr -d "\0" <"/proc/$pid/environ")"
	'
}

@test "the working process is closed to the command" {
	[ "$(id -u)" = 0 ] || skip "needs root to become another user"
	run_home "$run_uid"
	"${V[@]}" run --max-rung R2 -- sh -c "$checks"'not cat "/proc/$PPID/environ"; not cat "/proc/$PPID/mem"; not ls "/proc/$PPID/fd"'
}

@test "a run within a run, five deep, each with its own" {
	as_both on_rungs nested
}

nested() {
	token=$(secret)
	put "$token" https://npm.example --scope @corp --kind bearer --username '' 2>/dev/null || return 1
	v=$T/bin/valetkey
	"${V[@]}" run "${rung[@]}" -- "$v" run "${rung[@]}" -- "$v" run "${rung[@]}" -- "$v" run "${rung[@]}" -- \
		"$v" run "${rung[@]}" -- sh -c 'grep -q "$1" "$NPM_CONFIG_USERCONFIG"' sh "$token"
	"${V[@]}" remove npm.example >/dev/null
}

@test "as process 1 of a container, with orphans to reap" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	run_home
	first() {
		for how in 'exit 7' 'kill -TERM $$' '(sleep 0.2 &) ; exit 3' '(sh -c "sleep 0.1; exit 4" &); sleep 0.5; exit 5'; do
			want=$(sh -c "$how"; echo $?)
			got=$(unshare -fp --mount-proc "${V[@]}" run "${rung[@]}" -- sh -c "$how"; echo $?)
			[ "$want" = "$got" ] || { echo "$how: $got, not $want"; return 1; }
		done
	}
	on_rungs first
}

@test "in a chroot the command sees the chroot" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	run_home
	mkdir -p root/proc root/srv root/bin root/dev
	cp "$(command -v busybox)" root/bin/busybox || skip "needs a static busybox"
	cp "$T/bin/valetkey" root/bin/
	for lib in $(ldd root/bin/valetkey 2>/dev/null | grep -o '/[^ ]*'); do
		mkdir -p "root${lib%/*}"
		cp "$lib" "root$lib"
	done
	cp "$VALETKEY_KEYSTORE" root/ks
	cp "$VALETKEY_KEY_FILE" root/key
	chmod 600 root/ks root/key
	unshare -m sh -c 'mount -t proc proc root/proc; mount --bind /dev root/dev
		chroot root /bin/busybox env VALETKEY_KEYSTORE=/ks VALETKEY_KEY_FILE=/key HOME=/ /bin/valetkey run --require-rung R1 -- /bin/busybox ls / >out'
	grep -qx ks out
	refute grep -qx etc out
	rm -r root out
}

@test "R1 that cannot be had is refused, or replaced with a word about it" {
	[ "$(id -u)" = 0 ] || skip "needs root to give up capabilities"
	run_home
	less=(setpriv --bounding-set '-sys_admin,-setuid' --inh-caps '-sys_admin,-setuid')
	status_is 125 "${less[@]}" "${V[@]}" run --require-rung R1 -- touch started
	[[ $err == *"R1 is required"*CAP_SETUID* ]]
	[ ! -e started ]
	status_is 0 "${less[@]}" "${V[@]}" run -- true
	[[ $err == *"using R2"* ]]
	status_is 0 "${less[@]}" "${V[@]}" run --max-rung R2 -- true
	[ -z "$err" ]
}

@test "where /proc is masked, as in a container, a fresh one is refused: R2, with a word about it" {
	[ "$(id -u)" = 0 ] || skip "needs root to mask /proc"
	run_home "$run_uid"
	"${V[@]}" run --require-rung R1 -- true || skip "needs R1"
	unshare -m --propagation private bash -ec 'mount --bind /dev/null /proc/uptime; shift 0; "$@" >out 2>err' sh \
		"${V[@]}" run -- sh -c 'echo ran'
	[ "$(cat out)" = ran ]
	grep -q 'using R2.*fresh /proc' err
}

@test "mounts of the host come in, ours do not go out" {
	[ "$(id -u)" = 0 ] || skip "needs root to mount"
	run_home
	mkdir later
	put "$(secret)" https://npm.example --scope @corp --kind bearer --username ''
	cat >shared <<-'S'
		mount --make-rshared /
		"$1" run --require-rung R1 -- sh -c 'echo ready >ready; until [ -e later/inside ]; do sleep 0.05; done; echo seen >seen' &
		until [ -s ready ]; do sleep 0.05; done
		if grep -E 'ramfs|valetkey' /proc/self/mounts; then exit 1; fi
		mount -t tmpfs none later
		touch later/inside
		wait $!
		umount later
	S
	timeout 30 unshare -m --propagation private bash -e shared "$T/bin/valetkey"
	[ -s seen ]
}

@test "the bytes are overwritten at the end, for whoever has the file open" {
	run_home
	token=$(secret)
	put "$token" https://npm.example --scope @corp --kind bearer --username ''
	"${V[@]}" run --max-rung R2 -- sh -c '(exec 8<"$NPM_CONFIG_USERCONFIG"; touch open; sleep 1; cat <&8 >late; touch over) >/dev/null 2>&1 3>&- & until [ -e open ]; do sleep 0.02; done'
	for i in $(seq 100); do [ ! -e over ] || break; sleep 0.1; done
	[ -s late ] || { echo "nothing was read ($i tries)"; return 1; }
	[ -z "$(tr -d '\0' <late)" ]
	[ "$(id -u)" = 0 ] || return 0
	"${V[@]}" run --require-rung R1 -- sh -c 'echo "$NPM_CONFIG_USERCONFIG" >ready; sleep 1' &
	run=$!
	until [ -s ready ]; do sleep 0.02; done
	command=$(pgrep -P "$run" -x sh)
	exec 8<"/proc/$command/root$(cat ready)"
	grep -q "$token" /dev/fd/8
	wait $run
	[ ! -s /dev/fd/8 ]
	exec 8<&-
}

@test "R1 for a root without CAP_SYS_ADMIN keeps all ids" {
	[ "$(id -u)" = 0 ] || skip "needs root to give up capabilities"
	run_home
	less=(setpriv --bounding-set -sys_admin --inh-caps -sys_admin)
	touch file
	"${less[@]}" "${V[@]}" run --require-rung R1 -- sh -c 'chown 1234:4321 file && test "$(stat -c %u /etc/passwd)" = 0'
	[ "$(stat -c %u:%g file)" = 1234:4321 ]
	rm file
}

@test "an identity map: setuid programs, container tools and file capabilities fall to R2, with a word" {
	[ "$(id -u)" = 0 ] || skip "needs root to make such programs"
	run_home "$run_uid"
	"${V[@]}" run --require-rung R1 -- true || skip "needs R1"
	cp /bin/true setuid
	cp /bin/true podman
	chmod 4755 setuid
	for program in ./setuid ./podman; do
		status_is 0 "${V[@]}" run -- "$program"
		[[ $err == *"using R2"* ]]
		status_is 125 "${V[@]}" run --require-rung R1 -- "$program"
	done
	if command -v setcap >/dev/null; then
		cp /bin/true capable
		setcap cap_net_raw+ep capable
		status_is 125 "${V[@]}" run --require-rung R1 -- ./capable
	fi
}

@test "ssh takes its system settings in an identity map" {
	[ "$(id -u)" = 0 ] && command -v ssh >/dev/null || skip "needs root and ssh"
	run_home "$run_uid"
	"${V[@]}" run --require-rung R1 -- true || skip "needs R1"
	# In a mount namespace of the test: the machine's own settings stay.
	mkdir etc
	printf 'Include %s/etc/*.conf\nInclude "%s/etc/deep"\n' "$PWD" "$PWD" >ssh_config
	printf 'User from-conf\nInclude %s/etc/more\n' "$PWD" >etc/a.conf
	printf 'Port 4242\n' >etc/more
	printf 'Compression yes\n' >etc/deep
	chown -R root:root etc ssh_config
	cat >try <<-S
		mount --bind ssh_config /etc/ssh/ssh_config
		echo "tester:x:$run_uid:$run_uid::$HOME:/bin/sh" >>passwd && mount --bind passwd /etc/passwd
		ssh() { setpriv --reuid $run_uid --regid $run_uid --clear-groups "\$@"; }
		ssh ssh -G host >plain
		ssh "$T/bin/valetkey" run --require-rung R1 -- ssh -G host >within
	S
	cp /etc/passwd passwd
	unshare -m --propagation private bash -e try
	grep -qx 'user from-conf' plain
	grep -qx 'port 4242' plain
	grep -qx 'compression yes' plain
	cmp plain within
}

@test "R1: daemons end with the run; R2 says that they may outlive it" {
	as_both daemons
}

daemons() {
	mark=sleep$RANDOM$RANDOM
	cp "$(command -v sleep)" "$mark"
	"${V[@]}" run --require-rung R1 -- sh -c "setsid ./$mark 300 >/dev/null 2>&1 3>&- & (./$mark 300 >/dev/null 2>&1 3>&- &); sleep 0.2"
	refute pgrep -f "$mark"
	rm "$mark"
	split "${V[@]}" run --max-rung R2 --verbose -- true
	[[ $err == *outlive* ]]
}

@test "--verbose says what is placed and what is not in force; without it we are silent" {
	as_both on_rungs spoken
}

spoken() {
	put tok-en https://npm.example --scope @corp --kind bearer --username '' --name corp
	split "${V[@]}" run "${rung[@]}" --verbose -- true
	[[ $err == *"$1"* && $err == *"recipe npm: /"* && $err == *"credential corp"* && $err == *"not in force: the gate"* ]]
	[[ $1 == R1 || $err == *"not in force"*"confinement of files"* ]]
	[[ $err != *tok-en* ]]
	split "${V[@]}" run "${rung[@]}" -- true
	[ -z "$err" ]
	"${V[@]}" remove corp >/dev/null
}

@test "a recipe without a credential places nothing" {
	run_home
	nothing() { "${V[@]}" run "${rung[@]}" -- sh -c 'test -z "${NPM_CONFIG_USERCONFIG+x}${NETRC+x}${GIT_CONFIG_COUNT+x}"'; }
	on_rungs nothing
	split "${V[@]}" run --with netrc -- true
	[[ $err == *"netrc takes none"* ]]
}

@test "a holder that is killed is reported" {
	run_home
	put "$(secret)" https://npm.example --scope @corp --kind bearer --username ''
	split "${V[@]}" run --max-rung R2 -- sh -c 'pid=${NPM_CONFIG_USERCONFIG#/proc/}; kill -9 "${pid%%/*}"; sleep 0.2; exit 3'
	[ "$status" = 3 ]
	[[ $err == *"died before"* ]]
}

@test "the keystore's session key is not in the command's session keyring" {
	command -v keyctl >/dev/null || skip "needs keyctl"
	run_home
	keyctl session - true 2>/dev/null || skip "the kernel refuses key calls"
	cat >within <<-'S'
		v=$1
		key=$VALETKEY_KEY_FILE
		"$v" unlock --key-file "$key" >/dev/null
		unset VALETKEY_KEY_FILE
		"$v" status >/dev/null
		keyctl show @s | grep valetkey
		keyctl add user other value @s >/dev/null
		for rung in R1 R2; do
			"$v" run --max-rung $rung -- sh -ec 'keyctl show @s | grep other; if keyctl show @s | grep valetkey; then exit 1; fi'
		done
	S
	keyctl session - bash -e within "$T/bin/valetkey"
}
