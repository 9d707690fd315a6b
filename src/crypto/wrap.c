/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "crypto/crypto.h"
#include "valetkey/secret.h"

/*
 * The cipher alone does not commit to its key: one ciphertext can open under many.
 * So a commitment is derived beside the key and compared before the cipher runs.
 */
struct pair {
	unsigned char kek[VK_KEY_LEN];
	unsigned char commit[VK_KEY_LEN];
};

static void
derive(const unsigned char *ikm, const void *ad, size_t ad_len, struct pair *ret)
{
	struct vk_part input = { ad, ad_len };

	vk_prf(ikm, "vk1 slot", &input, 1, (unsigned char *)ret, sizeof(*ret));
}

enum vk_err
vk_wrap(const unsigned char ikm[VK_KEY_LEN], const void *ad, size_t ad_len,
    const unsigned char key[VK_KEY_LEN], struct vk_wrapped *ret,
    unsigned char ret_kek[VK_KEY_LEN])
{
	struct pair p;
	enum vk_err e = vk_random(ret->nonce, sizeof(ret->nonce));

	if (e != VK_OK)
		return e;
	derive(ikm, ad, ad_len, &p);
	memcpy(ret->commit, p.commit, sizeof(ret->commit));
	memcpy(ret->key, key, sizeof(ret->key));
	vk_seal(p.kek, ret->nonce, ad, ad_len, ret->key, sizeof(ret->key), ret->tag);
	memcpy(ret_kek, p.kek, sizeof(p.kek));
	vk_wipe(&p, sizeof(p));
	return VK_OK;
}

enum vk_err
vk_unwrap(const unsigned char ikm[VK_KEY_LEN], const void *ad, size_t ad_len,
    const struct vk_wrapped *w, unsigned char ret_key[VK_KEY_LEN])
{
	unsigned char key[VK_KEY_LEN];
	enum vk_err e = VK_OK;
	struct pair p;

	derive(ikm, ad, ad_len, &p);
	memcpy(key, w->key, sizeof(key));
	if (!vk_mem_eq(p.commit, w->commit, sizeof(p.commit)))
		e = VK_EKEY;
	else if (!vk_unseal(p.kek, w->nonce, ad, ad_len, key, sizeof(key), w->tag))
		e = VK_ETAMPER;
	else
		memcpy(ret_key, key, sizeof(key));
	vk_wipe(&p, sizeof(p));
	vk_wipe(key, sizeof(key));
	return e;
}
