#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The secrets of a run are hidden in its output, and nothing else about the output changes.
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; out, err, status and rung come from the helpers

bats_require_minimum_version 1.5.0
load lib
load run-lib

teardown() {
	run_end
}

# masked_home: one credential, ci / $token, which is also in the command's variable TOKEN
masked_home() {
	run_home "$@"
	token='s3cr3t/T0ken"&x'
	put "$token" https://git.example --username ci --name one
	m=("${V[@]}" run --mask --env TOKEN=keystore:one)
}

ways() {
	split "${m[@]}" "${rung[@]}" -- sh -c '
		echo "as it is: <$TOKEN>"
		echo "twice: <$TOKEN$TOKEN>"
		echo "pair: <$(printf "ci:%s" "$TOKEN" | base64)>"
		echo "shifted: <$(printf "xx%syy" "$TOKEN" | base64)>"
		echo "hex: <$(printf %s "$TOKEN" | od -An -v -t x1 | tr -d " \n")>"
		echo "HEX: <$(printf %s "$TOKEN" | od -An -v -t x1 | tr -d " \n" | tr a-f A-F)>"
		echo "percent: <s3cr3t%2FT0ken%22%26x>"
		echo "json: <s3cr3t/T0ken\\\"&x>"
		echo "xml: <s3cr3t/T0ken&quot;&amp;x>"
		echo "not: <s3cr3t/T0ken>"
		echo "err: <$TOKEN>" >&2'
	[ "$status" = 0 ]
	[ "$err" = "err: <***>" ]
	diff - "$T/out" <<-'E'
		as it is: <***>
		twice: <***>
		pair: <***>
		shifted: <eHh***h5eQ==>
		hex: <***>
		HEX: <***>
		percent: <***>
		json: <***>
		xml: <***>
		not: <s3cr3t/T0ken>
	E
}

@test "in every way that a program may write it, on both streams" {
	masked_home
	on_rungs ways
	[ "$(id -u)" = 0 ] || return 0
	run_end
	masked_home "$run_uid"
	on_rungs ways
}

bytes() {
	"${m[@]}" "${rung[@]}" -- cat "$T/random" >"$T/same"
	cmp "$T/random" "$T/same"
	# The same through a pipe, and with a secret in the middle.
	{ cat "$T/random"; printf '\377%s\377' "$token"; cat "$T/random"; } >"$T/in"
	{ cat "$T/random"; printf '\377***\377'; cat "$T/random"; } >"$T/want"
	"${m[@]}" "${rung[@]}" -- cat "$T/in" | cmp "$T/want"
}

@test "all other bytes stay as they are" {
	masked_home
	head -c 3000001 /dev/urandom >"$T/random"
	chmod a+r "$T/random"
	on_rungs bytes
}

pieces() {
	rm -f "$T/piece"
	"${m[@]}" "${rung[@]}" -- sh -c '
		printf "name: "; sleep 1; printf "s3cr3t/T0"; sleep 0.3; printf "ken\"&x s3cr3t"; sleep 0.2; printf "/T"' >"$T/piece" &
	pid=$!
	# A prompt is there while its command waits.
	for _ in $(seq 40); do
		[ "$(cat "$T/piece")" = 'name: ' ] && break
		sleep 0.02
	done
	kill -0 $pid
	[ "$(cat "$T/piece")" = 'name: ' ]
	wait $pid
	[ "$(cat "$T/piece")" = 'name: *** s3cr3t/T' ]
}

@test "written in pieces, with any time between them; a prompt is not held back" {
	masked_home
	on_rungs pieces
}

order() {
	local script='for i in $(seq 300); do echo "out $i"; echo "err $i" >&2; done'

	"${m[@]}" "${rung[@]}" -- sh -c "$script" >"$T/both" 2>&1
	sh -c "$script" >"$T/want" 2>&1
	cmp "$T/want" "$T/both"
	"${m[@]}" "${rung[@]}" -- sh -c "$script" 2>&1 | cmp "$T/want"
	echo before >"$T/both"
	"${m[@]}" "${rung[@]}" -- sh -c "$script" >>"$T/both" 2>>"$T/both"
	{ echo before; cat "$T/want"; } | cmp - "$T/both"
	"${m[@]}" "${rung[@]}" -- sh -c "$script" >"$T/only-out" 2>"$T/only-err"
	grep ^out "$T/want" | cmp "$T/only-out"
	grep ^err "$T/want" | cmp "$T/only-err"
}

@test "where both streams are one file, their order stays" {
	masked_home
	on_rungs order
}

ends() {
	for want in 0 1 42 124 255; do
		split "${m[@]}" "${rung[@]}" -- sh -c "echo out; exit $want"
		[ "$status" = $want ]
		[ "$out" = $'out\n' ]
	done
	for sig in TERM INT KILL USR1; do
		split bash -c '"$@"' bash "${m[@]}" "${rung[@]}" -- sh -c "echo out; kill -$sig \$\$"
		[ "$status" = $((128 + $(kill -l $sig))) ]
		[ "$out" = $'out\n' ]
	done
	split "${m[@]}" "${rung[@]}" -- /no/such/command
	[ "$status" = 127 ]
	split "${m[@]}" "${rung[@]}" -- "$T/work"
	[ "$status" = 126 ]
	# The reader goes: as without us, the command hears of it.
	split bash -c 'timeout 20 "$@" | head -n 1; echo "${PIPESTATUS[0]}"' bash "${m[@]}" "${rung[@]}" -- yes
	[ "$out" = $'y\n141\n' ]
	split bash -c 'timeout 20 "$@" | true; echo "${PIPESTATUS[0]}"' bash "${m[@]}" "${rung[@]}" -- sh -c 'sleep 0.3; echo a; sleep 0.3; echo b; exit 3'
	[ "$out" = $'141\n' ]
	# And not one line later.
	rm -f gone later
	split bash -c 'timeout 20 "$@" | { exec <&-; touch gone; }; echo "${PIPESTATUS[0]}"' bash "${m[@]}" "${rung[@]}" -- \
		sh -c "$await"'await gone; sleep 0.3; echo a; touch later'
	[ "$out" = $'141\n' ]
	[ ! -e later ]
}

@test "the last word of a relay is heard whenever it comes" {
	masked_home
	for _ in $(seq 200); do
		split "${m[@]}" --max-rung R2 -- sh -c 'echo out; echo err >&2'
		[ "$status" = 0 ]
	done
}

@test "exit status, signals and a reader that goes away" {
	masked_home
	on_rungs ends
}

# blocked CODE: python, with the process p, whose command has ended, and whose output nobody reads
blocked() {
	cat >"$T/blocked.py"
	timeout 30 python3 "$T/blocked.py" "${m[@]}" "${rung[@]}" -- sh -c 'head -c 100000 /dev/zero; echo >ended'
}

waiting() {
	rm -f ended
	blocked <<-'P'
		import os, signal, subprocess, sys, time

		def until(what):
		    end = time.time() + 10
		    while not what():
		        assert time.time() < end
		        time.sleep(0.01)

		def state():
		    return open(f"/proc/{p.pid}/stat").read().rpartition(")")[2].split()[0]

		def relays():
		    pids = subprocess.run(["pgrep", "-P", str(p.pid), "-x", "valetkey-mask"], stdout=subprocess.PIPE).stdout
		    return [int(pid) for pid in pids.split()]

		def lives(pid):
		    try:
		        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "Z"
		    except OSError:
		        return False

		for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
		    p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
		    until(lambda: os.path.exists("ended"))
		    os.unlink("ended")
		    time.sleep(0.2)
		    assert p.poll() is None
		    os.kill(p.pid, signal.SIGTSTP)
		    until(lambda: state() == "T")
		    os.kill(p.pid, signal.SIGCONT)
		    until(lambda: state() != "T")
		    were = relays()
		    assert were
		    os.kill(p.pid, sig)
		    assert p.wait(10) == -sig, p.returncode
		    p.stdout.close()
		    until(lambda: not any(lives(pid) for pid in were))
		# Who does read, however late and however little at a time, and does not let writers wait, gets all of it.
		r, w = os.pipe()
		os.set_blocking(w, False)
		p = subprocess.Popen(sys.argv[1:], stdout=w)
		os.close(w)
		time.sleep(0.5)
		n = 0
		while got := os.read(r, 7000):
		    n += len(got)
		assert n == 100000, n
		assert p.wait(10) == 0
	P
}

@test "a reader that does not read: signals still end and stop us; one that is slow gets everything" {
	masked_home
	on_rungs waiting
}

full() {
	status=0
	"${m[@]}" "${rung[@]}" -- sh -c 'echo lost' >/dev/full 2>"$T/err" || status=$?
	[ $status = 125 ]
	grep -q "cannot write the command's output: No space left" "$T/err"
	status=0
	"${m[@]}" "${rung[@]}" -- sh -c 'echo lost; exit 7' >/dev/full 2>"$T/err" || status=$?
	[ $status = 7 ]
	grep -q "warning: cannot write the command's output: No space left" "$T/err"
	# Who writes on and on is stopped.
	status=0
	timeout 20 "${m[@]}" "${rung[@]}" -- yes >/dev/full 2>"$T/err" || status=$?
	[ $status = 141 ]
}

@test "output that cannot be written is not lost in silence" {
	masked_home
	on_rungs full
}

other_descriptors() {
	"${m[@]}" "${rung[@]}" -- sh -c 'echo "three $TOKEN" >&3; read -r line <&4; echo "$line"' 3>"$T/three" 4<"$T/four" >"$T/out"
	[ "$(cat "$T/three")" = "three $token" ]
	[ "$(cat "$T/out")" = "from four" ]
	# A stream that is closed, or /dev/null, stays that.
	"${m[@]}" "${rung[@]}" -- sh -c 'where=$(readlink /proc/$$/fd/1); echo "$where" >&2' >/dev/null 2>"$T/err"
	[ "$(cat "$T/err")" = /dev/null ]
	split sh -c 'exec "$@" >&-' sh "${m[@]}" "${rung[@]}" -- sh -c 'if [ -e /proc/$$/fd/1 ]; then echo open >&2; fi'
	[ "$err" = "" ]
	# Input is none of our business.
	[ "$(echo "in" | "${m[@]}" "${rung[@]}" -- cat)" = in ]
}

@test "other descriptors are the command's as before" {
	masked_home
	echo "from four" >"$T/four"
	on_rungs other_descriptors
}

@test "a descendant that outlives the command: we end with the command, its output comes later and is masked" {
	masked_home
	# R2: in R1 none outlives it.
	start=$(date +%s%N)
	"${m[@]}" --max-rung R2 -- sh -c '(sleep 1.5; echo "late $TOKEN") & echo "now $TOKEN"' >"$T/out"
	[ $((($(date +%s%N) - start) / 1000000)) -lt 1300 ]
	[ "$(cat "$T/out")" = 'now ***' ]
	for _ in $(seq 100); do
		[ "$(tail -n 1 "$T/out")" = 'late ***' ] && break
		sleep 0.05
	done
	[ "$(tail -n 1 "$T/out")" = 'late ***' ]
	# One that writes without end, to a reader that has always more to read, does not keep us.
	timeout -k 1 5 "${m[@]}" --max-rung R2 -- sh -c 'timeout 30 yes & echo $! >writer; sleep 0.1; exit 5' \
		> >(exec python3 -c 'import os, time
while os.read(0, 1 << 16):
    time.sleep(0.02)' 3>&-) || status=$?
	kill "$(cat writer)"
	[ "$status" = 5 ]
	# The relay has nothing to wait for then, and goes.
	for _ in $(seq 100); do
		pgrep -f "^$T/bin/valetkey" >/dev/null || break
		sleep 0.05
	done
	refute pgrep -f "^$T/bin/valetkey"
}

@test "in CI without asking, where standard output is no terminal; never against the user's word" {
	masked_home
	show=(--env TOKEN=keystore:one -- sh -c 'echo "$TOKEN"')
	[ "$("${V[@]}" run "${show[@]}")" = "$token" ]
	[ "$(CI=false "${V[@]}" run "${show[@]}")" = "$token" ]
	[ "$(CI=true "${V[@]}" run "${show[@]}")" = '***' ]
	[ "$(CI=True "${V[@]}" run "${show[@]}")" = '***' ]
	[ "$(CI=1 "${V[@]}" run "${show[@]}")" = '***' ]
	[ "$(CI=true "${V[@]}" run --no-mask "${show[@]}")" = "$token" ]
	[ "$("${V[@]}" run --mask "${show[@]}")" = '***' ]
	split "${V[@]}" run --verbose "${show[@]}"
	[[ $err == *"not in force: hiding secrets in the command's output (--mask)"* ]]
	split env CI=true "${V[@]}" run --verbose "${show[@]}"
	[[ $err == *"the run's secrets are hidden in the command's output"* ]]
}

@test "without a secret there is nothing between the command and its output" {
	run_home
	echo x >"$T/plain"
	[ "$("${V[@]}" run --mask --max-rung R2 -- sh -c 'readlink /proc/self/fd/1' | sed 's/:.*//')" = pipe ]
	"${V[@]}" run --mask -- sh -c 'readlink /proc/self/fd/1' >"$T/out"
	[ "$(cat "$T/out")" = "$T/out" ]
	put 1234567 https://short.example --username ci
	split "${V[@]}" run --mask --verbose -- sh -c 'echo 1234567'
	[ "$out" = $'1234567\n' ]
	[[ $err == *"too short to be hidden: short.example"* ]]
}

@test "secrets that are too much: refused when asked for, else most is hidden, with a warning" {
	run_home
	: >c.ini
	for i in $(seq 60); do
		name=$(printf 'BIG_%02d' "$i")
		printf '[big%s]\nurl = https://big%s.example\nusername = u\nsecret = env:%s\n' "$i" "$i" "$name" >>c.ini
		export "$name=$(head -c 6000 /dev/urandom | base64 -w0)"
	done
	last=$BIG_60
	split "${V[@]}" run --config c.ini --mask -- true
	[ "$status" = 125 ]
	[[ $err == *"too many or too large"*"--no-mask hides none"* ]]
	split env CI=true "${V[@]}" run --config c.ini -- echo "$BIG_01 $last"
	[ "$status" = 0 ]
	[[ $out == '*** '* ]]
	[[ $err == *"warning: the run's secrets are too many or too large: not all of them are hidden"* ]]
}

@test "what comes by reference and as a build secret is hidden too" {
	run_home
	printf 'from-a-variable' >"$T/secret"
	chmod 600 "$T/secret"
	split env FROM_ENV=by-reference "${V[@]}" run --mask --env "TOKEN=env:FROM_ENV" --build-secret "id=file:$T/secret" -- \
		sh -c 'echo "<$TOKEN>"; cat "$(echo "$@" | sed "s/.*src=//")"' sh '{secrets}'
	[ "$out" = $'<***>\n***' ]
}

parts() {
	split "${m[@]}" "${rung[@]}" --two-phase -- "$T/tools/npm" ci
	[ "$status" = 0 ]
	[ "$out" = $'ci <***> s3cr3t/***\nrebuild <> s3cr3t/***\n' ]
}

@test "both phases of a run are masked" {
	masked_home
	put other-s3cr3t https://other.example --username ci
	echo '{}' >package.json
	mkdir "$T/tools"
	printf '#!/bin/sh\necho "$1 <$TOKEN> s3cr3t/other-s3cr3t"\n' >"$T/tools/npm"
	chmod 755 "$T/tools/npm"
	on_rungs parts
}

@test "a run within a run is masked by the outer one" {
	masked_home
	split "${m[@]}" -- "$T/bin/valetkey" run --mask --verbose -- sh -c 'echo "<$TOKEN>"'
	[ "$out" = $'<***>\n' ]
	[[ $err == *"was decided by the run around this one"* ]]
	split "${V[@]}" run --no-mask --env TOKEN=keystore:one -- "$T/bin/valetkey" run --mask -- sh -c 'echo "<$TOKEN>"'
	[ "$out" = "<$token>"$'\n' ]
}

@test "on a terminal CI alone hides nothing; --mask wants a controlling one, and no two phases" {
	masked_home
	cat >"$T/terminal.py" <<-'P'
		import os, pty, sys

		pid, fd = pty.fork()
		if pid == 0:
		    os.execvp(sys.argv[1], sys.argv[1:])
		text = b""
		try:
		    while True:
		        text += os.read(fd, 4096)
		except OSError:
		    pass
		sys.stdout.buffer.write(text)
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	P
	split timeout 20 python3 "$T/terminal.py" "${m[@]}" --two-phase -- npm ci
	[ "$status" = 125 ]
	[[ $out == *"--two-phase hides nothing on a terminal"* ]]
	split timeout 20 python3 "$T/terminal.py" setsid -w "${m[@]}" -- echo started
	[ "$status" = 125 ]
	[[ $out == *"controlling one"* && $out != *started* ]]
	split timeout 20 python3 "$T/terminal.py" sh -c 'exec "$@" >/dev/null' sh "${m[@]}" -- sh -c 'test -t 2 && ! test -t 1 && echo "<$TOKEN>" >&2'
	[ "$status" = 0 ]
	[[ $out == *"<***>"* ]]
	split timeout 20 python3 "$T/terminal.py" env CI=true "${V[@]}" run --env TOKEN=keystore:one -- sh -c 'test -t 1 && echo "<$TOKEN>"'
	[ "$status" = 0 ]
	[[ $out == *"<$token>"* ]]
}

@test "a relay that dies is not kept quiet about, and has nothing to show" {
	masked_home
	# shellcheck disable=SC2009
	split "${m[@]}" --max-rung R2 -- sh -c 'pid=$(pgrep -P "$PPID" -x valetkey-mask | head -n 1)
		test -n "$pid" && ! test -s "/proc/$pid/environ" && ! grep -q . "/proc/$pid/environ"
		ls -l "/proc/$pid/fd" >&2'
	[ "$status" = 0 ]
	[ "$(id -u)" != 0 ] || [ "$(grep -c '/proc/[0-9]*/fd/\|pipe:\|socket:\|/dev/null\|out$' "$T/err")" -le 7 ]
	split "${m[@]}" --max-rung R2 -- sh -c 'pkill -KILL -P "$PPID" -x valetkey-mask; sleep 0.2'
	[ "$status" = 125 ]
	[[ $err == *"a process that hides secrets in the command's output died"* ]]
}

# runner SCRIPT: as a step of GitHub Actions, whose runner reads both streams; what it read of standard error is in $T/heard
runner() {
	cat >"$T/runner.py" <<-'P'
		import ctypes, subprocess, sys

		ctypes.CDLL(None).prctl(15, b"Runner.Worker", 0, 0, 0)
		p = subprocess.run(["sh", "-c", sys.argv[1], "sh"] + sys.argv[3:], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
		open(sys.argv[2], "wb").write(p.stderr)
		sys.stdout.buffer.write(p.stdout)
		sys.exit(p.returncode)
	P
	GITHUB_ACTIONS=true CI=true timeout 30 python3 "$T/runner.py" "$1" "$T/heard" "${V[@]}" run
}

@test "GitHub's runner is told each secret, and nobody else is" {
	masked_home
	printf %s '[two]
url = https://two.example
username = u
secret = env:TWO
' >c.ini
	export TWO='100% secret'
	runner '"$@" --config c.ini -- sh -c "echo out; echo err >&2"' >"$T/out"
	[ "$(cat "$T/out")" = out ]
	diff - "$T/heard" <<-E
		::add-mask::100%25 secret
		::add-mask::$(printf 'u:100%% secret' | base64)
		::add-mask::$token
		::add-mask::$(printf 'ci:%s' "$token" | base64)
		err
	E
	# Into files and other programs the secrets do not go.
	for script in '"$@" -- sh -c "echo out >&2" 2>"'"$T"'/log"; cat "'"$T"'/log" >&2' '{ "$@" -- echo out; } 2>&1 | cat >&2' \
		'log=$("$@" -- echo out 2>&1); echo "$log" >&2' '"$@" --no-mask -- echo out >&2'; do
		runner "$script"
		refute grep -q add-mask "$T/heard"
		grep -q out "$T/heard"
	done
	# Nor where no runner is.
	split env CI=true GITHUB_ACTIONS=true "${V[@]}" run -- true
	refute grep -q add-mask "$T/err"
}
