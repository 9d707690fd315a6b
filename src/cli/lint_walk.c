/* SPDX-License-Identifier: ISC */
/* Which files of a tree are looked at, and reading them. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "cli/lint.h"

enum { MAX_ENTRIES = 500000, MAX_FILES = 20000 };

/* What is in a file, by its name. */
enum class {
	NOTHING,
	DOCKERFILE,
	BUILDS, /* scripts, CI and compose files: --build-arg and tokens */
	DATA,   /* manifests and lock files: URLs and tokens */
	CRED,   /* credentials by its name */
};

/* Other people's files, and what tools make. */
static const char *const skipped[] = { "node_modules", "vendor", ".hg", ".svn", "__pycache__", ".venv", "venv", ".tox",
	".terraform", "bower_components" };

/*
 * Files of a tree go by their names; those beginning with a '*' by their ends, and those with one at the end by
 * their starts.
 */
static const struct name {
	const char *pattern;
	enum class class;
} names[] = {
	{ "Dockerfile", DOCKERFILE }, { "Containerfile", DOCKERFILE },
	{ "*.dockerignore", NOTHING },
	{ "Dockerfile.*", DOCKERFILE }, { "Containerfile.*", DOCKERFILE },
	{ "*.Dockerfile", DOCKERFILE }, { "*.dockerfile", DOCKERFILE },
	{ "*.Containerfile", DOCKERFILE },
	{ "*.sh", BUILDS }, { "*.bash", BUILDS }, { "Makefile", BUILDS },
	{ "makefile", BUILDS }, { "GNUmakefile", BUILDS }, { "*.mk", BUILDS },
	{ "justfile", BUILDS }, { "Justfile", BUILDS }, { "Jenkinsfile", BUILDS },
	{ "*.yml", BUILDS }, { "*.yaml", BUILDS }, { "docker-bake.hcl", BUILDS },
	{ "package.json", DATA }, { "package-lock.json", DATA },
	{ "npm-shrinkwrap.json", DATA },
	{ "yarn.lock", DATA }, { ".yarnrc", DATA }, { "bunfig.toml", DATA },
	{ "requirements*", DATA }, { "constraints*", DATA }, { "Pipfile", DATA },
	{ "Pipfile.lock", DATA }, { "pyproject.toml", DATA }, { "poetry.lock", DATA },
	{ "uv.lock", DATA }, { "setup.cfg", DATA }, { "composer.json", DATA },
	{ "composer.lock", DATA }, { "Gemfile", DATA }, { "Gemfile.lock", DATA },
	{ ".gitmodules", DATA }, { ".envrc", DATA }, { "go.env", DATA },
	{ "go.mod", DATA },
	{ "pom.xml", DATA }, { "gradle.properties", DATA }, { "build.gradle", DATA },
	{ "nuget.config", DATA }, { "NuGet.Config", DATA },
};

static bool
fits(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);

	if (*pattern == '*')
		return vk_str_ends(name, pattern + 1);
	return pattern[n - 1] == '*' ? strncmp(pattern, name, n - 1) == 0 : strcmp(pattern, name) == 0;
}

/* A place in a path: "/.github/workflows/" or its start. */
static bool
below(const char *path, const char *dir)
{
	return strstr(path, dir) || vk_str_starts(path, dir + 1);
}

static enum class
class_of(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	if (vk_lint_cred_name(path))
		return CRED;
	for (size_t i = 0; i < VK_COUNT(names); i++) {
		if (!fits(names[i].pattern, name))
			continue;
		if (!vk_str_ends(name, ".yml") && !vk_str_ends(name, ".yaml"))
			return names[i].class;
		/* Of YAML files those of builds, and no others. */
		if (strcmp(name, "pnpm-lock.yaml") == 0 || strcmp(name, ".yarnrc.yml") == 0)
			return DATA;
		return strstr(name, "compose") || strstr(name, "gitlab-ci") || strstr(name, "pipelines") ||
		    strstr(name, "cloudbuild") || fits("Taskfile*", name) || fits("buildspec*", name) || *name == '.' ||
		    below(path, "/.github/") || below(path, "/.gitea/") || below(path, "/.forgejo/") ||
		    below(path, "/.circleci/") || below(path, "/.gitlab/") || below(path, "/.woodpecker/")
		    ? BUILDS : NOTHING;
	}
	return NOTHING;
}

/* The text of a file of the tree; false, and said so, when it cannot be had. */
static bool
read_file(struct vk_lint *l, const char *path, bool follow, struct vk_buf *text)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (follow ? 0 : O_NOFOLLOW);
	VK_CLEANUP(vk_closep) int fd = open(path, flags);
	struct stat st;
	enum vk_err e = VK_ESYS;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		e = vk_buf_read(text, fd);
	/* What follows wants a text that is there, even when it is empty. */
	if (e == VK_OK)
		e = vk_buf_add(text, "", 0);
	if (e == VK_OK)
		return true;
	vk_doctor_add(l->d, VK_DOCTOR_NOTE, "lint", "%s cannot be read%s, so was not looked at", path,
	    e == VK_ELIMIT ? " (too large)" : "");
	vk_reason_clear();
	return false;
}

static const char *
shown(const struct vk_lint *l, const char *path)
{
	return strcmp(l->root, ".") == 0 && vk_str_starts(path, "./") ? path + 2 : path;
}

static bool
add_found(struct vk_lint *l, const char *path, bool holds)
{
	struct vk_lint_found *v = reallocarray(l->found, l->n_found + 1, sizeof(*v));

	if (!v || !(v[l->n_found].path = vk_strdup(shown(l, path)))) {
		l->d->failed = true;
		l->found = v ? v : l->found;
		return false;
	}
	l->found = v;
	v[l->n_found++].holds = holds;
	return true;
}

static void
look(struct vk_lint *l, const char *path, bool named)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(VK_MAX_FILE);
	enum class class = class_of(path);
	struct vk_lint_file file = { .path = shown(l, path) };

	if (named && class == NOTHING)
		class = DOCKERFILE;
	if (!read_file(l, path, named, &text))
		return;
	file.text = text.p;
	file.n = text.len;
	l->file = &file;
	if (class == DOCKERFILE)
		vk_lint_dockerfile(l);
	else if (class == CRED)
		(void)!add_found(l, path, vk_lint_scan(l, file.path, text.p, text.len));
	else
		vk_lint_text(l, class == BUILDS, class == DATA);
	l->file = NULL;
}

/* Files of credentials are read at once, since COPY asks for them; the others when the walk is over. */
static void
meet(struct vk_lint *l, const char *path)
{
	enum class class = class_of(path);
	char **v;

	if (class == CRED) {
		look(l, path, false);
		return;
	}
	if (class == NOTHING || l->n_files >= MAX_FILES)
		return;
	if (!(v = reallocarray(l->files, l->n_files + 1, sizeof(*v)))) {
		l->d->failed = true;
		return;
	}
	l->files = v;
	if ((v[l->n_files] = vk_strdup(path)))
		l->n_files++;
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool
is_skipped(const char *name)
{
	for (size_t i = 0; i < VK_COUNT(skipped); i++)
		if (strcmp(name, skipped[i]) == 0)
			return true;
	return false;
}

/* Of ".git" only the configuration: remotes and extra headers.  It is found for COPY in any case. */
static void
meet_git(struct vk_lint *l, const char *dir)
{
	VK_CLEANUP(vk_freep) char *config = vk_asprintf("%s/config", dir);
	size_t before = l->n_found;
	struct stat st;

	if (config && lstat(config, &st) == 0)
		look(l, config, false);
	(void)!add_found(l, dir, l->n_found > before && l->found[before].holds);
}

static void
walk(struct vk_lint *l, const char *root)
{
	char *argv[] = { vk_strdup(root), NULL };
	FTS *fts = argv[0] ? fts_open(argv, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, by_name) : NULL;
	FTSENT *e;

	l->d->failed |= !fts;
	while (fts && (e = fts_read(fts)) != NULL) {
		if (++l->n_seen > MAX_ENTRIES) {
			vk_doctor_add(l->d, VK_DOCTOR_NOTE, "lint", "%s has too many files; not all were looked at",
			    root);
			break;
		}
		if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS) {
			vk_doctor_add(l->d, VK_DOCTOR_NOTE, "lint", "%s cannot be read, so was not looked at",
			    e->fts_path);
		} else if (e->fts_info == FTS_D && e->fts_level > 0 && strcmp(e->fts_name, ".git") == 0) {
			meet_git(l, e->fts_path);
			fts_set(fts, e, FTS_SKIP);
		} else if (e->fts_info == FTS_D && e->fts_level > 0 && is_skipped(e->fts_name)) {
			fts_set(fts, e, FTS_SKIP);
		} else if (e->fts_info == FTS_F) {
			meet(l, e->fts_path);
		}
	}
	if (fts)
		fts_close(fts);
	free(argv[0]);
}

static void
clear(struct vk_lint *l)
{
	for (size_t i = 0; i < l->n_found; i++)
		free(l->found[i].path);
	for (size_t i = 0; i < l->n_files; i++)
		free(l->files[i]);
	free(l->found);
	free(l->files);
}

enum vk_err
vk_lint_path(struct vk_doctor *d, const char *path)
{
	VK_CLEANUP(vk_freep) char *root = vk_strdup(path);
	struct vk_lint l = { .d = d, .root = root };
	size_t n = root ? strlen(root) : 0, before = d->n;
	struct stat st;
	char *slash;

	if (!root)
		return VK_ENOMEM;
	if (stat(path, &st) < 0)
		return vk_fail(VK_EUSAGE, "%s: %s", path, strerror(errno));
	while (n > 1 && root[n - 1] == '/')
		root[--n] = '\0';
	if (S_ISDIR(st.st_mode)) {
		walk(&l, root);
		for (size_t i = 0; i < l.n_files; i++)
			look(&l, l.files[i], false);
	} else {
		VK_CLEANUP(vk_freep) char *file = vk_strdup(root);
		struct vk_doctor quiet = { 0 };

		/* What lies beside a Dockerfile counts for its COPY, and is not what was asked about. */
		if ((slash = strrchr(root, '/')))
			slash[slash == root] = '\0';
		else
			memcpy(root, ".", 2);
		l.d = &quiet;
		if (file && class_of(file) != CRED)
			walk(&l, root);
		vk_doctor_release(&quiet);
		l.d = d;
		if (file)
			look(&l, file, true);
	}
	clear(&l);
	if (d->n == before)
		vk_doctor_add(d, VK_DOCTOR_OK, "lint", "%s: nothing found that would leave a credential behind", path);
	return VK_OK;
}
