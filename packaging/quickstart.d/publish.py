#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Publishes a package to a registry and writes a project that depends on it, lock file included.

    publish.py --ca PEM --registry URL --package DIR --project DIR < TOKEN

The token is read from standard input and kept in memory: "npm publish" would want it in a file.
"""
import argparse
import base64
import hashlib
import io
import json
import os
import ssl
import sys
import tarfile
import urllib.request


def tarball(package):
    """What "npm pack" makes: every file of the directory below package/."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(os.listdir(package)):
            tar.add(os.path.join(package, name), "package/" + name)
    return out.getvalue()


def put(args, token, manifest, data, integrity):
    name, version = manifest["name"], manifest["version"]
    file = f"{name.rpartition('/')[2]}-{version}.tgz"
    url = f"{args.registry}/{name}/-/{file}"
    document = {
        "_id": name, "name": name, "dist-tags": {"latest": version},
        "versions": {version: {**manifest, "_id": f"{name}@{version}", "dist": {
            "integrity": integrity, "shasum": hashlib.sha1(data).hexdigest(), "tarball": url}}},
        "_attachments": {f"{name}-{version}.tgz": {
            "content_type": "application/octet-stream", "data": base64.b64encode(data).decode(), "length": len(data)}},
    }
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                         urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=args.ca)))
    opener.open(urllib.request.Request(
        f"{args.registry}/{name.replace('/', '%2f')}", json.dumps(document).encode(), method="PUT",
        headers={"Content-Type": "application/json", "Authorization": "Bearer " + token}), timeout=30).close()
    return url


def main():
    p = argparse.ArgumentParser()
    for name in ("ca", "registry", "package", "project"):
        p.add_argument("--" + name, required=True)
    args = p.parse_args()
    with open(os.path.join(args.package, "package.json"), encoding="utf-8") as f:
        manifest = json.load(f)
    data = tarball(args.package)
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    url = put(args, sys.stdin.read().strip(), manifest, data, integrity)
    app = {"name": "app", "version": "1.0.0", "dependencies": {manifest["name"]: manifest["version"]}}
    entry = {"version": manifest["version"], "resolved": url, "integrity": integrity}
    if "install" in manifest.get("scripts", {}):
        entry["hasInstallScript"] = True
    lock = {"name": "app", "version": "1.0.0", "lockfileVersion": 3, "requires": True,
            "packages": {"": app, "node_modules/" + manifest["name"]: entry}}
    for name, what in (("package.json", {**app, "private": True}), ("package-lock.json", lock)):
        with open(os.path.join(args.project, name), "w", encoding="utf-8") as f:
            json.dump(what, f, indent=2)
            f.write("\n")


if __name__ == "__main__":
    main()
