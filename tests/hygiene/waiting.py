# SPDX-License-Identifier: ISC
"""Processes that wait at a known place, looked at from outside by root."""
import os
import time

SYS_READ, SYS_WRITE = (0, 1) if os.uname().machine == "x86_64" else (63, 64)


def status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def full_pipe():
    """A pipe whose writer waits."""
    r, w = os.pipe()
    os.set_blocking(w, False)
    try:
        while True:
            os.write(w, bytes(4096))
    except BlockingIOError:
        os.set_blocking(w, True)
    return r, w


def until(what, seconds=20):
    """What it says in the end."""
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.01)
    return what()


def waits_in(pid, call):
    with open(f"/proc/{pid}/syscall", encoding="ascii") as f:
        return f.read().split()[0] == str(call)


class Region:
    """A mapping of a process, as /proc/PID/smaps describes it."""

    def __init__(self, head):
        span, _, _, _, _, *path = head.split()
        self.start, self.end = (int(x, 16) for x in span.split("-"))
        self.size, self.path = self.end - self.start, " ".join(path)
        self.dontdump = self.locked = False

    def flags(self, words):
        # Not the kernel's own, such as [vvar].
        self.dontdump = "dd" in words and "io" not in words and "pf" not in words
        self.locked = "lo" in words

    def __str__(self):
        return f"{self.start:#x}, {self.size >> 10} KiB, {'' if self.locked else 'not '}locked, {self.path}"


def regions(pid):
    found = []
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as f:
        for line in f:
            first = line.split()[0]
            if not first.endswith(":"):
                found.append(Region(line))
            elif first == "VmFlags:":
                found[-1].flags(line.split()[1:])
    return found


def touched(pid, region):
    """How many pages of it there are."""
    page = os.sysconf("SC_PAGESIZE")
    with open(f"/proc/{pid}/pagemap", "rb") as f:
        f.seek(region.start // page * 8)
        data = f.read(region.size // page * 8)
    return sum(data[i] >> 6 != 0 for i in range(7, len(data), 8))


def holds(pid, *texts):
    """As root, who can: is this in what it keeps out of dumps?  Without that a refusal would mean little."""
    data = b""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as f:
        for r in regions(pid):
            if r.dontdump and touched(pid, r):
                f.seek(r.start)
                data += f.read(min(r.size, 1 << 18))
    return all(t in data for t in texts)


def tree(pid):
    """A process and those below it."""
    yield pid
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        for child in f.read().split():
            yield from tree(int(child))


def name_of(pid):
    with open(f"/proc/{pid}/comm", encoding="ascii") as f:
        return f.read().strip()


def ours(program):
    """Processes of this very program file."""
    want = os.stat(program)
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            try:
                st = os.stat(f"/proc/{pid}/exe")
            except OSError:
                continue
            if (st.st_dev, st.st_ino) == (want.st_dev, want.st_ino):
                yield int(pid)
