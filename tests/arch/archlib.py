# SPDX-License-Identifier: ISC
"""What the architecture tests share: where things are, the files of the project, C text without comments, TAP."""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

# One row per floor of CONTRIBUTING.md.  A directory may include headers of strictly lower floors, and its own.
FLOORS = {
    "base": 0, "mem": 1, "crypto": 2, "store": 3, "proto": 3,
    "source": 4, "policy": 5, "inject": 6, "cli": 7, "helpers": 7,
}
# Which directory implements a public header.
HEADERS = {
    "base.h": "base", "io.h": "base",
    "secret.h": "mem", "cred.h": "mem",
    "store.h": "store",
    "proto.h": "proto", "forms.h": "proto", "import.h": "proto", "dockerfile.h": "proto", "scan.h": "proto", "log.h": "proto",
    "source.h": "source", "broker.h": "source", "unlock.h": "source", "identity.h": "source", "external.h": "source", "remote.h": "source",
    "oauth.h": "source",
    "config.h": "policy",
    "policy.h": "policy",
    "inject.h": "inject", "mask.h": "inject",
    "helper.h": "helpers",
}


class Tap:
    """Prints one TAP line per check; end() is the exit status."""

    def __init__(self):
        self.n = self.failed = 0

    def ok(self, passed, name, *details):
        self.n += 1
        self.failed += not passed
        print(f"{'ok' if passed else 'not ok'} {self.n} - {name}")
        for d in () if passed else details:
            for line in str(d).splitlines():
                print("  # " + line)
        sys.stdout.flush()
        return passed

    def none(self, found, name):
        """A check that passes when the list of findings is empty."""
        return self.ok(not found, name, *found)

    def skip(self, name, why):
        self.n += 1
        print(f"ok {self.n} - {name} # SKIP {why}")

    def end(self):
        print(f"1..{self.n}")
        return 1 if self.failed else 0


def program():
    """The valetkey under test."""
    path = os.environ.get("VALETKEY", "")
    if not os.path.isabs(path) or not os.access(path, os.X_OK):
        sys.exit("set VALETKEY to the absolute path of the built valetkey")
    return path


def build_dir():
    return os.path.dirname(program())


def is_sanitized(path):
    """Sanitizer run-times add libraries, symbols and calls that say nothing about the product."""
    with open(path, "rb") as f:
        return b"__asan_init" in f.read()


def run(*argv, **kw):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **kw)


def files(*under):
    """The project's files, relative to the root: what git tracks or would, else (in a tarball) what is there."""
    if os.path.isdir(os.path.join(ROOT, ".git")):
        out = run("git", "-C", ROOT, "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        if out.returncode != 0:
            sys.exit("git ls-files failed: " + out.stderr)
        names = out.stdout.split("\0")
    else:
        names = []
        for d, dirs, fs in os.walk(ROOT):
            dirs[:] = [x for x in dirs if not x.startswith("build") and x != "__pycache__"]
            names += [os.path.relpath(os.path.join(d, f), ROOT) for f in fs]
    names = sorted(n for n in set(names) if n and os.path.isfile(os.path.join(ROOT, n)))
    return [n for n in names if not under or n.startswith(tuple(u + "/" for u in under))]


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8", errors="replace") as f:
        return f.read()


def is_script(name):
    with open(os.path.join(ROOT, name), "rb") as f:
        return f.read(2) == b"#!"


_LEX = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def c_code(text, keep_strings=False):
    """C text with comments (and the contents of literals) blanked, line numbers kept."""
    def blank(m):
        s = m.group(0)
        if s[0] in "\"'":
            return s if keep_strings else s[0] + " " * (len(s) - 2) + s[0]
        return re.sub(r"[^\n]", " ", s)
    return _LEX.sub(blank, text)


def find_lines(text, pattern):
    """(line number, line) of every match."""
    rx = re.compile(pattern)
    return [(i, line) for i, line in enumerate(text.splitlines(), 1) if rx.search(line)]
