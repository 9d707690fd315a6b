#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Runs the cases of a file: what "valetkey doctor" finds in a tree, and that its own corrections silence it.

    lint.py VALETKEY CASES DIRECTORY

A case is "=== name", lines "expect RULE:FILE:LINE ...", perhaps "after RULE:FILE:LINE ..." for what the corrections cannot mend,
then "--- FILE" and its text for each file, and "--- becomes FILE" for what the corrections must make of one.  In texts <TAB> is a tab, <ESC> an escape, <CR> a carriage return, <BOM> a mark.
Without "expect" nothing may be found.  No output may hold what stands between « and » in a text (the marks are taken away).
"""
import json
import os
import re
import subprocess
import sys

CHARS = {"<TAB>": "\t", "<ESC>": "\x1b", "<CR>": "\r", "<BOM>": "\ufeff"}


def cases(path):
    with open(path, encoding="utf-8") as f:
        for block in f.read().split("\n=== ")[1:]:
            head, *parts = block.split("\n--- ")
            lines = head.split("\n")
            want = {"expect": [], "after": []}
            for line in lines[1:]:
                key, *values = line.split() or [""]
                if key:
                    want[key] += values
            files, secrets = {}, []
            for part in parts:
                name, _, text = part.partition("\n")
                text = text.rstrip("\n") + "\n"
                for mark, char in CHARS.items():
                    text = text.replace(mark, char)
                secrets += re.findall(r"«(.*?)»", text)
                files[name] = re.sub("[«»]", "", text)
            yield lines[0], want, files, secrets


def doctor(valetkey, directory, *options):
    p = subprocess.run([valetkey, "doctor", *options, "."], cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return p.returncode, p.stdout.decode("utf-8"), p.stderr.decode("utf-8")


def ids(items):
    return sorted(f"{i['rule']}:{i['file']}:{i['line']}" for i in items if "rule" in i)


def apply(directory, items):
    """All corrections at once: each place is mended once, from the end of a file to its start."""
    edits = {(e["file"], e["first"], e["last"], e["text"]) for i in items for e in i.get("edits", ())}
    for name, first, last, text in sorted(edits, key=lambda e: (e[0], e[1] == 0, e[1]), reverse=True):
        path = os.path.join(directory, name)
        lines = open(path, encoding="utf-8", newline="").read().splitlines(keepends=True) if os.path.exists(path) else []
        if first == 0:
            lines.append(text)
        else:
            lines[first - 1:last] = [text]
        with open(path, "w", encoding="utf-8", newline="") as f:
            f.write("".join(lines))


def main(valetkey, path, base):
    failed = n = 0
    for name, want, files, secrets in cases(path):
        n += 1
        problems = []
        directory = os.path.join(base, f"case{n}")
        becomes = {f.removeprefix("becomes "): files.pop(f) for f in list(files) if f.startswith("becomes ")}
        for file, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(directory, file)), exist_ok=True)
            with open(os.path.join(directory, file), "w", encoding="utf-8", newline="") as f:
                f.write(text)
        status, out, err = doctor(valetkey, directory, "--json")
        _, plain, _ = doctor(valetkey, directory)
        items = json.loads(out)["items"]
        problems += [f"found {ids(items)}, not {sorted(want['expect'])}"] if ids(items) != sorted(want["expect"]) else []
        problems += [f"status {status}"] if status != (1 if any(i["level"] == "finding" for i in items) else 0) else []
        problems += [f"stderr: {err}"] if err else []
        problems += ["a secret is shown"] if any(s in out + plain for s in secrets) else []
        problems += ["a control character is shown"] if re.search("[\x00-\x09\x0b-\x1f\x7f]", out + plain) else []
        problems += [f"no reason or no next step: {i}" for i in items if "rule" in i and not ("why" in i and ("fix" in i or "edits" in i))]
        apply(directory, items)
        left = ids(json.loads(doctor(valetkey, directory, "--json")[1])["items"])
        problems += [f"after its corrections: {left}, not {sorted(want['after'])}"] if left != sorted(want["after"]) else []
        for file, text in becomes.items():
            got = open(os.path.join(directory, file), encoding="utf-8", newline="").read()
            problems += [f"{file} became:\n{got}"] if got != text else []
        for p in problems:
            print(f"{name}: {p}")
        if problems:
            print(plain)
        failed += bool(problems)
    print(f"{n} cases, {failed} failed")
    return 1 if failed or n == 0 else 0


sys.exit(main(*sys.argv[1:4]))
