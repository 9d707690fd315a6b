/* SPDX-License-Identifier: ISC */
/*
 * fill KEYSTORE N - put N entries into a keystore in one transaction, for measurements at sizes that
 * nobody types in.  Entry number i is https://host-<i>.bench.example, user "ci", as git would have
 * stored it.  The key comes from the environment, as for every other process.
 */
#include <stdio.h>
#include <string.h>

#include "valetkey/store.h"
#include "valetkey/unlock.h"

static enum vk_err
put_all(struct vk_store *st, void *arg)
{
	unsigned long n = *(unsigned long *)arg;

	for (unsigned long i = 0; i < n; i++) {
		VK_CLEANUP(vk_cred_freep) struct vk_cred *c = vk_cred_new();
		char text[80];
		enum vk_err e;

		if (!c)
			return VK_ENOMEM;
		vk_scope_clear(&c->scope);
		snprintf(text, sizeof(text), "https://host-%lu.bench.example", i);
		if ((e = vk_scope_parse(text, &c->scope, NULL)) != VK_OK)
			return e;
		snprintf(text, sizeof(text), "token-%lu-0123456789abcdef0123456789", i);
		if ((e = vk_secret_set(&c->secret, text, strlen(text))) != VK_OK ||
		    (e = vk_cred_set(&c->username, "ci")) != VK_OK)
			return e;
		c->flags = VK_CRED_GIT;
		if ((e = vk_store_stage_put(st, c)) != VK_OK)
			return e;
	}
	return VK_OK;
}

int
main(int argc, char **argv)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	unsigned long n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	enum vk_err e;

	if (n == 0) {
		fprintf(stderr, "usage: fill KEYSTORE N\n");
		return 2;
	}
	if ((e = vk_store_open(argv[1], &st)) != VK_OK || (e = vk_unlock(st, NULL)) != VK_OK ||
	    (e = vk_store_commit(st, put_all, &n)) != VK_OK)
		fprintf(stderr, "fill: %s\n", *vk_reason() ? vk_reason() : vk_err_text(e));
	return e == VK_OK ? 0 : 1;
}
