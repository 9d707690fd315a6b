/* SPDX-License-Identifier: ISC */
/* What a RUN leaves behind: files it writes, URLs, tokens, and secrets that it asks for. */
#include <string.h>

#include "cli/lint_docker.h"

/* One segment of one RUN. */
struct where {
	struct vk_lint_docker *c;
	size_t i, k; /* instruction, segment */
	const struct vk_instruction *in;
	struct vk_lint_plan *plan;
	struct vk_segment *s;
	size_t line;
};

static bool
has(const struct vk_segment *s, const char *text)
{
	return memmem(s->p, s->n, text, strlen(text)) != NULL;
}

static bool
has_mount(const struct vk_instruction *in)
{
	for (size_t i = 0; i < in->n_flags; i++)
		if (vk_str_starts(in->flags[i], "--mount=") && strstr(in->flags[i], "type=secret"))
			return true;
	return false;
}

static bool
uses_secret_var(const struct vk_segment *s)
{
	const char *p = s->p, *end = s->p + s->n, *v;
	size_t n;

	while ((p = vk_lint_var(p, (size_t)(end - p), &v, &n)) != NULL)
		if (vk_lint_secret_name(v, n))
			return true;
	return false;
}

/* Does what the step writes come from a secret that is mounted, so that neither history nor arguments hold it? */
static bool
from_mount(const struct where *w)
{
	return has_mount(w->in) && (has(w->s, "/run/secrets/") || !vk_lint_shows_secret(w->s->p, w->s->n));
}

/* Is the file of this short name removed by a later command of the same RUN? */
static bool
removed_here(const struct where *w, const char *id)
{
	for (size_t k = w->k + 1; k < w->plan->n_seg; k++) {
		const struct vk_segment *s = &w->plan->seg[k];

		for (size_t i = s->cmd + 1; vk_segment_is(s, "rm", NULL) && i < s->n_w; i++) {
			const char *other = vk_word_cred(&s->w[i]);

			if (other && strcmp(other, id) == 0)
				return true;
		}
	}
	return false;
}

/* The short name of the file of credentials that the segment writes, if it does. */
static const char *
writes_file(const struct vk_segment *s)
{
	bool copy = vk_segment_is(s, "cp", NULL) || vk_segment_is(s, "install", NULL);
	bool tee = vk_segment_is(s, "tee", NULL);
	const char *id;

	for (size_t i = s->cmd; i < s->n_w; i++) {
		const struct vk_word *w = &s->w[i];
		bool redirect = memchr(w->p, '>', w->n) && !strchr("\"'", *w->p);

		if (redirect && w->p[w->n - 1] == '>' && i + 1 < s->n_w)
			w++;
		if ((redirect || (tee && i > s->cmd) || (copy && i + 1 == s->n_w && has(s, "/run/secrets/"))) &&
		    (id = vk_word_cred(w)))
			return id;
	}
	return NULL;
}

static bool
looks_secret(const struct vk_segment *s)
{
	size_t n;

	return has(s, "_auth") || has(s, "_password") || has(s, "password") || has(s, "/run/secrets/") ||
	    has(s, "PRIVATE") ||
	    uses_secret_var(s) || vk_lint_token(s->p, s->n, &n) || vk_lint_url(s->p, s->n, &n);
}

/* A finding of this segment that goes away when the segment does. */
static void
drop(struct where *w)
{
	w->s->dropped = true;
	w->plan->changed = true;
	vk_lint_link(w->c, w->i);
}

static bool
check_file(struct where *w)
{
	const char *id = writes_file(w->s);
	/* "echo x | tee f": what is written stands before the bar. */
	struct vk_segment *content = id && w->k > 0 && strcmp(w->s[-1].sep, "|") == 0 ? w->s - 1 : w->s;
	bool gone;

	if (!id || !(looks_secret(content) || looks_secret(w->s)))
		return false;
	gone = removed_here(w, id);
	if (gone && from_mount(w))
		return true;
	if (vk_lint_add(w->c->l, VK_LINT_WRITES, w->line, gone
		? "a file of credentials (%s) is written and removed again: it still needs the secret in the "
		    "command, which is kept"
		: "a file of credentials (%s) is written into the layer", id)) {
		drop(w);
		vk_lint_need(w->c, w->i, id);
	}
	return true;
}

/* Commands that put a credential into a configuration, and what a step is given instead; NULL: that is said only. */
static const struct writer {
	const char *command, *argument, *needle; /* the needle stands in one of its words */
	const char *kind;
	const char *fix;
} writers[] = {
	{ "npm", "set", "_auth", "npmrc", NULL }, { "npm", "set", "_password", "npmrc", NULL },
	{ "pnpm", "set", "_auth", "npmrc", NULL }, { "yarn", "set", "_auth", "npmrc", NULL },
	{ "yarn", "set", "AuthToken", "npmrc", NULL }, { "yarn", "set", "AuthIdent", "npmrc", NULL },
	{ "git", "config", "extraheader", "netrc", NULL }, { "git", "config", "extraHeader", "netrc", NULL },
	{ "cargo", "login", "", NULL,
	    "mount a secret and set CARGO_REGISTRY_TOKEN from its file in the step that needs it" },
	{ "poetry", "config", "http-basic.", NULL,
	    "mount a secret and set POETRY_HTTP_BASIC_NAME_PASSWORD from its file" },
	{ "poetry", "config", "pypi-token.", NULL, "mount a secret and set POETRY_PYPI_TOKEN_NAME from its file" },
	{ "composer", "config", "http-basic.", NULL, "mount a secret at ~/.composer/auth.json" },
	{ "composer", "config", "github-oauth.", NULL, "mount a secret at ~/.composer/auth.json" },
	{ "composer", "config", "gitlab-token.", NULL, "mount a secret at ~/.composer/auth.json" },
	{ "bundle", "config", ":", NULL, "mount a secret and set BUNDLE_HOST from its file in the step that needs it" },
	{ "aws", "configure", "aws_secret_access_key", NULL, "mount a secret at ~/.aws/credentials" },
};

/* The value of "-p X", "--password X" or "--password=X". */
static bool
has_password_option(const struct vk_segment *s)
{
	for (size_t i = s->cmd + 1; i < s->n_w; i++)
		if (vk_word_is(&s->w[i], "-p") || vk_word_is(&s->w[i], "--password") ||
		    (s->w[i].n > 11 && memcmp(s->w[i].p, "--password=", 11) == 0))
			return true;
	return false;
}

static bool
check_login(struct where *w)
{
	static const char *const tools[] = { "docker", "podman", "buildah", "helm", "skopeo", "oras", "crane" };

	for (size_t i = 0; i < VK_COUNT(tools); i++) {
		if (!vk_segment_is(w->s, tools[i], "login") || !has_password_option(w->s))
			continue;
		if (vk_lint_add(w->c->l, VK_LINT_WRITES, w->line, "%s login with the password as an argument",
		    tools[i]))
			vk_doctor_fix(w->c->l->d,
			    "mount config.json as a secret at ~/.docker/config.json, or log in outside of the "
			    "build");
		return true;
	}
	return false;
}

static bool
check_writer(struct where *w)
{
	size_t n;

	for (size_t i = 0; i < VK_COUNT(writers); i++) {
		const struct writer *t = &writers[i];
		bool login = *t->needle == '\0' && w->s->n_w > w->s->cmd + 2;

		if (!vk_segment_is(w->s, t->command, t->argument) || !(login || (*t->needle && has(w->s, t->needle))))
			continue;
		if (!vk_lint_add(w->c->l, VK_LINT_WRITES, w->line,
		    "%s %s puts a credential into a configuration file", t->command, t->argument))
			return true;
		if (t->kind) {
			drop(w);
			vk_lint_need(w->c, w->i, t->kind);
		} else {
			vk_doctor_fix(w->c->l->d, "%s", t->fix);
		}
		return true;
	}
	if (!vk_segment_is(w->s, "git", "config") || !vk_lint_url(w->s->p, w->s->n, &n))
		return check_login(w);
	if (vk_lint_add(w->c->l, VK_LINT_WRITES, w->line,
	    "git config puts a URL with a credential into git's configuration")) {
		drop(w);
		vk_lint_need(w->c, w->i, "netrc");
	}
	return true;
}

static bool
is_mvn_password(const struct vk_word *w)
{
	const char *eq = memchr(w->p, '=', w->n);

	return w->n > 2 && w->p[0] == '-' && w->p[1] == 'D' && eq &&
	    vk_lint_secret_name(w->p + 2, (size_t)(eq - w->p) - 2) &&
	    !vk_lint_no_secret(eq + 1, w->n - (size_t)(eq - w->p) - 1);
}

/* Options that hold a password: they go, and the tool reads it from a file. */
static bool
check_option(struct where *w)
{
	bool mvn = vk_segment_is(w->s, "mvn", NULL) || vk_segment_is(w->s, "mvnw", NULL);
	bool curl = vk_segment_is(w->s, "curl", NULL);
	struct vk_segment *s = w->s;

	for (size_t i = s->cmd + 1; i < s->n_w; i++) {
		const struct vk_word *v = &s->w[i];
		const char *colon = NULL;
		bool user = curl && (vk_word_is(v, "-u") || vk_word_is(v, "--user")) && i + 1 < s->n_w &&
		    (colon = memchr(v[1].p, ':', v[1].n)) != NULL && !memchr(v[1].p, '$', v[1].n) &&
		    !vk_lint_no_secret(colon + 1, v[1].n - (size_t)(colon + 1 - v[1].p));

		if (!user && !(mvn && is_mvn_password(v)))
			continue;
		if (!vk_lint_add(w->c->l, VK_LINT_WRITES, w->line, "a password is an argument of %s",
			user ? "curl" : "mvn"))
			return true;
		s->cut = v;
		s->n_cut = user ? 2 : 1;
		s->netrc = user;
		w->plan->changed = true;
		vk_lint_give(w->plan, vk_lint_kind_find(user ? "netrc" : "settings.xml"));
		vk_lint_link(w->c, w->i);
		return true;
	}
	return false;
}

static void
check_url(struct where *w)
{
	size_t n;
	const char *at = vk_lint_url(w->s->p, w->s->n, &n);
	const struct vk_lint_kind *npm = vk_lint_kind_find("npmrc");

	/* Only git keeps what a mounted secret has put into a URL. */
	if (!at || (from_mount(w) && *at == '$' && !vk_segment_is(w->s, "git", NULL)))
		return;
	if (!vk_lint_add(w->c->l, VK_LINT_URL, vk_dockerfile_line(w->in, at), "a credential in a URL"))
		return;
	w->s->url = true;
	w->s->netrc = vk_segment_is(w->s, "curl", NULL);
	w->plan->changed = true;
	vk_lint_give(w->plan, vk_lint_kind_reads(npm, w->s) ? npm : vk_lint_kind_find("netrc"));
	vk_lint_link(w->c, w->i);
}

/* "X_TOKEN=literal command", and tokens that are known by their look. */
static void
check_literal(struct where *w)
{
	const char *at, *eq;
	size_t n;

	if ((at = vk_lint_token(w->s->p, w->s->n, &n)) != NULL) {
		if (vk_lint_add(w->c->l, VK_LINT_LITERAL, vk_dockerfile_line(w->in, at),
		    "what looks like a token stands in the command"))
			vk_doctor_fix(w->c->l->d,
			    "replace the token where it is valid, and mount a secret: \"$(cat /run/secrets/ID)\" in "
			    "its place");
		return;
	}
	for (size_t i = 0; i < w->s->n_w; i++) {
		const struct vk_word *v = &w->s->w[i];
		bool first = i <= w->s->cmd || vk_segment_is(w->s, "export", NULL);

		if (!first || !(eq = memchr(v->p, '=', v->n)) || !vk_lint_secret_name(v->p, (size_t)(eq - v->p)) ||
		    !vk_lint_shows_secret(v->p, v->n))
			continue;
		if (vk_lint_add(w->c->l, VK_LINT_LITERAL, w->line, "%.*s has its value in the command",
		    (int)(eq - v->p), v->p))
			vk_doctor_fix(w->c->l->d, "mount a secret, and write %.*s=\"$(cat /run/secrets/ID)\"",
			    (int)(eq - v->p), v->p);
	}
}

/* Was the file brought or written by an earlier instruction of the stage? */
static bool
was_there(const struct where *w, const char *id)
{
	for (size_t i = vk_lint_stage_of(w->c, w->i)->first; i < w->i; i++) {
		const struct vk_lint_plan *p = &w->c->plan[i];

		if (vk_lint_copied(w->c, i, id))
			return true;
		for (size_t k = 0; k < p->n_seg; k++) {
			const char *other = writes_file(&p->seg[k]);

			if (other && strcmp(other, id) == 0 && looks_secret(&p->seg[k]))
				return true;
		}
	}
	return false;
}

static void
check_rm(struct where *w)
{
	if (!vk_segment_is(w->s, "rm", NULL))
		return;
	for (size_t i = w->s->cmd + 1; i < w->s->n_w; i++) {
		const char *id = vk_word_cred(&w->s->w[i]);

		if (!id)
			continue;
		/* Of a file that this RUN no longer makes. */
		for (size_t k = 0; k < w->k; k++) {
			const char *other = w->plan->seg[k].dropped ? writes_file(&w->plan->seg[k]) : NULL;

			w->s->dropped |= other && strcmp(other, id) == 0;
		}
		if (!w->s->dropped && was_there(w, id) && vk_lint_add(w->c->l, VK_LINT_REMOVES, w->line,
			"a file of credentials (%s) is removed after the layer that holds it", id))
			drop(w);
	}
}

static void
check_mounts(struct vk_lint_docker *c, size_t i)
{
	const struct vk_instruction *in = &c->f->v[i];

	for (size_t k = 0; k < in->n_flags; k++) {
		const char *flag = in->flags[k], *id = strstr(flag, "id="), *env = strstr(flag, ",env=");
		bool secret = vk_str_starts(flag, "--mount=") && strstr(flag, "type=secret");
		int n = id ? (int)strcspn(id + 3, ",") : 0;

		if (!secret)
			continue;
		if (!strstr(flag, "required") && vk_lint_add(c->l, VK_LINT_REQUIRED, in->line,
		    "the secret %.*s is mounted without required=true",
			n, id ? id + 3 : "")) {
			c->plan[i].changed = c->plan[i].required = true;
			vk_lint_link(c, i);
		}
		if (env && !strstr(flag, "target=") && !strstr(flag, "dst=") && vk_lint_add(c->l, VK_LINT_ENV, in->line,
			"the secret %.*s is only given as the variable %.*s", n, id ? id + 3 : "",
			    (int)strcspn(env + 5, ","), env + 5))
			vk_doctor_fix(c->l->d,
			    "give it a target= that the tool reads, or read /run/secrets/ID where it is needed");
	}
}

void
vk_lint_runs(struct vk_lint_docker *c)
{
	for (size_t i = 0; i < c->f->n; i++) {
		struct vk_lint_plan *p = &c->plan[i];

		if (strcmp(c->f->v[i].name, "RUN") != 0)
			continue;
		check_mounts(c, i);
		for (size_t k = 0; k < p->n_seg; k++) {
			struct where w = { .c = c, .i = i, .k = k, .in = &c->f->v[i], .plan = p, .s = &p->seg[k],
				.line = vk_dockerfile_line(&c->f->v[i], p->seg[k].n_w > 0
				    ? p->seg[k].w[p->seg[k].cmd].p : p->seg[k].p) };

			if (!check_file(&w) && !check_writer(&w) && !check_option(&w)) {
				check_url(&w);
				check_literal(&w);
			}
			check_rm(&w);
		}
	}
}
