# SPDX-License-Identifier: ISC
"""Ends runs at random moments and looks at what is left of them at once: processes, names, variables.

    drills.py R1|R2|R3 SIGNAL[,SIGNAL...] COUNT VALETKEY-COMMAND... < TOKEN

The command of each run reads its file, leaves daemons behind and goes on. After each end: on R1 no descendant may live, on
R2 and R3 neither the command nor a process of ours; no process may show the token in its environment, its arguments or an open file, nor may there be a
mount of ours. VALETKEY-COMMAND ends with the program file. Prints how many runs were ended before, in and after which phase, since a drill that always hits the same one
proves little.

With DRILL_SOURCE, a file that the config refers to, its secret changes as soon as the command runs, and the signal comes about
when the run's file does; counted is then which of the two there was.
"""
import os
import random
import shutil
import signal
import subprocess
import sys
import time

PATIENCE = 10  # seconds until what should end has ended, on a busy machine
DAEMONS = """
: "$NPM_CONFIG_USERCONFIG"
cat "$NPM_CONFIG_USERCONFIG" >/dev/null
(setsid sh -c 'trap "" HUP TERM INT; while :; do sleep 97.5; done' </dev/null >/dev/null 2>&1 &)
sh -c 'exec sleep 98.5' &
echo started >"$1.tmp"; mv "$1.tmp" "$1"
while :; do
    sleep 0.01
    if [ -n "${DRILL_SOURCE-}" ] && [ ! -e "$1.new" ] && grep -q -e -1 "$NPM_CONFIG_USERCONFIG"; then : >"$1.new"; fi
done
"""
LOOK = 1.0  # VK_REFRESH_LOOK


def processes():
    for name in os.listdir("/proc"):
        if name.isdigit():
            yield int(name)


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return b""


def marked(mark):
    """Processes that have the mark in their environment or arguments."""
    for pid in processes():
        if pid == os.getpid() or read(f"/proc/{pid}/stat").rpartition(b")")[2].split()[:1] == [b"Z"]:
            continue
        if mark in read(f"/proc/{pid}/environ") or mark in read(f"/proc/{pid}/cmdline"):
            yield pid


def end_all(mark):
    """Twice and more: a loop's next process may be younger than the list."""
    while left := list(marked(mark)):
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)


def ours(program):
    """Processes of this very program file, which every test has its own copy of."""
    for pid in processes():
        try:
            st = os.stat(f"/proc/{pid}/exe")
        except OSError:
            continue
        if (st.st_dev, st.st_ino) == program:
            yield pid


def shows(token):
    """Where a process shows the token; open descriptors of memory files included."""
    for pid in processes():
        if pid == os.getpid():
            continue
        if token in read(f"/proc/{pid}/environ") or token in read(f"/proc/{pid}/cmdline"):
            yield f"process {pid}: {read(f'/proc/{pid}/cmdline')}"
        try:
            fds = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        for fd in fds:
            path = f"/proc/{pid}/fd/{fd}"
            try:
                target = os.readlink(path)
                regular = target.startswith("/memfd:") or "(deleted)" in target
                if regular and token in read(path):
                    yield f"{path} -> {target}"
            except OSError:
                pass


def until(what, seconds=PATIENCE):
    """Waits until the generator function has nothing more to say; what it says at the end."""
    end = time.monotonic() + seconds
    while True:
        left = list(what())
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.02)


def put(source, secret, owner):
    """All at once, and as if it had been there for long."""
    with open(source + ".new", "wb") as f:
        f.write(secret)
    os.chmod(source + ".new", 0o600)
    os.chown(source + ".new", owner, -1)
    os.utime(source + ".new", (1, 1))
    os.rename(source + ".new", source)


def main():
    rung, names, count, argv = sys.argv[1], sys.argv[2].split(","), int(sys.argv[3]), sys.argv[4:]
    token = sys.stdin.buffer.read().strip()
    options = ["--rung", rung]
    seen = {"before": 0, "in": 0}
    # R3's directories, where nobody else has any.
    os.mkdir(memory, 0o700)
    os.chown(memory, os.stat(argv[-1]).st_uid, -1)
    st = os.stat(argv[-1])
    program = (st.st_dev, st.st_ino)
    source = os.environ.get("DRILL_SOURCE")
    for i in range(count):
        name = names[i % len(names)]
        number = getattr(signal, "SIG" + name)
        mark = f"drill-{os.getpid()}-{i}".encode()
        flag = f"{os.getcwd()}/started-{i}"
        env = dict(os.environ, DRILL_MARK=mark.decode(), XDG_RUNTIME_DIR=memory)
        if source:
            put(source, token + b"-0", st.st_uid)
        p = subprocess.Popen(argv + ["run", *options, "--", "sh", "-c", DAEMONS, "sh", flag], env=env,
                             stdin=subprocess.DEVNULL, start_new_session=True)
        began = time.monotonic()
        if source or i % 3 == 2:  # some while the command surely runs, most at any moment
            end = time.monotonic() + PATIENCE
            while not os.path.exists(flag) and time.monotonic() < end:
                time.sleep(0.001)
        if source:
            put(source, token + b"-1", st.st_uid)
            time.sleep(max(0, began + LOOK + random.uniform(-0.02, 0.12) - time.monotonic()))
        else:
            time.sleep(random.expovariate(1 / 0.006))
        seen["in" if os.path.exists(flag + ".new" if source else flag) else "before"] += 1
        os.kill(p.pid, number)
        p.wait(PATIENCE)
        if rung == "R1":
            left = until(lambda: marked(mark))
            assert not left, f"{name}: descendants live: {[read(f'/proc/{x}/cmdline') for x in left]}"
        # The command itself goes with us on R2 too.
        left = until(lambda: marked(f"{flag}\0".encode()))
        assert not left, f"{name}: the command lives: {[read(f'/proc/{x}/cmdline') for x in left]}"
        left = until(lambda: ours(program))
        assert not left, f"{name}: processes of ours live: {[read(f'/proc/{x}/comm') for x in left]}"
        left = until(lambda: shows(token))
        assert not left, f"{name}: {left}"
        assert b"valetkey " not in read("/proc/self/mounts"), "a mount is left"
        left = os.listdir(memory)
        assert not left, f"{name}: {memory} has {left}"
        end_all(mark)  # R2's daemons
        for name_left in (flag, flag + ".tmp", flag + ".new"):
            if os.path.exists(name_left):
                os.unlink(name_left)
    what = "its file had the new secret" if source else "the command ran"
    print(f"{count} runs ended by {','.join(names)}: {seen['before']} before {what}, {seen['in']} after that")
    assert seen["in"] > 0


memory = f"/dev/shm/drill-{os.getpid()}"
try:
    main()
finally:
    shutil.rmtree(memory, ignore_errors=True)
    end_all(f"drill-{os.getpid()}-".encode())
