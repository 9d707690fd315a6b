/* SPDX-License-Identifier: ISC */
/*
 * crash-model.h - what a keystore must hold: accounts with their secrets, and key slots; transactions that change
 * them; and whether a file holds just that.
 */
#ifndef VK_TESTS_CRASH_MODEL_H
#define VK_TESTS_CRASH_MODEL_H

#include "valetkey/store.h"

enum { MODEL_ACCOUNTS = 400, MODEL_SLOTS = 14, MODEL_SECRET_LARGE = 9000, MODEL_SECRET_MAX = 65000 };

/* One state of the keystore.  Slot 0 is the one that opens it. */
struct model {
	struct {
		uint16_t len; /* of the secret, plus one; 0: there is no such account */
		uint8_t fill; /* its bytes */
	} account[MODEL_ACCOUNTS];
	unsigned char slot[MODEL_SLOTS][8]; /* their ids */
	size_t slots;
};

enum model_kind {
	MODEL_FEW,     /* one or two accounts */
	MODEL_MANY,    /* more than are worth writing in place */
	MODEL_COMPACT, /* the file anew, as it is */
	MODEL_SLOT_ADD,
	MODEL_SLOT_REMOVE, /* with a rotation, or without */
	MODEL_SLOT_CHANGE,
	MODEL_ROTATE,
	MODEL_KINDS
};

/* A transaction that is about to be made. */
struct model_change {
	enum model_kind kind;
	unsigned accounts, grow; /* how many; per cent of puts */
	unsigned large, huge;    /* per cent of secrets that need a blob, and one of many pages */
	struct model *m;                /* follows what is staged */
	unsigned char slot[8], new_slot[8];
	bool rotate;
};

/** model_kind_name(kind): For people. */
const char *model_kind_name(enum model_kind kind);

/** model_create(path, m): An empty keystore, and what it holds. */
enum vk_err model_create(const char *path, struct model *m) VK_MUST;

/** model_open(path, ret): Open and unlock. */
enum vk_err model_open(const char *path, struct vk_store **ret) VK_MUST;

/** model_commit(st, c): Make the transaction; ${c->m} is what then should be there. */
enum vk_err model_commit(struct vk_store *st, struct model_change *c) VK_MUST;

/** model_same(a, b): Do they hold the same? */
bool model_same(const struct model *a, const struct model *b);

/**
 * model_verify(path, m):
 * Open it, check all of it, and compare: VK_OK, or an error with a reason.  A file that is marked as suspect is
 * compacted by that, and then checked.
 */
enum vk_err model_verify(const char *path, const struct model *m) VK_MUST;

#endif
