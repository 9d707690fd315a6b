/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "npm_view.h"

enum { REGISTRIES_MAX = 512 };

const char *
vk_npm_option(char *const *command, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; command && command[i]; i++) {
		const char *word = command[i];

		if (strcmp(word, "--") == 0)
			return NULL;
		if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, name, n) != 0)
			continue;
		if (word[2 + n] == '=')
			return word + 3 + n;
		if (word[2 + n] == '\0')
			return command[i + 1];
	}
	return NULL;
}

static bool
same_scope(const struct vk_scope *a, const struct vk_scope *b)
{
	return vk_scope_same_origin(a, b) && strcmp(a->path, b->path) == 0;
}

enum vk_err
vk_npm_registry(struct vk_npm_view *v, const char *url)
{
	struct vk_scope s, *more;

	if (vk_scope_parse(url, &s, NULL) != VK_OK) {
		vk_reason_clear();
		return VK_OK;
	}
	for (size_t i = 0; i < v->n_registries; i++)
		if (same_scope(&v->registries[i], &s) || v->n_registries == REGISTRIES_MAX) {
			vk_scope_clear(&s);
			return VK_OK;
		}
	more = realloc(v->registries, (v->n_registries + 1) * sizeof(*more));
	if (!more) {
		vk_scope_clear(&s);
		return vk_fail(VK_ENOMEM, "out of memory");
	}
	v->registries = more;
	v->registries[v->n_registries++] = s;
	return VK_OK;
}

/* Is it "registry" or "@scope:registry"? */
static bool
names_registry(const char *key)
{
	return vk_str_ieq(key, "registry") || (key[0] == '@' && vk_str_ends(key, ":registry"));
}

/* As npm would: "${VAR}" from the environment. */
static enum vk_err
note_value(struct vk_npm_view *v, const char *value)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_MAX_FIELD);
	const char *at = value, *done = value, *name;
	size_t n;

	while (vk_npmrc_next_var(&at, &name, &n)) {
		VK_CLEANUP(vk_freep) char *copy = vk_asprintf("%.*s", (int)n, name);
		const char *found = copy ? getenv(copy) : NULL;

		vk_buf_add(&b, done, (size_t)(name - 2 - done));
		vk_buf_str(&b, found ? found : "");
		done = at;
	}
	vk_buf_str(&b, done);
	return b.err == VK_OK ? vk_npm_registry(v, b.p) : b.err == VK_ELIMIT ? VK_OK : b.err;
}

static enum vk_err
note_file(struct vk_npm_view *v, const struct vk_npm_file *file)
{
	VK_CLEANUP(vk_npmrc_clear) struct vk_npmrc f = { 0 };
	enum vk_err e = VK_OK;

	if (file->text.len > 0)
		e = vk_npmrc_parse(file->text.p, file->text.len, &f);
	for (size_t i = 0; e == VK_OK && i < f.n; i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf value = VK_BUF(VK_MAX_FIELD);

		if (names_registry(f.v[i].key) &&
		    vk_npmrc_value(file->text.p, &f.v[i], &value) == VK_OK && value.p)
			e = note_value(v, value.p);
	}
	return e;
}

/* npm_config_KEY of the environment, in whatever case; the last one counts, as for npm. */
static const char *
from_environment(const char *key)
{
	const char *found = NULL;

	for (size_t i = 0; environ && environ[i]; i++) {
		VK_CLEANUP(vk_freep) char *name =
		    vk_asprintf("%.*s", (int)strcspn(environ[i], "="), environ[i]);

		if (name && strlen(name) > 11 && vk_str_ieq(name + 11, key)) {
			name[11] = '\0';
			if (vk_str_ieq(name, "npm_config_") && environ[i][12 + strlen(key)])
				found = environ[i] + 12 + strlen(key);
		}
	}
	return found;
}

static enum vk_err
note_environment(struct vk_npm_view *v)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && environ && environ[i]; i++) {
		const char *eq = strchr(environ[i], '=');
		VK_CLEANUP(vk_freep) char *name = NULL;

		/* Most variables are not npm's: no copy of those. */
		if (!eq || (environ[i][0] != 'n' && environ[i][0] != 'N') || eq - environ[i] < 12)
			continue;
		if (!(name = vk_asprintf("%.*s", (int)(eq - environ[i]), environ[i])))
			return vk_fail(VK_ENOMEM, "out of memory");
		vk_str_lower(name);
		if (vk_str_starts(name, "npm_config_") && names_registry(name + 11))
			e = note_value(v, eq + 1);
	}
	return e;
}

static enum vk_err
note_command(struct vk_npm_view *v, char *const *command)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && command && command[i]; i++) {
		const char *word = command[i];
		size_t n = strcspn(word, "=");
		VK_CLEANUP(vk_freep) char *name = NULL;

		if (strcmp(word, "--") == 0)
			return VK_OK;
		if (strncmp(word, "--", 2) != 0)
			continue;
		if (!(name = vk_asprintf("%.*s", (int)n - 2, word + 2)))
			return vk_fail(VK_ENOMEM, "out of memory");
		if (!names_registry(name))
			continue;
		if (word[n] == '=')
			e = note_value(v, word + n + 1);
		else if (command[i + 1])
			e = note_value(v, command[i + 1]);
	}
	return e;
}

static enum vk_err
load(struct vk_npm_file *f)
{
	VK_CLEANUP(vk_closep) int fd = -1;
	struct stat st;
	enum vk_err e;

	f->text = (struct vk_buf)VK_BUF_SECRET(VK_MAX_FILE);
	if (!f->path || (fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) < 0) {
		if (f->path && errno != ENOENT && errno != ENOTDIR)
			return vk_fail_errno("cannot read %s", f->path);
		return VK_OK;
	}
	f->exists = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	if ((e = vk_buf_read(&f->text, fd)) != VK_OK)
		return vk_fail(e, "cannot read %s", f->path);
	return VK_OK;
}

/* "~/" is the home directory to npm; what is relative is so to the working directory. */
char *
vk_npm_user_file(char *const *command)
{
	const char *named = vk_npm_option(command, "userconfig"), *home = getenv("HOME");

	if (!named || !*named)
		named = from_environment("userconfig");
	if (named && vk_str_starts(named, "~/") && home)
		return vk_asprintf("%s/%s", home, named + 2);
	if (named)
		return vk_strdup(named);
	return home && *home == '/' ? vk_asprintf("%s/.npmrc", home) : NULL;
}

static bool
exists(const char *dir, const char *name)
{
	VK_CLEANUP(vk_freep) char *path = vk_asprintf("%s/%s", dir, name);
	struct stat st;

	return path && stat(path, &st) == 0;
}

static bool
same_file(const char *a, const char *b)
{
	struct stat x, y;

	return a && b && stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	    x.st_ino == y.st_ino;
}

static enum vk_err
add_project(struct vk_npm_view *v, const char *dir)
{
	struct vk_npm_file *f = &v->projects[v->n_projects];
	enum vk_err e;

	if (!(f->path = vk_asprintf("%s/.npmrc", dir)))
		return vk_fail(VK_ENOMEM, "out of memory");
	v->n_projects++;
	/* npm skips it too. */
	if (same_file(f->path, v->user.path))
		return VK_OK;
	if ((e = load(f)) == VK_OK && (e = note_file(v, f)) == VK_OK)
		e = vk_npm_lock(v, dir);
	return e;
}

/*
 * npm takes the nearest directory with a package.json or node_modules, or the workspace's root
 * above it.  Which of them it is does not matter here: a file that npm does not read does no harm.
 */
static enum vk_err
load_projects(struct vk_npm_view *v, char *const *command)
{
	const char *prefix = vk_npm_option(command, "prefix");
	VK_CLEANUP(vk_freep) char *dir = realpath(prefix && *prefix ? prefix : ".", NULL);
	enum vk_err e = VK_OK;

	for (char *slash = dir; e == VK_OK && slash && v->n_projects < VK_NPM_PROJECTS;) {
		bool nearest = v->n_projects == 0 && slash == dir;

		if (nearest || exists(dir, "package.json") || exists(dir, "node_modules"))
			e = add_project(v, dir);
		if ((slash = strrchr(dir, '/')))
			*slash = '\0';
	}
	return e;
}

enum vk_err
vk_npm_view_load(struct vk_npm_view *v, char *const *command)
{
	enum vk_err e;

	v->user.path = vk_npm_user_file(command);
	if ((e = load(&v->user)) == VK_OK && (e = note_file(v, &v->user)) == VK_OK &&
	    (e = note_environment(v)) == VK_OK && (e = note_command(v, command)) == VK_OK)
		e = load_projects(v, command);
	return e;
}

void
vk_npm_view_clear(struct vk_npm_view *v)
{
	free(v->user.path);
	vk_buf_clear(&v->user.text);
	for (size_t i = 0; i < v->n_projects; i++) {
		free(v->projects[i].path);
		vk_buf_clear(&v->projects[i].text);
	}
	for (size_t i = 0; i < v->n_registries; i++)
		vk_scope_clear(&v->registries[i]);
	free(v->registries);
	free(v->home);
	*v = (struct vk_npm_view){ 0 };
}
