/* SPDX-License-Identifier: ISC */
/* Whatever is in a repositories.yaml: what comes of it is understood again, and no account is left in it but ours. */
#include <string.h>

#include "valetkey/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char ours[] = "\"p\\\"\\\\\\U0000000a\\U000000e4\"";

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
	check(vk_cred_set(&c->name, "corp") == VK_OK && vk_cred_set(&c->username, "u") == VK_OK);
	check(vk_secret_set(&c->secret, "p\"\\\n\xc3\xa4", 6) == VK_OK && vk_cred_list_add(&l, c) == VK_OK);
	for (int keep = 0; keep < 2; keep++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_FILE), again = VK_BUF_SECRET(VK_MAX_FILE);
		VK_CLEANUP(vk_buf_clear) struct vk_buf dropped = VK_BUF(VK_MAX_FILE);
		bool serves = false, whole;

		if (vk_helm_merge(text, size, &l, keep, &out, &dropped) != VK_OK)
			continue;
		check(vk_helm_serves(text, size, c, &serves) == VK_OK);
		check(!serves || memmem(out.p, out.len, ours, strlen(ours)) != NULL);
		check(!keep || dropped.len == 0);
		/* A URL that has lost the account in it is one that ours may be for. */
		whole = dropped.len == 0;
		vk_buf_clear(&dropped);
		check(vk_helm_merge(out.p ? out.p : "", out.len, &l, keep, &again, &dropped) == VK_OK && dropped.len == 0);
		check(!whole || (again.len == out.len && (out.len == 0 || memcmp(again.p, out.p, out.len) == 0)));
	}
	return 0;
}
