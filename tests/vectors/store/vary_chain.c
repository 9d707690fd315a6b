/* SPDX-License-Identifier: ISC */
/* Blobs and the list of free pages: docs/FORMAT.md, section 5. */
#include "make.h"

/* Payloads of "blob": of two full pages, and of a little more. */
enum { TWO_PAGES = 2 * VK_BLOB_CHUNK, THREE_PAGES = 8238 };

/* A blob of ${len} bytes: its reference in the root, a leaf, and the text of its first page. */
static unsigned char *
enter_blob(struct image *im, size_t len, unsigned char **ret_ref)
{
	unsigned char *text = image_root(im);
	unsigned at = blob_at(text, len);

	CHECK(at > 0);
	if (ret_ref)
		*ret_ref = text + at;
	return image_enter(im, at, at + 8);
}

/* In the reference. */
static void
put32_ref(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im);

	vk_put32(text + blob_at(text, 0) + v->at, v->value);
	image_seal(im);
}

static void
flip_ref(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im);

	text[blob_at(text, 0) + v->at] ^= (unsigned char)v->value;
	image_seal(im);
}

/* The reference is a byte shorter or longer than it must be. */
static void
resize_ref(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im), ref[VK_BLOB_REF + 1] = { 0 };
	unsigned at = blob_at(text, 0);

	memcpy(ref, text + at, VK_BLOB_REF);
	set_payload(text, at - VK_RECORD_HEAD, ref, v->value);
	image_seal(im);
}

/* The length of a blob of ${at} bytes, by ${value} less or more. */
static void
length_less(struct image *im, const struct variant *v)
{
	unsigned char *ref;

	enter_blob(im, v->at, &ref);
	vk_put32(ref + 4, vk_get32(ref + 4) - v->value);
	image_seal(im);
}

static void
length_more(struct image *im, const struct variant *v)
{
	unsigned char *ref;

	enter_blob(im, v->at, &ref);
	vk_put32(ref + 4, vk_get32(ref + 4) + v->value);
	image_seal(im);
}

/* In the first page of a blob of three pages. */
static void
flip_blob(struct image *im, const struct variant *v)
{
	enter_blob(im, THREE_PAGES, NULL)[v->at] ^= (unsigned char)v->value;
	image_seal(im);
}

static void
put32_blob(struct image *im, const struct variant *v)
{
	vk_put32(enter_blob(im, THREE_PAGES, NULL) + v->at, v->value);
	image_seal(im);
}

static void
flip_blob_last(struct image *im, const struct variant *v)
{
	unsigned char *text = enter_blob(im, THREE_PAGES, NULL);

	while (vk_get32(text + VK_NODE_HEAD) != 0)
		text = image_next(im);
	CHECK(vk_node_used(text) < VK_PAGE_PLAIN);
	text[v->at] ^= (unsigned char)v->value;
	image_seal(im);
}

/* The file's bytes of the blob's page ${at}, nothing else. */
static void
rot_blob(struct image *im, const struct variant *v)
{
	struct image open = image_copy(im);

	enter_blob(&open, THREE_PAGES, NULL);
	for (unsigned i = 0; i < v->at; i++)
		image_next(&open);
	image_page(im, open.way[v->at + 1].pgno)[2000] ^= (unsigned char)v->value;
	image_free(&open);
}

static void
swap_blob(struct image *im, const struct variant *v)
{
	struct image open = image_copy(im);
	struct variant pages = *v;

	enter_blob(&open, THREE_PAGES, NULL);
	image_next(&open);
	pages.at = open.way[1].pgno;
	pages.value = open.way[2].pgno;
	swap_pages(im, &pages);
	image_free(&open);
}

/* A page that is not the last gives a byte to the next one; their length together stays. */
static void
short_page(struct image *im, const struct variant *v)
{
	unsigned char *first = enter_blob(im, THREE_PAGES, NULL), *last = first;
	unsigned char given = first[VK_PAGE_PLAIN - 1];
	unsigned used;

	(void)v;
	first[VK_PAGE_PLAIN - 1] = 0;
	vk_put16(first + 4, VK_PAGE_PLAIN - 1);
	while (vk_get32(last + VK_NODE_HEAD) != 0) {
		unsigned char next;

		last = image_next(im);
		next = last[VK_PAGE_PLAIN - 1];
		memmove(last + VK_CHAIN_HEAD + 1, last + VK_CHAIN_HEAD, VK_BLOB_CHUNK - 1);
		last[VK_CHAIN_HEAD] = given;
		given = next;
	}
	used = vk_node_used(last);
	CHECK(used < VK_PAGE_PLAIN && given == 0);
	vk_put16(last + 4, used + 1);
	image_seal(im);
}

/* The last page has no bytes of the payload. */
static void
empty_page(struct image *im, const struct variant *v)
{
	uint32_t pgno = image_add_page(im);
	struct vk_child c = { .pgno = pgno };
	unsigned char *text = enter_blob(im, TWO_PAGES, NULL);

	(void)v;
	while (vk_get32(text + VK_NODE_HEAD) != 0)
		text = image_next(im);
	CHECK(vk_node_used(text) == VK_PAGE_PLAIN);
	vk_page_head(vk_page_text(image_page(im, pgno)), VK_PAGE_BLOB, 0, 0, VK_CHAIN_HEAD, 1);
	CHECK(vk_page_seal(&im->keys, im->id, 1, &c, image_page(im, pgno)) == VK_OK);
	vk_chain_put(text, &c);
	vk_put32(image_private(im) + P_PAGES, pgno + 1);
	image_seal(im);
}

/* The chain ends a page early, or the page after it is another blob's. */
static void
cut_chain(struct image *im, const struct variant *v)
{
	static const struct vk_child none;

	(void)v;
	enter_blob(im, THREE_PAGES, NULL);
	vk_chain_put(image_next(im), &none);
	image_seal(im);
}

/* The only blob of a tree of two levels. */
static void
list_as_blob(struct image *im, const struct variant *v)
{
	size_t entry = VK_NODE_HEAD + VK_TREE_KEY, at = 0;
	unsigned char *leaf, *in;

	(void)v;
	for (; at == 0; entry += VK_INNER_ENTRY) {
		struct image open = image_copy(im);

		CHECK(entry < vk_node_used(image_root(&open)));
		at = blob_at(image_enter(&open, entry, entry + 4), 0);
		image_free(&open);
	}
	entry -= VK_INNER_ENTRY;
	image_root(im);
	leaf = image_enter(im, entry, entry + 4);
	in = image_private(im);
	memcpy(leaf + at, in + P_LIST, 4);
	memcpy(leaf + at + 8, in + P_LIST + 4, VK_TAG_LEN);
	memset(in + P_LIST, 0, P_QUARANTINE + 4 - P_LIST);
	image_seal(im);
}

/* In the first list page's text. */
static void
flip_list(struct image *im, const struct variant *v)
{
	image_list(im)[v->at] ^= (unsigned char)v->value;
	image_seal(im);
}

static void
put32_list(struct image *im, const struct variant *v)
{
	vk_put32(image_list(im) + v->at, v->value);
	image_seal(im);
}

static void
put16_list(struct image *im, const struct variant *v)
{
	vk_put16(image_list(im) + v->at, v->value);
	image_seal(im);
}

static void
flip_list_next(struct image *im, const struct variant *v)
{
	image_list(im);
	image_next(im)[v->at] ^= (unsigned char)v->value;
	image_seal(im);
}

/* The file's bytes of a list page, nothing else. */
static void
rot_list(struct image *im, const struct variant *v)
{
	struct image open = image_copy(im);

	image_list(&open);
	if (v->at > 0)
		image_next(&open);
	image_page(im, open.way[v->at].pgno)[2000] ^= (unsigned char)v->value;
	image_free(&open);
}

/* One more number in the list, and the header counts it. */
static void
add_number(struct image *im, uint32_t pgno)
{
	unsigned char *text = image_list(im), *in = image_private(im);
	unsigned count = vk_node_count(text);

	CHECK(count < VK_LIST_MAX);
	vk_put32(text + VK_CHAIN_HEAD + (size_t)count * 4, pgno);
	vk_put16(text + 2, count + 1);
	vk_put16(text + 4, vk_node_used(text) + 4);
	vk_put32(in + P_FREE, vk_get32(in + P_FREE) + 1);
	image_seal(im);
}

static void
free_twice(struct image *im, const struct variant *v)
{
	struct image open = image_copy(im);
	uint32_t pgno = vk_get32(image_list(&open) + VK_CHAIN_HEAD);

	(void)v;
	image_free(&open);
	add_number(im, pgno);
}

/* A page that is in use: ${at} steps down from the root, or, with a ${value}, the list page itself. */
static void
free_used(struct image *im, const struct variant *v)
{
	struct image open = image_copy(im);
	unsigned at = VK_NODE_HEAD + VK_TREE_KEY;
	uint32_t pgno;

	if (v->value)
		image_list(&open);
	else
		image_root(&open);
	for (unsigned i = 0; i < v->at; i++)
		image_enter(&open, at, at + 4);
	pgno = open.way[v->at].pgno;
	image_free(&open);
	add_number(im, pgno);
}

/* The list names one page twice and another one not at all; all numbers of pages are right. */
static void
free_instead(struct image *im, const struct variant *v)
{
	unsigned char *text = image_list(im);

	(void)v;
	memcpy(text + VK_CHAIN_HEAD, text + VK_CHAIN_HEAD + 4, 4);
	image_seal(im);
}

/* The same with the page of the root. */
static void
free_root_instead(struct image *im, const struct variant *v)
{
	unsigned char *text = image_list(im);

	(void)v;
	memcpy(text + VK_CHAIN_HEAD, image_private(im) + P_ROOT, 4);
	image_seal(im);
}

static void
free_slots(struct image *im, const struct variant *v)
{
	(void)v;
	add_number(im, vk_get32(image_newest(im) + 52));
}

/* Header and list disagree: by ${value} pages more, or by one less. */
static void
count_more(struct image *im, const struct variant *v)
{
	image_open_header(im, image_newest(im));
	vk_put32(image_private(im) + v->at, vk_get32(image_private(im) + v->at) + v->value);
	image_seal(im);
}

static void
count_less(struct image *im, const struct variant *v)
{
	image_open_header(im, image_newest(im));
	vk_put32(image_private(im) + v->at, vk_get32(image_private(im) + v->at) - v->value);
	image_seal(im);
}

/* All that is free is in quarantine, and one more. */
static void
long_quarantine(struct image *im, const struct variant *v)
{
	unsigned char *in;

	(void)v;
	no_verify(im);
	image_open_header(im, image_newest(im));
	in = image_private(im);
	vk_put32(in + P_QUARANTINE, vk_get32(in + P_FREE) + 1);
	image_seal(im);
}

/* The number that was freed last is left out, but still counted as no other page. */
static void
lose_number(struct image *im, const struct variant *v)
{
	unsigned char *text = image_list(im), *in = image_private(im);
	unsigned count = vk_node_count(text) - 1;

	(void)v;
	vk_put32(text + VK_CHAIN_HEAD + (size_t)count * 4, 0);
	vk_put16(text + 2, count);
	vk_put16(text + 4, vk_node_used(text) - 4);
	vk_put32(in + P_FREE, vk_get32(in + P_FREE) - 1);
	image_seal(im);
}

/* The same, but the bytes of it count as used. */
static void
forget_number(struct image *im, const struct variant *v)
{
	unsigned char *text, *in;

	lose_number(im, v);
	text = image_list(im);
	in = image_private(im);
	vk_put16(text + 4, vk_node_used(text) + 4);
	vk_put32(in + P_FREE, vk_get32(in + P_FREE) + v->value);
	image_seal(im);
}

static void
empty_list(struct image *im, const struct variant *v)
{
	unsigned char *text = image_list(im);

	(void)v;
	memset(text + VK_CHAIN_HEAD, 0, VK_PAGE_PLAIN - VK_CHAIN_HEAD);
	vk_put16(text + 2, 0);
	vk_put16(text + 4, VK_CHAIN_HEAD);
	image_seal(im);
}

/* What is free means nothing. */
static void
spoil_free(struct image *im, const struct variant *v)
{
	struct image open = image_copy(im);
	const unsigned char *text = image_list(&open);

	for (unsigned i = 0; i < vk_node_count(text); i++)
		memset(image_page(im, vk_get32(text + VK_CHAIN_HEAD + (size_t)i * 4)), (int)v->value, 16);
	image_free(&open);
}

/* No page, or every page, has to wait. */
static void
set_quarantine(struct image *im, const struct variant *v)
{
	unsigned char *in;

	image_open_header(im, image_newest(im));
	in = image_private(im);
	vk_put32(in + P_QUARANTINE, v->value ? vk_get32(in + P_FREE) : 0);
	image_seal(im);
}

#define G "good"
#define D "damaged"
#define B "blob"
#define F "list"
enum { NEXT = VK_NODE_HEAD, NEXT_TAG = VK_NODE_HEAD + 4, FIRST = VK_CHAIN_HEAD };
const struct variant variants_chain[] = {
	{ "free-junk", "free pages that were written to", "in-place", G, NULL, NULL, spoil_free, 0, 0x5a, NULL },
	{ "quarantine-none", "no quarantine", "list", G, NULL, NULL, set_quarantine, 0, 0, NULL },
	{ "quarantine-all", "all that is free is in quarantine", "list", G, NULL, NULL, set_quarantine, 0, 1, NULL },

	{ "blob-text", "a bit of a blob's first page", "blob", D, B, NULL, rot_blob, 0, 1, NULL },
	{ "blob-text-third", "a bit of its third page", "blob", D, B, NULL, rot_blob, 2, 1, NULL },
	{ "blob-swap", "two pages of a blob swapped", "blob", D, B, NULL, swap_blob, 0, 0, NULL },
	{ "blob-ref-page", "a blob in a header", "blob", D, "leaf", NULL, put32_ref, 0, 1, NULL },
	{ "blob-ref-end", "a blob behind the last page", "blob", D, "leaf", NULL, put32_ref, 0, 1000000, NULL },
	{ "blob-ref-none", "a blob without pages", "blob", D, "leaf", NULL, put32_ref, 0, 0, NULL },
	{ "blob-ref-short", "a blob that would fit into its leaf", "blob", D, "leaf", NULL, put32_ref, 4, 1024, NULL },
	{ "blob-ref-long", "a blob larger than one can be", "blob", D, "leaf", NULL, put32_ref, 4, 262145, NULL },
	{ "blob-ref-tag", "another tag of a blob", "blob", D, B, NULL, flip_ref, 8, 1, NULL },
	{ "blob-ref-tag-last", "its last byte", "blob", D, B, NULL, flip_ref, 23, 1, NULL },
	{ "blob-ref-less", "a reference of 23 bytes", "blob", D, "leaf", NULL, resize_ref, 0, 23, NULL },
	{ "blob-ref-more", "a reference of 25 bytes", "blob", D, "leaf", NULL, resize_ref, 0, 25, NULL },
	{ "blob-length-less", "a byte less than its pages have", "blob", D, B, NULL, length_less, THREE_PAGES, 1, NULL },
	{ "blob-length-more", "a byte more", "blob", D, B, NULL, length_more, THREE_PAGES, 1, NULL },
	{ "blob-length-page", "a page less than there are", "blob", D, B, NULL, length_less, THREE_PAGES, 4020, NULL },
	{ "blob-type", "another type", "blob", D, B, NULL, flip_blob, 0, 1, NULL },
	{ "blob-level", "another level", "blob", D, B, NULL, flip_blob, 1, 1, NULL },
	{ "blob-count", "a number of entries", "blob", D, B, NULL, flip_blob, 2, 1, NULL },
	{ "blob-used", "more bytes used than there are", "blob", D, B, NULL, flip_blob, 5, 128, NULL },
	{ "blob-zero", "a byte of the head that must be zero", "blob", D, B, NULL, flip_blob, 6, 1, NULL },
	{ "blob-next-header", "a next page that is a header", "blob", D, B, NULL, put32_blob, NEXT, 1, NULL },
	{ "blob-next-end", "a next page behind the last one", "blob", D, B, NULL, put32_blob, NEXT, 1000000, NULL },
	{ "blob-next-none", "no next page, but its tag", "blob", D, B, NULL, put32_blob, NEXT, 0, NULL },
	{ "blob-next-tag", "another tag of the next page", "blob", D, B, NULL, flip_blob, NEXT_TAG, 1, NULL },
	{ "blob-last-tag", "the tag of a page after the last", "blob", D, B, NULL, flip_blob_last, NEXT_TAG + 15, 1, NULL },
	{ "blob-padding", "the rest of the last page is not zero", "blob", D, B, NULL, flip_blob_last, 4055, 1, NULL },
	{ "blob-cut", "a chain that ends before its length", "blob", D, B, NULL, cut_chain, 0, 0, NULL },
	{ "blob-short-page", "a page in the middle that is not full", "blob", D, B, NULL, short_page, 0, 0, NULL },
	{ "blob-empty-page", "a last page without bytes", "blob", D, B, NULL, empty_page, 0, 0, NULL },
	{ "list-as-blob", "a list page where a blob is to be", "in-place", D, B, NULL, list_as_blob, 0, 0, NULL },

	{ "list-text", "a bit of the first list page", "list", D, F, NULL, rot_list, 0, 1, NULL },
	{ "list-text-second", "a bit of the second one", "list", D, F, NULL, rot_list, 1, 1, NULL },
	{ "list-tag", "another tag of the list", "in-place", D, F, NULL, flip_private, P_LIST + 4, 1, NULL },
	{ "list-type", "another type", "in-place", D, F, NULL, flip_list, 0, 7, NULL },
	{ "list-level", "another level", "in-place", D, F, NULL, flip_list, 1, 1, NULL },
	{ "list-count", "more numbers than bytes are used", "in-place", D, F, NULL, flip_list, 2, 64, NULL },
	{ "list-count-less", "less numbers than bytes are used", "in-place", D, F, NULL, forget_number, 0, 0, NULL },
	{ "list-count-header", "the same, and the header counts it", "in-place", D, F, NULL, forget_number, 0, 1, NULL },
	{ "list-empty", "a list page without numbers", "in-place", D, F, NULL, empty_list, 0, 0, NULL },
	{ "list-used", "more bytes used than there are", "in-place", D, F, NULL, put16_list, 4, 4057, NULL },
	{ "list-zero", "a byte of the head that must be zero", "in-place", D, F, NULL, flip_list, 7, 1, NULL },
	{ "list-rest", "the rest of the page is not zero", "in-place", D, F, NULL, flip_list, 4055, 1, NULL },
	{ "list-next-header", "a next page that is a header", "list", D, F, NULL, put32_list, NEXT, 1, NULL },
	{ "list-next-end", "a next page behind the last one", "list", D, F, NULL, put32_list, NEXT, 1000000, NULL },
	{ "list-next-none", "no next page, but its tag", "list", D, F, NULL, put32_list, NEXT, 0, NULL },
	{ "list-next-tag", "another tag of the next page", "list", D, F, NULL, flip_list, NEXT_TAG, 1, NULL },
	{ "list-last-tag", "the tag of a page after the last", "list", D, F, NULL, flip_list_next, NEXT_TAG, 1, NULL },
	{ "list-last-zero", "a byte of the second page's head", "list", D, F, NULL, flip_list_next, 6, 1, NULL },
	{ "free-header", "a header that is free", "in-place", D, F, NULL, put32_list, FIRST, 1, NULL },
	{ "free-end", "a free page behind the last one", "in-place", D, F, NULL, put32_list, FIRST, 1000000, NULL },
	{ "free-twice", "a page that is free twice", "in-place", D, NULL, NULL, free_twice, 0, 0, NULL },
	{ "free-instead", "a page that is free twice, and one that is in no list", "in-place", D, NULL, NULL, free_instead, 0, 0, NULL },
	{ "free-root-instead", "the root is free, and a free page is in no list", "in-place", D, NULL, NULL,
	    free_root_instead, 0, 0, NULL },
	{ "free-root", "the root is free", "in-place", D, NULL, NULL, free_used, 0, 0, NULL },
	{ "free-leaf", "a leaf is free", "in-place", D, NULL, NULL, free_used, 1, 0, NULL },
	{ "free-list-page", "a list page is free", "in-place", D, NULL, NULL, free_used, 0, 1, NULL },
	{ "free-slots", "a slot page is free", "in-place", D, NULL, NULL, free_slots, 0, 0, NULL },
	{ "free-lost", "a page that is neither used nor free", "in-place", D, NULL, NULL, lose_number, 0, 0, NULL },
	{ "free-more", "more free pages than the header says", "in-place", D, NULL, NULL, count_less, P_FREE, 1, NULL },
	{ "free-less", "less free pages than the header says", "in-place", D, NULL, NULL, count_more, P_FREE, 1, NULL },
	{ "quarantine-long", "more pages in quarantine than are free", "in-place", D, "header", NULL, long_quarantine, 0, 0, NULL },
	{ 0 },
};
