/* SPDX-License-Identifier: ISC */
/* The tree's pages: docs/FORMAT.md, section 5. */
#include "make.h"

#define CHILD(i) (VK_NODE_HEAD + (i) * VK_INNER_ENTRY) /* its key; then its page and tag */

static unsigned char *
enter_child(struct image *im, unsigned i)
{
	return image_enter(im, CHILD(i) + VK_TREE_KEY, CHILD(i) + VK_TREE_KEY + 4);
}

/* Where the root lies is not known beforehand. */
static void
flip_root_page(struct image *im, const struct variant *v)
{
	struct image open = image_copy(im);

	image_root(&open);
	image_page(im, open.way[0].pgno)[v->at] ^= (unsigned char)v->value;
	image_free(&open);
}

static void
stale_root(struct image *im, const struct variant *v)
{
	struct image open = image_copy(im);
	size_t at;

	(void)v;
	image_root(&open);
	at = (size_t)open.way[0].pgno * VK_PAGE;
	memcpy(im->p + at, im->past + at, VK_PAGE);
	image_free(&open);
}

static void
leaf_for_root(struct image *im, const struct variant *v)
{
	struct image open = image_copy(im);
	struct variant pages = *v;

	image_root(&open);
	pages.value = open.way[0].pgno;
	swap_pages(im, &pages);
	image_free(&open);
}

static void
foreign_page(struct image *im, const struct variant *v)
{
	memcpy(image_page(im, v->at), other_image()->p + (size_t)v->at * VK_PAGE, VK_PAGE);
}

/* And the header names it, as somebody could who has this store's key, but not the other one's. */
static void
foreign_root(struct image *im, const struct variant *v)
{
	foreign_page(im, v);
	image_open_header(im, image_newest(im));
	memcpy(image_private(im) + P_ROOT + 4, image_page(im, v->at) + VK_PAGE - VK_TAG_LEN, VK_TAG_LEN);
	image_seal(im);
}

static void
stale_page(struct image *im, const struct variant *v)
{
	memcpy(image_page(im, v->at), im->past + (size_t)v->at * VK_PAGE, VK_PAGE);
}

/* A leaf lies at another number than it was sealed for, and its parent says so. */
static void
move_leaf(struct image *im, const struct variant *v)
{
	uint32_t pgno = image_add_page(im), was;
	unsigned char *root = image_root(im);

	(void)v;
	was = vk_get32(root + CHILD(0) + VK_TREE_KEY);
	memcpy(image_page(im, pgno), image_page(im, was), VK_PAGE);
	vk_put32(root + CHILD(0) + VK_TREE_KEY, pgno);
	vk_put32(image_private(im) + P_PAGES, pgno + 1);
	image_seal(im);
}

/* What the newest header says at ${at} of its private half. */
static struct vk_child
named(const struct image *im, size_t at)
{
	struct image open = image_copy(im);
	struct vk_child c;

	image_open_header(&open, image_newest(&open));
	c.pgno = vk_get32(image_private(&open) + at);
	memcpy(c.tag, image_private(&open) + at + 4, VK_TAG_LEN);
	image_free(&open);
	return c;
}

static void
point_to(unsigned char *page_at, unsigned char *tag_at, const struct vk_child *c)
{
	vk_put32(page_at, c->pgno);
	memcpy(tag_at, c->tag, VK_TAG_LEN);
}

/* The list page has no other use then. */
static void
list_as_root(struct image *im, const struct variant *v)
{
	struct vk_child list = named(im, P_LIST);
	unsigned char *in;

	image_open_header(im, image_newest(im));
	in = image_private(im);
	point_to(in + P_ROOT, in + P_ROOT + 4, &list);
	in[20] = (unsigned char)v->value;
	memset(in + P_LIST, 0, P_QUARANTINE + 4 - P_LIST);
	image_seal(im);
}

static void
list_as_child(struct image *im, const struct variant *v)
{
	struct vk_child list = named(im, P_LIST);
	unsigned char *root = image_root(im);

	(void)v;
	point_to(root + CHILD(0) + VK_TREE_KEY, root + CHILD(0) + VK_TREE_KEY + 4, &list);
	memset(image_private(im) + P_LIST, 0, P_QUARANTINE + 4 - P_LIST);
	image_seal(im);
}

static void
blob_as_root(struct image *im, const struct variant *v)
{
	struct image open = image_copy(im);
	const unsigned char *text = image_root(&open), *ref = text + blob_at(text, 0);
	struct vk_child blob = { .pgno = vk_get32(ref) };
	unsigned char *in;

	(void)v;
	memcpy(blob.tag, ref + 8, VK_TAG_LEN);
	image_free(&open);
	image_open_header(im, image_newest(im));
	in = image_private(im);
	point_to(in + P_ROOT, in + P_ROOT + 4, &blob);
	image_seal(im);
}

static void
root_as_list(struct image *im, const struct variant *v)
{
	struct vk_child root = named(im, P_ROOT);
	unsigned char *in;

	(void)v;
	image_open_header(im, image_newest(im));
	in = image_private(im);
	point_to(in + P_LIST, in + P_LIST + 4, &root);
	image_seal(im);
}

/* In the root's text, which is sealed again. */
static void
flip_root(struct image *im, const struct variant *v)
{
	image_root(im)[v->at] ^= (unsigned char)v->value;
	image_seal(im);
}

static void
put16_root(struct image *im, const struct variant *v)
{
	vk_put16(image_root(im) + v->at, v->value);
	image_seal(im);
}

static void
put32_root(struct image *im, const struct variant *v)
{
	vk_put32(image_root(im) + v->at, v->value);
	image_seal(im);
}

static void
flip_leaf(struct image *im, const struct variant *v)
{
	image_root(im);
	enter_child(im, 0)[v->at] ^= (unsigned char)v->value;
	image_seal(im);
}

/* An entry has the key of the record before it. */
static void
equal_records(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im);
	unsigned at = VK_NODE_HEAD, next;
	struct vk_record r;

	(void)v;
	next = vk_leaf_record(text, at, &r);
	while (text[next + VK_TREE_KEY] != VK_RECORD_ENTRY) {
		at = next;
		next = vk_leaf_record(text, at, &r);
	}
	memcpy(text + next, text + at, VK_TREE_KEY);
	image_seal(im);
}

static void
equal_children(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im);

	(void)v;
	memcpy(text + CHILD(1), text + CHILD(0), VK_TREE_KEY);
	image_seal(im);
}

static void
empty_inner(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im);

	(void)v;
	memset(text + VK_NODE_HEAD, 0, VK_PAGE_PLAIN - VK_NODE_HEAD);
	vk_put16(text + 2, 0);
	vk_put16(text + 4, VK_NODE_HEAD);
	image_seal(im);
}

/* Where a child begins: after its first record, or before the last one of the child before it. */
static void
misplace_child(struct image *im, const struct variant *v)
{
	unsigned char *root = image_root(im);
	struct image open = image_copy(im);
	const unsigned char *leaf = enter_child(&open, v->value);
	unsigned char key[VK_TREE_KEY];
	struct vk_record r = { 0 };
	unsigned at = VK_NODE_HEAD;

	for (unsigned n = v->value == 0 ? vk_node_count(leaf) : 1; n > 0; n--)
		at = vk_leaf_record(leaf, at, &r);
	memcpy(key, r.key, VK_TREE_KEY);
	CHECK(key[VK_TREE_KEY - 1] < 255);
	key[VK_TREE_KEY - 1] += v->value == 1;
	image_free(&open);
	memcpy(root + CHILD(1), key, VK_TREE_KEY);
	image_seal(im);
}

/* One more child at the end: a leaf without records. */
static void
empty_leaf(struct image *im, const struct variant *v)
{
	uint32_t pgno = image_add_page(im);
	struct vk_child c = { .pgno = pgno };
	unsigned char *root = image_root(im), *entry = root + vk_node_used(root);

	(void)v;
	vk_page_head(vk_page_text(image_page(im, pgno)), VK_PAGE_LEAF, 0, 0, VK_NODE_HEAD, 1);
	CHECK(vk_page_seal(&im->keys, im->id, 1, &c, image_page(im, pgno)) == VK_OK);
	memset(entry, 0xff, VK_TREE_KEY);
	point_to(entry + VK_TREE_KEY, entry + VK_TREE_KEY + 4, &c);
	vk_put16(root + 2, vk_node_count(root) + 1);
	vk_put16(root + 4, vk_node_used(root) + VK_INNER_ENTRY);
	vk_put32(image_private(im) + P_PAGES, pgno + 1);
	image_seal(im);
}

/* In a record of "small"; ${at} from its key on. */
static void
flip_default(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im);

	text[git_record(im, text, NULL) + v->at] ^= (unsigned char)v->value;
	image_seal(im);
}

static void
flip_name(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im);

	text[record_at(text, VK_RECORD_NAME) + v->at] ^= (unsigned char)v->value;
	image_seal(im);
}

/* The same, and no full check comes first. */
static void
lookup_default(struct image *im, const struct variant *v)
{
	no_verify(im);
	flip_default(im, v);
}

static void
lookup_name(struct image *im, const struct variant *v)
{
	no_verify(im);
	flip_name(im, v);
}

/* What would be a reference to a blob, were it an entry's. */
static void
blob_name(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im);
	unsigned at = record_at(text, VK_RECORD_NAME);

	text[at + VK_TREE_KEY + 1] = VK_FLAG_BLOB;
	vk_put32(text + at + VK_RECORD_HEAD, v->at);
	vk_put32(text + at + VK_RECORD_HEAD + 4, v->value);
	image_seal(im);
}

static void
flip_entry(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im);

	text[record_at(text, VK_RECORD_ENTRY) + v->at] ^= (unsigned char)v->value;
	image_seal(im);
}

/* Bytes of the payload fewer or more than there must be. */
static void
resize(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im), payload[VK_PAGE] = { 0 };
	unsigned at = record_at(text, (enum vk_record_kind)v->at);

	memcpy(payload, text + at + VK_RECORD_HEAD, vk_get16(text + at + VK_TREE_KEY + 2));
	set_payload(text, at, payload, v->value);
	image_seal(im);
}

/* One level more, which has one entry. */
static void
raise_root(struct image *im, const struct variant *v)
{
	uint32_t pgno = image_add_page(im);
	struct vk_child root = named(im, P_ROOT), new = { .pgno = pgno };
	unsigned char *text = vk_page_text(image_page(im, pgno)), *in;

	vk_page_head(text, VK_PAGE_INNER, v->at, 1, VK_NODE_HEAD + VK_INNER_ENTRY, 1);
	point_to(text + CHILD(0) + VK_TREE_KEY, text + CHILD(0) + VK_TREE_KEY + 4, &root);
	CHECK(vk_page_seal(&im->keys, im->id, 1, &new, image_page(im, pgno)) == VK_OK);
	image_open_header(im, image_newest(im));
	in = image_private(im);
	point_to(in + P_ROOT, in + P_ROOT + 4, &new);
	in[20] = (unsigned char)(v->at + 1);
	vk_put32(in + P_PAGES, pgno + 1);
	image_seal(im);
}

static void
lowest_key(struct image *im, const struct variant *v)
{
	memset(image_root(im) + CHILD(0), 0, v->value);
	image_seal(im);
}

#define G "good"
#define D "damaged"
#define L "leaf"
#define I "inner"
const struct variant variants_tree[] = {
	{ "node-generation", "a page that says that it is of the far future", "small", G, NULL, NULL, flip_root, 15, 255, NULL },
	{ "inner-one", "an inner node with one entry, whose key is zero", "small", G, NULL, NULL, raise_root, 1, 0, NULL },
	{ "inner-two", "the same over another inner node", "deep", G, NULL, NULL, raise_root, 2, 0, NULL },
	{ "inner-low", "a first key that is lower than need be", "deep", G, NULL, NULL, lowest_key, 0, VK_TREE_KEY, NULL },

	{ "leaf-nonce", "a bit of a leaf's nonce", "small", D, L, NULL, flip_file, 12288, 1, NULL },
	{ "leaf-text", "a bit of a leaf's text", "small", D, L, NULL, flip_file, 14000, 1, NULL },
	{ "leaf-tag", "a bit of a leaf's tag", "small", D, L, NULL, flip_file, 16383, 1, NULL },
	{ "leaf-foreign", "a leaf of another store", "small", D, L, NULL, foreign_page, 3, 0, NULL },
	{ "leaf-foreign-named", "the same, and the header names it", "small", D, L, NULL, foreign_root, 3, 0, NULL },
	{ "leaf-stale", "the leaf as it was a generation ago", "small", D, L, NULL, stale_page, 3, 0, NULL },
	{ "leaf-swap", "two leaves swapped", "deep", D, L, NULL, swap_pages, 3, 4, NULL },
	{ "leaf-moved", "a leaf at another number than it was sealed for", "deep", D, L, NULL, move_leaf, 0, 0, NULL },
	{ "leaf-for-inner", "a leaf in the place of the root", "deep", D, I, NULL, leaf_for_root, 3, 0, NULL },
	{ "inner-text", "a bit of the root's text", "deep", D, I, NULL, flip_root_page, 1000, 1, NULL },
	{ "inner-stale", "the root's page as it was a commit ago", "in-place", D, I, NULL, stale_root, 0, 0, NULL },

	{ "list-as-leaf", "a list page where the root is to be, a leaf", "list", D, L, NULL, list_as_root, 0, 1, NULL },
	{ "list-as-inner", "a list page where the root is to be, an inner node", "in-place", D, I, NULL, list_as_root, 0, 2, NULL },
	{ "list-as-child", "a list page where a leaf is to be", "in-place", D, L, NULL, list_as_child, 0, 0, NULL },
	{ "blob-as-leaf", "a blob page where the root is to be", "blob", D, L, NULL, blob_as_root, 0, 0, NULL },
	{ "leaf-as-list", "a leaf where a list page is to be", "list", D, "list", NULL, root_as_list, 0, 0, NULL },
	{ "inner-as-list", "an inner node where a list page is to be", "in-place", D, "list", NULL, root_as_list, 0, 0, NULL },

	{ "node-type", "an inner node's type in a leaf", "small", D, L, NULL, flip_root, 0, 3, NULL },
	{ "node-type-none", "type 5", "small", D, L, NULL, flip_root, 0, 4, NULL },
	{ "node-level", "another level", "small", D, L, NULL, flip_root, 1, 1, NULL },
	{ "node-level-inner", "another level of an inner node", "deep", D, I, NULL, flip_root, 1, 3, NULL },
	{ "node-count", "another number of records", "small", D, L, NULL, flip_root, 2, 8, NULL },
	{ "node-count-many", "more records than a page can hold", "small", D, L, NULL, put16_root, 2, 65535, NULL },
	{ "node-count-none", "no records, and bytes used", "small", D, L, NULL, put16_root, 2, 0, NULL },
	{ "node-used", "more bytes used than there are", "small", D, L, NULL, put16_root, 4, 4057, NULL },
	{ "node-used-less", "the last record overruns", "small", D, L, NULL, flip_root, 4, 1, NULL },
	{ "node-used-head", "less bytes used than the head has", "small", D, L, NULL, put16_root, 4, 15, NULL },
	{ "node-zero", "a byte of the head that must be zero", "small", D, L, NULL, flip_root, 6, 1, NULL },
	{ "node-zero-last", "another one", "small", D, L, NULL, flip_root, 7, 1, NULL },
	{ "node-rest", "the rest of the node is not zero", "small", D, L, NULL, flip_root, 4055, 1, NULL },
	{ "node-order", "records out of order", "small", D, L, NULL, flip_root, VK_NODE_HEAD, 255, NULL },
	{ "node-equal", "a key that is there twice", "small", D, L, NULL, equal_records, 0, 0, NULL },
	{ "inner-count", "an inner node without entries", "deep", D, I, NULL, empty_inner, 0, 0, NULL },
	{ "inner-count-more", "more entries than bytes are used", "deep", D, I, NULL, flip_root, 2, 64, NULL },
	{ "inner-used", "more bytes used than there are entries", "deep", D, I, NULL, flip_root, 5, 8, NULL },
	{ "inner-rest", "the rest of an inner node is not zero", "deep", D, I, NULL, flip_root, 4000, 1, NULL },
	{ "inner-child", "a child that is a header", "deep", D, I, NULL, put32_root, CHILD(0) + VK_TREE_KEY, 1, NULL },
	{ "inner-child-end", "a child behind the last page", "deep", D, I, NULL, put32_root, CHILD(0) + VK_TREE_KEY, 1000000, NULL },
	{ "inner-order", "children out of order", "deep", D, I, NULL, flip_root, CHILD(0), 255, NULL },
	{ "inner-equal", "two children with one key", "deep", D, I, NULL, equal_children, 0, 0, NULL },
	{ "inner-tag", "another tag of a child", "deep", D, L, NULL, flip_root, CHILD(0) + VK_TREE_KEY + 4, 1, NULL },
	{ "inner-above", "a key above the lowest one below it", "deep", D, NULL, NULL, misplace_child, 0, 1, NULL },
	{ "inner-below", "a key that is below the entry before it", "deep", D, NULL, NULL, misplace_child, 0, 0, NULL },
	{ "leaf-zero", "a byte of a leaf's head, below an inner node", "deep", D, L, NULL, flip_leaf, 6, 1, NULL },
	{ "leaf-empty", "a leaf without records beside others", "deep", D, L, NULL, empty_leaf, 0, 0, NULL },

	{ "record-kind", "a record of unknown kind", "small", D, L, NULL, flip_name, 24, 4, NULL },
	{ "record-kind-zero", "a record of kind 0", "small", D, L, NULL, flip_name, 24, 3, NULL },
	{ "record-flag", "an unknown flag", "small", D, L, NULL, flip_entry, 25, 2, NULL },
	{ "record-flag-last", "another one", "small", D, L, NULL, flip_entry, 25, 128, NULL },
	{ "record-blob-name", "a name in a blob", "small", D, L, NULL, blob_name, 3, 2000, NULL },
	{ "record-length", "a record too long", "small", D, L, NULL, flip_entry, 27, 128, NULL },
	{ "default-key", "a default record under an account's key", "small", D, NULL, NULL, flip_default, 23, 1, NULL },
	{ "default-short", "a default of seven bytes", "small", D, NULL, NULL, resize, VK_RECORD_DEFAULT, 7, NULL },
	{ "default-long", "a default of nine bytes", "small", D, NULL, NULL, resize, VK_RECORD_DEFAULT, 9, NULL },
	{ "default-nowhere", "a default that is not there", "small", D, "default", NULL, flip_default, 28, 1, NULL },
	{ "default-kind", "a default record that says it is an entry", "small", D, NULL, NULL, flip_default, 24, 3, NULL },
	{ "default-nowhere-lookup", "a default that is not there, met by a lookup", "small", D, "default", NULL,
	    lookup_default, 28, 1, NULL },
	{ "name-kind", "a name's record that says it is an entry, met by a lookup", "small", D, NULL, NULL, lookup_name,
	    24, 2, NULL },
	{ "name-nowhere-lookup", "a name of nothing, met by a lookup", "small", D, "name", NULL, lookup_name, 51, 1, NULL },
	{ "name-short", "a name's record of 23 bytes", "small", D, NULL, NULL, resize, VK_RECORD_NAME, 23, NULL },
	{ "name-long", "a name's record of 25 bytes", "small", D, NULL, NULL, resize, VK_RECORD_NAME, 25, NULL },
	{ "name-nowhere", "a name of nothing", "small", D, "name", NULL, flip_name, 51, 1, NULL },
	{ "name-key", "a name under another name's key", "small", D, "name", NULL, flip_name, 23, 1, NULL },
	{ 0 },
};
