/* SPDX-License-Identifier: ISC */
/*
 * make.h - what the parts of the vector generator share.
 *
 *   make.c    builds the stores        good.c   what is in them
 *   image.c   keystores in memory, opened and sealed again
 *   vary.c    vectors that differ from one of those in one thing
 *   vary_header.c, vary_slot.c, vary_tree.c, vary_chain.c, vary_entry.c   which there are
 */
#ifndef VK_TESTS_VECTORS_MAKE_H
#define VK_TESTS_VECTORS_MAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/slots.h"
#include "valetkey/secret.h"

#define CHECK(truth)                                                                               \
	do {                                                                                       \
		if (!(truth)) {                                                                    \
			fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #truth,            \
			    vk_reason());                                                          \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* Offsets in a header that are of no use to others. */
enum { H_GENERATION = 32, H_SLOTS_HASH = 64, H_NONCE = 128, H_PRIVATE = VK_HEADER_AD, H_TAG = 464, H_SUM = 480 };

/* The same in its private half. */
enum { P_ROOT = 0, P_ENTRIES = 24, P_RECORDS = 32, P_PAGES = 40, P_OTHER_TAG = 48, P_LIST = 80, P_FREE = 100, P_QUARANTINE = 104 };

enum { WAY_MAX = 64 };

/* A whole keystore, with the keys to change it as a key holder could. */
struct image {
	const char *name, *comment;
	const char *asks; /* what a sound reader answers, in the syntax of README.md */
	char keys_text[512]; /* the lines with its keys */
	unsigned char *p;
	size_t n;
	struct vk_keys keys;
	unsigned char id[VK_STORE_ID_LEN];
	unsigned char *past; /* an older state of the file */
	size_t past_n;
	/* the pages that are open, from the header on, and where in the one before each one's tag lies */
	struct {
		uint32_t pgno;
		size_t tag_at;
	} way[WAY_MAX];
	unsigned depth;
};

/** image_read(st, im): The file as it is now. */
void image_read(const struct vk_store *st, struct image *im);

/** image_remember(st, im): The same as the older state. */
void image_remember(const struct vk_store *st, struct image *im);

/** image_copy(im): A copy to spoil; image_free(im) ends it. */
struct image image_copy(const struct image *im);
void image_free(struct image *im);

/** image_page(im, pgno): Where a page begins. */
unsigned char *image_page(struct image *im, uint32_t pgno);

/** image_add_page(im): One more page of zero bytes at the end of the file; its number. */
uint32_t image_add_page(struct image *im);

/** image_newest(im), image_older(im): The headers. */
unsigned char *image_newest(struct image *im);
unsigned char *image_older(struct image *im);

/** image_fix_sum(header): The checksum of a header. */
void image_fix_sum(unsigned char *header);

/** image_fix_witnesses(im): Those that speak of a header that is there. */
void image_fix_witnesses(struct image *im);

/**
 * image_open_header(im, h), image_seal_header(im, h):
 * The private half of the newest or the older header as text; the reverse, with checksum and witness.
 */
void image_open_header(struct image *im, unsigned char *h);
void image_seal_header(struct image *im, unsigned char *h);

/**
 * image_enter(im, page_at, tag_at):
 * image_seal(im):
 * From the text of the page that was opened last, or the newest header's private half when none was: the text of the page
 * whose number is there at ${page_at} and its tag at ${tag_at}.  The reverse for all of them, and the header.
 */
unsigned char *image_enter(struct image *im, size_t page_at, size_t tag_at);
void image_seal(struct image *im);

/** image_root(im), image_list(im): Open the header, then the page. */
unsigned char *image_root(struct image *im);
unsigned char *image_list(struct image *im);

/** image_next(im): In a chain, the next page. */
unsigned char *image_next(struct image *im);

/** image_private(im): The newest header's private half, while it is open. */
unsigned char *image_private(struct image *im);

/** image_slots(im, i): A slot page.  image_open_slots(im, i), image_seal_slots(im, i): its private halves. */
unsigned char *image_slots(struct image *im, unsigned i);
void image_open_slots(struct image *im, unsigned i);
void image_seal_slots(struct image *im, unsigned i);

/** image_fix_slots(im, sealed): The hash of the slot pages; with ${sealed} the header is one that fits. */
void image_fix_slots(struct image *im, bool sealed);

/** image_write(im, dir): A vector of its own.  image_write_patches(im, base, f): What differs from another one. */
void image_write(const struct image *im, const char *dir);
void image_write_patches(const struct image *im, const struct image *base, FILE *f);

/* A kind of credential store, and what is asked of it. */
struct recipe {
	const char *name, *comment, *asks;
	unsigned raws;  /* slots for so many raw keys */
	bool pass;      /* a passphrase slot before them */
	bool others;    /* an external and an X25519 slot behind them */
	void (*fill)(struct image *im, struct vk_store *st); /* NULL: it stays empty */
};

/** recipe_all(ret_n): Every store that is built by commits. */
const struct recipe *recipe_all(size_t *ret_n);

/* A vector that differs from another one in one thing. */
struct variant {
	const char *name, *comment;
	const char *base;          /* "small" */
	const char *expect;        /* "good", or an outcome */
	const char *layer, *how;   /* NULL: not given */
	void (*change)(struct image *im, const struct variant *v);
	unsigned at, value;        /* what ${change} makes of them */
	const char *text;
};

/** variants_NAME: Ended by one without a name. */
extern const struct variant variants_header[], variants_slot[], variants_tree[], variants_chain[],
    variants_entry[];

/** other_image(): One of another store, of four pages. */
const struct image *other_image(void);

/** write_variants(dir, all, n): Every vector that is one of ${all} changed. */
void write_variants(const char *dir, struct image *all, size_t n);

/* Ways to change something that more than one list uses: vary.c. */
void flip_file(struct image *im, const struct variant *v);
void flip_newest(struct image *im, const struct variant *v);
void flip_private(struct image *im, const struct variant *v);
void swap_pages(struct image *im, const struct variant *v);

/** no_verify(im), only_verify(im): Ask for all but the full check; for nothing else. */
void no_verify(struct image *im);
void only_verify(struct image *im);

/** record_at(text, kind): Offset of a leaf's first record of that kind that is no blob's. */
unsigned record_at(const unsigned char *text, enum vk_record_kind kind);

/** git_record(im, text, user): Offset of the entry of https://git.example and a user in "small"; NULL: of its default. */
unsigned git_record(const struct image *im, const unsigned char *text, const char *user);

/** set_payload(text, at, payload, n): Another payload for the record at ${at}; what follows it moves. */
void set_payload(unsigned char *text, unsigned at, const void *payload, unsigned n);

/** blob_at(text, len): Offset of a leaf's first reference to a blob of that length (0: of any); 0: there is none. */
unsigned blob_at(const unsigned char *text, size_t len);

#endif
