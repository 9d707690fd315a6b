/* SPDX-License-Identifier: ISC */
/* What is in the good vectors, and how they came to be: each is filled by commits. */
#include "make.h"

/* One entry; secrets are written as text. */
struct row {
	const char *url, *user, *name, *secret;
	enum vk_kind kind;
	unsigned flags;
	int64_t expires;
	const char *extra; /* fields of later versions, as they lie in the entry; NULL: none */
	size_t extra_len;
};

#define EXTRA(text) text, sizeof(text) - 1

static const struct row small_rows[] = {
	{ "https://git.example", "ann", "git.example", "ann's secret", VK_KIND_BASIC,
	    VK_CRED_PINNED, 0, NULL, 0 },
	{ "https://git.example", "bob", "", "bob's secret", VK_KIND_BASIC,
	    VK_CRED_GIT | VK_CRED_DEFAULT, 1800000000, NULL, 0 },
	{ "https://git.example/team-a", "ci", "team-a", "team secret", VK_KIND_BASIC, VK_CRED_PINNED, 0, NULL, 0 },
	{ "https://git.example/team-a/lib", "ci", "", "lib secret", VK_KIND_BASIC, VK_CRED_GIT, 0, NULL, 0 },
	{ "http://git.example:8080", "", "plain", "", VK_KIND_BASIC, VK_CRED_PINNED, -1, NULL, 0 },
	{ "https://[2001:db8::1]", "u", "", "v6 secret", VK_KIND_BASIC, VK_CRED_DOCKER, 0, NULL, 0 },
	{ "https://npm.example", "", "npm", "npm_token", VK_KIND_BEARER, VK_CRED_PINNED, 0, NULL, 0 },
	{ "https://api.example", "", "api", "k", VK_KIND_HEADER, VK_CRED_PINNED, 0, NULL, 0 },
	{ "smtp://mail.example", "j\xc3\xb6rg", "post", "caf\xc3\xa9", VK_KIND_BASIC, VK_CRED_PINNED, 0, NULL, 0 },
	{ "cert:///home/ann/client.pem", "", "", "cert secret", VK_KIND_BASIC, VK_CRED_GIT, 0, NULL, 0 },
	{ "https://deep.example/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", "u", "", "deep secret",
	    VK_KIND_BASIC, VK_CRED_GIT, 0, NULL, 0 },
};

static const struct row later_rows[] = {
	{ "https://git.example", "ann", "git.example", "ann's secret", VK_KIND_BASIC, VK_CRED_PINNED, 0,
	    EXTRA("\x80\x01\x00\x00x\xc8\x04\x00\x00\x00\x01\x02\x03\xff\x02\x00\x00zz") },
	{ "https://git.example/later", "ann", "", "later secret", VK_KIND_BASIC, VK_CRED_GIT, 0,
	    EXTRA("\xff\x01\x00\x00\x00") },
};

static void
set_secret(struct vk_secret *s, const void *p, size_t n)
{
	CHECK(vk_secret_set(s, p, n) == VK_OK);
}

static struct vk_cred *
cred_of(const struct row *r)
{
	struct vk_cred *c = vk_cred_new();

	CHECK(c);
	vk_scope_clear(&c->scope);
	CHECK(vk_scope_parse(r->url, &c->scope, NULL) == VK_OK);
	CHECK(vk_cred_set(&c->username, r->user) == VK_OK && vk_cred_set(&c->name, r->name) == VK_OK);
	set_secret(&c->secret, r->secret, strlen(r->secret));
	c->kind = r->kind;
	c->flags = r->flags;
	c->expires = r->expires;
	if (c->kind == VK_KIND_BEARER) {
		CHECK(vk_cred_set(&c->authtype, "Bearer") == VK_OK);
		CHECK(vk_cred_set(&c->npm_scope, "@corp") == VK_OK);
		set_secret(&c->refresh, "again", 5);
		c->refused = 1699999999;
	}
	if (c->kind == VK_KIND_HEADER)
		CHECK(vk_cred_set(&c->header, "PRIVATE-TOKEN") == VK_OK);
	if (r->extra)
		set_secret(&c->extra, r->extra, r->extra_len);
	return c;
}

/* What one transaction puts and takes. */
struct change {
	const struct row *put;
	size_t puts;
	struct vk_cred *cred;
	const struct row *take;
	size_t takes;
};

static enum vk_err
decide(struct vk_store *st, void *arg)
{
	const struct change *ch = arg;

	if (ch->cred)
		CHECK(vk_store_stage_put(st, ch->cred) == VK_OK);
	for (size_t i = 0; i < ch->puts + ch->takes; i++) {
		struct vk_cred *c = cred_of(i < ch->puts ? &ch->put[i] : &ch->take[i - ch->puts]);

		CHECK((i < ch->puts ? vk_store_stage_put(st, c)
				    : vk_store_stage_remove(st, &c->scope, c->username)) == VK_OK);
		vk_cred_free(c);
	}
	return VK_OK;
}

static void
commit(struct vk_store *st, struct change ch)
{
	CHECK(vk_store_commit(st, decide, &ch) == VK_OK);
}

/* Commits in place have left free pages behind. */
static void
compact(struct vk_store *st)
{
	CHECK(vk_store_compact(st, NULL) == VK_OK && st->header.free_pages == 0);
}

static void
fill_small(struct image *im, struct vk_store *st)
{
	image_remember(st, im);
	commit(st, (struct change){ .put = small_rows, .puts = VK_COUNT(small_rows) });
}

static void
fill_rotated(struct image *im, struct vk_store *st)
{
	fill_small(im, st);
	image_remember(st, im);
	CHECK(vk_store_rotate(st) == VK_OK && st->header.epoch == 1);
}

/* The letter that the secret of blob ${i} is made of; the last one has all there can be. */
enum { BLOBS = 8, BLOB_LETTER = 'a', LARGEST = BLOBS - 1 };

/*
 * With 45 other bytes the payloads have 1024, 1025, 4020, 4021, 8040 and 8238 bytes; the last but one has a text of 8192
 * bytes, too.
 */
static const size_t blob_sizes[BLOBS] = { 979, 980, 3975, 3976, 7995, 8193, VK_MAX_SECRET, VK_MAX_SECRET };

static char *
letters(char letter, size_t n)
{
	char *p = malloc(n + 1);

	CHECK(p);
	memset(p, letter, n);
	p[n] = '\0';
	return p;
}

/* Everything in a credential as large as it can be. */
static void
enlarge(struct vk_cred *c)
{
	char *field = letters('f', VK_MAX_FIELD), *secret = letters('r', VK_MAX_SECRET);
	char *extra = letters('x', 32768);

	CHECK(vk_cred_set(&c->username, field) == VK_OK && vk_cred_set(&c->name, field) == VK_OK);
	CHECK(vk_cred_set(&c->npm_scope, field) == VK_OK && vk_cred_set(&c->header, field) == VK_OK);
	CHECK(vk_cred_set(&c->authtype, field) == VK_OK);
	set_secret(&c->refresh, secret, VK_MAX_SECRET);
	extra[0] = (char)200;
	vk_put16((unsigned char *)extra + 1, 32764);
	extra[3] = 0;
	set_secret(&c->extra, extra, 32768);
	free(field);
	free(secret);
	free(extra);
}

static void
fill_blob(struct image *im, struct vk_store *st)
{
	(void)im;
	for (unsigned i = 0; i < BLOBS; i++) {
		char url[32], *text = letters((char)(BLOB_LETTER + (int)i), blob_sizes[i]);
		struct row r = { url, "u", "", text, VK_KIND_BASIC, VK_CRED_GIT, 0, NULL, 0 };
		struct vk_cred *c;

		snprintf(url, sizeof(url), "https://b%u.test", i);
		c = cred_of(&r);
		if (i == LARGEST)
			enlarge(c);
		if (i == LARGEST - 1) {
			char *field = letters('f', VK_MAX_FIELD);

			CHECK(vk_cred_set(&c->npm_scope, field) == VK_OK);
			free(field);
		}
		commit(st, (struct change){ .cred = c });
		vk_cred_free(c);
		free(text);
	}
	compact(st);
}

static void
fill_deep(struct image *im, struct vk_store *st)
{
	struct row rows[40];
	static char text[40][4][48];

	for (unsigned i = 0; i < VK_COUNT(rows); i++) {
		char(*t)[48] = text[i];

		snprintf(t[0], sizeof(t[0]), "https://h%u.example%s", i % 8, i % 3 ? "" : "/path/of/it");
		snprintf(t[1], sizeof(t[1]), "user-%u", i);
		snprintf(t[2], sizeof(t[2]), "name-%u", i);
		snprintf(t[3], sizeof(t[3]), "secret-%u", i);
		rows[i] = (struct row){ t[0], t[1], i % 2 ? "" : t[2], t[3], VK_KIND_BASIC, VK_CRED_PINNED, 0, NULL, 0 };
	}
	image_remember(st, im);
	commit(st, (struct change){ .put = rows, .puts = VK_COUNT(rows) });
	CHECK(st->header.height == 2);
}

static void
add_slot(struct vk_store *st, unsigned char first)
{
	unsigned char key[VK_STORE_KEY_LEN], id[VK_SLOT_ID_LEN];
	struct vk_secret s = { 0 };
	struct vk_slot_new slot = { .type = VK_SLOT_RAW, .secret = &s, .label = "one more" };

	for (unsigned j = 0; j < sizeof(key); j++)
		key[j] = (unsigned char)(first + j);
	set_secret(&s, key, sizeof(key));
	CHECK(vk_store_slot_add(st, &slot, id) == VK_OK);
	vk_secret_clear(&s);
}

/* Some commits, all of them beside the state before. */
static void
fill_in_place(struct image *im, struct vk_store *st)
{
	char *large = letters('L', 6000);
	const struct row steps[] = {
		{ "https://h1.example", "user-1", "", "changed", VK_KIND_BASIC, VK_CRED_PINNED, 0, NULL, 0 },
		{ "https://h5.example", "user-5", "", large, VK_KIND_BASIC, VK_CRED_PINNED, 0, NULL, 0 },
		{ "https://h5.example", "user-5", "", "small again", VK_KIND_BASIC, VK_CRED_PINNED, 0, NULL, 0 },
		{ "https://new.example", "ann", "", "new", VK_KIND_BASIC, VK_CRED_GIT, 0, NULL, 0 },
		{ "https://new.example", "bob", "", large, VK_KIND_BASIC, VK_CRED_GIT, 0, NULL, 0 },
	};
	ino_t file;

	fill_deep(im, st);
	file = st->stat.st_ino;
	for (size_t i = 0; i < VK_COUNT(steps); i++)
		commit(st, (struct change){ .put = &steps[i], .puts = 1 });
	add_slot(st, 77);
	image_remember(st, im);
	commit(st, (struct change){ .take = &steps[0], .takes = 1 });
	CHECK(st->stat.st_ino == file && st->header.slots_pgno > VK_FIRST_PAGE);
	CHECK(st->header.quarantine > 0 && st->header.quarantine < st->header.free_pages);
	free(large);
}

enum { LIST_ENTRIES = 31 };

/* What is free means nothing: as zero bytes it takes no room where the vectors are kept. */
static void
wipe_free(struct image *im)
{
	struct image open = image_copy(im);
	unsigned char *text = image_list(&open);

	for (unsigned pages = 1;; pages++) {
		for (unsigned i = 0; i < vk_node_count(text); i++)
			memset(image_page(im, vk_get32(text + VK_CHAIN_HEAD + (size_t)i * 4)), 0, VK_PAGE);
		if (vk_get32(text + VK_NODE_HEAD) == 0) {
			CHECK(pages == 2);
			break;
		}
		text = image_next(&open);
	}
	image_free(&open);
}

/* More free pages than one list page can name. */
static void
fill_list(struct image *im, struct vk_store *st)
{
	static const struct row kept = { "https://kept.example", "u", "", "kept", VK_KIND_BASIC, VK_CRED_GIT, 0, NULL, 0 };
	char *text = letters('t', VK_MAX_SECRET), url[LIST_ENTRIES][32];
	struct row rows[LIST_ENTRIES];

	commit(st, (struct change){ .put = &kept, .puts = 1 });
	for (unsigned i = 0; i < LIST_ENTRIES; i++) {
		struct vk_cred *c;

		rows[i] = (struct row){ url[i], "u", "", text, VK_KIND_BASIC, VK_CRED_GIT, 0, NULL, 0 };
		snprintf(url[i], sizeof(url[i]), "https://l%u.test", i);
		c = cred_of(&rows[i]);
		set_secret(&c->refresh, text, VK_MAX_SECRET);
		commit(st, (struct change){ .cred = c });
		vk_cred_free(c);
	}
	commit(st, (struct change){ .take = rows, .takes = 15 });
	commit(st, (struct change){ .take = rows + 15, .takes = LIST_ENTRIES - 15 });
	CHECK(st->header.free_pages > VK_LIST_MAX && st->header.quarantine < st->header.free_pages);
	image_read(st, im);
	wipe_free(im);
	CHECK(vk_pwrite_full(st->fd, im->p, im->n, 0) == VK_OK);
	free(text);
}

static void
fill_later(struct image *im, struct vk_store *st)
{
	(void)im;
	commit(st, (struct change){ .put = later_rows, .puts = VK_COUNT(later_rows) });
	compact(st);
}

#define EMPTY_ASKS "verify: 0\nfind: https://git.example * -> none\nname: git.example -> none\n"

/* Answers as hex, by hand from the rows above. */
static const char small_asks[] =
    "verify: 11\n"
    "find: https://git.example * -> 626f62277320736563726574\n"
    "find: https://git.example ann -> 616e6e277320736563726574\n"
    "find: https://git.example bob -> 626f62277320736563726574\n"
    "find: https://git.example eve -> none\n"
    "find: https://git.example '' -> none\n"
    "find: https://git.example/team-a * -> 7465616d20736563726574\n"
    "find: https://git.example/team-ab * -> 626f62277320736563726574\n"
    "find: https://git.example/team-a/x.git * -> 7465616d20736563726574\n"
    "find: https://git.example/team-a/lib.git * -> 6c696220736563726574\n"
    "find: https://git.example/team-a/lib.git/info/lfs ci -> 6c696220736563726574\n"
    "find: https://git.example/team-a/lib/x bob -> 626f62277320736563726574\n"
    "find: https://git.example:8443 * -> none\n"
    "find: http://git.example * -> none\n"
    "find: http://git.example:8080/x '' -> \n"
    "find: https://[2001:db8::1] * -> 763620736563726574\n"
    "find: smtp://mail.example j\xc3\xb6rg -> 636166c3a9\n"
    "find: cert:///home/ann/client.pem '' -> 6365727420736563726574\n"
    "find: cert:///home/ann * -> none\n"
    "find: https://deep.example/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18 * -> 6465657020736563726574\n"
    "find: https://deep.example/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15 * -> none\n"
    "find: https://nobody.example * -> none\n"
    "name: git.example -> 616e6e277320736563726574\n"
    "name: npm -> 6e706d5f746f6b656e\n"
    "name: api -> 6b\n"
    "name: team-a -> 7465616d20736563726574\n"
    "name: plain -> \n"
    "name: post -> 636166c3a9\n"
    "name: nothing -> none\n";

static const char deep_asks[] =
    "verify: 40\n"
    "find: https://h0.example/path/of/it/x * -> 7365637265742d30\n"
    "find: https://h1.example user-1 -> 7365637265742d31\n"
    "find: https://h7.example user-39 -> none\n"
    "find: https://h7.example/path/of/it user-39 -> 7365637265742d3339\n"
    "find: https://h7.example user-7 -> 7365637265742d37\n"
    "find: https://h8.example * -> none\n"
    "name: name-38 -> 7365637265742d3338\n"
    "name: name-39 -> none\n";

static const char later_asks[] =
    "verify: 2\n"
    "find: https://git.example * -> 616e6e277320736563726574\n"
    "find: https://git.example/later/x ann -> 6c6174657220736563726574\n"
    "name: git.example -> 616e6e277320736563726574\n";

static const char list_asks[] =
    "verify: 1\n"
    "find: https://kept.example u -> 6b657074\n"
    "find: https://l0.test u -> none\n"
    "find: https://l30.test * -> none\n";

/* Secrets that are long are asked for by their digests. */
static char blob_asks[1024], in_place_asks[1024];

static size_t
ask_digest(char *to, size_t at, size_t max, const char *question, char letter, size_t n)
{
	unsigned char h[VK_DIGEST_LEN];
	char *text = letters(letter, n);

	vk_digest(text, n, h);
	free(text);
	at += (size_t)snprintf(to + at, max - at, "%s -> H ", question);
	for (size_t i = 0; i < sizeof(h); i++)
		at += (size_t)snprintf(to + at, max - at, "%02x", h[i]);
	return at + (size_t)snprintf(to + at, max - at, "\n");
}

static void
make_asks(void)
{
	size_t at = (size_t)snprintf(blob_asks, sizeof(blob_asks), "verify: %d\n", BLOBS);

	for (unsigned i = 0; i < BLOBS; i++) {
		char question[48];

		snprintf(question, sizeof(question), "find: https://b%u.test %s", i, i == LARGEST ? "*" : "u");
		at = ask_digest(blob_asks, at, sizeof(blob_asks), question, (char)(BLOB_LETTER + (int)i),
		    blob_sizes[i]);
	}
	at = (size_t)snprintf(in_place_asks, sizeof(in_place_asks),
	    "verify: 41\n"
	    "find: https://h1.example user-1 -> none\n"
	    "find: https://h5.example user-5 -> 736d616c6c20616761696e\n"
	    "find: https://new.example * -> 6e6577\n"
	    "find: https://h7.example user-7 -> 7365637265742d37\n"
	    "name: name-38 -> 7365637265742d3338\n");
	ask_digest(in_place_asks, at, sizeof(in_place_asks), "find: https://new.example bob", 'L', 6000);
}

const struct recipe *
recipe_all(size_t *ret_n)
{
	static const struct recipe all[] = {
		{ "good-empty", "no entries: the root is a leaf without records", EMPTY_ASKS, 1, false, false, NULL },
		{ "good-small", "all kinds and fields, accounts, paths, names", small_asks, 1, false, false, fill_small },
		{ "good-blob", "payloads in leaves and in blobs, up to the largest", blob_asks, 1, false, false, fill_blob },
		{ "good-deep", "an inner node over several leaves", deep_asks, 1, false, false, fill_deep },
		{ "good-pass", "a passphrase slot before a raw one", EMPTY_ASKS, 1, true, false, NULL },
		{ "good-slots", "two slot pages; the key is that of the last slot", EMPTY_ASKS, 14, false, false, NULL },
		{ "good-all-types", "a slot of each type", small_asks, 1, true, true, fill_small },
		{ "good-in-place", "commits in place: free pages, quarantine, a slot page at the end", in_place_asks, 1,
		    false, false, fill_in_place },
		{ "good-list", "two list pages", list_asks, 1, false, false, fill_list },
		{ "good-later", "extra fields that mean nothing yet", later_asks, 1, false, false, fill_later },
		{ "good-rotated", "a new master key for every slot", small_asks, 1, true, true, fill_rotated },
	};

	make_asks();
	*ret_n = VK_COUNT(all);
	return all;
}
