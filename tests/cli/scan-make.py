#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Files for tests/cli/scan.bats:  scan-make.py WHAT SECRET [TARGET]"""
import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import random
import sys
import tarfile
import zipfile


def tar(members, fmt=tarfile.PAX_FORMAT):
    """A tar file of (name, bytes)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=fmt) as t:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def sha(data):
    return hashlib.sha256(data).hexdigest()


def layers(secret):
    """Three layers, and the commands that made them: the second has the secret, the third deletes the file."""
    return ([tar([("etc/os", b"x" * 9000)]), tar([("root/.npmrc", b"//npm/:_authToken=" + secret + b"\n")]),
             tar([("root/.wh..npmrc", b"")])],
            [{"created_by": "ADD rootfs"}, {"created_by": "ENV A=b", "empty_layer": True}, {"created_by": "RUN npm ci"},
             {"created_by": "RUN rm .npmrc \x1b[31m" + "long " * 40}])


def config(blobs, history, env=()):
    return json.dumps({"config": {"Env": list(env)}, "history": history,
                       "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha(b) for b in blobs]}}).encode()


def docker(secret):
    """As old versions of docker save: a directory for each layer, the list of them at the end."""
    blobs, history = layers(secret)
    conf = config(blobs, history, [f"TOKEN={secret.decode()}"])
    names = [f"{sha(b)}/layer.tar" for b in blobs]
    members = list(zip(names, blobs)) + [(sha(conf) + ".json", conf), ("manifest.json", json.dumps(
        [{"Config": sha(conf) + ".json", "RepoTags": ["app:latest"], "Layers": names}]).encode())]
    return members


def oci(secret, compress=gzip.compress):
    """An image layout whose index names an index, as builders with attestations make them."""
    blobs, history = layers(secret)
    members = [("oci-layout", b'{"imageLayoutVersion": "1.0.0"}')]

    def blob(data):
        members.append(("blobs/sha256/" + sha(data), data))
        return {"digest": "sha256:" + sha(data), "size": len(data)}
    manifest = blob(json.dumps({"config": blob(config(blobs, history)),
                                "layers": [blob(compress(b)) for b in blobs]}).encode())
    index = blob(json.dumps({"manifests": [manifest]}).encode())
    members.append(("index.json", json.dumps({"manifests": [index]}).encode()))
    return members


def write(path, data):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def offsets(secret, target):
    """The secret at every place of a file that is long enough for all ways through it."""
    size = 4200
    os.makedirs(target)
    for at in range(size - len(secret) + 1):
        with open(f"{target}/{at}", "wb") as f:
            f.write(b"-" * at + secret + b"-" * (size - at - len(secret)))


def chunks(secret, target):
    """The secret at every place around where one read ends and the next begins."""
    read = 256 * 1024
    os.makedirs(target)
    for at in range(read - len(secret) - 2, read + 3):
        with open(f"{target}/{at}", "wb") as f:
            f.write(os.urandom(at) + secret + os.urandom(300))


def nested(secret, depth):
    data = secret
    for i in range(depth):
        data = gzip.compress(tar([(f"level{i}.tgz", data)])) if i % 2 else tar([(f"level{i}.tar", data)])
    return data


def matryoshka(secret):
    """zip in zip in zip: small, and each much larger than the one around it."""
    data = secret + bytes(200 << 20)
    for name in ("a", "b"):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
            for i in range(1 if name == "a" else 40):
                z.writestr(f"{name}{i}", data)
        data = out.getvalue()
    return data


def damaged(secret, target):
    """Archives of every kind, each changed in some places; the same ones every time."""
    rnd = random.Random(1)
    plain = tar([("f", secret), ("g", rnd.randbytes(3000))])
    z = io.BytesIO()
    with zipfile.ZipFile(z, "w", zipfile.ZIP_DEFLATED) as f:
        f.writestr("f", secret)
        f.writestr("t.tgz", gzip.compress(plain))
    good = [plain, gzip.compress(plain), bz2.compress(plain), lzma.compress(plain), z.getvalue(), tar(docker(secret)), tar(oci(secret))]
    os.makedirs(target)
    for i in range(400):
        b = bytearray(rnd.choice(good))
        for _ in range(rnd.choice((1, 2, 5, 20))):
            at = rnd.randrange(len(b))
            how = rnd.randrange(3)
            if how == 0:
                b[at] ^= 1 << rnd.randrange(8)
            elif how == 1:
                del b[at:at + rnd.randrange(1, min(600, len(b) - 1))]
            else:
                b[at:at] = bytes([rnd.choice((0, 255, rnd.randrange(256)))]) * rnd.randrange(1, 600)
        with open(f"{target}/{i}", "wb") as f:
            f.write(b)


def main():
    what, secret = sys.argv[1], sys.argv[2].encode()
    target = sys.argv[3] if len(sys.argv) > 3 else ""
    if what == "docker":
        write(target, tar(docker(secret)))
    elif what == "oci":
        write(target, tar(oci(secret)))
    elif what == "oci-dir":
        for name, data in oci(secret):
            write(os.path.join(target, name), data)
    elif what == "nested":
        sys.stdout.buffer.write(nested(secret, int(target)))
    elif what == "bomb":
        write(target, matryoshka(secret))
    elif what == "control":
        write(target, tar([("a\x1b[31m\nb\x07", secret), ("dir/" + secret.decode() + "/f", secret)]))
    elif what == "v7":
        plain = bytearray(tar([("old", secret)], tarfile.USTAR_FORMAT))
        plain[257:265] = bytes(8)
        plain[148:156] = b" " * 8
        plain[148:156] = b"%06o\0 " % sum(plain[:512])
        write(target, bytes(plain))
    elif what == "damaged":
        damaged(secret, target)
    elif what == "offsets":
        offsets(secret, target)
    elif what == "chunks":
        chunks(secret, target)
    else:
        sys.exit(f"no such thing: {what}")


main()
