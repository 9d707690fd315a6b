/* SPDX-License-Identifier: ISC */
/* make.h - what the two halves of the vector generator share. */
#ifndef VK_TESTS_VECTORS_MAKE_H
#define VK_TESTS_VECTORS_MAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/internal.h"
#include "valetkey/secret.h"

#define CHECK(truth)                                                                               \
	do {                                                                                       \
		if (!(truth)) {                                                                    \
			fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #truth,            \
			    vk_reason());                                                          \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* A whole keystore, with the keys to change it as a key holder could. */
struct image {
	const char *name;
	unsigned char *p;
	size_t n;
	struct vk_keys keys;
	unsigned char id[VK_STORE_ID_LEN];
	unsigned char *older; /* the first four pages when it was empty */
	const char *asks; /* what a sound reader answers, in the syntax of README.md */
};

/** image_header(im): The newest header's bytes. */
unsigned char *image_header(struct image *im);

/** image_copy(im): A copy to spoil. */
struct image image_copy(const struct image *im);

/** write_bad(dir, base...): Every bad vector; see bad.c. */
void write_bad(const char *dir, struct image *small, struct image *blob, struct image *deep,
    struct image *pass, struct image *pair);

/** image_seal_header(im): After the private half was opened with image_open_header(). */
void image_open_header(struct image *im);
void image_seal_header(struct image *im);

/** image_open_slots(im): The private halves of the slots as text. */
void image_open_slots(struct image *im);

/** image_fix_slots(im, sealed): Make hash and checksum fit, and with ${sealed} seal the private halves. */
void image_fix_slots(struct image *im, bool sealed);

/** image_fix_sum(im) */
void image_fix_sum(struct image *im);

#endif
