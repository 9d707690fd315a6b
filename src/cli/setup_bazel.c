/* SPDX-License-Identifier: ISC */
/*
 * Bazel's user file, "bazelrc" in its manual: lines of a command and options, in words that are quoted as for a shell.
 * "common" is for every command that knows the option.  A helper is bound to the name of a host, without a port, and
 * takes no arguments, so it has to be the link.
 */
#include <string.h>

#include "cli/setup.h"

static bool
bazel_takes(const struct vk_scope *scope)
{
	return strcmp(scope->scheme, "https") == 0;
}

static enum vk_err
bazel_file(char **ret_path)
{
	return vk_setup_home(".bazelrc", ret_path);
}

static bool
is_repeated(const struct vk_setup *s, size_t i, const struct vk_scope *scope)
{
	for (size_t k = 0; k < i; k++) {
		struct vk_scope other;
		bool same;

		if (vk_scope_parse(s->hosts[k].url, &other, NULL) != VK_OK)
			continue;
		same = strcmp(other.host, scope->host) == 0;
		vk_scope_clear(&other);
		if (same)
			return true;
	}
	return false;
}

static enum vk_err
add_line(const struct vk_setup *s, size_t i, const char *program, struct vk_buf *out)
{
	struct vk_scope scope;
	enum vk_err e = vk_scope_parse(s->hosts[i].url, &scope, NULL);

	if (e != VK_OK)
		return e;
	if (!is_repeated(s, i, &scope))
		vk_buf_fmt(out, strpbrk(program, " \t#\"\\") ? "common '--credential_helper=%s=%s'\n" :
		    "common --credential_helper=%s=%s\n", scope.host, program);
	vk_scope_clear(&scope);
	return out->err;
}

static enum vk_err
bazel_put_in(struct vk_setup *s, const char *text, size_t n, bool force, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf lines = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(vk_freep) char *program = NULL;
	enum vk_err e = vk_setup_beside(vk_setup_bazel.program, &program);

	(void)force; /* a later line for the same host counts, and ours is the last */
	if (e == VK_OK && strchr(program, '\''))
		e = vk_fail(VK_EPOLICY, "a quote in the path %s cannot be written there", program);
	for (size_t i = 0; e == VK_OK && i < s->n_hosts; i++)
		e = add_line(s, i, program, &lines);
	return e == VK_OK ? vk_setup_block_put_in(s, "bazel", text, n, n, &lines, out) : e;
}

const struct vk_setup_tool vk_setup_bazel = {
	.name = "bazel",
	.program = "bazel-credential-valetkey",
	.takes = bazel_takes,
	.file = bazel_file,
	.take_out = vk_setup_block_take_out,
	.put_in = bazel_put_in,
};
