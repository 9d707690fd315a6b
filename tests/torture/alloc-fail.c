/* SPDX-License-Identifier: ISC */
/*
 * alloc-fail DIRECTORY - run operations of the library again and again, each time with the next
 * allocation failing, until one run needs no more allocations than were granted.
 *
 * Every run must end with VK_OK or VK_ENOMEM (never with a story about the input), free
 * all it took, and leave a keystore that is the old or the new one.  malloc() and its
 * relatives are defined here and so replace the C library's for every library; the secret
 * arena is wrapped by the linker.  DIRECTORY is empty and ours.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/policy.h"
#include "valetkey/proto.h"
#include "valetkey/store.h"

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void __libc_free(void *p);
void *__real_vk_arena_alloc(size_t n);
void *__wrap_vk_arena_alloc(size_t n);
void __real_vk_arena_free(void *p);
void __wrap_vk_arena_free(void *p);

static unsigned long fail_at; /* 0: never */
static bool fail_on;          /* all later ones fail as well */
static unsigned long made;
static long live;

static bool
trip(void)
{
	made++;
	if (fail_at == 0 || made < fail_at || (made > fail_at && !fail_on))
		return false;
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t n)
{
	void *p = trip() ? NULL : __libc_malloc(n);

	live += p != NULL;
	return p;
}

void *
calloc(size_t n, size_t size)
{
	void *p = trip() ? NULL : __libc_calloc(n, size);

	live += p != NULL;
	return p;
}

void *
realloc(void *old, size_t n)
{
	void *p = trip() ? NULL : __libc_realloc(old, n);

	live += p && !old;
	return p;
}

void
free(void *p)
{
	live -= p != NULL;
	__libc_free(p);
}

void *
__wrap_vk_arena_alloc(size_t n)
{
	void *p = trip() ? NULL : __real_vk_arena_alloc(n);

	live += p != NULL;
	return p;
}

void
__wrap_vk_arena_free(void *p)
{
	live -= p != NULL;
	__real_vk_arena_free(p);
}

/* ---- operations ------------------------------------------------------------------------------ */

static const unsigned char raw_key[VK_STORE_KEY_LEN] = { 1, 2, 3, 4 };
static char keystore[256], config[256];

static enum vk_err
new_cred(const char *url, const char *name, const char *secret, struct vk_cred **ret)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = vk_cred_new();
	enum vk_err e;

	if (!c)
		return VK_ENOMEM;
	vk_scope_clear(&c->scope);
	if ((e = vk_scope_parse(url, &c->scope, NULL)) != VK_OK ||
	    (e = vk_cred_set(&c->name, name)) != VK_OK || (e = vk_cred_set(&c->username, "ci")) != VK_OK ||
	    (e = vk_secret_set(&c->secret, secret, strlen(secret))) != VK_OK)
		return e;
	c->flags = VK_CRED_PINNED;
	*ret = VK_TAKE(c);
	return VK_OK;
}

static enum vk_err
op_scope(void)
{
	struct vk_scope a = { 0 }, b = { 0 };
	VK_CLEANUP(vk_freep) char *user = NULL, *url = NULL;
	enum vk_err e = vk_scope_parse("https://ci@git.example:8443/team/a", &a, &user);

	if (e == VK_OK && (e = vk_scope_copy(&a, &b)) == VK_OK && !(url = vk_scope_url(&b)))
		e = VK_ENOMEM;
	vk_scope_clear(&a);
	vk_scope_clear(&b);
	return e;
}

static enum vk_err
op_git(void)
{
	static const char text[] = "capability[]=authtype\nprotocol=https\nhost=git.example\npath=a/b\n"
				   "username=ci\npassword=p\npassword_expiry_utc=99\noauth_refresh_token=r\n\n";
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_INPUT);
	struct vk_git_msg m = { 0 };
	enum vk_err e = vk_git_parse(text, strlen(text), &m);

	if (e == VK_OK && (e = vk_git_cred(&m, &c)) == VK_OK)
		e = vk_git_answer(c, &m, NULL, false, &out);
	vk_git_msg_clear(&m);
	return e;
}

static enum vk_err
op_docker(void)
{
	static const char text[] = "{\"ServerURL\":\"https://r.example/v1/\",\"Username\":\"u\",\"Secret\":\"s\"}";
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_INPUT);
	VK_CLEANUP(vk_freep) char *server = NULL;
	struct vk_docker_msg m = { 0 };
	struct vk_scope s = { 0 };
	enum vk_err e = vk_docker_parse_store(text, strlen(text), &m);

	if (e == VK_OK && (e = vk_docker_scope(m.server, &s)) == VK_OK && !(server = vk_docker_server(&s)))
		e = VK_ENOMEM;
	if (e == VK_OK)
		e = vk_docker_answer(server, m.username, &m.secret, &out);
	vk_scope_clear(&s);
	vk_docker_msg_clear(&m);
	return e;
}

static enum vk_err
op_files(void)
{
	static const char npmrc[] = "registry=https://r.example/\n//old.example/:_authToken=x\n";
	static const char netrc[] = "machine old.example login u password p\n";
	const struct vk_npmrc_style style = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_FILE);
	VK_CLEANUP(vk_buf_clear) struct vk_buf dropped = VK_BUF(VK_MAX_FILE);
	struct vk_cred_list l = { 0 };
	struct vk_cred *c = NULL;
	enum vk_err e = new_cred("https://r.example", "r", "token", &c);

	if (e == VK_OK && (e = vk_cred_list_add(&l, c)) != VK_OK)
		vk_cred_free(c);
	if (e == VK_OK && (e = vk_npmrc_merge(npmrc, strlen(npmrc), &l, &style, &out, &dropped)) == VK_OK)
		e = vk_netrc_merge(netrc, strlen(netrc), &l, false, &out, &dropped);
	vk_cred_list_clear(&l);
	return e;
}

static enum vk_err
open_store(struct vk_store **ret)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	enum vk_err e = vk_store_open(keystore, &st);

	if (e == VK_OK)
		e = vk_store_unlock_raw(st, raw_key);
	if (e == VK_OK)
		*ret = VK_TAKE(st);
	return e;
}

static enum vk_err
op_create(void)
{
	struct vk_secret key = { 0 };
	struct vk_slot_new slot = { .type = VK_SLOT_RAW, .secret = &key };
	enum vk_err e = vk_secret_set(&key, raw_key, sizeof(raw_key));

	if (e == VK_OK && unlink(keystore) < 0 && errno != ENOENT)
		e = VK_ESYS;
	if (e == VK_OK)
		e = vk_store_create(keystore, &slot, 1);
	vk_secret_clear(&key);
	return e;
}

static enum vk_err
stage(struct vk_store *st, void *url)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	char secret[32];
	enum vk_err e;

	/* Another secret every time, or the commit would find nothing to do. */
	snprintf(secret, sizeof(secret), "token-%lu", made);
	if ((e = new_cred(url, url, secret, &c)) != VK_OK)
		return e;
	return vk_store_stage_put(st, c);
}

static enum vk_err
op_commit(void)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	enum vk_err e = open_store(&st);

	return e == VK_OK ? vk_store_commit(st, stage, (void *)(uintptr_t)"https://new.example") : e;
}

static enum vk_err
op_find(void)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	struct vk_scope s = { 0 };
	struct vk_query q = { .scope = &s };
	enum vk_err e = open_store(&st);

	if (e == VK_OK && (e = vk_scope_parse("https://first.example", &s, NULL)) == VK_OK)
		e = vk_store_find(st, &q, &c);
	vk_scope_clear(&s);
	if (e == VK_OK && (c->secret.n < 6 || memcmp(c->secret.p, "token-", 6) != 0))
		return VK_ETAMPER;
	return e;
}

static enum vk_err
op_verify(void)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	enum vk_err e = open_store(&st);

	return e == VK_OK ? vk_store_verify(st, NULL) : e;
}

static enum vk_err
op_policy(void)
{
	const struct vk_policy_opts opts = { .config = config };
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = NULL;
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	struct vk_cred_list l = { 0 };
	struct vk_scope s = { 0 };
	struct vk_query q = { .scope = &s };
	enum vk_err e = vk_policy_open(&opts, &p);

	if (e == VK_OK && (e = vk_scope_parse("https://packages.example/x", &s, NULL)) == VK_OK &&
	    (e = vk_policy_find(p, &q, &c)) == VK_OK)
		e = vk_policy_select(p, NULL, 0, &l);
	vk_cred_list_clear(&l);
	vk_scope_clear(&s);
	return e;
}

static enum vk_err
add_first(struct vk_store *st, void *arg)
{
	return stage(st, arg);
}

/* What the operations after it work on. */
static enum vk_err
prepare(void)
{
	static const char text[] = "[packages]\nurl = https://packages.example\n"
				   "secret = env:PACKAGES_TOKEN\n"
				   "[narrow]\nurl = https://first.example/only\n"
				   "secret = keystore:https://first.example\n";
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	FILE *f = fopen(config, "we");
	enum vk_err e;

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		return VK_ESYS;
	if ((e = op_create()) != VK_OK || (e = open_store(&st)) != VK_OK)
		return e;
	return vk_store_commit(st, add_first, (void *)(uintptr_t)"https://first.example");
}

static const struct {
	const char *name;
	enum vk_err (*run)(void);
} ops[] = {
	{ "scope", op_scope },   { "git", op_git },       { "docker", op_docker }, { "npmrc and netrc", op_files },
	{ "find", op_find },     { "verify", op_verify }, { "commit", op_commit }, { "policy", op_policy },
	{ "create", op_create },
};

/* Every run of one operation; how many were made, or 0 after a failure that was printed. */
static unsigned long
torture(size_t i)
{
	enum vk_err e = prepare();
	const char *bad = NULL;

	/* Once undisturbed: what the libraries keep for themselves is then there. */
	if (e == VK_OK)
		e = ops[i].run();

	if (e != VK_OK)
		bad = "fails undisturbed";
	for (unsigned long n = 1; !bad; n++) {
		long before = live;
		bool tripped;

		vk_reason_clear();
		made = 0;
		fail_at = n;
		e = ops[i].run();
		fail_at = 0;
		tripped = made >= n;
		if (e != VK_OK && e != VK_ENOMEM)
			bad = "another error";
		else if (e != VK_OK && !tripped)
			bad = "failed without a cause";
		else if (live != before)
			bad = "blocks are lost";
		else if (ops[i].run == op_commit && op_verify() != VK_OK)
			bad = "the keystore does not open";
		else if (!tripped)
			return n;
		if (bad)
			printf("# %s: allocation %lu fails%s\n", ops[i].name, n, fail_on ? ", and all after it" : "");
	}
	printf("# %s: %s (%d: %s)\n", ops[i].name, bad, (int)e, *vk_reason() ? vk_reason() : vk_err_text(e));
	return 0;
}

int
main(int argc, char **argv)
{
	int failed = 0;

	if (argc != 2)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(keystore, sizeof(keystore), "%s/keystore", argv[1]);
	snprintf(config, sizeof(config), "%s/config.ini", argv[1]);
	setenv("PACKAGES_TOKEN", "token-p", 1);
	setenv("VALETKEY_KEYSTORE", keystore, 1);
	setenv("VALETKEY_KEY", "AQIDBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 1);
	printf("1..%zu\n", 2 * VK_COUNT(ops));
	for (size_t i = 0; i < 2 * VK_COUNT(ops); i++) {
		unsigned long n;

		fail_on = i >= VK_COUNT(ops);
		n = torture(i % VK_COUNT(ops));
		printf("%s %zu - %s: %lu allocations failed in turn%s\n", n ? "ok" : "not ok", i + 1,
		    ops[i % VK_COUNT(ops)].name, n ? n - 1 : 0, fail_on ? ", and all after" : "");
		failed |= n == 0;
	}
	return failed;
}
