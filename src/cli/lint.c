/* SPDX-License-Identifier: ISC */
/* The rules, and how a finding is said, silenced and put right. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/lint.h"

static const struct rule {
	const char *id, *severity, *why;
} rules[] = {
	[VK_LINT_ARG] = { "VK-D01", "high",
		"It stays in the history and the configuration of the image (docker history shows it) and in the "
		    "provenance." },
	[VK_LINT_ARG_STAGE] = { "VK-D02", "medium",
		"The stage is not in the image, but the value stays in the build cache and in the provenance." },
	[VK_LINT_LITERAL] = { "VK-D03", "high",
		"The instruction is kept word for word in the image's history and in the repository." },
	[VK_LINT_COPY] = { "VK-D04", "high",
		"The file becomes part of a layer: whoever can pull the image can read it, even if a later layer "
		    "removes it." },
	[VK_LINT_CONTEXT] = { "VK-D05", "high",
		"The file goes to the builder with the context and becomes part of a layer and of the build cache." },
	[VK_LINT_URL] = { "VK-D06", "high",
		"What stands in the URL stays in the history or in the layer (git keeps it in .git/config), and "
		    "shows in the build log." },
	[VK_LINT_WRITES] = { "VK-D07", "high",
		"The command writes the credential into the layer; an argument is in the history and the build log "
		    "too." },
	[VK_LINT_REMOVES] = { "VK-D08", "high",
		"The earlier layer still holds the file; removing it only hides it from the layers above." },
	[VK_LINT_REQUIRED] = { "VK-D09", "medium",
		"When the build is not given the secret, there is silently no file: the step runs without it, and "
		    "its result is cached." },
	[VK_LINT_ORDER] = { "VK-D10", "low",
		"Every change of any file throws the downloads out of the build cache, so the secret is needed for "
		    "every build." },
	[VK_LINT_ENV] = { "VK-D11", "low",
		"Every process of the step inherits the variable; a file is read by the one that needs it." },
	[VK_LINT_GIT] = { "VK-D12", "low",
		"The repository's history goes into the layer; on a CI machine its configuration often holds the "
		    "token of the checkout." },
	[VK_LINT_BUILD_ARG] = { "VK-B01", "high",
		"A build argument stays in the image's history, in the build cache and in the provenance." },
	[VK_LINT_PLAIN] = { "VK-W01", "high",
		"Whoever gets the directory, a copy or an image of it, or its repository has the credential." },
	[VK_LINT_PLAIN_TOKEN] = { "VK-W02", "high",
		"Whoever gets the file has the token; if it is in the repository, it stays in its history." },
	[VK_LINT_PLAIN_URL] = { "VK-W03", "high",
		"The file usually goes into the repository and into the image, and the credential with it." },
};

/* Where a line begins; NULL: there is no such line. */
static const char *
line_at(const struct vk_lint_file *f, size_t line)
{
	const char *p = f->text, *end = f->text + f->n;

	while (line > 1 && p && p < end) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
		line--;
	}
	return line == 1 ? p : NULL;
}

/* Does the comment of ${n} bytes name the rule, or none and so all?  Ids end at what is no part of one. */
static bool
silences(const char *s, size_t n, const char *id)
{
	static const char mark[] = "valetkey: ignore";
	const char *p = memmem(s, n, mark, sizeof(mark) - 1), *end = s + n;
	bool any = false;

	if (!p)
		return false;
	for (p += sizeof(mark) - 1; p < end && (*p == ' ' || *p == ',' || *p == '\t'); ) {
		while (p < end && (*p == ' ' || *p == ',' || *p == '\t'))
			p++;
		if (end - p < 6 || memcmp(p, "VK-", 3) != 0)
			break;
		any = true;
		if (memcmp(p, id, 6) == 0)
			return true;
		p += 6;
	}
	return !any;
}

/* The comments directly above a line are looked at, so that one can give a reason in a line of its own. */
static bool
is_silenced(const struct vk_lint_file *f, size_t line, const char *id)
{
	const char *p = line > 1 ? line_at(f, line) : NULL;

	while (p && p > f->text) {
		const char *start = p - 1, *s;

		while (start > f->text && start[-1] != '\n')
			start--;
		s = start + strspn(start, " \t");
		if (*s != '#' && *s != ';' && !vk_str_starts(s, "//"))
			return false;
		if (silences(s, (size_t)(p - s), id))
			return true;
		p = start;
	}
	return false;
}

static bool
was_said(const struct vk_doctor *d, const char *file, size_t line, const char *id, const char *text)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].rule == id && d->v[i].line == line && d->v[i].text && strcmp(d->v[i].text, text) == 0 &&
		    d->v[i].file && strcmp(d->v[i].file, file) == 0)
			return true;
	return false;
}

/* What stands where a name should be may be a token. */
static void
mask(char *s)
{
	const char *at;
	size_t n;

	while ((at = vk_lint_token(s, strlen(s), &n)) != NULL)
		memset(s + (at - s), '*', n);
	while ((at = vk_lint_url(s, strlen(s), &n)) != NULL)
		memset(s + (at - s), '*', n);
}

bool
vk_lint_add(struct vk_lint *l, enum vk_lint_rule rule, size_t line, const char *fmt, ...)
{
	VK_CLEANUP(vk_freep) char *text = NULL;
	VK_CLEANUP(vk_freep) char *file = l->d->n < VK_LINT_MAX ? vk_strdup(l->file->path) : NULL;
	const struct rule *r = &rules[rule];
	struct vk_doctor_item *it;
	size_t before = l->d->n;
	va_list ap;

	if (l->d->n >= VK_LINT_MAX)
		return false;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (!text || !file) {
		l->d->failed = true;
		return false;
	}
	mask(text);
	vk_str_printable(text, strlen(text));
	vk_str_printable(file, strlen(file));
	if (is_silenced(l->file, line, r->id) || was_said(l->d, file, line, r->id, text))
		return false;
	vk_doctor_add(l->d, strcmp(r->severity, "low") == 0 ? VK_DOCTOR_NOTE : VK_DOCTOR_FINDING, "lint", "%s", text);
	if (l->d->n == before)
		return false;
	it = &l->d->v[before];
	it->file = VK_TAKE(file);
	it->line = line;
	it->rule = r->id;
	it->severity = r->severity;
	it->why = r->why;
	return true;
}

void
vk_lint_edit(struct vk_lint *l, size_t item, const char *file, size_t first, size_t last, const char *text)
{
	struct vk_doctor_item *it = &l->d->v[item];

	/* What would show a secret is not shown, even if it would be right. */
	if (vk_lint_shows_secret(text, strlen(text)))
		return;
	for (size_t i = 0; i < it->n_edits; i++)
		if (it->edits[i].first == first && it->edits[i].last == last && strcmp(it->edits[i].file, file) == 0 &&
		    strcmp(it->edits[i].text, text) == 0)
			return;
	vk_doctor_edit(l->d, item, (struct vk_doctor_edit){ .file = vk_strdup(file), .text = vk_strdup(text),
		.first = first, .last = last });
}
