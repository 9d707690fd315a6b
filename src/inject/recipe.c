/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "valetkey/io.h"
#include "recipe.h"

static const struct vk_recipe *const recipes[] = {
	&vk_recipe_git, &vk_recipe_npm, &vk_recipe_netrc, &vk_recipe_docker, &vk_recipe_containers, &vk_recipe_helm,
	&vk_recipe_get,
	&vk_recipe_go, &vk_recipe_composer, &vk_recipe_bundler, &vk_recipe_gem, &vk_recipe_nuget, &vk_recipe_terraform,
	&vk_recipe_pip, &vk_recipe_uv, &vk_recipe_poetry, &vk_recipe_twine,
	&vk_recipe_cargo, &vk_recipe_maven, &vk_recipe_gradle, &vk_recipe_coursier,
	&vk_recipe_pnpm, &vk_recipe_yarn, &vk_recipe_yarn_berry, &vk_recipe_bun, &vk_recipe_deno,
	&vk_recipe_deno_modules, &vk_recipe_conda, &vk_recipe_swift,
};

static enum vk_err
unknown(const char *name)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf known = VK_BUF(2048);

	for (size_t i = 0; i < VK_COUNT(recipes); i++)
		vk_buf_fmt(&known, "%s%s", i > 0 ? ", " : "", recipes[i]->name);
	vk_hint("known are %s", known.p ? known.p : "");
	return vk_fail(VK_EUSAGE, "there is no recipe %s", name);
}

enum vk_err
vk_recipe_find(const char *name, const struct vk_recipe **ret)
{
	for (size_t i = 0; i < VK_COUNT(recipes); i++)
		if (strcmp(recipes[i]->name, name) == 0) {
			*ret = recipes[i];
			return VK_OK;
		}
	return unknown(name);
}

enum vk_err
vk_recipe_select(struct vk_kitchen *k, const struct vk_recipe *r, struct vk_cred_list *ret_taken)
{
	VK_CLEANUP(vk_freep) struct vk_cred **v = calloc(k->creds->n + 1, sizeof(struct vk_cred *));
	size_t n = 0;

	if (!v)
		return vk_fail(VK_ENOMEM, "out of memory");
	for (size_t i = 0; i < k->creds->n; i++) {
		bool yes = false;
		enum vk_err e = r->takes(k, k->creds->v[i], &yes);

		if (e != VK_OK)
			return e;
		if (yes)
			v[n++] = k->creds->v[i];
	}
	ret_taken->v = VK_TAKE(v);
	ret_taken->n = n;
	return VK_OK;
}

/* The user's own settings alone, without a word about them: they were named already. */
static enum vk_err
render_plain(struct vk_kitchen *k, const struct vk_recipe *r, struct vk_buf *out)
{
	const struct vk_run_opts *opts = k->opts;
	struct vk_run_opts quiet = *opts;
	struct vk_cred_list none = { 0 };
	enum vk_err e;

	quiet.keep_own = false;
	quiet.note = NULL;
	k->opts = &quiet;
	e = r->render(k, &none, false, out);
	k->opts = opts;
	return e;
}

enum vk_err
vk_recipe_file(struct vk_kitchen *k, const struct vk_recipe *r, bool for_build, const char *name,
    struct vk_file **ret_file)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(VK_MAX_FILE);
	struct vk_cred_list taken = { 0 };
	VK_CLEANUP(vk_freep) void *list = NULL;
	enum vk_err e = vk_recipe_select(k, r, &taken);

	list = taken.v;
	if (e == VK_OK && taken.n == 0)
		return VK_ENOENT;
	if (e == VK_OK)
		e = r->render(k, &taken, for_build, &text);
	if (e == VK_OK)
		e = vk_files_add(&k->files, name, &text, for_build ? NULL : r->usual(k), ret_file);
	if (e == VK_OK && !for_build && r->fixed)
		(*ret_file)->fixed = r->fixed(k);
	if (e == VK_OK && !for_build && (k->opts->two_phase || k->opts->ttl > 0))
		e = render_plain(k, r, &(*ret_file)->plain);
	if (e == VK_OK) {
		(*ret_file)->rule = for_build ? VK_GATE_ALL : VK_GATE_OFF;
		/* Who asks has nothing in the file that could change. */
		(*ret_file)->recipe = r->asks ? NULL : r;
	}
	if (e == VK_OK && !for_build && r->more)
		e = r->more(k, &taken);
	return e;
}

enum vk_err
vk_recipe_render(struct vk_kitchen *k, const struct vk_recipe *r, bool for_build, struct vk_buf *out)
{
	struct vk_cred_list taken = { 0 };
	VK_CLEANUP(vk_freep) void *list = NULL;
	enum vk_err e = vk_recipe_select(k, r, &taken);

	list = taken.v;
	if (e == VK_OK && taken.n == 0)
		return VK_ENOENT;
	return e == VK_OK ? r->render(k, &taken, for_build, out) : e;
}

void
vk_kitchen_clear(struct vk_kitchen *k)
{
	vk_npm_view_clear(&k->npm);
	vk_buf_clear(&k->netrc);
	vk_buf_clear(&k->helm);
}

enum vk_err
vk_recipe_lead(struct vk_kitchen *k, const struct vk_recipe *r, const char *path)
{
	struct vk_cred_list taken = { 0 };
	VK_CLEANUP(vk_freep) void *list = NULL;
	enum vk_err e = vk_recipe_select(k, r, &taken);

	list = taken.v;
	return e == VK_OK && r->lead ? r->lead(k, &taken, path) : e;
}

bool
vk_recipe_web(const struct vk_cred *c)
{
	return (strcmp(c->scope.scheme, "https") == 0 || strcmp(c->scope.scheme, "http") == 0) && !*c->npm_scope;
}

enum vk_err
vk_recipe_no_path(const struct vk_cred *c, const char *tool)
{
	VK_CLEANUP(vk_freep) char *url = vk_scope_url(&c->scope);

	if (!url)
		return VK_ENOMEM;
	if (!*c->scope.path)
		return VK_OK;
	vk_hint("choose others with --credential, or store one for the host");
	return vk_fail(VK_EPOLICY, "%s would present what is for %s to the whole host", tool, url);
}

enum vk_err
vk_recipe_one_each(const struct vk_cred_list *l, const char *tool)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; k < i; k++)
			if (vk_scope_same_origin(&l->v[k]->scope, &l->v[i]->scope)) {
				vk_hint("choose one with --credential, or by a profile");
				return vk_fail(VK_EPOLICY, "%s cannot tell two accounts of %s apart", tool,
				    l->v[i]->scope.host);
			}
	return VK_OK;
}

enum vk_err
vk_recipe_only_one(const struct vk_cred_list *l, const char *tool)
{
	if (l->n == 1)
		return VK_OK;
	vk_hint("choose with --credential");
	return vk_fail(VK_EPOLICY, "%s has one account, and this run has %zu", tool, l->n);
}

enum vk_err
vk_recipe_leads_to(struct vk_kitchen *k, const struct vk_cred *c, const char *var, const char *end)
{
	const char *own = vk_environ_get(&k->env, var);
	VK_CLEANUP(vk_scope_clear) struct vk_scope scope = { 0 };
	VK_CLEANUP(vk_freep) char *url = vk_scope_url(&c->scope);
	VK_CLEANUP(vk_freep) char *value = url ? vk_asprintf("%s%s", url, end) : NULL;
	enum vk_err e;

	if (!value)
		return vk_fail(VK_ENOMEM, "out of memory");
	/* A more precise one is the user's to know. */
	if (!own || !*own)
		return vk_environ_set(&k->env, var, value, strlen(value));
	if ((e = vk_scope_parse(own, &scope, NULL)) != VK_OK || !vk_scope_covers(&c->scope, &scope))
		return vk_fail(VK_EPOLICY, "%s leads elsewhere than %s, which %s is for", var, url,
		    *c->name ? c->name : "the credential");
	return VK_OK;
}

enum vk_err
vk_recipe_self(const struct vk_kitchen *k)
{
	return k->self && *k->self == '/' ? VK_OK :
	    vk_fail(VK_ESYS, "cannot find valetkey's own program file: is /proc mounted?");
}

char *
vk_recipe_home(const char *file)
{
	const char *home = getenv("HOME");

	return home && *home == '/' ? vk_asprintf("%s/%s", home, file) : NULL;
}

enum vk_err
vk_recipe_by_place(const struct vk_kitchen *k, const char *over, const char *tool, const char *file)
{
	bool hides = k->rung == VK_RUNG_R1;

	if (k->rung == VK_RUNG_NONE || (hides && over) || k->gated)
		return VK_OK;
	vk_hint("add --gate all%s%s%s", hides ? ", or make an empty " : "", hides ? file : "",
	    hides ? " for R1 to hide" : "");
	return vk_fail(VK_EPOLICY, "no variable leads %s to another file than %s, which %s", tool, file,
	    hides ? "does not exist" : "only R1 can hide");
}

enum vk_err
vk_recipe_own(const char *path, struct vk_buf *out)
{
	VK_CLEANUP(vk_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	enum vk_err e;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return VK_OK;
	if (fd < 0)
		return vk_fail_errno("cannot read %s", path);
	if ((e = vk_buf_read(out, fd)) != VK_OK)
		return vk_fail(e, "cannot read %s: %s", path,
		    e == VK_ELIMIT ? "it is too large" : *vk_reason() ? vk_reason() : vk_err_text(e));
	return VK_OK;
}

void
vk_recipe_dropped(const struct vk_kitchen *k, const char *file, const struct vk_buf *dropped)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf names = VK_BUF(1024);

	for (const char *at = dropped->p; at && *at && names.err == VK_OK;) {
		size_t n = strcspn(at, "\n");

		if (names.len > 0)
			vk_buf_str(&names, ", ");
		vk_buf_add(&names, at, n);
		at += n + (at[n] == '\n');
	}
	if (names.len > 0)
		vk_say(k->opts, "left out of %s for this run: %s%s (--keep-own-credentials keeps them)",
		    file, names.p, names.err == VK_ELIMIT ? ", ..." : "");
}

static void VK_PRINTF(2, 0)
line(void (*out)(const char *text), const char *fmt, va_list ap)
{
	char text[1500];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (out)
		out(text);
}

void
vk_say(const struct vk_run_opts *opts, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(opts->note, fmt, ap);
	va_end(ap);
}

void
vk_caution(const struct vk_run_opts *opts, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(opts->warn, fmt, ap);
	va_end(ap);
}
