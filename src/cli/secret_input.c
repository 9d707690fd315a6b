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

/* ${n} bytes, of which the last may be a line end. */
static enum vk_err
take(const char *what, const char *p, size_t n, struct vk_secret *ret)
{
	size_t len = n;
	enum vk_err e;

	if (len > 0 && p[len - 1] == '\n')
		len--;
	if (len > 0 && len < n && p[len - 1] == '\r')
		len--;
	if ((e = check(what, p, len)) != VK_OK)
		return e;
	return vk_secret_set(ret, p, len);
}

static enum vk_err
read_all(const char *what, struct vk_buf *b)
{
	enum vk_err e = vk_buf_read(b, STDIN_FILENO);

	return e == VK_ELIMIT ? vk_fail(e, "%s is larger than %d bytes", what, VK_MAX_SECRET) : e;
}

enum vk_err
vk_input_stdin(const char *what, struct vk_secret *ret)
{
	/* Room for the line end that is dropped. */
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_MAX_SECRET + 2);
	enum vk_err e = read_all(what, &b);

	return e == VK_OK ? take(what, b.p ? b.p : "", b.len, ret) : e;
}

enum vk_err
vk_input_stdin_two(const char *first, const char *second, struct vk_secret *ret_first,
    struct vk_secret *ret_second)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(2 * VK_MAX_SECRET);
	enum vk_err e = read_all(first, &b);
	const char *p = b.p ? b.p : "", *lf = memchr(p, '\n', b.len);
	size_t n = lf ? (size_t)(lf - p) + 1 : b.len;

	if (e == VK_OK && !lf)
		e = vk_fail(VK_EUSAGE, "standard input is to hold two lines: %s, then %s", first, second);
	if (e == VK_OK)
		e = take(first, p, n, ret_first);
	return e == VK_OK ? take(second, p + n, b.len - n, ret_second) : e;
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
