/* SPDX-License-Identifier: ISC */
/* Keystores in memory: opened, and sealed again as only a key holder could. */
#include "make.h"

static unsigned char *
read_all(const struct vk_store *st, size_t *ret_n)
{
	size_t n = (size_t)st->header.file_pages * VK_PAGE;
	unsigned char *p = malloc(n);

	CHECK(p && vk_pread_full(st->fd, p, n, 0) == VK_OK);
	*ret_n = n;
	return p;
}

void
image_read(const struct vk_store *st, struct image *im)
{
	free(im->p);
	im->p = read_all(st, &im->n);
	im->keys = *st->keys;
	memcpy(im->id, vk_store_id(st), sizeof(im->id));
}

void
image_remember(const struct vk_store *st, struct image *im)
{
	free(im->past);
	im->past = read_all(st, &im->past_n);
}

struct image
image_copy(const struct image *im)
{
	struct image c = *im;

	CHECK(c.p = malloc(c.n));
	memcpy(c.p, im->p, c.n);
	c.past = NULL;
	if (im->past) {
		CHECK(c.past = malloc(c.past_n));
		memcpy(c.past, im->past, c.past_n);
	}
	return c;
}

void
image_free(struct image *im)
{
	free(im->p);
	free(im->past);
}

unsigned char *
image_page(struct image *im, uint32_t pgno)
{
	CHECK(((size_t)pgno + 1) * VK_PAGE <= im->n);
	return im->p + (size_t)pgno * VK_PAGE;
}

uint32_t
image_add_page(struct image *im)
{
	uint32_t pgno = (uint32_t)(im->n / VK_PAGE);

	CHECK(im->n % VK_PAGE == 0 && (im->p = realloc(im->p, im->n + VK_PAGE)));
	memset(im->p + im->n, 0, VK_PAGE);
	im->n += VK_PAGE;
	return pgno;
}

unsigned char *
image_newest(struct image *im)
{
	return image_page(im, vk_get64(im->p + H_GENERATION) < vk_get64(im->p + VK_PAGE + H_GENERATION));
}

unsigned char *
image_older(struct image *im)
{
	return image_page(im, image_newest(im) == im->p);
}

void
image_fix_sum(unsigned char *header)
{
	vk_digest(header, H_SUM, header + H_SUM);
}

void
image_fix_witnesses(struct image *im)
{
	for (unsigned i = 0; i < 2; i++) {
		unsigned char *witness = image_page(im, i) + VK_WITNESS_AT, *other = image_page(im, !i);

		if (vk_get64(witness) != 0 && vk_get64(witness) == vk_get64(other + H_GENERATION))
			vk_witness_encode(vk_get64(witness), other + H_TAG, witness);
	}
}

void
image_open_header(struct image *im, unsigned char *h)
{
	CHECK(vk_unseal(im->keys.header, h + H_NONCE, h, VK_HEADER_AD, h + H_PRIVATE, VK_PRIVATE_LEN,
	    h + H_TAG));
}

void
image_seal_header(struct image *im, unsigned char *h)
{
	CHECK(vk_random(h + H_NONCE, VK_NONCE_LEN) == VK_OK);
	vk_seal(im->keys.header, h + H_NONCE, h, VK_HEADER_AD, h + H_PRIVATE, VK_PRIVATE_LEN, h + H_TAG);
	image_fix_sum(h);
	image_fix_witnesses(im);
}

unsigned char *
image_private(struct image *im)
{
	return image_newest(im) + H_PRIVATE;
}

/* What points to the page that is open at ${depth}. */
static unsigned char *
pointing_to(struct image *im, unsigned depth)
{
	return depth == 0 ? image_private(im) : vk_page_text(image_page(im, im->way[depth - 1].pgno));
}

unsigned char *
image_enter(struct image *im, size_t page_at, size_t tag_at)
{
	const unsigned char *from = pointing_to(im, im->depth);
	struct vk_child c = { .pgno = vk_get32(from + page_at) };

	memcpy(c.tag, from + tag_at, VK_TAG_LEN);
	CHECK(im->depth < WAY_MAX && vk_page_open(&im->keys, im->id, &c, image_page(im, c.pgno)));
	im->way[im->depth].pgno = c.pgno;
	im->way[im->depth++].tag_at = tag_at;
	return vk_page_text(image_page(im, c.pgno));
}

void
image_seal(struct image *im)
{
	while (im->depth > 0) {
		struct vk_child c = { .pgno = im->way[--im->depth].pgno };

		CHECK(vk_page_seal(&im->keys, im->id, 0, &c, image_page(im, c.pgno)) == VK_OK);
		memcpy(pointing_to(im, im->depth) + im->way[im->depth].tag_at, c.tag, VK_TAG_LEN);
	}
	image_seal_header(im, image_newest(im));
}

unsigned char *
image_root(struct image *im)
{
	image_open_header(im, image_newest(im));
	return image_enter(im, P_ROOT, P_ROOT + 4);
}

unsigned char *
image_list(struct image *im)
{
	image_open_header(im, image_newest(im));
	return image_enter(im, P_LIST, P_LIST + 4);
}

unsigned char *
image_next(struct image *im)
{
	return image_enter(im, VK_NODE_HEAD, VK_NODE_HEAD + 4);
}

unsigned char *
image_slots(struct image *im, unsigned i)
{
	return image_page(im, vk_get32(image_newest(im) + 52) + i);
}

/* The key and the bound bytes of a slot page. */
static void
slots_context(struct image *im, const unsigned char *page, unsigned char key[VK_KEY_LEN],
    unsigned char ad[VK_STORE_ID_LEN + VK_SLOTS_NONCE])
{
	struct vk_part id = { im->id, sizeof(im->id) };

	vk_prf(im->keys.master, "vk1 slots", &id, 1, key, VK_KEY_LEN);
	memcpy(ad, im->id, VK_STORE_ID_LEN);
	memcpy(ad + VK_STORE_ID_LEN, page, VK_SLOTS_NONCE);
}

void
image_open_slots(struct image *im, unsigned i)
{
	unsigned char key[VK_KEY_LEN], ad[VK_STORE_ID_LEN + VK_SLOTS_NONCE], *p = image_slots(im, i);

	slots_context(im, p, key, ad);
	CHECK(vk_unseal(key, p + VK_SLOTS_NONCE, ad, sizeof(ad), p + VK_SLOTS_SEALED, VK_SLOTS_SEALED_LEN,
	    p + VK_SLOTS_TAG));
}

void
image_seal_slots(struct image *im, unsigned i)
{
	unsigned char key[VK_KEY_LEN], ad[VK_STORE_ID_LEN + VK_SLOTS_NONCE], *p = image_slots(im, i);

	slots_context(im, p, key, ad);
	CHECK(vk_random(p + VK_SLOTS_NONCE, VK_NONCE_LEN) == VK_OK);
	vk_seal(key, p + VK_SLOTS_NONCE, ad, sizeof(ad), p + VK_SLOTS_SEALED, VK_SLOTS_SEALED_LEN,
	    p + VK_SLOTS_TAG);
}

void
image_fix_slots(struct image *im, bool sealed)
{
	unsigned char *h = image_newest(im);

	if (sealed)
		image_open_header(im, h);
	vk_digest(image_slots(im, 0), vk_get32(h + 56) * (size_t)VK_PAGE, h + H_SLOTS_HASH);
	if (sealed)
		image_seal_header(im, h);
	else
		image_fix_sum(h);
}

void
image_write(const struct image *im, const char *dir)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.vector", dir, im->name);
	CHECK(f = fopen(path, "wb"));
	fprintf(f, "expect: good\ncomment: %s\n%s%s\n", im->comment, im->keys_text, im->asks);
	CHECK(fwrite(im->p, 1, im->n, f) == im->n && fclose(f) == 0);
}

void
image_write_patches(const struct image *im, const struct image *base, FILE *f)
{
	for (size_t at = 0; at < im->n;) {
		size_t end = at, same = 0;

		if (at < base->n && im->p[at] == base->p[at]) {
			at++;
			continue;
		}
		/* a run ends where 8 bytes are alike */
		for (size_t i = at; i < im->n && same < 8; i++) {
			same = i < base->n && im->p[i] == base->p[i] ? same + 1 : 0;
			end = same ? end : i + 1;
		}
		fprintf(f, "patch: %zu ", at);
		for (; at < end; at++)
			fprintf(f, "%02x", im->p[at]);
		fputc('\n', f);
	}
	if (im->n < base->n)
		fprintf(f, "cut: %zu\n", im->n);
}
