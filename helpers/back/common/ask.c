/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "ask.h"

static const char hello[] = "valetkey-helper 1";

static enum vk_err
bad(const char *why)
{
	return vk_fail(VK_EPROTO, "%s", why);
}

/* One "NAME=VALUE" per line, cut in place. */
static enum vk_err
parse_attr(struct vk_ask *a, char *line)
{
	char *eq = strchr(line, '=');

	if (!eq || eq == line)
		return bad("a line of the request is no attribute");
	*eq = '\0';
	for (size_t i = 0; i < a->n_attrs; i++)
		if (strcmp(a->attrs[i].name, line) == 0)
			return bad("an attribute of the request is there twice");
	if (a->n_attrs == VK_ASK_ATTRS_MAX)
		return bad("the request has too many attributes");
	a->attrs[a->n_attrs].name = line;
	a->attrs[a->n_attrs++].value = eq + 1;
	return VK_OK;
}

static enum vk_err
parse(struct vk_ask *a)
{
	char *p = a->text.p, *lf;
	size_t line = 0;

	if (a->text.len < 2 || memchr(p, '\0', a->text.len) || strcmp(p + a->text.len - 2, "\n\n") != 0)
		return bad("the request is not whole");
	for (; (lf = strchr(p, '\n')) && lf > p; p = lf + 1, line++) {
		enum vk_err e = VK_OK;

		*lf = '\0';
		if (line == 0 && strcmp(p, hello) != 0)
			return bad("the request is of another version");
		if (line == 1)
			a->verb = p;
		else if (line > 1)
			e = parse_attr(a, p);
		if (e != VK_OK)
			return e;
	}
	if (line < 2 || p + 1 != a->text.p + a->text.len)
		return bad("the request has no end, or goes on behind it");
	return VK_OK;
}

const char *
vk_ask_get(struct vk_ask *a, const char *name)
{
	for (size_t i = 0; i < a->n_attrs; i++)
		if (strcmp(a->attrs[i].name, name) == 0) {
			a->used[i] = true;
			return a->attrs[i].value;
		}
	return NULL;
}

enum vk_err
vk_ask_need(struct vk_ask *a, const char *name, const char **ret)
{
	const char *v = vk_ask_get(a, name);

	if (!v || !*v)
		return vk_fail(VK_EPROTO, "the request has no %s", name);
	*ret = v;
	return VK_OK;
}

enum vk_err
vk_ask_secret(struct vk_ask *a, const char *name, struct vk_secret *ret)
{
	const char *v = vk_ask_get(a, name);
	size_t n = 0;
	unsigned char *bytes;
	enum vk_err e;

	if (!v)
		return VK_OK;
	if (!(bytes = vk_arena_alloc(strlen(v) + 1)))
		return VK_ENOMEM;
	if ((e = vk_base64_decode(v, strlen(v), bytes, &n)) == VK_OK)
		e = vk_secret_set(ret, bytes, n);
	else
		e = vk_fail(VK_EPROTO, "%s is not base64", name);
	vk_arena_free(bytes);
	/* A helper that goes on is not to have it longer than it needs it. */
	vk_wipe(a->text.p + (v - a->text.p), strlen(v));
	return e;
}

enum vk_err
vk_ask_all_used(const struct vk_ask *a)
{
	for (size_t i = 0; i < a->n_attrs; i++)
		if (!a->used[i])
			return vk_fail(VK_EPROTO, "an attribute is not known: %s", a->attrs[i].name);
	return VK_OK;
}

enum vk_err
vk_answer_secret(struct vk_buf *out, const char *name, const void *bytes, size_t n)
{
	char *text = vk_arena_alloc(VK_BASE64_LEN(n) + 1);

	if (!text)
		return VK_ENOMEM;
	vk_base64_encode(bytes, n, text);
	vk_buf_str(out, name);
	vk_buf_char(out, '=');
	vk_buf_str(out, text);
	vk_arena_free(text);
	return vk_buf_char(out, '\n');
}

/* Up to the empty line: with "hold" the end comes much later. */
static enum vk_err
read_request(struct vk_buf *text)
{
	size_t n = 1;
	enum vk_err e = VK_OK;

	while (e == VK_OK && n > 0 && !(text->len >= 2 && memcmp(text->p + text->len - 2, "\n\n", 2) == 0))
		e = vk_buf_read_some(text, STDIN_FILENO, &n);
	return e;
}

static enum vk_err
answer(struct vk_ask *a, const struct vk_ask_verb *verbs, size_t n, struct vk_buf *out,
    const struct vk_ask_verb **ret)
{
	enum vk_err e = read_request(&a->text);

	if (e == VK_OK)
		e = parse(a);
	for (size_t i = 0; e == VK_OK && i < n; i++)
		if (strcmp(verbs[i].name, a->verb) == 0) {
			*ret = &verbs[i];
			return verbs[i].answer(a, out);
		}
	return e == VK_OK ? bad("the verb is not known") : e;
}

static int ends = -1; /* readable when a signal has come that would have ended us */

enum vk_err
vk_ask_hold(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || (ends = signalfd(-1, &set, SFD_CLOEXEC)) < 0)
		return vk_fail_errno("cannot wait for signals");
	return VK_OK;
}

bool
vk_ask_goes_on(int ms)
{
	struct pollfd p[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = ends, .events = POLLIN } };
	int n;

	while ((n = poll(p, VK_COUNT(p), ms)) < 0 && errno == EINTR)
		;
	return n == 0;
}

static const char *
code_of(enum vk_err e)
{
	switch (e) {
	case VK_ENOENT:
		return "not-found";
	case VK_ELOCKED:
		return "locked";
	case VK_EPOLICY:
		return "denied";
	case VK_EBACKEND:
		return "unavailable";
	default:
		return "failed";
	}
}

static int
finish(enum vk_err e, const struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF(4096);

	if (e == VK_OK) {
		e = vk_write_full(STDOUT_FILENO, "ok\n", 3);
		if (e == VK_OK && out->len > 0)
			e = vk_write_full(STDOUT_FILENO, out->p, out->len);
		if (e == VK_OK)
			e = vk_write_full(STDOUT_FILENO, "\n", 1);
		return e == VK_OK ? 0 : 1;
	}
	vk_buf_fmt(&text, "error %s %s\n\n", code_of(e), *vk_reason() ? vk_reason() : vk_err_text(e));
	(void)!vk_write_full(STDOUT_FILENO, text.p, text.len);
	return 1;
}

int
vk_back_main(const char *name, int argc, const struct vk_ask_verb *verbs, size_t n)
{
	struct vk_ask a = { .text = VK_BUF_SECRET(VK_ASK_MAX) };
	struct vk_buf out = VK_BUF_SECRET(VK_ASK_MAX);
	const struct vk_ask_verb *verb = NULL;
	enum vk_err e;
	int status;

	vk_harden();
	if (argc > 1) {
		VK_CLEANUP(vk_freep) char *text = vk_asprintf(
		    "valetkey-%s is started by valetkey, and takes no arguments: valetkey(1)\n", name);

		(void)!(text && vk_write_full(STDERR_FILENO, text, strlen(text)) == VK_OK);
		return 2;
	}
	e = answer(&a, verbs, n, &out, &verb);
	if (e == VK_OK)
		e = out.err;
	status = finish(e, &out);
	vk_buf_clear(&out);
	close(STDOUT_FILENO);
	/* Also when nobody is left to hear the answer: what it gave is there all the same. */
	if (e == VK_OK && verb->after)
		verb->after();
	vk_arena_wipe();
	return status;
}
