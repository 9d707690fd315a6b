#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A second reader of keystores, written from docs/FORMAT.md alone and sharing no code with the first.

read.py check VECTOR...       replay test vectors (see README.md)
read.py dump FILE HOW KEY     list a keystore's entries as JSON and check everything; HOW is raw, session, identity,
                              external (KEY in hex) or passphrase (KEY as it is)

Needs Python 3.9 and PyNaCl (Debian: python3-nacl).
"""
import hashlib
import json
import os
import re
import struct
import sys

import nacl.bindings
import nacl.exceptions
import nacl.pwhash

PAGE = 4096
LEAF, INNER, LIST, BLOB = 1, 2, 3, 4
ENTRY, DEFAULT, NAME = 1, 2, 3
TEXTS = {1: "scheme", 2: "host", 3: "path", 4: "username", 5: "name", 6: "npm_scope", 7: "header", 8: "authtype"}
TIMES = {9: "expires", 10: "refused"}
SECRETS = {11: "secret", 12: "refresh"}
SLOT_TYPES = {"passphrase": 1, "raw": 2, "external": 3, "identity": 4}
PORTS = {b"https": 443, b"http": 80, b"smtp": 25, b"smtps": 465, b"imap": 143, b"imaps": 993, b"ftp": 21, b"ftps": 990,
         b"ssh": 22}


class Refused(Exception):
    """Section 10: outcome is version, key or damaged; layer says where it was met."""

    def __init__(self, outcome, layer, why=""):
        super().__init__("%s: %s: %s" % (outcome, layer, why))
        self.outcome, self.layer = outcome, layer


def must(truth, layer, why):
    if not truth:
        raise Refused("damaged", layer, why)


def zero(data):
    return not any(data)


def prf(key, label, data, n):
    return hashlib.blake2b(data, digest_size=n, key=key, person=label.encode().ljust(16, b"\0")).digest()


def digest(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def attempt(primitive, *args):
    """None where the primitive refuses: the tag is wrong, the shared secret is zero."""
    try:
        return primitive(*args)
    except nacl.exceptions.CryptoError:
        return None


def unseal(key, nonce, ad, text_and_tag):
    return attempt(nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt, text_and_tag, ad, nonce, key)


class Header:
    """Section 3: one header slot without a key. What makes it another version is in later()."""

    def __init__(self, page, slot):
        raw = page[:512]
        must(len(page) == PAGE and raw[:8] == b"VKSTORE1", "header", "magic")
        must(raw[480:] == digest(raw[:480]), "header", "checksum")
        length, size = struct.unpack_from("<HI", raw, 10)
        self.generation, self.slots_page, self.slots_pages = struct.unpack_from("<Q12xII", raw, 32)
        must(length == 512 and size == PAGE and zero(raw[61:64]), "header", "constants")
        must(self.generation >= 1 and self.slots_page >= 2 and 1 <= self.slots_pages <= 4, "header", "ranges")
        must(self.generation % 2 == slot, "header", "wrong slot")
        self.raw, self.id, self.slots_hash = raw, raw[16:32], raw[64:96]
        self.commit, self.tag = raw[96:128], raw[464:480]
        must(page[512] <= 1 and zero(page[513:520]) and zero(page[552:]), "header", "after the header")
        self.witness, self.witness_tag = struct.unpack_from("<Q16s", page, 520)
        if self.witness:
            must(page[544:552] == digest(page[520:544])[:8], "header", "witness check")
            must(self.witness % 2 != slot, "header", "witness of its own slot")
        else:
            must(zero(page[528:552]), "header", "no witness, but its bytes")

    @staticmethod
    def later(page):
        """Section 10: is this header of another version?"""
        known = struct.unpack_from("<H30xI16xB", page.ljust(PAGE, b"\0"), 8) == (1, 0, 1)
        return page[:7] == b"VKSTORE" and len(page) > 7 and \
            (page[7:8] != b"1" or page[480:512] == digest(page[:480]) and not known)


class Store:
    def __init__(self, data):
        self.data = data
        slots = data[:PAGE], data[PAGE:2 * PAGE]
        if any(Header.later(p) for p in slots):
            raise Refused("version", "header")
        both = [Header(p, i) for i, p in enumerate(slots)]
        old, new = sorted(both, key=lambda h: h.generation)
        must((old.id, old.commit, old.generation + 1) == (new.id, new.commit, new.generation), "header", "pair")
        for h, other in ((old, new), (new, old)):
            must(h.witness <= new.generation, "header", "witness of a newer header")
            must(h.witness != other.generation or h.witness_tag == other.tag, "header", "witness of another header")
        self.header, self.other_tag, self.id = new, old.tag, new.id
        self.uses = []

    # --- section 4

    def slot_pages(self):
        """[(page, [clear half])], all that can be checked without a key."""
        h = self.header
        area = self.data[h.slots_page * PAGE:(h.slots_page + h.slots_pages) * PAGE]
        must(len(area) == h.slots_pages * PAGE and digest(area) == h.slots_hash, "slot", "hash")
        pages = []
        for i in range(h.slots_pages):
            p = area[i * PAGE:(i + 1) * PAGE]
            count, index = struct.unpack_from("<HH", p, 8)
            must(p[:8] == b"VKSLOTS1" and 1 <= count <= 12 and index == i, "slot", "page")
            must(count == 12 or i == h.slots_pages - 1, "slot", "gap")
            must(zero(p[12:16]) and zero(p[16 + 224 * count:2704]) and zero(p[3896:]), "slot", "zeros")
            pages.append((p, [p[16 + 224 * j:16 + 224 * (j + 1)] for j in range(count)]))
            for s in pages[-1][1]:
                self.check_slot(s)
        must(sum(s[0] == 1 for _, slots in pages for s in slots) <= 8, "slot", "too many passphrases")
        return pages

    @staticmethod
    def check_slot(s):
        must(s[0] != 0, "slot", "type")
        if s[0] in SLOT_TYPES.values():
            t, m, lanes = struct.unpack_from("<III", s, 40)
            must(1 <= t <= 16 and 8 <= m <= 1048576 and lanes == 1 if s[0] == 1 else zero(s[24:52]), "slot", "cost")
            must(re.fullmatch(rb"[a-z0-9-]{1,20}\0*", s[52:72]) if s[0] == 3 else zero(s[52:72]), "slot", "program")
            must(zero(s[1:8]) and zero(s[208:]), "slot", "zeros")

    def unlock(self, how, key):
        if how == "session":
            return self.unlock_session(key)
        pages = self.slot_pages()
        for s in (s for _, slots in pages for s in slots if s[0] == SLOT_TYPES[how]):
            secret = key
            if how == "passphrase":
                t, m = struct.unpack_from("<II", s, 40)
                secret = nacl.pwhash.argon2id.kdf(32, key, s[24:40], t, m * 1024)
            if how != "identity":
                secret = prf(secret, "vk1 slot key", self.id + s[:72], 32)
            public = nacl.bindings.crypto_scalarmult_base(secret)
            shared = attempt(nacl.bindings.crypto_scalarmult, secret, s[72:104])
            kek_and_commit = shared and prf(shared, "vk1 slot", self.id + s[:104] + public, 64)
            if shared and kek_and_commit[32:] == s[104:136]:
                master = unseal(kek_and_commit[:32], s[136:160], self.id + s[:104], s[160:208])
                must(master is not None, "slot", "wrapped key")
                return self.unlock_master(master, pages, s, public)
        raise Refused("key", "slot", "no slot opens")

    def unlock_master(self, master, pages, opened, public):
        session = prf(master, "vk1 session", self.id, 32)
        must(prf(session, "vk1 commit", self.id, 32) == self.header.commit, "header", "commit")
        k_slots = prf(master, "vk1 slots", self.id, 32)
        for p, slots in pages:
            text = unseal(k_slots, p[2704:2728], self.id + p[:2704], p[2728:3896])
            must(text is not None and zero(text[96 * len(slots):]), "slot", "private halves")
            for j, s in enumerate(slots):
                half = text[96 * j:96 * (j + 1)]
                must(half[:9] == s[8:16] + s[:1], "slot", "halves differ")
                must(s is not opened or half[16:48] == public, "slot", "public key")
                if s[0] in SLOT_TYPES.values():
                    label = half[48:88].rstrip(b"\0")
                    must(b"\0" not in label and label == label.decode(errors="replace").encode(), "slot", "label")
                    must(zero(half[9:16]) and zero(half[88:]), "slot", "zeros")
        return self.unlock_session(session)

    # --- section 3, the private half

    def unlock_session(self, session):
        h = self.header
        if prf(session, "vk1 commit", self.id, 32) != h.commit:
            raise Refused("key", "header", "session key")
        self.k_page, k_header = (prf(session, label, self.id, 32) for label in ("vk1 page", "vk1 header"))
        text = unseal(k_header, h.raw[128:152], h.raw[:152], h.raw[152:480])
        must(text is not None, "header", "private half")
        self.root, self.root_tag, self.height = struct.unpack_from("<I16sB", text)
        self.entries, self.records, self.pages, other = struct.unpack_from("<QQI4x16s", text, 24)
        self.list, self.list_tag, self.free, self.quarantine = struct.unpack_from("<I16sII", text, 80)
        self.k_tag = text[112:144]
        must(zero(text[21:24]) and zero(text[108:112]) and zero(text[144:]), "header", "zeros")
        must(1 <= self.height <= 8 and 2 <= self.root < self.pages, "header", "ranges")
        must(h.slots_page + h.slots_pages <= self.pages, "header", "slot pages")
        must(other == self.other_tag, "header", "other header")
        must(self.quarantine <= self.free, "header", "quarantine")
        must(2 <= self.list < self.pages if self.free else self.list == 0 and zero(self.list_tag), "header", "list")
        must(len(self.data) >= self.pages * PAGE, "header", "file is cut")

    # --- section 5

    def page(self, number, tag, kind, level, layer):
        """(text, number of entries) of a page, whose number the caller has checked."""
        self.uses.append(number)
        raw = self.data[number * PAGE:(number + 1) * PAGE]
        text = unseal(self.k_page, raw[:24], b"page" + struct.pack("<I", number) + self.id, raw[24:])
        must(raw[-16:] == tag and text is not None, layer, "tag")
        is_kind, is_level, count, used, pad = struct.unpack_from("<BBHHH", text)
        must(is_kind == kind and is_level == level and pad == 0, layer, "head")
        must(16 <= used <= len(text) and zero(text[used:]), layer, "used")
        return text[:used], count

    def chained(self, text, layer):
        """The pointer to the next page of a chain."""
        must(len(text) >= 36, layer, "short")
        page, tag = struct.unpack_from("<I16s", text, 16)
        must(2 <= page < self.pages if page else zero(tag), layer, "next page")
        return page, tag

    def inner(self, page, tag, level, low, high):
        """[(key, child, its tag, key of the entry after it)]; all keys below are in [low, high)."""
        text, count = self.page(page, tag, INNER, level, "inner")
        must(1 <= count <= 91 and len(text) == 16 + 44 * count, "inner", "count")
        items = list(struct.iter_unpack("<24sI16s", text[16:]))
        keys = [i[0] for i in items] + [high]
        must(low <= keys[0] and all(a < b for a, b in zip(keys, keys[1:])), "inner", "order")
        must(all(2 <= i[1] < self.pages for i in items), "inner", "child")
        return [(*i, after) for i, after in zip(items, keys[1:])]

    def leaf(self, page, tag, low, high):
        """[(key, kind, flags, payload)]"""
        text, count = self.page(page, tag, LEAF, 0, "leaf")
        must(count or self.height == 1, "leaf", "empty")
        items, at = [], 16
        for _ in range(count):
            must(at + 28 <= len(text), "leaf", "overrun")
            key, kind, flags, length = struct.unpack_from("<24sBBH", text, at)
            must(low <= key < high, "leaf", "order")
            at, low = at + 28 + length, key + b"\0"
            items.append((key, kind, flags, text[at - length:at]))
            self.check_record(*items[-1])
        must(at == len(text), "leaf", "used")
        return items

    def check_record(self, key, kind, flags, payload):
        if kind == ENTRY and flags == 1:
            must(len(payload) == 24, "leaf", "blob reference")
            first, length = struct.unpack_from("<II", payload)
            must(1024 < length <= 262144 and 2 <= first < self.pages, "leaf", "blob reference")
        else:
            must(kind in (ENTRY, DEFAULT, NAME) and flags == 0, "leaf", "record")
            must(kind != ENTRY or len(payload) <= 1024, "leaf", "inline length")
            must(kind != DEFAULT or len(payload) == 8 and zero(key[16:]), "leaf", "default")
            must(kind != NAME or len(payload) == 24, "leaf", "name")

    def get(self, key):
        """(kind, payload) or None."""
        page, tag, low, high = self.root, self.root_tag, bytes(24), b"\xff" * 25
        for level in range(self.height - 1, 0, -1):
            under = [i for i in self.inner(page, tag, level, low, high) if i[0] <= key]
            if not under:
                return None
            low, page, tag, high = under[-1]
        for at, kind, flags, payload in self.leaf(page, tag, low, high):
            if at == key:
                return kind, self.payload(flags, payload)
        return None

    def payload(self, flags, payload):
        if flags == 0:
            return payload
        (page, length, tag), whole = struct.unpack("<II16s", payload), b""
        while page:
            must(len(whole) < length, "blob", "too long")
            text, count = self.page(page, tag, BLOB, 0, "blob")
            must(count == 0, "blob", "head")
            page, tag = self.chained(text, "blob")
            must(len(text) == 36 + 4020 or not page, "blob", "page is not full")
            whole += text[36:]
        must(len(whole) == length, "blob", "length")
        return whole

    def free_pages(self):
        free, page, tag = [], self.list, self.list_tag
        while page and len(free) <= self.free:
            text, count = self.page(page, tag, LIST, 0, "list")
            must(1 <= count <= 1005 and len(text) == 36 + 4 * count, "list", "count")
            page, tag = self.chained(text, "list")
            free += struct.unpack_from("<%dI" % count, text, 36)
        must(len(free) == self.free and all(2 <= n < self.pages for n in free), "list", "count or number")
        return free

    # --- section 6

    def key_place(self, scheme, host, port, path):
        origin = scheme + b"\0" + host + b"\0" + struct.pack("<H", port)
        return prf(self.k_tag, "vk1 origin", origin, 16)[:8] + prf(self.k_tag, "vk1 path", path, 16)[:8]

    def key_user(self, user):
        u = prf(self.k_tag, "vk1 user", user, 16)[:8]
        return bytes(7) + b"\1" if zero(u) else u

    # --- sections 7 and 9

    def entry(self, key, layer):
        """The entry under a key, None without one; layer is that of who points to it."""
        got = self.get(key)
        must(got is None or got[0] == ENTRY, layer, "another kind")
        return got and decode_entry(got[1])

    def find(self, scheme, host, port, path, user):
        for prefix in candidates(path):
            place = self.key_place(scheme, host, port, prefix)
            default = self.get(place + bytes(8)) if user is None else (DEFAULT, self.key_user(user))
            if default is None:
                continue
            e = default[0] == DEFAULT and self.entry(place + default[1], "default" if user is None else "entry")
            must(e or user is not None, "default", "points nowhere")
            if e and scope(e) == (scheme, host, port, prefix) and user in (None, e["username"]):
                return e
        return None

    def find_name(self, name):
        got = self.get(prf(self.k_tag, "vk1 name", name, 24))
        e = self.entry(got[1], "name") if got and got[0] == NAME else None
        must(got is None or e and e["name"] == name, "name", "points nowhere or to another entry")
        return e

    def walk(self, page, tag, level, low, high):
        for item in self.inner(page, tag, level, low, high) if level else self.leaf(page, tag, low, high):
            if level:
                yield from self.walk(item[1], item[2], level - 1, item[0], item[3])
            else:
                yield item

    def verify(self):
        """All entries, everything checked."""
        self.slot_pages()
        self.uses = [0, 1, *range(self.header.slots_page, self.header.slots_page + self.header.slots_pages)]
        entries, defaults, names, scopes, records = {}, {}, {}, {}, 0
        for key, kind, flags, payload in self.walk(self.root, self.root_tag, self.height - 1, bytes(24), b"\xff" * 25):
            records += 1
            if kind == ENTRY:
                entries[key] = e = decode_entry(self.payload(flags, payload))
                must(key == self.key_place(*scope(e)) + self.key_user(e["username"]), "entry", "key")
                must(scopes.setdefault(key[:16], scope(e)) == scope(e), "entry", "another scope under one key")
            else:
                (defaults if kind == DEFAULT else names)[key] = payload
        for key, e in entries.items():
            must(key[:16] + bytes(8) in defaults, "default", "missing")
            must(not e["name"] or names.get(prf(self.k_tag, "vk1 name", e["name"], 24)) == key, "name", "missing")
        must(all(key[:16] + user in entries for key, user in defaults.items()), "default", "points nowhere")
        must(len(names) == sum(1 for e in entries.values() if e["name"]), "name", "too many")
        must(records == self.records and len(entries) == self.entries, "header", "counts")
        free = self.free_pages()
        must(sorted(self.uses + free) == list(range(self.pages)), "list", "not one use of every page")
        return entries.values()


def decode_entry(p):
    e = dict.fromkeys(TEXTS.values(), b"") | dict.fromkeys(TIMES.values(), 0) | dict.fromkeys(SECRETS.values())
    must(len(p) >= 16, "entry", "short")
    e["kind"], pad, e["port"], e["flags"], e["created"] = struct.unpack_from("<BBHIq", p)
    must(e["kind"] in (1, 2, 3) and pad == 0 and e["flags"] & ~7 == 0, "entry", "head")
    at, last, e["extra"] = 16, 0, {}
    while at < len(p):
        must(len(p) - at >= 4, "entry", "field head")
        kind, length = p[at], int.from_bytes(p[at + 1:at + 4], "little")
        if 13 <= kind <= 127:
            raise Refused("version", "entry", "unknown field")
        must(kind > last and length <= len(p) - at - 4, "entry", "field")
        value = p[at + 4:at + 4 + length]
        if kind in TEXTS:
            must(1 <= length <= 8192 and b"\0" not in value, "entry", "text")
            e[TEXTS[kind]] = value
        elif kind in TIMES:
            must(length == 8 and not zero(value), "entry", "time")
            e[TIMES[kind]] = int.from_bytes(value, "little", signed=True)
        elif kind in SECRETS:
            must(length <= 65536, "entry", "secret")
            e[SECRETS[kind]] = value
        else:
            must(length >= 1, "entry", "empty extra field")
            e["extra"][kind] = value
        at, last = at + 4 + length, kind
    must(sum(4 + len(v) for v in e["extra"].values()) <= 32768, "entry", "extra fields")
    must(canonical(*scope(e)), "entry", "scope")
    return e


def scope(e):
    return e["scheme"], e["host"], e["port"], e["path"]


def canonical(scheme, host, port, path):
    """Section 8."""
    parts = path.split(b"/") if path else []
    return scheme and scheme == scheme.lower() and host == host.lower() and (port or scheme not in PORTS) and \
        (path and not host if scheme == b"cert" else host) and \
        len(parts) <= 16 and not any(c in (b"", b".", b"..") for c in parts) and \
        not re.search(rb"%(2e|2f|5c|00)", path, re.IGNORECASE)


def candidates(path):
    parts = path.split(b"/") if path else []
    for n in range(min(len(parts), 16), 0, -1):
        prefix = b"/".join(parts[:n])
        yield prefix
        if prefix.endswith(b".git") and len(parts[n - 1]) > 4:
            yield prefix[:-4]
    yield b""


# --- test vectors: README.md

def split_url(url):
    scheme, host, port, path = re.fullmatch(rb"(.+)://([^/]*?)(?::(\d+))?(?:/(.*))?", url, re.DOTALL).groups()
    return scheme, host, int(port) if port else PORTS.get(scheme, 0), path or b""


def load(path):
    with open(path, "rb") as f:
        head, _, body = f.read().partition(b"\n\n")
    lines = [line.decode().split(": ", 1) for line in head.split(b"\n") if line]
    fields = dict(lines)
    if "base" in fields:
        base, body, _ = load(os.path.join(os.path.dirname(path), fields["base"]))
        fields = {k: v for k, v in base.items() if k in ("session", *SLOT_TYPES)} | fields
    for k, v in lines:
        if k == "patch":
            at, data = int(v.split()[0]), bytes.fromhex(v.split()[1])
            body = body[:at] + data + body[at + len(data):]
        elif k == "cut":
            body = body[:int(v)]
    return fields, body, [(k, v) for k, v in lines if k in ("find", "name", "verify")]


def ask(store, what, value):
    question, _, want = value.rpartition(" -> ")
    if what == "verify":
        got, want = str(len(store.verify())), value
    else:
        if what == "name":
            e = store.find_name(question.encode())
        else:
            url, user = question.split(" ")
            e = store.find(*split_url(url.encode()), None if user == "*" else user.strip("'").encode())
        got = "none" if e is None else "H " + digest(e["secret"]).hex() if want[:2] == "H " else e["secret"].hex()
    assert got == want, "%s %s: got %s" % (what, value, got)


def replay(path):
    fields, body, asks = load(path)
    keys = [how for how in ("session", *SLOT_TYPES) if how in fields and fields.get("how", how) == how]
    assert keys, "%s: no key" % path
    for how in keys:
        got = why = "good"
        try:
            store = Store(body)
            store.unlock(how, bytes.fromhex(fields[how]))
            for what, value in asks:
                ask(store, what, value)
        except Refused as e:
            got, why = "%s %s" % (e.outcome, e.layer) if "layer" in fields else e.outcome, e
        want = " ".join(fields[k] for k in ("expect", "layer") if k in fields)
        assert got == want, "%s (%s): expected %s, got %s" % (path, how, want, why)


def dump(path, how, key):
    with open(path, "rb") as f:
        store = Store(f.read())
    store.unlock(how, key.encode() if how == "passphrase" else bytes.fromhex(key))
    out = {"id": store.id.hex(), "generation": store.header.generation, "height": store.height, "pages": store.pages,
           "free": store.free, "entries": list(store.verify())}
    json.dump(out, sys.stdout, default=lambda b: b.decode("latin-1"))


def main(argv):
    if len(argv) == 5 and argv[1] == "dump":
        dump(*argv[2:])
    elif len(argv) > 2 and argv[1] == "check":
        for path in argv[2:]:
            replay(path)
        print("%d vectors hold" % len(argv[2:]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv)
