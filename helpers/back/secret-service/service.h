/* SPDX-License-Identifier: ISC */
/*
 * service.h - the desktop's keyring, there or not, locked or not, and all of it within one time.  By the Secret Service
 * API, https://specifications.freedesktop.org/secret-service/.
 *
 * Nothing is started: no bus, and no keyring that does not run.  What is locked stays so, VK_ELOCKED; a keyring may ask
 * somebody before it makes or removes an item, for the same time.  VK_EBACKEND: no bus, no keyring, or no answer in
 * time; VK_EPOLICY: it refuses.
 */
#ifndef VK_BACK_SERVICE_H
#define VK_BACK_SERVICE_H

#include <libsecret/secret.h>

#include "../common/ask.h"

enum { VK_SERVICE_LIMIT_S = 3 };

/* The attribute that says of which layout an item is. */
#define VK_SCHEMA "xdg:schema"

struct vk_service {
	GCancellable *limit; /* cancelled when the time is over */
	GDBusConnection *bus;
	SecretService *service;
};

/** vk_service_open(s), vk_service_close(s): The clock starts with the first. */
enum vk_err vk_service_open(struct vk_service *s) VK_MUST;
void vk_service_close(struct vk_service *s);

/* Items that are not locked; each is a reference of ours. */
struct vk_items {
	GList *list;
	bool locked; /* there are others, which are */
};

void vk_items_clear(struct vk_items *l);

/** vk_service_search(s, attrs, l): Append those that have all of ${attrs}, text in UTF-8, and perhaps more. */
enum vk_err vk_service_search(struct vk_service *s, GHashTable *attrs, struct vk_items *l) VK_MUST;

/**
 * vk_service_none(s, l):
 * What it means that ${l} has no item: VK_ENOENT, or VK_ELOCKED or VK_EBACKEND where the keyring could not know.
 */
enum vk_err vk_service_none(struct vk_service *s, const struct vk_items *l) VK_MUST;

/** vk_service_get(s, item, ret): Its secret, in libsecret's own locked memory; the caller unrefs it. */
enum vk_err vk_service_get(struct vk_service *s, SecretItem *item, SecretValue **ret) VK_MUST;

/**
 * vk_service_put(s, l, attrs, label, secret):
 * Have each item of ${l} hold ${secret}; where there is none, make one of ${attrs}, where it will be there tomorrow.
 */
enum vk_err vk_service_put(struct vk_service *s, const struct vk_items *l, GHashTable *attrs, const char *label,
    const struct vk_secret *secret) VK_MUST;

/** vk_service_remove(s, l): All items of ${l}. */
enum vk_err vk_service_remove(struct vk_service *s, const struct vk_items *l) VK_MUST;

/** vk_attrs(), vk_attr(attrs, name, value): An empty table; set a copy of ${value}. */
GHashTable *vk_attrs(void) VK_MUST;
void vk_attr(GHashTable *attrs, const char *name, const char *value);
void vk_attrs_clear(GHashTable **attrs);

#endif
