/* SPDX-License-Identifier: ISC */
/*
 * The text of the config.  The parser library cuts long lines and section names, takes
 * " ;" in a value for a comment and indented lines for continuations, ignores what follows a section's
 * bracket, and says none of it; how much depends on how it was built.  So every line is checked
 * before the library gets it, and what comes back must be what was on the line.
 */
#include <ini.h>
#include <string.h>

#include "policy/config_keys.h"

enum { SECTION_MAX = 48 };

struct parse {
	const char *label;
	const char *text, *end; /* what is not read yet */
	char section[SECTION_MAX + 1];
	/* The current line when it is "key = value"; ${key} NULL once it was taken. */
	const char *key, *value;
	size_t key_len, value_len;
	struct vk_config_at at;
	enum vk_err err;
};

/* Put file and line before the reason. */
static enum vk_err
located(struct parse *p, unsigned line, enum vk_err e)
{
	if (e != VK_ENOMEM)
		e = vk_fail(VK_EPROTO, "%s:%u: %s", p->label, line, vk_reason());
	return p->err = e;
}

static enum vk_err
bad(struct parse *p, const char *why)
{
	return located(p, p->at.line, vk_fail(VK_EPROTO, "%s", why));
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static enum vk_err
check_header(struct parse *p, const char *s, size_t n)
{
	enum vk_err e;

	if (s[n - 1] != ']')
		return bad(p, "a section is [NAME] and nothing else on its line");
	s++;
	n -= 2;
	if (n > SECTION_MAX)
		return bad(p, "this section's name is too long");
	memcpy(p->section, s, n);
	p->section[n] = '\0';
	e = vk_config_begin(&p->at, p->section);
	return e == VK_OK ? e : located(p, p->at.line, e);
}

static enum vk_err
check_pair(struct parse *p, const char *s, size_t n)
{
	const char *eq = memchr(s, '=', n), *v;
	size_t key = 0, len;

	/* The line is not repeated: it may be a secret that somebody pasted. */
	if (!eq)
		return bad(p, "this is not [SECTION], KEY = VALUE, or a comment");
	while ((s[key] >= 'a' && s[key] <= 'z') || s[key] == '-')
		key++;
	for (v = s + key; v < eq; v++)
		if (!is_blank(*v))
			return bad(p, "this is not KEY = VALUE: keys are lower-case words");
	for (v = eq + 1; v < s + n && is_blank(*v); v++)
		;
	len = (size_t)(s + n - v);
	if (key == 0 || len == 0)
		return bad(p, "this is not KEY = VALUE: one of them is missing");
	if (vk_str_has_control(v, len))
		return bad(p, "a value holds a control character");
	if (*v == '"' || *v == '\'')
		return bad(p, "quotes would be part of the value: leave them out");
	for (size_t i = 0; i < len; i++)
		if ((v[i] == ';' || v[i] == '#') && (i == 0 || is_blank(v[i - 1])))
			return bad(p, "a comment needs a line of its own");
	p->key = s;
	p->key_len = key;
	p->value = v;
	p->value_len = len;
	return VK_OK;
}

/* Check the line ${s}; what kind it is shows in ${p}. */
static enum vk_err
check_line(struct parse *p, const char *s, size_t n, size_t room)
{
	size_t lead = 0;

	while (n > 0 && (is_blank(s[n - 1]) || (s[n - 1] == '\r' && s + n < p->end && s[n] == '\n')))
		n--;
	while (lead < n && is_blank(s[lead]))
		lead++;
	if (memchr(s, '\0', n))
		return bad(p, "a NUL byte");
	/* The library reads a line and its LF into a buffer of this size, and cuts what is longer. */
	if (n + 2 > room)
		return located(p, p->at.line, vk_fail(VK_EPROTO,
		    "this line is longer than %zu bytes", room - 2));
	if (n == lead)
		return VK_OK;
	if (lead > 0)
		return bad(p, "a line begins with a blank: values cannot be continued");
	if (n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0)
		return bad(p, "the file begins with a byte order mark: save it as plain UTF-8");
	if (s[0] == ';' || s[0] == '#')
		return VK_OK;
	return s[0] == '[' ? check_header(p, s, n) : check_pair(p, s, n);
}

/* What the library calls for each line: like fgets(). */
static char *
read_line(char *str, int num, void *arg)
{
	struct parse *p = arg;
	const char *s = p->text, *lf;
	size_t n;

	if (p->err == VK_OK && p->key)
		(void)bad(p, "the parser library skipped this line");
	if (p->err != VK_OK || s == p->end)
		return NULL;
	p->at.line++;
	lf = memchr(s, '\n', (size_t)(p->end - s));
	n = (size_t)((lf ? lf : p->end) - s);
	if (num < 3 || check_line(p, s, n, (size_t)num) != VK_OK)
		return NULL;
	while (n > 0 && (is_blank(s[n - 1]) || s[n - 1] == '\r'))
		n--;
	memcpy(str, s, n);
	str[n] = '\n';
	str[n + 1] = '\0';
	p->text = lf ? lf + 1 : p->end;
	return str;
}

static int
take_pair(void *arg, const char *section, const char *name, const char *value)
{
	struct parse *p = arg;
	enum vk_err e;

	if (p->err != VK_OK)
		return 0;
	if (!p->key || !name || !value || strcmp(section, p->section) != 0 ||
	    strlen(name) != p->key_len || memcmp(name, p->key, p->key_len) != 0 ||
	    strlen(value) != p->value_len || memcmp(value, p->value, p->value_len) != 0) {
		(void)bad(p, "the parser library did not read this line as it is written");
		return 0;
	}
	p->key = NULL;
	if ((e = vk_config_key(&p->at, name, value)) != VK_OK)
		(void)located(p, p->at.line, e);
	return e == VK_OK;
}

enum vk_err
vk_config_parse(const char *label, const char *text, size_t n, struct vk_config *ret)
{
	struct vk_config c = { 0 };
	struct parse p = { .label = label, .text = text, .end = text + n, .at.config = &c };
	enum vk_err e;
	int rc = ini_parse_stream(read_line, &p, take_pair, &p);

	if (p.err == VK_OK && (e = vk_config_end(&p.at)) != VK_OK)
		(void)located(&p, p.at.line, e);
	if (p.err == VK_OK && (rc != 0 || p.text != p.end)) {
		p.at.line = rc > 0 ? (unsigned)rc : p.at.line;
		(void)bad(&p, "the parser library does not understand this line");
	}
	if (p.err != VK_OK) {
		vk_config_clear(&c);
		return p.err;
	}
	*ret = c;
	return VK_OK;
}
