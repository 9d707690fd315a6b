/* SPDX-License-Identifier: ISC */
/* store_util.h - what the keystore's tests share: a scratch directory, a raw key, credentials. */
#ifndef VK_TESTS_STORE_UTIL_H
#define VK_TESTS_STORE_UTIL_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "valetkey/io.h"
#include "valetkey/store.h"

static char scratch[64], store_file[96];
static const unsigned char raw_key[VK_STORE_KEY_LEN] = "0123456789abcdef0123456789abcde";

#define assert_ok(call)                                                                            \
	do {                                                                                       \
		enum vk_err assert_e_ = (call);                                                    \
		if (assert_e_ != VK_OK)                                                            \
			fail_msg("%s: %s (%s)", #call, vk_err_text(assert_e_), vk_reason());        \
	} while (0)

static inline int
make_scratch(void **state)
{
	(void)state;
	strcpy(scratch, "/tmp/vk-store-XXXXXX");
	if (!mkdtemp(scratch))
		return -1;
	snprintf(store_file, sizeof(store_file), "%s/keystore", scratch);
	return 0;
}

static inline int
drop_scratch(void **state)
{
	char cmd[96];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", scratch);
	return system(cmd);
}

static inline void
create_raw(const char *path)
{
	struct vk_secret key = { 0 };
	struct vk_slot_new slot = { .type = VK_SLOT_RAW, .secret = &key };

	assert_ok(vk_secret_set(&key, raw_key, sizeof(raw_key)));
	assert_ok(vk_store_create(path, &slot, 1));
	vk_secret_clear(&key);
}

static inline struct vk_store *
open_raw(const char *path)
{
	struct vk_store *st = NULL;

	assert_ok(vk_store_open(path, &st));
	assert_ok(vk_store_unlock_raw(st, raw_key));
	return st;
}

static inline struct vk_cred *
cred(const char *url, const char *user, const char *name, const char *secret)
{
	struct vk_cred *c = vk_cred_new();

	assert_non_null(c);
	vk_scope_clear(&c->scope);
	assert_ok(vk_scope_parse(url, &c->scope, NULL));
	assert_ok(vk_cred_set(&c->username, user));
	assert_ok(vk_cred_set(&c->name, name));
	assert_ok(vk_secret_set(&c->secret, secret, strlen(secret)));
	c->flags = *name ? VK_CRED_PINNED : VK_CRED_GIT;
	return c;
}

/* One change per transaction. */
struct change {
	const struct vk_cred *put;
	const char *remove_url, *default_url, *user;
};

static inline enum vk_err
decide_change(struct vk_store *st, void *arg)
{
	const struct change *ch = arg;
	struct vk_scope s = { 0 };
	enum vk_err e;

	if (ch->put)
		return vk_store_stage_put(st, ch->put);
	assert_ok(vk_scope_parse(ch->remove_url ? ch->remove_url : ch->default_url, &s, NULL));
	e = ch->remove_url ? vk_store_stage_remove(st, &s, ch->user)
			   : vk_store_stage_default(st, &s, ch->user);
	vk_scope_clear(&s);
	return e;
}

static inline enum vk_err
put(struct vk_store *st, const char *url, const char *user, const char *name, const char *secret)
{
	struct vk_cred *c = cred(url, user, name, secret);
	struct change ch = { .put = c };
	enum vk_err e = vk_store_commit(st, decide_change, &ch);

	vk_cred_free(c);
	return e;
}

static inline enum vk_err
take(struct vk_store *st, const char *url, const char *user)
{
	struct change ch = { .remove_url = url, .user = user };

	return vk_store_commit(st, decide_change, &ch);
}

static inline enum vk_err
find(struct vk_store *st, const char *url, const char *user, struct vk_cred **ret)
{
	struct vk_scope s = { 0 };
	struct vk_query q = { &s, user };
	enum vk_err e;

	assert_ok(vk_scope_parse(url, &s, NULL));
	e = vk_store_find(st, &q, ret);
	vk_scope_clear(&s);
	return e;
}

/* The answer's secret must be ${secret}; NULL: there must be no answer. */
static inline void
expect(struct vk_store *st, const char *url, const char *user, const char *secret)
{
	struct vk_cred *c = NULL;
	enum vk_err e = find(st, url, user, &c);

	if (!secret) {
		assert_int_equal(e, VK_ENOENT);
		return;
	}
	if (e != VK_OK)
		fail_msg("%s as %s: %s (%s)", url, user ? user : "anybody", vk_err_text(e), vk_reason());
	assert_string_equal(c->secret.p, secret);
	vk_cred_free(c);
}

static inline unsigned
files_in(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static inline void
pause_ms(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

#endif
