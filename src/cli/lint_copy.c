/* SPDX-License-Identifier: ISC */
/*
 * COPY and ADD: files of credentials that go into a layer, by name or with the whole context; and what comes too
 * early.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "cli/lint_docker.h"

/* Copies from the context?  Then the sources are all words but the last. */
static bool
copies(const struct vk_instruction *in, size_t *ret_n)
{
	if ((strcmp(in->name, "COPY") != 0 && strcmp(in->name, "ADD") != 0) || in->n_words < 2)
		return false;
	for (size_t i = 0; i < in->n_flags; i++)
		if (vk_str_starts(in->flags[i], "--from="))
			return false;
	*ret_n = in->n_words - 1;
	return true;
}

/* The source as the context has it: without what means its root. */
static const char *
source(const char *s)
{
	while (*s == '/' || (s[0] == '.' && (s[1] == '/' || s[1] == '\0')))
		s++;
	return s;
}

static bool
is_plain(const char *s)
{
	return !strpbrk(s, "*?[$<") && !strstr(s, "://");
}

/* Is every plain source there, below this directory? */
static bool
has_sources(const struct vk_lint_docker *c, const char *dir)
{
	struct stat st;
	size_t n;

	for (size_t i = 0; i < c->f->n; i++) {
		if (!copies(&c->f->v[i], &n))
			continue;
		for (size_t k = 0; k < n; k++) {
			VK_CLEANUP(vk_freep) char *path = vk_asprintf("%s/%s", dir, source(c->f->v[i].words[k]));

			if (path && is_plain(c->f->v[i].words[k]) && lstat(path, &st) < 0)
				return false;
		}
	}
	return true;
}

/*
 * Which directory the build is given, the Dockerfile does not say.  It is its own, unless something that is
 * copied is there only in the one that we were asked to look at.
 */
static char *
find_context(const struct vk_lint_docker *c)
{
	const char *path = c->l->file->path, *slash = strrchr(path, '/');
	size_t n = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;
	VK_CLEANUP(vk_freep) char *own = slash ? strndup(path, n) : vk_strdup(".");

	if (own && !has_sources(c, own) && has_sources(c, c->l->root))
		return vk_strdup(c->l->root);
	return VK_TAKE(own);
}

/* Patterns for this very Dockerfile go before those of the context. */
static void
read_ignore(struct vk_lint_docker *c)
{
	VK_CLEANUP(vk_freep) char *own = vk_asprintf("%s.dockerignore", c->l->file->path);
	VK_CLEANUP(vk_freep) char *shared = vk_asprintf(strcmp(c->context, ".") ? "%s/.dockerignore"
	    : "%s.dockerignore",
	    strcmp(c->context, ".") ? c->context : "");
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF(VK_MAX_INPUT);
	VK_CLEANUP(vk_closep) int fd = own ? open(own, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW) : -1;

	if (fd < 0 && shared) {
		fd = open(shared, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
		c->ignore_path = VK_TAKE(shared);
	} else {
		c->ignore_path = VK_TAKE(own);
	}
	if (fd < 0 || !c->ignore_path)
		return;
	if (vk_buf_read(&text, fd) != VK_OK || vk_ignore_parse(text.p ? text.p : "", text.len, &c->ignore) != VK_OK) {
		vk_doctor_add(c->l->d, VK_DOCTOR_NOTE, "lint", "%s: %s", c->ignore_path, vk_reason());
		vk_reason_clear();
	}
}

/* The path of a found file within the context; NULL: it is not in it. */
static const char *
within(const struct vk_lint_docker *c, const char *path)
{
	size_t n = strlen(c->context);

	if (strcmp(c->context, ".") == 0)
		return *path == '/' ? NULL : path;
	return strncmp(path, c->context, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

/* Does the pattern of a source, or of --exclude, take in the path or a directory above it? */
static bool
takes(const char *pattern, const char *path)
{
	VK_CLEANUP(vk_ignore_clear) struct vk_ignore g = { 0 };

	if (!*pattern)
		return true;
	if (*pattern == '#' || *pattern == '!' || strchr(pattern, '$') ||
	    vk_ignore_parse(pattern, strlen(pattern), &g) != VK_OK) {
		vk_reason_clear();
		return false;
	}
	return vk_ignore_match(&g, path);
}

static bool
is_excluded(const struct vk_lint_docker *c, const struct vk_instruction *in, const char *path)
{
	if (vk_ignore_match(&c->ignore, path))
		return true;
	for (size_t i = 0; i < in->n_flags; i++)
		if (vk_str_starts(in->flags[i], "--exclude=") && takes(in->flags[i] + strlen("--exclude="), path))
			return true;
	return false;
}

/* The found file that is this very source; NULL: it is not there. */
static const struct vk_lint_found *
named(const struct vk_lint_docker *c, const char *src)
{
	size_t n = strlen(src);

	while (n > 1 && src[n - 1] == '/')
		n--;
	for (size_t i = 0; i < c->l->n_found; i++) {
		const char *rel = within(c, c->l->found[i].path);

		if (rel && strlen(rel) == n && memcmp(rel, src, n) == 0)
			return &c->l->found[i];
	}
	return NULL;
}

/* A source that is a file of credentials by its name, and not known to be empty of them. */
static const char *
cred_source(const struct vk_lint_docker *c, const char *word)
{
	const char *src = source(word), *id = is_plain(word) ? vk_lint_cred_name(src) : NULL;
	const struct vk_lint_found *f = id ? named(c, src) : NULL;

	return id && (!f || f->holds || strcmp(id, "git") == 0) ? id : NULL;
}

bool
vk_lint_copied(const struct vk_lint_docker *c, size_t i, const char *id)
{
	const struct vk_instruction *in = &c->f->v[i];
	size_t n;

	if (!copies(in, &n))
		return false;
	for (size_t k = 0; k < n; k++) {
		const char *src = source(in->words[k]), *other = cred_source(c, in->words[k]);

		if (other && strcmp(other, id) == 0)
			return true;
		for (size_t f = 0; f < c->l->n_found; f++) {
			const char *rel = within(c, c->l->found[f].path);

			other = rel && c->l->found[f].holds ? vk_lint_cred_name(rel) : NULL;
			if (other && strcmp(other, id) == 0 && takes(src, rel) && !is_excluded(c, in, rel))
				return true;
		}
	}
	return false;
}

static void
advise(struct vk_lint_docker *c, const char *id)
{
	if (vk_lint_kind_find(id) || strcmp(id, "git") == 0)
		return;
	if (strcmp(id, "ssh") == 0)
		vk_doctor_fix(c->l->d, "RUN --mount=type=ssh, with \"docker build --ssh default\"");
	else
		vk_doctor_fix(c->l->d,
		    "RUN --mount=type=secret,id=%s,target=/where/it/is/read,required=true in the step that reads it",
		    id);
}

static void
check_source(struct vk_lint_docker *c, size_t i, size_t k)
{
	const struct vk_instruction *in = &c->f->v[i];
	const char *src = source(in->words[k]), *id = cred_source(c, in->words[k]);
	struct vk_lint_plan *p = &c->plan[i];

	if (id && !is_excluded(c, in, src)) {
		if (!vk_lint_add(c->l, VK_LINT_COPY, in->line, "%s puts %s into the image", in->name, src))
			return;
		p->changed = true;
		if (k < VK_COUNT(p->words_dropped))
			p->words_dropped[k] = true;
		advise(c, id);
		vk_lint_link(c, i);
		vk_lint_need(c, i, id);
		return;
	}
	for (size_t f = 0; f < c->l->n_found; f++) {
		const struct vk_lint_found *found = &c->l->found[f];
		const char *rel = within(c, found->path);
		VK_CLEANUP(vk_freep) char *pattern = rel ? vk_asprintf("%s\n", rel) : NULL;
		bool git = rel && vk_str_ends(found->path, ".git");

		if (!pattern || !(found->holds || git) || strpbrk(rel, "*?[\\\n") || vk_str_ends(rel, ".git/config") ||
		    strcmp(rel, src) == 0 || !takes(src, rel) || is_excluded(c, in, rel))
			continue;
		if (!vk_lint_add(c->l, found->holds ? VK_LINT_CONTEXT : VK_LINT_GIT, in->line,
		    "%s %s brings %s into the image",
			in->name, in->words[k], rel))
			continue;
		vk_lint_edit(c->l, c->l->d->n - 1, c->ignore_path ? c->ignore_path : ".dockerignore", 0, 0, pattern);
		if (!git)
			vk_lint_need(c, i, vk_lint_cred_name(rel));
	}
}

/* COPY <<EOF ~/.npmrc */
static void
check_docs(struct vk_lint_docker *c, size_t i)
{
	const struct vk_instruction *in = &c->f->v[i];
	const char *dest = in->n_words ? in->words[in->n_words - 1] : "";
	bool copy = strcmp(in->name, "COPY") == 0 || strcmp(in->name, "ADD") == 0;

	for (size_t k = 0; copy && k < in->n_docs; k++) {
		const struct vk_heredoc *doc = &in->docs[k];
		const char *id = vk_lint_cred_name(dest), *var, *s = doc->text;
		bool secret = strstr(s, "_auth") || strstr(s, "_password") || strstr(s, "password");
		size_t n;

		id = id ? id : vk_lint_cred_name(doc->name);
		for (const char *at = s; !secret && (at = vk_lint_var(at, strlen(at), &var, &n)) != NULL;)
			secret = vk_lint_secret_name(var, n);
		if (!id || !secret || !vk_lint_add(c->l, VK_LINT_WRITES, in->line,
		    "a file of credentials (%s) is written into the layer", id))
			continue;
		c->plan[i].changed = c->plan[i].gone = true;
		vk_lint_link(c, i);
		vk_lint_need(c, i, id);
	}
}

void
vk_lint_copies(struct vk_lint_docker *c)
{
	size_t n;

	for (size_t i = 0; i < c->f->n; i++) {
		check_docs(c, i);
		for (size_t k = 0; copies(&c->f->v[i], &n) && k < n; k++)
			check_source(c, i, k);
	}
}

bool
vk_lint_find_context(struct vk_lint_docker *c)
{
	if (!(c->context = find_context(c)))
		return false;
	read_ignore(c);
	return true;
}

/* ---- order ------------------------------------------------------------------------------------ */

/* Does it copy all of the context? */
static bool
copies_all(const struct vk_instruction *in)
{
	size_t n;

	if (!copies(in, &n) || in->onbuild)
		return false;
	for (size_t k = 0; k < n; k++)
		if (!*source(in->words[k]) || strcmp(in->words[k], "*") == 0)
			return true;
	return false;
}

/* The download alone, moved before the copy of everything; what else the step does stays where it is. */
static void
move_up(struct vk_lint_docker *c, size_t copy, size_t run, const char *manifests)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_MAX_DOCKERFILE);
	struct vk_lint_plan *p = &c->plan[run], *to = &c->plan[copy];
	size_t left = 0;

	for (size_t k = 0; k < p->n_seg; k++)
		left += !p->seg[k].dropped;
	for (size_t i = copy + 1; i < run; i++)
		if (strcmp(c->f->v[i].name, "RUN") != 0 && strcmp(c->f->v[i].name, "ARG") != 0)
			return;
	if (!manifests || left != 1 || c->f->v[run].n_docs > 0 || to->before || to->gone)
		return;
	vk_buf_fmt(&b, "COPY %s ./\n", manifests);
	p->changed = true;
	if (!vk_lint_compose(c, run, &b) || b.err != VK_OK || !(to->before = vk_strdup(b.p)))
		return;
	to->changed = p->gone = true;
	p->moved_to = copy;
	vk_lint_link(c, copy);
	vk_lint_link(c, run);
}

void
vk_lint_order(struct vk_lint_docker *c)
{
	for (size_t k = 0; k < c->n_stages; k++) {
		size_t all = c->f->n;
		bool before = false;

		for (size_t i = c->stage[k].first; i <= c->stage[k].last; i++) {
			const struct vk_lint_plan *p = &c->plan[i];
			const char *manifests;

			if (all == c->f->n && copies_all(&c->f->v[i]))
				all = i;
			for (size_t s = 0; s < p->n_seg; s++) {
				if (!vk_segment_downloads(&p->seg[s], &manifests))
					continue;
				before |= all == c->f->n;
				if (before || !vk_lint_add(c->l, VK_LINT_ORDER, vk_dockerfile_line(&c->f->v[i],
				    p->seg[s].p),
					"dependencies are downloaded after everything was copied (line %zu)",
					    c->f->v[all].line))
					continue;
				vk_doctor_fix(c->l->d,
				    "copy what names the dependencies first%s%s, download, then copy the rest",
				    manifests ? ": COPY " : "", manifests ? manifests : "");
				move_up(c, all, i, manifests);
			}
		}
	}
}
