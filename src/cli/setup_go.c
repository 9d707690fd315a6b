/* SPDX-License-Identifier: ISC */
/*
 * The file of "go env -w", "go help environment": lines KEY=VALUE, of which the last of a key counts, and others are
 * ignored.  GOAUTH ("go help goauth") is a list, in which we come first.
 */
#include <string.h>

#include "inject/recipe.h"
#include "valetkey/helper.h"
#include "cli/setup.h"

static enum vk_err
go_file(char **ret_path)
{
	const char *own = getenv("GOENV"), *xdg = getenv("XDG_CONFIG_HOME");

	if (own && strcmp(own, "off") == 0)
		return vk_fail(VK_EUSAGE, "GOENV=off: go reads no configuration file");
	if (own && *own)
		return (*ret_path = vk_strdup(own)) ? VK_OK : VK_ENOMEM;
	if (xdg && *xdg == '/')
		return (*ret_path = vk_asprintf("%s/go/env", xdg)) ? VK_OK : VK_ENOMEM;
	return vk_setup_home(".config/go/env", ret_path);
}

/* The value of the last line GOAUTH=..., and its length; NULL when there is none. */
static const char *
last_goauth(const char *text, size_t n, size_t *ret_n)
{
	static const char key[] = "GOAUTH=";
	const char *end = text + n, *found = NULL, *lf;

	for (const char *p = text; p < end; p = lf ? lf + 1 : end) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if ((size_t)((lf ? lf : end) - p) < strlen(key) || memcmp(p, key, strlen(key)) != 0)
			continue;
		found = p + strlen(key);
		*ret_n = (size_t)((lf ? lf : end) - found);
	}
	return found;
}

static enum vk_err
go_put_in(struct vk_setup *s, const char *text, size_t n, bool force, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf lines = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(vk_freep) char *self = NULL;
	size_t own_n = 0;
	const char *own = last_goauth(text, n, &own_n);
	enum vk_err e = vk_setup_self(&self);

	(void)force; /* what is there stays in the list */
	vk_buf_str(&lines, "GOAUTH=");
	if (e == VK_OK)
		e = vk_recipe_goauth(self, &lines);
	if (e != VK_OK)
		return e;
	/* Without the variable go reads netrc; "off" is only valid alone. */
	if (!own || own_n == 0)
		vk_buf_str(&lines, ";netrc");
	else if (own_n != 3 || memcmp(own, "off", 3) != 0)
		vk_buf_fmt(&lines, ";%.*s", (int)own_n, own);
	vk_buf_char(&lines, '\n');
	return vk_setup_block_put_in(s, "go", text, n, n, &lines, out);
}

static void
go_advise(const struct vk_setup *s)
{
	(void)s;
	if (getenv("GOAUTH"))
		vk_msg_warn("the variable GOAUTH is set, and go heeds it instead: unset it");
}

const struct vk_setup_tool vk_setup_go = {
	.name = "go",
	.file = go_file,
	.take_out = vk_setup_block_take_out,
	.put_in = go_put_in,
	.advise = go_advise,
};
