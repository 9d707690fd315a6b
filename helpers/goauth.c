/* SPDX-License-Identifier: ISC */
/*
 * Go's GOAUTH command, "go help goauth" (Go 1.24).  It is started twice: before the first request without an argument,
 * where we say nothing, or every go command would be handed every credential; and after an answer of 4xx with
 * the URL as argument and the head of the answer on standard input.
 */
#include <string.h>

#include "valetkey/proto.h"
#include "common.h"

static const char usage[] =
    "usage: valetkey helper goauth [--config FILE] [--profile NAME] [URL]\n\n"
    "go starts this; \"valetkey setup go\" registers it.\n";

/*
 * A set: the prefix that go remembers the header for, which is the entry's own place and no wider, a blank line,
 * the header, a blank line.
 */
static enum vk_err
say(const struct vk_cred *c, void *arg)
{
	VK_CLEANUP(vk_freep) char *url = vk_scope_url(&c->scope);
	struct vk_buf *out = arg;
	enum vk_err e;

	if (!url)
		return VK_ENOMEM;
	vk_buf_fmt(out, "%s\n\n%s: ", url, vk_auth_field(c));
	if ((e = vk_auth_value(c, out)) != VK_OK)
		return e;
	return vk_buf_str(out, "\n\n");
}

/* A query belongs to the request and not to the place. */
static enum vk_err
scope_of(const char *url, struct vk_scope *ret)
{
	VK_CLEANUP(vk_freep) char *plain = strndup(url, strcspn(url, "?#"));

	return plain ? vk_scope_parse(plain, ret, NULL) : VK_ENOMEM;
}

static int
answer(const struct vk_policy_opts *opts, const char *url)
{
	VK_CLEANUP(vk_scope_clear) struct vk_scope asked = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf head = VK_BUF(VK_MAX_INPUT);
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_INPUT);
	struct vk_query q = { &asked, NULL };
	enum vk_err e = scope_of(url, &asked);

	/* Nothing in the head changes the answer, but who writes it should be able to. */
	if (e == VK_OK)
		e = vk_helper_read(&head);
	if (e != VK_OK) {
		vk_helper_refused(NULL, opts, &asked, e);
		return vk_helper_fail(e);
	}
	/* go sends what it is told over https only. */
	if (strcmp(asked.scheme, "https") != 0)
		return 0;
	e = vk_helper_answer(opts, &q, say, &out);
	if (e == VK_ENOENT)
		return 0;
	return e == VK_OK ? vk_helper_write(out.p, out.len) : vk_helper_fail(e);
}

int
vk_goauth(int argc, char **argv)
{
	struct vk_policy_opts opts = { .tool = "go" };
	int at = vk_helper_options(argc, argv, usage, &opts);

	if (at <= 0)
		return at < 0 ? 2 : 0;
	if (argc - at > 1)
		return vk_msg_usage("goauth: at most one URL, please");
	return at == argc ? 0 : answer(&opts, argv[at]);
}
