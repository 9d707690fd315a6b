/* SPDX-License-Identifier: ISC */
/*
 * Vectors that must fail.  Each is a sound file with one thing wrong, written as the bytes that
 * differ.  What a thief without a key could do comes first; then what only a key
 * holder could: wrong text, properly sealed.
 */
#include "make.h"

enum op {
	XOR,      /* bytes of the file, nothing else */
	SUM,      /* in the header; its checksum made to fit */
	SLOT,     /* in the slot page; hash and checksum made to fit */
	CUT,      /* the file ends at ${at} */
	HEADER,   /* in the header's private half, sealed again */
	PRIVATE,  /* in the private halves of the slots, sealed again */
	NODE,     /* in the root's text, sealed again; ${at} from where ${of} says */
	BLOB,     /* in the text of a blob, sealed again up to the header */
	SWAP,     /* two pages: ${at} and ${value} */
	GRAFT,    /* page ${at} of another store of the same shape */
	STALE,    /* page ${at} of an older state */
};

/* Where a NODE's ${at} counts from. */
enum of { HEAD, ENTRY, DEFAULT, NAME, WITH_BLOB, SECOND_KEY };

struct bad {
	const char *name, *comment;
	const char *base; /* "small" */
	const char *expect, *layer;
	const char *how; /* only when unlocked so; NULL: any way */
	enum op op;
	enum of of;
	unsigned at, value; /* XORed with the byte there, unless said otherwise */
};

#define D "damaged"
static const struct bad bads[] = {
	{ "magic", "the first byte", "small", D, "header", NULL, XOR, HEAD, 0, 1 },
	{ "magic-version", "magic VKSTORE1", "small", "version", NULL, NULL, XOR, HEAD, 7, 1 },
	{ "sum", "a bit of the checksum", "small", D, "header", NULL, XOR, HEAD, 500, 1 },
	{ "sum-rot", "a bit of the private half, checksum as it was", "small",
	    D, "header", NULL, XOR, HEAD, 200, 1 },
	{ "header-gone", "the header's first page is zero", "small",
	    D, "header", NULL, SWAP, HEAD, 0, 99 },
	{ "header-other-slot", "the header lies in the other slot", "small",
	    D, "header", NULL, SWAP, HEAD, 0, 1 },
	{ "header-other-junk", "the empty slot is not empty", "small",
	    D, "header", NULL, XOR, HEAD, 4096, 1 },
	{ "major", "another major version", "small", "version", NULL, NULL, SUM, HEAD, 8, 1 },
	{ "suite", "another suite", "small", "version", NULL, NULL, SUM, HEAD, 60, 3 },
	{ "incompat", "an unknown incompatible feature", "small",
	    "version", NULL, NULL, SUM, HEAD, 43, 128 },
	{ "header-length", "another header length", "small", D, "header", NULL, SUM, HEAD, 10, 1 },
	{ "page-size", "another page size", "small", D, "header", NULL, SUM, HEAD, 13, 48 },
	{ "store-id", "another store id", "small", "key", NULL, NULL, SUM, HEAD, 16, 1 },
	{ "generation", "two generations later", "small", D, "header", NULL, SUM, HEAD, 32, 8 },
	{ "rocompat", "a feature added by somebody without a key", "small",
	    D, "header", NULL, SUM, HEAD, 44, 1 },
	{ "slots-place", "slot pages elsewhere", "small",
	    D, "header", "session", SUM, HEAD, 52, 1 },
	{ "slots-none", "no slot pages", "small", D, "header", NULL, SUM, HEAD, 56, 1 },
	{ "header-zero", "a byte that must be zero", "small", D, "header", NULL, SUM, HEAD, 62, 1 },
	{ "slots-hash", "another hash of the slot pages", "small",
	    D, "slot", "raw", SUM, HEAD, 64, 1 },
	{ "slots-hash-session", "the same, met by a session key", "small",
	    D, "header", "session", SUM, HEAD, 64, 1 },
	{ "commit", "another commitment, met by a slot", "small",
	    D, "header", "raw", SUM, HEAD, 96, 1 },
	{ "commit-session", "another commitment, met by a session key", "small",
	    "key", NULL, "session", SUM, HEAD, 96, 1 },
	{ "header-nonce", "another nonce", "small", D, "header", NULL, SUM, HEAD, 128, 1 },
	{ "header-text", "a bit of the private half, checksum made to fit", "small",
	    D, "header", NULL, SUM, HEAD, 152, 1 },
	{ "header-tag", "a bit of the tag, checksum made to fit", "small",
	    D, "header", NULL, SUM, HEAD, 464, 1 },
	{ "pair-newest-rot", "the newer of two headers is rotten: the older one must not be used", "pair",
	    D, "header",
	    NULL, XOR, HEAD, 200, 1 },
	{ "pair-other-tag", "the newer header names another older one", "pair",
	    D, "header", NULL, HEADER, HEAD, 48, 1 },
	{ "pair-gap", "two headers, generations apart", "pair",
	    D, "header", NULL, SUM, HEAD, 32, 4 },
	{ "pair-commit", "two headers, two keys", "pair", D, "header", NULL, SUM, HEAD, 96, 1 },
	{ "pair-id", "two headers, two stores", "pair", D, "header", NULL, SUM, HEAD, 16, 1 },
	{ "single-other-tag", "one header, which names another", "small",
	    D, "header", NULL, HEADER, HEAD, 48, 1 },
	{ "cut-page", "the last page is missing", "small", D, "header", NULL, CUT, HEAD, 12288, 0 },
	{ "cut-byte", "the last byte is missing", "small", D, "header", NULL, CUT, HEAD, 16383, 0 },
	{ "cut-header", "the second header slot is cut off", "small",
	    D, "header", NULL, CUT, HEAD, 4600, 0 },
	{ "cut-all", "an empty file", "small", D, "header", NULL, CUT, HEAD, 0, 0 },

	{ "slot-rot", "a bit of a slot", "small", D, "slot", "raw", XOR, HEAD, 8220, 1 },
	{ "slot-salt", "another creation time of the slot, sums made to fit", "small",
	    "key", NULL, "raw", SLOT, HEAD, 32, 1 },
	{ "slot-commit", "another slot commitment", "small",
	    "key", NULL, "raw", SLOT, HEAD, 88, 1 },
	{ "slot-nonce", "another nonce of the slot", "small",
	    D, "slot", "raw", SLOT, HEAD, 120, 1 },
	{ "slot-wrapped", "a bit of the wrapped key", "small",
	    D, "slot", "raw", SLOT, HEAD, 144, 1 },
	{ "slot-tag", "a bit of the wrapping's tag", "small",
	    D, "slot", "raw", SLOT, HEAD, 176, 1 },
	{ "slot-zero", "a byte of the slot that must be zero", "small",
	    D, "slot", "raw", SLOT, HEAD, 200, 1 },
	{ "slot-magic", "the slot page's magic", "small", D, "slot", "raw", SLOT, HEAD, 7, 1 },
	{ "slot-count", "two slots where there is one", "small",
	    D, "slot", "raw", SLOT, HEAD, 8, 3 },
	{ "slot-count-zero", "no slot in the page", "small", D, "slot", "raw", SLOT, HEAD, 8, 1 },
	{ "slot-count-eleven", "eleven slots in a page", "small",
	    D, "slot", "raw", SLOT, HEAD, 8, 10 },
	{ "slot-index", "another index of the page", "small", D, "slot", "raw", SLOT, HEAD, 10, 1 },
	{ "slot-rest", "the rest of the page is not zero", "small",
	    D, "slot", "raw", SLOT, HEAD, 4095, 1 },
	{ "slot-sealed", "a bit of the private halves", "small",
	    D, "slot", "raw", SLOT, HEAD, 1960, 1 },
	{ "slot-memory", "a passphrase slot that asks for 3 GiB", "pass",
	    D, "slot", "passphrase", SLOT, HEAD, 62, 48 },
	{ "slot-passes", "a passphrase slot that asks for 18 passes", "pass",
	    D, "slot", "passphrase", SLOT, HEAD, 56, 16 },
	{ "slot-lanes", "a passphrase slot with two lanes", "pass",
	    D, "slot", "raw", SLOT, HEAD, 64, 3 },
	{ "slot-half-id", "a private half with another id", "small",
	    D, "slot", "raw", PRIVATE, HEAD, 1960, 1 },
	{ "slot-half-unused", "a private half without a slot", "small",
	    D, "slot", "raw", PRIVATE, HEAD, 2160, 1 },

	{ "leaf-nonce", "a bit of a leaf's nonce", "small", D, "leaf", NULL, XOR, HEAD, 12288, 1 },
	{ "leaf-text", "a bit of a leaf's text", "small", D, "leaf", NULL, XOR, HEAD, 14000, 1 },
	{ "leaf-tag", "a bit of a leaf's tag", "small", D, "leaf", NULL, XOR, HEAD, 16383, 1 },
	{ "leaf-foreign", "a leaf of another store", "small", D, "leaf", NULL, GRAFT, HEAD, 3, 0 },
	{ "leaf-stale", "the leaf as it was a generation ago", "small",
	    D, "leaf", NULL, STALE, HEAD, 3, 0 },
	{ "leaf-swap", "two leaves swapped", "deep", D, "leaf", NULL, SWAP, HEAD, 3, 4 },
	{ "leaf-for-inner", "a leaf in the place of the root", "deep",
	    D, "inner", NULL, SWAP, HEAD, 3, 98 },
	{ "inner-text", "a bit of the root's text", "deep", D, "inner", NULL, XOR, HEAD, 98, 1 },
	{ "blob-text", "a bit of a blob", "blob", D, "blob", NULL, XOR, HEAD, 97, 1 },

	{ "private-height-0", "a tree without height", "small",
	    D, "header", NULL, HEADER, HEAD, 20, 1 },
	{ "private-height-2", "a leaf where an inner node is to be", "small",
	    D, "inner", NULL, HEADER, HEAD, 20, 3 },
	{ "private-height-9", "a tree too high", "small", D, "header", NULL, HEADER, HEAD, 20, 8 },
	{ "private-root", "the root beyond the end", "small",
	    D, "header", NULL, HEADER, HEAD, 0, 4 },
	{ "private-root-tag", "another tag of the root", "small",
	    D, "leaf", NULL, HEADER, HEAD, 4, 1 },
	{ "private-zero", "a byte that must be zero", "small",
	    D, "header", NULL, HEADER, HEAD, 311, 1 },
	{ "private-pages", "more pages than there are", "small",
	    D, "header", NULL, HEADER, HEAD, 40, 8 },
	{ "private-entries", "another number of entries", "small",
	    D, "header", NULL, HEADER, HEAD, 24, 1 },

	{ "node-type", "an inner node's type in a leaf", "small",
	    D, "leaf", NULL, NODE, HEAD, 0, 3 },
	{ "node-level", "another level", "small", D, "leaf", NULL, NODE, HEAD, 1, 1 },
	{ "node-count", "another number of records", "small", D, "leaf", NULL, NODE, HEAD, 2, 8 },
	{ "node-used", "more bytes used than there are", "small",
	    D, "leaf", NULL, NODE, HEAD, 5, 240 },
	{ "node-used-less", "the last record overruns", "small",
	    D, "leaf", NULL, NODE, HEAD, 4, 1 },
	{ "node-zero", "a byte of the head that must be zero", "small",
	    D, "leaf", NULL, NODE, HEAD, 6, 1 },
	{ "node-rest", "the rest of the node is not zero", "small",
	    D, "leaf", NULL, NODE, HEAD, 4055, 1 },
	{ "node-order", "the second key is not above the first", "small",
	    D, "leaf", NULL, NODE, SECOND_KEY, 0, 0 },
	{ "record-kind", "a record of unknown kind", "small", D, "leaf", NULL, NODE, NAME, 24, 4 },
	{ "record-flag", "an unknown flag", "small", D, "leaf", NULL, NODE, ENTRY, 25, 2 },
	{ "record-blob-flag", "a blob reference where there is none", "small",
	    D, "leaf", NULL, NODE, NAME, 25, 1 },
	{ "record-length", "a record too long", "small", D, "leaf", NULL, NODE, ENTRY, 27, 128 },
	{ "default-key", "a default record under an account's key", "small",
	    D, "leaf", NULL, NODE, DEFAULT, 23, 1 },
	{ "default-nowhere", "a default that is not there", "small",
	    D, "default", NULL, NODE, DEFAULT, 28, 1 },
	{ "name-nowhere", "a name of nothing", "small", D, "name", NULL, NODE, NAME, 51, 1 },
	{ "entry-kind", "a credential of unknown kind", "small",
	    D, "entry", NULL, NODE, ENTRY, 28, 8 },
	{ "entry-zero", "a byte that must be zero", "small", D, "entry", NULL, NODE, ENTRY, 29, 1 },
	{ "entry-port", "an entry of another port than its key says", "small",
	    D, "entry", NULL, NODE, ENTRY, 30, 1 },
	{ "entry-flag", "an unknown flag of a credential", "small",
	    D, "entry", NULL, NODE, ENTRY, 32, 8 },
	{ "entry-field", "an unknown field", "small", "version", NULL, NULL, NODE, ENTRY, 44, 65 },
	{ "entry-field-zero", "a field of type 0", "small", D, "entry", NULL, NODE, ENTRY, 44, 1 },
	{ "entry-field-twice", "the second field has the first one's type", "small",
	    D, "entry", NULL, NODE, ENTRY, 53, 3 },
	{ "entry-field-long", "a field that overruns its entry", "small",
	    D, "entry", NULL, NODE, ENTRY, 47, 1 },
	{ "entry-nul", "a NUL in a text", "small", D, "entry", NULL, NODE, ENTRY, 48, 'h' },
	{ "inner-child", "a child that is a header", "deep", D, "inner", NULL, NODE, HEAD, 40, 2 },
	{ "inner-count", "an inner node without entries", "deep",
	    D, "inner", NULL, NODE, HEAD, 2, 3 },
	{ "inner-order", "children out of order", "deep", D, "inner", NULL, NODE, HEAD, 16, 255 },
	{ "inner-tag", "another tag of a child", "deep", D, "leaf", NULL, NODE, HEAD, 44, 1 },
	{ "blob-ref-page", "a blob in the header", "blob",
	    D, "leaf", NULL, NODE, WITH_BLOB, 28, 2 },
	{ "blob-ref-end", "a blob beyond the end", "blob",
	    D, "leaf", NULL, NODE, WITH_BLOB, 29, 1 },
	{ "blob-ref-short", "a blob that would fit into its leaf", "blob",
	    D, "leaf", NULL, NODE, WITH_BLOB, 33, 0 },
	{ "blob-ref-tag", "another tag of a blob", "blob",
	    D, "blob", NULL, NODE, WITH_BLOB, 36, 1 },
	{ "blob-padding", "the padding of a blob is not zero", "blob",
	    D, "blob", NULL, BLOB, HEAD, 4055, 1 },
};

static unsigned char *
page_at(struct image *im, unsigned pgno)
{
	return im->p + (size_t)pgno * VK_PAGE;
}

/* The root's page and text, its header opened. */
static unsigned
open_root(struct image *im, unsigned char **ret_text)
{
	struct vk_child root;
	unsigned char *in;

	image_open_header(im);
	in = image_header(im) + VK_HEADER_AD;
	root.pgno = vk_get32(in);
	memcpy(root.tag, in + 4, VK_TAG_LEN);
	CHECK(vk_page_open(&im->keys, im->id, &root, page_at(im, root.pgno)));
	*ret_text = page_at(im, root.pgno) + VK_NONCE_LEN;
	return root.pgno;
}

static void
seal_root(struct image *im, unsigned pgno)
{
	struct vk_child root = { .pgno = pgno };

	CHECK(vk_page_seal(&im->keys, im->id, 99, &root, page_at(im, pgno)) == VK_OK);
	memcpy(image_header(im) + VK_HEADER_AD + 4, root.tag, VK_TAG_LEN);
	image_seal_header(im);
}

/* Offset in a leaf's text of the first record that ${of} means. */
static unsigned
record_at(const unsigned char *text, enum of of)
{
	static const unsigned kinds[] = { [ENTRY] = 1, [DEFAULT] = 2, [NAME] = 3, [WITH_BLOB] = 1 };
	struct vk_record r;
	unsigned at = VK_NODE_HEAD, next;

	if (of == HEAD)
		return 0;
	for (unsigned n = vk_node_count(text); n > 0; n--, at = next) {
		next = vk_leaf_record(text, at, &r);
		if (r.kind == (enum vk_record_kind)kinds[of] && r.blob == (of == WITH_BLOB))
			return at;
	}
	CHECK(!"no such record");
	return 0;
}

static void
spoil_node(struct image *im, const struct bad *b)
{
	unsigned char *text;
	unsigned pgno = open_root(im, &text);

	if (b->of == SECOND_KEY) {
		struct vk_record r;
		unsigned next = vk_leaf_record(text, VK_NODE_HEAD, &r);

		memcpy(text + next, text + VK_NODE_HEAD, VK_TREE_KEY);
	} else if (strcmp(b->name, "blob-ref-short") == 0) {
		vk_put32(text + record_at(text, WITH_BLOB) + 32, VK_INLINE_MAX);
	} else if (strcmp(b->name, "inner-count") == 0) {
		memset(text + 2, 0, 4);
		text[4] = VK_NODE_HEAD;
		memset(text + VK_NODE_HEAD, 0, VK_PAGE_PLAIN - VK_NODE_HEAD);
	} else if (strcmp(b->name, "inner-child") == 0) {
		vk_put32(text + b->at, 1);
	} else {
		text[record_at(text, b->of) + b->at] ^= (unsigned char)b->value;
	}
	seal_root(im, pgno);
}

static void
spoil_blob(struct image *im, const struct bad *b)
{
	unsigned char *text, *ref = NULL;
	unsigned pgno = open_root(im, &text), at = VK_NODE_HEAD;
	struct vk_child blob;
	struct vk_record r;

	/* one that does not fill its pages */
	for (unsigned i = vk_node_count(text); i > 0 && !ref; i--) {
		at = vk_leaf_record(text, at, &r);
		if (r.blob && (vk_get32(r.payload + 4) + VK_NONCE_LEN + VK_TAG_LEN) % VK_PAGE)
			ref = text + at - VK_BLOB_REF;
	}
	CHECK(ref);
	blob.pgno = vk_get32(ref);
	memcpy(blob.tag, ref + 8, VK_TAG_LEN);
	CHECK(vk_page_open(&im->keys, im->id, &blob, page_at(im, blob.pgno)));
	page_at(im, blob.pgno)[VK_PAGE - VK_TAG_LEN - 1] ^= (unsigned char)b->value;
	CHECK(vk_page_seal(&im->keys, im->id, 99, &blob, page_at(im, blob.pgno)) == VK_OK);
	memcpy(ref + 8, blob.tag, VK_TAG_LEN);
	seal_root(im, pgno);
}

/* 98: the root's page; 97: the first blob's, which is the first after the slot page. */
static unsigned
page_named(struct image *im, unsigned value)
{
	unsigned char *text;
	struct image c;
	unsigned root;

	if (value != 98)
		return value == 97 ? 3 : value;
	c = image_copy(im);
	root = open_root(&c, &text);
	free(c.p);
	return root;
}

static void
spoil_pages(struct image *im, const struct bad *b, struct image *other)
{
	unsigned char was[VK_PAGE], *a = page_at(im, b->at), *with;

	if (b->op == GRAFT || b->op == STALE) {
		memcpy(a, b->op == STALE ? im->older + (size_t)b->at * VK_PAGE : page_at(other, b->at),
		    VK_PAGE);
		return;
	}
	if (b->value == 99) {
		memset(image_header(im), 0, VK_HEADER_LEN);
		return;
	}
	with = page_at(im, page_named(im, b->value));
	memcpy(was, a, VK_PAGE);
	memcpy(a, with, VK_PAGE);
	memcpy(with, was, VK_PAGE);
}

static void
spoil(struct image *im, const struct bad *b, struct image *other)
{
	unsigned char *h = image_header(im), x = (unsigned char)b->value;
	size_t at = b->at;

	switch (b->op) {
	case XOR:
		if (at == 97 || at == 98)
			at = (size_t)page_named(im, b->at) * VK_PAGE + 1000;
		else if (at < VK_HEADER_LEN)
			at += (size_t)(h - im->p);
		else if (at < 2 * VK_PAGE)
			at = (size_t)(h == im->p ? VK_PAGE : 0) + at - VK_PAGE;
		im->p[at] ^= x;
		break;
	case SUM:
		h[at] ^= x;
		vk_digest(h, 480, h + 480);
		break;
	case SLOT:
		page_at(im, 2)[at] ^= x;
		image_fix_slots(im, false);
		break;
	case CUT:
		im->n = at;
		break;
	case HEADER:
		image_open_header(im);
		h[VK_HEADER_AD + at] ^= x;
		image_seal_header(im);
		break;
	case PRIVATE:
		image_open_slots(im);
		page_at(im, 2)[at] ^= x;
		image_open_header(im); /* it binds the hash that changes now */
		image_fix_slots(im, true);
		image_seal_header(im);
		break;
	case NODE:
		spoil_node(im, b);
		break;
	case BLOB:
		spoil_blob(im, b);
		break;
	case SWAP:
	case GRAFT:
	case STALE:
		spoil_pages(im, b, other);
		break;
	}
}

static void
write_patches(FILE *f, const struct image *base, const struct image *im)
{
	for (size_t at = 0; at < im->n;) {
		size_t end = at, same = 0;

		if (im->p[at] == base->p[at]) {
			at++;
			continue;
		}
		/* a run ends where 8 bytes are alike */
		for (size_t i = at; i < im->n && same < 8; i++) {
			same = im->p[i] == base->p[i] ? same + 1 : 0;
			end = same ? end : i + 1;
		}
		fprintf(f, "patch: %zu ", at);
		for (; at < end; at++)
			fprintf(f, "%02x", im->p[at]);
		fputc('\n', f);
	}
	if (im->n < base->n)
		fprintf(f, "cut: %zu\n", im->n);
}

static void
write_one(const char *dir, const struct bad *b, struct image *base, struct image *other)
{
	struct image im = image_copy(base);
	char path[256];
	FILE *f;

	spoil(&im, b, other);
	snprintf(path, sizeof(path), "%s/bad-%s.vector", dir, b->name);
	CHECK(f = fopen(path, "wb"));
	fprintf(f, "expect: %s\n", b->expect);
	if (b->layer)
		fprintf(f, "layer: %s\n", b->layer);
	fprintf(f, "comment: %s\nbase: %s.vector\n", b->comment, base->name);
	if (b->how)
		fprintf(f, "how: %s\n", b->how);
	write_patches(f, base, &im);
	fprintf(f, "%s\n", base->asks);
	CHECK(fclose(f) == 0);
	free(im.p);
}

void
write_bad(const char *dir, struct image *small, struct image *blob, struct image *deep,
    struct image *pass, struct image *pair)
{
	struct image *bases[] = { small, blob, deep, pass, pair };
	/* Any two stores of four pages have their leaf in the same place. */
	struct image *other = pass;

	for (size_t i = 0; i < VK_COUNT(bads); i++) {
		struct image *base = NULL;

		for (size_t j = 0; j < VK_COUNT(bases); j++)
			if (strcmp(bases[j]->name + strlen("good-"), bads[i].base) == 0)
				base = bases[j];
		CHECK(base);
		write_one(dir, &bads[i], base, other);
	}
}
