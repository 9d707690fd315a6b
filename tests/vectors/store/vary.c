/* SPDX-License-Identifier: ISC */
/*
 * Vectors that differ from another one in one thing, written as the bytes that differ: most of them bad.
 * What a thief without a key could do is there, and what only a key holder could: wrong text, properly sealed.
 */
#include "make.h"

void
flip_file(struct image *im, const struct variant *v)
{
	im->p[v->at] ^= (unsigned char)v->value;
}

void
flip_newest(struct image *im, const struct variant *v)
{
	unsigned char *h = image_newest(im);

	h[v->at] ^= (unsigned char)v->value;
	image_fix_sum(h);
}

void
flip_private(struct image *im, const struct variant *v)
{
	image_open_header(im, image_newest(im));
	image_private(im)[v->at] ^= (unsigned char)v->value;
	image_seal(im);
}

void
swap_pages(struct image *im, const struct variant *v)
{
	unsigned char was[VK_PAGE];

	memcpy(was, image_page(im, v->at), VK_PAGE);
	memcpy(image_page(im, v->at), image_page(im, v->value), VK_PAGE);
	memcpy(image_page(im, v->value), was, VK_PAGE);
}

void
no_verify(struct image *im)
{
	CHECK(strncmp(im->asks, "verify: ", 8) == 0);
	im->asks = strchr(im->asks, '\n') + 1;
}

void
only_verify(struct image *im)
{
	static char asks[32];
	size_t n = strcspn(im->asks, "\n") + 1;

	CHECK(strncmp(im->asks, "verify: ", 8) == 0 && n < sizeof(asks));
	memcpy(asks, im->asks, n);
	asks[n] = '\0';
	im->asks = asks;
}

unsigned
record_at(const unsigned char *text, enum vk_record_kind kind)
{
	unsigned at = VK_NODE_HEAD, next;
	struct vk_record r;

	for (unsigned n = vk_node_count(text); n > 0; n--, at = next) {
		next = vk_leaf_record(text, at, &r);
		if (r.kind == kind && !r.blob)
			return at;
	}
	CHECK(!"no such record");
	return 0;
}

unsigned
git_record(const struct image *im, const unsigned char *text, const char *user)
{
	struct vk_scope scope = { 0 };
	unsigned char key[VK_TREE_KEY];
	unsigned at = VK_NODE_HEAD, next;
	struct vk_record r;

	CHECK(vk_scope_parse("https://git.example", &scope, NULL) == VK_OK);
	vk_key_entry(&im->keys, &scope, user ? user : "", key);
	vk_scope_clear(&scope);
	if (!user)
		memset(key + 16, 0, 8);
	for (unsigned n = vk_node_count(text); n > 0; n--, at = next) {
		next = vk_leaf_record(text, at, &r);
		if (memcmp(r.key, key, VK_TREE_KEY) == 0)
			return at;
	}
	CHECK(!"no such record");
	return 0;
}

void
set_payload(unsigned char *text, unsigned at, const void *payload, unsigned n)
{
	unsigned old = vk_get16(text + at + VK_TREE_KEY + 2), used = vk_node_used(text);
	unsigned char *p = text + at + VK_RECORD_HEAD;

	CHECK(used - old + n <= VK_PAGE_PLAIN);
	memmove(p + n, p + old, (size_t)(text + used - p) - old);
	memcpy(p, payload, n);
	if (n < old)
		memset(text + used - old + n, 0, old - n);
	vk_put16(text + at + VK_TREE_KEY + 2, n);
	vk_put16(text + 4, used - old + n);
}

unsigned
blob_at(const unsigned char *text, size_t len)
{
	unsigned at = VK_NODE_HEAD, next;
	struct vk_record r;

	for (unsigned n = vk_node_count(text); n > 0; n--, at = next) {
		next = vk_leaf_record(text, at, &r);
		if (r.blob && (len == 0 || vk_get32(r.payload + 4) == len))
			return at + VK_RECORD_HEAD;
	}
	return 0;
}

static struct image *images;
static size_t images_n;

static struct image *
find_image(const char *name)
{
	for (size_t i = 0; i < images_n; i++)
		if (strcmp(images[i].name + strlen("good-"), name) == 0)
			return &images[i];
	CHECK(!"no such base");
	return NULL;
}

const struct image *
other_image(void)
{
	return find_image("pass");
}

static void
write_one(const char *dir, const struct variant *v)
{
	struct image *base = find_image(v->base), im = image_copy(base);
	const char *sort = strcmp(v->expect, "good") == 0 ? "good" : "bad";
	char path[256];
	FILE *f;

	v->change(&im, v);
	CHECK(im.depth == 0 && (im.n != base->n || memcmp(im.p, base->p, im.n) != 0));
	snprintf(path, sizeof(path), "%s/%s-%s.vector", dir, sort, v->name);
	CHECK(f = fopen(path, "wbx"));
	fprintf(f, "expect: %s\n", v->expect);
	if (v->layer)
		fprintf(f, "layer: %s\n", v->layer);
	fprintf(f, "comment: %s\nbase: %s.vector\n", v->comment, base->name);
	if (v->how)
		fprintf(f, "how: %s\n", v->how);
	image_write_patches(&im, base, f);
	fprintf(f, "%s\n", im.asks);
	CHECK(fclose(f) == 0);
	image_free(&im);
}

void
write_variants(const char *dir, struct image *all, size_t n)
{
	const struct variant *lists[] = { variants_header, variants_slot, variants_tree, variants_chain,
		variants_entry };

	images = all;
	images_n = n;
	for (size_t i = 0; i < VK_COUNT(lists); i++)
		for (const struct variant *v = lists[i]; v->name; v++)
			write_one(dir, v);
}
