#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A person at a terminal, for run-tty.bats.

    at-terminal.py CASE VALETKEY SECRET

Starts the command of a case on a terminal, waits for words, types, and says what is wrong.  VALETKEY is run with --mask and the
credential "entry", whose secret is SECRET.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

PATIENCE = 15


class Terminal:
    def __init__(self, argv, rows=24, cols=80):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm", PS1="$ ", PROMPT_COMMAND="")
            os.execvp(argv[0], argv)
        self.said, self.seen = b"", 0
        self.resize(rows, cols)

    def resize(self, rows, cols):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def take(self, wait):
        if not select.select([self.fd], [], [], wait)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.said += data
        return data != b""

    def expect(self, pattern, patience=PATIENCE):
        end = time.monotonic() + patience
        while True:
            found = re.search(pattern, self.said[self.seen:])
            if found:
                self.seen += found.end()
                return
            assert time.monotonic() < end and self.take(0.05), f"no {pattern!r} after {self.said[self.seen:]!r}"

    def type(self, text):
        os.write(self.fd, text)

    def quiet(self, pattern, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.take(0.05):
            pass
        assert not re.search(pattern, self.said[self.seen:]), f"{pattern!r} in {self.said[self.seen:]!r}"

    def end(self):
        end = time.monotonic() + 2 * PATIENCE
        while self.take(0.05):
            assert time.monotonic() < end, f"no end after {self.said!r}"
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def settings(self):
        return termios.tcgetattr(self.fd)


def run(*command):
    return Terminal([VALETKEY, "run", "--mask", *OPTIONS, "--env", "X=keystore:entry", "--", *command])


def hidden():
    t = run("sh", "-c", 'echo "1 $X 2"; echo "3 $X 4" >&2; tty; test -t 0 && test -t 1 && test -t 2 && echo three; stty size; exit 7')
    assert t.end() == 7, t.said
    for word in (rb"1 \*\*\* 2", rb"3 \*\*\* 4", rb"/dev/pts/\d+", b"three", b"24 80"):
        assert re.search(word, t.said), (word, t.said)
    assert SECRET not in t.said


def slowly():
    script = "import os, sys, time\nfor c in os.environ['X'] + '|' + os.environ['X'][:5] + '!':\n    print(end=c, flush=True); time.sleep(0.06)"
    t = run("python3", "-c", script)
    assert t.end() == 0, t.said
    assert SECRET not in t.said and SECRET[3:] not in t.said and SECRET[:5] + b"!" in t.said, t.said


def echo():
    """What is typed appears, also where it is how a secret begins."""
    t = run("cat")
    t.type(SECRET[:1])
    t.expect(re.escape(SECRET[:1]), 3)
    t.type(b"x\n")
    t.expect(rb"x\r\n" + re.escape(SECRET[:1]) + rb"x\r\n")
    t.type(b"\x04")
    assert t.end() == 0


def password():
    t = run("sh", "-c", 'stty -echo; printf "word: "; read -r p; stty echo; echo; echo "got ${#p}"')
    t.expect(rb"word: ")
    t.type(b"hunter22\n")
    t.expect(rb"got 8")
    assert t.end() == 0 and b"hunter22" not in t.said


def keys():
    t = run("sleep", "100")
    time.sleep(0.5)
    t.type(b"\x03")
    assert t.end() == -signal.SIGINT
    t = run("sh", "-c", 'trap "echo caught; exit 3" INT; echo ready; while :; do sleep 0.1; done')
    t.expect(b"ready")
    t.type(b"\x03")
    t.expect(b"caught")
    assert t.end() == 3
    # Who reads keys as they are gets them all.
    t = run("python3", "-c", "import os, tty; tty.setraw(0); print(end='raw', flush=True); print(os.read(0, 9), flush=True)")
    t.expect(b"raw")
    t.type(b"\x03\x1a\x1c")
    t.expect(rb"\\x03\\x1a\\x1c")
    assert t.end() == 0


def jobs():
    """From an interactive shell: stop, background, foreground, and the terminal as it was each time."""
    t = Terminal(["bash", "--norc", "--noprofile", "--noediting", "-i"])
    t.expect(rb"\$ $")
    before = t.settings()
    word = " ".join([VALETKEY, "run", "--mask", *OPTIONS, "--env", "X=keystore:entry", "--"])
    t.type(f"{word} sh -c 'echo begun; read -r l; echo \"line $l $X\"'\n".encode())
    t.expect(rb"begun\r\n")
    t.type(b"\x1a")
    t.expect(rb"Stopped")
    t.expect(rb"\$ $")
    assert t.settings()[3] == before[3], "settings"
    t.type(b"echo shell is $((20+3))\n")
    t.expect(b"shell is 23")
    t.type(b"fg\n")
    t.expect(rb"valetkey")
    time.sleep(0.3)
    t.type(b"typed\n")
    t.expect(rb"line typed \*\*\*")
    t.expect(rb"\$ $")
    assert t.settings()[3] == before[3], "settings in the end"
    # In the background it takes no input and leaves the terminal alone.
    t.type(f"{word} sh -c 'sleep 1; echo \"late $X\"' &\n".encode())
    t.expect(rb"\$ $")
    t.type(b"echo still $((40+5))\n")
    t.expect(b"still 45")
    t.expect(rb"late \*\*\*")
    # A shell inside has jobs of its own.
    t.type(f"{word} bash --norc --noprofile --noediting -i\n".encode())
    t.expect(rb"\$ $")
    # Typed only when it can be heard by whom it is for: what is typed while a shell ends is nobody's.
    t.type(b"sh -c 'echo up; exec sleep 50'\n")
    t.expect(rb"\nup\r\n")
    t.type(b"\x1a")
    t.expect(rb"Stopped.*sleep 50")
    t.type(b"kill %1; while kill -0 %1 2>/dev/null; do :; done; echo inner $((50+5))\n")
    t.expect(rb"inner 55\r\n(.*\n)*\$ $")
    t.type(b"exit\n")
    t.expect(rb"exit\r\n(.*\n)*\$ $")
    t.type(b"echo outer $((60+6))\n")
    t.expect(b"outer 66")
    t.type(b"exit\n")
    t.end()


def size():
    t = run("sh", "-c", 'trap "stty size" WINCH; echo ready; while :; do sleep 0.05; done')
    t.expect(b"ready")
    t.resize(33, 101)
    t.expect(b"33 101")
    t.type(b"\x03")
    t.end()


def restored():
    """However it ends, the terminal is as it was."""
    for how, command in (("exit", "true"), ("no command", "no-such-command"), ("signal", "kill -KILL $$"), ("killed", "kill -KILL $PPID; sleep 5"),
                         ("terminated", "kill -TERM $PPID; sleep 5")):
        t = Terminal(["bash", "--norc", "--noprofile", "--noediting", "-i"])
        t.expect(rb"\$ $")
        before = t.settings()
        what = command if how == "no command" else f"sh -c '{command}'"
        t.type((" ".join([VALETKEY, "run", "--mask", "--rung", "R2", "--env", "X=keystore:entry", "--", what]) + "\n").encode())
        t.expect(rb"\n(.*\n)*.*\$ $")
        time.sleep(0.2)
        now = t.settings()
        assert now[:4] == before[:4], (how, before[:4], now[:4])
        t.type(b"echo alive $((70+7))\n")
        t.expect(b"alive 77")
        t.type(b"exit\n")
        t.end()


def editor():
    name = os.path.join(os.environ["HOME"], "edited")
    with open(name, "wb") as f:
        f.write(b"first\n" + SECRET + b"\nlast\n")
    t = run("less", name)
    t.expect(rb"first\r\n\*\*\*\r\nlast")
    t.type(b"q")
    assert t.end() == 0
    t = run("vi", "-u", "NONE", name)
    t.expect(rb"last")
    t.type(b"Gonew line\x1b:wq\r")
    assert t.end() == 0
    with open(name, "rb") as f:
        assert f.read() == b"first\n" + SECRET + b"\nlast\nnew line\n"
    assert SECRET not in t.said


def hangup():
    t = run("sh", "-c", f'trap "touch {os.environ["HOME"]}/hung; exit" HUP; echo ready; while :; do sleep 0.05; done')
    t.expect(b"ready")
    os.close(t.fd)
    os.waitpid(t.pid, 0)
    assert os.path.exists(os.path.join(os.environ["HOME"], "hung"))


VALETKEY, SECRET = sys.argv[2], sys.argv[3].encode()
OPTIONS = sys.argv[4:]
globals()[sys.argv[1]]()
