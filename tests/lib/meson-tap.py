# SPDX-License-Identifier: ISC
"""Turns the log of "meson test" into TAP: meson-tap.py NAME BUILD CONSOLE-LOG STATUS.

A program that printed TAP itself (cmocka does) gives its own lines; a program that failed otherwise (a crash, a time-out, a
sanitizer's or valgrind's exit status) gives one line that says so, with the end of what it printed.
"""
import glob
import json
import os
import re
import sys

name, build, console, status = sys.argv[1:]
failed = seen = 0


def say(ok, what, details=""):
    global failed, seen
    seen += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} - {name}: {what}")
    for line in details.splitlines()[-20:] if not ok else ():
        print("  # " + line)


# With a wrapper or a suite the log has another name; the newest one is this run's.
logs = sorted(glob.glob(os.path.join(build, "meson-logs", "testlog*.json")), key=os.path.getmtime)
tests = []
if logs and os.path.getmtime(logs[-1]) >= os.path.getmtime(os.path.join(build, "build.ninja")):
    with open(logs[-1], encoding="utf-8", errors="replace") as f:
        tests = [json.loads(line) for line in f if line.strip()]
for t in tests:
    out = (t.get("stdout") or "") + (t.get("stderr") or "")
    short = t["name"].split(" / ")[-1].split(":")[-1].strip()
    if t["result"] == "SKIP":
        seen += 1
        print(f"ok - {name}: {short} # SKIP {(out.strip().splitlines() or ['no reason given'])[-1]}")
        continue
    lines = re.findall(r"^(not ok|ok)\b *\d* *-? *(.*)$", out, re.M)
    for verdict, what in lines:
        if what.startswith("# SKIP"):  # cmocka says "not ok" to that
            seen += 1
            print(f"ok - {name}: {short}: {what[6:].strip()} # SKIP")
            continue
        say(verdict == "ok", f"{short}: {what}", out)
    if t["result"] not in ("OK", "EXPECTEDFAIL"):
        if not any(v == "not ok" and not w.startswith("# SKIP") for v, w in lines):
            say(False, f"{short}: {t['result']} ({t.get('returncode')})", out)
    elif not lines:
        say(True, short)
if not tests or (int(status) != 0 and not failed):
    with open(console, encoding="utf-8", errors="replace") as f:
        say(False, f"meson test ended with status {status}, {len(tests)} programs ran", f.read())
sys.exit(1 if failed else 0)
