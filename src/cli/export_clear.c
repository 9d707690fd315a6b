/* SPDX-License-Identifier: ISC */
#include <unistd.h>
#include <string.h>

#include "cli/entry.h"
#include "cli/export.h"
#include "cli/json_out.h"
#include "cli/when.h"
#include "valetkey/io.h"

enum {
	FLUSH_AT = 64 * 1024,
	/* Two secrets and every field, each byte of them as an escape. */
	ENTRY_MAX = 12 * VK_MAX_SECRET + 64 * VK_MAX_FIELD,
};

struct writing {
	struct vk_buf out;
	int fd;
	int64_t now;
};

static enum vk_err
flush(struct writing *w)
{
	enum vk_err e = w->out.err;

	if (e == VK_OK && w->out.len)
		e = vk_write_full(w->fd, w->out.p, w->out.len);
	vk_buf_clear(&w->out);
	return e;
}

/* As text where it is text, else in base64 under a name that says so: every byte has to come out again. */
static enum vk_err
put_bytes(struct vk_buf *b, const char *key, const char *p, size_t n)
{
	VK_CLEANUP(vk_arena_freep) char *text = NULL;

	vk_buf_fmt(b, ", \"%s", key);
	if (vk_utf8_valid(p, n)) {
		vk_buf_str(b, "\": ");
		vk_json_str(b, p, n);
		return b->err;
	}
	if (!(text = vk_arena_alloc(VK_BASE64_LEN(n) + 1)))
		return VK_ENOMEM;
	vk_base64_encode((const unsigned char *)p, n, text);
	vk_buf_str(b, "_base64\": ");
	vk_json_str(b, text, VK_BASE64_LEN(n));
	return b->err;
}

static enum vk_err
write_line(const struct vk_cred *c, void *arg)
{
	struct writing *w = arg;
	enum vk_err e = VK_OK;

	vk_entry_json(&w->out, c, w->now);
	if (!vk_utf8_valid(c->username, strlen(c->username)))
		e = put_bytes(&w->out, "username", c->username, strlen(c->username));
	if (e == VK_OK && c->secret.p)
		e = put_bytes(&w->out, "secret", c->secret.p, c->secret.n);
	if (e == VK_OK && c->refresh.p)
		e = put_bytes(&w->out, "refresh", c->refresh.p, c->refresh.n);
	if (e == VK_OK)
		e = vk_buf_str(&w->out, "}\n");
	return e == VK_OK && w->out.len >= FLUSH_AT ? flush(w) : e;
}

static enum vk_err
write_all(struct vk_exporting *ex, int fd)
{
	struct writing w = { .out = VK_BUF_SECRET(FLUSH_AT + ENTRY_MAX), .fd = fd, .now = vk_when_now() };
	enum vk_err e = vk_export_each(ex, "exporting", write_line, &w);

	if (e == VK_OK)
		e = flush(&w);
	vk_buf_clear(&w.out);
	return e;
}

enum vk_err
vk_export_clear(struct vk_exporting *ex, const char *file)
{
	struct vk_replace r;
	enum vk_err e;

	if (!file)
		return write_all(ex, STDOUT_FILENO);
	if ((e = vk_replace_begin_new(file, 0600, &r)) != VK_OK)
		return e;
	if ((e = write_all(ex, r.fd)) == VK_OK)
		return vk_replace_commit_new(&r);
	vk_replace_abort(&r);
	return e;
}
