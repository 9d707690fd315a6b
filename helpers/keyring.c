/* SPDX-License-Identifier: ISC */
/*
 * The "keyring" command (keyring 25, cli.py) as pip and uv start it: "get SERVICE USER" for the password,
 * "--mode=creds --output=json get SERVICE [USER]" (pip 26.2), "get SERVICE --mode creds" (uv), options anywhere.
 * SERVICE is the URL of an index.  pip may ask for "host[:port]" alone after that, which does not say whether a
 * request by http is meant, so that nothing answers it.
 */
#include <string.h>

#include "valetkey/proto.h"
#include "common.h"

static const char usage[] =
    "usage: keyring [--mode password|creds] [--output plain|json] get SERVICE [USERNAME]\n\n"
    "pip and uv start this; \"valetkey setup pip\" and \"valetkey setup uv\" register it.\n"
    "SERVICE is the URL of a package index.  Nothing is stored or deleted: \"valetkey add\" does that.\n";

struct question {
	const char *verb, *service, *user; /* NULL when not given */
	bool creds, json;
};

struct answer {
	const struct question *q;
	struct vk_buf text;
};

/* ---- the words ------------------------------------------------------------------------------------------------- */

static int
wrong(const char *what, const char *word)
{
	return vk_msg_usage("keyring: %s%s; it answers \"get SERVICE [USERNAME]\"", what, word), -1;
}

/* "--name VALUE" or "--name=VALUE", VALUE one of two; 1: it was, and ${ret} says whether the second. */
static int
choice(int argc, char **argv, int *at, const char *name, const char *const values[2], bool *ret)
{
	size_t n = strlen(name);
	const char *v = argv[*at];

	if (strncmp(v, name, n) != 0 || (v[n] != '\0' && v[n] != '='))
		return 0;
	v = v[n] == '=' ? v + n + 1 : *at + 1 < argc ? argv[++*at] : "";
	*ret = strcmp(v, values[1]) == 0;
	return *ret || strcmp(v, values[0]) == 0 ? 1 : wrong("no such choice for ", name);
}

/* 1: ${q} is complete; 0: help was printed; -1 after an error message. */
static int
parse(int argc, char **argv, struct question *q)
{
	static const char *const modes[] = { "password", "creds" }, *const outputs[] = { "plain", "json" };
	const char **words[] = { &q->verb, &q->service, &q->user };
	size_t n = 0;
	bool all = false;

	for (int at = 1; at < argc; at++) {
		int known = 0;

		if (!all && strcmp(argv[at], "--") == 0) {
			all = true;
			continue;
		}
		if (all || argv[at][0] != '-') {
			if (n == VK_COUNT(words))
				return wrong("unrecognized arguments: ", argv[at]);
			*words[n++] = argv[at];
			continue;
		}
		if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0)
			return vk_helper_write(usage, strlen(usage)) == 0 ? 0 : -1;
		if ((known = choice(argc, argv, &at, "--mode", modes, &q->creds)) == 0)
			known = choice(argc, argv, &at, "--output", outputs, &q->json);
		if (known < 0)
			return -1;
		if (known == 0)
			return wrong("unrecognized arguments: ", argv[at]);
	}
	if (!q->verb || !*q->verb)
		return wrong("a verb is missing", "");
	if (strcmp(q->verb, "get") == 0 && (!q->service || (!q->creds && !q->user)))
		return wrong(q->service ? "get requires a user name" : "get requires a service", "");
	return 1;
}

/* ---- the answer ------------------------------------------------------------------------------------------------ */

static enum vk_err
say(const struct vk_cred *c, void *arg)
{
	struct answer *a = arg;

	return vk_keyring_answer(c, a->q->creds, a->q->json, &a->text);
}

/* What is no URL has no entry. */
static enum vk_err
scope_of(const struct question *q, struct vk_scope *ret, char **ret_user)
{
	VK_CLEANUP(vk_freep) char *plain = strndup(q->service, strcspn(q->service, "?#"));

	if (!plain)
		return VK_ENOMEM;
	return strstr(plain, "://") ? vk_scope_parse(plain, ret, ret_user) : VK_ENOENT;
}

static int
answer(const struct question *q)
{
	const struct vk_policy_opts opts = { .tool = "keyring" };
	VK_CLEANUP(vk_scope_clear) struct vk_scope asked = { 0 };
	VK_CLEANUP(vk_freep) char *user = NULL;
	struct answer a = { .q = q, .text = VK_BUF_SECRET(VK_MAX_INPUT) };
	struct vk_query query = { &asked, NULL };
	enum vk_err e;
	int status;

	if ((e = scope_of(q, &asked, &user)) != VK_OK) {
		vk_helper_refused(NULL, &opts, &asked, e);
		return e == VK_ENOENT ? 1 : vk_helper_fail(e);
	}
	query.username = q->user ? q->user : user;
	e = vk_helper_answer(&opts, &query, say, &a);
	if (e == VK_ENOENT)
		status = 1;
	else
		status = e == VK_OK ? vk_helper_write(a.text.p, a.text.len) : vk_helper_fail(e);
	vk_buf_clear(&a.text);
	return status;
}

int
vk_keyring(int argc, char **argv)
{
	struct question q = { 0 };
	int parsed = parse(argc, argv, &q);

	if (parsed <= 0)
		return parsed < 0 ? 2 : 0;
	if (strcmp(q.verb, "get") == 0 && q.service)
		return answer(&q);
	if (strcmp(q.verb, "set") != 0 && strcmp(q.verb, "del") != 0)
		return vk_msg_usage("keyring: there is no verb %s here; it answers \"get SERVICE [USERNAME]\"", q.verb);
	vk_hint("valetkey %s", strcmp(q.verb, "set") == 0 ? "add URL --username USER" : "remove NAME");
	return vk_helper_fail(vk_fail(VK_EPOLICY, "this keyring is valetkey, which changes nothing for its clients"));
}
