/* SPDX-License-Identifier: ISC */
/*
 * Pages that a key holder made: properly sealed, with any text.  Whatever is asked, memory holds;
 * and what a full check accepts can be walked and written to.
 *
 * The first byte says how high the tree is (bit 0), whether there is a list of free pages (bit 1), and how many of
 * them are in quarantine; then come the texts of the root, of the leaf below, of the page of all blobs and of the
 * list.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOT = 3, LEAF = 4, BLOB = 5, LIST = 6, PAGES = 8 };

/* Any will do.  The key of names is zero: what the corpus calls sound is sound with that, and the counts below. */
static const unsigned char store_id[VK_STORE_ID_LEN] = {
	0x48, 0xae, 0x9b, 0xad, 0x47, 0x75, 0x87, 0x3a, 0x0f, 0xb0, 0x72, 0x3d, 0xfd, 0xb8,
	0x2a, 0x3e,
};
static const unsigned char session[VK_STORE_KEY_LEN] = {
	0xe6, 0x8c, 0xb4, 0x79, 0x9c, 0xbc, 0x38, 0xfc, 0xf3, 0x83, 0x5d, 0x85, 0xe6, 0x10,
	0xe0, 0x1c, 0x0c, 0x7f, 0x4b, 0x21, 0x22, 0x5a, 0x8c, 0x38, 0xd6, 0xaf, 0xa5, 0x42,
	0xea, 0x61, 0xfc, 0xd4,
};

static unsigned char file[PAGES * VK_PAGE];
static char path[64] = "/tmp/vk-fuzz-XXXXXX";

static void
need(bool truth)
{
	if (!truth)
		abort();
}

static void
fill_page(unsigned pgno, const uint8_t **data, size_t *size)
{
	size_t n = *size < VK_PAGE_PLAIN ? *size : VK_PAGE_PLAIN;

	memset(file + pgno * VK_PAGE, 0, VK_PAGE);
	if (n)
		memcpy(file + pgno * VK_PAGE + VK_NONCE_LEN, *data, n);
	*data += n;
	*size -= n;
}

static void
seal(const struct vk_keys *k, const struct vk_header *h, unsigned pgno, unsigned char *tag)
{
	struct vk_child c = { .pgno = pgno };

	need(vk_page_seal(k, h->store_id, 1, &c, file + (size_t)pgno * VK_PAGE) == VK_OK);
	memcpy(tag, c.tag, sizeof(c.tag));
}

/* All children of the root are the leaf, and all blobs the one blob, else few inputs would get that far. */
static void
point_children(const unsigned char *tag)
{
	unsigned char *root = vk_page_text(file + ROOT * VK_PAGE);

	for (unsigned i = 0; i < vk_node_count(root) && i < VK_INNER_MAX; i++) {
		unsigned char *e = root + VK_NODE_HEAD + i * VK_INNER_ENTRY + VK_TREE_KEY;

		vk_put32(e, LEAF);
		memcpy(e + 4, tag, VK_TAG_LEN);
	}
}

static void
point_blobs(unsigned pgno, const unsigned char *tag)
{
	unsigned char *leaf = vk_page_text(file + (size_t)pgno * VK_PAGE);

	for (unsigned at = VK_NODE_HEAD, n = vk_node_count(leaf); n > 0 &&
	     at + VK_RECORD_HEAD + VK_BLOB_REF <= VK_PAGE_PLAIN; n--) {
		unsigned char *r = leaf + at;

		if (r[VK_TREE_KEY + 1] & VK_FLAG_BLOB) {
			vk_put32(r + VK_RECORD_HEAD, BLOB);
			memcpy(r + VK_RECORD_HEAD + 8, tag, VK_TAG_LEN);
		}
		at += VK_RECORD_HEAD + vk_get16(r + VK_TREE_KEY + 2);
	}
}

static void
build(struct vk_keys *k, const uint8_t *data, size_t size)
{
	struct vk_header h = { .generation = 2, .slots_pgno = 2, .slots_pages = 1, .entries = 9,
		.records = 23, .file_pages = PAGES, .root = { .pgno = ROOT } };
	unsigned char tag[VK_TAG_LEN];
	unsigned how = size ? data[0] : 0;

	vk_digest(file + 2 * VK_PAGE, VK_PAGE, h.slots_hash);
	memcpy(h.store_id, store_id, sizeof(store_id));
	h.height = how % 2 ? 2 : 1;
	memcpy(h.commit, k->commit, sizeof(h.commit));
	data += size ? 1 : 0;
	size -= size ? 1 : 0;
	for (unsigned pgno = ROOT; pgno <= LIST; pgno++)
		fill_page(pgno, &data, &size);
	seal(k, &h, BLOB, tag);
	point_blobs(h.height == 2 ? LEAF : ROOT, tag);
	seal(k, &h, LEAF, tag);
	if (h.height == 2)
		point_children(tag);
	seal(k, &h, ROOT, h.root.tag);
	if (how & 2) {
		h.list.pgno = LIST;
		h.free_pages = vk_node_count(vk_page_text(file + LIST * VK_PAGE)) % PAGES;
		h.free_pages += h.free_pages == 0;
		h.quarantine = how / 4 <= h.free_pages ? how / 4 : h.free_pages;
		seal(k, &h, LIST, h.list.tag);
	}
	memset(file, 0, 2 * VK_PAGE);
	h.older_tag[0] = 1; /* not the first of its file, whose directory would be looked for: it has none */
	need(vk_header_encode(&h, k, file) == VK_OK);
	h.generation++;
	memcpy(h.older_tag, vk_header_tag(file), sizeof(h.older_tag));
	need(vk_header_encode(&h, k, file + VK_PAGE) == VK_OK);
}

/* A sound slot page, once, and the keys; a file without a name. */
static int
prepare(struct vk_keys *k)
{
	struct vk_secret raw = { 0 };
	struct vk_slot_new slot = { .type = VK_SLOT_RAW, .secret = &raw };
	unsigned char *page;
	size_t n;
	int fd = mkstemp(path);

	need(fd >= 0 && unlink(path) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	memcpy(k->session, session, sizeof(session));
	vk_keys_from_session(k, store_id);
	need(vk_secret_set(&raw, k->master, VK_KEY_LEN) == VK_OK);
	need(vk_slots_make(store_id, k, 1, &slot, 1, &page, &n) == VK_OK && n == VK_PAGE);
	memcpy(file + 2 * VK_PAGE, page, VK_PAGE);
	free(page);
	vk_secret_clear(&raw);
	return fd;
}

static enum vk_err
visit(const struct vk_cred *c, void *arg)
{
	(void)c;
	++*(uint64_t *)arg;
	return VK_OK;
}

static void
ask(struct vk_store *st, const char *url, const char *user)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	struct vk_scope s = { 0 };
	struct vk_query q = { &s, user };
	uint64_t n = 0;

	need(vk_scope_parse(url, &s, NULL) == VK_OK);
	if (vk_store_find(st, &q, &c) == VK_OK)
		need(vk_cred_matches(c, &q));
	(void)!vk_store_each(st, &s, visit, &n);
	vk_scope_clear(&s);
}

static enum vk_err
put_one(struct vk_store *st, void *arg)
{
	struct vk_cred *c = vk_cred_new();
	enum vk_err e;

	(void)arg;
	need(c != NULL);
	vk_scope_clear(&c->scope);
	need(vk_scope_parse("https://new.example", &c->scope, NULL) == VK_OK);
	need(vk_secret_set(&c->secret, "new", 3) == VK_OK);
	e = vk_store_stage_put(st, c);
	vk_cred_free(c);
	return e;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vk_keys k;
	static int fd = -1;
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	uint64_t n = 0, count;
	enum vk_err walked, put;
	bool sound;

	if (fd < 0)
		fd = prepare(&k);
	build(&k, data, size);
	need(pwrite(fd, file, sizeof(file), 0) == (ssize_t)sizeof(file));
	need(vk_store_open(path, &st) == VK_OK && vk_store_unlock_session(st, k.session) == VK_OK);
	ask(st, "https://git.example/team-a/lib.git", NULL);
	ask(st, "https://git.example", "ann");
	(void)!vk_store_find_name(st, "team-a", &c);
	walked = vk_store_each(st, NULL, visit, &n);
	need(vk_store_count(st, &count) == VK_OK);
	sound = vk_store_verify(st, NULL) == VK_OK;
	put = vk_store_commit(st, put_one, NULL);
	if (sound)
		need(walked == VK_OK && n == count && put == VK_OK && vk_store_verify(st, NULL) == VK_OK);
	return 0;
}
