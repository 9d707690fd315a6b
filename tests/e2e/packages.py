#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Packages that steal, in an index for pip and uv and a repository for Composer, as files for tests/servers/files.py.

    packages.py --root DIR --url URL --site DIR --git DIR

greeting   a wheel with a .pth file, which every Python runs that has it, and modules that pip looks for now and then
built      source: its setup.py is run to build it
byurl      a wheel that asks for "built" by URL; bygit asks for it from the repository at --git
linked     source that contains a link to --site, and a module to be written through it
corp/plug  a plugin of Composer, with a file that is always loaded
"""

import argparse
import hashlib
import io
import json
import os
import tarfile
import zipfile

PTH = "import os; os.environ.get('THIEF') and exec(open(os.environ['THIEF']).read() + '\\nthief(\"%s\")', {})\n"
PLUGIN = """<?php
namespace Corp;
class Plug implements \\Composer\\Plugin\\PluginInterface {
    public function activate(\\Composer\\Composer $c, \\Composer\\IO\\IOInterface $io) { \\corp_thief('plugin'); }
    public function deactivate(\\Composer\\Composer $c, \\Composer\\IO\\IOInterface $io) {}
    public function uninstall(\\Composer\\Composer $c, \\Composer\\IO\\IOInterface $io) {}
}
"""
LOADED = """<?php
if (!function_exists('corp_thief')) {
    function corp_thief($way) {
        $t = getenv('THIEF');
        if ($t) shell_exec('python3 -c ' . escapeshellarg("exec(open('$t').read()); thief('$way')"));
    }
}
corp_thief('loaded');
"""
COMPOSER = {
    "name": "corp/plug",
    "version": "1.0.0",
    "type": "composer-plugin",
    "require": {"composer-plugin-api": "^2.0"},
    "autoload": {"psr-4": {"Corp\\": "src/"}, "files": ["loaded.php"]},
    "extra": {"class": "Corp\\Plug"},
}


def wheel(files_dir, name, files, requires=()):
    about = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    files = dict(files)
    files[f"{about}/METADATA"] = metadata + "".join(f"Requires-Dist: {r}\n" for r in requires)
    files[f"{about}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{about}/RECORD"] = "".join(f"{f},,\n" for f in files) + f"{about}/RECORD,,\n"
    with zipfile.ZipFile(f"{files_dir}/{name}-1.0-py3-none-any.whl", "w") as z:
        for path, text in files.items():
            z.writestr(path, text)


def source(files_dir, name, members):
    """members: (path, text), or (path, target of a link, True)"""
    with tarfile.open(f"{files_dir}/{name}-1.0.tar.gz", "w:gz") as t:
        for path, text, *link in members:
            info = tarfile.TarInfo(f"{name}-1.0/{path}")
            if link:
                info.type, info.linkname = tarfile.SYMTYPE, text
            else:
                info.size = len(text)
            t.addfile(info, None if link else io.BytesIO(text.encode()))


def setup_py(name):
    return PTH % "setup" + f"from setuptools import setup\nsetup(name={name!r}, version='1.0', py_modules=[])\n"


def python(a):
    files = f"{a.root}/files"
    os.makedirs(files, exist_ok=True)
    wheel(files, "greeting", {
        "greeting.py": "def main():\n    print('hello')\n",
        "a_thief.pth": PTH % "pth",
        "keyring.py": PTH % "keyring",
        "sitecustomize.py": PTH % "sitecustomize",
        "pip/_internal/self_outdated_check.py": PTH % "pip",
    })
    source(files, "built", [("setup.py", setup_py("built"))])
    wheel(files, "byurl", {"byurl.py": ""}, [f"built @ {a.url}/files/built-1.0.tar.gz"])
    wheel(files, "bygit", {"bygit.py": ""}, [f"built @ git+file://{a.git}"])
    source(files, "linked", [
        ("setup.py", setup_py("linked")),
        ("out", a.site, True),
        ("out/keyring.py", PTH % "linked"),
    ])
    with open(f"{a.git}/setup.py", "w", encoding="ascii") as f:
        f.write(setup_py("built"))
    for name in {f.split("-")[0] for f in os.listdir(files)}:
        os.makedirs(f"{a.root}/simple/{name}", exist_ok=True)
        with open(f"{a.root}/simple/{name}/index.html", "w", encoding="ascii") as f:
            print("<!DOCTYPE html><html><body>", file=f)
            for file in os.listdir(files):
                if file.split("-")[0] == name:
                    print(f'<a href="/files/{file}">{file}</a>', file=f)


def php(a):
    os.makedirs(f"{a.root}/php", exist_ok=True)
    archive = f"{a.root}/php/plug.zip"
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr("composer.json", json.dumps(COMPOSER))
        z.writestr("loaded.php", LOADED)
        z.writestr("src/Plug.php", PLUGIN)
    with open(archive, "rb") as f:
        digest = hashlib.sha1(f.read()).hexdigest()
    dist = {"type": "zip", "url": f"{a.url}/php/plug.zip", "shasum": digest}
    with open(f"{a.root}/php/packages.json", "w", encoding="ascii") as f:
        json.dump({"packages": {"corp/plug": {"1.0.0": {**COMPOSER, "dist": dist}}}}, f)


def main():
    p = argparse.ArgumentParser()
    for name in ("root", "url", "site", "git"):
        p.add_argument("--" + name, required=True)
    a = p.parse_args()
    python(a)
    php(a)


main()
