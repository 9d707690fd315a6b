/* SPDX-License-Identifier: ISC */
/* Whatever git sends: what is accepted can be answered, and the answer reads back as it was. */
#include <string.h>

#include "valetkey/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
answer(const struct vk_cred *c, const struct vk_git_msg *m)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf state = VK_BUF(256), out = VK_BUF_SECRET(VK_MAX_INPUT);
	VK_CLEANUP(vk_git_msg_clear) struct vk_git_msg back = { 0 };

	check(vk_git_state(&c->scope, c, &state) == VK_OK);
	if (vk_git_answer(c, m, state.p, m->ephemeral, &out) != VK_OK)
		return;
	check(vk_git_parse(out.p, out.len, &back) == VK_OK);
	check(!back.protocol && !back.host && !back.path && (back.caps & ~m->caps) == 0);
	check(!back.state == !(m->caps & VK_GIT_CAP_STATE));
	check(back.has_expiry == (c->expires > 0) && (!back.has_expiry || back.expiry == c->expires));
	if (c->kind == VK_KIND_BEARER)
		check(back.credential.n == c->secret.n && (m->caps & VK_GIT_CAP_AUTHTYPE) != 0);
	else
		check(back.password.n == c->secret.n && strcmp(back.username, c->username) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VK_CLEANUP(vk_git_msg_clear) struct vk_git_msg m = { 0 };
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	const char *text = (const char *)data;
	size_t block = vk_git_block(text, size);

	check(block <= size);
	if (vk_git_parse(text, size, &m) != VK_OK)
		return 0;
	/* What comes after the blank line has no say. */
	if (block > 0) {
		VK_CLEANUP(vk_git_msg_clear) struct vk_git_msg first = { 0 };

		check(vk_git_parse(text, block, &first) == VK_OK);
		check(!first.host == !m.host && (!m.host || strcmp(first.host, m.host) == 0));
	}
	if (vk_git_cred(&m, &c) == VK_OK)
		answer(c, &m);
	return 0;
}
