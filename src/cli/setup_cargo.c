/* SPDX-License-Identifier: ISC */
/*
 * cargo's configuration, The Cargo Book, "Configuration": "global-credential-providers" in the table "registry" is a
 * list, of which the last is asked first; without it there is cargo's own file of tokens.  The file is TOML, of which
 * as much is read as it takes to find that table.
 */
#include <string.h>
#include <sys/stat.h>

#include "inject/recipe.h"
#include "valetkey/helper.h"
#include "cli/setup.h"

#define KEY "global-credential-providers"

/* Where both are there, the older name counts. */
static enum vk_err
cargo_file(char **ret_path)
{
	const char *home = getenv("CARGO_HOME");
	VK_CLEANUP(vk_freep) char *dir = NULL;
	struct stat st;
	enum vk_err e = VK_OK;

	if (home && *home && *home != '/')
		return vk_fail(VK_EUSAGE, "CARGO_HOME must be an absolute path");
	if (home && *home)
		e = (dir = vk_strdup(home)) ? VK_OK : VK_ENOMEM;
	else
		e = vk_setup_home(".cargo", &dir);
	if (e != VK_OK)
		return e;
	if (!(*ret_path = vk_asprintf("%s/config", dir)))
		return VK_ENOMEM;
	if (stat(*ret_path, &st) == 0)
		return VK_OK;
	free(*ret_path);
	return (*ret_path = vk_asprintf("%s/config.toml", dir)) ? VK_OK : VK_ENOMEM;
}

/* ---- TOML 1.0 ----------------------------------------------------------------------------------------------- */

struct toml {
	const char *p, *end;
};

static bool
at_word(const struct toml *t, const char *word)
{
	return (size_t)(t->end - t->p) >= strlen(word) && memcmp(t->p, word, strlen(word)) == 0;
}

/* Behind the string that begins here, in any of its four forms; false: it does not end. */
static bool
skip_string(struct toml *t)
{
	const char quote[4] = { t->p[0], t->p[0], t->p[0], '\0' };
	bool lines = at_word(t, quote), escapes = quote[0] == '"';
	const char *ending = lines ? quote : quote + 2;

	for (t->p += strlen(ending); t->p < t->end; t->p++) {
		if (at_word(t, ending)) {
			t->p += strlen(ending);
			/* Up to two quotes may stand before the three. */
			while (lines && t->p < t->end && *t->p == quote[0])
				t->p++;
			return true;
		}
		if (!lines && *t->p == '\n')
			return false;
		if (escapes && *t->p == '\\')
			t->p++;
	}
	return false;
}

static void
skip_comment(struct toml *t)
{
	while (t->p < t->end && *t->p != '\n')
		t->p++;
}

/* Behind the line end that ends the value which begins here. */
static bool
skip_value(struct toml *t)
{
	int depth = 0;

	while (t->p < t->end) {
		char c = *t->p;

		if (c == '"' || c == '\'') {
			if (!skip_string(t))
				return false;
			continue;
		}
		if (c == '#') {
			skip_comment(t);
			continue;
		}
		depth += (c == '[' || c == '{') - (c == ']' || c == '}');
		t->p++;
		if (c == '\n' && depth <= 0)
			return true;
	}
	return depth == 0;
}

/* What stands before ${stop} as words with dots between them, without quotes and blanks. */
static bool
take_name(struct toml *t, char stop, struct vk_buf *out)
{
	while (t->p < t->end && *t->p != stop && *t->p != '\n') {
		const char *from = t->p;

		if (*from == '"' || *from == '\'') {
			if (!skip_string(t) || t->p - from < 2)
				return false;
			vk_buf_add(out, from + 1, (size_t)(t->p - from) - 2);
			continue;
		}
		if (*from != ' ' && *from != '\t')
			vk_buf_char(out, *from);
		t->p++;
	}
	return vk_buf_char(out, '\0') == VK_OK && t->p < t->end && *t->p == stop;
}

struct place {
	size_t at;      /* behind the header of the table; 0: there is none */
	bool otherwise; /* it, or its list, is written in another way */
};

/* A line that is not in the table: does it name the table all the same? */
static bool
is_about(const char *key)
{
	return strcmp(key, "registry") == 0 || vk_str_starts(key, "registry.");
}

static bool
find_place(const char *text, size_t n, struct place *ret)
{
	struct toml t = { text, text + n };
	bool inside = false, root = true;

	*ret = (struct place){ 0 };
	while (t.p < t.end) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf name = VK_BUF(VK_MAX_FILE);
		bool header;

		if (strchr(" \t\r\n", *t.p)) {
			t.p++;
			continue;
		}
		if (*t.p == '#') {
			skip_comment(&t);
			continue;
		}
		header = *t.p == '[';
		t.p += header;
		if (!take_name(&t, header ? ']' : '=', &name) || (t.p++, !skip_value(&t)))
			return false;
		if (header) {
			root = false;
			inside = strcmp(name.p, "registry") == 0;
			if (inside)
				ret->at = (size_t)(t.p - text);
		} else {
			ret->otherwise |= (inside && strcmp(name.p, KEY) == 0) || (root && is_about(name.p));
		}
	}
	return true;
}

/* ---- the change --------------------------------------------------------------------------------------------- */

static enum vk_err
cargo_put_in(struct vk_setup *s, const char *text, size_t n, bool force, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf lines = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(vk_freep) char *self = NULL;
	struct place place;
	enum vk_err e = vk_setup_self(&self);

	(void)force;
	if (e == VK_OK)
		e = vk_recipe_cargo_word(self);
	if (e == VK_OK && strpbrk(self, "\"\\"))
		e = vk_fail(VK_EPOLICY, "the path %s holds a quote or a backslash", self);
	if (e != VK_OK)
		return e;
	if (n > 0 && (memchr(text, '\0', n) || !find_place(text, n, &place)))
		return vk_fail(VK_EPROTO, "cargo's configuration is not TOML");
	if (n > 0 && place.otherwise) {
		vk_hint("put \"%s\" at the end of the list %s in the table registry, by hand", self, KEY);
		return vk_fail(VK_EEXIST, "cargo's configuration has other providers, or the table in another form");
	}
	if (n == 0 || place.at == 0)
		vk_buf_str(&lines, "[registry]\n");
	vk_buf_fmt(&lines, KEY " = [\"cargo:token\", \"%s\"]\n", self);
	return vk_setup_block_put_in(s, "cargo", text, n, n > 0 && place.at ? place.at : n, &lines, out);
}

static void
cargo_advise(const struct vk_setup *s)
{
	(void)s;
	if (getenv("CARGO_REGISTRY_CREDENTIAL_PROVIDER"))
		vk_msg_warn("CARGO_REGISTRY_CREDENTIAL_PROVIDER is set: for crates.io cargo asks that one alone");
}

const struct vk_setup_tool vk_setup_cargo = {
	.name = "cargo",
	.file = cargo_file,
	.take_out = vk_setup_block_take_out,
	.put_in = cargo_put_in,
	.advise = cargo_advise,
};
