/* SPDX-License-Identifier: ISC */
/* Headers, and what follows them in their pages: docs/FORMAT.md, section 3. */
#include "make.h"

/* Bytes as they lie in the file, no checksum made to fit. */
static void
rot_newest(struct image *im, const struct variant *v)
{
	image_newest(im)[v->at] ^= (unsigned char)v->value;
}

static void
rot_older(struct image *im, const struct variant *v)
{
	image_older(im)[v->at] ^= (unsigned char)v->value;
}

static void
flip_older(struct image *im, const struct variant *v)
{
	unsigned char *h = image_older(im);

	h[v->at] ^= (unsigned char)v->value;
	image_fix_sum(h);
}

static void
flip_both(struct image *im, const struct variant *v)
{
	flip_newest(im, v);
	flip_older(im, v);
}

/* In the clear half, as a key holder: everything else fits. */
static void
sealed_newest(struct image *im, const struct variant *v)
{
	unsigned char *h = image_newest(im);

	image_open_header(im, h);
	h[v->at] ^= (unsigned char)v->value;
	image_seal_header(im, h);
}

static void
set_slots(struct image *im, const struct variant *v)
{
	unsigned char *h = image_newest(im);

	image_open_header(im, h);
	vk_put32(h + 52, v->at);
	vk_put32(h + 56, v->value);
	image_seal_header(im, h);
}

/* Both numbers of the pair, and both headers sealed for them, each in the slot of its generation. */
static void
number_pair(struct image *im, uint64_t first, uint64_t second)
{
	unsigned char pair[2][VK_HEADER_LEN], *h[2];

	image_open_header(im, image_newest(im));
	image_open_header(im, image_older(im));
	memcpy(pair[0], image_older(im), VK_HEADER_LEN);
	memcpy(pair[1], image_newest(im), VK_HEADER_LEN);
	memset(im->p + VK_WITNESS_AT, 0, VK_WITNESS_LEN);
	memset(im->p + VK_PAGE + VK_WITNESS_AT, 0, VK_WITNESS_LEN);
	for (unsigned i = 0; i < 2; i++) {
		uint64_t generation = i == 0 ? first : second;

		h[i] = im->p + vk_header_at(generation);
		memcpy(h[i], pair[i], VK_HEADER_LEN);
		vk_put64(h[i] + H_GENERATION, generation);
		if (i == 1)
			memcpy(h[i] + H_PRIVATE + P_OTHER_TAG, h[0] + H_TAG, VK_TAG_LEN);
		image_seal_header(im, h[i]);
	}
}

static void
renumber(struct image *im, const struct variant *v)
{
	number_pair(im, v->at, v->value);
}

static void
far_generations(struct image *im, const struct variant *v)
{
	(void)v;
	number_pair(im, ((uint64_t)1 << 40) - 1, (uint64_t)1 << 40);
}

static void
wipe_newest(struct image *im, const struct variant *v)
{
	memset(image_newest(im), 0, v->value);
}

static void
wipe_older(struct image *im, const struct variant *v)
{
	memset(image_older(im), 0, v->value);
}

static void
twice_newest(struct image *im, const struct variant *v)
{
	(void)v;
	memcpy(image_older(im), image_newest(im), VK_PAGE);
}

static void
set_private(struct image *im, const struct variant *v)
{
	image_open_header(im, image_newest(im));
	vk_put32(image_private(im) + v->at, v->value);
	image_seal(im);
}

/* What the header says of the list: whoever reads it can see that it is wrong, without the list. */
static void
set_list(struct image *im, const struct variant *v)
{
	no_verify(im);
	set_private(im, v);
}

static void
no_free(struct image *im, const struct variant *v)
{
	no_verify(im);
	image_open_header(im, image_newest(im));
	memset(image_private(im) + v->at, 0, 8);
	image_seal(im);
}

/* The free list's pointer is all there is of it. */
static void
list_tag_alone(struct image *im, const struct variant *v)
{
	no_verify(im);
	image_open_header(im, image_newest(im));
	vk_put32(image_private(im) + P_LIST, v->at);
	image_private(im)[P_LIST + 4] = (unsigned char)v->value;
	image_seal(im);
}

/* One more page than there was, in no list. */
static void
lost_page(struct image *im, const struct variant *v)
{
	uint32_t pgno = image_add_page(im);

	(void)v;
	image_open_header(im, image_newest(im));
	vk_put32(image_private(im) + P_PAGES, pgno + 1);
	image_seal(im);
}

/* One header is of another version, the other one is damaged: version comes before damaged. */
static void
later_and_rotten(struct image *im, const struct variant *v)
{
	unsigned char *later = v->value ? image_newest(im) : image_older(im);
	unsigned char *rotten = v->value ? image_older(im) : image_newest(im);

	later[v->at] ^= 2;
	if (v->at != 7)
		image_fix_sum(later);
	rotten[300] ^= 1;
}

/* Nothing but the magic of a later version, or a bit more. */
static void
later_and_cut(struct image *im, const struct variant *v)
{
	im->p[7] = '2';
	im->n = v->at;
}

static void
cut(struct image *im, const struct variant *v)
{
	im->n = v->at;
}

/* As it was before the last commit. */
static void
put_back(struct image *im, const struct variant *v)
{
	unsigned char *h = image_newest(im);

	(void)v;
	memcpy(h, im->past + (h - im->p), VK_PAGE);
}

/* The older header's page as it was then: its witness speaks of a header that is not there any more. */
static void
lose_witness(struct image *im, const struct variant *v)
{
	unsigned char *h = image_older(im);

	(void)v;
	CHECK(memcmp(h, im->past + (h - im->p), VK_HEADER_LEN) == 0);
	memcpy(h, im->past + (h - im->p), VK_PAGE);
}

static void
no_witness(struct image *im, const struct variant *v)
{
	(void)v;
	memset(im->p + VK_WITNESS_AT, 0, VK_WITNESS_LEN);
	memset(im->p + VK_PAGE + VK_WITNESS_AT, 0, VK_WITNESS_LEN);
}

/* Readers go on; a full check may say what it likes of a disk that failed. */
static void
mark(struct image *im, const struct variant *v)
{
	flip_file(im, v);
	im->asks = "find: https://git.example ann -> 616e6e277320736563726574\nname: nothing -> none\n";
}

/* What nobody reads of the older header. */
static void
spoil_older(struct image *im, const struct variant *v)
{
	unsigned char *h = image_older(im);

	h[v->at] ^= (unsigned char)v->value;
	memset(h + 64, 0x5a, 32);
	memset(h + H_NONCE, 0x5a, VK_NONCE_LEN + VK_PRIVATE_LEN);
	image_fix_sum(h);
}

static void
add_tail(struct image *im, const struct variant *v)
{
	CHECK(im->p = realloc(im->p, im->n + v->at));
	memset(im->p + im->n, 0xa5, v->at);
	im->n += v->at;
}

/* A witness of any generation and tag, with the check bytes that it has to have. */
static void
put_witness(struct image *im, const struct variant *v)
{
	unsigned char *newest = image_newest(im), *older = image_older(im);
	uint64_t generation = vk_get64(newest + H_GENERATION) + v->at - 16;
	unsigned char *to = (v->value ? newest : older) + VK_WITNESS_AT, tag[VK_TAG_LEN];

	memcpy(tag, (v->value ? older : newest) + H_TAG, VK_TAG_LEN);
	tag[0] ^= 1;
	vk_witness_encode(strcmp(v->name, "witness-nobody") == 0 ? 0 : generation, tag, to);
}

#define G "good"
#define D "damaged"
#define V "version"
#define H "header"
const struct variant variants_header[] = {
	{ "compat", "an unknown compatible feature", "small", G, NULL, NULL, sealed_newest, 51, 128, NULL },
	{ "rocompat", "an unknown feature that only writers have to know", "small", G, NULL, NULL, sealed_newest, 44, 1, NULL },
	{ "tail", "bytes after the last page", "small", G, NULL, NULL, add_tail, 100, 0, NULL },
	{ "tail-page", "a page after the last page", "in-place", G, NULL, NULL, add_tail, VK_PAGE, 0, NULL },
	{ "older-unread", "junk where nobody looks in the older header", "small", G, NULL, NULL, spoil_older, 48, 255, NULL },
	{ "generations", "generations 2^40 - 1 and 2^40, without a witness", "small", G, NULL, NULL, far_generations, 0, 0, NULL },
	{ "witness-lost", "a witness that was not written: the one before it is still there", "in-place", G, NULL, NULL,
	    lose_witness, 0, 0, NULL },
	{ "witness-none", "no witness at all", "in-place", G, NULL, NULL, no_witness, 0, 0, NULL },
	{ "suspect", "a disk failed in the middle of a change", "small", G, NULL, NULL, mark, 512, 1, NULL },
	{ "suspect-second", "the same, marked in the second header's page", "small", G, NULL, NULL, mark, 4096 + 512, 1, NULL },

	{ "magic", "the first byte of the newest header", "small", D, H, NULL, rot_newest, 0, 1, NULL },
	{ "magic-older", "the first byte of the older header", "small", D, H, NULL, rot_older, 0, 1, NULL },
	{ "magic-version", "magic VKSTORE2", "small", V, NULL, NULL, rot_newest, 7, 3, NULL },
	{ "magic-version-older", "magic VKSTORE0 in the older header", "small", V, NULL, NULL, rot_older, 7, 1, NULL },
	{ "magic-version-rot", "magic VKSTORE3, and the older header is damaged", "small", V, NULL, NULL, later_and_rotten, 7, 1, NULL },
	{ "magic-version-rot-older", "magic VKSTORE3 in the older header, and the newest is damaged", "small", V, NULL, NULL,
	    later_and_rotten, 7, 0, NULL },
	{ "magic-version-cut", "magic VKSTORE2, and nothing else", "small", V, NULL, NULL, later_and_cut, 8, 0, NULL },
	{ "magic-version-page", "magic VKSTORE2 in a file of one page", "small", V, NULL, NULL, later_and_cut, 4096, 0, NULL },
	{ "sum", "a bit of the checksum", "small", D, H, NULL, rot_newest, 500, 1, NULL },
	{ "sum-older", "a bit of the older header's checksum", "small", D, H, NULL, rot_older, 500, 1, NULL },
	{ "rot", "a bit of the private half, checksum as it was", "small", D, H, NULL, rot_newest, 200, 1, NULL },
	{ "rot-older", "the same in the older header", "small", D, H, NULL, rot_older, 200, 1, NULL },
	{ "header-gone", "the newest header is zero", "small", D, H, NULL, wipe_newest, 0, VK_HEADER_LEN, NULL },
	{ "header-page-gone", "its whole page is zero", "small", D, H, NULL, wipe_newest, 0, VK_PAGE, NULL },
	{ "older-gone", "the older header is zero", "small", D, H, NULL, wipe_older, 0, VK_HEADER_LEN, NULL },
	{ "older-page-gone", "its whole page is zero", "small", D, H, NULL, wipe_older, 0, VK_PAGE, NULL },
	{ "headers-swapped", "both headers in the other slot", "small", D, H, NULL, swap_pages, 0, 1, NULL },
	{ "header-twice", "the newest header in both slots", "small", D, H, NULL, twice_newest, 0, 0, NULL },
	{ "major", "another major version", "small", V, NULL, NULL, flip_newest, 8, 3, NULL },
	{ "major-older", "another major version of the older header", "small", V, NULL, NULL, flip_older, 8, 3, NULL },
	{ "major-rot", "another major version, and the older header is damaged", "small", V, NULL, NULL, later_and_rotten, 8, 1, NULL },
	{ "major-rot-older", "another major version of the older header, and the newest is damaged", "small", V, NULL, NULL,
	    later_and_rotten, 8, 0, NULL },
	{ "suite", "another suite", "small", V, NULL, NULL, sealed_newest, 60, 3, NULL },
	{ "incompat", "an unknown incompatible feature", "small", V, NULL, NULL, sealed_newest, 43, 128, NULL },
	{ "incompat-older", "one in the older header", "small", V, NULL, NULL, flip_older, 40, 1, NULL },
	{ "header-length", "another header length", "small", D, H, NULL, sealed_newest, 10, 1, NULL },
	{ "header-length-older", "another length of the older header", "small", D, H, NULL, flip_older, 10, 1, NULL },
	{ "page-size", "another page size", "small", D, H, NULL, sealed_newest, 13, 48, NULL },
	{ "header-zero", "a byte that must be zero", "small", D, H, NULL, sealed_newest, 61, 1, NULL },
	{ "header-zero-last", "another one", "small", D, H, NULL, sealed_newest, 63, 1, NULL },
	{ "header-zero-older", "one of the older header", "small", D, H, NULL, flip_older, 62, 1, NULL },
	{ "store-id", "another store id in both headers", "small", "key", NULL, NULL, flip_both, 16, 1, NULL },
	{ "store-id-newest", "headers of two stores", "small", D, H, NULL, sealed_newest, 31, 1, NULL },
	{ "commit", "another commitment, met by a slot", "small", D, H, "raw", flip_both, 96, 1, NULL },
	{ "commit-session", "another commitment, met by a session key", "small", "key", NULL, "session",
	    flip_both, 96, 1, NULL },
	{ "commit-newest", "headers of two keys", "small", D, H, NULL, sealed_newest, 127, 1, NULL },
	{ "commit-older", "the same", "small", D, H, NULL, flip_older, 96, 1, NULL },
	{ "generation-gap", "generations 4 and 7", "small", D, H, NULL, renumber, 4, 7, NULL },
	{ "generation-later", "the older header says that it is newer", "small", D, H, NULL, flip_older, 32, 6, NULL },
	{ "generation-zero", "generations 0 and 1", "small", D, H, NULL, renumber, 0, 1, NULL },
	{ "rocompat", "a feature added by somebody without a key", "small", D, H, NULL, flip_newest, 44, 1, NULL },
	{ "compat", "another sort of feature, added by the same", "small", D, H, NULL, flip_newest, 48, 1, NULL },
	{ "slots-none", "no slot pages", "small", D, H, NULL, set_slots, 2, 0, NULL },
	{ "slots-five", "five slot pages", "deep", D, H, NULL, set_slots, 2, 5, NULL },
	{ "slots-in-header", "slot pages in the place of a header", "small", D, H, NULL, set_slots, 1, 1, NULL },
	{ "slots-past-end", "slot pages behind the last page", "small", D, H, "session", set_slots, 4, 1, NULL },
	{ "slots-past-far", "slot pages far behind the last page", "small", D, H, "session", set_slots, 1000000, 1, NULL },
	{ "slots-over-end", "slot pages that begin on the last page", "small", D, H, "session", set_slots, 3, 2, NULL },
	{ "slots-hash", "another hash of the slot pages", "small", D, "slot", "raw", flip_newest, 64, 1, NULL },
	{ "slots-hash-session", "the same, met by a session key", "small", D, H, "session", flip_newest, 64, 1, NULL },
	{ "slots-hash-sealed", "another hash, met by a full check with a session key", "small", D, "slot", "session",
	    sealed_newest, 64, 1, NULL },
	{ "header-nonce", "another nonce", "small", D, H, NULL, flip_newest, 128, 1, NULL },
	{ "header-text", "a bit of the private half, checksum made to fit", "small", D, H, NULL, flip_newest, 152, 1, NULL },
	{ "header-text-last", "another bit of it", "small", D, H, NULL, flip_newest, 463, 128, NULL },
	{ "header-tag", "a bit of the tag, checksum made to fit", "small", D, H, NULL, flip_newest, 464, 1, NULL },
	{ "older-tag", "the older header is not the one that the newest names", "small", D, H, NULL, flip_older, 464, 1, NULL },
	{ "older-tag-last", "the last byte of that tag", "small", D, H, NULL, flip_older, 479, 128, NULL },

	{ "other-tag", "the newest header names another older one", "small", D, H, NULL, flip_private, P_OTHER_TAG, 1, NULL },
	{ "private-height-0", "a tree without height", "small", D, H, NULL, flip_private, 20, 1, NULL },
	{ "private-height-2", "a leaf where an inner node is to be", "small", D, "inner", NULL, flip_private, 20, 3, NULL },
	{ "private-height-1", "an inner node where a leaf is to be", "deep", D, "leaf", NULL, flip_private, 20, 3, NULL },
	{ "private-height-9", "a tree too high", "small", D, H, NULL, flip_private, 20, 8, NULL },
	{ "private-root-end", "the root behind the last page", "small", D, H, NULL, set_private, P_ROOT, 4, NULL },
	{ "private-root-header", "the root in a header", "small", D, H, NULL, set_private, P_ROOT, 1, NULL },
	{ "private-root-tag", "another tag of the root", "small", D, "leaf", NULL, flip_private, P_ROOT + 4, 1, NULL },
	{ "private-zero", "a byte that must be zero", "small", D, H, NULL, flip_private, 21, 1, NULL },
	{ "private-zero-list", "another one", "small", D, H, NULL, flip_private, 108, 1, NULL },
	{ "private-zero-rest", "another one", "small", D, H, NULL, flip_private, 144, 1, NULL },
	{ "private-zero-last", "the last one", "small", D, H, NULL, flip_private, 311, 1, NULL },
	{ "private-pages", "more pages than there are", "small", D, H, NULL, set_private, P_PAGES, 5, NULL },
	{ "private-pages-lost", "a page that is neither used nor free", "small", D, NULL, NULL, lost_page, 0, 0, NULL },
	{ "private-entries", "another number of entries", "small", D, H, NULL, flip_private, P_ENTRIES, 1, NULL },
	{ "private-records", "another number of records", "deep", D, H, NULL, flip_private, P_RECORDS + 1, 1, NULL },
	{ "private-tag-key", "another key of names", "small", D, NULL, NULL, flip_private, 112, 1, NULL },
	{ "list-without-pages", "a list, but no free page", "in-place", D, H, NULL, no_free, P_FREE, 0, NULL },
	{ "free-without-list", "free pages, but no list", "small", D, H, NULL, set_list, P_FREE, 1, NULL },
	{ "quarantine-without-list", "a quarantine, but no list", "small", D, H, NULL, set_list, P_QUARANTINE, 1, NULL },
	{ "list-in-header", "a list in the place of a header", "in-place", D, H, NULL, set_list, P_LIST, 1, NULL },
	{ "list-end", "a list behind the last page", "in-place", D, H, NULL, set_list, P_LIST, 1000000, NULL },
	{ "free-all", "more free pages than there are pages", "in-place", D, NULL, NULL, set_private, P_FREE, 1000000, NULL },
	{ "list-tag-alone", "the tag of a list that is not there", "small", D, H, NULL, list_tag_alone, 0, 1, NULL },

	{ "suspect-value", "a mark that is neither 0 nor 1", "small", D, H, NULL, flip_file, 512, 2, NULL },
	{ "header-rest", "a byte behind the mark", "small", D, H, NULL, flip_file, 513, 1, NULL },
	{ "header-rest-witness", "a byte before the witness", "small", D, H, NULL, flip_file, 4096 + 519, 1, NULL },
	{ "header-rest-behind", "a byte behind the witness", "small", D, H, NULL, flip_file, 552, 1, NULL },
	{ "header-rest-last", "the last byte of a header's page", "small", D, H, NULL, flip_file, 8191, 128, NULL },
	{ "witness-check", "a witness with other check bytes", "in-place", D, H, NULL, rot_older, 551, 1, NULL },
	{ "witness-check-newest", "the same in the newest header's page", "in-place", D, H, NULL, rot_newest, 544, 1, NULL },
	{ "witness-tag", "a witness of another newest header", "in-place", D, H, NULL, put_witness, 16, 0, NULL },
	{ "witness-tag-older", "a witness of another older header", "in-place", D, H, NULL, put_witness, 15, 1, NULL },
	{ "witness-above", "a witness of a header after the newest", "in-place", D, H, NULL, put_witness, 18, 0, NULL },
	{ "witness-above-newest", "the same in the newest header's page", "in-place", D, H, NULL, put_witness, 17, 1, NULL },
	{ "witness-parity", "a witness of a generation that belongs in its own slot", "in-place", D, H, NULL, put_witness, 13, 0, NULL },
	{ "witness-parity-newest", "the same in the newest header's page", "in-place", D, H, NULL, put_witness, 14, 1, NULL },
	{ "witness-nobody", "a witness of generation 0", "in-place", D, H, NULL, put_witness, 16, 0, NULL },
	{ "header-put-back", "the newest header's page as it was a commit ago", "in-place", D, H, NULL, put_back, 0, 0, NULL },

	{ "cut-page", "the last page is missing", "small", D, H, NULL, cut, 12288, 0, NULL },
	{ "cut-byte", "the last byte is missing", "small", D, H, NULL, cut, 16383, 0, NULL },
	{ "cut-header", "the second header slot is cut off", "small", D, H, NULL, cut, 4600, 0, NULL },
	{ "cut-second", "the second page is missing", "small", D, H, NULL, cut, 4096, 0, NULL },
	{ "cut-most", "nothing but a magic", "small", D, H, NULL, cut, 8, 0, NULL },
	{ "cut-all", "an empty file", "small", D, H, NULL, cut, 0, 0, NULL },
	{ 0 },
};
