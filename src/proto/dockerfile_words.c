/* SPDX-License-Identifier: ISC */
/* One instruction of a Dockerfile: name, flags, words, the exec form, and which here-documents follow. */
#include <string.h>

#include "json.h"
#include "dockerfile.h"

/* What splits "COPY a b": Go's [\t\v\f\r ]+ */
static const char gaps[] = "\t\v\f\r ";

static enum vk_err
add(struct vk_dockerfile *d, char ***v, size_t *n, const char *s, size_t len)
{
	char **bigger = *v;

	if ((*n & (*n - 1)) == 0 && !(bigger = reallocarray(*v, *n ? *n * 2 : 1, sizeof(*bigger))))
		return VK_ENOMEM;
	*v = bigger;
	if (!(bigger[*n] = vk_dockerfile_keep(d, s, len)))
		return VK_ENOMEM;
	(*n)++;
	return VK_OK;
}

/*
 * One "--flag" at ${s}: quotes and escapes resolved in place in a copy, as BuildKit does before it looks
 * for commas.  "--" alone ends the flags.  Moves ${*at} behind it.
 */
static enum vk_err
add_flag(struct vk_dockerfile *d, struct vk_instruction *in, const char **at, bool *ret_end)
{
	const char *s = *at;
	char quote = '\0', *out = d->pool_at;
	size_t n = 0, room = strlen(s);

	if (room >= (size_t)(d->pool_end - out))
		return VK_ENOMEM;
	for (; *s && (quote || !vk_is_blank(*s)); s++) {
		if (quote ? *s == quote : *s == '\'' || *s == '"')
			quote = quote ? '\0' : *s;
		else if (*s != d->escape)
			out[n++] = *s;
		else if (s[1])
			out[n++] = *++s;
	}
	*at = s;
	out[n] = '\0';
	*ret_end = strcmp(out, "--") == 0;
	return *ret_end ? VK_OK : add(d, &in->flags, &in->n_flags, out, n);
}

static enum vk_err
split_flags(struct vk_dockerfile *d, struct vk_instruction *in)
{
	const char *s = in->args;
	bool end = false;
	enum vk_err e = VK_OK;

	while (e == VK_OK && !end) {
		while (vk_is_blank(*s))
			s++;
		if (s[0] != '-' || s[1] != '-')
			break;
		e = add_flag(d, in, &s, &end);
	}
	while (vk_is_blank(*s))
		s++;
	in->args += s - in->args;
	return e;
}

/* Between blanks, as COPY and FROM have them. */
static enum vk_err
split_gaps(struct vk_dockerfile *d, struct vk_instruction *in)
{
	enum vk_err e = VK_OK;

	for (const char *s = in->args; e == VK_OK && *s;) {
		size_t n = strcspn(s, gaps);

		e = add(d, &in->words, &in->n_words, s, n);
		s += n + strspn(s + n, gaps);
	}
	return e;
}

/* The length of the word at ${s}: quotes keep blanks together, the escape character keeps what follows it. */
static size_t
quoted_word(const char *s, char escape)
{
	const char *start = s;
	char quote = '\0';

	for (; *s && (quote || !vk_is_blank(*s)); s++) {
		if (*s == escape && quote != '\'' && s[1])
			s++;
		else if (quote ? *s == quote : *s == '\'' || *s == '"')
			quote = quote ? '\0' : *s;
	}
	return (size_t)(s - start);
}

static enum vk_err
split_quoted(struct vk_dockerfile *d, struct vk_instruction *in)
{
	enum vk_err e = VK_OK;

	for (const char *s = in->args; e == VK_OK && *s;) {
		size_t n = quoted_word(s, d->escape);

		e = add(d, &in->words, &in->n_words, s, n);
		s += n;
		while (vk_is_blank(*s))
			s++;
	}
	return e;
}

/* "ENV KEY value with blanks", the old form: whether it is one shows in the first word. */
static enum vk_err
split_pairs(struct vk_dockerfile *d, struct vk_instruction *in)
{
	size_t first = quoted_word(in->args, d->escape), name = strcspn(in->args, gaps), n;
	char *out = d->pool_at;

	if (first == 0)
		return VK_OK;
	if (memchr(in->args, '=', first)) {
		enum vk_err e = split_quoted(d, in);

		for (size_t i = 0; e == VK_OK && i < in->n_words; i++)
			if (!strchr(in->words[i], '='))
				return vk_fail(VK_EPROTO, "line %zu: %s has a word without \"=\"", in->line, in->name);
		return e;
	}
	in->spaced = true;
	n = name + strspn(in->args + name, gaps);
	if (!in->args[n])
		return vk_fail(VK_EPROTO, "line %zu: %s needs a name and a value", in->line, in->name);
	if (strlen(in->args) + 2 > (size_t)(d->pool_end - out))
		return VK_ENOMEM;
	memcpy(out, in->args, name);
	out[name] = '=';
	memcpy(out + name + 1, in->args + n, strlen(in->args + n) + 1);
	return add(d, &in->words, &in->n_words, out, strlen(out));
}

/* The exec form.  What is no JSON is a shell's text. */
static enum vk_err
split_json(struct vk_dockerfile *d, struct vk_instruction *in)
{
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	enum vk_err e = VK_OK;
	size_t i;
	json_t *v;

	if (*in->args != '[')
		return VK_OK;
	vk_json_init();
	if ((e = vk_json_parse_large(in->args, strlen(in->args), 16384, &j)) != VK_OK) {
		vk_reason_clear();
		return e == VK_ENOMEM ? e : VK_OK;
	}
	json_array_foreach(j, i, v)
		if (!json_is_string(v))
			return vk_fail(VK_EPROTO, "line %zu: an exec form holds strings only", in->line);
	in->json = true;
	json_array_foreach(j, i, v)
		if (e == VK_OK)
			e = add(d, &in->words, &in->n_words, json_string_value(v), json_string_length(v));
	return e;
}

/* How the arguments of an instruction are read. */
static const struct form {
	const char *name;
	bool json;
	enum vk_err (*split)(struct vk_dockerfile *d, struct vk_instruction *in); /* NULL: kept as ${args} */
} forms[] = {
	{ "ADD", true, split_gaps },
	{ "ARG", false, split_quoted },
	{ "CMD", true, NULL },
	{ "COPY", true, split_gaps },
	{ "ENTRYPOINT", true, NULL },
	{ "ENV", false, split_pairs },
	{ "EXPOSE", false, split_gaps },
	{ "FROM", false, split_gaps },
	{ "LABEL", false, split_pairs },
	{ "RUN", true, NULL },
	{ "SHELL", true, NULL },
	{ "VOLUME", true, split_gaps },
};

static enum vk_err
split_words(struct vk_dockerfile *d, struct vk_instruction *in)
{
	for (size_t i = 0; i < VK_COUNT(forms); i++) {
		enum vk_err e = VK_OK;

		if (strcmp(in->name, forms[i].name) != 0)
			continue;
		if (forms[i].json)
			e = split_json(d, in);
		if (e == VK_OK && !in->json && forms[i].split)
			e = forms[i].split(d, in);
		return e;
	}
	return VK_OK;
}

enum vk_err
vk_dockerfile_split(struct vk_dockerfile *d, struct vk_instruction *in)
{
	char *s = in->joined, *end = s + strlen(s);
	enum vk_err e = VK_OK;
	size_t n;

	while (end > s && vk_is_blank(end[-1]))
		*--end = '\0';
	/* ONBUILD holds an instruction; one within another the builder refuses later. */
	do {
		in->onbuild |= in->name != NULL;
		in->n_flags = 0;
		while (vk_is_blank(*s))
			s++;
		n = strcspn(s, gaps);
		if (!(in->name = vk_dockerfile_keep(d, s, n)))
			return VK_ENOMEM;
		for (char *c = in->name; *c; c++)
			if (*c >= 'a' && *c <= 'z')
				*c = (char)(*c - 'a' + 'A');
		in->args = s + n;
		if ((e = split_flags(d, in)) != VK_OK)
			return e;
		s = in->args;
	} while (strcmp(in->name, "ONBUILD") == 0 && *s && !in->onbuild);
	return split_words(d, in);
}

/* The length of the shell word at ${s}, quotes and escapes left in; false when a quote does not end. */
static bool
shell_word(const char *s, size_t *ret_n)
{
	const char *start = s;
	char quote = '\0';

	for (; *s && (quote || !vk_is_blank(*s)); s++) {
		if (*s == '\\' && quote != '\'' && s[1])
			s++;
		else if (quote ? *s == quote : *s == '\'' || *s == '"')
			quote = quote ? '\0' : *s;
	}
	*ret_n = (size_t)(s - start);
	return !quote;
}

/* Is the word ^[0-9]*<<-?[^<]+$ ?  Then a document is added. */
static enum vk_err
add_doc(struct vk_dockerfile *d, struct vk_instruction *in, const char *s, size_t n)
{
	struct vk_heredoc doc = { .expand = true }, *v = in->docs;
	size_t i = 0, len = 0;

	while (i < n && s[i] >= '0' && s[i] <= '9')
		i++;
	if (n - i < 3 || s[i] != '<' || s[i + 1] != '<')
		return VK_OK;
	i += 2;
	doc.chomp = s[i] == '-';
	i += doc.chomp;
	if (i == n || memchr(s + i, '<', n - i))
		return VK_OK;
	if (!(doc.name = vk_dockerfile_keep(d, s + i, n - i)))
		return VK_ENOMEM;
	for (char quote = '\0', *p = doc.name; *p; p++) {
		if (*p == '\\' && quote != '\'') {
			if (!p[1])
				break;
			doc.name[len++] = *++p;
		} else if (quote ? *p == quote : *p == '\'' || *p == '"') {
			quote = quote ? '\0' : *p;
			doc.expand = false;
		} else {
			doc.name[len++] = *p;
		}
	}
	doc.name[len] = '\0';
	if ((in->n_docs & (in->n_docs - 1)) == 0 &&
	    !(v = reallocarray(in->docs, in->n_docs ? in->n_docs * 2 : 1, sizeof(*v))))
		return VK_ENOMEM;
	in->docs = v;
	v[in->n_docs++] = doc;
	return VK_OK;
}

enum vk_err
vk_dockerfile_docs(struct vk_dockerfile *d, struct vk_instruction *in)
{
	bool can = strcmp(in->name, "RUN") == 0 || strcmp(in->name, "COPY") == 0 || strcmp(in->name, "ADD") == 0;
	enum vk_err e = VK_OK;
	size_t n;

	if (!can || in->json || !strstr(in->joined, "<<"))
		return VK_OK;
	/* Quotes that do not match announce nothing. */
	for (const char *s = in->joined; *s; s += n) {
		while (vk_is_blank(*s))
			s++;
		if (!shell_word(s, &n))
			return VK_OK;
	}
	for (const char *s = in->joined; e == VK_OK && *s; s += n) {
		while (vk_is_blank(*s))
			s++;
		(void)!shell_word(s, &n);
		if (n)
			e = add_doc(d, in, s, n);
	}
	return e;
}
