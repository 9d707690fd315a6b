/* SPDX-License-Identifier: ISC */
/* Whatever is in a netrc: a run's own lines come first, and of the rest only names are told. */
#include <string.h>

#include "valetkey/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char ours[] = "machine h.example login u password p\n";

static void
check(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };
	struct vk_cred *c = vk_cred_new();
	const char *text = size ? (const char *)data : "";

	check(c != NULL);
	vk_scope_clear(&c->scope);
	check(vk_scope_parse("https://h.example", &c->scope, NULL) == VK_OK);
	check(vk_cred_set(&c->username, "u") == VK_OK);
	check(vk_secret_set(&c->secret, "p", 1) == VK_OK && vk_cred_list_add(&l, c) == VK_OK);
	for (int keep = 0; keep < 2; keep++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_FILE);
		VK_CLEANUP(vk_buf_clear) struct vk_buf dropped = VK_BUF(VK_MAX_FILE);

		if (vk_netrc_merge(text, size, &l, keep, &out, &dropped) != VK_OK)
			continue;
		check(strncmp(out.p, ours, strlen(ours)) == 0);
		check(keep ? dropped.len == 0 : out.len == strlen(ours));
	}
	return 0;
}
