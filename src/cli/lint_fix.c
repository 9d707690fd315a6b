/* SPDX-License-Identifier: ISC */
/* The lines that would be right for an instruction: as much of the user's own as can stay. */
#include <string.h>

#include "cli/lint_docker.h"

void
vk_lint_without_urls(const char *s, size_t n, struct vk_buf *out)
{
	const char *end = s + n, *at;
	size_t len;

	for (; (at = vk_lint_url(s, (size_t)(end - s), &len)) != NULL; s = at + len)
		vk_buf_add(out, s, (size_t)(at - s));
	vk_buf_add(out, s, (size_t)(end - s));
}

/* The start of a physical line of the file. */
static const char *
line_start(const struct vk_lint_docker *c, size_t line)
{
	const char *p = c->l->file->text;

	for (; line > 1; line--)
		p += strcspn(p, "\n") + 1;
	return p;
}

/* The user that steps run as here; NULL: root. */
static const char *
user_of(const struct vk_lint_docker *c, size_t i)
{
	const struct vk_lint_stage *stage = vk_lint_stage_of(c, i);
	const char *user = NULL;

	for (size_t k = stage->first; k < i; k++)
		if (strcmp(c->f->v[k].name, "USER") == 0)
			user = c->f->v[k].args;
	if (user && (strcmp(user, "root") == 0 || strcmp(user, "0") == 0 || strcmp(user, "root:root") == 0))
		return NULL;
	return user;
}

static bool
is_given(const struct vk_instruction *in, const char *id)
{
	VK_CLEANUP(vk_freep) char *own = vk_asprintf("id=%s", id);

	for (size_t i = 0; own && i < in->n_flags; i++) {
		const char *p = vk_str_starts(in->flags[i], "--mount=") ? strstr(in->flags[i], own) : NULL;

		if (p && (p[strlen(own)] == ',' || p[strlen(own)] == '\0'))
			return true;
	}
	return false;
}

/* "--mount=..." of the files and variables that the step gets, ${gap} before each. */
static bool
add_mounts(const struct vk_lint_docker *c, size_t i, const char *gap, struct vk_buf *out)
{
	const struct vk_instruction *in = &c->f->v[i];
	const struct vk_lint_plan *p = &c->plan[i];
	const char *user = user_of(c, i), *mode = user ? ",mode=0444" : "";

	/* Where the home of a number is, or of a variable, only the image knows. */
	if (user && p->n_kinds > 0 && (*user == '$' || (*user >= '0' && *user <= '9')))
		return false;
	for (size_t k = 0; k < p->n_kinds; k++) {
		if (is_given(in, p->kinds[k]->id))
			continue;
		vk_buf_fmt(out, "%s--mount=type=secret,id=%s,target=%s", gap, p->kinds[k]->id, user ? "/home/"
		    : "/root");
		if (user)
			vk_buf_add(out, user, strcspn(user, ": \t"));
		vk_buf_fmt(out, "/%s%s,required=true", p->kinds[k]->file, mode);
	}
	for (size_t k = 0; k < p->n_vars; k++)
		if (!is_given(in, p->vars[k]))
			vk_buf_fmt(out, "%s--mount=type=secret,id=%s%s,required=true", gap, p->vars[k], mode);
	return true;
}

static bool
is_secret_flag(const char *flag)
{
	return vk_str_starts(flag, "--mount=") && strstr(flag, "type=secret") && !strstr(flag, "required");
}

static bool
add_flags(const struct vk_instruction *in, bool required, const char *gap, struct vk_buf *out)
{
	for (size_t i = 0; i < in->n_flags; i++) {
		/* Quotes are gone from it. */
		if (strpbrk(in->flags[i], " \t\"'\\`"))
			return false;
		vk_buf_fmt(out, "%s%s%s", gap, in->flags[i], required && is_secret_flag(in->flags[i])
		    ? ",required=true" : "");
	}
	return true;
}

/* The lines as they are, with mounts behind "RUN" and ",required=true" behind mounts. */
static bool
raw(const struct vk_lint_docker *c, size_t i, struct vk_buf *out)
{
	const struct vk_instruction *in = &c->f->v[i];
	const struct vk_lint_plan *p = &c->plan[i];
	VK_CLEANUP(vk_freep) char *gap = vk_asprintf(" %c\n    ", c->f->escape);
	const char *s = line_start(c, in->line), *end = line_start(c, in->end_line + 1);
	const char *file_end = c->l->file->text + c->l->file->n;
	VK_CLEANUP(vk_buf_clear) struct vk_buf mounts = VK_BUF(8192);
	size_t lead = strspn(s, " \t");

	end = end < file_end ? end : file_end;
	for (int words = in->onbuild ? 2 : 1; words > 0; words--)
		lead += strspn(s + lead, " \t") + strcspn(s + lead + strspn(s + lead, " \t"), " \t\r\n\\`");
	if (!gap || !add_mounts(c, i, gap, &mounts))
		return false;
	vk_buf_add(out, s, lead);
	if (mounts.len > 0) {
		/* The first one stands in the line of "RUN". */
		vk_buf_str(out, " ");
		vk_buf_add(out, mounts.p + strlen(gap), mounts.len - strlen(gap));
		vk_buf_add(out, gap, strlen(gap) - 1);
	}
	for (s += lead; s < end;) {
		const char *flag = NULL, *next = NULL;

		for (size_t k = 0; p->required && k < in->n_flags; k++) {
			const char *at = is_secret_flag(in->flags[k]) ? memmem(s, (size_t)(end - s), in->flags[k],
			    strlen(in->flags[k])) : NULL;

			if (at && (!next || at < next)) {
				next = at;
				flag = in->flags[k];
			}
		}
		if (!next)
			break;
		next += strlen(flag);
		vk_buf_add(out, s, (size_t)(next - s));
		vk_buf_str(out, ",required=true");
		s = next;
	}
	vk_buf_add(out, s, (size_t)(end - s));
	if (out->err == VK_OK && out->len > 0 && out->p[out->len - 1] != '\n')
		vk_buf_char(out, '\n');
	return true;
}

/* Blanks that joining has left become one, outside of quotes. */
static void
squeeze(struct vk_buf *b, const char *s, size_t n)
{
	char quote = '\0';

	for (size_t i = 0; i < n; i++) {
		if (quote ? s[i] == quote : s[i] == '"' || s[i] == '\'')
			quote = quote ? '\0' : s[i];
		if (!quote && (s[i] == ' ' || s[i] == '\t') && i > 0 && (s[i - 1] == ' ' || s[i - 1] == '\t'))
			continue;
		vk_buf_char(b, s[i]);
	}
}

static void
add_segment(const struct vk_segment *s, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_MAX_DOCKERFILE);
	const char *p = s->p, *end = s->p + s->n;

	if (s->netrc && s->cmd < s->n_w) {
		const char *behind = s->w[s->cmd].p + s->w[s->cmd].n;

		vk_buf_add(&b, p, (size_t)(behind - p));
		vk_buf_str(&b, " --netrc");
		p = behind;
	}
	if (s->n_cut > 0) {
		const char *cut = s->cut[0].p;

		vk_buf_add(&b, p, (size_t)(cut - p));
		p = s->cut[s->n_cut - 1].p + s->cut[s->n_cut - 1].n;
		while (p < end && *p == ' ')
			p++;
	}
	if (s->url)
		vk_lint_without_urls(p, (size_t)(end - p), &b);
	else
		vk_buf_add(&b, p, (size_t)(end - p));
	if (b.p && b.err == VK_OK)
		squeeze(out, b.p, b.len);
}

/* What is dropped takes its pipeline along, and "|| true" behind it. */
static void
widen(struct vk_lint_plan *p)
{
	for (bool again = true; again;) {
		again = false;
		for (size_t k = 0; k + 1 < p->n_seg; k++) {
			struct vk_segment *a = &p->seg[k], *b = a + 1;
			bool pipe = strcmp(a->sep, "|") == 0, other = strcmp(a->sep, "||") == 0;

			if ((pipe && a->dropped != b->dropped) || (other && a->dropped && !b->dropped)) {
				a->dropped = b->dropped = true;
				again = true;
			}
		}
	}
}

/* A script with branches is not ours to rearrange. */
static bool
has_branches(const struct vk_lint_plan *p)
{
	static const char *const words[] = { "if", "then", "else", "elif", "fi", "for", "while", "until", "do",
	    "done", "case",
		"esac", "{", "}", "(", ")" };

	for (size_t k = 0; k < p->n_seg; k++)
		for (size_t i = 0; i < VK_COUNT(words); i++)
			if (p->seg[k].n_w > 0 && vk_word_is(&p->seg[k].w[0], words[i]))
				return true;
	return false;
}

static void
add_vars(const struct vk_lint_plan *p, const char *between, struct vk_buf *out)
{
	for (size_t k = 0; k < p->n_vars; k++)
		vk_buf_fmt(out, "%s=\"$(cat /run/secrets/%s)\"%s", p->vars[k], p->vars[k], between);
}

static void
add_segments(struct vk_lint_plan *p, const char *gap, struct vk_buf *out)
{
	const struct vk_segment *last = NULL;

	for (size_t k = 0; k < p->n_seg; k++) {
		const struct vk_segment *s = &p->seg[k];

		if (s->dropped)
			continue;
		if (last && *last->sep == '\n')
			vk_buf_char(out, '\n');
		else if (last && *last->sep == '|')
			vk_buf_fmt(out, " %s ", last->sep);
		else if (last)
			vk_buf_fmt(out, "%s%s%s", strcmp(last->sep, ";") == 0 ? "" : " ", *last->sep ? last->sep
			    : "&&", gap);
		add_segment(s, out);
		last = s;
	}
}

/* The step made anew of what is left of it; nothing when nothing is. */
static bool
anew(const struct vk_lint_docker *c, size_t i, struct vk_buf *out)
{
	const struct vk_instruction *in = &c->f->v[i];
	struct vk_lint_plan *p = &c->plan[i];
	VK_CLEANUP(vk_freep) char *gap = vk_asprintf(" %c\n    ", c->f->escape);
	VK_CLEANUP(vk_buf_clear) struct vk_buf flags = VK_BUF(65536);
	size_t left = 0;

	widen(p);
	for (size_t k = 0; k < p->n_seg; k++)
		/* "set -e" alone does nothing. */
		left += !p->seg[k].dropped && !vk_segment_is(&p->seg[k], "set", NULL);
	if (p->n_seg > 0 && left == 0)
		return true;
	if (!gap || in->json || in->n_docs > 1 || has_branches(p))
		return false;
	if (!add_mounts(c, i, gap, &flags) || !add_flags(in, p->required, gap, &flags))
		return false;
	vk_buf_fmt(out, "%sRUN ", in->onbuild ? "ONBUILD " : "");
	if (flags.len > 0) {
		vk_buf_str(out, flags.p + strlen(gap));
		vk_buf_str(out, in->n_docs > 0 ? " " : gap);
	}
	if (in->n_docs == 0) {
		VK_CLEANUP(vk_freep) char *between = vk_asprintf(" &&%s", gap);

		add_vars(p, between ? between : " && ", out);
		add_segments(p, gap, out);
		vk_buf_char(out, '\n');
		return true;
	}
	vk_buf_fmt(out, "%s\n", in->args);
	add_vars(p, "\n", out);
	add_segments(p, " ", out);
	vk_buf_fmt(out, "\n%s\n", in->docs[0].name);
	return true;
}

static bool
run(const struct vk_lint_docker *c, size_t i, struct vk_buf *out)
{
	const struct vk_lint_plan *p = &c->plan[i];
	bool same = p->n_vars == 0;

	for (size_t k = 0; k < p->n_seg; k++)
		same = same && !p->seg[k].dropped && !p->seg[k].url && p->seg[k].n_cut == 0 && !p->seg[k].netrc;
	return same ? raw(c, i, out) : anew(c, i, out);
}

static void
add_quoted(const char *s, struct vk_buf *out)
{
	vk_buf_char(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			vk_buf_char(out, '\\');
		vk_buf_char(out, *s);
	}
	vk_buf_char(out, '"');
}

/* ARG, ENV, COPY, ADD with some of their words. */
static bool
words(const struct vk_lint_docker *c, size_t i, struct vk_buf *out)
{
	const struct vk_instruction *in = &c->f->v[i];
	const struct vk_lint_plan *p = &c->plan[i];
	bool copy = strcmp(in->name, "COPY") == 0 || strcmp(in->name, "ADD") == 0;
	size_t n = in->n_words - copy, kept = 0;

	for (size_t k = 0; k < n; k++)
		kept += !p->words_dropped[k < VK_COUNT(p->words_dropped) ? k : 0];
	if (kept == 0 || n >= VK_COUNT(p->words_dropped))
		return kept == 0;
	vk_buf_fmt(out, "%s%s", in->onbuild ? "ONBUILD " : "", in->name);
	if (!add_flags(in, false, " ", out))
		return false;
	vk_buf_str(out, in->json ? " [" : "");
	for (size_t k = 0, first = 1; k < in->n_words; k++) {
		if (k < n && p->words_dropped[k])
			continue;
		if (in->json) {
			vk_buf_str(out, first ? "" : ", ");
			add_quoted(in->words[k], out);
		} else {
			vk_buf_char(out, ' ');
			if (p->url)
				vk_lint_without_urls(in->words[k], strlen(in->words[k]), out);
			else
				vk_buf_str(out, in->words[k]);
		}
		first = 0;
	}
	vk_buf_str(out, in->json ? "]\n" : "\n");
	return true;
}

bool
vk_lint_compose(const struct vk_lint_docker *c, size_t i, struct vk_buf *out)
{
	const struct vk_lint_plan *p = &c->plan[i];
	const struct vk_instruction *in = &c->f->v[i];
	bool dropped = false;

	if (p->impossible || !p->changed)
		return false;
	if (p->before)
		vk_buf_str(out, p->before);
	if (p->gone)
		return true;
	if (strcmp(in->name, "RUN") == 0)
		return run(c, i, out);
	for (size_t k = 0; k < VK_COUNT(p->words_dropped); k++)
		dropped |= p->words_dropped[k];
	return dropped || p->url ? words(c, i, out) : raw(c, i, out);
}
