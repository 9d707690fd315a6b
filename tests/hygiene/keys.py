# SPDX-License-Identifier: ISC
"""Every key that opening a keystore derives or uses, after docs/FORMAT.md, sections 2 to 4.  Needs PyNaCl (Debian: python3-nacl)."""
import hashlib
import struct

import nacl.bindings
import nacl.pwhash

PAGE, SLOT, SLOTS = 4096, 224, 12
PASSPHRASE, RAW, EXTERNAL, IDENTITY = 1, 2, 3, 4
NAMES = {PASSPHRASE: "passphrase", RAW: "raw", EXTERNAL: "external", IDENTITY: "identity"}


def prf(key, label, data, n=32):
    return hashlib.blake2b(data, digest_size=n, key=key, person=label.encode().ljust(16, b"\0")).digest()


def unseal(key, nonce, ad, text):
    return nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(text, ad, nonce, key)


def newest_header(data):
    headers = [data[at:at + 512] for at in (0, PAGE)]
    return max(headers, key=lambda h: struct.unpack_from("<Q", h, 32)[0])


def slots_of(data, header):
    first, count = struct.unpack_from("<II", header, 52)
    for page in range(first, first + count):
        p = data[page * PAGE:(page + 1) * PAGE]
        for i in range(struct.unpack_from("<H", p, 8)[0]):
            yield p[16 + i * SLOT:16 + (i + 1) * SLOT]


def of_slot(slot, store, kind, secret):
    """{name: key} of a slot, or None when this is not its secret."""
    ikm, found = secret, {}
    if kind == PASSPHRASE:
        passes, kib = struct.unpack_from("<II", slot, 40)
        ikm = nacl.pwhash.argon2id.kdf(32, secret, slot[24:40], passes, kib * 1024)
        found["stretched"] = ikm
    found["slot-secret"] = ikm if kind == IDENTITY else prf(ikm, "vk1 slot key", store + slot[:72])
    public = nacl.bindings.crypto_scalarmult_base(found["slot-secret"])
    found["shared"] = nacl.bindings.crypto_scalarmult(found["slot-secret"], slot[72:104])
    both = prf(found["shared"], "vk1 slot", store + slot[:104] + public, 64)
    if both[32:] != slot[104:136]:
        return None
    found["wrapping-key"] = both[:32]
    found["master-key"] = unseal(both[:32], slot[136:160], store + slot[:104], slot[160:208])
    return found


def keys_of(path, ways):
    """{bytes: name}; ways: (kind of slot, the secret)."""
    with open(path, "rb") as f:
        data = f.read()
    header = newest_header(data)
    store, found = header[16:32], {}
    for kind, secret in ways:
        for slot in slots_of(data, header):
            if slot[0] == kind and (new := of_slot(slot, store, kind, secret)):
                found.update((key, name if name == "master-key" else f"{name}-of-{NAMES[kind]}") for name, key in new.items())
        if kind != PASSPHRASE:
            found[secret] = NAMES[kind]
    master = next(k for k, n in found.items() if n == "master-key")
    session = prf(master, "vk1 session", store)
    assert prf(session, "vk1 commit", store) == header[96:128]
    derived = {name: prf(session, "vk1 " + label, store) for name, label in (
        ("header-key", "header"), ("page-key", "page"), ("nonce-key", "noncekey"))}
    private = unseal(derived["header-key"], header[128:152], header[:152], header[152:480])
    derived.update({"session-key": session, "slots-key": prf(master, "vk1 slots", store), "tag-key": private[112:144]})
    found.update((key, name) for name, key in derived.items())
    return found
