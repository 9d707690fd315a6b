/* SPDX-License-Identifier: ISC */
/* Credentials as payloads, and the keys they are found under: docs/FORMAT.md, "Records". */
#include <string.h>

#include "store/internal.h"

enum {
	AT_KIND = 0, /* then a zero byte */
	AT_PORT = 2,
	AT_FLAGS = 4,
	AT_CREATED = 8,
	FIXED = 16,
	FIELD_HEAD = 4, /* type u8, length u24 */
	F_EXTRA = 128,  /* from here on: fields of later versions that may be ignored */
	EXTRA_MAX = 32 * 1024,
};

enum field {
	F_SCHEME = 1,
	F_HOST,
	F_PATH,
	F_USERNAME,
	F_NAME,
	F_NPM_SCOPE,
	F_HEADER,
	F_AUTHTYPE,
	F_EXPIRES,
	F_REFUSED,
	F_SECRET,
	F_REFRESH,
	F_END,
};

#define STORED_FLAGS (VK_CRED_PINNED | VK_CRED_GIT | VK_CRED_DOCKER)

/* 8 bytes of a keyed hash: without the key nobody can test a guess. */
static void
short_prf(const struct vk_keys *k, const char *label, const struct vk_part *parts, size_t count,
    unsigned char out[8])
{
	unsigned char full[16];

	vk_prf(k->tag, label, parts, count, full, sizeof(full));
	memcpy(out, full, 8);
}

void
vk_key_origin(const struct vk_keys *k, const struct vk_scope *s, unsigned char out[8])
{
	unsigned char port[2];
	/* The NUL bytes keep the strings apart; neither can hold one. */
	struct vk_part parts[] = { { s->scheme, strlen(s->scheme) + 1 },
		{ s->host, strlen(s->host) + 1 }, { port, sizeof(port) } };

	vk_put16(port, s->port);
	short_prf(k, "vk1 origin", parts, VK_COUNT(parts), out);
}

void
vk_key_path(const struct vk_keys *k, const char *path, size_t n, unsigned char out[8])
{
	struct vk_part part = { path, n };

	short_prf(k, "vk1 path", &part, 1, out);
}

void
vk_key_user(const struct vk_keys *k, const char *user, unsigned char out[8])
{
	struct vk_part part = { user, strlen(user) };

	short_prf(k, "vk1 user", &part, 1, out);
	/* Zero is the place of the default record. */
	if (vk_all_zero(out, 8))
		out[7] = 1;
}

void
vk_key_entry(const struct vk_keys *k, const struct vk_scope *s, const char *user,
    unsigned char out[VK_TREE_KEY])
{
	vk_key_origin(k, s, out);
	vk_key_path(k, s->path, strlen(s->path), out + 8);
	vk_key_user(k, user, out + 16);
}

void
vk_key_name(const struct vk_keys *k, const char *name, unsigned char out[VK_TREE_KEY])
{
	struct vk_part part = { name, strlen(name) };

	vk_prf(k->tag, "vk1 name", &part, 1, out, VK_TREE_KEY);
}

/* The text fields of a credential, by type; NULL for the others. */
static char **
text_field(struct vk_cred *c, enum field f)
{
	switch (f) {
	case F_SCHEME:
		return &c->scope.scheme;
	case F_HOST:
		return &c->scope.host;
	case F_PATH:
		return &c->scope.path;
	case F_USERNAME:
		return &c->username;
	case F_NAME:
		return &c->name;
	case F_NPM_SCOPE:
		return &c->npm_scope;
	case F_HEADER:
		return &c->header;
	case F_AUTHTYPE:
		return &c->authtype;
	default:
		return NULL;
	}
}

static struct vk_secret *
secret_field(struct vk_cred *c, enum field f)
{
	return f == F_SECRET ? &c->secret : f == F_REFRESH ? &c->refresh : NULL;
}

static int64_t *
time_field(struct vk_cred *c, enum field f)
{
	return f == F_EXPIRES ? &c->expires : f == F_REFUSED ? &c->refused : NULL;
}

static size_t
add_field(unsigned char *to, enum field f, const void *p, size_t n)
{
	to[0] = (unsigned char)f;
	vk_put16(to + 1, (unsigned)n & 0xffff);
	to[3] = (unsigned char)(n >> 16);
	memcpy(to + FIELD_HEAD, p, n);
	return FIELD_HEAD + n;
}

static unsigned
path_depth(const char *path)
{
	unsigned n = *path ? 1 : 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* A client certificate has the path of its file and no host. */
static bool
names_a_place(const struct vk_scope *s)
{
	return *s->scheme && (*s->host || (strcmp(s->scheme, "cert") == 0 && *s->path));
}

static enum vk_err
check_storable(struct vk_cred *c, size_t *ret_len)
{
	size_t len = FIXED;

	if (!names_a_place(&c->scope) || c->scope.port > 65535)
		return vk_fail(VK_EUSAGE, "a credential without scheme and host cannot be stored");
	if (path_depth(c->scope.path) > VK_DEPTH_MAX)
		return vk_fail(VK_ELIMIT, "a path has more than %d components", VK_DEPTH_MAX);
	if (c->kind < VK_KIND_BASIC || c->kind > VK_KIND_HEADER)
		return vk_fail(VK_EUSAGE, "a credential of unknown kind cannot be stored");
	for (enum field f = F_SCHEME; f < F_END; f++) {
		char **text = text_field(c, f);
		struct vk_secret *s = secret_field(c, f);

		if (text && strlen(*text) > VK_MAX_FIELD)
			return vk_fail(VK_ELIMIT, "a field is longer than %d bytes", VK_MAX_FIELD);
		if (s && s->p && s->n > VK_MAX_SECRET)
			return vk_fail(VK_ELIMIT, "a secret is larger than %d bytes", VK_MAX_SECRET);
		len += FIELD_HEAD + (text ? strlen(*text) : s ? s->n : 8);
	}
	if (c->extra.p && c->extra.n > EXTRA_MAX)
		return vk_fail(VK_ELIMIT, "an entry has too many extra fields");
	*ret_len = len + c->extra.n;
	return VK_OK;
}

enum vk_err
vk_cred_encode(const struct vk_cred *cred, struct vk_payload *ret)
{
	struct vk_cred *c = &(struct vk_cred){ 0 };
	unsigned char *p;
	size_t len = 0, at = FIXED;
	enum vk_err e;

	*c = *cred; /* the accessors are shared with decoding and take a changeable one */
	if ((e = check_storable(c, &len)) != VK_OK)
		return e;
	if (!(p = vk_arena_alloc(len)))
		return VK_ENOMEM;
	memset(p, 0, FIXED);
	p[AT_KIND] = (unsigned char)c->kind;
	vk_put16(p + AT_PORT, c->scope.port);
	vk_put32(p + AT_FLAGS, c->flags & STORED_FLAGS);
	vk_put64(p + AT_CREATED, (uint64_t)c->created);
	for (enum field f = F_SCHEME; f < F_END; f++) {
		char **text = text_field(c, f);
		struct vk_secret *s = secret_field(c, f);
		int64_t *t = time_field(c, f);
		unsigned char time[8];

		if (text && **text) {
			at += add_field(p + at, f, *text, strlen(*text));
		} else if (s && s->p) {
			at += add_field(p + at, f, s->p, s->n);
		} else if (t && *t != 0) {
			vk_put64(time, (uint64_t)*t);
			at += add_field(p + at, f, time, sizeof(time));
		}
	}
	if (c->extra.n > 0)
		memcpy(p + at, c->extra.p, c->extra.n);
	*ret = (struct vk_payload){ p, at + c->extra.n, p };
	return VK_OK;
}

static enum vk_err
decode_field(struct vk_cred *c, enum field f, const unsigned char *p, size_t n)
{
	char **text = text_field(c, f);
	struct vk_secret *s = secret_field(c, f);
	int64_t *t = time_field(c, f);

	if (text) {
		char *copy;

		if (n < 1 || n > VK_MAX_FIELD || memchr(p, '\0', n))
			return VK_ETAMPER;
		if (!(copy = malloc(n + 1)))
			return VK_ENOMEM;
		memcpy(copy, p, n);
		copy[n] = '\0';
		free(*text);
		*text = copy;
	} else if (s) {
		return n > VK_MAX_SECRET ? VK_ETAMPER : vk_secret_set(s, p, n);
	} else if (t) {
		if (n != 8 || vk_all_zero(p, 8))
			return VK_ETAMPER;
		*t = (int64_t)vk_get64(p);
	}
	return VK_OK;
}

enum vk_err
vk_cred_decode(const unsigned char *p, size_t n, struct vk_cred **ret)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = vk_cred_new();
	unsigned last = 0;
	bool extra = false;
	enum vk_err e;

	if (!c)
		return VK_ENOMEM;
	if (n < FIXED || p[AT_KIND] < VK_KIND_BASIC || p[AT_KIND] > VK_KIND_HEADER || p[1] != 0 ||
	    (vk_get32(p + AT_FLAGS) & ~STORED_FLAGS) != 0)
		return VK_ETAMPER;
	c->kind = (enum vk_kind)p[AT_KIND];
	c->scope.port = vk_get16(p + AT_PORT);
	c->flags = vk_get32(p + AT_FLAGS);
	c->created = (int64_t)vk_get64(p + AT_CREATED);
	for (size_t at = FIXED; at < n;) {
		unsigned f = p[at];
		size_t len;

		if (n - at < FIELD_HEAD)
			return VK_ETAMPER;
		if (f >= F_EXTRA && !extra) {
			extra = true;
			if (n - at > EXTRA_MAX)
				return VK_ETAMPER;
			if ((e = vk_secret_set(&c->extra, p + at, n - at)) != VK_OK)
				return e;
		}
		len = vk_get16(p + at + 1) | (size_t)p[at + 3] << 16;
		at += FIELD_HEAD;
		if (f >= F_END && f < F_EXTRA)
			return vk_fail(VK_EVERSION, "an entry has a field that this version does not know");
		if (f <= last || len > n - at || (extra && len == 0))
			return VK_ETAMPER;
		if (!extra && (e = decode_field(c, (enum field)f, p + at, len)) != VK_OK)
			return e;
		at += len;
		last = f;
	}
	if (!names_a_place(&c->scope) || path_depth(c->scope.path) > VK_DEPTH_MAX)
		return VK_ETAMPER;
	*ret = VK_TAKE(c);
	return VK_OK;
}

enum vk_err
vk_record_cred(struct vk_store *st, const struct vk_record *r, struct vk_cred **ret)
{
	VK_CLEANUP(vk_payload_clear) struct vk_payload p = { 0 };
	enum vk_err e = vk_payload_read(st, r, &p);

	if (e != VK_OK)
		return e;
	e = vk_cred_decode(p.p, p.n, ret);
	if (e == VK_OK && !((*ret)->flags & STORED_FLAGS))
		(*ret)->flags |= VK_CRED_CARGO;
	return e == VK_ETAMPER ? vk_store_damaged(st, "an entry is malformed") : e;
}
