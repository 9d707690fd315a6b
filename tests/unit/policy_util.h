/* SPDX-License-Identifier: ISC */
/* policy_util.h - a config, a keystore and the questions that tests of the policy ask. */
#ifndef VK_TESTS_POLICY_UTIL_H
#define VK_TESTS_POLICY_UTIL_H

#include "store_util.h"
#include "valetkey/policy.h"
#include "valetkey/unlock.h"

#define GH "https://github.example"

static char config_file[96];

static inline void
write_config(const char *text)
{
	FILE *f = fopen(config_file, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
	assert_int_equal(chmod(config_file, 0600), 0);
}

static inline struct vk_policy *
open_policy(const char *profile)
{
	struct vk_policy *p = NULL;

	assert_ok(vk_policy_open(&(struct vk_policy_opts){ .profile = profile }, &p));
	return p;
}

/* What ${url} is answered with: "user:secret", or the error's exit code as "!N". */
static inline void
expect_find(const char *profile, const char *url, const char *user, const char *want)
{
	struct vk_policy *p = open_policy(profile);
	struct vk_scope s = { 0 };
	struct vk_query q = { &s, user };
	struct vk_cred *c = NULL;
	enum vk_err e;
	char got[256];

	assert_ok(vk_scope_parse(url, &s, NULL));
	vk_reason_clear();
	e = vk_policy_find(p, &q, &c);
	if (e == VK_OK)
		snprintf(got, sizeof(got), "%s:%s", c->username, c->secret.p);
	else
		snprintf(got, sizeof(got), "!%d", vk_err_exit(e));
	if (strcmp(got, want) != 0)
		fail_msg("%s: expected %s, got %s (%s)", url, want, got, vk_reason());
	/* What is answered lies within what was asked for, always. */
	if (c)
		assert_true(vk_scope_covers(&c->scope, &s));
	vk_cred_free(c);
	vk_scope_clear(&s);
	vk_policy_close(p);
}

/* The names of what a run gets, in order, or "!N". */
static inline void
expect_select(const char *profile, const char *const *names, size_t n, const char *want)
{
	struct vk_policy *p = open_policy(profile);
	struct vk_cred_list l = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(4096);
	enum vk_err e = vk_policy_select(p, names, n, &l);

	if (e != VK_OK)
		vk_buf_fmt(&b, "!%d", vk_err_exit(e));
	for (size_t i = 0; i < l.n; i++)
		vk_buf_fmt(&b, "%s%s", i ? " " : "", l.v[i]->name);
	if (strcmp(b.p ? b.p : "", want) != 0)
		fail_msg("expected \"%s\", got \"%s\" (%s)", want, b.p ? b.p : "", vk_reason());
	vk_cred_list_clear(&l);
	vk_policy_close(p);
}

#endif
