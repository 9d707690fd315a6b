/* SPDX-License-Identifier: ISC */
/*
 * make DIR - write the keystore's test vectors (README.md).
 *
 * vk_random() and vk_store_now() are defined here, so that the linker takes these instead of
 * the ones in libvk: the same files come out every time.  Production code has no
 * switch for that.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "make.h"

static uint64_t drawn;

enum vk_err
vk_random(void *p, size_t n)
{
	unsigned char block[VK_DIGEST_LEN], count[8];

	for (size_t at = 0; at < n; at += sizeof(block)) {
		vk_put64(count, ++drawn);
		vk_digest(count, sizeof(count), block);
		memcpy((unsigned char *)p + at, block, n - at < sizeof(block) ? n - at : sizeof(block));
	}
	return VK_OK;
}

int64_t
vk_store_now(void)
{
	return 1700000000;
}

unsigned char *
image_header(struct image *im)
{
	bool two = !vk_all_zero(im->p, VK_HEADER_LEN) && !vk_all_zero(im->p + VK_PAGE, VK_HEADER_LEN);

	if (two)
		return im->p + (vk_get64(im->p + 32) > vk_get64(im->p + VK_PAGE + 32) ? 0 : VK_PAGE);
	return vk_all_zero(im->p, VK_HEADER_LEN) ? im->p + VK_PAGE : im->p;
}

struct image
image_copy(const struct image *im)
{
	struct image c = *im;

	CHECK(c.p = malloc(c.n));
	memcpy(c.p, im->p, c.n);
	return c;
}

void
image_fix_sum(struct image *im)
{
	unsigned char *h = image_header(im);

	vk_digest(h, 480, h + 480);
}

void
image_open_header(struct image *im)
{
	unsigned char *h = image_header(im);

	CHECK(vk_unseal(im->keys.header, h + 128, h, VK_HEADER_AD, h + VK_HEADER_AD, VK_PRIVATE_LEN, h + 464));
}

void
image_seal_header(struct image *im)
{
	unsigned char *h = image_header(im);

	CHECK(vk_random(h + 128, VK_NONCE_LEN) == VK_OK);
	vk_seal(im->keys.header, h + 128, h, VK_HEADER_AD, h + VK_HEADER_AD, VK_PRIVATE_LEN, h + 464);
	image_fix_sum(im);
}

/* The key and the bound bytes of the first slot page, the only one that is ever spoilt. */
static void
slots_context(struct image *im, unsigned char key[VK_KEY_LEN], unsigned char ad[16 + 1936])
{
	struct vk_part id = { im->id, sizeof(im->id) };

	vk_prf(im->keys.master, "vk0 slots", &id, 1, key, VK_KEY_LEN);
	memcpy(ad, im->id, 16);
	memcpy(ad + 16, im->p + 2 * VK_PAGE, 1936);
}

void
image_open_slots(struct image *im)
{
	unsigned char key[VK_KEY_LEN], ad[16 + 1936], *p = im->p + 2 * VK_PAGE;

	slots_context(im, key, ad);
	CHECK(vk_unseal(key, p + 1936, ad, sizeof(ad), p + 1960, 1920, p + 3880));
}

void
image_fix_slots(struct image *im, bool sealed)
{
	unsigned char key[VK_KEY_LEN], ad[16 + 1936], *p = im->p + 2 * VK_PAGE;
	unsigned char *h = image_header(im);

	if (sealed) {
		slots_context(im, key, ad);
		CHECK(vk_random(p + 1936, VK_NONCE_LEN) == VK_OK);
		vk_seal(key, p + 1936, ad, sizeof(ad), p + 1960, 1920, p + 3880);
	}
	vk_digest(p, vk_get32(h + 56) * (size_t)VK_PAGE, h + 64);
	image_fix_sum(im);
}

/* One entry; secrets are written as text, "" is an empty one, NULL none. */
struct row {
	const char *url, *user, *name, *secret;
	enum vk_kind kind;
	unsigned flags;
	int64_t expires;
};

static const struct row small_rows[] = {
	{ "https://git.example", "ann", "git.example", "ann's secret", VK_KIND_BASIC,
	    VK_CRED_PINNED, 0 },
	{ "https://git.example", "bob", "", "bob's secret", VK_KIND_BASIC,
	    VK_CRED_GIT | VK_CRED_DEFAULT, 1800000000 },
	{ "https://git.example/team-a", "ci", "team-a", "team secret", VK_KIND_BASIC, VK_CRED_PINNED, 0 },
	{ "https://git.example/team-a/lib", "ci", "", "lib secret", VK_KIND_BASIC, VK_CRED_GIT, 0 },
	{ "http://git.example:8080", "", "plain", "", VK_KIND_BASIC, VK_CRED_PINNED, -1 },
	{ "https://[2001:db8::1]", "u", "", "v6 secret", VK_KIND_BASIC, VK_CRED_DOCKER, 0 },
	{ "https://npm.example", "", "npm", "npm_token", VK_KIND_BEARER, VK_CRED_PINNED, 0 },
	{ "https://api.example", "", "api", "k", VK_KIND_HEADER, VK_CRED_PINNED, 0 },
	{ "smtp://mail.example", "j\xc3\xb6rg", "post", "caf\xc3\xa9", VK_KIND_BASIC, VK_CRED_PINNED, 0 },
};

static void
stage(struct vk_store *st, const struct row *r)
{
	struct vk_cred *c = vk_cred_new();

	CHECK(c);
	vk_scope_clear(&c->scope);
	CHECK(vk_scope_parse(r->url, &c->scope, NULL) == VK_OK);
	CHECK(vk_cred_set(&c->username, r->user) == VK_OK && vk_cred_set(&c->name, r->name) == VK_OK);
	CHECK(vk_secret_set(&c->secret, r->secret, strlen(r->secret)) == VK_OK);
	c->kind = r->kind;
	c->flags = r->flags;
	c->expires = r->expires;
	if (c->kind == VK_KIND_BEARER) {
		CHECK(vk_cred_set(&c->authtype, "Bearer") == VK_OK);
		CHECK(vk_cred_set(&c->npm_scope, "@corp") == VK_OK);
		CHECK(vk_secret_set(&c->refresh, "again", 5) == VK_OK);
		c->refused = 1699999999;
	}
	if (c->kind == VK_KIND_HEADER)
		CHECK(vk_cred_set(&c->header, "PRIVATE-TOKEN") == VK_OK);
	CHECK(vk_store_stage_put(st, c) == VK_OK);
	vk_cred_free(c);
}

static enum vk_err
fill_small(struct vk_store *st, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < VK_COUNT(small_rows); i++)
		stage(st, &small_rows[i]);
	return VK_OK;
}

/* Secrets around the sizes at which their place changes. */
static enum vk_err
fill_blob(struct vk_store *st, void *arg)
{
	/* with 45 other bytes the payloads have 1024, 1025, 4056, 4057 bytes, and as many as a secret can */
	static const size_t sizes[] = { 979, 980, 4011, 4012, VK_MAX_SECRET };
	static char text[VK_MAX_SECRET + 1];

	(void)arg;
	for (size_t i = 0; i < VK_COUNT(sizes); i++) {
		char url[32];
		struct row r = { url, "u", "", text, VK_KIND_BASIC, VK_CRED_GIT, 0 };

		snprintf(url, sizeof(url), "https://b%zu.test", i);
		memset(text, (char)('a' + (int)i), sizes[i]);
		text[sizes[i]] = '\0';
		stage(st, &r);
	}
	return VK_OK;
}

static enum vk_err
fill_deep(struct vk_store *st, void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 40; i++) {
		char url[48], user[16], name[16], secret[16];
		struct row r = { url, user, i % 2 ? "" : name, secret, VK_KIND_BASIC, VK_CRED_PINNED, 0 };

		snprintf(url, sizeof(url), "https://h%u.example%s", i % 8, i % 3 ? "" : "/path/of/it");
		snprintf(user, sizeof(user), "user-%u", i);
		snprintf(name, sizeof(name), "name-%u", i);
		snprintf(secret, sizeof(secret), "secret-%u", i);
		stage(st, &r);
	}
	return VK_OK;
}

static void
raw_key(unsigned i, struct vk_secret *ret)
{
	unsigned char key[VK_STORE_KEY_LEN];

	for (unsigned j = 0; j < sizeof(key); j++)
		key[j] = (unsigned char)(i * 16 + j);
	CHECK(vk_secret_set(ret, key, sizeof(key)) == VK_OK);
}

/* A keystore with the raw keys 1 to ${raws}, and the passphrase "correct horse" before them. */
static struct image
build(const char *name, unsigned raws, bool pass, vk_store_decide *fill, const char *asks)
{
	struct vk_slot_new slots[16];
	struct vk_secret keys[16] = { { 0 } };
	struct image im = { .name = name, .asks = asks };
	char path[] = "/tmp/vk-vector-XXXXXX";
	struct vk_store *st;
	unsigned n = 0;
	int fd = mkstemp(path);

	CHECK(fd >= 0 && unlink(path) == 0);
	if (pass) {
		CHECK(vk_secret_set(&keys[n], "correct horse", 13) == VK_OK);
		slots[n] = (struct vk_slot_new){ .type = VK_SLOT_PASSPHRASE, .cost = { 2, 65536 },
			.secret = &keys[n] };
		n++;
	}
	for (unsigned i = 1; i <= raws; i++, n++) {
		raw_key(i, &keys[n]);
		slots[n] = (struct vk_slot_new){ .type = VK_SLOT_RAW, .secret = &keys[n] };
	}
	CHECK(vk_store_create(path, slots, n) == VK_OK && vk_store_open(path, &st) == VK_OK);
	CHECK(vk_store_unlock_raw(st, (const unsigned char *)keys[n - 1].p) == VK_OK);
	CHECK(im.older = malloc(4 * VK_PAGE));
	CHECK(vk_pread_full(st->fd, im.older, 4 * VK_PAGE, 0) == VK_OK);
	if (fill)
		CHECK(vk_store_commit(st, fill, NULL) == VK_OK);
	CHECK(vk_store_verify(st, NULL) == VK_OK);
	im.keys = *st->keys;
	memcpy(im.id, vk_store_id(st), sizeof(im.id));
	im.n = (size_t)st->header.file_pages * VK_PAGE;
	CHECK(im.p = malloc(im.n));
	CHECK(vk_pread_full(st->fd, im.p, im.n, 0) == VK_OK);
	vk_store_close(st);
	unlink(path);
	close(fd);
	for (unsigned i = 0; i < n; i++)
		vk_secret_clear(&keys[i]);
	return im;
}

static void
print_hex(FILE *f, const char *label, const void *p, size_t n)
{
	fprintf(f, "%s: ", label);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%02x", ((const unsigned char *)p)[i]);
	fputc('\n', f);
}

static void
write_good(const char *dir, const struct image *im, const char *comment, unsigned raw, bool pass)
{
	struct vk_secret key = { 0 };
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.vector", dir, im->name);
	CHECK(f = fopen(path, "wb"));
	fprintf(f, "expect: good\ncomment: %s\n", comment);
	raw_key(raw, &key);
	print_hex(f, "raw", key.p, key.n);
	print_hex(f, "session", im->keys.session, VK_STORE_KEY_LEN);
	if (pass)
		print_hex(f, "passphrase", "correct horse", 13);
	fprintf(f, "%s\n", im->asks);
	CHECK(fwrite(im->p, 1, im->n, f) == im->n && fclose(f) == 0);
	vk_secret_clear(&key);
}

/* The generation before, as a writer in place would leave it, and the newest knows its tag. */
static struct image
make_pair(const struct image *small)
{
	struct image im = image_copy(small);
	unsigned char *h = image_header(&im), *older = im.p + (h == im.p ? VK_PAGE : 0);

	im.name = "good-pair";
	image_open_header(&im);
	memcpy(older, h, VK_HEADER_LEN);
	vk_put64(older + 32, vk_get64(h + 32) - 1);
	CHECK(vk_random(older + 128, VK_NONCE_LEN) == VK_OK);
	vk_seal(im.keys.header, older + 128, older, VK_HEADER_AD, older + VK_HEADER_AD, VK_PRIVATE_LEN,
	    older + 464);
	vk_digest(older, 480, older + 480);
	memcpy(h + VK_HEADER_AD + 48, older + 464, VK_TAG_LEN);
	image_seal_header(&im);
	return im;
}

/* A slot of a type of the future, a feature that may be ignored, and junk after the end. */
static struct image
make_later(const struct image *small)
{
	struct image im = image_copy(small);
	unsigned char *s = im.p + 2 * VK_PAGE;

	im.name = "good-later";
	CHECK(im.p = realloc(im.p, im.n + 100));
	memset(im.p + im.n, 0xa5, 100);
	im.n += 100;
	s = im.p + 2 * VK_PAGE;
	image_open_slots(&im);
	vk_put16(s + 8, 2);
	memset(s + 16 + VK_SLOT_LEN, 0x77, VK_SLOT_LEN);
	memset(s + 1960 + VK_SLOT_LEN, 0x77, VK_SLOT_LEN);
	image_open_header(&im);
	vk_put32(image_header(&im) + 48, 0x80000001);
	image_fix_slots(&im, true);
	image_seal_header(&im);
	return im;
}

/* Answers as hex, by hand from the rows above. */
static const char small_asks[] =
    "verify: 9\n"
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
    "find: https://nobody.example * -> none\n"
    "name: git.example -> 616e6e277320736563726574\n"
    "name: npm -> 6e706d5f746f6b656e\n"
    "name: api -> 6b\n"
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

/* H is the digest of 65536 letters "e"; filled in when written. */
static char blob_asks[512];

static void
make_blob_asks(void)
{
	static char text[VK_MAX_SECRET];
	unsigned char h[VK_DIGEST_LEN];
	size_t at = (size_t)snprintf(blob_asks, sizeof(blob_asks), "verify: 5\nfind: https://b4.test u -> H ");

	memset(text, 'e', sizeof(text));
	vk_digest(text, sizeof(text), h);
	for (size_t i = 0; i < sizeof(h); i++)
		at += (size_t)snprintf(blob_asks + at, sizeof(blob_asks) - at, "%02x", h[i]);
	memset(text, 'b', 980);
	vk_digest(text, 980, h);
	at += (size_t)snprintf(blob_asks + at, sizeof(blob_asks) - at, "\nfind: https://b1.test * -> H ");
	for (size_t i = 0; i < sizeof(h); i++)
		at += (size_t)snprintf(blob_asks + at, sizeof(blob_asks) - at, "%02x", h[i]);
	snprintf(blob_asks + at, sizeof(blob_asks) - at, "\n");
}

int
main(int argc, char **argv)
{
	struct image empty, small, blob, deep, pass, many, pair, later;

	if (argc != 2)
		return 2;
	make_blob_asks();
	empty = build("good-empty", 1, false, NULL, "verify: 0\nfind: https://git.example * -> none\n");
	small = build("good-small", 1, false, fill_small, small_asks);
	blob = build("good-blob", 1, false, fill_blob, blob_asks);
	deep = build("good-deep", 1, false, fill_deep, deep_asks);
	pass = build("good-pass", 1, true, NULL, "verify: 0\n");
	many = build("good-slots", 11, false, NULL, "verify: 0\n");
	pair = make_pair(&small);
	later = make_later(&small);
	write_good(argv[1], &empty, "no entries: the root is a leaf without records", 1, false);
	write_good(argv[1], &small, "all kinds and fields, accounts, paths, names", 1, false);
	write_good(argv[1], &blob, "payloads in leaves and in blobs, up to the largest secret", 1, false);
	write_good(argv[1], &deep, "an inner node over several leaves", 1, false);
	write_good(argv[1], &pass, "a passphrase slot before a raw one", 1, true);
	write_good(argv[1], &many, "two slot pages; the key is that of the last slot", 11, false);
	write_good(argv[1], &pair, "two headers that belong together; the newer one counts", 1, false);
	write_good(argv[1], &later,
	    "a slot of an unknown type, an unknown compatible feature, bytes after the end", 1, false);
	write_bad(argv[1], &small, &blob, &deep, &pass, &pair);
	return 0;
}
