/* SPDX-License-Identifier: ISC */
/*
 * A netrc of any length, word by word.  Its readers disagree about much; where they do, this is curl's
 * way, which is git's as well: quotes keep blanks and know escapes, a backslash outside of them is a
 * backslash.  Where even that would be a guess, the entry is left.
 */
#include <string.h>

#include "proto/import.h"

enum lexer { GAP = 0, WORD, QUOTE, ESCAPE, COMMENT, MACRO };

/* What the next word is. */
enum want { KEYWORD = 0, HOST, LOGIN, PASSWORD, ACCOUNT, MACRO_NAME, OTHER };

struct state {
	enum lexer lexer;
	enum want want;
	bool control, too_long; /* of the word */
	bool line_empty;        /* of a macro */
	/* The machine, if ${e.c}. */
	struct vk_import_entry e;
	char *host;
	bool is_default, has_login, has_password, has_account;
	bool skipped;  /* words that nobody knows were told about */
};

static const char too_long[] = "a word of it is too long";
static const char control[] = "a word of it holds a control character";
static const char cut_short[] = "it is cut short";

static enum vk_err
emit(struct vk_import *im, struct state *s)
{
	struct vk_scope scope = { 0 };
	enum vk_err err;

	if (s->is_default)
		return vk_import_leave(im, s->e.line, "default", "it answers for every host, which no entry "
		    "does", s->has_password || s->has_account || s->e.why);
	if (!s->e.why && !s->has_password)
		return vk_import_leave(im, s->e.line, s->host, "it has no password", false);
	err = vk_scope_make("https", s->host ? s->host : "", NULL, &scope);
	err = vk_import_scope(&s->e, err, &scope);
	return err == VK_OK ? vk_import_emit(im, &s->e) : err;
}

/* The machine ends where the next one begins. */
static enum vk_err
finish(struct vk_import *im, struct state *s)
{
	enum vk_err err = VK_OK;

	if (s->e.c) {
		s->e.what = s->host;
		err = emit(im, s);
	}
	if (err == VK_OK && s->e.c && s->has_account && !s->e.why && !s->is_default)
		err = vk_import_leave(im, s->e.line, s->host, "its account is left out: nothing asks for one",
		    true);
	vk_import_entry_clear(&s->e);
	free(VK_TAKE(s->host));
	s->is_default = s->has_login = s->has_password = s->has_account = s->skipped = false;
	return err;
}

static enum vk_err
begin(struct vk_import *im, struct state *s, bool is_default)
{
	enum vk_err err = finish(im, s);

	if (err == VK_OK)
		err = vk_import_entry_new(&s->e, im->line, "");
	s->is_default = is_default;
	return err;
}

static enum vk_err
unknown(struct vk_import *im, struct state *s)
{
	if (s->skipped)
		return VK_OK;
	s->skipped = true;
	return vk_import_leave(im, im->line, s->host, s->e.c
	    ? "a word here means nothing in a netrc and was skipped; part of a password with a blank?"
	    : "words that belong to no machine were skipped", true);
}

static enum vk_err
keyword(struct vk_import *im, struct state *s, const char *word)
{
	static const struct {
		const char *word;
		enum want want;
	} keywords[] = {
		{ "login", LOGIN }, { "user", LOGIN },	{ "password", PASSWORD }, { "passwd", PASSWORD },
		{ "account", ACCOUNT }, { "port", OTHER }, { "protocol", OTHER }, { "path", OTHER },
	};
	enum vk_err err;

	if (strcmp(word, "machine") == 0 || strcmp(word, "default") == 0) {
		s->want = *word == 'm' ? HOST : KEYWORD;
		return begin(im, s, *word == 'd');
	}
	if (strcmp(word, "macdef") == 0) {
		if ((err = finish(im, s)) == VK_OK)
			s->want = MACRO_NAME;
		return err;
	}
	for (size_t i = 0; s->e.c && i < VK_COUNT(keywords); i++)
		if (strcmp(word, keywords[i].word) == 0) {
			s->want = keywords[i].want;
			return VK_OK;
		}
	return unknown(im, s);
}

static void
once(struct state *s, bool *has, const char *why)
{
	if (*has)
		vk_import_bad(&s->e, why);
	*has = true;
}

static enum vk_err
value(struct state *s, enum want want, const char *word, size_t n)
{
	struct vk_import_entry *e = &s->e;

	if (s->too_long || s->control)
		vk_import_bad(e, s->too_long ? too_long : control);
	switch (want) {
	case HOST:
		if (n > VK_MAX_FIELD || s->too_long || s->control) {
			vk_import_bad(e, too_long);
			return VK_OK;
		}
		return (s->host = strndup(word, n)) ? VK_OK : VK_ENOMEM;
	case LOGIN:
		once(s, &s->has_login, "it has two logins");
		return vk_import_user(e, word, n);
	case PASSWORD:
		once(s, &s->has_password, "it has two passwords");
		return vk_import_secret(e, word, n);
	case ACCOUNT:
		s->has_account = true;
		return VK_OK;
	default:
		vk_import_bad(e, "a port, protocol or path in words of their own is for few readers; write "
				 "host:port");
		return VK_OK;
	}
}

/* The word, or the comment. */
static void
forget(struct vk_import *im, struct state *s)
{
	if (im->text.len > 0)
		vk_wipe(im->text.p, im->text.len);
	im->text.len = 0;
	s->control = s->too_long = false;
}

static enum vk_err
finish_word(struct vk_import *im, struct state *s)
{
	const char *word = im->text.p ? im->text.p : "";
	enum want want = s->want;
	enum vk_err err;

	s->lexer = GAP;
	s->want = KEYWORD;
	if (want == MACRO_NAME) {
		s->lexer = MACRO;
		s->line_empty = false;
		err = vk_import_leave(im, im->line, "macdef", "macros are commands for ftp", true);
	} else if (want != KEYWORD) {
		err = value(s, want, word, im->text.len);
	} else if (s->control || s->too_long) {
		err = unknown(im, s);
	} else {
		err = keyword(im, s, word);
	}
	forget(im, s);
	return err;
}

static enum vk_err
add(struct vk_import *im, struct state *s, const char *p, size_t n)
{
	s->control |= vk_str_has_control(p, n);
	if (n > im->text.max - im->text.len) {
		s->too_long = true;
		return VK_OK;
	}
	return vk_buf_add(&im->text, p, n);
}

/* Where it ends: what it held would be lost with the file. */
static enum vk_err
finish_comment(struct vk_import *im, struct state *s)
{
	enum vk_err err = VK_OK;

	if (s->too_long || vk_import_looks_secret(im->text.p ? im->text.p : "", im->text.len))
		err = vk_import_leave(im, im->line, "", VK_IMPORT_COMMENT, true);
	forget(im, s);
	s->lexer = GAP;
	return err;
}

/* ${*ret_used}: up to the end of the line, or of what there is of it. */
static enum vk_err
comment(struct vk_import *im, struct state *s, const char *p, size_t n, size_t *ret_used)
{
	const char *lf = memchr(p, '\n', n);
	enum vk_err err;

	*ret_used = lf ? (size_t)(lf - p) : n;
	err = *ret_used ? add(im, s, p, *ret_used) : VK_OK;
	return err == VK_OK && lf ? finish_comment(im, s) : err;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t
run(const char *p, size_t n, bool quoted)
{
	size_t i = 0;

	while (i < n && (quoted ? p[i] != '"' && p[i] != '\\' && p[i] != '\n' : !is_blank(p[i])))
		i++;
	return i;
}

/* Between words: where does one begin? */
static size_t
gap(struct vk_import *im, struct state *s, const char *p, size_t n)
{
	size_t i = 0;

	for (; i < n && is_blank(p[i]); i++)
		im->line += p[i] == '\n';
	if (i == n)
		return i;
	if (p[i] == '#' && s->want == KEYWORD)
		s->lexer = COMMENT;
	else
		s->lexer = p[i] == '"' ? QUOTE : WORD;
	return i + (p[i] == '"');
}

/* A macro ends at an empty line. */
static size_t
macro(struct vk_import *im, struct state *s, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n') {
			im->line++;
			if (s->line_empty) {
				s->lexer = GAP;
				return i + 1;
			}
			s->line_empty = true;
		} else if (p[i] != '\r') {
			s->line_empty = false;
		}
	}
	return n;
}

/* In quotes; a line end in them is taken for the end of the word. */
static enum vk_err
quoted(struct vk_import *im, struct state *s, const char *p, size_t n, size_t *ret_used)
{
	size_t len = run(p, n, true);
	enum vk_err err = len ? add(im, s, p, len) : VK_OK;

	*ret_used = len;
	if (err != VK_OK || len == n)
		return err;
	if (p[len] == '\\') {
		s->lexer = ESCAPE;
		++*ret_used;
		return VK_OK;
	}
	if (p[len] == '"')
		++*ret_used;
	else
		vk_import_bad(&s->e, "a quote in it does not end");
	return finish_word(im, s);
}

static enum vk_err
escaped(struct vk_import *im, struct state *s, char c)
{
	char meant = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;

	s->lexer = QUOTE;
	im->line += c == '\n';
	return add(im, s, &meant, 1);
}

static enum vk_err
feed(struct vk_import *im, const char *p, size_t n)
{
	struct state *s = im->state;
	enum vk_err err = VK_OK;

	for (size_t used; err == VK_OK && n > 0; p += used, n -= used) {
		used = 1;
		switch (s->lexer) {
		case GAP:
			used = gap(im, s, p, n);
			break;
		case WORD:
			used = run(p, n, false);
			err = used ? add(im, s, p, used) : VK_OK;
			if (err == VK_OK && used < n)
				err = finish_word(im, s);
			break;
		case QUOTE:
			err = quoted(im, s, p, n, &used);
			break;
		case ESCAPE:
			err = escaped(im, s, *p);
			break;
		case COMMENT:
			err = comment(im, s, p, n, &used);
			break;
		case MACRO:
			used = macro(im, s, p, n);
			break;
		}
	}
	return err;
}

static enum vk_err
end(struct vk_import *im)
{
	struct state *s = im->state;
	enum vk_err err = VK_OK;

	if (s->lexer == QUOTE || s->lexer == ESCAPE)
		vk_import_bad(&s->e, cut_short);
	if (s->lexer == COMMENT)
		err = finish_comment(im, s);
	else if (s->lexer != GAP && s->lexer != MACRO)
		err = finish_word(im, s);
	if (s->want != KEYWORD)
		vk_import_bad(&s->e, cut_short);
	return err == VK_OK ? finish(im, s) : err;
}

static void
clear(struct vk_import *im)
{
	struct state *s = im->state;

	vk_import_entry_clear(&s->e);
	free(s->host);
}

const struct vk_import_format vk_import_netrc = {
	.name = "netrc",
	.max = VK_IMPORT_MAX,
	.keep = VK_MAX_SECRET,
	.state_size = sizeof(struct state),
	.feed = feed,
	.end = end,
	.clear = clear,
};
