/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <unistd.h>

#include "valetkey/unlock.h"
#include "cli/secret_input.h"

static enum vk_err
check(const char *what, const char *p, size_t n)
{
	if (n == 0)
		return vk_fail(VK_EUSAGE, "%s is empty", what);
	if (memchr(p, '\n', n) || memchr(p, '\r', n) || memchr(p, '\0', n))
		return vk_fail(VK_EUSAGE, "%s holds more than one line, or a NUL", what);
	return VK_OK;
}

enum vk_err
vk_input_stdin(const char *what, struct vk_secret *ret)
{
	/* Room for the line end that is dropped. */
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_MAX_SECRET + 2);
	enum vk_err e = vk_buf_read(&b, STDIN_FILENO);
	size_t n = b.len;

	if (e == VK_ELIMIT)
		return vk_fail(e, "%s is larger than %d bytes", what, VK_MAX_SECRET);
	if (e != VK_OK)
		return e;
	if (n > 0 && b.p[n - 1] == '\n')
		n--;
	if (n > 0 && n < b.len && b.p[n - 1] == '\r')
		n--;
	if ((e = check(what, b.p, n)) != VK_OK)
		return e;
	return vk_secret_set(ret, b.p, n);
}

enum vk_err
vk_input_ask(const char *what, const char *prompt, bool confirm, struct vk_secret *ret)
{
	struct vk_secret s = { 0 };
	enum vk_err e;

	if (!isatty(STDIN_FILENO))
		return vk_fail(VK_ELOCKED, "standard input is not a terminal, so nothing asks for %s", what);
	if ((e = vk_tty_secret(prompt, confirm, &s)) != VK_OK)
		return e;
	if ((e = check(what, s.p, s.n)) != VK_OK) {
		vk_secret_clear(&s);
		return e;
	}
	vk_secret_clear(ret);
	*ret = s;
	return VK_OK;
}
