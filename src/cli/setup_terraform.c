/* SPDX-License-Identifier: ISC */
/*
 * Terraform's CLI configuration, which OpenTofu reads too where it has none of its own: a block "credentials_helper",
 * of which there may be one.  The program is looked for in a plugin directory.
 */
#include <string.h>

#include "valetkey/helper.h"
#include "cli/setup.h"

static enum vk_err
terraform_file(char **ret_path)
{
	const char *own = getenv("TF_CLI_CONFIG_FILE");

	if (own && *own == '/')
		return (*ret_path = vk_strdup(own)) ? VK_OK : VK_ENOMEM;
	if (own && *own)
		return vk_fail(VK_EUSAGE, "TF_CLI_CONFIG_FILE must be an absolute path");
	return vk_setup_home(".terraformrc", ret_path);
}

static enum vk_err
terraform_link(char **ret_path)
{
	return vk_setup_home(".terraform.d/plugins/terraform-credentials-valetkey", ret_path);
}

/* A line that begins with that word, comments aside. */
static bool
has_helper(const char *text, size_t n)
{
	static const char word[] = "credentials_helper";
	const char *end = text + n;

	for (const char *p = text, *lf; p < end; p = lf ? lf + 1 : end) {
		lf = memchr(p, '\n', (size_t)(end - p));
		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		if ((size_t)(end - p) > strlen(word) && memcmp(p, word, strlen(word)) == 0)
			return true;
	}
	return false;
}

static enum vk_err
terraform_put_in(struct vk_setup *s, const char *text, size_t n, bool force, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf lines = VK_BUF(256);

	(void)force;
	if (has_helper(text, n)) {
		vk_hint("take it out first: Terraform wants one at most");
		return vk_fail(VK_EEXIST, "the file already has a credentials_helper");
	}
	vk_buf_str(&lines, "credentials_helper \"valetkey\" {\n  args = []\n}\n");
	return vk_setup_block_put_in(s, "terraform", text, n, n, &lines, out);
}

/*
 * One block, and lines such as "}" that others have too: it goes as a whole, with what is left of our marks, or not at
 * all.
 */
static enum vk_err
terraform_take_out(const struct vk_setup *s, const char *text, size_t n, struct vk_buf *out,
    enum vk_setup_found *ret_found)
{
	static const char ours[] = "credentials_helper \"valetkey\"";
	const char *body = strstr(s->text, ours);
	const char *mark = body ? strstr(body, "\n#") : NULL, *at;
	size_t len = mark ? (size_t)(mark + 1 - body) : 0;

	size_t before = out->len;

	if (memmem(text, n, s->text, strlen(s->text)))
		return vk_setup_block_take_out(s, text, n, out, ret_found);
	at = len > 0 ? memmem(text, n, body, len) : NULL;
	if (at && (at == text || at[-1] == '\n')) {
		*ret_found = VK_SETUP_CHANGED;
		(void)!vk_setup_block_marks_out(s, text, (size_t)(at - text), out);
		return vk_setup_block_marks_out(s, at + len, n - len - (size_t)(at - text), out);
	}
	if (memmem(text, n, ours, strlen(ours))) {
		vk_hint("take the block out by hand, and then once more");
		return vk_fail(VK_EPOLICY, "somebody changed the block %s", ours);
	}
	(void)!vk_setup_block_marks_out(s, text, n, out);
	*ret_found = out->len - before == n ? VK_SETUP_GONE : VK_SETUP_CHANGED;
	return out->err;
}

static void
terraform_advise(const struct vk_setup *s)
{
	VK_CLEANUP(vk_freep) char *own = NULL;
	struct stat st;

	(void)s;
	if (vk_setup_home(".tofurc", &own) == VK_OK && stat(own, &st) == 0)
		vk_msg_warn("OpenTofu reads %s and not this file: copy the block", own);
}

const struct vk_setup_tool vk_setup_terraform = {
	.name = "terraform",
	.program = "terraform-credentials-valetkey",
	.file = terraform_file,
	.link = terraform_link,
	.take_out = terraform_take_out,
	.put_in = terraform_put_in,
	.advise = terraform_advise,
};
