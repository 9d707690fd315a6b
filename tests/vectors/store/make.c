/* SPDX-License-Identifier: ISC */
/*
 * make DIR - write the keystore's test vectors (README.md).
 *
 * vk_random() and vk_store_now() are defined here, so that the linker takes these instead of
 * the ones in libvk: the same files come out every time.  Production code has no
 * switch for that.
 */
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

/* The keys that open a vector. */
enum { SLOTS_MAX = 20, EXTERNAL_KEY = 100, IDENTITY = 101 };

struct keyring {
	struct vk_secret secrets[SLOTS_MAX];
	struct vk_slot_new slots[SLOTS_MAX];
	unsigned n;
	unsigned char raw[VK_STORE_KEY_LEN]; /* of the last raw slot */
	char *text;
	size_t at, max;
};

static void
make_key(unsigned i, unsigned char key[VK_STORE_KEY_LEN])
{
	for (unsigned j = 0; j < VK_STORE_KEY_LEN; j++)
		key[j] = (unsigned char)(i * 16 + j);
}

static void
print_key(struct keyring *k, const char *label, const void *p, size_t n)
{
	k->at += (size_t)snprintf(k->text + k->at, k->max - k->at, "%s: ", label);
	for (size_t i = 0; i < n; i++)
		k->at += (size_t)snprintf(k->text + k->at, k->max - k->at, "%02x",
		    ((const unsigned char *)p)[i]);
	k->at += (size_t)snprintf(k->text + k->at, k->max - k->at, "\n");
	CHECK(k->at < k->max);
}

static struct vk_slot_new *
add(struct keyring *k, enum vk_slot_type type, const void *secret, size_t n)
{
	struct vk_slot_new *slot = &k->slots[k->n];

	CHECK(k->n < SLOTS_MAX && vk_secret_set(&k->secrets[k->n], secret, n) == VK_OK);
	*slot = (struct vk_slot_new){ .type = type, .secret = &k->secrets[k->n] };
	k->n++;
	return slot;
}

static void
make_keyring(const struct recipe *r, struct keyring *k)
{
	unsigned char key[VK_STORE_KEY_LEN], public[VK_STORE_KEY_LEN];

	if (r->pass)
		add(k, VK_SLOT_PASSPHRASE, "correct horse", 13)->cost = (struct vk_kdf_cost){ 2, 19456 };
	for (unsigned i = 1; i <= r->raws; i++) {
		make_key(i, k->raw);
		add(k, VK_SLOT_RAW, k->raw, sizeof(k->raw));
	}
	print_key(k, "raw", k->raw, sizeof(k->raw));
	if (r->pass)
		print_key(k, "passphrase", "correct horse", 13);
	if (!r->others)
		return;
	make_key(EXTERNAL_KEY, key);
	print_key(k, "external", key, sizeof(key));
	add(k, VK_SLOT_EXTERNAL, key, sizeof(key))->program = "key-keeper-2";
	make_key(IDENTITY, key);
	print_key(k, "identity", key, sizeof(key));
	vk_x25519_public(key, public);
	add(k, VK_SLOT_X25519, public, sizeof(public))->label = "caf\xc3\xa9, 40 bytes and not a byte more....";
}

static struct image
build(const struct recipe *r)
{
	struct image im = { .name = r->name, .comment = r->comment, .asks = r->asks };
	struct keyring k = { .text = im.keys_text, .max = sizeof(im.keys_text) };
	char dir[] = "/tmp/vk-vector-XXXXXX", path[64];
	struct vk_store *st;

	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/keystore", dir);
	make_keyring(r, &k);
	CHECK(vk_store_create(path, k.slots, k.n) == VK_OK && vk_store_open(path, &st) == VK_OK);
	CHECK(vk_store_unlock_raw(st, k.raw) == VK_OK);
	if (r->fill)
		r->fill(&im, st);
	CHECK(vk_store_verify(st, NULL) == VK_OK);
	image_read(st, &im);
	print_key(&k, "session", im.keys.session, VK_STORE_KEY_LEN);
	vk_store_close(st);
	CHECK(unlink(path) == 0 && rmdir(dir) == 0);
	for (unsigned i = 0; i < k.n; i++)
		vk_secret_clear(&k.secrets[i]);
	return im;
}

int
main(int argc, char **argv)
{
	size_t n;
	const struct recipe *recipes = recipe_all(&n);
	struct image *images = calloc(n, sizeof(*images));

	CHECK(argc == 2 && images);
	for (size_t i = 0; i < n; i++) {
		images[i] = build(&recipes[i]);
		image_write(&images[i], argv[1]);
	}
	write_variants(argv[1], images, n);
	for (size_t i = 0; i < n; i++)
		image_free(&images[i]);
	free(images);
	return 0;
}
