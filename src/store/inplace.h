/* SPDX-License-Identifier: ISC */
/*
 * inplace.h - writing new pages into the file that is in use: docs/FORMAT.md, "Reading beside a
 * writer, and writing".  Nothing that either header can reach is written over.
 *
 *   pages.c    which pages are free, and writing one
 *   blob.c     payloads that are too large for a leaf
 *   splice.c   the tree with the staged changes in it
 */
#ifndef VK_STORE_INPLACE_H
#define VK_STORE_INPLACE_H

#include "store/stage.h"

/* A growing list of page numbers. */
struct vk_numbers {
	uint32_t *v;
	size_t n, cap;
};

/* One commit in place. */
struct vk_inplace {
	struct vk_store *st;
	uint64_t generation;       /* of the new header */
	uint32_t file_pages;       /* grows as pages are taken from the end of the file */
	struct vk_numbers ready;   /* may be written to; the last one goes first */
	struct vk_numbers waiting; /* in quarantine until this commit, free from then on */
	struct vk_numbers freed;   /* by this commit: the quarantine of the new header */
	struct vk_child rest;      /* list pages that were not read */
	uint32_t rest_free;        /* how many numbers they and ${ready} and ${waiting} hold: of the whole old list */
	uint64_t entries, records; /* counted as they change */
};

/** vk_pages_begin(w, st), vk_pages_release(w): Read the list's quarantine; free memory. */
enum vk_err vk_pages_begin(struct vk_inplace *w, struct vk_store *st) VK_MUST;
void vk_pages_release(struct vk_inplace *w);

/** vk_pages_free(w, pgno): The new state does not need it any more. */
enum vk_err vk_pages_free(struct vk_inplace *w, uint32_t pgno) VK_MUST;

/** vk_pages_write(w, page, ret_child): Take a page, seal ${page} for it and write it. */
enum vk_err vk_pages_write(struct vk_inplace *w, unsigned char *page, struct vk_child *ret_child)
    VK_MUST;

/** vk_pages_write_list(w, ret_list, ret_free, ret_quarantine): The new list, last of all pages. */
enum vk_err vk_pages_write_list(struct vk_inplace *w, struct vk_child *ret_list,
    uint32_t *ret_free, uint32_t *ret_quarantine) VK_MUST;

/** vk_blob_write(w, payload, n, ret_ref), vk_blob_free(w, r): A new blob; the pages of an old one. */
enum vk_err vk_blob_write(struct vk_inplace *w, const unsigned char *payload, size_t n,
    unsigned char ret_ref[VK_BLOB_REF]) VK_MUST;
enum vk_err vk_blob_free(struct vk_inplace *w, const struct vk_record *r) VK_MUST;

/** vk_splice(w, v, n, ret_root, ret_height): The tree with the ${n} changes, which are in order of key. */
enum vk_err vk_splice(struct vk_inplace *w, const struct vk_staged *v, size_t n,
    struct vk_child *ret_root, unsigned *ret_height) VK_MUST;

#endif
