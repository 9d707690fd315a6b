/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/kept.h"
#include "cli/setup.h"

enum { SECTION_NAME_MAX = 40 };

void
vk_kept_clear(struct vk_kept *k)
{
	free(VK_TAKE(k->secret));
	free(VK_TAKE(k->path));
	vk_buf_clear(&k->text);
}

static enum vk_err
find_store(const char *name, const struct vk_remote_store **ret)
{
	*ret = strcmp(name, "secret-service") == 0 ? vk_remote_store(name) : NULL;
	if (*ret)
		return VK_OK;
	return vk_fail(VK_EUSAGE, "secrets are kept by secret-service, the desktop's keyring, and not by %s", name);
}

/* An account without a name has an empty one; ${user} NULL: whichever there is. */
static char *
reference(const struct vk_remote_store *store, const struct vk_scope *scope, const char *user)
{
	VK_CLEANUP(vk_freep) char *url = vk_scope_url(scope);
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(4 * VK_MAX_FIELD);
	size_t n = strlen(scope->scheme) + strlen("://");

	if (!url)
		return NULL;
	vk_buf_fmt(&b, "%s:%.*s", store->name, (int)n, url);
	for (const char *s = user; s && *s; s++) {
		unsigned char c = (unsigned char)*s;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~+", c))
			vk_buf_char(&b, (char)c);
		else
			vk_buf_fmt(&b, "%%%02X", c);
	}
	vk_buf_fmt(&b, "%s%s", user ? "@" : "", url + n);
	return b.err == VK_OK ? vk_strdup(b.p) : NULL;
}

static struct vk_remote
remote(const struct vk_remote_store *store, const char *secret)
{
	return (struct vk_remote){ .store = store, .what = strchr(secret, ':') + 1 };
}

static bool
same_place(const struct vk_section *s, const struct vk_scope *scope)
{
	return vk_scope_same_origin(&s->scope, scope) && strcmp(s->scope.path, scope->path) == 0;
}

static enum vk_err
write_section(struct vk_buf *b, const char *name, const struct vk_scope *scope, const char *username, enum vk_kind kind,
    const char *header, const char *npm_scope, const char *secret)
{
	VK_CLEANUP(vk_freep) char *url = vk_scope_url(scope);

	if (!url)
		return VK_ENOMEM;
	vk_buf_fmt(b, "[%s]\nurl = %s\n", name, url);
	if (*username)
		vk_buf_fmt(b, "username = %s\n", username);
	/* What follows from the rest is left out. */
	if (kind != (*username ? VK_KIND_BASIC : *header ? VK_KIND_HEADER : VK_KIND_BEARER))
		vk_buf_fmt(b, "kind = %s\n", vk_kind_text(kind));
	if (*header)
		vk_buf_fmt(b, "header = %s\n", header);
	if (*npm_scope)
		vk_buf_fmt(b, "scope = %s\n", npm_scope);
	return vk_buf_fmt(b, "secret = %s\n", secret);
}

/* "host.port.path", in the letters that a section's name may have. */
static enum vk_err
name_section(const struct vk_config *config, struct vk_cred *c)
{
	for (int with_user = 0; !*c->name && with_user < 2; with_user++) {
		VK_CLEANUP(vk_freep) char *name = vk_entry_default_name(c, with_user);

		if (!name)
			return VK_ENOMEM;
		for (char *s = name; *s; s++)
			if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') ||
				strchr("._-", *s)))
				*s = '-';
		name[strnlen(name, SECTION_NAME_MAX)] = '\0';
		if (vk_config_section(config, name) || strcmp(name, "valetkey") == 0)
			continue;
		if (vk_cred_set(&c->name, name) != VK_OK)
			return VK_ENOMEM;
	}
	if (*c->name && !vk_config_section(config, c->name))
		return VK_OK;
	vk_hint("choose a name with --name");
	return vk_fail(VK_EEXIST, "the config has a section %s already", *c->name ? c->name : "for this host");
}

/* The section that is to be, or the one that is there. */
static enum vk_err
plan_section(struct vk_kept *k, const struct vk_config *config, struct vk_cred *c)
{
	enum vk_err e;

	for (size_t i = 0; i < config->n_sections; i++) {
		const struct vk_section *s = &config->sections[i];

		if (!same_place(s, &c->scope) || strcmp(s->username, c->username) != 0)
			continue;
		k->there = strcmp(s->secret, k->secret) == 0;
		if (k->there)
			return vk_cred_set(&c->name, s->name);
		vk_hint("remove that section from %s first", k->path);
		return vk_fail(VK_EEXIST, "[%s] of the config answers for this already", s->name);
	}
	if ((e = name_section(config, c)) != VK_OK)
		return e;
	return write_section(&k->text, c->name, &c->scope, c->username, c->kind, c->header, c->npm_scope, k->secret);
}

/* Is the config, which ends with the section, still one? */
static enum vk_err
check(const char *text, size_t n)
{
	struct vk_config config;
	enum vk_err e = vk_config_parse("the section", text, n, &config);

	if (e == VK_OK)
		vk_config_clear(&config);
	return e;
}

static enum vk_err
is_free(const struct vk_kept *k, bool replace)
{
	VK_CLEANUP(vk_secret_clear) struct vk_secret old = { NULL, 0 };
	const struct vk_remote r = remote(k->store, k->secret);
	int64_t expires = 0;
	enum vk_err e = vk_remote_get(&r, &old, &expires);

	if (e == VK_OK && !replace) {
		vk_hint("use --replace, or refer to it in the config: secret = %s", k->secret);
		return vk_fail(VK_EEXIST, "%s has a secret for this already", k->store->name);
	}
	if (e == VK_ENOENT)
		vk_reason_clear();
	return e == VK_ENOENT ? VK_OK : e;
}

enum vk_err
vk_kept_begin(struct vk_kept *k, const char *store, struct vk_cred *c, bool replace)
{
	struct vk_config config = { 0 };
	enum vk_err e = find_store(store, &k->store);

	if (e == VK_OK)
		e = vk_config_path(&k->path);
	if (e == VK_OK && !(k->secret = reference(k->store, &c->scope, c->username)))
		e = VK_ENOMEM;
	if (e == VK_OK && (e = vk_config_read(NULL, &config)) == VK_OK)
		e = plan_section(k, &config, c);
	vk_config_clear(&config);
	if (e == VK_OK && !k->there)
		e = check(k->text.p, k->text.len);
	return e == VK_OK ? is_free(k, replace) : e;
}

static enum vk_err
store_secret(const struct vk_kept *k, const struct vk_cred *c)
{
	VK_CLEANUP(vk_freep) char *label = vk_entry_label(c);
	VK_CLEANUP(vk_freep) char *text = label ? vk_asprintf("valetkey: %s", label) : NULL;
	const struct vk_remote r = remote(k->store, k->secret);

	return text ? vk_remote_put(&r, text, &c->secret) : VK_ENOMEM;
}

/* The config is held while the secret is stored, so that nobody finds one without the other for long. */
static enum vk_err
store_both(struct vk_kept *k, const struct vk_cred *c, struct vk_setup_file *f)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_MAX_FILE);
	enum vk_err e;

	if (f->text.len > 0) {
		vk_buf_add(&b, f->text.p, f->text.len);
		vk_buf_str(&b, f->text.p[f->text.len - 1] == '\n' ? "\n" : "\n\n");
	}
	vk_buf_add(&b, k->text.p, k->text.len);
	if ((e = b.err) != VK_OK || (e = check(b.p, b.len)) != VK_OK || (e = store_secret(k, c)) != VK_OK)
		return e;
	k->written = vk_setup_file_commit(f, b.p, b.len) == VK_OK;
	return VK_OK;
}

enum vk_err
vk_kept_put(struct vk_kept *k, const struct vk_cred *c)
{
	struct vk_setup_file f;
	enum vk_err e;

	if (k->there)
		return store_secret(k, c);
	e = vk_setup_file_begin(k->path, &f);
	if (e == VK_OK) {
		e = store_both(k, c, &f);
		vk_setup_file_end(&f);
	} else if (e == VK_ESYS) {
		e = store_secret(k, c);
	}
	return e;
}

/* Take ${text} and the blank line before it out; not where somebody wrote more into the section. */
static bool
cut(const struct vk_buf *file, const struct vk_buf *text, struct vk_buf *out)
{
	const char *at = file->p ? strstr(file->p, text->p) : NULL;
	const char *rest = at ? at + text->len : NULL;
	size_t n;

	if (!at || (at > file->p && at[-1] != '\n') || (*rest && *rest != '\n' && *rest != '['))
		return false;
	n = (size_t)(at - file->p);
	n -= n >= 2 && file->p[n - 2] == '\n';
	vk_buf_add(out, file->p, n);
	return vk_buf_str(out, rest + (n == 0 && *rest == '\n')) == VK_OK;
}

static enum vk_err
remove_section(const char *path, const struct vk_section *s, struct vk_buf *report)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF(64 * 1024);
	VK_CLEANUP(vk_buf_clear) struct vk_buf rest = VK_BUF(VK_MAX_FILE);
	struct vk_setup_file f;
	enum vk_err e = write_section(&text, s->name, &s->scope, s->username, s->kind, s->header, s->npm_scope,
	    s->secret);

	if (e != VK_OK || (e = vk_setup_file_begin(path, &f)) != VK_OK)
		return e;
	if (cut(&f.text, &text, &rest)) {
		if ((e = vk_setup_file_commit(&f, rest.p ? rest.p : "", rest.len)) == VK_OK)
			vk_buf_fmt(report, "removed [%s] from %s\n", s->name, path);
	} else {
		vk_msg_note("[%s] in %s still refers to it: it is not as valetkey wrote it, and stays", s->name, path);
	}
	vk_setup_file_end(&f);
	return e;
}

/* The only section that refers to the store for this place and user; NULL: there is none. */
static enum vk_err
find_section(const struct vk_config *config, const struct vk_remote_store *store, const struct vk_scope *scope,
    const char *user, const struct vk_section **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < config->n_sections; i++) {
		const struct vk_section *s = &config->sections[i];

		if (s->ref.kind != VK_SOURCE_REMOTE || strcmp(s->ref.store, store->name) != 0 ||
		    !same_place(s, scope) || (user && strcmp(s->username, user) != 0))
			continue;
		if (*ret)
			return vk_fail(VK_EUSAGE, "the config has [%s] and [%s] for this: say which with --username",
			    (*ret)->name, s->name);
		*ret = s;
	}
	return VK_OK;
}

static enum vk_err
remove_both(const struct vk_remote_store *store, const struct vk_config *config, const struct vk_scope *scope,
    const char *user, struct vk_buf *out)
{
	VK_CLEANUP(vk_freep) char *built = reference(store, scope, user);
	VK_CLEANUP(vk_freep) char *path = NULL;
	const struct vk_section *s = NULL;
	struct vk_remote r;
	enum vk_err e = built ? find_section(config, store, scope, user, &s) : VK_ENOMEM;

	if (e == VK_OK)
		e = vk_config_path(&path);
	if (e != VK_OK)
		return e;
	r = remote(store, s ? s->secret : built);
	e = vk_remote_remove(&r);
	if (e == VK_OK)
		vk_buf_fmt(out, "removed %s from %s\n", r.what, store->name);
	/* A section that leads nowhere is removed as well. */
	if (s && (e == VK_OK || e == VK_ENOENT))
		e = remove_section(path, s, out);
	return e;
}

enum vk_err
vk_kept_remove(const char *store, const char *url, const char *username, struct vk_buf *out)
{
	VK_CLEANUP(vk_freep) char *user = NULL;
	const struct vk_remote_store *where;
	struct vk_config config = { 0 };
	struct vk_scope scope = { 0 };
	enum vk_err e = find_store(store, &where);

	if (e == VK_OK)
		e = vk_scope_parse(url, &scope, &user);
	if (e == VK_OK && user && username && strcmp(user, username) != 0)
		e = vk_fail(VK_EUSAGE, "the URL and --username name different users");
	if (e == VK_OK)
		e = vk_config_read(NULL, &config);
	if (e == VK_OK)
		e = remove_both(where, &config, &scope, username ? username : user, out);
	vk_config_clear(&config);
	vk_scope_clear(&scope);
	return e;
}
