/* SPDX-License-Identifier: ISC */
/*
 * A keystore and a plain table get the same changes and the same questions, and must always agree.
 *
 * Input: one byte for each step, its upper three bits the step, its lower five the account; the steps that
 * put something read one more byte for what.  Changes are collected until a commit.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ACCOUNTS = 32, PENDING_MAX = 64 };
enum step { PUT, PUT_DEFAULT, REMOVE, COMMIT, ASK, ASK_ANY, ASK_NAME, OTHER };
enum other { GIVE_UP, VERIFY, COMPACT, REOPEN, WALK, LAGGARD };

/* Lengths of secrets: nothing, some, around the largest that lies in a leaf, blobs of one and more pages. */
static const unsigned lengths[8] = { 0, 7, 300, 900, 1000, 1100, 4100, 9000 };

/* One account as it must be; ${what} 0: it is not there. */
struct account {
	unsigned what;   /* the byte that it was put with, plus 1 */
	unsigned order;  /* of creation */
};

struct change {
	bool remove, as_default;
	unsigned i, what;
};

static struct account table[ACCOUNTS];
static int preferred[ACCOUNTS]; /* per place: the default account, or -1 */
static struct change pending[PENDING_MAX];
static unsigned n_pending;
static char path[PATH_MAX];

static void
need(bool truth)
{
	if (!truth)
		abort();
}

/* Four accounts on each of eight places. */
static unsigned
place_of(unsigned i)
{
	return i / 4;
}

static void
scope_of(unsigned i, struct vk_scope *ret)
{
	static const char *const urls[8] = { "https://a.test", "https://a.test/x", "https://a.test/x/y",
		"http://a.test", "https://a.test:444", "https://b.test", "https://b.test/x.git", "smtp://c.test" };

	need(vk_scope_parse(urls[place_of(i)], ret, NULL) == VK_OK);
}

static void
text_of(unsigned i, unsigned what, char *out)
{
	unsigned n = lengths[what % 8];

	memset(out, 'a' + (int)((i + what / 8) % 26), n);
	out[n] = '\0';
}

static struct vk_cred *
cred_of(unsigned i, unsigned what)
{
	static char secret[10000];
	struct vk_cred *c = vk_cred_new();
	char user[8] = "", name[16] = "";

	need(c);
	vk_scope_clear(&c->scope);
	scope_of(i, &c->scope);
	if (i % 4 != 0)
		snprintf(user, sizeof(user), "u%u", i % 4);
	if (what & 64)
		snprintf(name, sizeof(name), "name-%u", i);
	text_of(i, what, secret);
	need(vk_cred_set(&c->username, user) == VK_OK && vk_cred_set(&c->name, name) == VK_OK);
	need(vk_secret_set(&c->secret, secret, strlen(secret)) == VK_OK);
	c->flags = what & 128 ? VK_CRED_PINNED : VK_CRED_GIT;
	c->created = 1;
	return c;
}

static enum vk_err
decide(struct vk_store *st, void *arg)
{
	for (unsigned k = 0; k < n_pending; k++) {
		const struct change *ch = &pending[k];
		struct vk_cred *c = cred_of(ch->i, ch->what);
		bool there = table[ch->i].what != 0;

		/* The table goes along, as if the transaction would end here. */
		if (ch->remove) {
			need(vk_store_stage_remove(st, &c->scope, c->username) == (there ? VK_OK : VK_ENOENT));
			table[ch->i].what = 0;
			if (there && preferred[place_of(ch->i)] == (int)ch->i)
				preferred[place_of(ch->i)] = -2; /* one of those that remain */
		} else {
			c->flags |= ch->as_default ? VK_CRED_DEFAULT : 0;
			need(vk_store_stage_put(st, c) == VK_OK);
			if (ch->as_default || preferred[place_of(ch->i)] == -1)
				preferred[place_of(ch->i)] = (int)ch->i;
			table[ch->i].what = ch->what + 1;
		}
		vk_cred_free(c);
	}
	return arg ? VK_EPOLICY : VK_OK;
}

static void
ask(struct vk_store *st, unsigned i)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *got = NULL;
	struct vk_cred *want = cred_of(i, table[i].what ? table[i].what - 1 : 0);
	struct vk_query q = { &want->scope, want->username };
	enum vk_err e = vk_store_find(st, &q, &got);

	/* A place below another one of the same host is answered by that one. */
	if (table[i].what)
		need(e == VK_OK && got->secret.n == want->secret.n &&
		    memcmp(got->secret.p, want->secret.p, want->secret.n) == 0 &&
		    strcmp(got->name, want->name) == 0);
	else
		need(e == VK_ENOENT || (e == VK_OK && strcmp(got->scope.path, want->scope.path) != 0));
	vk_cred_free(want);
}

static void
ask_any(struct vk_store *st, unsigned i)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *got = NULL;
	struct vk_scope s = { 0 };
	struct vk_query q = { &s, NULL };
	unsigned there = 0, first = place_of(i) * 4;
	enum vk_err e;

	scope_of(i, &s);
	e = vk_store_find(st, &q, &got);
	for (unsigned k = first; k < first + 4; k++)
		there += table[k].what != 0;
	if (there > 0) {
		need(e == VK_OK && strcmp(got->scope.path, s.path) == 0 && (got->flags & VK_CRED_DEFAULT));
		if (preferred[place_of(i)] >= 0)
			need((unsigned)preferred[place_of(i)] % 4 ==
			    (*got->username ? (unsigned)(got->username[1] - '0') : 0));
	} else {
		need(e == VK_ENOENT || (e == VK_OK && strcmp(got->scope.path, s.path) != 0));
	}
	vk_scope_clear(&s);
}

static void
ask_name(struct vk_store *st, unsigned i)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *got = NULL;
	bool named = table[i].what && ((table[i].what - 1) & 64);
	char name[16];

	snprintf(name, sizeof(name), "name-%u", i);
	need(vk_store_find_name(st, name, &got) == (named ? VK_OK : VK_ENOENT));
}

static enum vk_err
count_one(const struct vk_cred *c, void *arg)
{
	(void)c;
	++*(unsigned *)arg;
	return VK_OK;
}

static void
commit(struct vk_store *st, bool give_up)
{
	struct account was[ACCOUNTS];
	int was_preferred[ACCOUNTS];

	memcpy(was, table, sizeof(table));
	memcpy(was_preferred, preferred, sizeof(preferred));
	need(vk_store_commit(st, decide, give_up ? st : NULL) == (give_up ? VK_EPOLICY : VK_OK));
	if (give_up) {
		memcpy(table, was, sizeof(table));
		memcpy(preferred, was_preferred, sizeof(preferred));
	}
	for (unsigned p = 0; p < ACCOUNTS / 4; p++) {
		bool any = false;

		for (unsigned k = p * 4; k < p * 4 + 4; k++)
			any = any || table[k].what;
		if (!any)
			preferred[p] = -1;
	}
	n_pending = 0;
}

static struct vk_store *
open_it(void)
{
	static const unsigned char key[VK_STORE_KEY_LEN] = "0123456789abcdef0123456789abcde";
	struct vk_store *st = NULL;

	need(vk_store_open(path, &st) == VK_OK && vk_store_unlock_raw(st, key) == VK_OK);
	return st;
}

static void
create(void)
{
	struct vk_secret key = { 0 };
	struct vk_slot_new slot = { .type = VK_SLOT_RAW, .secret = &key };
	const char *shm = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	snprintf(path, sizeof(path), "%s/vk-fuzz-ops-%ld", shm, (long)getpid());
	unlink(path);
	need(vk_secret_set(&key, "0123456789abcdef0123456789abcde", VK_STORE_KEY_LEN) == VK_OK);
	need(vk_store_create(path, &slot, 1) == VK_OK);
	vk_secret_clear(&key);
}

static void
do_other(enum other o, struct vk_store **st, struct vk_store *laggard)
{
	unsigned n = 0, want = 0;

	switch (o) {
	case GIVE_UP:
		commit(*st, true);
		break;
	case COMPACT:
		need(vk_store_compact(*st, NULL) == VK_OK);
		break;
	case REOPEN:
		vk_store_close(*st);
		*st = open_it();
		break;
	case WALK:
		for (unsigned i = 0; i < ACCOUNTS; i++)
			want += table[i].what != 0;
		need(vk_store_each(*st, NULL, count_one, &n) == VK_OK && n == want);
		break;
	case LAGGARD:
		need(vk_store_reload(laggard) == VK_OK);
		ask(laggard, 5);
		break;
	default:
		need(vk_store_verify(*st, NULL) == VK_OK);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vk_store *st, *laggard;

	memset(table, 0, sizeof(table));
	for (unsigned p = 0; p < ACCOUNTS; p++)
		preferred[p] = -1;
	n_pending = 0;
	create();
	st = open_it();
	laggard = open_it();
	for (size_t at = 0; at < size; at++) {
		unsigned i = data[at] % ACCOUNTS;
		enum step s = (enum step)(data[at] / ACCOUNTS);

		if (s <= REMOVE && n_pending < PENDING_MAX)
			pending[n_pending++] = (struct change){ s == REMOVE, s == PUT_DEFAULT, i,
				s == REMOVE || at + 1 == size ? 0 : data[++at] };
		else if (s == COMMIT || s <= REMOVE)
			commit(st, false);
		else if (s == ASK)
			ask(st, i);
		else if (s == ASK_ANY)
			ask_any(st, i);
		else if (s == ASK_NAME)
			ask_name(st, i);
		else
			do_other((enum other)(i % 6), &st, laggard);
	}
	commit(st, false);
	need(vk_store_verify(st, NULL) == VK_OK);
	for (unsigned i = 0; i < ACCOUNTS; i++)
		ask(st, i);
	vk_store_close(laggard);
	vk_store_close(st);
	unlink(path);
	return 0;
}
