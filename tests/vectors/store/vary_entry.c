/* SPDX-License-Identifier: ISC */
/* Entries and how records belong together: docs/FORMAT.md, section 7.  Nothing but a key holder could make these. */
#include "make.h"

/* Payloads of "blob": a secret that is longer than a text, and a text and a secret as long as they can be. */
enum { A_SECRET = 8193 + 45, LONG = 4 + 8192 + 65536 + 45 };

/* In the payload of ann's entry, whose name is "git.example". */
static void
flip_payload(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im);

	text[git_record(im, text, "ann") + VK_RECORD_HEAD + v->at] ^= (unsigned char)v->value;
	image_seal(im);
}

/* A field's value: "~" stands for a NUL, "#N" for N letters. */
static size_t
value_of(const char *text, size_t n, unsigned char *to)
{
	if (n > 0 && text[0] == '#') {
		size_t count = strtoul(text + 1, NULL, 10);

		memset(to, 'x', count);
		return count;
	}
	for (size_t i = 0; i < n; i++)
		to[i] = text[i] == '~' ? '\0' : (unsigned char)text[i];
	return n;
}

/* "TYPE=VALUE TYPE=VALUE"; "!HEX": bytes as they are. */
static size_t
add_fields(const char *spec, unsigned char *p, size_t n)
{
	while (*spec) {
		size_t len = strcspn(spec, " ");
		char *value;

		if (*spec == '!') {
			for (size_t i = 1; i + 1 < len; i += 2) {
				const char byte[3] = { spec[i], spec[i + 1], '\0' };

				p[n++] = (unsigned char)strtoul(byte, NULL, 16);
			}
		} else {
			size_t size;

			p[n] = (unsigned char)strtoul(spec, &value, 10);
			size = value_of(value + 1, len - (size_t)(value + 1 - spec), p + n + 4);
			vk_put16(p + n + 1, (unsigned)size);
			p[n + 3] = 0;
			n += 4 + size;
		}
		spec += len + (spec[len] == ' ');
	}
	return n;
}

/* Ann's entry has the fields that are given; ${at}: no more bytes than that. */
static void
new_fields(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im), payload[VK_PAGE] = { 0 };
	unsigned at = git_record(im, text, "ann");
	size_t n;

	memcpy(payload, text + at + VK_RECORD_HEAD, 16);
	n = add_fields(v->text, payload, 16);
	set_payload(text, at, payload, (unsigned)(v->at && v->at < n ? v->at : n));
	image_seal(im);
}

/* In the first page of a blob: the first field behind scheme, host and user gets a type, and all that follows. */
static void
one_field(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im), *ref = text + blob_at(text, v->at), *start, *field;
	unsigned at = (unsigned)(ref - text);
	uint32_t len = vk_get32(ref + 4);

	start = field = image_enter(im, at, at + 8) + VK_CHAIN_HEAD;
	field += 16;
	for (unsigned i = 0; i < 3; i++)
		field += 4 + field[1];
	len -= (uint32_t)(field + 4 - start);
	field[0] = (unsigned char)v->value;
	vk_put16(field + 1, len & 0xffff);
	field[3] = (unsigned char)(len >> 16);
	image_seal(im);
}

/* The type of a blob's last field, which is the secret. */
static void
last_field(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im), *p;
	unsigned at = blob_at(text, v->at);

	p = image_enter(im, at, at + 8) + VK_CHAIN_HEAD + 16;
	while (p[0] != 11)
		p += 4 + vk_get16(p + 1);
	p[0] = (unsigned char)v->value;
	image_seal(im);
}

/* Nothing is wrong with it: what new_fields() makes is what it is to be. */
static void
good_fields(struct image *im, const struct variant *v)
{
	new_fields(im, v);
	im->asks = "verify: 11\nfind: https://git.example ann -> 73\nname: git.example -> 73\n";
}

/*
 * Another user's entry lies where ann's is looked for, as it could were their keys equal: for a
 * lookup that is no entry of hers.
 */
static void
collide(struct image *im, const struct variant *v)
{
	new_fields(im, v);
	im->asks = "find: https://git.example ann -> none\nfind: https://git.example bob -> 626f62277320736563726574\n";
}

static void
count_records(struct image *im, int records, int entries)
{
	unsigned char *in = image_private(im);

	vk_put64(in + P_RECORDS, vk_get64(in + P_RECORDS) + (uint64_t)records);
	vk_put64(in + P_ENTRIES, vk_get64(in + P_ENTRIES) + (uint64_t)entries);
}

/* The first record of a kind is gone; the header counts what is left. */
static void
drop_record(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im);
	unsigned at = record_at(text, (enum vk_record_kind)v->at), used = vk_node_used(text);
	unsigned len = VK_RECORD_HEAD + vk_get16(text + at + VK_TREE_KEY + 2);

	only_verify(im);
	memmove(text + at, text + at + len, used - at - len);
	memset(text + used - len, 0, len);
	vk_put16(text + 2, vk_node_count(text) - 1);
	vk_put16(text + 4, used - len);
	count_records(im, -1, v->at == VK_RECORD_ENTRY ? -1 : 0);
	image_seal(im);
}

/* One more record, in its place; the header counts it. */
static void
add_record(struct image *im, unsigned char *text, const unsigned char *key, unsigned kind,
    const void *payload, unsigned n)
{
	unsigned at = VK_NODE_HEAD, next, used = vk_node_used(text), len = VK_RECORD_HEAD + n;
	struct vk_record r;

	for (unsigned left = vk_node_count(text); left > 0; left--, at = next) {
		next = vk_leaf_record(text, at, &r);
		if (memcmp(r.key, key, VK_TREE_KEY) > 0)
			break;
	}
	CHECK(used + len <= VK_PAGE_PLAIN);
	memmove(text + at + len, text + at, used - at);
	memcpy(text + at, key, VK_TREE_KEY);
	text[at + VK_TREE_KEY] = (unsigned char)kind;
	text[at + VK_TREE_KEY + 1] = 0;
	vk_put16(text + at + VK_TREE_KEY + 2, n);
	memcpy(text + at + VK_RECORD_HEAD, payload, n);
	vk_put16(text + 2, vk_node_count(text) + 1);
	vk_put16(text + 4, used + len);
	count_records(im, 1, kind == VK_RECORD_ENTRY);
}

/* A name that no entry has, and that leads to one. */
static void
more_names(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im), key[VK_TREE_KEY];

	vk_key_name(&im->keys, v->text, key);
	add_record(im, text, key, VK_RECORD_NAME, text + git_record(im, text, "ann"), VK_TREE_KEY);
	image_seal(im);
}

/* A name's record that leads to another entry than the one that has it. */
static void
cross_name(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im);
	unsigned ann = git_record(im, text, "ann"), at = record_at(text, VK_RECORD_NAME);

	no_verify(im);
	if (memcmp(text + at + VK_RECORD_HEAD, text + ann, VK_TREE_KEY) == 0) {
		struct vk_record r;

		do
			at = vk_leaf_record(text, at, &r);
		while (text[at + VK_TREE_KEY] != VK_RECORD_NAME);
	}
	memcpy(text + at + VK_RECORD_HEAD, text + ann, VK_TREE_KEY);
	(void)v;
	image_seal(im);
}

/*
 * One more entry, under the key that follows from its fields, and its scope's default: nothing
 * is wrong but these fields.
 */
static void
more_entries(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im), payload[VK_PAGE] = { 1, 0, 187, 1, 1 }, key[VK_TREE_KEY];
	char field[5][256] = { "", "", "", "", "" };
	size_t n = add_fields(v->text, payload, 16);

	for (size_t at = 16; at < n; at += 4 + (size_t)payload[at + 1])
		if (payload[at] < 5)
			memcpy(field[payload[at]], payload + at + 4, payload[at + 1]);
	vk_key_entry(&im->keys, &(struct vk_scope){ field[1], field[2], 443, field[3] }, field[4], key);
	add_record(im, text, key, VK_RECORD_ENTRY, payload, (unsigned)n);
	memcpy(payload, key + 16, 8);
	memset(key + 16, 0, 8);
	add_record(im, text, key, VK_RECORD_DEFAULT, payload, 8);
	image_seal(im);
}

static void
one_more(struct image *im, const struct variant *v)
{
	more_entries(im, v);
	im->asks = "verify: 12\nfind: https://more.example u -> 73\n";
}

/* A default of a scope that has no entry. */
static void
more_defaults(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im), key[VK_TREE_KEY];

	(void)v;
	memcpy(key, text + git_record(im, text, "ann"), VK_TREE_KEY);
	memset(key + 16, 0, 8);
	key[15] ^= 1;
	add_record(im, text, key, VK_RECORD_DEFAULT, text + git_record(im, text, "ann") + 16, 8);
	image_seal(im);
}

/* Ann's entry a second time, under the key of a user that nobody is. */
static void
same_entry(struct image *im, const struct variant *v)
{
	unsigned char *text = image_root(im), key[VK_TREE_KEY], payload[VK_INLINE_MAX];
	unsigned at = git_record(im, text, "ann"), n = vk_get16(text + at + VK_TREE_KEY + 2);

	(void)v;
	memcpy(key, text + at, VK_TREE_KEY);
	memcpy(payload, text + at + VK_RECORD_HEAD, n);
	key[VK_TREE_KEY - 1] ^= 1;
	add_record(im, text, key, VK_RECORD_ENTRY, payload, n);
	image_seal(im);
}

#define G "good"
#define D "damaged"
#define V "version"
#define E "entry"
#define ANN "1=https 2=git.example 4=ann "
#define SECRET " 11=s"
#define NAMED "5=git.example"
const struct variant variants_entry[] = {
	{ "entry", "every field, in the order of types", "small", G, NULL, NULL, good_fields, 0, 0,
	    ANN NAMED " 6=@corp 7=TOKEN 8=Bearer 9=12345678 10=~~~~~~~x 11=s 12=r 128=x 200=y 255=z" },
	{ "entry-more", "one more entry, with its default", "small", G, NULL, NULL, one_more, 0, 0,
	    "1=https 2=more.example 4=u" SECRET },
	{ "entry-1024", "1024 bytes in a leaf", "small", G, NULL, NULL, good_fields, 0, 0, ANN NAMED SECRET " 128=#953" },
	{ "collision-user", "an entry of another user than its key says: not found", "small", G, NULL, NULL, collide, 0, 0,
	    "1=https 2=git.example 4=anne " NAMED SECRET },
	{ "collision-host", "an entry of another host than its key says: not found", "small", G, NULL, NULL, collide, 0, 0,
	    "1=https 2=git.exampl 4=ann " NAMED SECRET },
	{ "collision-path", "an entry of another path than its key says: not found", "small", G, NULL, NULL, collide, 0, 0,
	    "1=https 2=git.example 3=p 4=ann " NAMED SECRET },
	{ "entry-kind", "a credential of unknown kind", "small", D, E, NULL, flip_payload, 0, 8, NULL },
	{ "entry-kind-zero", "a credential of kind 0", "small", D, E, NULL, flip_payload, 0, 1, NULL },
	{ "entry-zero", "a byte that must be zero", "small", D, E, NULL, flip_payload, 1, 1, NULL },
	{ "entry-port", "an entry of another port than its key says", "small", D, E, NULL, flip_payload, 2, 1, NULL },
	{ "entry-flag", "an unknown flag of a credential", "small", D, E, NULL, flip_payload, 4, 8, NULL },
	{ "entry-flag-last", "another one", "small", D, E, NULL, flip_payload, 7, 128, NULL },
	{ "entry-short", "an entry of fifteen bytes", "small", D, E, NULL, new_fields, 15, 0, ANN },
	{ "entry-bare", "an entry without fields", "small", D, E, NULL, new_fields, 16, 0, ANN },
	{ "entry-inline", "1025 bytes in a leaf", "small", D, "leaf", NULL, new_fields, 0, 0,
	    ANN NAMED SECRET " 128=#954" },
	{ "entry-scheme", "no scheme", "small", D, E, NULL, more_entries, 0, 0, "2=more.example 4=u" SECRET },
	{ "entry-host", "no host", "small", D, E, NULL, more_entries, 0, 0, "1=https 3=path 4=u" SECRET },
	{ "entry-nothing", "neither of them", "small", D, E, NULL, more_entries, 0, 0, "4=u" SECRET },
	{ "entry-cert", "a client certificate without a path", "small", D, E, NULL, more_entries, 0, 0, "1=cert 4=u" SECRET },
	{ "entry-deep", "a path of seventeen components", "small", D, E, NULL, more_entries, 0, 0,
	    "1=https 2=more.example 3=a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q 4=u" SECRET },
	{ "entry-other", "an entry of another user than its key says", "small", D, E, NULL, new_fields, 0, 0,
	    "1=https 2=git.example 4=anne " NAMED SECRET },
	{ "entry-other-host", "an entry of another host than its key says", "small", D, E, NULL, new_fields, 0, 0,
	    "1=https 2=git.exampl 4=ann " NAMED SECRET },
	{ "entry-other-path", "an entry of another path than its key says", "small", D, E, NULL, new_fields, 0, 0,
	    "1=https 2=git.example 3=p 4=ann " NAMED SECRET },
	{ "entry-twice", "an entry a second time, under another key", "small", D, E, NULL, same_entry, 0, 0, NULL },
	{ "text-empty", "an empty text", "small", D, E, NULL, new_fields, 0, 0, ANN NAMED " 6=" SECRET },
	{ "text-nul", "a NUL in a text", "small", D, E, NULL, new_fields, 0, 0, ANN NAMED " 6=@~corp" SECRET },
	{ "text-nul-last", "a NUL at its end", "small", D, E, NULL, new_fields, 0, 0, ANN NAMED " 8=Bearer~" SECRET },
	{ "text-long", "a text of 8193 bytes", "blob", D, E, NULL, last_field, A_SECRET, 8, NULL },
	{ "time-short", "a time of seven bytes", "small", D, E, NULL, new_fields, 0, 0, ANN NAMED " 9=1234567" SECRET },
	{ "time-long", "a time of nine bytes", "small", D, E, NULL, new_fields, 0, 0, ANN NAMED " 10=123456789" SECRET },
	{ "time-zero", "a time of zero", "small", D, E, NULL, new_fields, 0, 0, ANN NAMED " 9=~~~~~~~~" SECRET },
	{ "time-empty", "a time without bytes", "small", D, E, NULL, new_fields, 0, 0, ANN NAMED " 10=" SECRET },
	{ "secret-long", "a secret of more than 65536 bytes", "blob", D, E, NULL, one_field, LONG, 11, NULL },
	{ "refresh-long", "a refresh token of more than 65536 bytes", "blob", D, E, NULL, one_field, LONG, 12, NULL },
	{ "field-zero", "a field of type 0", "small", D, E, NULL, new_fields, 0, 0, "0=x " ANN NAMED SECRET },
	{ "field-twice", "two users", "small", D, E, NULL, new_fields, 0, 0, ANN "4=ann " NAMED SECRET },
	{ "field-order", "a name before its user", "small", D, E, NULL, new_fields, 0, 0,
	    "1=https 2=git.example 5=git.example 4=ann" SECRET },
	{ "field-over", "a field that overruns its entry", "small", D, E, NULL, new_fields, 0, 0, ANN NAMED " !0b03000073" },
	{ "field-over-far", "the same by far", "small", D, E, NULL, new_fields, 0, 0, ANN NAMED " !0b0100ff73" },
	{ "field-head", "a field's head that is cut off", "small", D, E, NULL, new_fields, 0, 0, ANN NAMED SECRET " !0c0000" },
	{ "field-type-alone", "nothing but a field's type", "small", D, E, NULL, new_fields, 0, 0, ANN NAMED SECRET " !0c" },
	{ "field-13", "the first field of a newer format", "small", V, NULL, NULL, new_fields, 0, 0, ANN NAMED SECRET " 13=x" },
	{ "field-127", "the last field of a newer format", "small", V, NULL, NULL, new_fields, 0, 0, ANN NAMED SECRET " 127=x" },
	{ "field-13-early", "one of a newer format, and the fields behind it are out of order", "small", V, NULL, NULL, new_fields,
	    0, 0, ANN "13=x 5=git.example" SECRET },
	{ "extra-empty", "an extra field without bytes", "small", D, E, NULL, new_fields, 0, 0, ANN NAMED SECRET " 200=" },
	{ "extra-twice", "two extra fields of one type", "small", D, E, NULL, new_fields, 0, 0,
	    ANN NAMED SECRET " 200=x 200=y" },
	{ "extra-order", "extra fields out of order", "small", D, E, NULL, new_fields, 0, 0, ANN NAMED SECRET " 200=x 128=y" },
	{ "extra-before", "an extra field before the secret", "small", D, E, NULL, new_fields, 0, 0, ANN NAMED " 128=x" SECRET },
	{ "extra-over", "an extra field that overruns its entry", "small", D, E, NULL, new_fields, 0, 0,
	    ANN NAMED SECRET " !8003000073" },
	{ "extra-long", "more extra fields than 32768 bytes", "blob", D, E, NULL, one_field, LONG, 128, NULL },

	{ "default-missing", "a scope without a default record", "small", D, NULL, NULL, drop_record, VK_RECORD_DEFAULT, 0, NULL },
	{ "default-without", "a default record of a scope without entries", "small", D, "default", NULL, more_defaults, 0, 0, NULL },
	{ "name-crossed", "a name's record that leads to an entry of another name, met by a lookup", "small", D, NULL, NULL,
	    cross_name, 0, 0, NULL },
	{ "name-missing", "a name without its record", "small", D, "name", NULL, drop_record, VK_RECORD_NAME, 0, NULL },
	{ "name-without", "a record of a name that no entry has", "small", D, "name", NULL, more_names, 0, 0, "other" },
	{ "name-changed", "an entry with another name than its record", "small", D, "name", NULL, new_fields, 0, 0,
	    ANN "5=git.exampl" SECRET },
	{ "name-gone", "an entry without the name that a record has", "small", D, "name", NULL, new_fields, 0, 0,
	    ANN "11=s" },
	{ 0 },
};
