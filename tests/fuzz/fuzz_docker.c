/* SPDX-License-Identifier: ISC */
/* Whatever docker sends: a server's spelling is stable, and an answer reads back as it was stored. */
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
scope(const char *server)
{
	VK_CLEANUP(vk_scope_clear) struct vk_scope a = { 0 }, b = { 0 };
	VK_CLEANUP(vk_freep) char *spelled = NULL;

	if (vk_docker_scope(server, &a) != VK_OK)
		return;
	check((spelled = vk_docker_server(&a)) != NULL);
	check(vk_docker_scope(spelled, &b) == VK_OK);
	check(vk_scope_same_origin(&a, &b) && strcmp(a.path, b.path) == 0);
	check(vk_docker_serves(&a, &b) && vk_docker_serves(&b, &a));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VK_CLEANUP(vk_docker_msg_clear) struct vk_docker_msg m = { 0 }, back = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_INPUT);
	const char *text = (const char *)data;

	if (vk_docker_parse_server(text, size, &m) == VK_OK)
		scope(m.server);
	vk_docker_msg_clear(&m);
	if (vk_docker_parse_store(text, size, &m) != VK_OK)
		return 0;
	scope(m.server);
	check(vk_docker_answer(m.server, m.username, &m.secret, &out) == VK_OK);
	check(vk_docker_parse_store(out.p, out.len, &back) == VK_OK);
	check(strcmp(back.server, m.server) == 0 && strcmp(back.username, m.username) == 0);
	check(back.secret.n == m.secret.n && vk_mem_eq(back.secret.p, m.secret.p, m.secret.n));
	return 0;
}
