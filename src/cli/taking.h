/* SPDX-License-Identifier: ISC */
/*
 * taking.h - putting many credentials into a keystore within one transaction, or finding out what that
 * would do.
 */
#ifndef VK_CLI_TAKING_H
#define VK_CLI_TAKING_H

#include "valetkey/store.h"
#include "cli/left.h"
#include "cli/seen.h"

struct vk_taking {
	struct vk_store *st; /* NULL: there is nothing to compare with */
	bool stage;          /* within a transaction; else nothing is changed */
	bool replace;        /* what differs is taken as well */
	bool copy;           /* from a keystore: everything about an entry counts, and is kept */
	struct vk_left_list *left;
	struct vk_seen seen;
	uint64_t taken, same, differ; /* ${differ}: and left, listed in ${left} */
	uint64_t clear;      /* of ${taken} are for http */
};

/**
 * vk_taking_put(t, c, line):
 * The next credential.  New ones are taken, pinned and with a name as "add" would give them; of one
 * that came before, or that the keystore has with another secret, ${left} is told.
 */
enum vk_err vk_taking_put(struct vk_taking *t, const struct vk_cred *c, uint64_t line) VK_MUST;

/**
 * vk_taking_text(t, dry_run, b), vk_taking_json(t, found, b):
 * What became of them: a line of numbers and the list of what is left; or members of a JSON object, of which
 * ${found} is one.
 */
void vk_taking_text(const struct vk_taking *t, bool dry_run, struct vk_buf *b);
void vk_taking_json(const struct vk_taking *t, uint64_t found, struct vk_buf *b);

/** vk_taking_reset(t), vk_taking_clear(t): Begin again from the first; free what was kept. */
void vk_taking_reset(struct vk_taking *t);
void vk_taking_clear(struct vk_taking *t);

#endif
