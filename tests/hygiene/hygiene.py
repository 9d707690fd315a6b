# SPDX-License-Identifier: ISC
"""What the hygiene tests share: a keystore whose every key is known, and the program run under mem-search."""
import base64
import ctypes
import os
import pty
import re
import secrets
import select
import shutil
import string
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "arch"))
from archlib import Tap, is_sanitized, program
from keys import EXTERNAL, IDENTITY, PASSPHRASE, RAW, keys_of

UID = 12322  # somebody without an entry in passwd
PROGRAMS = ("valetkey", "git-credential-valetkey", "docker-credential-valetkey")
SECONDS = "60"


def need_root():
    if os.geteuid() != 0:
        print("only root can look into a process that forbids it")
        sys.exit(77)
    if is_sanitized(program()):
        print("sanitizers keep copies of what they watch")
        sys.exit(77)


def random_text():
    """Long enough to be found nowhere by chance, also eight bytes of it."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(28))


def own_keyring():
    """A session keyring of our own: nobody else's keystores are locked by what we do."""
    lib = ctypes.CDLL("libkeyutils.so.1", use_errno=True)
    if lib.keyctl_join_session_keyring(None) < 0:
        sys.exit("keyctl: " + os.strerror(ctypes.get_errno()))


def decoded(text):
    """The 32 bytes of a key; what follows them in an identity's text is a sum."""
    return base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_") + "=" * (-len(text) % 4))[:32]


class Find:
    """One line of a report: where some pattern was found, how often, and at which stops first and last."""

    def __init__(self, role, when, place, pattern, longest, stops, first, last):
        self.role, self.when, self.place, self.pattern = role, when, place, pattern
        self.longest, self.stops = int(longest), int(stops)
        self.first, _, self.first_call = first.partition(":")
        self.last, _, self.last_call = last.partition(":")
        self.first, self.last = int(self.first), int(self.last)

    def __str__(self):
        return (f"{self.role}, {self.when}: {self.longest} bytes of {self.pattern} in {self.place} at {self.stops} stops, "
                f"{self.first}:{self.first_call} to {self.last}:{self.last_call}")


class Report:
    """What mem-search says, and what the command said."""

    def __init__(self, path, out):
        self.out, self.finds, self.shelter, self.dumpable, self.status = out, [], {}, {}, None
        self.stops = self.pages = self.bytes = self.total = 0
        with open(path, encoding="ascii") as f:
            for line in f:
                word, *rest = line.rstrip("\n").split("\t")
                if word == "find":
                    self.finds.append(Find(*rest))
                elif word == "shelter":
                    self.shelter[rest[0]] = (int(rest[1]), int(rest[2]))
                elif word == "dumpable":
                    self.dumpable[rest[0]] = (int(rest[1]), rest[2], rest[3])
                elif word == "status":
                    self.status = (rest[0], int(rest[1]) if len(rest) > 1 else None)
                else:
                    setattr(self, word, int(rest[0]))

    def sheltered(self, pattern):
        """The stops at which it lay where it belongs."""
        return [f for f in self.finds if f.when == "call" and f.place == "dontdump" and f.pattern == pattern]


class Box:
    """A home for one user: keystore with two entries, opened by a raw key and by a passphrase, and other people's tokens."""

    def __init__(self, uid=0):
        self.uid, self.home = uid, tempfile.mkdtemp(prefix="hygiene-", dir=os.environ.get("VK_OUT"))
        os.chmod(self.home, 0o755)
        self.key = secrets.token_bytes(32)
        self.text = {n: random_text() for n in ("passphrase", "secret", "scoped", "new", "source", "foreign")}
        self.text["rawkey"] = base64.b64encode(self.key).decode()
        self.bin = os.path.join(self.home, "bin")
        os.mkdir(self.bin)
        # A copy, so that its processes can be told from those of other tests; and the other user can reach it.
        self.valetkey = shutil.copy(program(), os.path.join(self.bin, "valetkey"))
        scan = os.path.join(os.path.dirname(os.path.realpath(program())), "valetkey-scan")
        if os.path.exists(scan):
            shutil.copy(scan, self.bin)
        for name in PROGRAMS[1:]:
            os.symlink("valetkey", os.path.join(self.bin, name))
        self.env = {"HOME": self.home, "PATH": self.bin + ":/usr/bin:/bin", "VALETKEY_KEYSTORE": self.file("keystore"),
                    "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1", "XDG_RUNTIME_DIR": self.home}
        self.by_variable = {**self.env, "VALETKEY_KEY": self.text["rawkey"]}
        self.by_file = {**self.env, "VALETKEY_KEY_FILE": self.file("key")}
        self.by_program = {**self.env, "VALETKEY_KEYSTORE": self.file("held"), "VALETKEY_LIBEXEC": self.bin}
        self.by_program_and_key = {**self.by_program, "VALETKEY_KEY_FILE": self.file("key")}
        self.write("key", self.text["rawkey"] + "\n", 0o600)
        os.chown(self.home, uid, uid)
        self.fill()
        self.more_slots()
        self.keys = keys_of(self.file("keystore"), [(RAW, self.key), (PASSPHRASE, self.text["passphrase"].encode()),
                                                    (IDENTITY, decoded(self.text["identity"][5:]))])
        self.keys.update(keys_of(self.file("held"), [(RAW, self.key), (EXTERNAL, decoded(self.text["external"]))]))
        with open(self.file("patterns"), "w", encoding="ascii") as f:
            for name, text in self.text.items():
                f.write(f"{name} {text.encode().hex()}\n")
            for key, name in self.keys.items():
                f.write(f"{name}* {key.hex()}\n")
            # As HTTP, docker and npm write a user name and a password.
            for name in ("secret", "new", "foreign"):
                f.write(f"{name} {base64.b64encode(('u:' + self.text[name]).encode()).hex()}\n")

    def fill(self):
        t = self.text
        self.must("valetkey", "init", "--passphrase-stdin", "--kdf", "interactive", stdin=t["passphrase"])
        self.must("valetkey", "add", "https://host.example", "--username", "u", "--name", "host", stdin=t["secret"])
        self.must("valetkey", "add", "https://npm.example", "--scope", "@corp", "--name", "corp", stdin=t["scoped"])
        basic = base64.b64encode(("u:" + t["foreign"]).encode()).decode()
        self.write(".npmrc", f"registry=https://npm.example/\n//other.example/:_authToken={t['foreign']}\n")
        self.write(".netrc", f"machine other.example login u password {t['foreign']}\n", 0o600)
        self.write("kept", f"https://u:{t['foreign']}@kept.example\n", 0o600)
        self.write(".gitconfig", f"[url \"https://u:{t['foreign']}@other.example\"]\n\tinsteadOf = other:\n")
        for name in (".docker", ".aws"):
            os.mkdir(self.file(name))
            os.chown(self.file(name), self.uid, self.uid)
        self.write(".docker/config.json", '{"auths": {"other.example": {"auth": "%s"}}}\n' % basic)
        for name, section in (("config", "profile other"), ("credentials", "other")):
            self.write(f".aws/{name}", f"[{section}]\naws_access_key_id = A\naws_secret_access_key = {t['foreign']}\n", 0o600)
        self.write("source", t["source"] + "\n", 0o600)

    def more_slots(self):
        """An identity; and a keystore whose key another program keeps (tests/cli/valetkey-fake-keyring, in files)."""
        for name in ("valetkey-fake-keyring", "valetkey-secret-service"):
            shutil.copy(os.path.join(ROOT, "tests/cli/valetkey-fake-keyring"), os.path.join(self.bin, name))
        recipient = re.search(r"vkr1-\S+", self.must("valetkey", "slot", "keygen", "identity")).group()
        with open(self.file("identity"), encoding="ascii") as f:
            self.text["identity"] = re.search(r"vki1-\S+", f.read()).group()
        self.must("valetkey", "slot", "add", "--recipient", recipient)
        self.must("valetkey", "init", env=self.by_program_and_key)
        self.must("valetkey", "slot", "add", "--external", "fake-keyring", env=self.by_program_and_key)
        keyring = self.file(".fake-keyring")
        name = next(n for n in os.listdir(keyring) if "-" in n)
        with open(os.path.join(keyring, name), encoding="ascii") as f:
            self.text["external"] = f.read().strip()

    def file(self, name):
        return os.path.join(self.home, name)

    def write(self, name, text, mode=0o644):
        with open(self.file(name), "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(self.file(name), mode)
        os.chown(self.file(name), self.uid, self.uid)

    def become(self):
        if self.uid:
            os.setgroups([])
            os.setresgid(self.uid, self.uid, self.uid)
            os.setresuid(self.uid, self.uid, self.uid)

    def start(self, *argv, env=None, before=None, **kw):
        """A process of this box's user."""
        def prepare():
            if before:
                before()
            self.become()
        return subprocess.Popen([os.path.join(self.bin, argv[0]), *argv[1:]], env=env or self.by_file, cwd=self.home,
                                preexec_fn=prepare, **kw)

    def must(self, *argv, stdin="", env=None):
        p = self.start(*argv, env=env or self.by_variable, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out = p.communicate(stdin.encode(), 60)[0].decode()
        if p.returncode != 0:
            sys.exit(f"{argv}: exit {p.returncode}: {out}")
        return out

    def traced(self, *argv, stdin="", env=None, signal=None, typed=None):
        """Run under mem-search.  typed: [(prompt, answer)] on a terminal instead of stdin."""
        options = ["ends"] if signal else []
        options += ["uid", str(self.uid)] if self.uid else []
        options += ["signal", str(signal[0]), str(int(signal[1]))] if signal else []
        report = self.file("report")
        command = [os.path.join(os.path.dirname(program()), "tests", "mem-search"), report, self.file("patterns"), SECONDS,
                   *options, "--", os.path.join(self.bin, argv[0]), *argv[1:]]
        if typed is not None:
            out, code = on_terminal(command, typed, env or self.by_file, self.home)
        else:
            p = subprocess.run(command, input=stdin.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                               env=env or self.by_file, cwd=self.home)
            out, code = p.stdout.decode(errors="replace"), p.returncode
        if code != 0:
            sys.exit(f"mem-search {argv}: {out}")
        return Report(report, out)

    def end(self):
        shutil.rmtree(self.home, ignore_errors=True)


def on_terminal(command, typed, env, cwd):
    """What it printed, and its exit status."""
    master, slave = pty.openpty()
    p = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env, cwd=cwd)
    os.close(slave)
    out, todo, deadline = b"", list(typed), time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 0.05)[0]:
            if p.poll() is not None:
                break
            continue
        try:
            out += os.read(master, 4096)
        except OSError:
            break  # the other end is gone
        if todo and todo[0][0].encode() in out:
            time.sleep(0.1)
            os.write(master, todo.pop(0)[1].encode() + b"\n")
            out = b""
    p.wait(60)
    os.close(master)
    return out.decode(errors="replace"), p.returncode
