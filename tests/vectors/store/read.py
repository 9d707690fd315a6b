#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A second reader of keystores, written from docs/FORMAT.md alone and sharing no code with the first.

read.py check VECTOR...                replay test vectors (see README.md)
read.py dump FILE raw|session|passphrase KEY    list a keystore's entries as JSON, keys in hex; checks everything

Needs Python 3.9 and PyNaCl (Debian: python3-nacl).
"""
import hashlib
import json
import struct
import sys

import nacl.bindings
import nacl.exceptions
import nacl.pwhash

PAGE = 4096


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


def unseal(key, nonce, ad, text_and_tag):
    """The text, or None."""
    try:
        return nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(text_and_tag, ad, nonce, key)
    except nacl.exceptions.CryptoError:
        return None


class Header:
    """Section 3, the clear half."""

    def __init__(self, raw, slot):
        self.raw = raw
        must(raw[:7] == b"VKSTORE", "header", "magic")
        if raw[7:8] != b"0":
            raise Refused("version", "header", "magic")
        must(raw[480:512] == digest(raw[:480]), "header", "checksum")
        major, length, page = struct.unpack_from("<HHI", raw, 8)
        self.id = raw[16:32]
        (self.generation, incompat, _, _, self.slots_page, self.slots_pages,
         suite) = struct.unpack_from("<QIIIIIB", raw, 32)
        if major != 0 or suite != 1 or incompat != 0:
            raise Refused("version", "header", "features")
        must(length == 512 and page == PAGE and zero(raw[61:64]), "header", "constants")
        must(self.generation >= 1 and self.slots_page >= 2 and 1 <= self.slots_pages <= 4, "header", "ranges")
        must(self.generation % 2 == slot, "header", "wrong slot")
        self.slots_hash, self.commit, self.tag = raw[64:96], raw[96:128], raw[464:480]


class Store:
    def __init__(self, data):
        self.data = data
        must(len(data) >= PAGE + 512, "header", "too short")
        found = []
        for slot in (0, 1):
            raw = data[slot * PAGE:slot * PAGE + 512]
            if not zero(raw):
                found.append(Header(raw, slot))
        must(found, "header", "none")
        found.sort(key=lambda h: h.generation)
        self.header = found[-1]
        self.other_tag = bytes(16)
        if len(found) == 2:
            a, b = found
            must(a.id == b.id and a.commit == b.commit and b.generation - a.generation == 1, "header", "pair")
            self.other_tag = a.tag
        self.id = self.header.id

    def pages(self, first, count, layer):
        must((first + count) * PAGE <= len(self.data), layer, "cut off")
        return self.data[first * PAGE:(first + count) * PAGE]

    # --- section 4

    def slot_pages(self):
        h = self.header
        area = self.pages(h.slots_page, h.slots_pages, "slot")
        must(digest(area) == h.slots_hash, "slot", "hash")
        pages, passphrases = [], 0
        for i in range(h.slots_pages):
            p = area[i * PAGE:(i + 1) * PAGE]
            count, index = struct.unpack_from("<HH", p, 8)
            must(p[:8] == b"VKSLOTS0" and 1 <= count <= 10 and index == i and zero(p[12:16]) and zero(p[3896:]),
                 "slot", "page")
            must(count == 10 or i == h.slots_pages - 1, "slot", "gap")
            must(zero(p[16 + 192 * count:1936]), "slot", "unused")
            slots = [p[16 + 192 * j:16 + 192 * (j + 1)] for j in range(count)]
            for s in slots:
                must(s[0] != 0, "slot", "type")
                salt_and_cost = s[24:52]
                if s[0] == 1:
                    passphrases += 1
                    must(struct.unpack_from("<I", s, 48)[0] == 1, "slot", "lanes")
                if s[0] == 2:
                    must(zero(salt_and_cost), "slot", "raw")
                if s[0] in (1, 2):
                    must(zero(s[1:8]) and zero(s[52:72]) and zero(s[176:]), "slot", "zeros")
            pages.append((p, slots))
        must(passphrases <= 8, "slot", "too many")
        return pages

    def unlock(self, how, key):
        if how == "session":
            return self.unlock_session(key)
        pages = self.slot_pages()
        kind = {"passphrase": 1, "raw": 2}[how]
        for s in (s for _, slots in pages for s in slots if s[0] == kind):
            ikm = key
            if kind == 1:
                t, m = struct.unpack_from("<II", s, 40)
                must(1 <= t <= 16 and 8 <= m <= 1048576, "slot", "cost")
                ikm = nacl.pwhash.argon2id.kdf(32, key, s[24:40], t, m * 1024)
            kek_and_commit = prf(ikm, "vk0 slot", self.id + s[:72], 64)
            if kek_and_commit[32:] != s[72:104]:
                continue
            master = unseal(kek_and_commit[:32], s[104:128], self.id + s[:72], s[128:176])
            must(master is not None, "slot", "wrapped key")
            return self.unlock_master(master, pages)
        raise Refused("key", "slot", "no slot opens")

    def unlock_master(self, master, pages):
        session = prf(master, "vk0 session", self.id, 32)
        must(prf(session, "vk0 commit", self.id, 32) == self.header.commit, "header", "commit")
        k_slots = prf(master, "vk0 slots", self.id, 32)
        for p, slots in pages:
            text = unseal(k_slots, p[1936:1960], self.id + p[:1936], p[1960:3896])
            must(text is not None, "slot", "private halves")
            for j in range(10):
                half = text[192 * j:192 * (j + 1)]
                if j < len(slots):
                    must(half[:9] == slots[j][8:16] + slots[j][:1], "slot", "halves differ")
                    if slots[j][0] in (1, 2):
                        must(zero(half[9:16]) and zero(half[88:]), "slot", "zeros")
                else:
                    must(zero(half), "slot", "unused half")
        return self.unlock_session(session)

    # --- section 3, the private half

    def unlock_session(self, session):
        h = self.header
        if prf(session, "vk0 commit", self.id, 32) != h.commit:
            raise Refused("key", "header", "session key")
        self.session = session
        self.k_page = prf(session, "vk0 page", self.id, 32)
        self.k_tag = prf(session, "vk0 tag", self.id, 32)
        text = unseal(prf(session, "vk0 header", self.id, 32), h.raw[128:152], h.raw[:152], h.raw[152:480])
        must(text is not None, "header", "private half")
        root, self.root_tag, self.height = struct.unpack_from("<I16sB", text)
        self.entries, self.records, self.file_pages, self.epoch = struct.unpack_from("<QQII", text, 24)
        must(zero(text[21:24]) and zero(text[80:]), "header", "zeros")
        must(1 <= self.height <= 8 and 2 <= root < self.file_pages and self.entries <= self.records, "header", "ranges")
        must(h.slots_page + h.slots_pages <= self.file_pages, "header", "slot pages")
        must(text[48:64] == self.other_tag, "header", "other header")
        must(len(self.data) >= self.file_pages * PAGE, "header", "file is cut")
        self.root = root

    # --- section 5

    def extent(self, label, first, count, tag, layer):
        raw = self.pages(first, count, layer)
        must(raw[-16:] == tag, layer, "tag")
        text = unseal(self.k_page, raw[:24], label + struct.pack("<I", first) + self.id, raw[24:])
        must(text is not None, layer, "cipher")
        return text

    def node(self, page, tag, level):
        layer = "inner" if level else "leaf"
        n = self.extent(b"node", page, 1, tag, layer)
        kind, at_level, count, used, pad = struct.unpack_from("<BBHHH", n)
        must(kind == (2 if level else 1) and at_level == level and pad == 0, layer, "head")
        must(16 <= used <= len(n) and zero(n[used:]), layer, "used")
        items, at = [], 16
        for _ in range(count):
            must(at + 28 <= used, layer, "overrun")
            key = n[at:at + 24]
            must(not items or items[-1][0] < key, layer, "order")
            if level:
                must(at + 44 <= used, layer, "overrun")
                child, child_tag = struct.unpack_from("<I16s", n, at + 24)
                must(2 <= child < self.file_pages, layer, "child")
                items.append((key, child, child_tag))
                at += 44
            else:
                kind, flags, length = struct.unpack_from("<BBH", n, at + 24)
                must(at + 28 + length <= used, layer, "overrun")
                payload = n[at + 28:at + 28 + length]
                self.check_record(key, kind, flags, payload)
                items.append((key, kind, flags, payload))
                at += 28 + length
        must(at == used and (count >= 1 or level == 0) and (level == 0 or count <= 91), layer, "count")
        return items

    def check_record(self, key, kind, flags, payload):
        must(kind in (1, 2, 3) and flags in (0, 1), "leaf", "record")
        if flags == 1:
            must(kind == 1 and len(payload) == 24, "leaf", "blob reference")
            first, length = struct.unpack_from("<II", payload)
            must(1024 < length <= 262144, "leaf", "blob length")
            must(first >= 2 and first + (length + 40 + PAGE - 1) // PAGE <= self.file_pages, "leaf", "blob place")
        elif kind == 1:
            must(len(payload) <= 1024, "leaf", "inline length")
        elif kind == 2:
            must(len(payload) == 8 and zero(key[16:]), "leaf", "default")
        else:
            must(len(payload) == 24, "leaf", "name")

    def get(self, key):
        """(kind, payload) or None."""
        page, tag = self.root, self.root_tag
        for level in range(self.height - 1, 0, -1):
            under = [i for i in self.node(page, tag, level) if i[0] <= key]
            if not under:
                return None
            _, page, tag = under[-1]
        for at, kind, flags, payload in self.node(page, tag, 0):
            if at == key:
                return kind, self.payload(flags, payload)
        return None

    def payload(self, flags, payload):
        if flags == 0:
            return payload
        first, length, tag = struct.unpack("<II16s", payload)
        text = self.extent(b"blob", first, (length + 40 + PAGE - 1) // PAGE, tag, "blob")
        must(zero(text[length:]), "blob", "padding")
        return text[:length]

    # --- section 6

    def short(self, label, data):
        return prf(self.k_tag, label, data, 16)[:8]

    def key_origin(self, scheme, host, port):
        return self.short("vk0 origin", scheme + b"\0" + host + b"\0" + struct.pack("<H", port))

    def key_path(self, path):
        return self.short("vk0 path", path)

    def key_user(self, user):
        u = self.short("vk0 user", user)
        return bytes(7) + b"\1" if zero(u) else u

    def key_name(self, name):
        return prf(self.k_tag, "vk0 name", name, 24)

    # --- sections 7 and 9

    def entry(self, key):
        got = self.get(key)
        if got is None:
            return None
        must(got[0] == 1, "entry", "another kind")
        return decode_entry(got[1])

    def find(self, scheme, host, port, path, user):
        origin = self.key_origin(scheme, host, port)
        for prefix in candidates(path):
            place = origin + self.key_path(prefix)
            default = self.get(place + bytes(8))
            if default is None:
                continue
            must(default[0] == 2, "default", "another kind")
            u = default[1] if user is None else self.key_user(user)
            e = self.entry(place + u)
            must(e is not None or user is not None, "default", "points nowhere")
            if e and (e["scheme"], e["host"], e["port"], e["path"]) == (scheme, host, port, prefix) and \
                    (user is None or e["username"] == user):
                return e
        return None

    def find_name(self, name):
        got = self.get(self.key_name(name))
        if got is None:
            return None
        must(got[0] == 3, "name", "another kind")
        e = self.entry(got[1])
        must(e is not None, "name", "points nowhere")
        must(e["name"] == name, "name", "another entry")
        return e

    def walk(self, page, tag, level):
        for item in self.node(page, tag, level):
            if level:
                low = None
                for record in self.walk(item[1], item[2], level - 1):
                    low = low or record[0]
                    yield record
                must(low == item[0], "inner", "not the lowest key")
            else:
                yield item

    def verify(self):
        """All entries, everything checked."""
        must(zero(self.data[512:PAGE]) and zero(self.data[PAGE + 512:2 * PAGE]), "header", "padding")
        self.slot_pages()
        entries, defaults, names, records, last = {}, {}, {}, 0, b""
        for key, kind, flags, payload in self.walk(self.root, self.root_tag, self.height - 1):
            must(last < key, "leaf", "order")
            last, records = key, records + 1
            if kind == 1:
                entries[key] = decode_entry(self.payload(flags, payload))
            elif kind == 2:
                defaults[key[:16]] = payload
            else:
                names[key] = payload
        for key, e in entries.items():
            right = self.key_origin(e["scheme"], e["host"], e["port"]) + self.key_path(e["path"]) + \
                self.key_user(e["username"])
            must(key == right, "entry", "wrong key")
            must(key[:16] in defaults, "default", "missing")
            if e["name"]:
                must(names.get(self.key_name(e["name"])) == key, "name", "wrong or missing")
        for place, user in defaults.items():
            must(place + user in entries, "default", "points nowhere")
        must(len(names) == sum(1 for e in entries.values() if e["name"]), "name", "too many")
        must(records == self.records and len(entries) == self.entries, "header", "counts")
        return entries.values()


TEXTS = {1: "scheme", 2: "host", 3: "path", 4: "username", 5: "name", 6: "npm_scope", 7: "header", 8: "authtype"}
TIMES = {9: "expires", 10: "refused"}
SECRETS = {11: "secret", 12: "refresh"}


def decode_entry(p):
    e = dict.fromkeys(TEXTS.values(), b"") | dict.fromkeys(TIMES.values(), 0) | dict.fromkeys(SECRETS.values())
    must(len(p) >= 16, "entry", "short")
    e["kind"], pad, e["port"], e["flags"], e["created"] = struct.unpack_from("<BBHIq", p)
    must(e["kind"] in (1, 2, 3) and pad == 0 and e["flags"] & ~7 == 0, "entry", "head")
    at, last = 16, 0
    while at < len(p):
        must(len(p) - at >= 4, "entry", "field head")
        kind, length = p[at], int.from_bytes(p[at + 1:at + 4], "little")
        if kind > 12:
            raise Refused("version", "entry", "unknown field")
        must(kind > last and length <= len(p) - at - 4, "entry", "field")
        value = p[at + 4:at + 4 + length]
        if kind in TEXTS:
            must(1 <= length <= 8192 and b"\0" not in value, "entry", "text")
            e[TEXTS[kind]] = value
        elif kind in TIMES:
            must(length == 8 and not zero(value), "entry", "time")
            e[TIMES[kind]] = int.from_bytes(value, "little", signed=True)
        else:
            must(length <= 65536, "entry", "secret")
            e[SECRETS[kind]] = value
        at, last = at + 4 + length, kind
    must(e["scheme"] and (e["host"] or (e["scheme"] == b"cert" and e["path"])), "entry", "scope")
    must((not e["path"] or e["path"].count(b"/") < 16), "entry", "scope")
    return e


def candidates(path):
    parts = path.split(b"/") if path else []
    for n in range(min(len(parts), 16), 0, -1):
        prefix = b"/".join(parts[:n])
        yield prefix
        if prefix.endswith(b".git") and len(parts[n - 1]) > 4:
            yield prefix[:-4]
    yield b""


# --- test vectors: README.md

PORTS = {b"https": 443, b"http": 80, b"smtp": 25, b"smtps": 465, b"imap": 143, b"imaps": 993, b"ftp": 21,
         b"ftps": 990, b"ssh": 22}


def split_url(url):
    scheme, rest = url.split(b"://")
    host, _, path = rest.partition(b"/")
    port = PORTS.get(scheme, 0)
    if ":" in host.decode(errors="replace").rpartition("]")[2]:
        host, _, text = host.rpartition(b":")
        port = int(text)
    return scheme, host, port, path


def load(path):
    with open(path, "rb") as f:
        head, _, body = f.read().partition(b"\n\n")
    lines = [line.split(b": ", 1) for line in head.split(b"\n") if line]
    fields = {k.decode(): v for k, v in lines}
    asks = [(k.decode(), v) for k, v in lines if k in (b"find", b"name", b"verify")]
    if "base" in fields:
        base, _ = load(path.rpartition("/")[0] + "/" + fields["base"].decode())
        body = bytearray(base["body"])
        fields = {k: v for k, v in base.items() if k in ("raw", "session", "passphrase")} | fields
        for k, v in lines:
            if k == b"patch":
                at, data = v.split(b" ")
                data = bytes.fromhex(data.decode())
                body[int(at):int(at) + len(data)] = data
            elif k == b"cut":
                del body[int(v):]
    fields["body"] = bytes(body)
    return fields, asks


def ask(store, what, value):
    question, _, want = value.rpartition(b" -> ")
    if what == "verify":
        must(len(store.verify()) == int(want), "header", "count")
        return
    if what == "name":
        got = store.find_name(question)
    else:
        url, user = question.split(b" ")
        got = store.find(*split_url(url), None if user == b"*" else user.strip(b"'"))
    if got is None:
        assert want == b"none", "%s: found nothing" % value
    elif want.startswith(b"H "):
        assert digest(got["secret"]).hex().encode() == want[2:], value
    else:
        assert got["secret"].hex().encode() == want, "%s: got %s" % (value, got["secret"].hex())


def replay(path):
    fields, asks = load(path)
    expect = fields["expect"].decode()
    for how in ("raw", "session", "passphrase"):
        if how not in fields or ("how" in fields and fields["how"].decode() != how):
            continue
        got, layer = "good", ""
        try:
            store = Store(fields["body"])
            store.unlock(how, bytes.fromhex(fields[how].decode()))
            for what, value in asks:
                ask(store, what, value)
        except Refused as e:
            got, layer = e.outcome, e.layer
        assert got == expect, "%s (%s): expected %s, got %s (%s)" % (path, how, expect, got, layer)
        if expect == "damaged":
            assert layer == fields["layer"].decode(), "%s (%s): layer %s" % (path, how, layer)


def dump(path, how, key):
    with open(path, "rb") as f:
        store = Store(f.read())
    store.unlock(how, key.encode() if how == "passphrase" else bytes.fromhex(key))
    entries = [{k: v.decode("latin-1") if isinstance(v, bytes) else v for k, v in e.items()} for e in store.verify()]
    json.dump({"id": store.id.hex(), "generation": store.header.generation, "height": store.height,
               "entries": entries}, sys.stdout)


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
