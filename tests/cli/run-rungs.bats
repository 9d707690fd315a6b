#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Every rung by name: what it gives, what it leaves, and that it is what was asked for.
# shellcheck disable=SC2016,SC2154  # the scripts are the command's; out, err and status come from split

bats_require_minimum_version 1.5.0
load lib
load run-lib

teardown() {
	run_end
}

# with_npm: a credential for npm, $token
with_npm() {
	token=$(secret)
	put "$token" https://npm.example --scope @corp --kind bearer --username '' --name corp
}

# rungs FUNCTION: with each that can be had, its name as the argument
rungs() {
	local r

	for r in R1 R2 R3; do
		"${V[@]}" run --rung "$r" -- true 2>/dev/null || {
			echo "$r cannot be reached here"
			[ "${CI-}" != true ] || return 1
			continue
		}
		"$1" "$r"
	done
}

# left: our processes and directories, which there must not be
left() {
	find /dev/shm "/run/user/$(id -u)" ${XDG_RUNTIME_DIR:+"$XDG_RUNTIME_DIR"} -maxdepth 1 -name 'valetkey-run-*' 2>/dev/null
	pgrep -f "^$T/bin/valetkey run" || true
}

@test "--rung names the one that is used, --require-rung and --max-rung bound it" {
	run_home
	rungs named
	split "${V[@]}" run --rung R4 -- true
	[ "$status" = 125 ]
	split "${V[@]}" run --require-rung R1 --max-rung R2 -- true
	[ "$status" = 125 ]
	[[ $err == *"exclude each other"* ]]
	split "${V[@]}" run --allow-daemons --require-rung R1 -- true
	[ "$status" = 125 ]
}

@test "of several options that bound the rung the strictest holds, in any order" {
	local words

	run_home
	for words in "--rung R1 --require-rung R3 --max-rung R2" "--max-rung R2 --require-rung R3 --rung R1" \
		"--allow-daemons --rung R1" "--rung R1 --allow-daemons" "--require-rung R1 --allow-daemons --max-rung R1"; do
		# shellcheck disable=SC2086 # several words
		split "${V[@]}" run $words -- true
		[ "$status" = 125 ]
		[[ $err == *"exclude each other"* ]]
	done
	split "${V[@]}" run --allow-daemons --max-rung R1 -- sh -c 'echo $VALETKEY_RUN'
	[ "$out" = "R2"$'\n' ]
}

named() {
	[ "$("${V[@]}" run --rung "$1" -- sh -c 'echo $VALETKEY_RUN')" = "$1" ]
}

@test "the file is read, again and again, and nothing is left of it" {
	as_both rungs read_often
}

read_often() {
	with_npm
	"${V[@]}" run --rung "$1" -- sh -c "$checks"'
		for i in 1 2 3; do grep -q "$1" "$NPM_CONFIG_USERCONFIG"; done
		test "$(stat -L -c %a "$NPM_CONFIG_USERCONFIG")" = 400' sh "$token"
	[ -z "$(left)" ]
	split "${V[@]}" run --rung "$1" -- sh -c 'exit 7'
	[ "$status" = 7 ]
	split "${V[@]}" run --rung "$1" -- sh -c 'kill -SEGV $$'
	[ "$status" = 139 ]
	[ -z "$(left)" ]
	"${V[@]}" remove corp >/dev/null
}

@test "killed with the command running: no name is left" {
	as_both rungs killed
}

killed() {
	with_npm
	rm -f path end
	"${V[@]}" run --rung "$1" -- sh -c "$await"'echo "$NPM_CONFIG_USERCONFIG" >path.new; mv path.new path; await end' 3>&- &
	pid=$!
	await path
	[ "$(cat "/proc/$pid/comm")" = valetkey ] || pid=$(pgrep -P $pid -x valetkey)
	kill -KILL "$pid"
	wait
	for _ in $(seq 100); do
		[ -n "$(left)" ] || [ -e "$(cat path)" ] || break
		sleep 0.05
	done
	[ -z "$(left)" ]
	[ ! -e "$(cat path)" ]
	touch end
	"${V[@]}" remove corp >/dev/null
}

@test "R3: a guard that is stopped goes on when the run is killed" {
	as_both guarded
}

guarded() {
	with_npm
	rm -f path
	"${V[@]}" run --rung R3 -- sh -c 'echo "$NPM_CONFIG_USERCONFIG" >path; kill -STOP $(pgrep -P $PPID valetkey-guard); kill -KILL $PPID' || true
	for _ in $(seq 100); do
		[ -e "$(dirname "$(cat path)")" ] || break
		sleep 0.05
	done
	[ ! -e "$(dirname "$(cat path)")" ]
	[ -z "$(left)" ]
	"${V[@]}" remove corp >/dev/null
}

@test "R3: when the guard is killed too, the next run removes what is left, and no directory in use" {
	as_both swept
}

swept() {
	with_npm
	rm -f end
	"${V[@]}" run --rung R3 -- sh -c "$await"'echo "$NPM_CONFIG_USERCONFIG" >used.new; mv used.new used; await end; grep -q "$1" "$NPM_CONFIG_USERCONFIG"' sh "$token" 3>&- &
	lives=$!
	await used
	"${V[@]}" run --rung R3 -- sh -c "$await"'echo "$NPM_CONFIG_USERCONFIG" >dead.new; mv dead.new dead; pkill -KILL -x valetkey-guard -P "$PPID" || pkill -KILL valetkey-guard -P $PPID; kill -KILL $PPID; await end' 3>&- || true
	await dead
	sleep 0.2
	grep -q "$token" "$(cat dead)"
	"${V[@]}" run --rung R3 -- true
	[ ! -e "$(cat dead)" ]
	[ ! -d "$(dirname "$(cat dead)")" ]
	[ -e "$(cat used)" ]
	touch end
	wait $lives
	rm -f used dead
	"${V[@]}" remove corp >/dev/null
}

@test "R3 where /proc is another's, and a place that is no memory is refused" {
	[ "$(id -u)" = 0 ] || skip "needs root to mount"
	run_home
	with_npm
	# The processes of the new namespace are not in the /proc that it sees.
	unshare -m --propagation private -pf sh -c 'rung=$1; shift; "$@"' sh R3 "${V[@]}" run --max-rung R2 -- \
		sh -c 'grep -q "$1" "$NPM_CONFIG_USERCONFIG" && echo $VALETKEY_RUN >which' sh "$token" 2>err
	[ "$(cat which)" = R3 ]
	grep -q 'another PID namespace' err
	split env XDG_RUNTIME_DIR="$T/work" unshare -m --propagation private sh -c '
		mount --bind "$1/work" /dev/shm; mount --bind "$1/work" /run; shift; exec "$@"' sh "$T" "${V[@]}" run --rung R3 -- true
	[ "$status" = 125 ]
	[[ $err == *"file system in memory"* ]]
}

@test "--allow-daemons: what the command leaves running lives on, and knows nothing new" {
	run_home
	with_npm
	"${V[@]}" run --allow-daemons -- sh -c 'setsid sh -c "sleep 1; cat \"\$NPM_CONFIG_USERCONFIG\" >late 2>&1; touch lives" >/dev/null 2>&1 3>&- &'
	for _ in $(seq 100); do [ -e lives ] && break; sleep 0.05; done
	[ -e lives ]
	refute grep -q "$token" late
}

@test "R2: the command does not see into processes outside of the run" {
	[ "$(id -u)" = 0 ] || skip "needs root to become another user"
	run_home "$run_uid"
	with_npm
	BYSTANDER=$token setpriv --reuid "$run_uid" --regid "$run_uid" --clear-groups sleep 100 3>&- &
	pid=$!
	until [ "$(cat /proc/$pid/comm)" = sleep ]; do sleep 0.02; done
	for r in R2 R3; do
		"${V[@]}" run --rung $r -- sh -c "$checks"'
			for f in environ mem maps; do not grep -qa . "/proc/$1/$f"; done
			not readlink "/proc/$1/exe"
			not ls "/proc/$1/fd/0"
			grep -qa . "/proc/self/environ" "/proc/$$/environ"
			sleep 10 & p=$!
			grep -qa . "/proc/$p/environ"
			kill $p; kill -0 "$1"
			cat "$NPM_CONFIG_USERCONFIG" >/dev/null
			# Whatever else is allowed: to link and rename between directories, on this and other file systems.
			mkdir -p a b
			echo x >a/file
			ln a/file b/linked
			mv a/file b/moved
			mv b a/b
			rm -r a
			d=$(mktemp -d /dev/shm/rungs.XXXXXX)
			mkdir $d/a $d/b
			echo x >$d/a/file
			ln $d/a/file $d/b/linked
			rm -r $d
			mkfifo fifo && rm fifo' sh "$pid"
	done
	# And it does without.
	"${V[@]}" run --rung R2 --no-confine -- grep -qa "$token" "/proc/$pid/environ"
	"${V[@]}" run --rung R2 --verbose -- true 2>&1 | grep -q 'does not see into processes outside'
	kill $pid
}

@test "programs that replace their file fail clearly, or have a copy that ends with the run" {
	run_home
	with_npm
	echo 'color=false' >"$HOME/.npmrc"
	before=$(cat "$HOME/.npmrc")
	writer() {
		split "${V[@]}" run --rung "$1" -- npm config set loglevel=warn --location=user
		[ "$status" != 0 ]
		[[ $err == *EROFS* || $err == *EACCES* ]]
		[ "$(cat "$HOME/.npmrc")" = "$before" ]
		split "${V[@]}" run --rung "$1" -- sh -c 'echo x >"$NPM_CONFIG_USERCONFIG"'
		[ "$status" != 0 ]
	}
	# Who is root may write what only it may read, but not where nothing can be written.
	run_end
	[ "$(id -u)" != 0 ] || run_home "$run_uid"
	[ "$(id -u)" = 0 ] || run_home
	with_npm
	echo 'color=false' >"$HOME/.npmrc"
	chown --reference="$T/work" "$HOME/.npmrc"
	rungs writer
}

@test "--ttl withdraws files and answers, also from a command that stops itself" {
	as_both rungs withdrawn
}

withdrawn() {
	with_npm
	split "${V[@]}" run --rung "$1" --with npm,get --ttl 1s -- sh -c "$checks"'
		grep -q "$1" "$NPM_CONFIG_USERCONFIG"
		sleep 1.6
		not grep -q "$1" "$NPM_CONFIG_USERCONFIG"
		not "$2" get https://npm.example' sh "$token" "$T/bin/valetkey"
	[ "$status" = 0 ]
	[[ $err == *"time is up"* ]]
	split timeout -s KILL 30 "${V[@]}" run --rung "$1" --ttl 1s -- sh -c '
		main=$$
		(sleep 1.8; grep -q "$1" "$NPM_CONFIG_USERCONFIG" && touch still; kill -CONT $main) &
		kill -STOP $main
		wait' sh "$token" &
	pid=$!
	# A shell would continue its job; here nobody does but the clock.
	status=0
	wait $pid || status=$?
	[ "$status" = 0 ]
	[ ! -e still ]
	"${V[@]}" remove corp >/dev/null
}

@test "a run within a run does not promise what it does not do" {
	run_home
	with_npm
	printf '#!/bin/sh\ntouch begun\n' >"$T/bin/npm"
	chmod 755 "$T/bin/npm"
	promised() {
		local option

		for option in --two-phase --once "--ttl 1m" "--gate own" "--scan ."; do
			# shellcheck disable=SC2086
			split "${V[@]}" run --rung "$1" -- "$T/bin/valetkey" run $option -- "$T/bin/npm" ci
			[ "$status" = 125 ]
			[[ $err == *"no effect in a run within a run"* ]]
			[ ! -e begun ]
		done
	}
	rungs promised
}

@test "doctor says what is left on the rung of this machine, in the words of the manual" {
	run_home
	"${V[@]}" doctor >said || true
	sentence=$(sed -n 's/.*what is left when it is killed, on R[123]: //p' said)
	[ -n "$sentence" ]
	tr '\n' ' ' <"$BATS_TEST_DIRNAME/../../docs/man/valetkey-run.1" | grep -qF "$sentence"
}
