/* SPDX-License-Identifier: ISC */
/*
 * lock.h - who may write the keystore's file, and who has to see it stand still.  OFD locks on the
 * whole file: they belong to the open file, so a process has as many as it has handles, and the
 * kernel drops them with the last descriptor.
 */
#ifndef VK_STORE_LOCK_H
#define VK_STORE_LOCK_H

#include "store/internal.h"

/** vk_lock_try(fd, type), vk_lock_drop(fd): F_RDLCK or F_WRLCK, without waiting; let go. */
bool vk_lock_try(int fd, short type) VK_MUST;
void vk_lock_drop(int fd);

enum {
	VK_LOCK_WAIT_MS = 60 * 1000, /* for a writer, and for who reads everything */
	VK_LOCK_GLANCE_MS = 2 * 1000, /* for a lookup that keeps being overtaken */
};

/**
 * vk_lock_newest(st, type, wait_ms):
 * Lock the file that has the name now, and go over to its newest state.  VK_ESYS when others hold it for
 * ${wait_ms}.  vk_lock_drop(st->fd) ends it.
 */
enum vk_err vk_lock_newest(struct vk_store *st, short type, unsigned wait_ms) VK_MUST;

/**
 * vk_store_attempt(st, fn, arg):
 * Run ${fn}, which only reads; again, on the newer state, as often as pages do not check out because the
 * file was changed meanwhile.  VK_ETAMPER only when it was not.
 */
enum vk_err vk_store_attempt(struct vk_store *st, enum vk_err (*fn)(struct vk_store *st, void *arg),
    void *arg) VK_MUST;

#endif
