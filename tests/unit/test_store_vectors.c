/* SPDX-License-Identifier: ISC */
/* Replays tests/vectors/store: see README.md there.  The directory is the first argument. */
#include <dirent.h>
#include <fcntl.h>

#include "crypto/crypto.h"
#include "store_util.h"

struct vector {
	char name[128];
	unsigned char *head, *body; /* one allocation; the head's lines end with NUL */
	size_t head_len, body_len;
};

static const char *vectors;

static void
load(const char *name, struct vector *v)
{
	char path[512];
	struct stat s;
	unsigned char *p, *end;
	int fd;

	snprintf(v->name, sizeof(v->name), "%s", name);
	snprintf(path, sizeof(path), "%s/%s", vectors, name);
	fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &s) < 0)
		fail_msg("cannot read %s", path);
	assert_non_null(p = malloc((size_t)s.st_size));
	assert_ok(vk_pread_full(fd, p, (size_t)s.st_size, 0));
	close(fd);
	assert_non_null(end = memmem(p, (size_t)s.st_size, "\n\n", 2));
	v->head = p;
	v->head_len = (size_t)(end + 1 - p);
	v->body = end + 2;
	v->body_len = (size_t)s.st_size - (size_t)(v->body - p);
	for (size_t i = 0; i < v->head_len; i++)
		if (p[i] == '\n')
			p[i] = '\0';
}

/* The value of the line after ${prev} that has ${key}; NULL when there is none. */
static const char *
field(const struct vector *v, const char *key, const char *prev)
{
	const char *p = prev ? prev + strlen(prev) + 1 : (const char *)v->head;
	const char *end = (const char *)v->head + v->head_len;
	size_t n = strlen(key);

	for (; p < end; p += strlen(p) + 1)
		if (strncmp(p, key, n) == 0 && strncmp(p + n, ": ", 2) == 0)
			return p + n + 2;
	return NULL;
}

static size_t
unhex(const char *s, unsigned char *out, size_t max)
{
	size_t n = 0;

	for (; s[0] && s[1]; s += 2, n++) {
		char byte[3] = { s[0], s[1], '\0' };

		assert_true(n < max);
		out[n] = (unsigned char)strtoul(byte, NULL, 16);
	}
	return n;
}

/* The bytes of ${v} on top of those of ${base} (itself when it has none), as a file. */
static void
write_store(const struct vector *v, const struct vector *base)
{
	int fd = open(store_file, O_RDWR | O_CREAT | O_TRUNC, 0600);
	const char *f;

	assert_true(fd >= 0);
	assert_ok(vk_write_full(fd, base->body, base->body_len));
	for (f = NULL; (f = field(v, "patch", f));) {
		char *hex;
		size_t at = strtoul(f, &hex, 10), n = strlen(hex + 1) / 2;
		unsigned char *bytes = malloc(n);

		assert_int_equal(unhex(hex + 1, bytes, n), n);
		assert_int_equal(pwrite(fd, bytes, n, (off_t)at), n);
		free(bytes);
	}
	if ((f = field(v, "cut", NULL)))
		assert_int_equal(ftruncate(fd, atol(f)), 0);
	close(fd);
}

/* Does ${c} (NULL: none) have the secret that ${want} describes? */
static void
check_secret(const struct vector *v, const char *line, const struct vk_cred *c, const char *want)
{
	unsigned char bytes[512], digest[VK_DIGEST_LEN];
	size_t n;
	bool right;

	if (!c || strcmp(want, "none") == 0) {
		right = !c && strcmp(want, "none") == 0;
	} else if (strncmp(want, "H ", 2) == 0) {
		vk_digest(c->secret.p, c->secret.n, digest);
		right = unhex(want + 2, bytes, sizeof(bytes)) == sizeof(digest) &&
		    memcmp(bytes, digest, sizeof(digest)) == 0;
	} else {
		n = unhex(want, bytes, sizeof(bytes));
		right = n == c->secret.n && memcmp(bytes, c->secret.p, n) == 0;
	}
	if (!right)
		fail_msg("%s: %s: wrong answer", v->name, line);
}

static enum vk_err
count(const struct vk_cred *c, void *arg)
{
	(void)c;
	++*(unsigned *)arg;
	return VK_OK;
}

static enum vk_err
ask_verify(const struct vector *v, struct vk_store *st, const char *line)
{
	enum vk_err e = vk_store_verify(st, NULL);
	unsigned n = 0;

	if (e == VK_OK)
		e = vk_store_each(st, NULL, count, &n);
	if (e == VK_OK && n != (unsigned)atoi(line))
		fail_msg("%s: %u entries", v->name, n);
	return e;
}

static enum vk_err
ask_one(const struct vector *v, struct vk_store *st, const char *line)
{
	bool is_name = strncmp(line - 6, "name: ", 6) == 0;
	char *question = strdup(line), *user;
	const char *want = strstr(line, " -> ") + 4;
	struct vk_cred *c = NULL;
	enum vk_err e;

	*strstr(question, " -> ") = '\0';
	if (is_name) {
		e = vk_store_find_name(st, question, &c);
	} else {
		assert_non_null(user = strchr(question, ' '));
		*user++ = '\0';
		user = strcmp(user, "''") == 0 ? user + 2 : user;
		e = find(st, question, strcmp(user, "*") == 0 ? NULL : user, &c);
	}
	if (e == VK_OK || e == VK_ENOENT)
		check_secret(v, line, e == VK_OK ? c : NULL, want);
	vk_cred_free(c);
	free(question);
	return e == VK_ENOENT ? VK_OK : e;
}

/* The questions in their order, to the first that fails. */
static enum vk_err
ask(const struct vector *v, struct vk_store *st)
{
	const char *p = (const char *)v->head, *end = p + v->head_len;
	enum vk_err e = VK_OK;

	for (; e == VK_OK && p < end; p += strlen(p) + 1) {
		if (strncmp(p, "verify: ", 8) == 0)
			e = ask_verify(v, st, p + 8);
		else if (strncmp(p, "find: ", 6) == 0 || strncmp(p, "name: ", 6) == 0)
			e = ask_one(v, st, p + 6);
	}
	return e;
}

static enum vk_err
unlock_passphrase(struct vk_store *st, const unsigned char *text, size_t n)
{
	struct vk_secret pass = { 0 };
	enum vk_err e;

	assert_ok(vk_secret_set(&pass, text, n));
	e = vk_store_unlock_passphrase(st, &pass);
	vk_secret_clear(&pass);
	return e;
}

/* A program that keeps a key knows whose it is; a vector's is tried on all external slots. */
static enum vk_err
unlock_external(struct vk_store *st, const unsigned char *key)
{
	struct vk_slot_info info[64];
	size_t n = 0;
	enum vk_err e = vk_store_slots(st, info, VK_COUNT(info), &n);

	for (size_t i = 0; e == VK_OK && i < n; i++) {
		if (info[i].type != VK_SLOT_EXTERNAL)
			continue;
		if ((e = vk_store_unlock_external(st, info[i].id, key)) != VK_EKEY)
			return e;
		e = VK_OK;
	}
	return e == VK_OK ? VK_EKEY : e;
}

static enum vk_err
unlock(struct vk_store *st, const char *how, const char *hex)
{
	unsigned char key[256];
	size_t n = unhex(hex, key, sizeof(key));

	if (strcmp(how, "passphrase") == 0)
		return unlock_passphrase(st, key, n);
	assert_int_equal(n, VK_STORE_KEY_LEN);
	if (strcmp(how, "external") == 0)
		return unlock_external(st, key);
	if (strcmp(how, "identity") == 0)
		return vk_store_unlock_identity(st, key);
	return strcmp(how, "raw") == 0 ? vk_store_unlock_raw(st, key) : vk_store_unlock_session(st, key);
}

static void
replay_with(const struct vector *v, const char *how, const char *hex)
{
	static const struct {
		const char *name;
		enum vk_err e;
	} outcomes[] = { { "good", VK_OK }, { "version", VK_EVERSION }, { "key", VK_EKEY },
		{ "damaged", VK_ETAMPER } };
	const char *expect = field(v, "expect", NULL), *layer = field(v, "layer", NULL);
	struct vk_store *st = NULL;
	enum vk_err e;

	vk_reason_clear();
	e = vk_store_open(store_file, &st);
	if (e == VK_OK)
		e = unlock(st, how, hex);
	if (e == VK_OK)
		e = ask(v, st);
	vk_store_close(st);
	for (size_t i = 0; i < VK_COUNT(outcomes); i++)
		if (strcmp(outcomes[i].name, expect) == 0 && outcomes[i].e != e)
			fail_msg("%s, %s: %s (%s)", v->name, how, vk_err_text(e), vk_reason());
	/* the reason names the file, whose name holds none of the layers, and then the layer */
	if (layer && !strstr(vk_reason(), layer))
		fail_msg("%s, %s: not in the %s: %s", v->name, how, layer, vk_reason());
}

static void
replay(const char *name)
{
	static const char *const hows[] = { "raw", "session", "passphrase", "external", "identity" };
	struct vector v, base;
	const char *base_name, *only;

	load(name, &v);
	base_name = field(&v, "base", NULL);
	load(base_name ? base_name : name, &base);
	assert_non_null(field(&v, "expect", NULL));
	only = field(&v, "how", NULL);
	write_store(&v, &base);
	for (size_t i = 0; i < VK_COUNT(hows); i++) {
		const char *hex = field(&v, hows[i], NULL);

		hex = hex ? hex : field(&base, hows[i], NULL);
		if (hex && (!only || strcmp(only, hows[i]) == 0))
			replay_with(&v, hows[i], hex);
	}
	free(v.head);
	free(base.head);
}

static void
test_vectors(void **state)
{
	DIR *d = opendir(vectors);
	unsigned good = 0, bad = 0;

	(void)state;
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		size_t n = strlen(e->d_name);

		if (n < 7 || strcmp(e->d_name + n - 7, ".vector") != 0)
			continue;
		replay(e->d_name);
		good += e->d_name[0] == 'g';
		bad += e->d_name[0] == 'b';
	}
	closedir(d);
	assert_true(good >= 30 && bad >= 300);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_vectors, make_scratch, drop_scratch),
	};

	if (argc != 2)
		return 2;
	vectors = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
