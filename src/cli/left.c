/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <string.h>

#include "cli/entry.h"
#include "cli/json_out.h"
#include "cli/left.h"

enum {
	LINES = 20,                   /* of text */
	WHAT = 160,                   /* bytes of a name in it */
	JSON_MAX = 256 * 1024 * 1024, /* some millions of entries; those beyond are counted */
};

void
vk_left_begin(struct vk_left_list *l, bool json)
{
	*l = (struct vk_left_list){ .json = json, .out = VK_BUF(json ? JSON_MAX : 64 * 1024) };
}

void
vk_left_clear(struct vk_left_list *l)
{
	vk_buf_clear(&l->out);
}

static enum vk_err
add_json(struct vk_left_list *l, uint64_t line, const char *what, const char *why, bool secret)
{
	struct vk_buf *b = &l->out;

	/* With room for every byte of a name as an escape. */
	if (b->len + 6 * strlen(what) + 1024 > b->max) {
		l->unlisted++;
		return VK_OK;
	}
	vk_buf_str(b, b->len ? ",\n\t\t" : "\n\t\t");
	if (line)
		vk_buf_fmt(b, "{\"line\": %" PRIu64 ", ", line);
	else
		vk_buf_str(b, "{\"line\": null, ");
	vk_json_member(b, "what", what);
	vk_buf_str(b, ", ");
	vk_json_member(b, "reason", why);
	return vk_buf_fmt(b, ", \"secret\": %s}", secret ? "true" : "false");
}

static enum vk_err
add_line(struct vk_left_list *l, uint64_t line, const char *what, const char *why)
{
	struct vk_buf *b = &l->out;

	if (l->n > LINES) {
		l->unlisted++;
		return VK_OK;
	}
	vk_buf_str(b, "  ");
	if (line)
		vk_buf_fmt(b, "line %" PRIu64 ": ", line);
	if (*what) {
		VK_CLEANUP(vk_freep) char *name = strndup(what, WHAT);

		if (!name)
			return VK_ENOMEM;
		vk_printable_add(b, name, 0);
		vk_buf_str(b, strlen(what) > WHAT ? "...: " : ": ");
	}
	vk_printable_add(b, why, 0);
	return vk_buf_char(b, '\n');
}

enum vk_err
vk_left_add(struct vk_left_list *l, uint64_t line, const char *what, const char *why, bool secret)
{
	l->n++;
	if (secret && l->secrets++ == 0)
		l->first_secret = line;
	return l->json ? add_json(l, line, what, why, secret) : add_line(l, line, what, why);
}

void
vk_left_print(const struct vk_left_list *l, struct vk_buf *out)
{
	if (l->json)
		vk_buf_char(out, '[');
	vk_buf_add(out, l->out.p ? l->out.p : "", l->out.len);
	if (l->json)
		vk_buf_str(out, l->out.len ? "\n\t]" : "]");
	else if (l->unlisted)
		vk_buf_fmt(out, "  and %" PRIu64 " more (--json lists all)\n", l->unlisted);
}
