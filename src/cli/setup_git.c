/* SPDX-License-Identifier: ISC */
/*
 * git's global configuration, git-config(1) and gitcredentials(7).  A helper with an absolute path is
 * started without the detour over "git credential-NAME", by a shell, as "PATH get".  An empty value
 * resets the list of helpers, so that for these hosts no other one is asked or told.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/setup.h"

static bool
git_takes(const struct vk_scope *scope)
{
	return *scope->host != '\0'; /* http, but send-email asks for smtp as well */
}

/* The file that "git config --global" writes to. */
static enum vk_err
git_file(char **ret_path)
{
	const char *global = getenv("GIT_CONFIG_GLOBAL"), *xdg = getenv("XDG_CONFIG_HOME");
	VK_CLEANUP(vk_freep) char *own = NULL;
	VK_CLEANUP(vk_freep) char *other = NULL;
	struct stat st;
	enum vk_err e;

	if (global && *global) {
		if (*global != '/')
			return vk_fail(VK_EUSAGE, "GIT_CONFIG_GLOBAL must be an absolute path");
		return (*ret_path = vk_strdup(global)) ? VK_OK : VK_ENOMEM;
	}
	if ((e = vk_setup_home(".gitconfig", &own)) != VK_OK)
		return e;
	if (xdg && *xdg == '/')
		e = (other = vk_asprintf("%s/git/config", xdg)) ? VK_OK : VK_ENOMEM;
	else
		e = vk_setup_home(".config/git/config", &other);
	if (e != VK_OK)
		return e;
	*ret_path = stat(own, &st) < 0 && stat(other, &st) == 0 ? VK_TAKE(other) : VK_TAKE(own);
	return VK_OK;
}

/*
 * A path for the shell, then for git's own quoting.  With backslashes and not in quotes: git takes a
 * helper for a path only when it begins with a slash.
 */
static void
add_helper(struct vk_buf *b, const char *path, const char *args)
{
	vk_buf_str(b, "\thelper = \"");
	for (const char *s = path; *s; s++) {
		bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		    (*s >= '0' && *s <= '9') || strchr("/._-+:@%,", *s) || (unsigned char)*s >= 0x80;

		if (!plain)
			vk_buf_str(b, "\\\\");
		if (*s == '"' || *s == '\\')
			vk_buf_char(b, '\\');
		vk_buf_char(b, *s);
	}
	vk_buf_fmt(b, "%s\"\n", args);
}

/* The link beside this program, or the program itself where only that one file was installed. */
static enum vk_err
add_own_helper(struct vk_buf *b)
{
	VK_CLEANUP(vk_freep) char *self = NULL;
	VK_CLEANUP(vk_freep) char *link = NULL;
	enum vk_err e = vk_setup_beside(vk_setup_git.program, &link);

	if (e == VK_OK) {
		add_helper(b, link, "");
	} else if (e == VK_ENOENT && (e = vk_setup_self(&self)) == VK_OK) {
		vk_reason_clear();
		add_helper(b, self, " helper git-credential");
	}
	return e == VK_OK ? b->err : e;
}

static enum vk_err
git_put_in(struct vk_setup *s, const char *text, size_t n, bool force, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf lines = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(vk_buf_clear) struct vk_buf helper = VK_BUF(4 * VK_MAX_FIELD);
	enum vk_err e;

	(void)force; /* settings of others are not replaced, only shadowed */
	if ((e = add_own_helper(&helper)) != VK_OK)
		return e;
	for (size_t i = 0; i < s->n_hosts; i++)
		vk_buf_fmt(&lines, "[credential \"%s\"]\n\thelper =\n%s%s", s->hosts[i].url, helper.p,
		    s->hosts[i].with_path ? "\tuseHttpPath = true\n" : "");
	return vk_setup_block_put_in(s, "git", text, n, n, &lines, out);
}

const struct vk_setup_tool vk_setup_git = {
	.name = "git",
	.program = "git-credential-valetkey",
	.takes = git_takes,
	.file = git_file,
	.take_out = vk_setup_block_take_out,
	.put_in = git_put_in,
};
