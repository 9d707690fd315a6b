/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "build_secret.h"

static const char mark[] = "{secrets}";
static const char prefix[] = "secret-"; /* of the files' names */

enum { BUILDKIT_MAX = 500 * 1024 };

static bool
has_mark(char *const *command)
{
	for (size_t i = 0; command[i]; i++)
		if (strstr(command[i], mark))
			return true;
	return false;
}

/* Goes into a comma-separated list and into a file's name. */
static bool
is_good_id(const char *id)
{
	return *id && *id != '.' && strlen(id) <= 48 &&
	    strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._") ==
	    strlen(id);
}

enum vk_err
vk_build_secrets_check(const struct vk_run_opts *opts)
{
	bool marked = has_mark(opts->command);

	if (opts->n_secrets > 0 && !marked) {
		vk_hint("write docker build %s ... where the options belong", mark);
		return vk_fail(VK_EUSAGE, "--build-secret is given, but the command has no %s", mark);
	}
	if (opts->n_secrets == 0 && marked)
		return vk_fail(VK_EUSAGE, "the command has %s, but no --build-secret is given", mark);
	for (size_t i = 0; i < opts->n_secrets; i++)
		if (!is_good_id(opts->secrets[i].id))
			return vk_fail(VK_EUSAGE, "the id of a build secret is up to 48 letters, digits, "
						  "'-', '_' and '.', and does not begin with '.'");
	return VK_OK;
}

enum vk_err
vk_build_secret_text(struct vk_policy *p, const struct vk_build_secret *b, struct vk_buf *out)
{
	struct vk_secret secret = { 0 };
	struct vk_cred_list one = { 0 };
	enum vk_err e = b->ref ? vk_policy_ref(p, b->ref, &secret) : vk_policy_select(p, &b->id, 1, &one);
	const struct vk_secret *s = one.n > 0 ? &one.v[0]->secret : &secret;

	if (e == VK_OK)
		e = vk_buf_add(out, s->p, s->n);
	vk_secret_clear(&secret);
	vk_cred_list_clear(&one);
	return e;
}

static enum vk_err
from_secret(struct vk_kitchen *k, struct vk_policy *p, const struct vk_build_secret *b, const char *name)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(VK_MAX_SECRET + 1);
	struct vk_file *file;
	enum vk_err e = vk_build_secret_text(p, b, &text);

	if (e == VK_OK && (e = vk_files_add(&k->files, name, &text, NULL, &file)) == VK_OK) {
		file->rule = VK_GATE_ALL; /* the client may be a plug-in of the command's */
		file->is_secret = true;
		file->secret = b;
	}
	return e;
}

static enum vk_err
from_recipe(struct vk_kitchen *k, const struct vk_build_secret *b, const char *name)
{
	const char *recipe = b->recipe;
	const struct vk_recipe *r;
	struct vk_file *file;
	enum vk_err e = vk_recipe_find(recipe, &r);

	if (e == VK_OK && !r->in_builds)
		return vk_fail(VK_EUSAGE, "the recipe %s has no file for a build", recipe);
	if (e == VK_OK && (e = vk_recipe_file(k, r, true, name, &file)) == VK_ENOENT)
		return vk_fail(VK_ENOENT, "the recipe %s takes none of the credentials of this run", recipe);
	if (e == VK_OK && file->text.len > BUILDKIT_MAX)
		return vk_fail(VK_ELIMIT, "the file of %s is larger than the 500 KiB that BuildKit takes",
		    recipe);
	if (e == VK_OK)
		file->secret = b;
	return e;
}

enum vk_err
vk_build_secrets_add(struct vk_kitchen *k, struct vk_policy *p)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < k->opts->n_secrets; i++) {
		const struct vk_build_secret *b = &k->opts->secrets[i];
		char name[64];

		snprintf(name, sizeof(name), "%s%s", prefix, b->id);
		e = b->recipe ? from_recipe(k, b, name) : from_secret(k, p, b, name);
	}
	return e;
}

/* "id=ID,type=file,src=PATH" for every secret, each through ${each}. */
static enum vk_err
describe(const struct vk_kitchen *k, enum vk_err (*each)(void *arg, const char *text), void *arg)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < k->files.n; i++) {
		const struct vk_file *f = &k->files.v[i];
		VK_CLEANUP(vk_freep) char *text = NULL;

		if (!vk_str_starts(f->name, prefix))
			continue;
		if (strchr(f->path, ','))
			return vk_fail(VK_EPOLICY, "the place of a build secret has a comma in its name");
		text = vk_asprintf("id=%s,type=file,src=%s", f->name + strlen(prefix), f->path);
		e = text ? each(arg, text) : vk_fail(VK_ENOMEM, "out of memory");
	}
	return e;
}

struct words {
	char **v;
	size_t n;
};

static enum vk_err
push(struct words *w, const char *text)
{
	char **v = realloc(w->v, (w->n + 2) * sizeof(*v));

	if (v)
		w->v = v;
	if (!v || !(v[w->n] = vk_strdup(text)))
		return vk_fail(VK_ENOMEM, "out of memory");
	v[++w->n] = NULL;
	return VK_OK;
}

static enum vk_err
push_option(void *arg, const char *text)
{
	enum vk_err e = push(arg, "--secret");

	return e == VK_OK ? push(arg, text) : e;
}

static enum vk_err
append_option(void *arg, const char *text)
{
	struct vk_buf *b = arg;

	vk_buf_str(b, b->len > 0 && b->p[b->len - 1] != ' ' ? " --secret " : "--secret ");
	return vk_buf_str(b, text);
}

/* Within a word, which is for a shell: the options have nothing in them that it would change. */
static enum vk_err
push_replaced(const struct vk_kitchen *k, struct words *w, const char *word)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(1024 * 1024);
	enum vk_err e = VK_OK;
	const char *at;

	for (; e == VK_OK && (at = strstr(word, mark)); word = at + strlen(mark)) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf list = VK_BUF(65536);

		e = describe(k, append_option, &list);
		vk_buf_add(&b, word, (size_t)(at - word));
		vk_buf_str(&b, list.p ? list.p : "");
	}
	vk_buf_str(&b, word);
	if (e == VK_OK)
		e = b.err;
	return e == VK_OK ? push(w, b.p) : e;
}

enum vk_err
vk_build_secrets_expand(const struct vk_kitchen *k, char ***ret_argv)
{
	struct words w = { 0 };
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && k->opts->command[i]; i++)
		if (strcmp(k->opts->command[i], mark) == 0)
			e = describe(k, push_option, &w);
		else
			e = push_replaced(k, &w, k->opts->command[i]);
	if (e != VK_OK) {
		vk_words_free(w.v);
		return e;
	}
	*ret_argv = w.v;
	return VK_OK;
}

void
vk_words_free(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		free(v[i]);
	free(v);
}
