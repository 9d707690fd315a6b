/* SPDX-License-Identifier: ISC */
/* Lines of ours between two comments in a file of lines, with or without [sections]. */
#include <string.h>

#include "cli/setup.h"

#define BEGIN_MARK "# begin valetkey: \"valetkey setup "
#define END_MARK "# end valetkey\n"

enum vk_err
vk_setup_home(const char *file, char **ret)
{
	const char *home = getenv("HOME");

	if (!home || *home != '/')
		return vk_fail(VK_EUSAGE, "HOME is not set, so there is no %s", file);
	*ret = vk_asprintf("%s/%s", home, file);
	return *ret ? VK_OK : VK_ENOMEM;
}

enum vk_err
vk_setup_block_put_in(struct vk_setup *s, const char *tool, const char *text, size_t n, size_t at,
    const struct vk_buf *lines, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf block = VK_BUF(VK_MAX_FILE);

	if (at > 0 && text[at - 1] != '\n')
		vk_buf_char(&block, '\n');
	vk_buf_fmt(&block, BEGIN_MARK "%s --undo\" removes these lines\n%s" END_MARK, tool, lines->p);
	if (lines->err != VK_OK || block.err != VK_OK)
		return lines->err != VK_OK ? lines->err : block.err;
	free(s->text);
	if (!(s->text = vk_strdup(block.p)))
		return VK_ENOMEM;
	vk_buf_add(out, text, at);
	vk_buf_add(out, block.p, block.len);
	return vk_buf_add(out, text + at, n - at);
}

/* A line of some text, with its LF. */
struct line {
	const char *p;
	size_t n;
};

static struct line
line_at(const char *p, const char *end)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));

	return (struct line){ p, (size_t)((lf ? lf + 1 : end) - p) };
}

/* Is ${l} one of the lines of ${text}? */
static bool
is_line_of(const char *text, struct line l)
{
	const char *end = text + strlen(text);

	for (const char *p = text; p < end;) {
		struct line own = line_at(p, end);

		if (own.n == l.n && memcmp(own.p, l.p, l.n) == 0)
			return true;
		p += own.n;
	}
	return false;
}

static bool
has_sections(const char *text)
{
	return *text == '[' || strstr(text, "\n[");
}

/* Does a block of ours end in what follows its first mark, before another begins? */
static bool
is_closed(const char *p, const char *end)
{
	const char *close = memmem(p, (size_t)(end - p), END_MARK, strlen(END_MARK));

	return close && !memmem(p, (size_t)(close - p), BEGIN_MARK, strlen(BEGIN_MARK));
}

/* Where a walk through the lines of a file is. */
struct place {
	struct line section; /* the header of the section */
	bool ours;           /* that is one of ours, or there are no sections */
	bool between;        /* our marks */
};

static bool
is_ours(const struct place *at, vk_setup_is_for *is_for, struct line l)
{
	/* Outside of our sections only the marks are ours. */
	if (*l.p == '#')
		return true;
	if (!is_for)
		return at->ours;
	return at->between || (at->section.p && is_for(at->section.p, at->section.n, l.p, l.n));
}

/*
 * Somebody changed the lines between our marks (git does, when it sets something for one of
 * our hosts), or took a mark out.  Ours go one by one; a section's header stays when it holds theirs.
 * ${is_for}: which section they are for, where that need not be one that we began; or NULL.
 */
static void
take_lines(const struct vk_setup *s, const char *text, size_t n, vk_setup_is_for *is_for, struct vk_buf *out)
{
	struct place at = { .ours = !has_sections(s->text) };
	struct line header = { NULL, 0 };

	for (const char *p = text, *end = text + n; p < end;) {
		struct line l = line_at(p, end);
		size_t lead = strspn(l.p, " \t");
		bool blank = lead >= l.n || l.p[lead] == '\n';
		bool ours = !blank && is_line_of(s->text, l);

		p += l.n;
		if (l.p[lead] == '[') {
			at.ours = ours;
			at.section = (struct line){ l.p + lead, l.n - lead };
			header = ours ? l : (struct line){ NULL, 0 };
			if (!ours)
				vk_buf_add(out, l.p, l.n);
			continue;
		}
		if (*l.p == '#' && ours)
			at.between = strncmp(l.p, BEGIN_MARK, strlen(BEGIN_MARK)) == 0 && is_closed(p, end);
		if (ours && is_ours(&at, is_for, l))
			continue;
		if (!blank && l.p[lead] != '#' && header.p) {
			vk_buf_add(out, header.p, header.n);
			header.p = NULL;
		}
		vk_buf_add(out, l.p, l.n);
	}
}

enum vk_err
vk_setup_block_marks_out(const struct vk_setup *s, const char *text, size_t n, struct vk_buf *out)
{
	for (const char *p = text, *end = text + n; p < end;) {
		struct line l = line_at(p, end);

		if (*l.p != '#' || !is_line_of(s->text, l))
			vk_buf_add(out, l.p, l.n);
		p += l.n;
	}
	return out->err;
}

enum vk_err
vk_setup_block_take_out(const struct vk_setup *s, const char *text, size_t n, struct vk_buf *out,
    enum vk_setup_found *ret_found)
{
	size_t len = strlen(s->text), before = out->len;
	const char *at = len ? memmem(text, n, s->text, len) : NULL, *end = text + n, *from, *to;

	if (at) {
		*ret_found = VK_SETUP_WHOLE;
		/* The LF that completed their last line stays if there are lines behind it now. */
		if (s->text[0] == '\n' && at + len < end)
			at++, len--;
		vk_buf_add(out, text, (size_t)(at - text));
		return vk_buf_add(out, at + len, (size_t)(end - (at + len)));
	}
	/* Between the marks where both are left; else anywhere. */
	from = memmem(text, n, BEGIN_MARK, strlen(BEGIN_MARK));
	to = from ? memmem(from, (size_t)(end - from), END_MARK, strlen(END_MARK)) : NULL;
	if (to) {
		to += strlen(END_MARK);
	} else {
		from = text;
		to = end;
	}
	vk_buf_add(out, text, (size_t)(from - text));
	take_lines(s, from, (size_t)(to - from), NULL, out);
	vk_buf_add(out, to, (size_t)(end - to));
	*ret_found = out->len - before == n ? VK_SETUP_GONE : VK_SETUP_CHANGED;
	return out->err;
}

/* Does what is here begin with a line that would be of another section, were the header before it gone? */
static bool
goes_on(const char *p, const char *end)
{
	while (p < end) {
		struct line l = line_at(p, end);
		size_t lead = 0;

		while (lead < l.n && strchr(" \t\r\n", l.p[lead]))
			lead++;
		if (lead < l.n && l.p[lead] != '#' && l.p[lead] != ';')
			return l.p[lead] != '[';
		p += l.n;
	}
	return false;
}

/* Cut ${piece} out of ${b}; false: it is not there, or what stands behind it needs a line of it. */
static bool
cut(struct vk_buf *b, struct line piece)
{
	char *at = b->len > 0 ? memmem(b->p, b->len, piece.p, piece.n) : NULL, *end = b->p + b->len;

	if (!at || (memmem(piece.p, piece.n, "\n[", 2) && goes_on(at + piece.n, end)))
		return false;
	/* The LF that completed their last line stays if there are lines behind it now. */
	if (*piece.p == '\n' && at + piece.n < end)
		at++, piece.n--;
	memmove(at, at + piece.n, (size_t)(end - (at + piece.n)) + 1);
	b->len -= piece.n;
	return true;
}

enum vk_err
vk_setup_blocks_take_out(const struct vk_setup *s, const char *text, size_t n, vk_setup_is_for *is_for,
    struct vk_buf *out, enum vk_setup_found *ret_found)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf left = VK_BUF_SECRET(VK_MAX_FILE);
	size_t before = out->len;
	bool whole = true;

	if (vk_buf_add(&left, text, n) != VK_OK)
		return left.err;
	for (const char *p = s->text; *p;) {
		const char *mark = strstr(p, END_MARK);
		struct line piece = { p, mark ? (size_t)(mark - p) + strlen(END_MARK) : strlen(p) };

		whole &= cut(&left, piece);
		p += piece.n;
	}
	if (whole)
		vk_buf_add(out, left.p, left.len);
	else
		take_lines(s, left.p, left.len, is_for, out);
	*ret_found = whole ? VK_SETUP_WHOLE : out->len - before == n ? VK_SETUP_GONE : VK_SETUP_CHANGED;
	return out->err;
}
