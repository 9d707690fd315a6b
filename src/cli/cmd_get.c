/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <unistd.h>

#include "valetkey/log.h"
#include "valetkey/policy.h"
#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/json_out.h"
#include "cli/when.h"

static int run(int argc, char **argv);

enum { OPT_USERNAME = 1, OPT_FIELD, OPT_REVEAL, OPT_JSON, OPT_CONFIG, OPT_PROFILE, OPT_OFFLINE };

static const struct vk_opt opts[] = {
	{ OPT_USERNAME, "username", "USER", "which account", false },
	{ OPT_FIELD, "field", "secret|username|all", "secret (the default), username or all", false },
	{ OPT_REVEAL, "reveal", NULL, "print a secret even to a terminal", false },
	{ OPT_JSON, "json", NULL, "print a JSON object with all fields", false },
	{ OPT_CONFIG, "config", "FILE", "use this config file", false },
	{ OPT_PROFILE, "profile", "NAME", "answer for this profile", false },
	{ OPT_OFFLINE, "offline", NULL, "ask no server and no keyring: say what cannot be had then", false },
};

const struct vk_cmd vk_cmd_get = {
	.name = "get",
	.args = "URL",
	.summary = "print the credential that a client would get for a URL",
	.help = "Answers exactly as the helpers do: config, keystore and CI variables are asked in this order,\n"
		"the longest path wins, an expired credential is none.  Exit code 1 means that there is\n"
		"none, 3 that the keystore is locked.\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

enum field { FIELD_SECRET, FIELD_USERNAME, FIELD_ALL };

struct getting {
	struct vk_policy_opts policy;
	const char *url, *username;
	enum field field;
	bool json, reveal;
};

static enum vk_err
parse_field(const char *text, enum field *ret)
{
	static const char *const names[] = { "secret", "username", "all" };

	for (size_t i = 0; i < VK_COUNT(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum field)i;
			return VK_OK;
		}
	return vk_fail(VK_EUSAGE, "no such field: %s (secret, username or all)", text);
}

/* Before anything is printed: what cannot be logged may have to stay here. */
static enum vk_err
log_answer(const struct getting *g, const struct vk_policy *p, const struct vk_scope *asked, const struct vk_cred *c,
    enum vk_err e)
{
	struct vk_log_entry v = {
		.event = e == VK_OK ? VK_LOG_ANSWER : VK_LOG_REFUSE, .via = "get", .asked = asked, .result = e,
	};

	if (e != VK_OK) {
		vk_msg_log_refusal(p, &g->policy, &v);
		return e;
	}
	vk_log_cred(&v, c);
	return vk_msg_log(p, NULL, &v, 1);
}

static enum vk_err
find(const struct getting *g, struct vk_cred **ret)
{
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = NULL;
	VK_CLEANUP(vk_freep) char *user = NULL;
	struct vk_scope scope = { 0 };
	struct vk_query q = { &scope, g->username };
	enum vk_err e = vk_scope_parse(g->url, &scope, &user);

	if (e != VK_OK)
		return log_answer(g, NULL, NULL, NULL, e);
	if (user && g->username && strcmp(user, g->username) != 0)
		e = vk_fail(VK_EUSAGE, "the URL and --username name different users");
	else if (user)
		q.username = user;
	if (e == VK_OK)
		e = vk_policy_open(&g->policy, &p);
	if (e == VK_OK) {
		vk_reason_clear();
		e = vk_policy_find(p, &q, ret);
	}
	if (e == VK_ENOENT && !*vk_reason())
		vk_fail(e, "no credential for %s%s%s", g->url, q.username ? " as " : "",
		    q.username ? q.username : "");
	e = log_answer(g, p, &scope, *ret, e);
	vk_scope_clear(&scope);
	return e;
}

static void
member(struct vk_buf *b, const char *key, const char *value)
{
	vk_buf_fmt(b, "%s=%s\n", key, value);
}

static enum vk_err
put_all(const struct vk_cred *c, struct vk_buf *b)
{
	VK_CLEANUP(vk_freep) char *url = vk_scope_url(&c->scope);
	char stamp[VK_WHEN_TEXT];

	if (!url)
		return VK_ENOMEM;
	vk_when_stamp(c->expires, stamp);
	member(b, "url", url);
	member(b, "kind", vk_kind_text(c->kind));
	if (*c->username)
		member(b, "username", c->username);
	if (*c->header)
		member(b, "header", c->header);
	if (*c->authtype)
		member(b, "authtype", c->authtype);
	if (c->expires)
		member(b, "expires", stamp);
	vk_buf_str(b, "secret=");
	vk_buf_add(b, c->secret.p ? c->secret.p : "", c->secret.n);
	return vk_buf_char(b, '\n');
}

static enum vk_err
put_json(const struct vk_cred *c, struct vk_buf *b)
{
	if (c->secret.p && !vk_utf8_valid(c->secret.p, c->secret.n)) {
		vk_hint("without --json it is printed byte for byte");
		return vk_fail(VK_EPROTO, "this secret is not UTF-8, which JSON cannot carry");
	}
	vk_entry_json(b, c, vk_when_now());
	vk_buf_str(b, ", \"secret\": ");
	vk_json_str(b, c->secret.p ? c->secret.p : "", c->secret.n);
	return vk_buf_str(b, "}\n");
}

static enum vk_err
put(const struct getting *g, const struct vk_cred *c, struct vk_buf *b)
{
	if (g->json)
		return put_json(c, b);
	if (g->field == FIELD_ALL)
		return put_all(c, b);
	if (g->field == FIELD_USERNAME && !*c->username)
		return vk_fail(VK_ENOENT, "the credential for %s has no user name", g->url);
	if (g->field == FIELD_USERNAME)
		vk_buf_str(b, c->username);
	else
		vk_buf_add(b, c->secret.p ? c->secret.p : "", c->secret.n);
	return vk_buf_char(b, '\n');
}

static int
answer(const struct getting *g)
{
	/* JSON may need six bytes for one. */
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(6 * VK_MAX_SECRET + 64 * VK_MAX_FIELD);
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	enum vk_err e;

	if (isatty(STDOUT_FILENO) && !g->reveal && (g->json || g->field != FIELD_USERNAME)) {
		vk_hint("pipe the output to where it is needed, or add --reveal");
		return vk_msg_fail(vk_fail(VK_EPOLICY, "a secret is not printed to a terminal"));
	}
	e = find(g, &c);
	/* What a client stored comes from outside, and a terminal obeys control characters. */
	if (e == VK_OK && isatty(STDOUT_FILENO)) {
		vk_str_printable(c->username, strlen(c->username));
		vk_str_printable(c->secret.p, c->secret.n);
	}
	if (e == VK_OK)
		e = put(g, c, &out);
	if (e != VK_OK)
		return vk_msg_fail(e);
	return vk_stdout_text(out.p, out.len);
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_get, argc, argv);
	struct getting g = { .field = FIELD_SECRET, .policy = { .tool = "get" } };
	bool field = false;
	enum vk_err e;

	for (int id; (id = vk_opts_next(&o)) != 0;)
		switch (id) {
		case OPT_USERNAME:
			g.username = o.arg;
			break;
		case OPT_FIELD:
			field = true;
			if ((e = parse_field(o.arg, &g.field)) != VK_OK)
				return vk_msg_fail(e);
			break;
		case OPT_REVEAL:
			g.reveal = true;
			break;
		case OPT_JSON:
			g.json = true;
			break;
		case OPT_CONFIG:
			g.policy.config = o.arg;
			break;
		case OPT_PROFILE:
			g.policy.profile = o.arg;
			break;
		case OPT_OFFLINE:
			g.policy.offline = true;
			break;
		default:
			return vk_opts_exit(id);
		}
	if (!vk_opts_operands(&o, 1, 1))
		return 2;
	if (g.json && field)
		return vk_msg_usage("get: --json prints all fields; leave --field out");
	g.url = argv[o.at];
	return answer(&g);
}
