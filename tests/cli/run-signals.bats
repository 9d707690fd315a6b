#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Signals, stops and the terminal: as if valetkey were not there.
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; out, err, status and rung come from the helpers

bats_require_minimum_version 1.5.0
load lib
load run-lib

teardown() {
	run_end
}

# python FILE ARGUMENT...: with the functions that the tests below share
python() {
	cat >"$T/tool.py" <<-'P'
		import fcntl, os, pty, select, signal, subprocess, sys, termios, time

		def wait_for(path, seconds=10):
		    end = time.time() + seconds
		    while not (os.path.exists(path) and os.path.getsize(path)):
		        assert time.time() < end, path + " did not appear"
		        time.sleep(0.01)

		def state(pid):
		    return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]

		def wait_state(pid, want, seconds=10):
		    end = time.time() + seconds
		    while state(pid) not in want:
		        assert time.time() < end, f"state {state(pid)}, not {want}"
		        time.sleep(0.01)

		def child_of(pid, name):
		    end = time.time() + 10
		    while time.time() < end:
		        for p in open(f"/proc/{pid}/task/{pid}/children").read().split():
		            if open(f"/proc/{p}/comm").read().strip() == name:
		                return int(p)
		        time.sleep(0.01)
		    raise AssertionError(f"no child {name} of {pid}")

		class Terminal:
		    """A session with a terminal of its own that runs a command."""
		    def __init__(self, argv):
		        self.pid, self.fd = pty.fork()
		        if self.pid == 0:
		            os.execvp(argv[0], argv)
		        self.text = b""
		        self.seen = b""
		    def read_until(self, what, seconds=15):
		        end = time.time() + seconds
		        while what not in self.text:
		            assert time.time() < end, (what, self.text)
		            if select.select([self.fd], [], [], 0.1)[0]:
		                try:
		                    self.text += os.read(self.fd, 4096)
		                except OSError:
		                    assert what in self.text, (what, self.text)
		        at = self.text.index(what) + len(what)
		        before, self.text = self.text[:at], self.text[at:]
		        self.seen += before
		        return before
		    def send(self, what):
		        os.write(self.fd, what)
		    def end(self):
		        os.close(self.fd)
		        return os.waitpid(self.pid, 0)[1]
	P
	{ cat "$T/tool.py" -; } >"$T/test.py"
	timeout 60 python3 "$T/test.py" "$@"
}

forwarded() {
	python "${V[@]}" run "${rung[@]}" -- bash -c '
		for s in TERM INT HUP QUIT USR1 USR2 WINCH PIPE ALRM RTMIN+3; do trap "echo $s >>got" $s; done
		trap "echo TERM >>got; exit 9" TERM
		echo ready >ready; while :; do sleep 0.05; done' <<-'P'
		p = subprocess.Popen(sys.argv[1:])
		wait_for("ready")
		names = ["INT", "HUP", "QUIT", "USR1", "USR2", "WINCH", "PIPE", "ALRM"]
		for n in names:
		    before = os.path.getsize("got") if os.path.exists("got") else 0
		    os.kill(p.pid, getattr(signal, "SIG" + n))
		    end = time.time() + 10
		    while not os.path.exists("got") or os.path.getsize("got") == before:
		        assert time.time() < end, n
		        time.sleep(0.01)
		os.kill(p.pid, signal.SIGRTMIN + 3)
		time.sleep(0.3)
		os.kill(p.pid, signal.SIGTERM)
		assert p.wait(10) == 9
		got = open("got").read().split()
		assert got == names + ["RTMIN+3", "TERM"], got
	P
	rm -f ready got
}

@test "a signal that is sent to us is the command's, once" {
	as_both on_rungs forwarded
}

default_action() {
	for sig in TERM INT HUP QUIT USR1 ALRM PIPE; do
		python "$sig" "${V[@]}" run "${rung[@]}" -- sh -c 'echo ready >ready; exec sleep 60' <<-'P'
			n = getattr(signal, "SIG" + sys.argv[1])
			p = subprocess.Popen(sys.argv[2:])
			wait_for("ready")
			os.kill(p.pid, n)
			assert p.wait(10) == -n, p.returncode
		P
		rm -f ready
	done
}

@test "a signal that ends the command ends us in the same way" {
	as_both on_rungs default_action
}

ignored() {
	(
		trap '' HUP
		"${V[@]}" run "${rung[@]}" -- sh -c 'echo ready >ready; sleep 0.5; exit 4' &
		pid=$!
		while [ ! -s ready ]; do sleep 0.02; done
		kill -HUP $pid
		got=0
		wait $pid || got=$?
		[ $got = 4 ]
	)
	rm ready
}

@test "what nohup ignores stays ignored" {
	run_home
	on_rungs ignored
}

stops() {
	python "${V[@]}" run "${rung[@]}" -- sh -c 'echo ready >ready; exec sleep 60' <<-'P'
		p = subprocess.Popen(sys.argv[1:])
		wait_for("ready")
		inner = child_of(p.pid, "sleep")
		# The command stops itself, or is stopped: so do we, and our parent sees it.
		for sig in signal.SIGTSTP, signal.SIGSTOP, signal.SIGTTIN:
		    os.kill(inner, sig)
		    pid, status = os.waitpid(p.pid, os.WUNTRACED)
		    assert os.WIFSTOPPED(status) and os.WSTOPSIG(status) == sig, status
		    os.kill(p.pid, signal.SIGCONT)
		    wait_state(inner, "S")
		    wait_state(p.pid, "S")
		# The terminal's stop key, sent to us alone.
		os.kill(p.pid, signal.SIGTSTP)
		pid, status = os.waitpid(p.pid, os.WUNTRACED)
		assert os.WIFSTOPPED(status)
		assert state(inner) == "T"
		os.kill(p.pid, signal.SIGCONT)
		wait_state(inner, "S")
		os.kill(p.pid, signal.SIGTERM)
		assert p.wait(10) == -signal.SIGTERM
	P
	rm -f ready
}

@test "stops and continues are mirrored" {
	run_home
	on_rungs stops
}

# The interrupt key goes to the whole foreground group, of which we and the command are part.  The command counts what the
# kernel delivers; a second delivery could by chance fall together with the first, but not every time.
keys() {
	cat >count.py <<-'P'
		import os, signal
		r, w = os.pipe()
		os.set_blocking(w, False)
		signal.set_wakeup_fd(w)
		for s in signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH:
		    signal.signal(s, lambda *_: None)
		assert os.isatty(0) and os.isatty(1) and os.isatty(2)
		print("ready-here", flush=True)
		while True:
		    print(f"<{signal.Signals(os.read(r, 1)[0]).name}>", flush=True)
	P
	python "${V[@]}" run "${rung[@]}" -- python3 count.py <<-'P'
		import struct
		t = Terminal(sys.argv[1:])
		t.read_until(b"ready-here")
		for i in range(12):
		    for what, name in (b"\x03", b"<SIGINT>"), (b"\x1c", b"<SIGQUIT>"), (i, b"<SIGWINCH>"):
		        if what == i:
		            fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40 + i, 100, 0, 0))
		        else:
		            t.send(what)
		        t.read_until(name)
		        time.sleep(0.02)
		t.send(b"\x03")
		t.read_until(b"<SIGINT>")
		rest = t.text
		os.kill(t.pid, signal.SIGKILL)
		t.end()
		assert t.seen.count(b"<SIG") == 37 and b"<SIG" not in rest, (t.seen, rest)
	P
	rm -f count.py
}

@test "a terminal's keys and size changes are delivered once" {
	run_home
	on_rungs keys
}

hangup() {
	python "${V[@]}" run "${rung[@]}" -- bash -c 'trap "echo HUP >>got; exit" HUP; echo ready-here; while :; do sleep 0.05; done' <<-'P'
		t = Terminal(sys.argv[1:]) # we are the leader of the session
		t.read_until(b"ready-here")
		t.end()
		assert open("got").read().split() == ["HUP"]
	P
	rm -f got
}

@test "a terminal that hangs up tells the command" {
	run_home
	on_rungs hangup
}

# An interactive shell: it makes its own groups, stops and continues jobs, and gives the terminal back.
job_control() {
	python "${V[@]}" run "${rung[@]}" -- bash --norc --noprofile -i <<-'P'
		shell = ["bash", "--norc", "--noprofile", "-i"]
		t = Terminal(shell)
		t.send(b"PS1='outer> '\n")
		t.read_until(b"\nouter> ")
		quoted = " ".join("'" + a.replace("'", "'\\''") + "'" for a in sys.argv[1:])
		t.send(quoted.encode() + b"\n")
		t.read_until(b"bash")
		time.sleep(1)
		t.send(b"PS1='inner> '\n")
		t.read_until(b"\ninner> ")
		t.send(b"sleep 61\n"); time.sleep(0.5)
		t.send(b"\x1a")
		t.read_until(b"Stopped")
		t.read_until(b"inner> ")
		t.send(b"fg\n"); time.sleep(0.3)
		t.send(b"\x03")
		t.read_until(b"inner> ")
		# The inner shell suspends itself: the outer one sees a stopped job and has the terminal.
		t.send(b"suspend\n")
		t.read_until(b"Stopped")
		t.read_until(b"outer> ")
		t.send(b"echo out$((40+2))\n")
		t.read_until(b"out42")
		t.send(b"fg\n"); time.sleep(0.5)
		t.send(b"echo in$((40+2))\n")
		t.read_until(b"in42")
		t.send(b"exit 5\n")
		t.read_until(b"outer> ")
		t.send(b"echo status $?\n")
		t.read_until(b"status 5")
		t.send(b"exit\n")
		t.end()
	P
}

@test "an interactive shell has job control, and the terminal comes back" {
	run_home
	export TERM=dumb INPUTRC=/dev/null
	on_rungs job_control
}

# A script that runs an interactive shell through us must still be able to read the terminal afterwards.
terminal_back() {
	python sh -c '"$@"; echo back; read x; echo "read $x"' sh "${V[@]}" run "${rung[@]}" -- bash --norc --noprofile -i <<-'P'
		t = Terminal(sys.argv[1:])
		time.sleep(1)
		t.send(b"exit\n")
		t.read_until(b"back")
		t.send(b"word\n")
		t.read_until(b"read word")
		t.end()
	P
}

@test "the terminal's foreground group is ours again when the command ends" {
	run_home
	on_rungs terminal_back
}

group() {
	cat >count.py <<-'P'
		import os, signal, time
		r, w = os.pipe()
		os.set_blocking(w, False)
		signal.set_wakeup_fd(w)
		signal.signal(signal.SIGUSR1, lambda *_: None)
		for i in range(20):
		    os.kill(0, signal.SIGUSR1)
		    time.sleep(0.03)
		n = len(os.read(r, 1000))
		assert n == 20, n
	P
	python "${V[@]}" run "${rung[@]}" -- python3 count.py <<-'P'
		sys.exit(subprocess.run(sys.argv[1:], start_new_session=True, timeout=20).returncode)
	P
	rm -f count.py
}

@test "a signal that the command sends to its own group comes once" {
	run_home
	on_rungs group
}

@test "timeout and timeout --foreground end the command" {
	run_home
	timed() {
		split timeout 0.5 "${V[@]}" run "${rung[@]}" -- sleep 60
		[ "$status" = 124 ]
		split timeout --foreground 0.5 "${V[@]}" run "${rung[@]}" -- sleep 60
		[ "$status" = 124 ]
		split timeout -s KILL 0.5 "${V[@]}" run "${rung[@]}" -- sleep 61.25
		[ "$status" = 137 ]
		sleep 0.3
		refute pgrep -f 'sleep 61[.]25'
	}
	on_rungs timed
}

@test "make's job server works through us" {
	command -v make >/dev/null || skip "needs make"
	run_home
	printf 'all:\n\t+@%s run $(RUNG) -- $(MAKE) -s -f inner\n' "$T/bin/valetkey" >outer
	printf 'all: a b c d\na b c d:\n\t@sleep 0.2; echo $@ >>made\n' >inner
	jobs() {
		make -s -j4 -f outer RUNG="${rung[*]}" 2>err
		[ "$(sort made | tr -d '\n')" = abcd ]
		refute grep -i jobserver err
		rm made
	}
	on_rungs jobs
}
