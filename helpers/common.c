/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "common.h"

const char *
vk_helper_line(enum vk_err e)
{
	const char *reason = *vk_reason() ? vk_reason() : vk_err_text(e);

	if (*vk_hint_text())
		(void)vk_fail(e, "%s; %s", reason, vk_hint_text());
	else
		(void)vk_fail(e, "%s", reason);
	vk_hint("%s", "");
	return vk_reason();
}

int
vk_helper_fail(enum vk_err e)
{
	vk_helper_line(e);
	return vk_msg_fail(e);
}

enum vk_err
vk_helper_read(struct vk_buf *b)
{
	enum vk_err e = vk_buf_read(b, STDIN_FILENO);

	return e == VK_ELIMIT ? vk_fail(e, "the request is longer than %zu bytes", b->max) : e;
}

int
vk_helper_write(const char *text, size_t n)
{
	return n == 0 || vk_write_full(STDOUT_FILENO, text, n) == VK_OK ? 0 : vk_helper_fail(VK_ESYS);
}

/* The value of option ${name} at ${argv[*at]}, as "--name VALUE" or "--name=VALUE". */
static const char *
option(int argc, char **argv, int *at, const char *name)
{
	const char *word = argv[*at];
	size_t n = strlen(name);

	if (strncmp(word, name, n) != 0)
		return NULL;
	if (word[n] == '=')
		return word + n + 1;
	if (word[n] != '\0' || *at + 1 >= argc)
		return NULL;
	return argv[++*at];
}

int
vk_helper_options(int argc, char **argv, const char *usage, struct vk_policy_opts *opts)
{
	int at;

	for (at = 1; at < argc && argv[at][0] == '-'; at++) {
		const char *v;

		if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0)
			return vk_helper_write(usage, strlen(usage)) == 0 ? 0 : -1;
		if ((v = option(argc, argv, &at, "--config")))
			opts->config = v;
		else if ((v = option(argc, argv, &at, "--profile")))
			opts->profile = v;
		else
			return vk_msg_usage("%s: no such option, or its value is missing: %s", argv[0], argv[at]), -1;
	}
	return at;
}

void
vk_helper_refused(const struct vk_policy *p, const struct vk_policy_opts *opts, const struct vk_scope *asked,
    enum vk_err e)
{
	struct vk_log_entry v = {
		.event = VK_LOG_REFUSE, .via = opts->tool, .asked = asked && asked->host ? asked : NULL, .result = e,
	};

	vk_msg_log_refusal(p, opts, &v);
}

enum vk_err
vk_helper_claim(struct vk_store *st, const struct vk_query *q, unsigned client, struct vk_cred *c)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *old = NULL;
	enum vk_err e = vk_store_find(st, q, &old);

	if (e != VK_OK && e != VK_ENOENT)
		return e;
	c->flags = client;
	c->created = time(NULL);
	if (e == VK_OK && strcmp(old->scope.path, c->scope.path) == 0) {
		c->flags = old->flags & client ? old->flags : 0;
		c->created = old->created;
	}
	return VK_OK;
}

enum vk_err
vk_helper_changed(const struct vk_policy *p, const char *tool, enum vk_log_event event, const struct vk_scope *asked,
    const struct vk_cred *c, enum vk_err result)
{
	struct vk_log_entry v = { .event = event, .via = tool, .asked = asked, .result = result };

	if (c)
		vk_log_cred(&v, c);
	return vk_msg_log(p, NULL, &v, 1);
}

int
vk_helper_one_url(int argc, char **argv, const char *usage, const char *tool, vk_helper_say *say)
{
	VK_CLEANUP(vk_scope_clear) struct vk_scope asked = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_INPUT);
	VK_CLEANUP(vk_freep) char *user = NULL;
	struct vk_policy_opts opts = { .tool = tool };
	int at = vk_helper_options(argc, argv, usage, &opts);
	enum vk_err e;

	if (at <= 0)
		return at < 0 ? 2 : 0;
	if (argc - at != 1)
		return vk_msg_usage("%s: one URL, please", argv[0]);
	if ((e = vk_scope_parse(argv[at], &asked, &user)) == VK_OK)
		e = vk_helper_answer(&opts, &(struct vk_query){ &asked, user }, say, &out);
	if (e == VK_ENOENT && !*vk_reason())
		e = vk_fail(e, "there is no credential for %s", argv[at]);
	return e == VK_OK ? vk_helper_write(out.p, out.len) : vk_helper_fail(e);
}

enum vk_err
vk_helper_answer(const struct vk_policy_opts *opts, const struct vk_query *q, vk_helper_say *say,
    void *arg)
{
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = NULL;
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	struct vk_log_entry v = { .event = VK_LOG_ANSWER, .via = opts->tool, .asked = q->scope };
	enum vk_err e = vk_policy_open(opts, &p);

	if (e == VK_OK)
		e = vk_policy_find(p, q, &c);
	if (e == VK_OK)
		e = say(c, arg);
	if (e != VK_OK) {
		vk_helper_refused(p, opts, q->scope, e);
		return e;
	}
	vk_log_cred(&v, c);
	return vk_msg_log(p, NULL, &v, 1);
}
